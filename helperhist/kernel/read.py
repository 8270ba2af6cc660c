"""Read what one kernel has, from whatever there is of it: BTF, a header, a git tree.

The names themselves come out of :mod:`helperhist.kernel.names`; here is which file is what.
"""

import platform
from dataclasses import replace
from pathlib import Path

from helperhist.binary import EM_BPF, Btf, read_sections
from helperhist.dataset import load
from helperhist.errors import HelperhistError, ParseError
from helperhist.kernel.corespec import Target
from helperhist.kernel.names import (
    KernelInfo,
    Uapi,
    info_of_btf,
    info_of_header,
    info_of_vmlinux_header,
    kfuncs_of,
)
from helperhist.timeline import Fact, Timeline

__all__ = ["RUNNING", "KernelInfo", "KernelSourceError", "read_kernel"]

#: Where the running kernel has its BTF, readable for all.
RUNNING = Path("/sys/kernel/btf/vmlinux")

#: Larger files are no BTF and no header: the kernel's are below 10 MB.
_MAX_FILE = 64 << 20
_ELF = b"\x7fELF"
_BTF_MAGICS = (b"\x9f\xeb", b"\xeb\x9f")
_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ": "xz",
    b"(\xb5/\xfd": "zstd",
    b"BZh": "bzip2",
}
_HEADERS = (
    "include/uapi/linux/bpf.h",
    "usr/include/linux/bpf.h",
    "include/linux/bpf.h",
    "linux/bpf.h",
    "bpf.h",
    "vmlinux.h",
)


class KernelSourceError(HelperhistError):
    """A source that is no kernel."""


def read_kernel(
    source: str, timeline: Timeline | None = None, base: Path | None = None
) -> KernelInfo:
    """Read what a kernel has.

    :param source: ``running``; a file with BTF (raw, ELF vmlinux or module); a ``vmlinux.h``; a
        UAPI ``bpf.h`` or a folder with one; ``GITREPO@REV``
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
        return _of_btf_folder(
            RUNNING.parent, uapi, f"running kernel ({RUNNING})", platform.release()
        )
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


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise KernelSourceError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > _MAX_FILE:
        raise KernelSourceError(f"{path} has more than {_MAX_FILE} bytes: no BTF and no header")
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


def _of_file(path: Path, uapi: Uapi, base: Path | None) -> KernelInfo:
    try:
        with path.open("rb") as file:
            head = file.read(1024)
    except OSError as error:
        raise KernelSourceError(f"cannot read {path}: {error.strerror}") from error
    if head[:4] == _ELF:
        return _of_elf(path, uapi, base)
    if head[:2] in _BTF_MAGICS:
        return _of_sections(path, _read(path), None, uapi, base)
    for magic, name in _COMPRESSED.items():
        if head.startswith(magic):
            raise KernelSourceError(f"{path} is compressed ({name}); give the file unpacked")
    if head[0x202:0x206] == b"HdrS":
        raise KernelSourceError(
            f"{path} is a compressed kernel image; give the vmlinux in it (the kernel's "
            "scripts/extract-vmlinux unpacks it), or the BTF of the running kernel"
        )
    data = _read(path)
    if b"__VMLINUX_H__" in data[:4096]:
        return info_of_vmlinux_header(data, uapi, str(path))
    if b"\0" in head:
        raise KernelSourceError(f"{path} is neither BTF, nor ELF, nor a header")
    return info_of_header(data, uapi, str(path))


def _of_elf(path: Path, uapi: Uapi, base: Path | None) -> KernelInfo:
    found = _elf_sections(path, ".BTF", ".BTF.base")
    if ".BTF" not in found:
        raise KernelSourceError(
            f"{path} has no .BTF section: the kernel was built without CONFIG_DEBUG_INFO_BTF, or "
            "the file was stripped"
        )
    return _of_sections(path, found[".BTF"], found.get(".BTF.base"), uapi, base)


def _elf_sections(path: Path, *names: str) -> dict[str, bytes]:
    try:
        with path.open("rb") as file:
            found = read_sections(file, names, _MAX_FILE, also=("license",))
    except OSError as error:
        raise KernelSourceError(f"cannot read {path}: {error.strerror}") from error
    except ParseError as error:
        raise KernelSourceError(f"{path} is a damaged ELF file: {error}") from error
    # BTF alone may come in such a file; a program brings its license.
    if found.machine == EM_BPF and "license" in found.names:
        raise KernelSourceError(
            f"{path} is a compiled BPF program and not a kernel; ask `helperhist check`"
        )
    return found.contents


def _of_sections(
    path: Path, data: bytes, distilled: bytes | None, uapi: Uapi, base: Path | None
) -> KernelInfo:
    """Read BTF that may be a module's, which says only what its base does not."""
    if distilled is not None:
        btf = Btf(data, Btf(distilled))
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
    below = Btf(_elf_sections(base, ".BTF").get(".BTF", b"") if _is_elf(base) else _read(base))
    source = f"module {path} on {base}"
    kernel = info_of_btf(below, uapi, str(base))
    return _of_module(Btf(data, below), source, kernel.names, kernel.whole)


def _is_elf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == _ELF
    except OSError as error:
        raise KernelSourceError(f"cannot read {path}: {error.strerror}") from error


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
