"""The constants of an object: ``.rodata`` as it stands in the file.

A verifier takes what is in a frozen read-only map for constants, from 5.5 on. User space may
change the values before it loads the object.
"""

from bisect import bisect_right

from helperhist.binary import BpfObject
from helperhist.check.reach import Address

__all__ = ["Rodata"]


class Rodata:
    """Reads the constants of one object."""

    def __init__(self, obj: BpfObject) -> None:
        """Find the sections; what holds addresses has no value yet."""
        self._order = obj.elf.order
        self._data: dict[int, bytes] = {}
        self._variables: dict[int, list[tuple[int, int, str]]] = {}
        for section in obj.elf.sections:
            if section.index not in obj.data_sections or not section.name.startswith(".rodata"):
                continue
            if obj.elf.relocations(section.index):
                continue
            self._data[section.index] = section.data
            self._variables[section.index] = sorted(
                (item.value, item.value + item.size, item.name)
                for item in obj.elf.symbols_of(section.index)
                if item.size and item.name
            )

    @property
    def sections(self) -> frozenset[int]:
        """The sections whose values are known."""
        return frozenset(self._data)

    def read(self, address: Address, size: int) -> int | None:
        """Return a value as the verifier sees it, None outside of what is known."""
        data = self._data.get(address.section, b"")
        found = data[address.offset : address.offset + size] if address.offset >= 0 else b""
        return int.from_bytes(found, self._order) if len(found) == size else None

    def variable(self, address: Address) -> str:
        """Return the name of the variable at an address, empty if it has none."""
        rows = self._variables.get(address.section, [])
        at = bisect_right(rows, address.offset, key=lambda row: row[0]) - 1
        return rows[at][2] if at >= 0 and address.offset < rows[at][1] else ""
