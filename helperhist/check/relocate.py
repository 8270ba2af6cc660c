"""Relocate an object for one kernel, and say which open relocations its verifier gets to."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from weakref import WeakKeyDictionary

from helperhist.binary import CALL, EXIT, BpfObject, Btf, CoreRelo, Function, Insn
from helperhist.check.against import Relocated
from helperhist.check.doom import Doom, Refused, closure_of, doom
from helperhist.check.guards import Guard, guards_of
from helperhist.check.needs import Unknown, release_key
from helperhist.check.reach import Budget
from helperhist.check.rodata import Rodata
from helperhist.check.rules import CONST_MAPS
from helperhist.check.verdict import TooNew
from helperhist.kernel import POISON, RelocationKind, Resolution, Resolver, Target, patch

__all__ = ["relocate"]

#: What was seen of the programs of an object on other kernels.
_KNOWN: WeakKeyDictionary[BpfObject, dict[Hashable, Doom]] = WeakKeyDictionary()
_MAX_KNOWN = 5000
#: Stands where the verifier gets no further.
_STOP = Insn(EXIT, 0, 0, 0, POISON.imm)


def relocate(
    obj: BpfObject,
    target: Target,
    programs: Sequence[Function],
    externs: Mapping[str, int],
    elsewhere: AbstractSet[str] = frozenset(),
    marks: Mapping[Function, Mapping[int, Refused]] | None = None,
    explain: bool = True,
) -> tuple[tuple[Relocated, ...], tuple[TooNew, ...]]:
    """Return what became of the relocations, and what the kernel lacks or may lack.

    The object's instructions are changed.

    :param programs: that are loaded
    :param externs: whether the kernel has those of ``.ksyms``, and its values of ``.kconfig``
    :param elsewhere: those that it has not, but that a module may have
    :param marks: instructions that the verifier refuses, by function and index
    :param explain: whether to say what became of the relocations
    """
    if obj.btf is None or not obj.relocates:
        return (), ()
    work = _Relocate(obj, programs, externs, elsewhere)
    found = work.relocate(obj.btf, target, marks or {}, explain)
    return found, tuple(work.lacks)


class _Relocate:
    """One object."""

    def __init__(
        self,
        obj: BpfObject,
        programs: Sequence[Function],
        externs: Mapping[str, int],
        elsewhere: AbstractSet[str],
    ) -> None:
        self._obj, self._programs, self._externs = obj, programs, externs
        self._elsewhere = elsewhere
        self.lacks: list[TooNew] = []

    def relocate(
        self,
        local: Btf,
        target: Target,
        marks: Mapping[Function, Mapping[int, Refused]],
        explain: bool,
    ) -> tuple[Relocated, ...]:
        """Resolve all, put them in place, and judge what the verifier sees."""
        resolver = Resolver(local, target)
        found: list[Relocated] = []
        refused = {function: dict(found) for function, found in marks.items() if found}
        self._weak_calls(refused)
        for function, index, relo in self._places():
            resolution = resolver.resolve(relo)
            patched = patch(function.insns, index, resolution)
            if explain:
                found.append(self._relocated(function, index, relo, resolution))
            if patched.refused:
                # A loader gives up at the first one.
                if not self.lacks:
                    name, _, reason = patched.refused.partition(": ")
                    found_ = Refused("core", name, reason)
                    self._lack(function, function, index, found_, True)
                continue
            function.insns[index : index + len(patched.insns)] = patched.insns
            if POISON in patched.insns:
                # The verifier gets no further.
                function.insns[index] = _STOP
                text = resolution.reason or f"{resolution.spec}: of another size: no load fits"
                name, _, reason = text.partition(": ")
                refused.setdefault(function, {})[index] = Refused("core", name, reason)
        if refused:
            self._follow(refused)
        return tuple(found)

    def _relocated(
        self, function: Function, index: int, relo: CoreRelo, resolution: Resolution
    ) -> Relocated:
        return Relocated(
            function.name,
            index,
            self._line(function, index),
            _kind(relo),
            resolution.spec,
            resolution.state,
            resolution.local,
            resolution.value,
            resolution.reason,
            tuple(item.spec for item in resolution.candidates if not item.matches),
        )

    def _places(self) -> Iterator[tuple[Function, int, CoreRelo]]:
        """Yield the relocations of what is loaded, in the order of the file."""
        programs = set(self._programs)
        order = {name: at for at, name in enumerate(self._obj.ext.relocations)}
        functions = [item for item in self._obj.functions if item.relos]
        for function in sorted(functions, key=lambda it: (order.get(it.section, 0), it.start)):
            if function.program and function not in programs:
                continue
            for index in sorted(function.relos):
                yield function, index, function.relos[index]

    def _weak_calls(self, refused: dict[Function, dict[int, Refused]]) -> None:
        """Mark the calls of weak kfuncs that this kernel does not have: they stay open."""
        for function in self._obj.functions:
            for index, relocation in function.relocations.items():
                name = relocation.symbol.name
                if function.insns[index].code != CALL or self._externs.get(name) != 0:
                    continue
                extern = self._obj.extern(relocation)
                if extern is not None and extern.weak:
                    reason = "not in this kernel, or with another prototype; the call is reached"
                    refused.setdefault(function, {})[index] = Refused("kfunc", name, reason)

    def _follow(self, refused: Mapping[Function, Mapping[int, Refused]]) -> None:
        obj, budget = self._obj, Budget()
        guards: dict[Function, dict[int, Guard]] = {}
        for function in obj.functions:
            found = guards_of(obj, function)
            # The instructions hold what CO-RE answers.
            guards[function] = {at: item for at, item in found.items() if at not in function.relos}
        told: set[tuple[Function, int]] = set()
        known = _KNOWN.setdefault(obj, {})
        if len(known) > _MAX_KNOWN:
            known.clear()
        externs = frozenset(self._externs.items())
        patched = {item: _patched(item, refused.get(item, {})) for item in obj.functions}
        load = Rodata(obj).read if self._constants else lambda address, size: None
        for program in self._programs:
            closure = closure_of(obj, program)
            if not any(item in refused for item in closure):
                continue
            # Kernels of one series mostly have the same offsets, so that the answer is the same.
            key = program, externs, tuple(patched[item] for item in closure)
            seen = known.get(key)
            if seen is None:
                seen = doom(obj, program, refused, self._answer, guards, budget, load)
                if budget.left > 0:
                    known[key] = seen
            for function, index in seen.maybe:
                if (function, index) in told and not seen.surely:
                    continue
                told.add((function, index))
                what = refused[function][index]
                sure = seen.surely and what.name not in self._elsewhere
                self._lack(program, function, index, what, sure)

    @property
    def _constants(self) -> bool:
        """Whether the verifier takes what is in read-only maps for constants."""
        major, minor = release_key(CONST_MAPS)
        return self._externs.get("LINUX_KERNEL_VERSION", 0) >= (major << 16 | minor << 8)

    def _answer(self, guard: Guard) -> int | None:
        if guard.kind == "kconfig" and not self._constants:
            return None
        return self._externs.get(guard.name) if guard.kind in ("extern", "kconfig") else None

    def _lack(
        self, program: Function, function: Function, index: int, what: Refused, certain: bool
    ) -> None:
        reason = what.reason
        if not certain:
            reason += "; whether the program gets there, this analysis cannot tell"
        item = Unknown(
            what.kind,
            what.name,
            reason,
            program=program.name,
            function=function.name,
            insn=index,
            source=self._line(function, index),
        )
        self.lacks.append(TooNew(item, certain, reason))

    def _line(self, function: Function, index: int) -> str | None:
        line = self._obj.line(function, index)
        return None if line is None else f"{line.file}:{line.line}"


def _patched(function: Function, refused: Mapping[int, Refused]) -> Hashable:
    """Return all that kernels differ in of a function: what they put there, and what they refuse.

    A relocation changes one instruction, or one and the second half of it.
    """
    insns = function.insns
    return function, tuple(refused), *(tuple(insns[at : at + 2]) for at in function.relos)


def _kind(relo: CoreRelo) -> str:
    if 0 <= relo.kind < len(RelocationKind):
        return RelocationKind(relo.kind).name.lower()
    return str(relo.kind)
