"""Other people's text in every command: nothing of it acts on a terminal or on GitHub's log."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.cli.group import COMMANDS, cli
from helperhist.dataset.store import write_dataset
from helperhist.printable import printable
from helperhist.report.github import render_annotation
from helperhist.report.terminal import fields, json_printable, table, without_orders
from helperhist.timeline import Fact
from tests.build.timeline import helpers, make_timeline

#: Escape sequences, C1, DEL, direction, separators, orders to GitHub's runner.
EVIL = "\x1b]0;t\x07\x9b31m\x7f\u202e\u2028\u2029\x85\n\r::error file=x::pwn ##[error]pwn"
#: The same as the name of a file, with a byte that is no UTF-8.
FILE = EVIL.replace("/", "") + "\udcff"


def run(*arguments: str, stdin: bytes = b"", color: bool = False) -> Result:
    return CliRunner().invoke(cli, arguments, input=stdin, catch_exceptions=False, color=color)


def assert_harmless(text: str, orders: bool = False) -> None:
    """Check a text for people or for machines; ``orders`` says that it holds some of ours."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    bad = {char for char in text if not char.isprintable() and char not in "\n\t"}
    assert not bad
    assert "##[" not in text
    if not orders:
        assert not re.search(r"^\s*::", text, re.MULTILINE)


@dataclass(frozen=True)
class World:
    """Files of somebody who means ill."""

    folder: Path
    data: str
    table: str
    objects: str
    repository: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    timeline = make_timeline(
        {
            "v4.7": helpers("a"),
            "v4.8": [
                *helpers("a", EVIL), Fact.of("flag", f"::X{EVIL}", 1), Fact.of(EVIL, f"{EVIL}2", 3),
                Fact.of("map_type", f"BPF_MAP_TYPE_{EVIL}", 1), Fact.of("field", f"s.{EVIL}"),
            ],
        }
    )  # fmt: skip
    write_dataset(timeline, folder / "data")
    evil = Path(os.fsdecode(os.fsencode(folder))) / FILE
    evil.mkdir()
    (evil / "bad.o").write_bytes(b"no object")
    (evil / f"{FILE}.o").write_bytes(b"\x7fELF")
    head = "| Helper | Kernel |\n|---|---|\n"
    rows = f"{head}| `bpf_{EVIL}` | 4.8 |\n| bpf_loop | 5.16 |\n| bpf_strncmp | {EVIL} |\n"
    flat = rows.replace("\n\r", "")
    (evil / "table.md").write_text(flat, "utf-8", newline="")
    (evil / ".git").mkdir()
    return World(folder, str(folder / "data"), str(evil / "table.md"), str(evil), str(evil))


