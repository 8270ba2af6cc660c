"""Corrections of tables, applied by git itself."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.audit.judge import audit
from helperhist.audit.patch import correct, patch_path, render_patch, respell
from helperhist.audit.tables import FORMATS, read_table
from helperhist.audit.tables.model import Version
from helperhist.cli.group import cli
from tests.build.tables import TABLES, TIMELINE

WRITE = {
    "bcc": ("Helper | Kernel version\n---|---\n", "`{}()` | {} |\n", ""),
    "ebpf-docs": ("- name: any\n  features:\n", "  - {{name: {}, version: {}}}\n", ""),
    "csv": ("name,since\n", '{},"{}"\n', ""),
    "json": ("{", '"{}":\n"{}",\n', '"bpf_loop": "5.17"}'),
    "go": ("package x\n", '\t"{}": "{}",\n', ""),
    "c": ("", '\t{{"{}", "{}"}},\n', ""),
    "code": ("", '    ("{}", Version("{}")),\n', ""),
    "rst": (
        ".. list-table::\n\n   * - Helper\n     - Kernel\n",
        "   * - {}\n     - {}\n",
        "",
    ),
    "org": ("| Helper | Kernel |\n|---+---|\n", "| {} | {} |\n", ""),
    "asciidoc": ("|===\n| Helper | Kernel\n", "| {}\n| {}\n", "|===\n"),
    "html": (
        "<table><tr><th>Helper</th><th>Kernel</th></tr>\n",
        "<tr><td>{}</td>\n<td>{}</td></tr>\n",
        "</table>\n",
    ),
}


def fixed(text: str, form: str = "auto") -> str:
    return correct(text, audit(read_table(text, "table", form)[1], TIMELINE))


def git(folder: Path, *args: str, data: bytes | None = None) -> bytes:
    done = subprocess.run(["git", "-C", str(folder), *args], input=data, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if shutil.which("git") is None:
        pytest.skip("needs git (Debian: git)")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    git(tmp_path, "init", "-q")
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (Version("5.7", 0, 3), "5.8", "5.8"),
        (Version("v4.9", 0, 4), "4.10", "v4.10"),
        (Version("5.8.0", 0, 5), "5.9", "5.9"),
        (Version("5.8-rc1", 0, 5), "5.9", "5.9"),
        (Version("3, 18", 0, 5), "3.19", "3, 19"),
        (Version("5,8,0", 0, 5), "5.10", "5,10,0"),
        (Version("soon", 0, 4), "5.8", "5.8"),
        (Version("", 0, 0), "5.8", "5.8"),
        (Version("6.9", 0, 3, "v{}"), "6.10", "v6.10"),
        (Version("6.9", 0, 3, '"{}"'), "6.10", '"6.10"'),
        (Version("6.9", 0, 3, "v{}"), "6.11", "6.11"),
    ],
)
def test_respell(old: Version, new: str, expected: str) -> None:
    assert respell(old, new) == expected


@pytest.mark.parametrize(
    ("form", "ending"),
    [
        (form, ending)
        for form in TABLES
        for ending in ("lf", "crlf", "none", "latin")
        # YAML is UTF-8.
        if (form, ending) != ("ebpf-docs", "latin")
    ],
)
def test_git_applies_what_we_print(repo: Path, form: str, ending: str) -> None:
    text = TABLES[form]
    if ending == "crlf":
        text = text.replace("\n", "\r\n")
    if ending == "none":
        text = text.rstrip("\n")
    data = text.encode()
    if ending == "latin":
        if form == "ebpf-docs":
            pytest.skip("YAML is UTF-8")
        data = (
            data.replace(b"first", b"\xe9first").replace(b"Some", b"\xe9").replace(b"3.18", b"3.18")
        )
    folder = repo / "a b" / "docs"
    folder.mkdir(parents=True)
    file = folder / "table é"
    file.write_bytes(data)
    result = CliRunner().invoke(
        cli, ["audit", str(file), "--patch", "--data", "embedded"], catch_exceptions=False
    )
    assert result.exit_code == 1
    # The line endings of the table are part of it.
    git(repo, "apply", "--whitespace=nowarn", "-", data=result.stdout_bytes)
    after = file.read_bytes()
    old, new = data.split(b"\n"), after.split(b"\n")
    assert len(old) == len(new)
    changed = [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]
    assert changed
    for before, now in changed:
        digits = re.compile(rb"v?\d+(\.|, )\d+")
        assert digits.sub(b"", before, count=9) == digits.sub(b"", now, count=9)
    again = CliRunner().invoke(cli, ["audit", str(file), "--data", "embedded"])
    assert " 0 wrong" in again.stdout


def test_patch_is_minimal() -> None:
    text = "name,since\n" + "".join(f"bpf_loop,5.{n}\n" for n in (17,) * 5 + (16,) + (17,) * 20)
    text += "bpf_loop,5.1\nbpf_loop,5.2"
    patch = render_patch("t", text, fixed(text))
    assert patch == (
        "--- a/t\n+++ b/t\n@@ -4,7 +4,7 @@\n bpf_loop,5.17\n bpf_loop,5.17\n bpf_loop,5.17\n"
        "-bpf_loop,5.16\n+bpf_loop,5.17\n bpf_loop,5.17\n bpf_loop,5.17\n bpf_loop,5.17\n"
        "@@ -25,5 +25,5 @@\n bpf_loop,5.17\n bpf_loop,5.17\n bpf_loop,5.17\n"
        "-bpf_loop,5.1\n-bpf_loop,5.2\n\\ No newline at end of file\n"
        "+bpf_loop,5.17\n+bpf_loop,5.17\n\\ No newline at end of file\n"
    )


def test_nothing_to_correct() -> None:
    text = "name,since\nbpf_loop,5.17\nBPF_ANY,4.9\nbpf_no_such,4.9\n"
    assert fixed(text) == text
    assert render_patch("t", text, text) == ""


def test_path_in_a_patch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").mkdir()
    file = tmp_path / "x" / "t"
    file.touch()
    monkeypatch.chdir(tmp_path)
    assert patch_path(Path("x/t")) == "x/t"
    monkeypatch.chdir(tmp_path / "x")
    assert patch_path(file) == "t"
    (tmp_path / ".git").mkdir()
    assert patch_path(Path("t")) == "x/t"
    assert render_patch('q"\t', "a\n", "b\n").startswith('--- "a/q\\"\\011"\n')


@settings(max_examples=100, deadline=None)
@given(
    form=st.sampled_from(list(FORMATS)),
    pairs=st.lists(
        st.tuples(
            st.sampled_from([row.name for row in TIMELINE.rows if row.kind != "field"]),
            st.sampled_from(["3.18", "v4.1", "5.8", "v6.10", "5.20"]),
        ),
        min_size=1,
        max_size=20,
    ),
)
def test_corrected_tables_have_no_wrong_row(form: str, pairs: list[tuple[str, str]]) -> None:
    head, line, tail = WRITE[form]
    text = head + "".join(line.format(*pair) for pair in pairs) + tail
    after = fixed(text, form)
    assert len(after.split("\n")) == len(text.split("\n"))
    left = audit(read_table(after, "table", form)[1], TIMELINE)
    # Of what may be older than the data, nobody knows the right release, and what the table takes
    # for another kind is left to people.
    assert not [f for f in left if f.verdict == "wrong" and f.fix is not None]
