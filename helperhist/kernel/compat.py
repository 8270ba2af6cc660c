"""When a type of an object and a type of a kernel are the same thing.

Three relations, all of them libbpf's (``relo_core.c``), and the kernel's for kfuncs: the same
field (sizes and signs may differ), compatible types (same shape, names do not count), matching
types (same names and members). Modifiers and typedefs never count.
"""

import re

from helperhist.binary import Btf, Kind, Type
from helperhist.errors import ParseError

__all__ = [
    "COMPOSITES",
    "ENUMS",
    "Compat",
    "essential",
    "int_encoding",
    "int_offset",
    "pointer_size",
    "same_kind",
]

COMPOSITES = frozenset({Kind.STRUCT, Kind.UNION})
ENUMS = frozenset({Kind.ENUM, Kind.ENUM64})
#: Compatible with any other of their kind.
_BY_KIND = frozenset({Kind.VOID, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.FWD, Kind.ENUM64})
INT_SIGNED = 1

_FLAVOUR = re.compile(r"(.*[^_])___[^_]", re.DOTALL)
#: Levels of parameters or members, and steps within one level, that libbpf follows.
_LEVELS = 32
#: Types and members compared for one question. Hostile types could ask for any number.
_MAX_COMPARED = 1 << 20


def essential(name: str) -> str:
    """Return a name without its flavour: ``task_struct`` of ``task_struct___old``."""
    found = _FLAVOUR.match(name)
    return found[1] if found else name


def int_offset(found: Type) -> int:
    """Return the bit at which an INT begins; not 0 in old descriptions of bit fields only."""
    return found.count >> 16 & 0xFF


def int_encoding(found: Type) -> int:
    """Return how an INT is read: 1 signed, 2 char, 4 bool."""
    return found.count >> 24 & 0xF


def pointer_size(btf: Btf) -> int:
    """Return the bytes of a pointer of a kernel: those of its ``long``."""
    for name in ("long", "long int", "int long", "unsigned long", "long unsigned int"):
        for item in btf.find(name, Kind.INT):
            size = btf.type(item).size
            if size in (4, 8):
                return size
    return 8


def same_kind(one: int, other: int) -> bool:
    """Whether two kinds are one; both forms of enums are."""
    return one == other or (one in ENUMS and other in ENUMS)


