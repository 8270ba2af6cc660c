"""Read what one kernel has, from whatever there is of it: BTF, a header, a git tree.

The names themselves come out of :mod:`helperhist.kernel.names`; here is which file is what.
"""

import platform
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from helperhist.binary import Btf, Form
from helperhist.dataset import load
from helperhist.errors import HelperhistError
from helperhist.kernel.config import parse_config, read_config
from helperhist.kernel.corespec import Target
from helperhist.kernel.files import MAX_FILE, KernelFile, KernelSourceError, open_kernel
from helperhist.kernel.info import KernelInfo, Uapi
from helperhist.kernel.names import info_of_btf, info_of_header, info_of_vmlinux_header, kfuncs_of
from helperhist.timeline import Fact, Timeline

__all__ = ["RUNNING", "KernelInfo", "KernelSourceError", "read_kernel"]

#: Where the running kernel has its BTF, readable for all.
RUNNING = Path("/sys/kernel/btf/vmlinux")

_BTF_MAGICS = (b"\x9f\xeb", b"\xeb\x9f")
_HEADERS = (
    "include/uapi/linux/bpf.h",
    "usr/include/linux/bpf.h",
    "include/linux/bpf.h",
    "linux/bpf.h",
    "bpf.h",
    "vmlinux.h",
)


def read_kernel(
    source: str, timeline: Timeline | None = None, base: Path | None = None
) -> KernelInfo:
    """Read what a kernel has.

    :param source: ``running``; a file with BTF (raw, vmlinux, vmlinuz, module; packed or not); a
        ``vmlinux.h``; a UAPI ``bpf.h`` or a folder with one; ``GITREPO@REV``
    :param timeline: tells which enumerations and structs belong to the UAPI; the embedded one
        where it is left out
    :param base: the kernel's BTF, for a module
    :raises HelperhistError: the source cannot be read or is none of these
    """
    uapi = Uapi.of(timeline if timeline is not None else load("embedded"))
    if source == "running":
        if not RUNNING.exists():
            raise KernelSourceError(
                f"no {RUNNING}: the running kernel has no BTF (CONFIG_DEBUG_INFO_BTF); give a "
                "vmlinux, a vmlinux.h or its bpf.h"
            )
        info = _of_btf_folder(
            RUNNING.parent, uapi, f"running kernel ({RUNNING})", platform.release()
        )
        return replace(info, config=_running_config())
    path = Path(source)
    if path.is_dir():
        return _of_folder(path, uapi)
    if path.exists():
        return _of_file(path, uapi, base)
    repo, at, revision = source.rpartition("@")
    if at and Path(repo).is_dir():
        from helperhist.git import KERNEL_PATHS, read_at

        found, data = read_at(Path(repo), revision, KERNEL_PATHS)
        return info_of_header(data, uapi, f"{repo}@{revision} ({found})", "git")
    raise KernelSourceError(
        f"{source} does not exist; give `running`, a file with BTF, a header or folder, or "
        "GITREPO@REV"
    )


def _running_config() -> dict[str, str] | None:
    """Return what libbpf reads where a program has kconfig externs."""
    for path in (Path("/boot") / f"config-{platform.release()}", Path("/proc/config.gz")):
        if path.exists():
            with suppress(HelperhistError):
                return read_config(path)
    return None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise KernelSourceError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > MAX_FILE:
        raise KernelSourceError(f"{path} has more than {MAX_FILE} bytes, so it is not BTF")
    return data


def _of_folder(folder: Path, uapi: Uapi) -> KernelInfo:
    if _is_btf(folder / "vmlinux"):
        return _of_btf_folder(folder, uapi, str(folder))
    for name in _HEADERS:
        if (folder / name).is_file():
            return _of_file(folder / name, uapi, None)
    raise KernelSourceError(
        f"{folder} has no {', '.join(_HEADERS[:-1])} or {_HEADERS[-1]}; of a git repository write "
        f"{folder}@REV"
    )


def _is_btf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) in _BTF_MAGICS
    except OSError:
        return False


def _of_btf_folder(folder: Path, uapi: Uapi, source: str, version: str | None = None) -> KernelInfo:
    """Read ``/sys/kernel/btf`` or a copy: the kernel and its loaded modules."""
    kernel = Btf(_read(folder / "vmlinux"))
    info = info_of_btf(kernel, uapi, source, version)
    kfuncs, modules = set(info.kfuncs or ()), list[tuple[str, Btf]]()
    for path in sorted(folder.iterdir()):
        if path.name != "vmlinux" and _is_btf(path):
            module = Btf(_read(path), kernel)
            kfuncs.update(kfuncs_of(module))
            modules.append((path.name, module))
    return replace(
        info,
        kfuncs=tuple(sorted(kfuncs)) or None,
        modules=tuple(name for name, _ in modules),
        types=Target(kernel, modules),
    )


def _open(path: Path) -> KernelFile:
    if path.exists() and not path.is_file():
        # One that nobody writes to would be waited for without end.
        raise KernelSourceError(f"{path} is not a regular file; copy it to one")
    try:
        with path.open("rb") as file:
            return open_kernel(file, str(path))
    except OSError as error:
        raise KernelSourceError(f"cannot read {path}: {error.strerror}") from error


def _of_file(path: Path, uapi: Uapi, base: Path | None) -> KernelInfo:
    found = _open(path)
    if found.form is Form.BTF:
        info = _of_btf(path, found, uapi, base)
        config = None if found.config is None else parse_config(found.config)
        return replace(info, version=found.version, config=config)
    if found.form is Form.VMLINUX_H:
        return info_of_vmlinux_header(found.data, uapi, str(path))
    return info_of_header(found.data, uapi, str(path))


def _of_btf(path: Path, found: KernelFile, uapi: Uapi, base: Path | None) -> KernelInfo:
    """Read BTF that may be a module's, which says only what its base does not."""
    data = found.data
    if found.distilled is not None:
        btf = Btf(data, Btf(found.distilled))
        return _of_module(btf, f"module {path}")
    if not _is_split(data):
        return info_of_btf(Btf(data), uapi, str(path))
    beside = path.parent / "vmlinux"
    if base is None and path.parent == RUNNING.parent and beside.exists():
        base = beside
    if base is None:
        raise KernelSourceError(
            f"{path} is the BTF of a module, which builds on its kernel's; give that with --base"
        )
    below = Btf(_open(base).data)
    source = f"module {path} on {base}"
    kernel = info_of_btf(below, uapi, str(base))
    return _of_module(Btf(data, below), source, kernel.names, kernel.whole)


def _is_split(data: bytes) -> bool:
    # The strings of a whole BTF begin with the empty one; a module shares its base's.
    for order in ("little", "big"):
        if int.from_bytes(data[:2], order) == 0xEB9F:
            at = int.from_bytes(data[4:8], order) + int.from_bytes(data[16:20], order)
            return data[at : at + 1] not in (b"\0", b"")
    return False


def _of_module(
    btf: Btf, source: str, names: tuple[Fact, ...] = (), whole: frozenset[str] | None = None
) -> KernelInfo:
    return KernelInfo(source, "btf", names, kfuncs_of(btf), None, whole or frozenset())
