"""What people's terminals and installations are like: narrow, dumb, read-only, without modules."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from helperhist.cli.group import COMMANDS, cli
from tests.build.checked import GPL, HEAD
from tests.build.objects import compile_bpf

#: What an installation of click and pygit2 alone does not have.
ABSENT = ("pandas", "numpy", "matplotlib", "jinja2", "platformdirs", "yaml", "pyarrow")
LIGHT = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from helperhist.__main__ import main
main()
"""


def start(
    *words: str, code: str | None = None, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    program = ["-m", "helperhist"] if code is None else ["-c", code]
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
             "HELPERHIST_DATA": "embedded", "LC_ALL": "C.UTF-8"}  # fmt: skip
    return subprocess.run(
        [sys.executable, *program, *words], input=stdin, capture_output=True, text=True,
        check=False, env={**known, **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def built() -> str:
    return str(compile_bpf(HEAD + GPL + 'SEC("kprobe/x") int p(void *c) { return CALL0(125); }'))


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("since", "bpf_loop", "-q"), "5.17"),
        (("list", "--at", "5.4"), "110 names"),
        (("list", "--prog", "xdp", "--at", "5.4"), "bpf_xdp_adjust_head"),
        (("diff", "5.4", "5.5"), "5 differences"),
        (("releases", "-q"), "5.10"),
        (("check", "BUILT", "--target", "5.4"), "no, 5.4 lacks"),
        (("explain", "invalid func unknown#182"), "bpf_strncmp"),
        (("audit", "TABLE"), "1 right"),
        (("export", "--format", "markdown", "--kind", "cmd"), "BPF_MAP_CREATE"),
        (("data",), "embedded *"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_without_most_dependencies(
    built: str, tmp_path: Path, words: tuple[str, ...], shown: str
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("helper,since\nbpf_loop,5.17\n")
    given = [{"BUILT": built, "TABLE": str(table)}.get(word, word) for word in words]
    environment = {"HOME": str(tmp_path), "HELPERHIST_DATA": ""}
    done = start(*given, code=LIGHT, **environment)
    assert shown in done.stdout, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "module", "remedy"),
    [
        (("plot", "growth"), "matplotlib", "pip install helperhist brings it"),
        (("header", "-o", "-"), "jinja2", "pip install helperhist brings it"),
        (("audit", "TABLE"), "yaml", "pip install helperhist brings it"),
        (("export", "--format", "parquet", "-o", "x"), "pyarrow",
         "pip install 'helperhist[parquet]' brings it"),
    ],
)  # fmt: skip
def test_a_module_that_is_not_there_is_one_line(
    tmp_path: Path, words: tuple[str, ...], module: str, remedy: str
) -> None:
    table = tmp_path / "table.yaml"
    table.write_text("helpers:\n  bpf_loop: 5.17\n")
    given = [str(table) if word == "TABLE" else word for word in words]
    done = start(*given, code=LIGHT, HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: this needs {module}, which is not installed: {remedy}\n"


def test_a_dumb_terminal_gets_no_escape_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    words = ["since", "bpf_loop", "--data", "embedded"]
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[" in CliRunner().invoke(cli, words, color=True).stdout
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b[" not in CliRunner().invoke(cli, words, color=True).stdout


@pytest.mark.parametrize("words", [("since", "bpf_loop"), ("explain", "invalid func unknown#182")])
def test_forty_columns(words: tuple[str, ...]) -> None:
    done = start(*words, COLUMNS="40")
    for line in done.stdout.splitlines():
        # One word that is longer cannot be helped, and lines of tables end with theirs.
        if len(line) > 40 and not line.startswith("source: "):
            assert len(line.split()[-1]) > 20, line


def test_a_home_that_cannot_be_written_is_no_warning(tmp_path: Path) -> None:
    figure = tmp_path / "x.svg"
    nowhere = "/proc/nowhere"
    done = start("plot", "growth", "-o", str(figure), HOME=nowhere, XDG_CACHE_HOME=nowhere,
                 XDG_CONFIG_HOME=nowhere)  # fmt: skip
    assert done.returncode == 0
    assert [line.partition(" ")[0] for line in done.stderr.splitlines()] == ["wrote", "source:"]
    assert figure.stat().st_size > 10_000


def test_what_is_imported_before_an_interruption_is_caught() -> None:
    """Until ``main`` runs, a Ctrl-C is a traceback: the package itself brings nothing."""
    code = (
        "import sys; before = set(sys.modules); import helperhist.__main__; "
        "print(*sorted(set(sys.modules) - before))"
    )
    words = [sys.executable, "-c", code]
    folder = str(Path(__file__).parents[2])
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=folder)
    ours = {"helperhist", "helperhist.__main__", "helperhist.errors"}
    assert ours <= set(done.stdout.split()) <= {*ours, "errno"}


@pytest.mark.parametrize("module", ["helperhist.cli.group", "click", "helperhist.cli.since"])
def test_an_interruption_while_importing(module: str) -> None:
    code = f"""
import sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
from helperhist.__main__ import main
main()
"""
    done = start("since", "bpf_loop", code=code)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_examples_in_the_help_are_lines_to_copy(name: str) -> None:
    words = [name] if name else []
    text = CliRunner().invoke(cli, [*words, "--help"], prog_name="helperhist").stdout
    _, _, end = text.partition("\nExamples:\n")
    examples, _, codes = end.partition("\n\n")
    lines = examples.splitlines()
    assert lines
    for line in lines:
        assert line.startswith("  ")
        assert "helperhist" in line
        assert len(line) <= 80
        assert not line.endswith((";", "\\"))
    assert codes.startswith("Exit codes: 0")
    assert codes.rstrip().endswith("2 an error that you can mend.")