CASES: dict[str, list[tuple[str, ...]]] = {
    "since": [("since", "*", "--data", "{data}"), ("since", "*", "--csv", "--data", "{data}"),
              ("since", "*", "--json", "--data", "{data}"), ("since", EVIL), ("since", "-q", EVIL),
              ("since", "bpf_a", "--data", EVIL)],
    "list": [("list", "--kind", "all", "--data", "{data}"),
             ("list", "--kind", "all", "--data", "{data}", "--csv"),
             ("list", "--kind", "all", "--data", "{data}", "--json"),
             ("list", "--kind", EVIL), ("list", "--kind", EVIL, "--data", "{data}"),
             ("list", "--kind", "::error::x"), ("list", "--at", EVIL)],
    "diff": [("diff", "4.7", "4.8", "--kind", "all", "--data", "{data}"),
             ("diff", "4.7", "4.8", "--kind", "all", "--data", "{data}", "--csv"),
             ("diff", "4.7", "4.8", "--kind", "all", "--data", "{data}", "--json"),
             ("diff", EVIL, EVIL)],
    "releases": [("releases", "--data", "{data}"), ("releases", "--data", EVIL),
                 ("releases", "--data", "{data}", "--json")],
    "header": [("header", "--data", "{data}"), ("header", "--only", EVIL), ("header", "-o", EVIL),
               ("header", "--guard", EVIL), ("header", "--min-kernel", EVIL)],
    "check": [("check", "{objects}"), ("check", "{objects}", "--format", "github"),
              ("check", "{objects}", "--json"), ("check", "{objects}/bad.o"), ("check", EVIL),
              ("check", "{objects}", "--target", EVIL),
              ("check", "--diff", "{objects}/bad.o", "{objects}/" + FILE + ".o")],
    "kernel": [("kernel", EVIL), ("kernel", "{table}"), ("kernel", "{objects}"),
               ("kernel", "{repository}@" + EVIL), ("kernel", "{table}", "--at", EVIL)],
    "explain": [("explain", f"invalid func bpf_{EVIL}#182"), ("explain", EVIL),
                ("explain", f"unknown func {EVIL}#9; invalid func unknown#182"),
                ("explain", f"libbpf: map '{EVIL}': failed to create: Invalid argument(-22)"),
                ("explain", f"unknown func bpf_{EVIL}#182", "--json")],
    "audit": [("audit", "{table}"), ("audit", "{table}", "--json"), ("audit", EVIL),
              ("audit", "{table}", "--data", "{data}"), ("audit", "{objects}/bad.o"),
              ("audit", "{table}", "--kind", EVIL), ("audit", "{table}", "--format", EVIL)],
    "plot": [("plot", "growth", "-o", EVIL), ("plot", EVIL), ("plot", "growth", "--data", EVIL)],
    "export": [("export", "--format", EVIL), ("export", "--format", "csv", "--kind", EVIL),
               ("export", "--format", "csv", "-o", "/none/" + EVIL)],
    "scan": [("scan", EVIL), ("scan", "{repository}"), ("scan", "{table}"),
             ("scan", "{repository}", "--tags", "(" + EVIL),
             ("scan", "{repository}", "--name", EVIL),
             ("scan", "{repository}", "--output", EVIL, "--name", EVIL)],
    "data": [("data", EVIL), ("data", "use", EVIL), ("data", "use", "{data}"), ("data",),
             ("data", "verify", EVIL), ("data", "remove", EVIL)],
    "page": [("page", "--data", "{data}", "-o", "x.html"), ("page", "--data", EVIL, "-o", "x.html"),
             ("page", "--data", "{data}", "-o", "/none/" + EVIL)],
    "completion": [("completion", EVIL)],
}  # fmt: skip


def test_every_command_is_tried() -> None:
    assert set(CASES) == set(COMMANDS)


