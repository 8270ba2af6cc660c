"""Build BPF objects with real compilers, for the tests."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path

#: C sources of ours.
SOURCES = Path(__file__).parents[1] / "bpf"


@cache
def _folder() -> Path:
    """Return the folder of this user's built objects; equal sources are built once."""
    folder = Path(tempfile.gettempdir()) / f"helperhist-bpf-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def compile_bpf(
    source: str, *flags: str, cpu: str = "v3", order: str = "el", debug: bool = True
) -> Path:
    """Compile C for BPF with the clang of the ziglang package; the object is kept for reuse.

    :param source: C text
    :param order: ``el`` or ``eb``
    """
    command = [
        *(sys.executable, "-m", "ziglang", "cc", "-target", f"bpf{order}-freestanding"),
        *("-c", "-O2", f"-mcpu={cpu}", "-Wall", "-Werror", f"-I{SOURCES}"),
        *(["-g"] if debug else ["-g0"]),
        *flags,
    ]
    return _build(source, command)


def compile_gcc(source: str, *flags: str) -> Path:
    """Compile C for BPF with gcc-bpf; the caller skips where :func:`has` says it is missing."""
    return _build(source, ["bpf-gcc", "-c", "-O2", f"-I{SOURCES}", *flags])


def compile_clang(source: str, *flags: str) -> Path:
    """Compile C for BPF with the clang of the system."""
    return _build(source, ["clang", "-target", "bpf", "-c", "-O2", "-g", f"-I{SOURCES}", *flags])


def has(program: str) -> bool:
    """Whether a program is installed."""
    return shutil.which(program) is not None


@cache
def _surroundings(compiler: str) -> str:
    """Return what else decides about the object: the compiler's version and our headers."""
    if compiler == sys.executable:
        version = metadata.version("ziglang")
    else:
        version = str(Path(shutil.which(compiler) or compiler).resolve().stat().st_mtime_ns)
    return "\0".join([version, *(path.read_text() for path in sorted(SOURCES.glob("*.h")))])


def _build(source: str, command: list[str]) -> Path:
    key = "\0".join([*command, source, _surroundings(command[0])])
    target = _folder() / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.o"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=_folder()) as work:
            # The name is part of the line information, so it must not vary.
            (Path(work) / "test.bpf.c").write_text(source)
            done = subprocess.run(
                [*command, "test.bpf.c", "-o", "test.o"],
                cwd=work,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise AssertionError(f"{' '.join(command)}\n{done.stderr}")
            (Path(work) / "test.o").replace(target)
    return target
