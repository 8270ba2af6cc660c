"""Kernel images (vmlinuz, bzImage, zboot, Image): the kernel in them, unpacked in memory.

Sources of the layout: ``Documentation/arch/x86/boot.rst`` (``payload_offset``),
``drivers/firmware/efi/libstub/zboot-header.S``, ``kernel/configs.c`` (``IKCFG_ST``).
"""

import re
from io import BytesIO

from helperhist.binary.packed import Budget, unpack
from helperhist.binary.recognise import COMPRESSED, HEAD, Form, recognise
from helperhist.errors import ParseError

__all__ = ["config_in", "find_btf", "unpack_image", "version_in"]

#: An unpacked kernel; those of distributions have 60 to 90 MB.
MAX_KERNEL = 512 << 20
_MAX_CONFIG = 4 << 20
_VERSION = re.compile(rb"Linux version ([0-9][\x21-\x7e]{0,100}) ")
_BTF = re.compile(rb"\x9f\xeb\x01\x00\x18\x00\x00\x00|\xeb\x9f\x01\x00\x00\x00\x00\x18", re.DOTALL)
#: The BTF of a kernel is larger than what else begins with its magic.
_LEAST_BTF = 64 << 10
_MAX_TRIED = 1000


def unpack_image(data: bytes, budget: Budget) -> bytes:
    """Return the kernel of an image: an ELF file, or its memory as it is.

    :raises ParseError: it is damaged, or compressed with something that is not read
    """
    packed = _payload(data)
    if packed is None:
        return data
    form = recognise(packed[:HEAD])
    if form in COMPRESSED:
        try:
            return unpack(form, BytesIO(packed), budget, MAX_KERNEL)
        except ParseError as error:
            raise ParseError(f"of the kernel in it: {error}") from error
    if form in (Form.ELF, Form.KERNEL_IMAGE):
        return packed
    raise ParseError("its kernel is packed in a way that is not known: give the vmlinux")


def _payload(data: bytes) -> bytes | None:
    """Return the part that is compressed; None if the image is the kernel itself."""
    if data[0x202:0x206] == b"HdrS":
        # Since version 2.08 of the protocol (2008) the header says where.
        if int.from_bytes(data[0x206:0x208], "little") < 0x208:
            raise ParseError("a kernel image of before 2.6.26")
        start = ((data[0x1F1] or 4) + 1) * 512 + int.from_bytes(data[0x248:0x24C], "little")
        size = int.from_bytes(data[0x24C:0x250], "little")
    elif data[4:8] == b"zimg":
        start = int.from_bytes(data[8:12], "little")
        size = int.from_bytes(data[12:16], "little")
    else:
        return None
    if not 0 < size <= len(data) - start:
        raise ParseError("a damaged kernel image: its kernel goes beyond the end")
    return data[start : start + size]


def find_btf(data: bytes) -> bytes | None:
    """Return the largest BTF in the memory of a kernel; None if it has none."""
    best: tuple[int, int] | None = None
    for number, item in enumerate(_BTF.finditer(data)):
        if number >= _MAX_TRIED:
            break
        at = item.start()
        order = "little" if data[at] == 0x9F else "big"
        fields = [
            int.from_bytes(
                data[at + place : at + place + 4], "little" if order == "little" else "big"
            )
            for place in (8, 12, 16, 20)
        ]
        end = at + 24 + fields[2] + fields[3]
        strings = at + 24 + fields[2]
        whole = (
            fields[0] == 0
            and fields[1] <= fields[2]
            and end - at >= _LEAST_BTF
            and end <= len(data)
            and data[strings : strings + 1] == b"\0"
            and data[end - 1 : end] == b"\0"
        )
        if whole and (best is None or end - at > best[1] - best[0]):
            best = at, end
    return None if best is None else data[best[0] : best[1]]


def version_in(data: bytes) -> str | None:
    """Return the release in ``Linux version X``; None if it is not there."""
    found = _VERSION.search(data)
    return None if found is None else found[1].decode("ascii")


def config_in(data: bytes, budget: Budget) -> bytes | None:
    """Return the configuration that a kernel with CONFIG_IKCONFIG brings; None without."""
    at = data.find(b"IKCFG_ST\x1f\x8b")
    if at < 0:
        return None
    try:
        return unpack(Form.GZIP, BytesIO(data[at + 8 : at + 8 + _MAX_CONFIG]), budget, _MAX_CONFIG)
    except ParseError:
        return None
