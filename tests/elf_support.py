"""ELF objects and BTF made of Python values, so that a test shows the bytes that matter."""

import struct
from collections.abc import Sequence

from helperhist.btf import Order

#: Index of the first section that a caller gives to :func:`build_elf`.
FIRST = 1
EXIT = bytes.fromhex("b700000000000000 9500000000000000")


def build_btf(
    *types: tuple[int, ...], strings: bytes = b"\0name\0", order: Order = "little"
) -> bytes:
    """Make BTF of words."""
    mark = "<" if order == "little" else ">"
    words = [word & 0xFFFFFFFF for item in types for word in item]
    body = struct.pack(f"{mark}{len(words)}I", *words)
    header = struct.pack(mark + "HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(body), len(body), len(strings))
    return header + body + strings


def info(kind: int, count: int = 0, flag: bool = False) -> int:
    return flag << 31 | kind << 24 | count


def build_elf(
    sections: Sequence[tuple[str, int, int, bytes, int, int]],
    symbols: Sequence[tuple[int, int, int, int, int, int]] = (),
    names: bytes = b"\0f\0",
) -> bytes:
    """Make a BPF object.

    :param sections: (name, type, flags, data, link, info); the symbol table comes after them
    :param symbols: (name, info, other, section, value, size); a first, empty one is added
    :param names: the string table of the symbols
    """
    table = bytes(24) + b"".join(struct.pack("<IBBHQQ", *row) for row in symbols)
    link = FIRST + len(sections) + 1
    rows = [*sections, (".symtab", 2, 0, table, link, 0), (".strtab", 3, 0, names, 0, 0)]
    offsets: dict[str, int] = {}
    listed = bytearray(b"\0")
    for name in (*(item[0] for item in rows), ".shstrtab"):
        if name not in offsets:
            offsets[name] = len(listed)
            listed += name.encode() + b"\0"
    rows.append((".shstrtab", 3, 0, bytes(listed), 0, 0))
    body, headers = bytearray(), bytearray(64)
    for name, kind, flags, data, link, extra in rows:
        place = (64 + len(body), len(data))
        headers += struct.pack(
            "<IIQQQQIIQQ", offsets[name], kind, flags, 0, *place, link, extra, 8, 0
        )
        body += data
    header = struct.pack(
        "<HHIQQQIHHHHHH", 1, 247, 1, 0, 0, 64 + len(body), 0, 64, 0, 0, 64, len(rows) + 1, len(rows)
    )
    return b"\x7fELF\x02\x01\x01" + bytes(9) + header + bytes(body) + bytes(headers)


PROGBITS, CODE = 1, 6
#: A global function at the start of the first section; the name is the first of the table.
FUNCTION = (1, 0x12, 0, FIRST, 0, 0)
