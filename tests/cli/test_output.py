"""What a command does where it cannot write, read or go on: one line, and the right exit code."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
ROOT = Path(__file__).parents[2]
BUFFERING = pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
NO_MEMORY = b"Error: out of memory; allow more (ulimit -v), or give less\n"
FULL = b"Error: cannot write: No space left on device; make room\n"


def run(
    *arguments: str,
    redirect: str = "",
    before: Callable[[], None] | None = None,
    env: Mapping[str, str] | None = None,
    program: tuple[str, ...] = ("-m", "helperhist"),
) -> subprocess.CompletedProcess[bytes]:
    """Run the program in a process of its own, its streams redirected as a shell does it."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirect}', "sh", sys.executable, *program, *arguments],
        env={**os.environ, "HELPERHIST_DATA": "embedded", **(env or {})},
        preexec_fn=before,
        capture_output=True,
        check=False,
    )


def limit(what: int, value: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(what, (value, value))


# -- output that does not fit


@BUFFERING
@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "--format", "json"),
        ("export", "--format", "sqlite"),
        ("list", "--kind", "all"),
        ("list", "--kind", "all", "--json"),
        ("list", "--kind", "all", "--csv"),
        ("header",),
        ("since", "*"),
    ],
    ids=" ".join,
)
def test_output_cut_short_is_an_error(
    arguments: tuple[str, ...], unbuffered: str, tmp_path: Path
) -> None:
    file = tmp_path / "out"
    done = run(
        *arguments,
        redirect=f"> '{file}'",
        before=limit(resource.RLIMIT_FSIZE, 20_000),
        env={"PYTHONUNBUFFERED": unbuffered},
    )
    assert file.stat().st_size == 20_000
    assert done.returncode == 2
    assert done.stderr == b"Error: cannot write: File too large; make room\n"


@needs_full
@BUFFERING
@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",), ("--version",), ("since", "--help"), ("since", "bpf_loop"),
        ("since", "-q", "bpf_loop"), ("completion", "bash"), ("releases", "--json"),
        ("explain", "invalid func unknown#182"), ("header",), ("export", "--format", "csv"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_full_disk(arguments: tuple[str, ...], unbuffered: str) -> None:
    done = run(*arguments, redirect="> /dev/full", env={"PYTHONUNBUFFERED": unbuffered})
    assert (done.returncode, done.stderr) == (2, FULL)


@needs_full
def test_a_full_disk_while_a_shell_completes() -> None:
    environment = {
        "COMP_WORDS": "helperhist li", "COMP_CWORD": "1", "_HELPERHIST_COMPLETE": "bash_complete",
    }  # fmt: skip
    done = run(redirect="> /dev/full", env=environment)
    assert (done.returncode, done.stderr) == (2, FULL)


@BUFFERING
@pytest.mark.parametrize("arguments", [("--help",), ("since", "*"), ("export", "--format", "csv")])
def test_a_reader_that_is_gone(arguments: tuple[str, ...], unbuffered: str) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "helperhist", *arguments],
            env={**os.environ, "HELPERHIST_DATA": "embedded", "PYTHONUNBUFFERED": unbuffered},
            stdout=write,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


# -- streams that are closed


@BUFFERING
@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",), ("since", "bpf_loop"), ("since", "bpf_loop", "--json"),
        ("export", "--format", "sqlite"), ("export", "--format", "csv"), ("header",),
        ("completion", "zsh"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_closed_output(arguments: tuple[str, ...], unbuffered: str) -> None:
    done = run(*arguments, redirect=">&-", env={"PYTHONUNBUFFERED": unbuffered})
    assert (done.returncode, done.stderr) == (2, b"Error: standard output is closed\n")


@pytest.mark.parametrize("arguments", [("explain",), ("check", "-")], ids=" ".join)
def test_closed_input(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, redirect="<&-")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"Error: standard input is closed\n"


@pytest.mark.parametrize("redirect", ["2>&-", pytest.param("2> /dev/full", marks=needs_full)])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("since", "-q", "bpf_loop"), 0), (("since", "bpf_loop", "--json"), 0),
        (("since", "-q", "qqqqqq"), 1), (("nothing",), 2), (("since",), 2),
        (("list", "--at", "2.6"), 2),
    ],
)  # fmt: skip
def test_messages_that_nobody_can_read_change_no_exit_code(
    arguments: tuple[str, ...], code: int, redirect: str
) -> None:
    assert run(*arguments, redirect=redirect).returncode == code


