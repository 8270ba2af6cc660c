"""The ELF part of BPF objects: bytes to sections, symbols and relocations.

Every place and size is checked against the file before anything is read from there, and compressed
sections are not unpacked. Source of the layout: ``include/uapi/linux/elf.h``.
"""

import struct
from dataclasses import dataclass
from typing import NamedTuple

from helperhist.binary.btf import Order
from helperhist.binary.strtab import StringTable
from helperhist.errors import ParseError

__all__ = ["EM_BPF", "EM_NONE", "Elf", "Relocation", "Section", "Symbol", "parse_elf"]

EM_BPF = 247
#: What old compilers wrote instead; libbpf, cilium/ebpf and iproute2 read it.
EM_NONE = 0
_CLASS64 = 2
_ORDERS: dict[int, Order] = {1: "little", 2: "big"}
_ET_REL = 1
_IDENT_AND_HEADER = 64
_SECTION_HEADER = 64
#: ``Elf64_Ehdr`` after the identification, and ``Elf64_Shdr``.
_FILE = "HHIQQQIHHHHHH"
_SECTION = "IIQQQQIIQQ"

#: Bounds on hostile files; the largest real objects stay far below.
MAX_FILE = 64 << 20
_MAX_ENTRIES = 1 << 20

SHT_PROGBITS, SHT_SYMTAB, SHT_RELA, SHT_NOBITS, SHT_REL = 1, 2, 4, 8, 9
SHF_ALLOC, SHF_EXECINSTR, _SHF_COMPRESSED = 2, 4, 0x800
STB_LOCAL, STB_GLOBAL, STB_WEAK = 0, 1, 2
STT_NOTYPE, STT_FUNC, STT_SECTION = 0, 2, 3
SHN_UNDEF = 0


class Symbol(NamedTuple):
    """One row of the symbol table; ``section`` is an index, 0 if it is defined elsewhere."""

    name: str
    value: int
    size: int
    bind: int
    type: int
    visibility: int
    section: int


class Relocation(NamedTuple):
    """``symbol`` has to be put where ``offset`` bytes of the section are."""

    offset: int
    type: int
    symbol: Symbol
    addend: int


@dataclass(frozen=True, slots=True)
class Section:
    """A section header with the bytes of its section."""

    index: int
    name: str
    type: int
    flags: int
    size: int
    link: int
    info: int
    entry: int
    data: bytes

    @property
    def executable(self) -> bool:
        """Whether it holds instructions."""
        return self.type == SHT_PROGBITS and bool(self.flags & SHF_EXECINSTR) and self.size > 0


class Elf:
    """An ELF file of the BPF machine."""

    def __init__(self, order: Order, sections: tuple[Section, ...]) -> None:
        """Hold the sections; use :func:`parse_elf`."""
        self.order = order
        self.mark = "<" if order == "little" else ">"
        self.sections = sections
        self._by_name = {item.name: item for item in reversed(sections)}
        self.symbols = self._symbols()
        self._by_section: dict[int, list[Symbol]] = {}
        for item in self.symbols:
            self._by_section.setdefault(item.section, []).append(item)
        self._relocations = {
            section.info: section
            for section in sections
            if section.type in (SHT_REL, SHT_RELA) and section.size
        }

    def section(self, name: str) -> Section | None:
        """Return the first section with a name."""
        return self._by_name.get(name)

    def symbols_of(self, section: int) -> list[Symbol]:
        """Return the symbols of a section, in the order of the table."""
        return self._by_section.get(section, [])

    def _symbols(self) -> tuple[Symbol, ...]:
        table = next((item for item in self.sections if item.type == SHT_SYMTAB), None)
        if table is None or not 0 < table.link < len(self.sections):
            raise ParseError("no symbol table: remove debug information only (llvm-strip -g)")
        names = StringTable(self.sections[table.link].data, "symbol names")
        row = struct.Struct(self.mark + "IBBHQQ")
        found = []
        for name, info, other, section, value, size in row.iter_unpack(_whole(table, row.size)):
            text = names.at(name) if name else ""
            found.append(Symbol(text, value, size, info >> 4, info & 15, other & 3, section))
        return tuple(found)

    def relocations(self, section: int) -> list[Relocation]:
        """Return the relocations of a section, in the order of the file.

        :raises ParseError: they refer to symbols that do not exist
        """
        table = self._relocations.get(section)
        if table is None:
            return []
        row = struct.Struct(self.mark + ("QIIq" if table.type == SHT_RELA else "QII"))
        symbols = self.symbols
        found = []
        for offset, first, second, *addend in row.iter_unpack(_whole(table, row.size)):
            # r_info is one number of 64 bits: the symbol above, the type below.
            kind, symbol = (first, second) if self.mark == "<" else (second, first)
            if symbol >= len(symbols):
                raise ParseError(f"section {table.name}: symbol {symbol} does not exist")
            found.append(Relocation(offset, kind, symbols[symbol], addend[0] if addend else 0))
        return found


