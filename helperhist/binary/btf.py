"""BTF, the kernel's type format: bytes to types.

Reads what compilers put into ``.BTF`` and what kernels offer below ``/sys/kernel/btf``, in both
byte orders. Parsing notes where each type stands; a :class:`Type` is made when it is asked for,
so that the 6 MB of a kernel are ready within a second. ``.BTF.ext`` is read by
:mod:`helperhist.binary.btfext`.

Source of all numbers: ``include/uapi/linux/btf.h`` and ``Documentation/bpf/btf.rst``.
"""

import re
import sys
from array import array
from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from helperhist.binary.btfkinds import MODIFIERS, SIZED, TAIL, UNTYPED, Kind, Member, Type
from helperhist.binary.btfnames import NameIndex
from helperhist.binary.strtab import StringTable
from helperhist.errors import ParseError

__all__ = ["MAGIC", "ORDERS", "Btf", "Kind", "Member", "Order", "Type", "byte_order"]

MAGIC = 0xEB9F

Order = Literal["little", "big"]
ORDERS: tuple[Order, ...] = ("little", "big")

_HEADER = 24
#: Header with the layout of kinds, written by Linux 7.1 and libbpf 1.8 where it is asked for.
_HEADER_WITH_LAYOUT = 32

#: More modifiers in a row than any compiler writes; a chain beyond it is a cycle.
_MAX_CHAIN = 128


