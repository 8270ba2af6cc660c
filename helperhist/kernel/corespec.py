"""What a CO-RE relocation speaks of: a path into a type, in the object and in the kernel."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from helperhist.binary import Btf, Kind, Member, Type
from helperhist.errors import ParseError
from helperhist.kernel.compat import COMPOSITES, ENUMS, Compat, essential, pointer_size
from helperhist.kernel.nearest import Names

__all__ = ["Path", "Spec", "Step", "Target", "local_spec", "match_spec", "size_of"]

#: Elements of a path that libbpf follows.
_MAX_PATH = 64
_ACCESS = re.compile(r"[0-9]{1,9}(?::[0-9]{1,9})*")
#: Members that may be looked at in all. Kernels have some 100,000; hostile types any number.
_MAX_MEMBERS = 1 << 22

#: Types of one name. Kernels have a handful.
_MAX_CANDIDATES = 1024

_KIND_NAMES: dict[int, str] = {
    **{int(kind): kind.name.lower() for kind in Kind},
    Kind.FWD: "forward declaration of",
    Kind.FUNC_PROTO: "function prototype",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path that has a meaning: a member with a name, or an element of an array.

    :ivar type: id of the struct or union, or of the element
    :ivar index: of the member or element
    :ivar name: of the member; None for an element
    """

    type: int
    index: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """A path into a type of one BTF.

    :ivar root: id of the type, as named: a typedef stays one
    :ivar steps: empty if the type itself is meant; one step to an enumerator
    :ivar raw: the indexes, those of anonymous members included
    :ivar bits: from the start of the type
    """

    root: int
    steps: tuple[Step, ...] = ()
    raw: tuple[int, ...] = ()
    bits: int = 0

    def text(self, btf: Btf) -> str:
        """Return it as C would write it, with where it lies."""
        found = btf.type(self.root)
        kind = _KIND_NAMES.get(found.kind, f"type of kind {found.kind}")
        name = f"{kind} {found.name or '(anonymous)'}"
        if not self.steps:
            return name
        first = btf.strip(self.root)
        if first.kind in ENUMS:
            item = first.members[self.raw[0]]
            return f"{name}::{item.name} = {item.value}"
        path = "".join(
            f"[{step.index}]" if step.name is None else f".{step.name}"
            for at, step in enumerate(self.steps)
            if at or step.index or step.name is not None
        )
        place = str(self.bits // 8) + (f".{self.bits % 8}" if self.bits % 8 else "")
        return f"{name}{path} ({':'.join(map(str, self.raw))} @ offset {place})"


@dataclass(frozen=True, slots=True)
class Path:
    """Where a named member is: through which anonymous ones, and in which struct at last."""

    raw: tuple[int, ...]
    bits: int
    owner: int
    member: Member


class Target:
    """The types of a kernel, with what looking up in them again and again needs."""

    def __init__(self, btf: Btf, modules: Sequence[tuple[str, Btf]] = ()) -> None:
        """Hold a kernel's BTF.

        :param modules: name and BTF of modules, whose base it is; asked for what it lacks
        """
        self.btf = btf
        self.pointer = pointer_size(btf)
        self.parts: tuple[tuple[str, Btf], ...] = (("", btf), *modules)
        self.names = Names(part for _, part in self.parts)
        self._flavours: dict[int, dict[str, list[int]]] = {}
        self._paths: dict[tuple[int, int], dict[str, Path]] = {}
        self._enumerators: dict[tuple[int, int], dict[str, int]] = {}
        self._members = 0

    def candidates(self, name: str, kind: int) -> tuple[tuple[int, int], ...]:
        """Return the types of a kind whose name is the same without flavour.

        :return: number of the part (0: the kernel itself) and id; a module's only if the kernel
            has none
        :raises ParseError: there are too many
        """
        kinds: frozenset[int] = frozenset(ENUMS) if kind in ENUMS else frozenset({kind})
        wanted = essential(name)
        for number in range(len(self.parts)):
            found = self._candidates(number, wanted, kinds)
            if number == 0 and found:
                return tuple((0, item) for item in found)
        return tuple(
            (number, item)
            for number in range(1, len(self.parts))
            for item in self._candidates(number, wanted, kinds)
        )

    def _candidates(self, number: int, wanted: str, kinds: frozenset[int]) -> list[int]:
        btf = self.parts[number][1]
        flavours = self._flavours.get(number)
        if flavours is None:
            flavours = self._flavours[number] = _flavours(btf)
        found = {*btf.find(wanted, *kinds), *flavours.get(wanted, ())}
        first = btf.first if number else 1
        matching = sorted(item for item in found if item >= first and btf.kind(item) in kinds)
        if len(matching) > _MAX_CANDIDATES:
            raise ParseError(f"BTF: too many types of the name {wanted[:60]}")
        return matching

    def paths(self, number: int, type_id: int) -> dict[str, Path]:
        """Return the named members of a struct or union, those of anonymous ones included.

        :raises ParseError: there are too many
        """
        found = self._paths.get((number, type_id))
        if found is None:
            found = self._paths[number, type_id] = {}
            btf = self.parts[number][1]
            for path in self._walk(btf, btf.strip(type_id)):
                found.setdefault(path.member.name, path)
        return found

    def enumerators(self, number: int, type_id: int) -> dict[str, int]:
        """Return the indexes of an enum's values by their names without flavour."""
        found = self._enumerators.get((number, type_id))
        if found is None:
            found = self._enumerators[number, type_id] = {}
            for index, member in enumerate(self.parts[number][1].type(type_id).members):
                found.setdefault(essential(member.name), index)
        return found

    def _walk(self, btf: Btf, root: Type) -> Iterator[Path]:
        """Yield the named members in the order in which libbpf looks for them."""
        seen: set[int] = {root.id}
        pending: list[tuple[Type, int, tuple[int, ...], int]] = [(root, 0, (), 0)]
        while pending:
            owner, start, raw, bits = pending.pop()
            for index in range(start, len(owner.members)):
                member = owner.members[index]
                self._members += 1
                if self._members > _MAX_MEMBERS:
                    raise ParseError("BTF: too many members within members")
                path = (*raw, index)
                if member.name:
                    yield Path(path, bits + member.value, owner.id, member)
                    continue
                inner = btf.strip(member.type)
                # What was seen has named what it has.
                if inner.kind in COMPOSITES and inner.id not in seen and len(path) < _MAX_PATH:
                    seen.add(inner.id)
                    pending.append((owner, index + 1, raw, bits))
                    pending.append((inner, 0, path, bits + member.value))
                    break


def _flavours(btf: Btf) -> dict[str, list[int]]:
    """Return the types whose names have a flavour, by their names without."""
    found: dict[str, list[int]] = {}
    for name in btf.strings_holding(b"___"):
        if (short := essential(name)) != name:
            found.setdefault(short, []).extend(btf.find(name))
    return found


def size_of(btf: Btf, type_id: int, pointer: int) -> int:
    """Return the bytes of a type.

    :raises ParseError: it has no size
    """
    size = btf.size_of(type_id, pointer)
    if size is None:
        raise ParseError(f"{Spec(type_id).text(btf)} has no size")
    return size


def local_spec(btf: Btf, type_id: int, access: str) -> Spec:
    """Read the path of an object's relocation into a field or to an enumerator.

    :raises ParseError: it leads nowhere
    """
    wrong = ParseError(f"CO-RE access {access[:60]!r} does not fit {Spec(type_id).text(btf)}")
    if not _ACCESS.fullmatch(access) or access.count(":") >= _MAX_PATH:
        raise wrong
    raw = tuple(int(item) for item in access.split(":"))
    found = btf.strip(type_id)
    if found.kind in ENUMS:
        if len(raw) > 1 or raw[0] >= len(found.members):
            raise wrong
        step = Step(found.id, raw[0], found.members[raw[0]].name)
        return Spec(type_id, (step,), raw)
    steps = [Step(found.id, raw[0])]
    bits = raw[0] * size_of(btf, found.id, 8) * 8
    for index in raw[1:]:
        if found.kind in COMPOSITES and index < len(found.members):
            member = found.members[index]
            bits += member.value
            if member.name:
                steps.append(Step(found.id, index, member.name))
            found = btf.strip(member.type)
        elif found.kind == Kind.ARRAY and _has_element(btf, found, steps[-1], index):
            found = btf.strip(found.type)
            steps.append(Step(found.id, index))
            bits += index * size_of(btf, found.id, 8) * 8
        else:
            raise wrong
    return Spec(type_id, tuple(steps), raw, bits)


def _has_element(btf: Btf, array: Type, owner: Step, index: int) -> bool:
    """Whether an array has an element; one without length at the end of a struct has any."""
    if index < array.count:
        return True
    members = btf.type(owner.type).members
    return owner.name is not None and not array.count and owner.index == len(members) - 1


def match_spec(
    spec: Spec, target: Target, number: int, type_id: int, compat: Compat
) -> Spec | None:
    """Find the path of an object's field or enumerator in a type of the kernel.

    :param number: which part of the target the type is in
    :return: None if it is not there
    :raises ParseError: the types of the kernel go on without end
    """
    btf = target.parts[number][1]
    found = btf.strip(type_id)
    first = spec.steps[0]
    if first.name is not None and compat.local.type(first.type).kind in ENUMS:
        wanted = essential(first.name)
        index = target.enumerators(number, found.id).get(wanted)
        if found.kind not in ENUMS or index is None:
            return None
        return Spec(type_id, (Step(found.id, index, found.members[index].name),), (index,))
    raw: tuple[int, ...] = ()
    steps: list[Step] = []
    bits = 0
    for at, step in enumerate(spec.steps):
        if step.name is not None:
            path = target.paths(number, found.id).get(step.name)
            if found.kind not in COMPOSITES or path is None:
                return None
            local = compat.local.type(step.type).members[step.index]
            if not compat.fields(local.type, path.member.type):
                return None
            raw += path.raw
            bits += path.bits
            steps.append(Step(path.owner, path.raw[-1], step.name))
            found = btf.strip(path.member.type)
            continue
        if at:
            if found.kind != Kind.ARRAY or not _has_element(btf, found, steps[-1], step.index):
                return None
            found = btf.strip(found.type)
        raw += (step.index,)
        steps.append(Step(found.id, step.index))
        bits += step.index * size_of(btf, found.id, target.pointer) * 8
    if len(raw) > _MAX_PATH:
        raise ParseError("CO-RE path too long")
    return Spec(type_id, tuple(steps), raw, bits)
