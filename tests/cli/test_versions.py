"""One reading of versions in every command that takes one: text, JSON, and exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from helperhist.cli.group import cli
from tests.build.checked import GPL, HEAD
from tests.build.objects import compile_bpf

UNAME = [
    ("5.14.0-503.el9", "5.14", "RHEL"),
    ("6.8.0-60-generic", "6.8", "Ubuntu"),
    ("5.15.167.4-microsoft-standard-WSL2", "5.15", "WSL2"),
    ("6.1.141-155.222.amzn2023", "6.1", "Amazon Linux"),
    ("5.10.226-android12-9", "5.10", "Android"),
    ("4.18.0-553.el8_10.x86_64", "4.18", "RHEL"),
]
#: Needs 5.8, by a helper, a map type, and by its program type.
RINGBUF = """
struct { __uint(type, 27); __uint(max_entries, 4096); } events SEC(".maps");
SEC("tracepoint/x/y") int prog(void *ctx) { return CALL4(130, &events, ctx, 8, 0); }
"""


def run(*arguments: object) -> Result:
    words = [str(word) for word in arguments]
    return CliRunner().invoke(cli, [*words, "--data", "embedded"], catch_exceptions=False)


def commands(version: str, tmp_path: Path) -> list[list[str]]:
    header = str(tmp_path / "x.h")
    return [
        ["check", str(compile_bpf(HEAD + GPL + RINGBUF)), "--target", version],
        ["list", "--at", version],
        ["list", "--prog", "xdp", "--at", version],
        ["diff", "4.4", version],
        ["header", "--min-kernel", version, "-o", header],
        ["header", "--max-kernel", version, "-o", header],
    ]


@pytest.mark.parametrize(("version", "floor", "family"), UNAME)
def test_a_distributions_kernel_in_every_command(
    tmp_path: Path, version: str, floor: str, family: str
) -> None:
    for words in commands(version, tmp_path):
        result = run(*words)
        assert result.exit_code in (0, 1), words
        (note,) = (line for line in result.stderr.splitlines() if line.startswith("note: "))
        assert f"{version} is a kernel of {family}" in note, words
        assert f"{floor} is a lower bound only; give its BTF" in note, words


@pytest.mark.parametrize(("version", "floor", "family"), UNAME)
def test_json_says_the_doubt(version: str, floor: str, family: str) -> None:
    for words in (["list", "--at", version], ["list", "--prog", "xdp", "--at", version]):
        rows = json.loads(run(*words, "--json").stdout)
        assert rows
        assert {row["doubt"]["kind"] for row in rows} == {"distribution"}
        assert all(row["doubt"]["family"].startswith(family) for row in rows)
    (row, *_) = json.loads(run("diff", "4.4", version, "--json").stdout)
    assert row["doubt"]["old"] is None
    assert row["doubt"]["new"]["kind"] == "distribution"
    assert (
        run("list", "--at", version, "--csv").stdout == run("list", "--at", floor, "--csv").stdout
    )


@pytest.mark.parametrize(
    ("version", "code", "answer", "certain"),
    [
        ("5.4", 1, "no", True),
        ("5.8", 0, "yes", None),
        ("linux-5.8", 0, "yes", None),
        ("5.8-rc7", 1, "cannot tell", False),
        ("5.8-rc7+", 1, "cannot tell", False),
        ("5.7-rc7", 1, "no", True),
        ("5.9-rc1", 0, "yes", None),
        ("5.4.17", 1, "cannot tell", False),
        ("4.18.0-553.el8_10.x86_64", 1, "cannot tell", False),
        ("5.14.0-503.el9", 0, "yes", None),
        ("99.9", 1, "cannot tell", None),
        ("latest", 0, "yes", None),
        ("lts", 0, "yes", None),
        ("lts-oldest", 0, "yes", None),
    ],
)
def test_what_check_makes_of_a_version(
    version: str, code: int, answer: str, certain: bool | None
) -> None:
    path = compile_bpf(HEAD + GPL + RINGBUF)
    result = run("check", path, "--target", version, "--json")
    (found,) = json.loads(result.stdout)
    target = found["target"]
    assert (result.exit_code, target["answer"], target["ok"]) == (code, answer, code == 0)
    assert {item["certain"] for item in target["missing"]} == (
        set() if certain is None else {certain}
    )
    text = run("check", path, "--target", version).stdout
    assert f": {'not sure' if answer == 'cannot tell' else answer}" in text.splitlines()[0]


def test_a_yes_by_number_alone_says_so() -> None:
    path = compile_bpf(HEAD + GPL + RINGBUF)
    first = run("check", path, "--target", "5.14.0-503.el9").stdout.splitlines()[0]
    assert first == f"{path}: yes, 5.14.0-503.el9 has all that it requires, as 5.14 has"


@pytest.mark.parametrize("version", ["", " ", "newest", "5.25"])
def test_what_is_not_a_release_is_an_error_everywhere(tmp_path: Path, version: str) -> None:
    for words in commands(version, tmp_path):
        result = run(*words)
        assert (result.exit_code, result.stdout) == (2, ""), words
        (line,) = result.stderr.splitlines()
        assert "not a kernel version" in line or "there is no Linux 5.25" in line, words


def test_after_the_data_nothing_says_yes(tmp_path: Path) -> None:
    for words in commands("99.9", tmp_path):
        result = run(*words)
        if "--max-kernel" in words:
            assert "note: 99.9 is newer than the data" in result.stderr
        else:
            assert result.exit_code != 0, words
            assert "scan" in result.stderr, "the remedy"


def test_a_candidate_lists_what_it_has_for_sure() -> None:
    result = run("list", "--at", "5.8-rc7", "--kind", "map_type")
    assert "BPF_MAP_TYPE_RINGBUF" not in result.stdout
    assert "1 more came or went around 5.8-rc7" in result.stderr
    assert result.stdout == run("list", "--at", "5.7", "--kind", "map_type").stdout


def test_the_kernel_to_compare_with(tmp_path: Path) -> None:
    header = tmp_path / "bpf.h"
    header.write_text("enum bpf_func_id { BPF_FUNC_unspec, BPF_FUNC_map_lookup_elem };\n")
    found = run("kernel", header, "--at", "5.14.0-503.el9", "--json")
    answer = json.loads(found.stdout)
    assert answer["corresponds"]["release"] == "5.14"
    assert answer["doubt"]["family"].startswith("RHEL")
    assert run("kernel", header, "--at", "99.9").exit_code == 2
    assert run("kernel", header, "--at", "").exit_code == 2
