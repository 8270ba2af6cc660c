"""Boot a distribution's kernel in qemu with a first process of ours, and read what it prints.

Nothing on the machine is changed: packages are downloaded with lists of their own below a cache
folder and unpacked there with ``dpkg -x``. Needs ``qemu-system-x86_64``, ``apt-get``, ``dpkg``, a
C compiler and static libraries (Debian: qemu-system-x86, gcc, libc6-dev, libbpf-dev, libelf-dev,
zlib1g-dev); no root, no KVM.
"""

import os
import re
import shutil
import stat
import subprocess
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "HERE",
    "SUITES",
    "Machine",
    "Unavailable",
    "boot",
    "build_loader",
    "get_kernel",
    "missing_tools",
    "newc",
]

HERE = Path(__file__).parent

#: Suites of Debian to the series of their kernels.
SUITES = {"bullseye": "5.10", "bookworm": "6.1", "trixie": "6.12", "sid": "7.2"}

_MIRROR = "http://deb.debian.org/debian"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
#: Seconds; a boot with all probes takes ten.
_TIMEOUT = 240


class Unavailable(Exception):
    """What stands in the way of a boot, for the reason of a skip."""


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
    if not Path(_KEYRING).exists():
        missing.append(_KEYRING)
    return missing


def _run(command: list[str], cwd: Path, env: Mapping[str, str] | None = None) -> str:
    try:
        result = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{command[0]} did not end in {_TIMEOUT} s") from error
    if result.returncode:
        last = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
        raise Unavailable(f"{command[0]} failed: {' '.join(last)[:200]}")
    return result.stdout


def get_kernel(suite: str, cache: Path) -> Path:
    """Return the path of a suite's newest cloud kernel, from the cache or from the mirror.

    :raises Unavailable: the mirror cannot be reached, or has no such package
    """
    kernel = cache / f"vmlinuz-{suite}"
    if not kernel.exists():
        with tempfile.TemporaryDirectory(dir=cache) as name:
            # Renamed when it is whole, so that other runs can share the cache.
            _download(suite, Path(name)).rename(kernel)
    return kernel


def _download(suite: str, folder: Path) -> Path:
    lists = folder / "lists"
    for part in (lists / "partial", folder / "cache" / "archives" / "partial"):
        part.mkdir(parents=True)
    source = folder / "sources.list"
    source.write_text(f"deb [signed-by={_KEYRING}] {_MIRROR} {suite} main\n")
    config = folder / "apt.conf"
    config.write_text(
        f'Dir::Etc::sourcelist "{source}";\nDir::Etc::sourceparts "-";\n'
        f'Dir::State::lists "{lists}";\nDir::Cache "{folder / "cache"}";\n'
        'APT::Sandbox::User "";\nAcquire::Languages "none";\nAcquire::Retries "2";\n'
        'Acquire::http::Timeout "20";\n'
    )
    env = {"APT_CONFIG": str(config)}
    _run(["apt-get", "-qq", "update"], folder, env)
    shown = _run(["apt-cache", "show", "linux-image-cloud-amd64"], folder, env)
    image = re.search(r"^Depends:.*?(linux-image-[\w.+~-]+-cloud-amd64)", shown, re.MULTILINE)
    if image is None:
        raise Unavailable(f"{suite} has no linux-image-cloud-amd64")
    # From 7.x on the image is a package of its own.
    depends = _run(["apt-cache", "show", image[1]], folder, env)
    binary = re.search(r"^Depends:.*?(linux-binary-[\w.+~-]+-cloud-amd64)", depends, re.MULTILINE)
    _run(["apt-get", "-qq", "download", (binary or image)[1]], folder, env)
    for package in folder.glob("linux-*.deb"):
        _run(["dpkg", "-x", str(package), str(folder / "root")], folder)
    found = sorted(folder.glob("root/**/vmlinuz*"))
    if not found:
        raise Unavailable(f"{suite}: no vmlinuz in {(binary or image)[1]}")
    return found[0]


def build_loader(folder: Path) -> Path:
    """Compile the first process of the machine.

    :raises Unavailable: libbpf is not there as a static library
    """
    init = folder / "init"
    _run(
        ["gcc", "-O1", "-static", "-o", str(init), str(HERE / "loader.c"), "-lbpf", "-lelf", "-lz"],
        folder,
    )
    return init


def newc(name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    """Return a member of a cpio archive in the format of initramfs (``newc``)."""
    raw = name.encode() + b"\0"
    numbers = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(raw), 0)
    head = b"070701" + b"".join(b"%08X" % number for number in numbers) + raw
    head += b"\0" * (-len(head) % 4)
    return head + data + b"\0" * (-len(data) % 4)


def _initramfs(init: Path, objects: Iterable[Path]) -> bytes:
    parts = [
        newc("dev", stat.S_IFDIR | 0o755),
        newc("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)),
        newc("objects", stat.S_IFDIR | 0o755),
        newc("init", stat.S_IFREG | 0o755, init.read_bytes()),
    ]
    parts += [
        newc(f"objects/{path.name}", stat.S_IFREG | 0o644, path.read_bytes()) for path in objects
    ]
    parts.append(newc("TRAILER!!!", 0))
    return b"".join(parts)


def boot(kernel: Path, init: Path, objects: Iterable[Path] = ()) -> Machine:
    """Boot a kernel and return what it said.

    :raises Unavailable: it did not come to its end
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "initrd").write_bytes(_initramfs(init, objects))
        command = [
            "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "512", "-nodefaults",
            "-display", "none", "-no-reboot", "-kernel", str(kernel), "-initrd", "initrd",
            "-append", "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off",
            "-serial", "file:console", "-serial", "file:btf",
        ]  # fmt: skip
        _run(command, folder)
        console = (folder / "console").read_text("utf-8", "replace")
        packed = (folder / "btf").read_bytes()
    if "@@ done" not in console:
        raise Unavailable(f"{kernel.name} stopped: {console[-300:]!r}")
    machine = parse_console(console)
    try:
        machine.btf = zlib.decompress(packed) if packed else b""
    except zlib.error as error:
        raise Unavailable(f"{kernel.name}: its BTF came damaged ({error})") from error
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