class Btf:
    """The types of one object or kernel, or of a module together with its base.

    Ids are the format's own: 0 is void, a module's begin after the last one of its base.
    """

    def __init__(self, data: bytes, base: "Btf | None" = None) -> None:
        """Read the bytes of a ``.BTF`` section or of a file in ``/sys/kernel/btf``.

        :param base: the kernel's BTF, for that of a module
        :raises ParseError: anything that is no whole BTF; other errors never
        """
        self.base = base
        self.order = byte_order(data, "BTF")
        words, strings, layout = self._sections(data)
        self._raw_strings = strings
        self._strings = StringTable(strings, "BTF")
        self._words = words
        self._first = 1 if base is None else len(base)
        self._first_string = 0 if base is None else base.end_of_strings
        self._kinds = bytearray()
        self._at = self._positions(layout)
        self._cache: dict[int, Type] = {}
        self._stripped: dict[int, Type] = {}

    def _sections(self, data: bytes) -> tuple["array[int]", bytes, dict[int, tuple[int, int]]]:
        size = _u32(data, 4, self.order)
        if size < _HEADER or size > len(data):
            raise ParseError(f"BTF: header of {size} bytes in {len(data)} bytes")
        type_off, type_len, str_off, str_len = (
            _u32(data, at, self.order) for at in range(8, 24, 4)
        )
        body = len(data) - size
        if type_off % 4 or type_len % 4:
            raise ParseError("BTF: type section is not aligned to 4 bytes")
        if type_off + type_len > str_off or str_off + str_len > body:
            raise ParseError("BTF: sections overlap or go beyond the end")
        strings = data[size + str_off : size + str_off + str_len]
        # Split BTF shares the empty string of its base, and may have no string of its own.
        whole = strings[-1:] == b"\0" and (self.base is not None or strings[:1] == b"\0")
        if not whole and (strings or self.base is None):
            raise ParseError("BTF: string section does not begin and end with NUL")
        layout: dict[int, tuple[int, int]] = {}
        if size >= _HEADER_WITH_LAYOUT:
            off, length = _u32(data, 24, self.order), _u32(data, 28, self.order)
            if length and (off % 4 or length % 4 or off + length > body):
                raise ParseError("BTF: layout section goes beyond the end")
            for kind in range(min(length // 4, 128)):
                fixed, element = data[size + off + kind * 4], data[size + off + kind * 4 + 1]
                layout[kind] = (fixed // 4, element // 4)
        words = array("I")
        words.frombytes(data[size + type_off : size + type_off + type_len])
        if self.order != sys.byteorder:
            words.byteswap()
        return words, strings, layout

    def _positions(self, layout: dict[int, tuple[int, int]]) -> "array[int]":
        """Return the position of every type in the words, from the first to the last."""
        words, end = self._words, len(self._words)
        tails = {**layout, **TAIL}
        sizes = [3 + tails[kind][0] if kind in tails else 0 for kind in range(128)]
        elements = [tails[kind][1] if kind in tails else 0 for kind in range(128)]
        positions = array("I")
        add, add_kind = positions.append, self._kinds.append
        at = 0
        # A cut off type ends behind the last word, or begins less than three before it.
        last = end - 3
        while at <= last:
            info = words[at + 1]
            kind = info >> 24 & 0x7F
            add(at)
            add_kind(kind)
            at += sizes[kind] or self._unknown(len(positions), kind)
            if element := elements[kind]:
                at += element * (info & 0xFFFFFF)
        if at != end:
            number = self._first + len(positions) - (at > end)
            raise ParseError(f"BTF: type {number} is cut off")
        return positions

    def _unknown(self, number: int, kind: int) -> int:
        raise ParseError(f"BTF: type {self._first + number - 1} has unknown kind {kind}")

    def __len__(self) -> int:
        """Count the types, void and those of the base included: one more than the last id."""
        return self._first + len(self._at)

    @property
    def first(self) -> int:
        """The first id that is not the base's."""
        return self._first

    @property
    def end_of_strings(self) -> int:
        """The offset after the last string, where the strings of a module begin."""
        return self._first_string + len(self._strings)

    def string(self, offset: int) -> str:
        """Return a string by its offset.

        :raises ParseError: the offset is beyond the strings, or they are not real ones, see
            :class:`~helperhist.binary.strtab.StringTable`
        """
        if offset < self._first_string and self.base is not None:
            return self.base.string(offset)
        if offset == 0:
            return ""
        return self._strings.at(offset - self._first_string)

    def kind(self, type_id: int) -> int:
        """Return the kind of a type, as a number, without making the type.

        :raises ParseError: no such type
        """
        if type_id == 0:
            return 0
        if type_id < self._first and self.base is not None:
            return self.base.kind(type_id)
        self._position(type_id)
        return self._kinds[type_id - self._first]

    def name(self, type_id: int) -> str:
        """Return the name of a type without making the type.

        :raises ParseError: no such type, or its name is beyond the strings
        """
        if type_id == 0:
            return "void"
        if type_id < self._first and self.base is not None:
            return self.base.name(type_id)
        return self.string(self._words[self._position(type_id)])

    def _position(self, type_id: int) -> int:
        index = type_id - self._first
        if not 0 <= index < len(self._at):
            raise ParseError(f"BTF: type {type_id} does not exist")
        return self._at[index]

    def type(self, type_id: int) -> Type:
        """Return a type.

        :raises ParseError: no such type, or a name of it is beyond the strings
        """
        found = self._cache.get(type_id)
        if found is None:
            if type_id == 0:
                found = Type(0, Kind.VOID, "void")
            elif type_id < self._first and self.base is not None:
                return self.base.type(type_id)
            else:
                found = self._make(type_id, self._position(type_id))
            self._cache[type_id] = found
        return found

    def _make(self, type_id: int, at: int) -> Type:
        words = self._words
        info, third = words[at + 1], words[at + 2]
        kind, vlen, flag = info >> 24 & 0x7F, info & 0xFFFFFF, bool(info >> 31)
        name = self.string(words[at])
        tail = at + 3
        if kind == Kind.ARRAY:
            element, index, count = words[tail : tail + 3]
            return Type(type_id, Kind.ARRAY, name, type=element, count=count, index=index)
        if kind not in TAIL:
            return Type(type_id, kind, name, flag=flag)
        count = 0
        if kind == Kind.FUNC:
            count = vlen
        elif TAIL[kind][0]:
            count = words[tail]
            if kind == Kind.DECL_TAG and count == 0xFFFFFFFF:
                count = -1
        return Type(
            type_id,
            Kind(kind),
            name,
            size=third if kind in SIZED else 0,
            type=0 if kind in UNTYPED else third,
            flag=flag,
            count=count,
            members=tuple(self._members(kind, flag, tail, vlen)) if TAIL[kind][1] else (),
        )

    def _members(self, kind: int, flag: bool, at: int, count: int) -> Iterator[Member]:
        words, string = self._words, self.string
        width = TAIL[kind][1]
        for start in range(at, at + width * count, width):
            first, second = words[start], words[start + 1]
            if kind == Kind.FUNC_PROTO:
                yield Member(string(first), second)
            elif kind == Kind.ENUM:
                yield Member(string(first), value=_signed(second, 32) if flag else second)
            elif kind == Kind.ENUM64:
                value = words[start + 2] << 32 | second
                yield Member(string(first), value=_signed(value, 64) if flag else value)
            elif kind == Kind.DATASEC:
                yield Member("", first, second, words[start + 2])
            else:
                bits = words[start + 2]
                offset, size = (bits & 0xFFFFFF, bits >> 24) if flag else (bits, 0)
                yield Member(string(first), second, offset, size)

    @cached_property
    def _names(self) -> NameIndex:
        names = array("I", map(self._words.__getitem__, self._at))
        return NameIndex(self._raw_strings, names, self._first_string, self.string)

    def find(self, name: str, *kinds: int) -> tuple[int, ...]:
        """Return the ids of the types with a name, the base's first.

        :param kinds: only types of these kinds; all kinds if none is given
        :raises ParseError: the name of a type is beyond the strings
        """
        base = () if self.base is None else self.base.find(name, *kinds)
        first, all_kinds = self._first, self._kinds
        own = self._names.find(name)
        return (
            *base,
            *(index + first for index in own if not kinds or all_kinds[index] in kinds),
        )

    def strings_beginning(self, pattern: bytes) -> Iterator[str]:
        """Yield the strings that begin with a pattern, the base's not included.

        Names of members are among them.

        :param pattern: a regular expression that matches no NUL
        """
        return self._names.beginning(pattern)

    def strings_holding(self, part: bytes) -> Iterator[str]:
        """Yield the strings that hold some bytes, likewise."""
        return self._names.holding(part)

    def ids(self, *kinds: int) -> Iterator[int]:
        """Yield the ids of the types of some kinds, the base's not included."""
        for item in re.finditer(b"[" + re.escape(bytes(kinds)) + b"]", self._kinds):
            yield item.start() + self._first

    def strip(self, type_id: int) -> Type:
        """Return what a type is without typedefs, qualifiers and tags.

        :raises ParseError: they go in a circle
        """
        known = self._stripped.get(type_id)
        if known is not None:
            return known
        first = type_id
        for _ in range(_MAX_CHAIN):
            found = self.type(type_id)
            if found.kind not in MODIFIERS:
                self._stripped[first] = found
                return found
            type_id = found.type
        raise ParseError(f"BTF: type {type_id} refers to itself")

    def size_of(self, type_id: int, pointer: int = 8) -> int | None:
        """Return the bytes of a type, None of what has no size (void, functions).

        :param pointer: bytes of a pointer
        :raises ParseError: it contains itself
        """
        count = 1
        for _ in range(_MAX_CHAIN):
            found = self.strip(type_id)
            if found.kind == Kind.ARRAY:
                count *= found.count
                type_id = found.type
            elif found.kind == Kind.PTR:
                return count * pointer
            elif found.kind == Kind.VAR:
                type_id = found.type
            else:
                return count * found.size if found.kind in SIZED else None
        raise ParseError(f"BTF: type {type_id} contains itself")


def byte_order(data: bytes, what: str) -> Order:
    """Return the byte order by the magic number that BTF and BTF.ext begin with.

    :raises ParseError: neither order fits
    """
    if len(data) < _HEADER:
        raise ParseError(f"{what}: {len(data)} bytes are no header")
    for order in ORDERS:
        if int.from_bytes(data[:2], order) == MAGIC:
            if data[2] != 1:
                raise ParseError(f"{what}: version {data[2]}, not 1")
            return order
    raise ParseError(f"{what}: no magic number 0xeb9f at the start")


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def _u32(data: bytes, at: int, order: Order) -> int:
    return int.from_bytes(data[at : at + 4], order)
