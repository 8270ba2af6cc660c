"""CO-RE: what each relocation of an object becomes on a kernel with a given BTF.

The rules are those of libbpf (``relo_core.c`` as of libbpf 1.8), which the kernel shares: an
access like ``0:5:1`` is read as names, the names are looked up in every type of the kernel that
has the same name without flavour, and all that have them must agree. The relocations of an object
are resolved in their order, because one that finds its candidates narrows them for the next ones
of the same type.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from helperhist.binary import Btf, CoreRelo
from helperhist.errors import ParseError
from helperhist.kernel.compat import ENUMS, Compat
from helperhist.kernel.corespec import Spec, Target, local_spec, match_spec
from helperhist.kernel.corevalue import RelocationKind, Value, absent, resizable_load, value_of

__all__ = ["Candidate", "RelocationKind", "Resolution", "Resolver", "State", "resolve"]

#: Candidates that are named in an answer; all are looked at.
_MAX_NAMED = 8

State = Literal["resolved", "unresolved", "refused"]


_ENUMVALS = (RelocationKind.ENUMVAL_EXISTS, RelocationKind.ENUMVAL_VALUE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A type of the kernel that has the right name.

    :ivar module: that has it; empty for the kernel itself
    :ivar spec: the type with the path in it, or the type alone if it has no such path
    """

    id: int
    module: str
    matches: bool
    spec: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """What one relocation becomes.

    :ivar state: ``resolved``; ``unresolved``: the instruction becomes one that the verifier
        refuses if the program gets there; ``refused``: the loader refuses the whole object
    :ivar local: the value on the machine that the object was compiled for, as 64 unsigned bits
    :ivar value: the value on this kernel, likewise; 0 unless resolved
    :ivar spec: what it speaks of, in the object's words
    :ivar reason: why it is not resolved, else empty
    :ivar checked: whether the instruction must hold the local value before
    :ivar local_size: bytes of the field where its offset is meant, else 0
    :ivar size: likewise on this kernel
    :ivar resizable: whether a load of other bytes than compiled reads the right value
    """

    state: State
    local: int = 0
    value: int = 0
    spec: str = ""
    reason: str = ""
    candidates: tuple[Candidate, ...] = ()
    checked: bool = True
    local_size: int = 0
    size: int = 0
    resizable: bool = True


#: Types that may stand for another: number of the part of the target, and id.
_Candidates = tuple[tuple[int, int], ...]


