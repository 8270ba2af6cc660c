"""Single sections out of an ELF file of any machine.

A vmlinux may have a gigabyte, of which its BTF is 6 MB.

Source of the layout: ``include/uapi/linux/elf.h``, and the gABI for the extended section counts.
"""

import struct
from collections.abc import Collection
from typing import BinaryIO, NamedTuple

from helperhist.errors import ParseError

__all__ = ["ElfSections", "read_sections"]

_ORDERS = {1: "<", 2: ">"}
#: By class: ``e_machine`` to ``e_shstrndx`` at offset 18, and a section header.
_FILE = {1: "HIIIIIHHHHHH", 2: "HIQQQIHHHHHH"}
_SECTION = {1: "IIIIIIIIII", 2: "IIQQQQIIQQ"}
_SHT_NOBITS = 8
_SHF_COMPRESSED = 0x800
_XINDEX = 0xFFFF
#: A kernel has some sixty, one with a section for each function some 100,000.
_MAX_SECTIONS = 1 << 20
_MAX_NAMES = 16 << 20


class ElfSections(NamedTuple):
    """What was found.

    :ivar machine: ``e_machine``
    :ivar names: which of the names asked for the file has
    :ivar contents: the bytes of those wanted
    """

    machine: int
    names: frozenset[str]
    contents: dict[str, bytes]


def read_sections(
    file: BinaryIO, wanted: Collection[str], most: int, also: Collection[str] = ()
) -> ElfSections:
    """Read sections by name; of several with one name, the first.

    :param most: how many bytes a section may have
    :param also: names of which only whether they are there is asked
    :raises ParseError: it is not a whole ELF file, or a section is larger or compressed
    """
    head = _read(file, 0, 64, "ELF header", short=True)
    if head[:4] != b"\x7fELF" or len(head) < 52:
        raise ParseError("not an ELF file, or its header is cut off")
    kind = head[4]
    mark, form = _ORDERS.get(head[5]), _FILE.get(kind)
    if mark is None or form is None:
        raise ParseError(f"an ELF file of class {kind} and byte order {head[5]}")
    fields = struct.Struct(mark + form)
    if len(head) < 18 + fields.size:
        raise ParseError("ELF header is cut off")
    machine, _, _, _, start, _, _, _, _, size, count, at = fields.unpack_from(head, 18)
    row = struct.Struct(mark + _SECTION[kind])
    if start == 0:
        return ElfSections(machine, frozenset(), {})
    if size != row.size:
        raise ParseError(f"section headers of {size} bytes")
    first = row.unpack(_read(file, start, row.size, "section headers"))
    # Where there are too many for the header, the first section has the numbers.
    count = count or first[5]
    at = first[6] if at == _XINDEX else at
    if not 0 < at < count <= _MAX_SECTIONS:
        raise ParseError(f"{count} sections, with their names in section {at}")
    rows = list(row.iter_unpack(_read(file, start, count * row.size, "section headers")))
    if rows[at][5] > _MAX_NAMES:
        raise ParseError("section names are too long")
    names = _read(file, rows[at][4], rows[at][5], "section names")
    asked = {name.encode(): name for name in (*wanted, *also)}
    found: dict[str, tuple[int, ...]] = {}
    for item in rows:
        for raw, name in asked.items():
            if names.startswith(raw + b"\0", item[0]):
                found.setdefault(name, item)
    contents = {}
    for name in wanted:
        if name in found and found[name][1] != _SHT_NOBITS:
            _, _, flags, _, offset, length, *_ = found[name]
            if length > most:
                raise ParseError(f"{name} has {length} bytes, more than {most}")
            if flags & _SHF_COMPRESSED:
                raise ParseError(f"{name} is compressed; unpack it with objcopy")
            contents[name] = _read(file, offset, length, name)
    return ElfSections(machine, frozenset(found), contents)


def _read(file: BinaryIO, offset: int, size: int, what: str, short: bool = False) -> bytes:
    try:
        file.seek(offset)
    except (OSError, OverflowError, ValueError) as error:
        raise ParseError(f"{what} at {offset} are beyond the end of the file") from error
    data = file.read(size)
    if len(data) < size and not short:
        raise ParseError(f"{what}: {size} bytes at {offset} go beyond the end of the file")
    return data
