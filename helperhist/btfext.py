"""``.BTF.ext``: which function, source line and relocation belongs to which instruction.

Offsets in it are bytes from the start of an ELF section, as compilers write them. Source of the
layout: ``Documentation/bpf/btf.rst``; of the relocations: ``enum bpf_core_relo_kind``.
"""

import struct
from dataclasses import dataclass

from helperhist.btf import Btf, byte_order
from helperhist.errors import ParseError

__all__ = ["BtfExt", "CoreRelo", "FuncInfo", "LineInfo", "parse_btf_ext"]

#: Longest header that a future version may have; it is two words longer than today's.
_MAX_HEADER = 4096
_RELO_FIELDS = 32


@dataclass(frozen=True, slots=True)
class FuncInfo:
    """A function begins at ``offset``; ``type`` is the id of its FUNC."""

    offset: int
    type: int


@dataclass(frozen=True, slots=True)
class LineInfo:
    """The instructions from ``offset`` on come from this line."""

    offset: int
    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class CoreRelo:
    """The instruction at ``offset`` is changed by the loader (CO-RE).

    :ivar type: id of the local type
    :ivar access: path into it: ``0:1:2``, for enumerators the index of one
    :ivar kind: value of ``enum bpf_core_relo_kind``
    """

    offset: int
    type: int
    access: str
    kind: int


@dataclass(frozen=True, slots=True)
class BtfExt:
    """The records by the name of their section, sorted by offset."""

    functions: dict[str, tuple[FuncInfo, ...]]
    lines: dict[str, tuple[LineInfo, ...]]
    relocations: dict[str, tuple[CoreRelo, ...]]


def parse_btf_ext(data: bytes, btf: Btf) -> BtfExt:
    """Read the bytes of ``.BTF.ext``.

    :param btf: the types and strings that it refers to
    :raises ParseError: it is cut off, or refers to what does not exist
    """
    order = byte_order(data, "BTF.ext")
    mark = "<" if order == "little" else ">"
    size = struct.unpack_from(mark + "I", data, 4)[0]
    if not 24 <= size <= min(len(data), _MAX_HEADER):
        raise ParseError(f"BTF.ext: header of {size} bytes in {len(data)} bytes")
    fields = struct.unpack_from(f"{mark}{(size - 8) // 4}I", data, 8)
    funcs, lines, relos = (
        _Records(data, size, fields[at : at + 2], mark, words, btf)
        for at, words in ((0, 2), (2, 4), (4, 4))
    )
    functions = {
        section: tuple(FuncInfo(offset, type_id) for offset, type_id in rows)
        for section, rows in funcs.read().items()
    }
    string = btf.string
    line_info = {
        section: tuple(
            LineInfo(offset, string(file), place >> 10, place & 0x3FF)
            for offset, file, _, place in rows
        )
        for section, rows in lines.read().items()
    }
    relocations = {
        section: tuple(
            CoreRelo(offset, type_id, string(access), kind)
            for offset, type_id, access, kind in rows
        )
        for section, rows in relos.read().items()
    }
    return BtfExt(functions, line_info, relocations)


class _Records:
    """One subsection: records of one size, grouped by ELF section."""

    def __init__(
        self, data: bytes, header: int, place: tuple[int, ...], mark: str, words: int, btf: Btf
    ) -> None:
        offset, length = place if len(place) == 2 else (0, 0)
        self._at, self._end = header + offset, header + offset + length
        self._data, self._mark, self._words, self._btf = data, mark, words, btf
        if self._end > len(data):
            raise ParseError("BTF.ext: records go beyond the end")

    def read(self) -> dict[str, list[tuple[int, ...]]]:
        """Return the first words of each record, by section."""
        found: dict[str, list[tuple[int, ...]]] = {}
        at, end = self._at, self._end
        if at == end:
            return found
        (record,) = self._unpack("I", at, end)
        if record < self._words * 4 or record % 4:
            raise ParseError(f"BTF.ext: records of {record} bytes")
        at += 4
        skip = record - self._words * 4
        row = struct.Struct(f"{self._mark}{self._words}I{skip}x")
        while at < end:
            name, count = self._unpack("2I", at, end)
            at += 8
            if count == 0 or count * record > end - at:
                raise ParseError("BTF.ext: records go beyond their section")
            section = self._btf.string(name)
            rows = list(row.iter_unpack(self._data[at : at + count * record]))
            found.setdefault(section, []).extend(rows)
            at += count * record
        for rows in found.values():
            rows.sort(key=lambda item: item[0])
        return found

    def _unpack(self, form: str, at: int, end: int) -> tuple[int, ...]:
        form = self._mark + form
        if at + struct.calcsize(form) > end:
            raise ParseError("BTF.ext: records are cut off")
        return struct.unpack_from(form, self._data, at)
