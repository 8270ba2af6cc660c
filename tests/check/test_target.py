"""Objects against releases of a history with a backport, a removal and a changed number."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import helperhist
from helperhist.cli.group import cli
from helperhist.timeline import Fact
from tests.build.checked import GPL, HEAD
from tests.build.objects import compile_bpf
from tests.build.repository import History
from tests.build.vmlinux import header

#: The object calls bpf_get_current_pid_tgid, bpf_get_smp_processor_id and bpf_loop.
SOURCE = """
SEC("tracepoint/x/y") int prog(void *ctx)
{
    return CALL1(14, ctx) + CALL1(8, ctx) + CALL4(181, 1, ctx, ctx, 0);
}
"""
LOOP = Fact.of("helper", "bpf_loop", 181)
TAGS = ("v5.10", "v5.10.42", "v5.10.50", "v5.11", "v5.12", "v5.13", "v5.14")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Return a repository, its dataset and an object.

    bpf_loop came with 5.11, was backported to 5.10.42, and given another number in 5.10.50;
    bpf_get_current_pid_tgid went away in 5.13, and came back in 5.14, when
    bpf_get_smp_processor_id went away.
    """
    names = {name.name: name for name in helperhist.load("embedded").at("5.10")}
    old = list(names.values())
    new = [*old, LOOP]
    gone = [name for name in new if name.name != "bpf_get_current_pid_tgid"]
    last = [name for name in new if name.name != "bpf_get_smp_processor_id"]
    moved = [*old, Fact.of("helper", "bpf_loop", 170)]
    folder = tmp_path_factory.mktemp("history")
    repo = History(folder / "linux")
    held = {"v5.10": old, "v5.10.42": new, "v5.10.50": moved, "v5.11": new, "v5.12": new,
            "v5.13": gone, "v5.14": last}  # fmt: skip
    parents: list[str] = []
    for tag in TAGS:
        repo.commit(tag, header(held[tag]).encode(), *parents)
        repo.tag(tag, tag)
        parents = [tag]
    data = folder / "data"
    done = CliRunner().invoke(cli, ["scan", str(repo.path), "--output", str(data)])
    assert done.exit_code == 0, done.output
    return repo.path, data, compile_bpf(HEAD + GPL + SOURCE, cpu="v2")


def ask(history: tuple[Path, Path, Path], target: str) -> Result:
    _, data, path = history
    return CliRunner().invoke(
        cli,
        ["check", str(path), "--target", target, "--data", str(data), "--json"],
        catch_exceptions=False,
    )


def missing(result: Result) -> list[tuple[str, str, bool]]:
    (answer,) = json.loads(result.stdout)
    found = answer["target"]["missing"]
    assert answer["target"]["ok"] == (not found) == (result.exit_code == 0)
    return [(item["name"], item["why"], item["certain"]) for item in found]


TGID = "bpf_get_current_pid_tgid"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("5.10", [("bpf_loop", "needs 5.11", True)]),
        ("5.10.42", []),
        ("5.10.50", [("bpf_loop", "needs 5.11", True)]),
        ("5.11", []),
        ("5.12", []),
        ("5.13", [(TGID, "needs 5.14", True)]),
        ("5.14", [("bpf_get_smp_processor_id", "not in 5.14", True)]),
    ],
)
def test_backports_and_removals(
    history: tuple[Path, Path, Path], target: str, expected: list[tuple[str, str, bool]]
) -> None:
    result = ask(history, target)
    assert missing(result) == expected
    assert result.stderr.count("note:") == 0


@pytest.mark.parametrize("tag", TAGS)
def test_a_release_and_its_header_agree(history: tuple[Path, Path, Path], tag: str) -> None:
    """What the timeline says of a tag is what reading the tag says."""
    repo, data, _ = history
    said = {(name, certain) for name, _, certain in missing(ask(history, tag))}
    read = {(name, certain) for name, _, certain in missing(ask(history, f"{repo}@{tag}"))}
    assert said == read
    listed = CliRunner().invoke(
        cli, ["kernel", f"{repo}@{tag}", "--list", "helper", "--data", str(data)]
    )
    assert listed.exit_code == 0
    timeline = helperhist.load(data)
    for name in ("bpf_loop", TGID):
        assert timeline.kernel(tag).has("helper", name).answer is (
            f"{name}\n" in listed.stdout.replace(" ", "\n")
        )


@pytest.mark.parametrize(
    ("target", "why", "note"),
    [
        (
            "5.10.7",
            "needs 5.11; 5.10 lacks it, 5.10.42 has it, 5.10.7 was not read",
            "the data has no 5.10.7; the answer is from 5.10 and 5.10.42",
        ),
        (
            "5.10.60",
            "needs 5.11; 5.10.50 lacks it, 5.10.60 was not read",
            "the data has no 5.10.60; the answer is from 5.10.50",
        ),
        (
            "5.11-rc3",
            "needs 5.11; 5.10 lacks it, 5.11 has it, 5.11-rc3 was not read",
            "the data has no 5.11-rc3; the answer is from 5.10 and 5.11",
        ),
    ],
)
def test_what_was_not_read_is_not_certain(
    history: tuple[Path, Path, Path], target: str, why: str, note: str
) -> None:
    result = ask(history, target)
    assert ("bpf_loop", why, False) in missing(result)
    (answer,) = json.loads(result.stdout)
    assert answer["target"]["note"] == note
    assert f"note: {note}\n" in result.stderr


def test_what_the_last_tag_has_is_taken_to_stay_and_said(
    history: tuple[Path, Path, Path],
) -> None:
    result = ask(history, "5.12.7")
    assert missing(result) == []
    assert "note: the data has no 5.12.7; the answer is from 5.12\n" in result.stderr


def test_nobody_can_tell_of_a_release_after_the_data(history: tuple[Path, Path, Path]) -> None:
    result = ask(history, "9.9")
    assert result.exit_code == 1
    (answer,) = json.loads(result.stdout)
    target = answer["target"]
    assert (target["ok"], target["answer"]) == (False, "cannot tell")
    assert target["doubt"]["kind"] == "newer"
    assert target["doubt"]["text"] == target["note"]
    assert "note: 9.9 is newer than the data, which ends with 5.14: nobody" in result.stderr
    assert "scan" in target["note"], "the remedy"
