"""Kernels of Debian: downloaded with package lists of their own, and unpacked into a cache folder.

Nothing on the machine is changed; no root is needed.
"""

import lzma
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.vm.programs import Unavailable, run_program

__all__ = ["KERNELS", "KEYRING", "Kernel", "apt_setting", "get_kernel", "module_name"]

#: Series of kernels to the suite of Debian that has them.
KERNELS = {
    "5.10": "bullseye",
    "6.1": "bookworm",
    "6.12": "trixie",
    "6.16": "trixie-backports",
    "6.18": "trixie-backports",
    "7.2": "trixie-backports",
    "7.3": "trixie-backports",
}

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_MIRROR = "http://deb.debian.org/debian"
#: From 6.19 on the image is a package of its own, and from 7.2 on so are modules and configuration.
_PARTS = ("image", "binary", "base", "modules")
#: Modules that have kfuncs, or devices that programs can be bound to.
_MODULES = (
    "veth", "nf_conntrack", "nf_nat", "nf_flow_table", "xfrm_interface", "fou", "tcp_bbr",
    "tcp_dctcp",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel to boot.

    :ivar config: the options that it was built with, ``CONFIG_X``; empty where that is not known
    :ivar modules: files, each after those that it needs
    """

    series: str
    image: Path
    config: frozenset[str] = frozenset()
    modules: tuple[Path, ...] = ()


def get_kernel(series: str, cache: Path) -> Kernel:
    """Return the newest cloud kernel of a series, from the cache or from the mirror.

    :param series: one of :data:`KERNELS`
    :raises Unavailable: the mirror cannot be reached, or has no such package
    """
    folder = cache / f"kernel-{series}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=cache) as name:
            whole = Path(name) / "whole"
            _unpack(_download(series, Path(name)), whole)
            # Renamed when it is whole, so that other runs can share the cache.
            whole.rename(folder)
    config = folder / "config"
    lines = config.read_text().splitlines() if config.exists() else []
    return Kernel(
        series,
        folder / "vmlinuz",
        frozenset(line.partition("=")[0] for line in lines if line.endswith(("=y", "=m"))),
        tuple(sorted(folder.glob("*.ko"))),
    )


def module_name(file: Path) -> str:
    """Return the name of a module as the kernel spells it: ``07-nf-nat.ko`` is ``nf_nat``."""
    return file.name.partition("-")[2].partition(".ko")[0].replace("-", "_")


def apt_setting(folder: Path, suite: str) -> dict[str, str]:
    """Return the environment for apt with package lists of its own.

    :param folder: an empty one
    """
    lists = folder / "lists"
    for part in (lists / "partial", folder / "cache" / "archives" / "partial"):
        part.mkdir(parents=True)
    source = folder / "sources.list"
    source.write_text(f"deb [signed-by={KEYRING}] {_MIRROR} {suite} main\n")
    config = folder / "apt.conf"
    config.write_text(
        f'Dir::Etc::sourcelist "{source}";\nDir::Etc::sourceparts "-";\n'
        f'Dir::State::lists "{lists}";\nDir::State::status "{folder / "status"}";\n'
        f'Dir::Cache "{folder / "cache"}";\n'
        'APT::Sandbox::User "";\nAcquire::Languages "none";\nAcquire::Retries "2";\n'
        'Acquire::http::Timeout "20";\n'
    )
    (folder / "status").touch()
    return {"APT_CONFIG": str(config)}


def _download(series: str, folder: Path) -> Path:
    """Return a folder with the files of a kernel's packages."""
    env = apt_setting(folder, KERNELS[series])
    run_program(["apt-get", "-qq", "update"], folder, env)
    names = run_program(["apt-cache", "pkgnames", "linux-"], folder, env).split()
    pattern = re.compile(
        rf"linux-(?:image|binary)-({re.escape(series)}\.[\w.+]*(?:-\d+)?)-cloud-amd64"
    )
    versions = {match[1] for name in names if (match := pattern.fullmatch(name))}
    if not versions:
        raise Unavailable(f"{KERNELS[series]} has no cloud kernel {series}")
    newest = max(versions, key=lambda version: [int(n) for n in re.findall(r"\d+", version)])
    wanted = {f"linux-{part}-{newest}-cloud-amd64" for part in _PARTS} & set(names)
    run_program(["apt-get", "-qq", "download", *sorted(wanted)], folder, env)
    root = folder / "root"
    for package in folder.glob("linux-*.deb"):
        run_program(["dpkg", "-x", str(package), str(root)], folder)
    return root


def _unpack(root: Path, folder: Path) -> None:
    """Keep what a boot needs: image, configuration, and modules in the order to load them."""
    folder.mkdir()
    images = sorted(root.glob("**/vmlinuz*"))
    if not images:
        raise Unavailable(f"no vmlinuz in the packages of {root}")
    shutil.copyfile(images[0], folder / "vmlinuz")
    for config in sorted(root.glob("**/config*")):
        if re.fullmatch(r"config(-.*)?", config.name) and config.is_file():
            shutil.copyfile(config, folder / "config")
    files = {
        file.name.partition(".ko")[0].replace("-", "_"): file for file in root.glob("**/*.ko*")
    }
    done: list[str] = []

    def add(name: str) -> None:
        if name in done or name not in files:
            return
        data = files[name].read_bytes()
        if files[name].suffix == ".xz":
            data = lzma.decompress(data)
        # A string of the section .modinfo.
        needed = re.search(rb"\0depends=([\w,-]*)\0", data)
        for other in needed[1].decode().replace("-", "_").split(",") if needed else ():
            add(other)
        (folder / f"{len(done):02}-{name}.ko").write_bytes(data)
        done.append(name)

    for name in _MODULES:
        add(name)
