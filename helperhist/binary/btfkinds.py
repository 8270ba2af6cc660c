"""The kinds of BTF types, and a type as it is read.

Source of all numbers: ``include/uapi/linux/btf.h`` and ``Documentation/bpf/btf.rst``.
"""

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["MODIFIERS", "SIZED", "TAIL", "UNTYPED", "Kind", "Member", "Type"]


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
TAIL: dict[int, tuple[int, int]] = {
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
SIZED = frozenset(
    {Kind.INT, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.DATASEC, Kind.FLOAT, Kind.ENUM64}
)
UNTYPED = SIZED | {Kind.VOID, Kind.ARRAY, Kind.FWD}
MODIFIERS = frozenset({Kind.TYPEDEF, Kind.VOLATILE, Kind.CONST, Kind.RESTRICT, Kind.TYPE_TAG})


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