def test_all_streams_closed() -> None:
    assert run("since", "bpf_loop", redirect="<&- >&- 2>&-").returncode == 2


def test_names_of_files_on_standard_input_may_be_any_bytes(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"/none/\xff\x1b[31m\n")
    done = run("check", "-", redirect=f"< '{tmp_path}/list'")
    assert done.returncode == 2
    assert done.stderr.startswith(b"Error: /none/\\udcff\\x1b[31m: ")
    assert done.stderr.count(b"\n") == 1


# -- memory, interruption

_RAISES = """
import sys
from helperhist.cli import since
def load(data):
    raise {error}
since.load = load
from helperhist.__main__ import main
main()
"""


def test_memory_that_is_not_there() -> None:
    done = run("since", "bpf_loop", program=("-c", _RAISES.format(error="MemoryError")))
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == NO_MEMORY


#: What pip makes of the entry point.
_INSTALLED = "import sys\nfrom helperhist.__main__ import main\nsys.exit(main())"


@pytest.mark.parametrize("arguments", [("since", "*.*"), ("export", "--format", "json")])
def test_little_memory(arguments: tuple[str, ...]) -> None:
    def megabytes(count: int) -> Callable[[], None]:
        return limit(resource.RLIMIT_AS, count << 20)

    def starts(count: int) -> bool:
        program = ("-c", "import helperhist.__main__")
        return run(program=program, before=megabytes(count)).returncode == 0

    # Below, Python itself does not start, and nothing of ours runs.
    least = next(count for count in range(8, 400) if starts(count))
    codes = set()
    for count in range(least + 1, least + 12, 2):
        done = run(*arguments, before=megabytes(count), program=("-c", _INSTALLED))
        codes.add(done.returncode)
        if done.returncode == 0:
            assert len(done.stdout) > 10_000
        else:
            assert done.returncode == 2
            assert done.stderr.startswith(b"Error: ")
            assert b"ulimit -v" in done.stderr
            assert done.stderr.count(b"\n") == 1
    assert 2 in codes


_SIGNAL_AT_IMPORT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from helperhist.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "module",
    [
        "click",
        "helperhist.cli.group",
        "helperhist.cli.since",
        "helperhist.timeline.timeline",
        "csv",
    ],
)
def test_an_interruption_while_modules_are_imported(module: str) -> None:
    done = run("since", "bpf_loop", program=("-c", _SIGNAL_AT_IMPORT.format(module=module)))
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"interrupted\n")


def test_a_module_that_is_not_there() -> None:
    error = 'ImportError("libx.so: failed to map segment from shared object")'
    done = run("since", "bpf_loop", program=("-c", _RAISES.format(error=error)))
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"Error: libx.so: failed to map segment from shared object; ")
    assert done.stderr.count(b"\n") == 1


def test_an_interruption_while_a_command_is_sought() -> None:
    done = run("since", "bpf_loop", program=("-c", _RAISES.format(error="KeyboardInterrupt")))
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"interrupted\n")


def test_the_installed_program_imports_nothing_before_it_can_be_interrupted() -> None:
    code = "import sys, helperhist.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"click", "helperhist.cli.group", "helperhist.timeline.timeline"} & set(
        done.stdout.split()
    )
    assert '"helperhist.__main__:main"' in (ROOT / "pyproject.toml").read_text("utf-8")
