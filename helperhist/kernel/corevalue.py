"""What a CO-RE relocation is worth: the number that its kind asks of a path into a type."""

from dataclasses import dataclass
from enum import IntEnum

from helperhist.binary import Btf, Kind, Type
from helperhist.errors import ParseError
from helperhist.kernel.compat import ENUMS, INT_SIGNED, int_encoding
from helperhist.kernel.corespec import Spec, size_of

__all__ = ["RelocationKind", "Value", "absent", "resizable_load", "value_of"]

_U32, _U64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF


class RelocationKind(IntEnum):
    """``enum bpf_core_relo_kind``."""

    FIELD_BYTE_OFFSET = 0
    FIELD_BYTE_SIZE = 1
    FIELD_EXISTS = 2
    FIELD_SIGNED = 3
    FIELD_LSHIFT_U64 = 4
    FIELD_RSHIFT_U64 = 5
    TYPE_ID_LOCAL = 6
    TYPE_ID_TARGET = 7
    TYPE_EXISTS = 8
    TYPE_SIZE = 9
    ENUMVAL_EXISTS = 10
    ENUMVAL_VALUE = 11
    TYPE_MATCHES = 12


@dataclass(frozen=True, slots=True)
class Value:
    """A value with the size and stripped type of a field whose offset it is."""

    value: int
    checked: bool = True
    size: int = 0
    type: int = 0


def absent(kind: RelocationKind) -> Value | None:
    """Return the value if no candidate has it; None where the instruction becomes invalid."""
    if kind in (
        RelocationKind.FIELD_EXISTS,
        RelocationKind.ENUMVAL_EXISTS,
        RelocationKind.TYPE_EXISTS,
        RelocationKind.TYPE_MATCHES,
        RelocationKind.TYPE_ID_TARGET,
        RelocationKind.TYPE_SIZE,
    ):
        return Value(0)
    return None


def resizable_load(local: Type, target: Type) -> bool:
    """Whether a field of another size may be loaded: zeroes extend pointers and unsigned."""
    if local.kind == target.kind == Kind.PTR:
        return True
    return (
        local.kind == target.kind == Kind.INT
        and int_encoding(local) != INT_SIGNED
        and int_encoding(target) != INT_SIGNED
    )


def value_of(kind: RelocationKind, btf: Btf, spec: Spec, pointer: int, big: bool) -> Value | None:
    """Return what a relocation is worth where its path leads to.

    :raises ParseError: it cannot be told, and a loader refuses the object
    """
    if kind in (
        RelocationKind.FIELD_EXISTS,
        RelocationKind.ENUMVAL_EXISTS,
        RelocationKind.TYPE_EXISTS,
        RelocationKind.TYPE_MATCHES,
    ):
        return Value(1)
    if kind == RelocationKind.TYPE_ID_TARGET:
        return Value(spec.root, checked=False)
    if kind == RelocationKind.TYPE_SIZE:
        return Value(size_of(btf, spec.root, pointer))
    if kind == RelocationKind.ENUMVAL_VALUE:
        found = btf.type(spec.steps[0].type)
        value = found.members[spec.steps[0].index].value
        if found.kind == Kind.ENUM and value >> 31 & 1:
            # libbpf extends the sign of all enumerators of 32 bits.
            value |= _U64 ^ _U32
        return Value(value & _U64)
    return _field_value(kind, btf, spec, pointer, big)


def _field_value(
    kind: RelocationKind, btf: Btf, spec: Spec, pointer: int, big: bool
) -> Value | None:
    last = spec.steps[-1]
    if last.name is None:
        if kind == RelocationKind.FIELD_BYTE_OFFSET:
            size = _element_size(btf, last.type, pointer)
            return Value(spec.bits // 8, size=size, type=last.type)
        if kind == RelocationKind.FIELD_BYTE_SIZE:
            return Value(size_of(btf, last.type, pointer))
        raise ParseError(f"CO-RE {kind.name.lower()} of an element of {spec.text(btf)}")
    member = btf.type(last.type).members[last.index]
    found = btf.strip(member.type)
    bits = member.size
    if bits:
        size, start = _unit(found.size, spec.bits, bits)
    else:
        size, start = size_of(btf, found.id, pointer), spec.bits // 8
        bits = size * 8
    if kind == RelocationKind.FIELD_BYTE_OFFSET:
        if member.size:
            return Value(start, checked=False)
        return Value(start, size=_element_size(btf, found.id, pointer), type=found.id)
    if kind == RelocationKind.FIELD_BYTE_SIZE:
        return Value(size, checked=not member.size)
    if kind == RelocationKind.FIELD_SIGNED:
        signed = (
            found.flag
            if found.kind in ENUMS
            else found.kind == Kind.INT and bool(int_encoding(found) & INT_SIGNED)
        )
        return Value(int(signed))
    if kind == RelocationKind.FIELD_RSHIFT_U64:
        return Value(64 - bits & _U32)
    offset = spec.bits - start * 8
    shift = (8 - size) * 8 + offset if big else 64 - (offset + bits)
    return Value(shift & _U32, checked=not member.size)


def _unit(size: int, start: int, bits: int) -> tuple[int, int]:
    """Return the bytes of the smallest load that has a bit field, and where it begins."""
    while size:
        at = start // 8 // size * size
        if start + bits - at * 8 <= size * 8:
            return size, at
        if size >= 8:
            break
        size *= 2
    raise ParseError(f"bit field of {bits} bits at {start} fits no load")


def _element_size(btf: Btf, type_id: int, pointer: int) -> int:
    """Return the bytes of a field; of an array, those of one element."""
    found = btf.strip(type_id)
    for _ in range(128):
        if found.kind != Kind.ARRAY:
            return size_of(btf, found.id, pointer)
        found = btf.strip(found.type)
    raise ParseError("BTF: arrays of arrays without end")
