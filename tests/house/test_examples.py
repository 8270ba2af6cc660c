"""The examples of README and docs print what the pages show.

A page is run from its top to its end in one folder. ``<!-- file: NAME -->`` above a block writes
that file; ``<!-- needs: NAME ... -->`` above a console block names what it needs: a program, a
Python package, ``kernel`` (a running kernel with BTF), ``kernel=RELEASE`` (that very machine's), or
an entry of the folder that HELPERHIST_EXAMPLES names (``linux``, ``bcc``, ``debian12.btf``), which
is then in the folder and the home, or an absolute path. In what is shown, a line ``...`` stands for
any lines.
"""

import doctest
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *sorted(f"docs/{page.name}" for page in ROOT.glob("docs/*.md"))]
BLOCK = re.compile(
    r"^(?:<!-- (?P<key>needs|file): (?P<value>[^\n]*?) -->\n)?```(?P<language>\w+)\n"
    r"(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# Between the outputs of two commands; no command prints it.
MARK = "\x1e"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page, with what the comment above it says."""

    language: str
    text: str
    needs: tuple[str, ...] = ()
    file: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A command and what the page shows of its output."""

    command: str
    shown: list[str] = field(default_factory=list)


def read_blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    return [
        Block(
            found["language"],
            found["text"],
            tuple(found["value"].split()) if found["key"] == "needs" else (),
            found["value"] if found["key"] == "file" else "",
        )
        for found in BLOCK.finditer(text)
    ]


def read_examples(text: str) -> list[Example]:
    """Return the commands of a console block; a ``\\`` at the end continues a command."""
    examples: list[Example] = []
    open_command = False
    for line in text.splitlines():
        if open_command:
            examples[-1] = Example(f"{examples[-1].command}\n{line}")
        elif line.startswith("$ "):
            examples.append(Example(line[2:]))
        else:
            examples[-1].shown.append(line)
            continue
        command = examples[-1].command
        open_command = command.endswith("\\") or command.count('"') % 2 == 1
    return examples


def matches(shown: list[str], printed: list[str]) -> bool:
    """Return whether lines are as shown, ``...`` being any lines."""
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else f"{re.escape(line.rstrip())}\\n" for line in shown
    )
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in printed)) is not None


def lacking(need: str) -> str:
    """Return why a need is not met here, or nothing."""
    btf = os.access("/sys/kernel/btf/vmlinux", os.R_OK)
    if need == "kernel":
        return "" if btf else "a running kernel with BTF"
    if need.startswith("kernel="):
        return "" if btf and platform.release() == need[7:] else f"kernel {need[7:]}, running"
    if need.startswith("/"):
        return "" if Path(need).exists() else need
    if _given(need) or shutil.which(need) or importlib.util.find_spec(need.partition(".")[0]):
        return ""
    return f"{need}, in the folder that HELPERHIST_EXAMPLES names or installed"


def _given(need: str) -> Path | None:
    folder = os.environ.get("HELPERHIST_EXAMPLES")
    path = Path(folder, need) if folder else None
    return path if path is not None and path.exists() else None


def run(block: Block, folder: Path, home: Path) -> list[str]:
    """Run the commands of a block in one shell; return what differs."""
    examples = read_examples(block.text)
    for need in block.needs:
        source = _given(need)
        for place in (folder, home):
            target = place / need
            if source is not None and not target.exists():
                if source.is_dir():
                    target.symlink_to(source)
                else:
                    shutil.copy(source, target)
    script = "".join(
        f"{example.command}\nstatus=$?; printf '{MARK}'; (exit $status)\n" for example in examples
    )
    multiarch = f"/usr/include/{platform.machine()}-linux-gnu"
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "C_INCLUDE_PATH": multiarch,
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        encoding="utf-8",
        errors="replace",
    )
    outputs = done.stdout.replace(str(home), "/home/me").split(MARK)
    # How long a scan takes is not the page's to promise.
    timed = re.compile(r"^(time +)\d+\.\d s$", re.MULTILINE)
    outputs = [timed.sub(r"\g<1>0.4 s", text) for text in outputs]
    return [
        f"$ {example.command}\n{output}"
        for example, output in zip(examples, outputs, strict=False)
        if not matches(example.shown, output.splitlines())
    ]


def read_groups() -> list[tuple[str, tuple[str, ...]]]:
    """Return each page with each set of needs that its console blocks have."""
    return [
        (page, needs)
        for page in PAGES
        for needs in sorted(
            {
                block.needs
                for block in read_blocks((ROOT / page).read_text(encoding="utf-8"))
                if block.language == "console"
            }
        )
    ]


@pytest.mark.parametrize(
    ("page", "needs"),
    read_groups(),
    ids=lambda value: value if isinstance(value, str) else " ".join(value) or "-",
)
def test_examples(page: str, needs: tuple[str, ...], tmp_path: Path, isolated: Path) -> None:
    reasons = [reason for reason in map(lacking, needs) if reason]
    if reasons:
        pytest.skip(f"examples of {page} need {' and '.join(reasons)}")
    shutil.copytree(ROOT / "tests/bpf", tmp_path / "tests/bpf")
    differing = []
    for block in read_blocks((ROOT / page).read_text(encoding="utf-8")):
        if block.file:
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "console" and block.needs == needs:
            differing += run(block, tmp_path, isolated)
    assert not differing, "\n".join(differing)


@pytest.mark.parametrize("page", PAGES)
def test_python_runs(page: str) -> None:
    """Blocks of Python run, and interactive ones print what is shown."""
    for block in read_blocks((ROOT / page).read_text(encoding="utf-8")):
        if block.language == "python":
            exec(compile(block.text, page, "exec"), {})
        elif block.language == "pycon":
            test = doctest.DocTestParser().get_doctest(block.text, {}, page, page, 0)
            runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
            assert runner.run(test).failed == 0


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_in_a_console_block(page: str) -> None:
    """An indented command would not be run."""
    text = BLOCK.sub("", (ROOT / page).read_text(encoding="utf-8"))
    assert re.findall(r"^    (?:\$|>>>|helperhist) .*$", text, re.MULTILINE) == []


def test_what_differs_is_found(tmp_path: Path) -> None:
    text = "$ printf 'a\\nb\\nc\\n'\na\n...\n$ (exit 3)\n$ echo $? \\\n    x\n3 x\n"
    assert run(Block("console", text), tmp_path, tmp_path / "home") == []
    text = "$ echo a\nb\n$ echo c\n"
    assert run(Block("console", text), tmp_path, tmp_path / "home") == [
        "$ echo a\na\n",
        "$ echo c\nc\n",
    ]
