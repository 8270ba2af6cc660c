"""The symbols of programs of any machine: which of them has a place in the file.

Source of the layout: ``include/uapi/linux/elf.h``.
"""

import struct
from bisect import bisect_right
from typing import BinaryIO

from helperhist.printable import readable

__all__ = ["FileSymbols"]

_ORDERS = {1: "<", 2: ">"}
#: By class: the header from ``e_type`` on, a section header, a symbol.
_FORMS = {
    1: ("HHIIIIIHHHHHH", "IIIIIIIIII", "IIIBBH"),
    2: ("HHIQQQIHHHHHH", "IIQQQQIIQQ", "IBBHQQ"),
}
_ET_REL, _SHT_SYMTAB, _SHT_DYNSYM, _STT_OBJECT = 1, 2, 11, 1
_MAX_SECTIONS = 1 << 16
_MAX_TABLE = 64 << 20
_MAX_NAME = 512


class FileSymbols:
    """The variables of a program, by where their bytes are in its file."""

    def __init__(self, file: BinaryIO) -> None:
        """Read them; a file that is not a whole ELF file, or is stripped, has none."""
        self._file = file
        self._starts: list[tuple[int, int, int]] = []
        self._names = b""
        try:
            self._read()
        except (struct.error, OSError, OverflowError, ValueError):
            self._starts = []

    def name(self, offset: int) -> str:
        """Return the variable that has a byte of the file; empty if none has."""
        at = bisect_right(self._starts, (offset, 1 << 64, 0)) - 1
        if at < 0:
            return ""
        start, size, name = self._starts[at]
        if not start <= offset < start + size:
            return ""
        return readable(self._names[name : name + _MAX_NAME].partition(b"\0")[0])

    def _at(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)

    def _read(self) -> None:
        head = self._at(0, 64)
        mark, forms = _ORDERS[head[5]] if head[5:6] in b"\1\2" else "", _FORMS.get(head[4])
        if head[:4] != b"\x7fELF" or not mark or forms is None:
            return
        header, row, symbol = (struct.Struct(mark + form) for form in forms)
        kind, _, _, _, _, start, _, _, _, _, size, count, _ = header.unpack_from(head, 16)
        if size != row.size or not 0 < count < _MAX_SECTIONS:
            return
        sections = list(row.iter_unpack(self._at(start, count * row.size)))
        for wanted in (_SHT_SYMTAB, _SHT_DYNSYM):
            table = next((item for item in sections if item[1] == wanted), None)
            if table is None or table[5] > _MAX_TABLE or table[6] >= len(sections):
                continue
            names = sections[table[6]]
            if names[5] > _MAX_TABLE:
                continue
            self._names = self._at(names[4], names[5])
            data = self._at(table[4], table[5] // symbol.size * symbol.size)
            for item in symbol.iter_unpack(data):
                if len(item) and head[4] == 2:
                    name, info, _, section, value, length = item
                else:
                    name, value, length, info, _, section = item
                if info & 15 != _STT_OBJECT or not length or not 0 < section < len(sections):
                    continue
                place = sections[section]
                base = place[4] if kind == _ET_REL else place[4] - place[3]
                self._starts.append((value + base, length, name))
            break
        self._starts.sort()
