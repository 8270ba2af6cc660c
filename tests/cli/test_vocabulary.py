"""One word for one meaning, in every command."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from helperhist.cli.group import COMMANDS, cli
from tests.build.checked import GPL, HEAD
from tests.build.objects import compile_bpf

#: Option to what it is in every command that has it: short name, flag or value.
MEANINGS = {
    "--at": ("VERSION", None),
    "--target": ("KERNEL", None),
    "--min-kernel": ("VERSION", None),
    "--max-kernel": ("VERSION", None),
    "--prog": ("TYPE", None),
    "--json": (None, None),
    "--csv": (None, None),
    "--output": ("FILE", "-o"),
    "--quiet": (None, "-q"),
    "--data": ("DIR|NAME", None),
}
#: Words that were options, and what they are now.
OLD = [("kernel", "--against", "--at"), ("audit", "--format", "--input-format")]


def command(name: str) -> click.Command:
    assert isinstance(cli, click.Group)
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def run(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, [*words, "--data", "embedded"], input=stdin)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_is_the_same_everywhere(name: str) -> None:
    for option in command(name).params:
        if not isinstance(option, click.Option) or option.hidden:
            continue
        long = max(option.opts, key=len)
        assert long not in {old for _, old, _ in OLD} or (name, long) in {
            ("check", "--format"), ("export", "--format"),
        }  # fmt: skip
        if long not in MEANINGS:
            continue
        value, short = MEANINGS[long]
        assert option.is_flag == (value is None), long
        assert short is None or short in option.opts, f"{name} {long}"
        if value is not None and (name, long) != ("scan", "--output"):
            assert option.metavar == value, f"{name} {long}"


@pytest.mark.parametrize(("name", "old", "new"), OLD)
def test_an_old_spelling_works_once_more_and_says_the_new_one(
    tmp_path: Path, name: str, old: str, new: str
) -> None:
    source = tmp_path / "bpf.h"
    source.write_text("enum bpf_func_id { BPF_FUNC_unspec, BPF_FUNC_map_lookup_elem };\n")
    value = "5.8"
    if name == "audit":
        source.write_text("helper,since\nbpf_loop,5.17\n")
        value = "csv"
    before, after = (run(name, str(source), option, value) for option in (old, new))
    assert (before.exit_code, before.stdout) == (after.exit_code, after.stdout)
    assert before.exit_code in (0, 1)
    assert f"note: {old} is {new} now; the next release does not know it\n" in before.stderr
    assert "note:" not in after.stderr
    assert old not in run(name, "--help").stdout.replace(f"{new} ", "")
    both = run(name, str(source), old, value, new, value)
    assert both.exit_code == 2


def test_quiet_prints_the_answer_alone() -> None:
    names = run("list", "--kind", "map_type", "--at", "4.2", "-q")
    assert names.stdout.split() == [
        "BPF_MAP_TYPE_HASH", "BPF_MAP_TYPE_ARRAY", "BPF_MAP_TYPE_PROG_ARRAY",
    ]  # fmt: skip
    assert "bpf_xdp_adjust_head" in run("list", "--prog", "xdp", "-q").stdout.split()
    assert run("releases", "-q").stdout.split()[:2] == ["3.18", "3.19"]
    for words in (
        ("list", "-q", "--json"),
        ("releases", "-q", "--csv"),
        ("kernel", "-q", "--json"),
    ):
        assert "-q excludes" in run(*words).stderr


@pytest.mark.parametrize(
    ("target", "answer", "code"),
    [(None, "5.8", 0), ("5.4", "no", 1), ("5.8", "yes", 0), ("5.8-rc7", "cannot tell", 1),
     ("99.9", "cannot tell", 1)],
)  # fmt: skip
def test_quiet_check(target: str | None, answer: str, code: int) -> None:
    ringbuf = 'SEC("tracepoint/x/y") int prog(void *ctx) { return CALL0(125); }'
    words = [] if target is None else ["--target", target]
    result = run("check", str(compile_bpf(HEAD + GPL + ringbuf)), "-q", *words)
    assert (result.stdout, result.exit_code) == (f"{answer}\n", code)


def test_a_table_from_standard_input() -> None:
    result = run("audit", "-", "--json", stdin="helper,since\nbpf_loop,5.8\n")
    rows = json.loads(result.stdout)
    assert rows[0]["verdict"] == "wrong"
    assert result.exit_code == 1


def test_a_figure_on_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert b"<svg" in run("plot", "growth", "-o", "-").stdout_bytes
    assert list(tmp_path.iterdir()) == []
