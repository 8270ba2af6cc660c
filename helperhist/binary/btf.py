"""BTF, the kernel's type format: bytes to types.

Reads what compilers put into ``.BTF`` and what kernels offer below ``/sys/kernel/btf``, in both
byte orders. Parsing notes where each type stands; a :class:`Type` is made when it is asked for,
so that the 6 MB of a kernel are ready within a second. ``.BTF.ext`` is read by
:mod:`helperhist.binary.btfext`.

Source of all numbers: ``include/uapi/linux/btf.h`` and ``Documentation/bpf/btf.rst``.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Literal

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


class Kind(IntEnum):
    """``BTF_KIND_*``; a kind that is not listed stays a plain number in :class:`Type`."""

    VOID = 0
    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


#: Words (of 4 bytes) after the three that every type has: fixed ones, and ones per element.
_TAIL: dict[int, tuple[int, int]] = {
    Kind.INT: (1, 0),
    Kind.PTR: (0, 0),
    Kind.ARRAY: (3, 0),
    Kind.STRUCT: (0, 3),
    Kind.UNION: (0, 3),
    Kind.ENUM: (0, 2),
    Kind.FWD: (0, 0),
    Kind.TYPEDEF: (0, 0),
    Kind.VOLATILE: (0, 0),
    Kind.CONST: (0, 0),
    Kind.RESTRICT: (0, 0),
    Kind.FUNC: (0, 0),
    Kind.FUNC_PROTO: (0, 2),
    Kind.VAR: (1, 0),
    Kind.DATASEC: (0, 3),
    Kind.FLOAT: (0, 0),
    Kind.DECL_TAG: (1, 0),
    Kind.TYPE_TAG: (0, 0),
    Kind.ENUM64: (0, 3),
}

#: Kinds whose third word is a size; of the others it is a type.
_SIZED = frozenset(
    {Kind.INT, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.DATASEC, Kind.FLOAT, Kind.ENUM64}
)
_UNTYPED = _SIZED | {Kind.VOID, Kind.ARRAY, Kind.FWD}
_MODIFIERS = frozenset({Kind.TYPEDEF, Kind.VOLATILE, Kind.CONST, Kind.RESTRICT, Kind.TYPE_TAG})


@dataclass(frozen=True, slots=True)
class Member:
    """An element of a type.

    :ivar name: of a member, an enumerator or a parameter; empty where it has none
    :ivar type: id of its type; 0 for enumerators
    :ivar value: bits from the start of a struct, value of an enumerator, bytes from the start of
        a section
    :ivar size: bits of a bit field (0: none), bytes of a variable in a section
    """

    name: str
    type: int = 0
    value: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Type:
    """One type.

    :ivar kind: a :class:`Kind`, or the number of a kind that this reader does not know
    :ivar size: bytes; of kinds that have a size of their own, else 0
    :ivar type: id of the type that it refers to (of an array: of its elements), else 0
    :ivar flag: ``kind_flag``: a forward union, a struct with bit fields, a signed enum
    :ivar count: elements of an array; else linkage (FUNC: 0 static, 1 global, 2 extern), encoding
        (INT: its word as it is), linkage (VAR) or component (DECL_TAG: -1 the whole)
    :ivar index: id of the type of an array's index
    :ivar members: of structs, unions, enums, parameter lists and sections
    """

    id: int
    kind: int
    name: str
    size: int = 0
    type: int = 0
    flag: bool = False
    count: int = 0
    index: int = 0
    members: tuple[Member, ...] = ()


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
        self._strings = StringTable(strings, "BTF")
        self._words = words
        self._first = 1 if base is None else len(base)
        self._first_string = 0 if base is None else base.end_of_strings
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
        tails = {**layout, **_TAIL}
        positions = array("I")
        add = positions.append
        at = 0
        while at < end:
            if at + 3 > end:
                raise ParseError(f"BTF: type {self._first + len(positions)} is cut off")
            info = words[at + 1]
            try:
                fixed, element = tails[info >> 24 & 0x7F]
            except KeyError:
                raise ParseError(
                    f"BTF: type {self._first + len(positions)} has unknown kind {info >> 24 & 0x7F}"
                ) from None
            add(at)
            at += 3 + fixed
            if element:
                at += element * (info & 0xFFFFFF)
        if at != end:
            raise ParseError(f"BTF: type {self._first + len(positions) - 1} is cut off")
        return positions

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
        return self._words[self._position(type_id) + 1] >> 24 & 0x7F

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
        if kind not in _TAIL:
            return Type(type_id, kind, name, flag=flag)
        count = 0
        if kind == Kind.FUNC:
            count = vlen
        elif _TAIL[kind][0]:
            count = words[tail]
            if kind == Kind.DECL_TAG and count == 0xFFFFFFFF:
                count = -1
        return Type(
            type_id,
            Kind(kind),
            name,
            size=third if kind in _SIZED else 0,
            type=0 if kind in _UNTYPED else third,
            flag=flag,
            count=count,
            members=tuple(self._members(kind, flag, tail, vlen)) if _TAIL[kind][1] else (),
        )

    def _members(self, kind: int, flag: bool, at: int, count: int) -> Iterator[Member]:
        words, string = self._words, self.string
        width = _TAIL[kind][1]
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
    def _by_name(self) -> dict[str, list[int]]:
        """Ids of the own types by name."""
        words = self._words
        names: dict[int, list[int]] = {}
        for type_id, at in enumerate(self._at, self._first):
            names.setdefault(words[at], []).append(type_id)
        found: dict[str, list[int]] = {}
        for offset, ids in names.items():
            if offset:
                found.setdefault(self.string(offset), []).extend(ids)
        return found

    def find(self, name: str, *kinds: int) -> tuple[int, ...]:
        """Return the ids of the types with a name, the base's first.

        :param kinds: only types of these kinds; all kinds if none is given
        :raises ParseError: the name of a type is beyond the strings
        """
        base = () if self.base is None else self.base.find(name, *kinds)
        own = self._by_name.get(name, ())
        return (*base, *(item for item in own if not kinds or self.kind(item) in kinds))

    def names(self) -> Iterable[str]:
        """Return the names of the types, the base's not included.

        :raises ParseError: the name of a type is beyond the strings
        """
        return self._by_name.keys()

    def ids(self, *kinds: int) -> Iterator[int]:
        """Yield the ids of the types of some kinds, the base's not included."""
        words = self._words
        wanted = frozenset(int(kind) for kind in kinds)
        for type_id, at in enumerate(self._at, self._first):
            if words[at + 1] >> 24 & 0x7F in wanted:
                yield type_id

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
            if found.kind not in _MODIFIERS:
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
                return count * found.size if found.kind in _SIZED else None
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
