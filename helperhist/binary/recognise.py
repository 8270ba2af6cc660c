"""What a file is, by its bytes: the one place that knows, for all commands.

Pure. The first kilobytes decide; where text looks alike (C source, header), the file's name does.
Sources of the numbers: ``include/uapi/linux/elf-em.h``, ``Documentation/arch/x86/boot.rst``,
``Documentation/arch/arm64/booting.rst``, ``file(1)``'s magic.
"""

import re
from enum import StrEnum

__all__ = ["COMPRESSED", "CONTAINERS", "HEAD", "MACHINES", "Form", "describe", "recognise"]

#: Bytes of a file that :func:`recognise` wants to see.
HEAD = 64 << 10


class Form(StrEnum):
    """What a file is; the value completes "this is …"."""

    EMPTY = "an empty file"
    OBJECT = "a BPF object"
    ELF = "an ELF file"
    BTF = "BTF, the types of a kernel"
    KERNEL_IMAGE = "a kernel image"
    GZIP = "compressed with gzip"
    XZ = "compressed with xz"
    LZMA = "compressed with lzma"
    ZSTD = "compressed with zstd"
    BZIP2 = "compressed with bzip2"
    LZ4 = "compressed with lz4"
    LZ4_LEGACY = "compressed with lz4 (as the kernel does)"
    LZO = "compressed with lzo"
    TAR = "a tar archive"
    ZIP = "a zip archive"
    AR = "an ar archive"
    RPM = "an RPM package"
    BITCODE = "LLVM bitcode"
    LLVM_IR = "LLVM assembly"
    LIGHT_SKELETON = "a light skeleton, which holds instructions and not an object"
    SKELETON = "a skeleton header"
    VMLINUX_H = "a vmlinux.h"
    BPF_H = "a UAPI bpf.h"
    C_HEADER = "a C header"
    C_SOURCE = "C source"
    GO = "Go source"
    RUST = "Rust source"
    CONFIG = "a kernel configuration"
    SCRIPT = "a script"
    HTML = "a web page"
    LFS = "a Git LFS pointer"
    JSON = "JSON"
    TEXT = "text"
    OTHER = "a binary file of a kind that helperhist does not know"


#: One file, packed.
COMPRESSED = frozenset(
    {
        Form.GZIP,
        Form.XZ,
        Form.LZMA,
        Form.ZSTD,
        Form.BZIP2,
        Form.LZ4,
        Form.LZ4_LEGACY,
        Form.LZO,
    }
)
#: Many files.
CONTAINERS = frozenset({Form.TAR, Form.ZIP, Form.AR})

#: ``e_machine`` to its name.
MACHINES = {
    0: "no machine",
    2: "sparc",
    3: "x86",
    8: "mips",
    20: "powerpc",
    21: "ppc64",
    22: "s390",
    40: "arm",
    43: "sparc64",
    62: "x86-64",
    183: "arm64",
    243: "riscv",
    247: "BPF",
    258: "loongarch",
}

_MAGICS: tuple[tuple[int, bytes, Form], ...] = (
    (0, b"\x9f\xeb", Form.BTF),
    (0, b"\xeb\x9f", Form.BTF),
    (0x202, b"HdrS", Form.KERNEL_IMAGE),
    # EFI zboot, the Image of arm64 and that of riscv.
    (4, b"zimg", Form.KERNEL_IMAGE),
    (0x38, b"ARM\x64", Form.KERNEL_IMAGE),
    (0x38, b"RSC\x05", Form.KERNEL_IMAGE),
    (0, b"\x1f\x8b\x08", Form.GZIP),
    (0, b"\xfd7zXZ\0", Form.XZ),
    (0, b"]\0\0", Form.LZMA),
    (0, b"(\xb5/\xfd", Form.ZSTD),
    (0, b"BZh", Form.BZIP2),
    (0, b"\x04\x22\x4d\x18", Form.LZ4),
    (0, b"\x02\x21\x4c\x18", Form.LZ4_LEGACY),
    (0, b"\x89LZO\0\r\n\x1a\n", Form.LZO),
    (257, b"ustar", Form.TAR),
    (0, b"PK\x03\x04", Form.ZIP),
    (0, b"PK\x05\x06", Form.ZIP),
    (0, b"!<arch>\n", Form.AR),
    (0, b"\xed\xab\xee\xdb", Form.RPM),
    (0, b"BC\xc0\xde", Form.BITCODE),
    (0, b"\xde\xc0\x17\x0b", Form.BITCODE),
)

