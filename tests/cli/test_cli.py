import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from helperhist import __version__
from helperhist.cli.group import COMMANDS, cli
from helperhist.dataset.store import write_dataset
from helperhist.report.terminal import fields, table
from helperhist.timeline import Fact
from tests.build.timeline import helpers, make_timeline

SOURCE = "source: embedded data: "


def run(*arguments: str, code: int = 0, color: bool = False) -> Result:
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False, color=color)
    assert result.exit_code == code, result.output
    return result


def answer(*arguments: str, code: int = 0) -> Any:
    """Return the JSON of an answer, whose source is on stderr."""
    result = run(*arguments, "--json", code=code)
    assert result.stderr.splitlines()[-1].startswith("source: ")
    return json.loads(result.stdout)


@pytest.fixture
def history(tmp_path: Path) -> str:
    """Return the folder of a dataset with events, candidates and updates."""
    timeline = make_timeline(
        {
            "v4.7": helpers("a"),
            "v4.8-rc1": helpers("a", "in_cgroup", "gone"),
            "v4.8-rc5": helpers("a", "under_cgroup"),
            "v4.8": [*helpers("a", "under_cgroup"), Fact.of("flag", "BPF_F_X", 1)],
            "v4.8.3": [*helpers("a", "under_cgroup", "ported"), Fact.of("flag", "BPF_F_X", 1)],
            "v4.9": [*helpers("a", "under_cgroup"), Fact.of("flag", "BPF_F_X", 3)],
            "v4.10": [*helpers("a", "under_cgroup", "ported"), Fact.of("field", "s.old")],
            "v4.11": helpers("a", "under_cgroup", "ported"),
            "v4.12-rc1": helpers("a", "under_cgroup", "ported", "next"),
        },
        complete=False,
    )
    folder = tmp_path / "history"
    write_dataset(timeline, folder)
    return str(folder)


# -- since


def test_since() -> None:
    result = run("since", "probe_read_str")
    assert result.stdout.splitlines()[:4] == [
        "bpf_probe_read_str  helper 45",
        "  since      4.11 (v4.11, 2017-04-30)",
        '  commit     a5e8c07059d0f0b31737408711d44794928ac218 ("bpf: add',
        '             bpf_probe_read_str helper")',
    ]
    assert "long bpf_probe_read_str(void *dst, u32 size, const void" in result.stdout
    assert result.stdout.splitlines()[-1].startswith(SOURCE)
    assert result.stderr == ""


@pytest.mark.parametrize(
    "name", ["bpf_probe_read_str", "probe_read_str", "BPF_FUNC_probe_read_str", "45"]
)
def test_since_in_all_forms(name: str) -> None:
    assert run("since", "-q", name).stdout == "4.11\n"


def test_since_of_several_names() -> None:
    result = run("since", "-q", "loop", "45", "BPF_MAP_TYPE_RINGBUF", "probe_read_str")
    assert result.stdout.split() == ["5.17", "4.11", "5.8"], "each row once, in the order asked"
    assert result.stderr == ""


#: The contract: keys and types of one object of since and list.
CONTRACT: dict[str, tuple[type, ...]] = {
    "name": (str,), "kind": (str,), "id": (int, type(None)), "since": (str, type(None)),
    "tag": (str, type(None)), "first_tag": (str, type(None)), "released": (str, type(None)),
    "commit": (str, type(None)), "subject": (str, type(None)), "removed": (str, type(None)),
    "former_names": (list,), "backports": (list,), "prototype": (str, type(None)),
    "or_earlier": (bool,), "author_date": (str, type(None)), "commit_date": (str, type(None)),
    "attributes": (list,),
}  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [("since", "*"), ("list", "--kind", "all"), ("list", "--at", "5.4")]
)
@pytest.mark.parametrize("data", ["embedded", "history"])
def test_json_contract(history: str, arguments: tuple[str, ...], data: str) -> None:
    if data == "history" and "5.4" in arguments:
        arguments = ("list", "--at", "4.9")
    rows = answer(*arguments, "--data", history if data == "history" else data)
    assert len(rows) > 1
    for row in rows:
        assert set(row) == set(CONTRACT)
        for key, kinds in CONTRACT.items():
            assert isinstance(row[key], kinds), (key, row[key])
        assert row["kind"] != "helper" or row["name"].startswith("bpf_")
        for port in row["backports"]:
            assert set(port) == {"series", "since"}


def test_json_of_since(history: str) -> None:
    (row,) = answer("since", "under_cgroup", "--data", history)
    assert {key: row[key] for key in ("name", "id", "since", "tag", "first_tag")} == {
        "name": "bpf_under_cgroup", "id": 2, "since": "4.8", "tag": "v4.8", "first_tag": "v4.8-rc5",
    }  # fmt: skip
    assert row["former_names"] == ["bpf_in_cgroup"]
    (ported,) = answer("since", "ported", "--data", history)
    assert ported["backports"] == [{"series": "4.8", "since": "4.8.3"}]