class Compat:
    """Compare types of an object with types of a kernel or of one of its modules."""

    def __init__(self, local: Btf, target: Btf) -> None:
        """Compare ids of ``local`` with ids of ``target``."""
        self.local = local
        self.target = target
        self._known: dict[tuple[str, int, int, bool], bool] = {}
        self._compared = 0

    def fields(self, local_id: int, target_id: int) -> bool:
        """Whether a field of the object may be read as a field of the kernel.

        :raises ParseError: a type refers to itself
        """
        for _ in range(_LEVELS * 4):
            local, target = self.local.strip(local_id), self.target.strip(target_id)
            if local.kind in COMPOSITES and target.kind in COMPOSITES:
                return True
            if not same_kind(local.kind, target.kind):
                return False
            if local.kind in (Kind.PTR, Kind.FLOAT):
                return True
            if local.kind == Kind.INT:
                return int_offset(local) == int_offset(target) == 0
            if local.kind in ENUMS or local.kind == Kind.FWD:
                names = {essential(local.name), essential(target.name)}
                return "" in names or len(names) == 1
            if local.kind != Kind.ARRAY:
                return False
            local_id, target_id = local.type, target.type
        raise ParseError("BTF: arrays of arrays without end")

    def types(self, local_id: int, target_id: int) -> bool:
        """Whether two types are compatible: of the same shape, whatever their names.

        :raises ParseError: they go on without end
        """
        self._compared = 0
        return self._types(local_id, target_id, _LEVELS)

    def _types(self, local_id: int, target_id: int, level: int) -> bool:
        self._count(1)
        if not same_kind(self.local.kind(local_id), self.target.kind(target_id)):
            return False
        for _ in range(_LEVELS):
            local, target = self.local.strip(local_id), self.target.strip(target_id)
            if not same_kind(local.kind, target.kind):
                return False
            if local.kind in _BY_KIND:
                return True
            if local.kind == Kind.INT:
                return int_offset(local) == int_offset(target) == 0
            if local.kind == Kind.FUNC_PROTO:
                if len(local.members) != len(target.members):
                    return False
                for mine, its in zip(local.members, target.members, strict=True):
                    if level <= 0:
                        raise ParseError("BTF: functions of functions without end")
                    one, other = self.local.strip(mine.type).id, self.target.strip(its.type).id
                    if not self._remembered("types", one, other, False, level - 1):
                        return False
            elif local.kind not in (Kind.PTR, Kind.ARRAY):
                return False
            local_id, target_id = local.type, target.type
        raise ParseError("BTF: pointers to pointers without end")

    def match(self, local_id: int, target_id: int) -> bool:
        """Whether two types match: the object's members are all in the kernel's, by name.

        :raises ParseError: they go on without end
        """
        self._compared = 0
        return self._match(local_id, target_id, False, _LEVELS)

    def _match(self, local_id: int, target_id: int, pointed: bool, level: int) -> bool:
        self._count(1)
        if level <= 0:
            raise ParseError("BTF: types within types without end")
        for _ in range(_LEVELS):
            local, target = self.local.strip(local_id), self.target.strip(target_id)
            if essential(local.name) != essential(target.name):
                return False
            if local.kind in COMPOSITES or local.kind == Kind.FWD:
                return self._match_composites(local, target, pointed, level)
            if local.kind in ENUMS:
                return target.kind in ENUMS and _enums_match(local, target)
            if local.kind != target.kind:
                return False
            if local.kind == Kind.VOID:
                return True
            if local.kind == Kind.INT:
                return local.size == target.size and not (
                    (int_encoding(local) ^ int_encoding(target)) & INT_SIGNED
                )
            if local.kind == Kind.PTR:
                pointed = True
            elif local.kind == Kind.ARRAY:
                if local.count != target.count:
                    return False
            elif local.kind == Kind.FUNC_PROTO:
                if len(local.members) != len(target.members):
                    return False
                for mine, its in zip(local.members, target.members, strict=True):
                    if not self._remembered("match", mine.type, its.type, pointed, level - 1):
                        return False
            else:
                return False
            local_id, target_id = local.type, target.type
        raise ParseError("BTF: pointers to pointers without end")

    def _match_composites(self, local: Type, target: Type, pointed: bool, level: int) -> bool:
        if Kind.FWD in (local.kind, target.kind):
            known = target.kind in COMPOSITES or target.kind == Kind.FWD
            whole = pointed or local.kind == target.kind
            return known and whole and _is_union(local) == _is_union(target)
        if local.kind != target.kind:
            return False
        if pointed:
            return True
        if len(local.members) > len(target.members):
            return False
        self._count(len(target.members))
        places: dict[str, list[int]] = {}
        for item in target.members:
            places.setdefault(essential(item.name), []).append(item.type)
        return all(
            any(
                self._remembered("match", item.type, found, pointed, level - 1)
                for found in places.get(essential(item.name), ())
            )
            for item in local.members
        )

    def _remembered(
        self, relation: str, local_id: int, target_id: int, pointed: bool, level: int
    ) -> bool:
        key = (relation, local_id, target_id, pointed)
        found = self._known.get(key)
        if found is None:
            if relation == "types":
                found = self._types(local_id, target_id, level)
            else:
                found = self._match(local_id, target_id, pointed, level)
            self._known[key] = found
        return found

    def _count(self, number: int) -> None:
        self._compared += number
        if self._compared > _MAX_COMPARED:
            raise ParseError("BTF: too many types within types")


def _is_union(found: Type) -> bool:
    return found.kind == Kind.UNION or (found.kind == Kind.FWD and found.flag)


def _enums_match(local: Type, target: Type) -> bool:
    if local.size != target.size or len(local.members) > len(target.members):
        return False
    names = {essential(item.name) for item in target.members}
    return all(essential(item.name) in names for item in local.members)
