"""Boot a distribution's kernel in qemu with a first process of ours, and read what it prints.

Needs ``qemu-system-x86_64``, ``apt-get``, ``dpkg``, a C compiler and static libraries (Debian:
qemu-system-x86, gcc, libc6-dev, libbpf-dev, libelf-dev, zlib1g-dev); no root, no KVM.
"""

import shutil
import stat
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.vm.packages import KEYRING, Kernel
from tests.vm.programs import Unavailable, run_program

__all__ = [
    "Machine",
    "boot",
    "build_init",
    "build_loader",
    "missing_tools",
    "newc",
    "parse_console",
    "start",
]

_HERE = Path(__file__).parent

#: Seconds; a boot with all probes takes ten.
_TIMEOUT = 240


@dataclass(slots=True)
class Machine:
    """What a kernel said.

    :ivar release: ``uname -r``
    :ivar helpers: number to verdict (``absent``, ``refused``, ``known``) and the name in its log
    :ivar map_types: numbers of those it can create
    :ivar prog_types: numbers of those it knows
    :ivar objects: file to whether it loaded
    :ivar logs: (kind, number or file) to the messages of the verifier and the loader
    :ivar btf: the bytes of ``/sys/kernel/btf/vmlinux``
    """

    release: str = ""
    helpers: dict[int, tuple[str, str]] = field(default_factory=dict)
    map_types: set[int] = field(default_factory=set)
    prog_types: set[int] = field(default_factory=set)
    objects: dict[str, bool] = field(default_factory=dict)
    logs: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    btf: bytes = b""


def missing_tools() -> list[str]:
    """Return what a boot needs and this machine has not."""
    tools = ("qemu-system-x86_64", "apt-get", "apt-cache", "dpkg", "gcc")
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if not Path("/usr/include/bpf/libbpf.h").exists():
        missing.append("libbpf-dev")
    if not KEYRING.exists():
        missing.append(str(KEYRING))
    return missing


def build_init(folder: Path, source: str, *libraries: str) -> Path:
    """Compile a first process of the machine.

    :param source: one of the files beside this one
    :raises Unavailable: a library is not there as a static one
    """
    init = folder / Path(source).stem
    flags = [f"-l{library}" for library in libraries]
    run_program(["gcc", "-O1", "-static", "-o", str(init), str(_HERE / source), *flags], folder)
    return init


def build_loader(folder: Path) -> Path:
    """Compile the process that loads objects.

    :raises Unavailable: libbpf is not there as a static library
    """
    return build_init(folder, "loader.c", "bpf", "elf", "z")


def newc(name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    """Return a member of a cpio archive in the format of initramfs (``newc``)."""
    raw = name.encode() + b"\0"
    numbers = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(raw), 0)
    head = b"070701" + b"".join(b"%08X" % number for number in numbers) + raw
    head += b"\0" * (-len(head) % 4)
    return head + data + b"\0" * (-len(data) % 4)


def _initramfs(init: Path, files: Mapping[str, bytes]) -> bytes:
    """Return the archive with the first process and other files, by path."""
    folders = {path.partition("/")[0] for path in files if "/" in path}
    parts = [
        newc("dev", stat.S_IFDIR | 0o755),
        newc("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)),
        *(newc(name, stat.S_IFDIR | 0o755) for name in sorted(folders)),
        newc("init", stat.S_IFREG | 0o755, init.read_bytes()),
        *(newc(path, stat.S_IFREG | 0o644, data) for path, data in files.items()),
        newc("TRAILER!!!", 0),
    ]
    return b"".join(parts)


def start(
    kernel: Kernel, init: Path, files: Mapping[str, bytes], timeout: int = _TIMEOUT
) -> tuple[str, bytes]:
    """Boot a kernel, and return its console and what came, compressed, by the second serial port.

    :param files: path to bytes, at most one folder deep
    :param timeout: seconds
    :raises Unavailable: it did not come to its end
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "initrd").write_bytes(_initramfs(init, files))
        command = [
            "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "768", "-nodefaults",
            "-display", "none", "-no-reboot", "-kernel", str(kernel.image), "-initrd", "initrd",
            "-append", "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off no_timer_check",
            "-serial", "file:console", "-serial", "file:second",
        ]  # fmt: skip
        run_program(command, folder, timeout=timeout)
        console = (folder / "console").read_text("utf-8", "replace")
        packed = (folder / "second").read_bytes()
    if "@@ done" not in console:
        raise Unavailable(f"{kernel.series} stopped: {console[-300:]!r}")
    try:
        return console, zlib.decompress(packed) if packed else b""
    except zlib.error as error:
        raise Unavailable(f"{kernel.series}: what it sent came damaged ({error})") from error


def boot(kernel: Kernel, init: Path, objects: Iterable[Path] = ()) -> Machine:
    """Boot a kernel with ``loader.c`` and return what it said.

    :raises Unavailable: it did not come to its end
    """
    files = {f"objects/{path.name}": path.read_bytes() for path in objects}
    console, btf = start(kernel, init, files)
    machine = parse_console(console)
    machine.btf = btf
    return machine


def parse_console(text: str) -> Machine:
    """Read the lines of ``vm/loader.c``."""
    machine = Machine()
    for line in text.splitlines():
        words = line.strip().split(" ")
        if words[0] != "@@":
            continue
        match words[1:]:
            case ["uname", release]:
                machine.release = release
            case ["helper", number, verdict, shown]:
                machine.helpers[int(number)] = (verdict, shown)
            case ["map_type", number, "yes", _]:
                machine.map_types.add(int(number))
            case ["prog_type", number, "yes", _]:
                machine.prog_types.add(int(number))
            case ["object", file, verdict, _]:
                machine.objects[file] = verdict == "yes"
            case ["log", kind, subject, *rest]:
                machine.logs.setdefault((kind, subject), []).append(" ".join(rest))
    return machine