def test_csv_has_all_that_json_has(history: str) -> None:
    result = run("since", "*", "--csv", "--data", history)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    objects = answer("since", "*", "--data", history)
    assert list(rows[0]) == list(objects[0])
    for row, found in zip(rows, objects, strict=True):
        for key, value in found.items():
            if isinstance(value, list):
                ported = key == "backports"
                words = [f"{v['series']}:{v['since']}" if ported else v for v in value]
                shown = " ".join(words)
            elif isinstance(value, bool):
                shown = "yes" if value else ""
            else:
                shown = "" if value is None else str(value)
            assert row[key] == shown, key
    assert "source: test" in result.stderr


def test_text_of_since(history: str) -> None:
    text = run("since", "under_cgroup", "ported", "next", "a", "--data", history).stdout
    assert text == (
        "bpf_under_cgroup  helper 2\n"
        "  since      4.8 (v4.8, 2000-04-01)\n"
        "  first tag  v4.8-rc5\n"
        "  formerly   bpf_in_cgroup\n"
        "bpf_ported  helper 3\n"
        "  since      4.10 (v4.10, 2000-07-01)\n"
        "  backports  4.8 from 4.8.3\n"
        "bpf_next  helper 4\n"
        "  since      4.12 (not released yet)\n"
        "  first tag  v4.12-rc1\n"
        "bpf_a  helper 1\n"
        "  since  4.7 or earlier: no release before it is in the data (v4.7, 2000-01-01)\n"
        "source: test\n"
    )


def test_a_name_that_no_release_had(history: str) -> None:
    result = run("since", "in_cgroup", "gone", "--data", history, code=1)
    assert "in no mainline release" in result.stdout
    assert "removed    v4.8-rc5 (renamed to bpf_under_cgroup)" in result.stdout
    assert run("since", "-q", "in_cgroup", "--data", history, code=1).stdout == "none\n"
    # A pattern that finds something is answered.
    assert "bpf_a" in run("since", "bpf_*", "--data", history).stdout


def test_a_removed_name_says_so(history: str) -> None:
    assert "removed  v4.11" in run("since", "s.old", "--data", history).stdout
    (row,) = answer("since", "s.old", "--data", history)
    assert (row["since"], row["removed"]) == ("4.10", "v4.11")


def test_a_sentinel_is_answered_as_such() -> None:
    result = run("since", "__MAX_BPF_CMD")
    assert result.stdout.startswith("__MAX_BPF_CMD  sentinel\n")
    assert "no feature" in result.stdout
    (row,) = answer("since", "BPF_MAP_TYPE_UNSPEC")
    assert (row["kind"], row["id"]) == ("sentinel", None)


def test_a_field_by_its_last_component() -> None:
    assert [row["name"] for row in answer("since", "gso_size")] == ["__sk_buff.gso_size"]


def test_unknown_names() -> None:
    result = run("since", "bpf_probe_reed_str", code=1)
    assert result.stderr.startswith("bpf_probe_reed_str: unknown; nearest: bpf_probe_read_str")
    assert result.stdout.startswith(SOURCE)
    assert answer("since", "bpf_probe_reed_str", code=1) == []
    quiet = run("since", "-q", "bpf_probe_reed_str", "loop", code=1)
    assert quiet.stdout == "5.17\n"
    assert "unknown" in quiet.stderr
    assert "see `helperhist list`" in run("since", "qqqqqq", code=1).stderr
    lines = run("since", "--csv", "qqqqqq", code=1).stdout.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("name,kind,id,since,")


# -- list, diff, releases


def test_list() -> None:
    result = run("list")
    lines = result.stdout.splitlines()
    assert lines[1].split() == ["1", "bpf_map_lookup_elem", "3.19", "2015-02-08"]
    assert lines[-2] == "211 names"
    assert lines[-1].startswith(SOURCE)
    assert len(answer("list")) == 211
    assert len(answer("list", "--at", "5.4")) == 110
    assert {row["kind"] for row in answer("list", "--kind", "all")} > {"helper", "field"}
    assert "sentinel" not in {row["kind"] for row in answer("list", "--kind", "all")}
    assert {row["kind"] for row in answer("list", "--kind", "sentinel")} == {"sentinel"}