@pytest.mark.parametrize("color", [False, True], ids=["plain", "terminal"])
@pytest.mark.parametrize("words", [words for rows in CASES.values() for words in rows], ids=ascii)
def test_hostile_text(
    world: World, words: tuple[str, ...], color: bool, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for name in ("data", "table", "objects", "repository"):
        words = tuple(word.replace(f"{{{name}}}", getattr(world, name)) for word in words)
    result = run(*words, color=color)
    assert result.exit_code in (0, 1, 2)
    assert_harmless(result.stdout, orders="github" in words)
    assert_harmless(result.stderr)
    assert "Traceback" not in result.stderr
    if result.exit_code == 2 and words[0] != "check":
        assert len(result.stderr.splitlines()) == 1


def on_terminal(*arguments: str) -> str:
    """Run the program with a terminal of its own for its output, and return what came there."""
    master, slave = os.openpty()
    command = [sys.executable, "-m", "helperhist", *arguments]
    with subprocess.Popen(command, stdout=slave, stderr=subprocess.PIPE):
        os.close(slave)
        parts = []
        # At the end, Linux says that there is no such device any more.
        with suppress(OSError):
            while part := os.read(master, 1 << 16):
                parts.append(part)
    os.close(master)
    return b"".join(parts).decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    "words",
    [
        *(("export", "--format", form, "--data", "{data}") for form in
          ("csv", "json", "markdown", "bcc", "ebpf-docs")),
        ("audit", "--patch", "{table}"), ("since", "*", "--data", "{data}"),
        ("list", "--kind", "all", "--json", "--data", "{data}"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_files_that_are_written_to_a_terminal(world: World, words: tuple[str, ...]) -> None:
    named = {"data": world.data, "table": world.table}
    text = on_terminal(*(word.format(**named) for word in words))
    assert len(text) > 100
    assert_harmless(text)


def test_json_says_what_is_there(world: World) -> None:
    names = {row["name"] for row in json.loads(run("list", "--kind", "all", "--json", "--data",
                                                   world.data).stdout)}  # fmt: skip
    assert f"bpf_{EVIL}" in names
    assert f"s.{EVIL}" in names
    found = json.loads(run("audit", world.table, "--json", "--no-missing").stdout)
    assert {row["file"] for row in found} == {world.table}
    assert world.table.endswith(f"{FILE}/table.md")


def test_csv_has_one_line_for_each_row(world: World) -> None:
    text = run("list", "--kind", "all", "--csv", "--data", world.data).stdout
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == len(text.splitlines())
    assert f"bpf_{printable(EVIL)}".replace("##[", r"\x23#[") in {row[0] for row in rows}


@given(st.text(), st.text(alphabet="\n\t"))
def test_printable(text: str, keep: str) -> None:
    shown = printable(text, keep)
    assert all(char.isprintable() or char in keep for char in shown)
    if text.isprintable():
        assert shown == text
    assert printable(shown, keep) == shown
    shown.encode()


@given(st.text(st.sampled_from(" \t\n:#[ax")))
def test_no_line_is_an_order(text: str) -> None:
    assert_harmless(without_orders(text))
    assert without_orders("a: b::c # [x]") == "a: b::c # [x]"


@given(
    st.recursive(st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_json_is_printable_and_faithful(value: object) -> None:
    shown = json_printable(json.dumps(value, indent=2, ensure_ascii=False))
    assert_harmless(shown)
    assert json.loads(shown) == value


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1))
def test_a_cell_makes_no_line(rows: list[tuple[str, str]]) -> None:
    assert len(table(("a", "b"), rows).split("\n")) == 1 + len(rows)


@given(st.text(), st.text(min_size=1))
def test_fields_are_printable(name: str, value: str) -> None:
    assert_harmless(fields([(name, "x")], 1000).replace("::", ""))
    assert all(char.isprintable() or char == "\n" for char in fields([("a", value)], 1000))


_ORDER = re.compile(
    r"::(?:error|warning|notice) (?:file=(?P<file>[^:,]*),)?(?:line=(?P<line>\d+),)?"
    r"title=(?P<title>[^:,]*)::(?P<message>.*)"
)


def unescape(text: str) -> str:
    """Do what GitHub's runner does with a value."""
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


@given(st.text(), st.text(), st.none() | st.text())
def test_annotations(title: str, message: str, source: str | None) -> None:
    order = render_annotation("error", title, message, source, Path("/root"))
    assert order.isprintable()
    match = _ORDER.fullmatch(order)
    assert match is not None
    assert unescape(match["title"]) == printable(title, keep="\r\n")
    assert unescape(match["message"]) == printable(message, keep="\r\n")


@settings(max_examples=30)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_text_as_an_argument(text: str) -> None:
    commands: list[Callable[[str], tuple[str, ...]]] = [
        lambda text: ("since", "--", text),
        lambda text: ("list", f"--kind={text}"),
        lambda text: ("explain", "--", text),
        lambda text: ("check", "--", f"/none/{text}"),
        lambda text: ("audit", "--", f"/none/{text}"),
        lambda text: (text,),
    ]
    for words in commands:
        result = run(*words(text))
        assert_harmless(result.stdout)
        assert_harmless(result.stderr)
