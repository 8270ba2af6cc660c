"""BPF objects inside other files, found by their ELF headers; nothing is executed.

A program that brings its own objects (libbpf's skeletons, bpf2go, aya) has them byte by byte in
its data. Where one ends follows from its section headers.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from helperhist.binary.elf import EM_BPF, EM_NONE, MAX_FILE
from helperhist.errors import ParseError

__all__ = ["Embedded", "find_embedded"]

_MAGIC = b"\x7fELF\x02"
_PIECE = 16 << 20
_MARKS = {1: "<", 2: ">"}
_ET_REL = 1
_HEADER = 64
_SECTION = 64
_SHT_NOBITS = 8
_EXECINSTR = 4
#: Objects in one file; the largest programs carry some hundred.
_MAX_FOUND = 4096
#: Headers that look like one, but are none.
_MAX_TRIED = 100_000


class Embedded(NamedTuple):
    """An object in a file.

    :ivar offset: of its first byte
    """

    offset: int
    data: bytes


def find_embedded(file: BinaryIO) -> Iterator[Embedded]:
    """Yield the BPF objects in a file, in order; one within another is a part of that.

    The file is read piece by piece: it may be larger than the memory.

    :param file: one that can seek
    :raises ParseError: there are too many
    """
    found = tried = 0
    position, rest = 0, b""
    past = 0
    while piece := _read(file, position, _PIECE):
        data = rest + piece
        start = position - len(rest)
        at = data.find(_MAGIC)
        while at >= 0:
            offset = start + at
            if offset >= past:
                tried += 1
                size = _size(file, offset)
                if size:
                    found += 1
                    past = offset + size
                    yield Embedded(offset, _read(file, offset, size))
                if found > _MAX_FOUND or tried > _MAX_TRIED:
                    raise ParseError("too much in it looks like a BPF object")
            at = data.find(_MAGIC, at + 1)
        position += len(piece)
        # A header may begin in this piece and go on in the next.
        rest = data[-(len(_MAGIC) - 1) :]


def _size(file: BinaryIO, offset: int) -> int:
    """Return the bytes of a BPF object that begins here, 0 if none does."""
    head = _read(file, offset, _HEADER)
    mark = _MARKS.get(head[5]) if len(head) == _HEADER else None
    if mark is None:
        return 0
    kind, machine, _, _, _, start, _, size, _, _, row, count, at = struct.unpack_from(
        mark + "HHIQQQIHHHHHH", head, 16
    )
    if (
        kind != _ET_REL
        or machine not in (EM_BPF, EM_NONE)
        or (size, row) != (_HEADER, _SECTION)
        or not 0 < at < count
        or not _HEADER <= start <= MAX_FILE
    ):
        return 0
    table = _read(file, offset + start, count * _SECTION)
    if len(table) < count * _SECTION:
        return 0
    end = start + count * _SECTION
    code = False
    for item in struct.Struct(mark + "IIQQQQIIQQ").iter_unpack(table):
        if item[1] not in (0, _SHT_NOBITS):
            end = max(end, item[4] + item[5])
            code |= bool(item[2] & _EXECINSTR) and item[5] > 0
    if end > MAX_FILE or len(_read(file, offset + end - 1, 1)) != 1:
        return 0
    # Objects of no machine are other things too, where they have no code.
    return end if machine == EM_BPF or code else 0


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