def test_list_at_has_the_values_of_that_tag(history: str) -> None:
    def value(*at: str) -> object:
        (row,) = answer("list", "--kind", "flag", "--data", history, *at)
        return row["id"]

    assert [value("--at", "4.8"), value("--at", "4.9"), value()] == [1, 3, 3]
    assert [row["name"] for row in answer("list", "--at", "4.8.3", "--data", history)] == [
        "bpf_a", "bpf_under_cgroup", "bpf_ported",
    ]  # fmt: skip
    assert [row["name"] for row in answer("list", "--at", "v4.8-rc1", "--data", history)] == [
        "bpf_a", "bpf_in_cgroup", "bpf_gone",
    ]  # fmt: skip


def test_list_shows_what_is_gone_or_may_be_older(history: str) -> None:
    text = run("list", "--kind", "all", "--data", history).stdout
    assert "none, removed in v4.8-rc5" in text
    assert "4.7 or earlier" in text
    assert "4.10, removed in v4.11" in text


def test_diff(history: str) -> None:
    rows = answer("diff", "4.8", "4.10", "--kind", "all", "--data", history)
    assert [(row["change"], row["name"], row["id"], row["former_id"]) for row in rows] == [
        ("added", "bpf_ported", 3, None),
        ("added", "s.old", None, None),
        ("removed", "BPF_F_X", 1, None),
    ]
    (flag,) = answer("diff", "4.8", "4.9", "--kind", "flag", "--data", history)
    assert flag == {
        "change": "renumbered", "kind": "flag", "name": "BPF_F_X", "id": 3, "former_id": 1,
    }  # fmt: skip
    text = run("diff", "4.8", "4.9", "--kind", "flag", "--data", history).stdout
    assert text.splitlines()[1].split() == ["renumbered", "BPF_F_X", "flag", "1", "->", "3"]
    assert len(answer("diff", "5.4", "5.10")) == 155 - 110
    assert run("diff", "5.4", "5.4").stdout.startswith("0 differences\n")
    table = run("diff", "5.4", "5.10", "--csv").stdout.splitlines()
    assert table[0] == "change,kind,name,id,former_id"
    assert len(table) == 1 + 45


def test_releases(history: str) -> None:
    rows = {row["release"]: row for row in answer("releases")}
    assert rows["3.18"]["helpers"] == rows["3.18"]["new_helpers"] == 0
    assert rows["4.1"] == {
        "release": "4.1", "tag": "v4.1", "released": "2015-06-21", "new_helpers": 8, "helpers": 11,
    }  # fmt: skip
    assert sum(row["new_helpers"] for row in rows.values()) == 211
    everything = answer("releases", "--all", "--data", history)
    assert [(row["tag"], row["new_helpers"], row["helpers"]) for row in everything] == [
        ("v4.7", None, 1),
        ("v4.8-rc1", 2, 3),
        ("v4.8-rc5", 1, 2),
        ("v4.8", 0, 2),
        ("v4.8.3", 1, 3),
        ("v4.9", 0, 2),
        ("v4.10", 1, 3),
        ("v4.11", 0, 3),
        ("v4.12-rc1", 1, 4),
    ]
    assert [row["tag"] for row in answer("releases", "--data", history)] == [
        "v4.7", "v4.8", "v4.9", "v4.10", "v4.11",
    ]  # fmt: skip
    assert run("releases").stdout.splitlines()[1].split() == ["3.18", "v3.18", "2014-12-07", "0",
                                                             "0"]  # fmt: skip
    assert run("releases", "--csv").stdout.startswith("release,tag,released,new_helpers,helpers\n")


# -- errors and options


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("since", "loop", "--data", "/missing"), "no dataset '/missing'"),
        (("list", "--kind", "nothing"), "no names of kind 'nothing'; there are "),
        (("list", "--at", "newest"), "'newest' is not a kernel version; write it as 5.10"),
        (("list", "--at", "2.6"), "no tag for 2.6 in this data"),
        (("diff", "5.4", "9.9"), "no tag for 9.9 in this data"),
        (("diff", "5.4", "5.10", "--kind", "nothing"), "no names of kind 'nothing'"),
        (("since", "loop", "--json", "--csv"), "--json and --csv exclude each other"),
        (("list", "--csv", "--json"), "--json and --csv exclude each other"),
        (("since",), "Missing argument 'NAME...'"),
        (("diff", "5.4"), "Missing argument 'NEW'"),
        (("nothing",), "No such command 'nothing'"),
        (("list", "--nothing"), "No such option"),
        (("completion", "cmd"), "'cmd' is not one of"),
    ],
)
def test_errors(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments, code=2)
    assert result.stdout == ""
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    if not result.stderr.startswith("Usage:"):
        assert len(result.stderr.splitlines()) == 1


def test_version() -> None:
    assert run("--version").stdout.startswith(f"helperhist, version {__version__}\ndata: ")


def walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from walk(found, (*path, name))
    else:
        yield " ".join(path), command


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    for path, command in walk(click.Group(commands={name: _get(name)}), ()):
        text = run(*path.split(), "--help").stdout
        assert text == run(*path.split(), "-h").stdout
        words = path.split()
        assert words[0] in text
        assert "Example" in text, path
        assert command.help, path
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{path} {parameter.opts}"
                if parameter.hidden:
                    continue
                assert max(parameter.opts, key=len) in text
        assert max(map(len, text.splitlines())) <= 80, path


def _get(name: str) -> click.Command:
    assert isinstance(cli, click.Group)
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def test_the_help_of_the_group_names_every_command() -> None:
    text = run("--help").stdout
    for name, summary in COMMANDS.items():
        assert f"  {name} " in text
        assert " ".join(summary.split()[:3]) in text
    assert max(map(len, text.splitlines())) <= 80


# -- the terminal


@pytest.mark.parametrize(
    "arguments",
    [
        ("list",), ("list", "--kind", "all"), ("list", "--kind", "field"), ("releases",),
        ("diff", "4.14", "6.6"), ("diff", "4.14", "6.6", "--kind", "all"), ("since", "*"),
        ("since", "*.*"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_answers_fit_the_screen_and_nothing_is_cut(arguments: tuple[str, ...]) -> None:
    lines = run(*arguments).stdout.splitlines()
    assert lines[-1].startswith(SOURCE)
    assert [line for line in lines if len(line) > 80] == []
    assert not any("…" in line for line in lines)


def test_color_only_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in run("since", "loop", color=True).stdout
    assert "\x1b[" not in run("since", "loop").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run("since", "loop", color=True).stdout
    monkeypatch.setenv("NO_COLOR", "")
    assert "\x1b[" in run("since", "loop", color=True).stdout


def test_tables() -> None:
    rows = [("a", "b" * 30, "c"), ("a" * 20, "b", "c" * 40)]
    assert table(("x", "y", "z"), rows, 60) == (
        "x             y             z\n"
        "a             " + "b" * 30 + "  c\n"
        "aaaaaaaaaaaaaaaaaaaa  b     " + "c" * 31 + "…"
    )
    assert table(("x", "y"), [], 60) == "x  y"
    assert table(("x",), [("…",)], 60) == "x\n…"
    assert table(("x", "y"), [("a" * 70, "b")], 60, cut=False).endswith("a  b")


def test_fields() -> None:
    assert fields([("a", "b " * 20), ("long", "")], 24) == (
        "  a     b b b b b b b b\n        b b b b b b b b\n        b b b b\n  long"
    )


# -- completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    text = run("completion", shell).stdout
    assert "_HELPERHIST_COMPLETE" in text
    assert "helperhist" in text


def complete(line: str, word: int) -> list[str]:
    environment = {
        **os.environ, "COMP_WORDS": line, "COMP_CWORD": str(word),
        "_HELPERHIST_COMPLETE": "bash_complete",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", "from helperhist.cli.group import main; main()"],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.split()]


def test_names_and_commands_are_completed(history: str) -> None:
    assert complete("helperhist li", 1) == ["list"]
    assert complete("helperhist since bpf_probe_read_s", 2) == ["bpf_probe_read_str"]
    assert complete(f"helperhist since --data {history} bpf_und", 4) == ["bpf_under_cgroup"]
    assert complete("helperhist since --data /missing bpf_und", 4) == []


# -- processes


def start(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "helperhist", *arguments], **options)


def test_a_reader_that_goes_away() -> None:
    process = start("list", "--kind", "all", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 141, "not 1, which is a negative answer"
    assert errors == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        process = start("list", stdout=full, stderr=subprocess.PIPE)
        _, errors = process.communicate()
    assert process.returncode == 2
    assert errors == b"Error: cannot write: No space left on device; make room\n"


def test_the_exit_code_of_the_program() -> None:
    codes = []
    for name in ("loop", "qqqqqq"):
        process = start("since", name, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.communicate()
        codes.append(process.returncode)
    assert codes == [0, 1]


def test_what_may_not_be_read_is_an_error_of_one_line(tmp_path: Path) -> None:
    # Root without the right to read everything is as any user.
    plain = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if os.getuid() != 0:
        plain = []
    elif shutil.which("setpriv") is None:
        pytest.skip("root may read everything, and there is no setpriv to change that")
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0)
    program = str(closed / "prog.bpf.o")
    done = subprocess.run(
        [*plain, sys.executable, "-m", "helperhist", "check", program, "--data", "embedded"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    closed.chmod(0o700)
    assert (done.returncode, done.stderr) == (
        2,
        f"Error: cannot open {program}: Permission denied\n",
    )