class Resolver:
    """Resolve the relocations of one object, in their order."""

    def __init__(self, local: Btf, target: Target) -> None:
        """Resolve for a kernel.

        :param local: the BTF of the object
        """
        self._local = local
        self._target = target
        self._compat = [Compat(local, btf) for _, btf in target.parts]
        self._candidates: dict[int, _Candidates] = {}
        self._known: dict[
            tuple[int, str, int, _Candidates | None], tuple[Resolution, _Candidates | None]
        ] = {}

    def resolve(self, relo: CoreRelo) -> Resolution:
        """Return what a relocation becomes; it never raises, what cannot be read is refused."""
        candidates = self._candidates.get(relo.type)
        key = (relo.type, relo.access, relo.kind, candidates)
        found = self._known.get(key)
        if found is None:
            try:
                found = self._resolve(relo, candidates)
            except ParseError as error:
                found = Resolution("refused", reason=str(error)), candidates
            self._known[key] = found
        resolution, left = found
        if left:
            self._candidates[relo.type] = left
        return resolution

    def _resolve(
        self, relo: CoreRelo, candidates: _Candidates | None
    ) -> tuple[Resolution, _Candidates | None]:
        """Return the answer, and the candidates that are left for what follows."""
        local = self._local.type(relo.type)
        if not 0 <= relo.kind < len(RelocationKind):
            raise ParseError(f"CO-RE relocation of kind {relo.kind}")
        kind = RelocationKind(relo.kind)
        spec = self._spec(relo, kind)
        if kind == RelocationKind.TYPE_ID_LOCAL:
            text = spec.text(self._local)
            return Resolution("resolved", relo.type, relo.type, text, checked=False), None
        if not local.name:
            raise ParseError(f"CO-RE relocation of {spec.text(self._local)}")
        if candidates is None:
            candidates = self._target.candidates(local.name, local.kind)
        resolution, matching = self._choose(kind, spec, candidates)
        return resolution, matching or candidates

    def _spec(self, relo: CoreRelo, kind: RelocationKind) -> Spec:
        if RelocationKind.TYPE_ID_LOCAL <= kind <= RelocationKind.TYPE_SIZE or (
            kind == RelocationKind.TYPE_MATCHES
        ):
            if relo.access != "0":
                raise ParseError(f"CO-RE access {relo.access[:60]!r} of a type")
            return Spec(relo.type)
        spec = local_spec(self._local, relo.type, relo.access)
        if (self._local.strip(relo.type).kind in ENUMS) != (kind in _ENUMVALS):
            raise ParseError(f"CO-RE {kind.name.lower()} of {spec.text(self._local)}")
        return spec

    def _choose(
        self, kind: RelocationKind, spec: Spec, candidates: _Candidates
    ) -> tuple[Resolution, _Candidates]:
        """Ask all candidates; return the answer, and those that have what was asked for."""
        text = spec.text(self._local)
        local = value_of(kind, self._local, spec, 8, self._target.btf.order == "big")
        assert local is not None
        seen: list[Candidate] = []
        matching: list[tuple[int, int]] = []
        first: tuple[Value | None, Spec, int] | None = None
        conflict = ""
        for number, type_id in candidates:
            module, btf = self._target.parts[number]
            found = self._match(kind, spec, number, type_id)
            if len(seen) < _MAX_NAMED:
                shown = (Spec(type_id) if found is None else found).text(btf)
                seen.append(Candidate(type_id, module, found is not None, shown))
            if found is None:
                continue
            matching.append((number, type_id))
            value = value_of(kind, btf, found, self._target.pointer, btf.order == "big")
            if first is None:
                first = (value, found, number)
            elif first[1].bits != found.bits or _number(first[0]) != _number(value):
                conflict = f"types of the same name differ: {seen[0].spec}, {found.text(btf)}"
                break
        rest = (local.value, 0, text)
        if conflict:
            return Resolution("refused", *rest, conflict, tuple(seen)), ()
        value = absent(kind) if first is None else first[0]
        if value is None:
            reason = _why(text, seen)
            return Resolution("unresolved", *rest, reason, tuple(seen)), tuple(matching)
        resizable = local.size == value.size
        if not resizable and first is not None:
            btf = self._target.parts[first[2]][1]
            resizable = resizable_load(self._local.type(local.type), btf.type(value.type))
        return (
            Resolution(
                "resolved",
                local.value,
                value.value,
                text,
                "",
                tuple(seen),
                local.checked,
                local.size,
                value.size,
                resizable,
            ),
            tuple(matching),
        )

    def _match(self, kind: RelocationKind, spec: Spec, number: int, type_id: int) -> Spec | None:
        compat = self._compat[number]
        if spec.steps:
            return match_spec(spec, self._target, number, type_id, compat)
        if kind == RelocationKind.TYPE_MATCHES:
            same = compat.match(spec.root, type_id)
        else:
            same = compat.types(spec.root, type_id)
        return Spec(type_id) if same else None


def resolve(relocations: Iterable[CoreRelo], local: Btf, target: Target) -> list[Resolution]:
    """Resolve the relocations of an object against a kernel.

    :param relocations: in the order of the file; only those of programs that are loaded, since a
        loader leaves out the others
    :param local: the BTF of the object
    :return: one for each, in their order
    """
    resolver = Resolver(local, target)
    return [resolver.resolve(item) for item in relocations]


def _number(value: Value | None) -> int | None:
    return None if value is None else value.value


def _why(text: str, seen: list[Candidate]) -> str:
    name = text.split(" (")[0]
    if not seen:
        return f"{name}: no type of this name in the kernel"
    return f"{name}: not in the kernel's {seen[0].spec.split(' (')[0]}"
