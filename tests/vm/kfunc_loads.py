"""Build the programs of ``kfunc_programs.py``, and load them on a kernel that is booted."""

import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.vm.machine import start
from tests.vm.packages import Kernel, apt_setting
from tests.vm.programs import Unavailable, run_program

__all__ = ["Loaded", "build_loader", "load_all", "parse_loads"]

_HERE = Path(__file__).parent
#: Debian's libbpf 1.5, which leaves out the flavours of kfuncs; 1.1 of Debian 12 does not.
_SUITE = "trixie"


@dataclass(slots=True)
class Loaded:
    """What a kernel did with an object.

    :ivar calls: the kfuncs that the verifier left in it
    :ivar helpers: the same of helpers: names of functions
    :ivar returns: what its programs returned that can be run
    """

    error: int
    calls: set[str] = field(default_factory=set)
    returns: list[int] = field(default_factory=list)
    helpers: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)


def parse_loads(console: str) -> dict[str, Loaded]:
    """Read the lines of ``kfuncs.c``, by object."""
    found: dict[str, Loaded] = {}
    for line in console.splitlines():
        match line.strip().split(" ", 4):
            case ["@@", "object", file, _, error]:
                found[file] = Loaded(int(error))
            case ["@@", "call", file, _, name]:
                found[file].calls.add(name)
            case ["@@", "helper", file, _, name]:
                found[file].helpers.add(name)
            case ["@@", "run", file, _, value]:
                found[file].returns.append(int(value))
            case ["@@", "log", file, *rest]:
                found[file].log.append(" ".join(rest))
    return found


def build_loader(folder: Path, cache: Path) -> Path:
    """Compile the process that loads objects, with a libbpf that knows flavours of kfuncs.

    :raises Unavailable: it cannot be had
    """
    root = cache / f"libbpf-{_SUITE}"
    if not root.exists():
        with tempfile.TemporaryDirectory(dir=cache) as name:
            scratch = Path(name)
            env = apt_setting(scratch, _SUITE)
            run_program(["apt-get", "-qq", "update"], scratch, env)
            run_program(["apt-get", "-qq", "download", "libbpf-dev"], scratch, env)
            for package in scratch.glob("libbpf-dev*.deb"):
                run_program(["dpkg", "-x", str(package), str(scratch / "root")], scratch)
            if not list((scratch / "root").glob("**/libbpf.a")):
                raise Unavailable(f"the libbpf-dev of {_SUITE} has no libbpf.a")
            (scratch / "root").rename(root)
    library = next(iter(root.glob("**/libbpf.a")))
    init = folder / "kfuncs"
    run_program(
        ["gcc", "-O1", "-static", f"-I{root / 'usr/include'}", "-o", str(init),
         str(_HERE / "kfuncs.c"), str(library), "-lelf", "-lz"],
        folder,
    )  # fmt: skip
    return init


def load_all(
    kernel: Kernel, init: Path, objects: Iterable[Path], names: Iterable[str] = ()
) -> tuple[Mapping[str, Loaded], set[str]]:
    """Boot a kernel, and load objects on it.

    :param names: of functions to look for in its BTF
    :return: what it did, by object, and the names that it has
    :raises Unavailable: it did not come to its end
    """
    files = {f"objects/{path.name}": path.read_bytes() for path in objects}
    files["names/all"] = "\n".join(names).encode()
    console, _ = start(kernel, init, files)
    if not re.search(r"^@@ uname ", console, re.MULTILINE):
        raise Unavailable(f"{kernel.series} said nothing")
    return parse_loads(console), set(re.findall(r"^@@ btf (\w+)", console, re.MULTILINE))
