"""Completion in real shells, typed at a terminal of their own."""

import os
import pty
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

#: Answers completions as helperhist does, and else says what it was called with.
STUB = """#!/bin/sh
if [ -n "$_HELPERHIST_COMPLETE" ]; then
    exec {python} -m helperhist "$@"
fi
echo "CALLED <$*>"
"""
#: Per shell: how it is started, and what loads the completion.
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(cat {script})"'),
    "zsh": (["zsh", "-f", "-i"], "autoload -U compinit; compinit -u -D; source {script}"),
}
#: What is typed before the tabulator; what the command then gets.
TYPED = [
    ("check prog", "check prog.bpf.o"),
    ("check --target vml", "check --target vmlinux"),
    ("explain l.l", "explain l.log"),
    ("audit tab", "audit table.md"),
    ("kernel vml", "kernel vmlinux"),
    ("header -o bpf_helper", "header -o bpf_helper_defs.h"),
    ("list --kind map_ty", "list --kind map_type"),
    ("list --at lts-", "list --at lts-oldest"),
    ("list --prog xd", "list --prog xdp"),
    ("check --target lates", "check --target latest"),
    ("kernel --list prog_ty", "kernel --list prog_type"),
    ("header --only bpf_loo", "header --only bpf_loop"),
    ("list --data emb", "list --data embedded"),
    ("since bpf_probe_read_s", "since bpf_probe_read_str"),
    ("since bpf_skb_ct_look", "since bpf_skb_ct_lookup"),
    ("relea", "releases"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with files to complete, and the program in a folder of the PATH."""
    for name in ("prog.bpf.o", "vmlinux", "l.log", "table.md", "bpf_helper_defs.h"):
        (tmp_path / "work" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "work" / name).touch()
    stub = tmp_path / "bin" / "helperhist"
    stub.parent.mkdir()
    stub.write_text(STUB.format(python=sys.executable))
    stub.chmod(0o755)
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "HOME": str(folder),
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
        "HELPERHIST_DATA": "embedded",
        "PS1": "READY> ",
    }


def script(folder: Path, shell: str) -> Path:
    words = [sys.executable, "-m", "helperhist", "completion", shell]
    done = subprocess.run(words, env=environment(folder), capture_output=True, check=True)
    path = folder / f"completion.{shell}"
    path.write_bytes(done.stdout)
    return path


class Terminal:
    """A shell at a terminal; it reads what is typed when it is ready."""

    def __init__(self, words: list[str], folder: Path) -> None:
        self.shell, self.end = pty.openpty()
        self.process = subprocess.Popen(
            words, stdin=self.end, stdout=self.end, stderr=self.end, cwd=folder / "work",
            env=environment(folder), start_new_session=True,
        )  # fmt: skip
        self.heard = b""

    def type(self, text: str) -> None:
        os.write(self.shell, text.encode())

    def until(self, mark: str, times: int = 1) -> str:
        """Read until a text was heard so often; that is what the test fails with."""
        while self.heard.count(mark.encode()) < times:
            ready, _, _ = select.select([self.shell], [], [], 60)
            assert ready, f"nothing more after {self.heard.decode(errors='replace')!r}"
            self.heard += os.read(self.shell, 4096)
        return self.heard.decode(errors="replace")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.shell)
        os.close(self.end)


@pytest.fixture(params=list(SHELLS))
def terminal(request: pytest.FixtureRequest, folder: Path) -> Iterator[Terminal]:
    shell = request.param
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell} (Debian's package {shell})")
    words, load = SHELLS[shell]
    found = Terminal(words, folder)
    try:
        found.until("READY> ")
        found.type(load.format(script=script(folder, shell)) + "; echo LOAD''ED\n")
        found.until("LOADED")
        yield found
    finally:
        found.close()


def test_what_a_tabulator_adds(terminal: Terminal) -> None:
    for number, (typed, expected) in enumerate(TYPED, 1):
        terminal.type(f"helperhist {typed}\t\n")
        heard = terminal.until("CALLED <", number)
        heard = terminal.until(">\r\n", number)
        last = heard.rpartition("CALLED <")[2].partition(">\r\n")[0]
        assert last.strip() == expected


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish (Debian's package fish)")
def test_fish(folder: Path) -> None:
    path = script(folder, "fish")
    for typed, expected in TYPED:
        command = f"source {path}; complete -C 'helperhist {typed}'"
        done = subprocess.run(
            ["fish", "--no-config", "-c", command],
            env=environment(folder), cwd=folder / "work", capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        offered = [line.partition("\t")[0] for line in done.stdout.splitlines()]
        assert expected.rpartition(" ")[2] in offered, (typed, done.stdout, done.stderr)