_EM_BPF, _EM_NONE, _ET_REL, _CLASS64 = 247, 0, 1, 2
_ORDERS = {1: "little", 2: "big"}

_SKELETON = re.compile(rb"\bbpf_object_skeleton\b|_BPF_SKEL_H__|bpf_object__open_skeleton")
_LIGHT = re.compile(rb"\bbpf_load_and_run\b|\bbpf_loader_ctx\b|skel_internal\.h")
_GO = re.compile(rb"^package [A-Za-z_]\w*[ \t]*\r?(?:\n|//|$)", re.MULTILINE)
_C = re.compile(rb"^[ \t]*#[ \t]*(?:include|define|ifndef|ifdef|pragma|if)\b", re.MULTILINE)
_CONFIG = re.compile(rb"^(?:CONFIG_\w+=|# CONFIG_\w+ is not set)", re.MULTILINE)
_JSON = re.compile(rb"[\[{]\s*(?:[\[{}\]\"]|$)")
_NAMES: dict[str, Form] = {
    ".c": Form.C_SOURCE,
    ".cc": Form.C_SOURCE,
    ".cpp": Form.C_SOURCE,
    ".h": Form.C_HEADER,
    ".hpp": Form.C_HEADER,
    ".rs": Form.RUST,
    ".go": Form.GO,
    ".ll": Form.LLVM_IR,
    ".json": Form.JSON,
}


def recognise(head: bytes, name: str = "") -> Form:
    """Return what a file is.

    :param head: its first bytes, :data:`HEAD` of them or all
    :param name: of the file
    """
    if not head:
        return Form.EMPTY
    if head[:4] == b"\x7fELF":
        return Form.OBJECT if _is_object(head) else Form.ELF
    for at, magic, form in _MAGICS:
        if head.startswith(magic, at):
            return form
    return _of_text(head, name) if _is_text(head) else Form.OTHER


def describe(head: bytes, name: str = "") -> str:
    """Say what a file is: "an ELF file for x86-64"; see :func:`recognise`."""
    form = recognise(head, name)
    if form in COMPRESSED:
        return f"a file {form.value}"
    order = _ORDERS.get(head[5]) if form is Form.ELF and len(head) >= 20 else None
    if order is None:
        return form.value
    machine = int.from_bytes(head[18:20], "little" if order == "little" else "big")
    bits = "" if head[4] == _CLASS64 else " (32 bits)"
    return f"{form.value} for {MACHINES.get(machine, f'machine {machine}')}{bits}"


def _is_object(head: bytes) -> bool:
    """Whether an ELF file is for BPF, or for no machine, as old compilers write it."""
    order = _ORDERS.get(head[5]) if len(head) >= 20 else None
    if order is None or head[4] != _CLASS64:
        return False
    kind, machine = (
        int.from_bytes(head[at : at + 2], "little" if order == "little" else "big")
        for at in (16, 18)
    )
    return machine == _EM_BPF or (machine == _EM_NONE and kind == _ET_REL)


def _is_text(head: bytes) -> bool:
    # A tar archive of the old kind begins with a name, and has NULs behind it.
    return b"\0" not in head[:4096] and sum(byte < 9 for byte in head[:512]) == 0


def _of_text(head: bytes, name: str) -> Form:
    start = head[:512].lstrip().lower()
    if head.startswith(b"version https://git-lfs."):
        return Form.LFS
    if start.startswith((b"<!doctype html", b"<html")):
        return Form.HTML
    if head.startswith(b"#!"):
        return Form.SCRIPT
    if head.startswith((b"; ModuleID", b"source_filename =")):
        return Form.LLVM_IR
    if b"__VMLINUX_H__" in head[:4096]:
        return Form.VMLINUX_H
    if _SKELETON.search(head):
        return Form.SKELETON
    if _LIGHT.search(head):
        return Form.LIGHT_SKELETON
    if b"LINUX_BPF_H__" in head[:4096]:
        return Form.BPF_H
    if _CONFIG.search(head[:4096]):
        return Form.CONFIG
    suffix = "." + name.rpartition(".")[2].lower() if "." in name else ""
    if suffix in _NAMES:
        return _NAMES[suffix]
    if _GO.search(head):
        return Form.GO
    if _C.search(head):
        return Form.C_SOURCE
    if start.startswith((b"{", b"[")) and start.rstrip()[1:2] in (
        b"",
        b"\n",
        b'"',
        b"{",
        b"}",
        b"]",
    ):
        return Form.JSON
    return Form.TEXT