def parse_elf(data: bytes) -> Elf:
    """Read the headers, symbols and section contents of a BPF object.

    :raises ParseError: it is no whole ELF object of the BPF machine
    """
    if data[:4] != b"\x7fELF":
        raise ParseError("not an ELF file")
    if len(data) > MAX_FILE:
        raise ParseError(f"more than {MAX_FILE >> 20} MiB are no BPF object")
    if len(data) < _IDENT_AND_HEADER:
        raise ParseError("ELF header is cut off")
    order = _ORDERS.get(data[5])
    machine = int.from_bytes(data[18:20], order) if order else 0
    if data[4] != _CLASS64 or order is None or machine not in (EM_BPF, EM_NONE):
        raise ParseError(f"an ELF file for another machine ({machine}), not for BPF")
    mark = "<" if order == "little" else ">"
    kind, _, _, _, _, start, _, _, _, _, size, count, at = struct.unpack_from(
        mark + _FILE, data, 16
    )
    if kind != _ET_REL:
        raise ParseError(f"ELF type {kind} is no object file of a compiler")
    if count == 0 or start == 0:
        raise ParseError("no sections")
    if size != _SECTION_HEADER or start + count * _SECTION_HEADER > len(data):
        raise ParseError("section headers go beyond the end of the file")
    if not 0 < at < count:
        raise ParseError("no names of sections")
    row = struct.Struct(mark + _SECTION)
    rows = list(row.iter_unpack(data[start : start + count * _SECTION_HEADER]))
    # Sections lie one behind the other. If they overlapped, a small file could stand for any
    # amount of data.
    if sum(item[5] for item in rows if item[1] not in (0, SHT_NOBITS)) > 2 * len(data):
        raise ParseError("sections overlap, or go beyond the end of the file")
    names = StringTable(_contents(data, rows[at], "section names"), "section names")
    sections = []
    for index, item in enumerate(rows):
        name = names.at(item[0])
        contents = _contents(data, item, f"section {name[:60]}")
        kind, flags, size, link, info, entry = (
            item[1],
            item[2],
            item[5],
            item[6],
            item[7],
            item[9],
        )
        sections.append(Section(index, name, kind, flags, size, link, info, entry, contents))
    return Elf(order, tuple(sections))


def _contents(data: bytes, row: tuple[int, ...], what: str) -> bytes:
    kind, flags, offset, size = row[1], row[2], row[4], row[5]
    if kind in (0, SHT_NOBITS) or size == 0:
        return b""
    if offset + size > len(data):
        raise ParseError(f"{what}: {size} bytes at {offset} go beyond the end of the file")
    if flags & _SHF_COMPRESSED:
        return b""
    return data[offset : offset + size]


def _whole(table: Section, size: int) -> bytes:
    if len(table.data) % size or table.size // size > _MAX_ENTRIES:
        raise ParseError(
            f"section {table.name}: {table.size} bytes are no table of {size}-byte rows"
        )
    return table.data
