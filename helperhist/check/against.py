"""An object against the BTF of one kernel: relocations, attach targets, and symbols."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from helperhist.binary import EXIT, BpfObject, CoreRelo, Function, Insn, Kind, Map
from helperhist.check.doom import closure_of, doom
from helperhist.check.guards import Guard, guards_of
from helperhist.check.needs import Unknown, release_key
from helperhist.check.reach import Budget
from helperhist.check.verdict import TooNew
from helperhist.dataset import kfunc
from helperhist.errors import ParseError
from helperhist.kernel import (
    POISON,
    AttachTargets,
    Ksym,
    Ksyms,
    RelocationKind,
    Resolution,
    Resolver,
    Target,
    find_struct_ops,
    patch,
)

__all__ = ["Against", "BtfJudge", "Relocated"]

_SECTIONS_OF_SYMBOLS = ".ksyms"
_STOP = Insn(EXIT, 0, 0, 0, POISON.imm)
_PROBES = ("kprobe/", "kretprobe/")


@dataclass(frozen=True, slots=True)
class Relocated:
    """What became of one relocation.

    :ivar kind: of the relocation, in the words of the kernel
    :ivar source: file and line of the instruction
    """

    function: str
    insn: int
    source: str | None
    kind: str
    resolution: Resolution


@dataclass(frozen=True, slots=True)
class Against:
    """The answer of one kernel's BTF about one object.

    :ivar lacks: what it lacks, or may lack
    :ivar settled: kfuncs of which it is the judge
    :ivar relocations: in the order of the file
    :ivar remarks: for people; they do not count
    """

    lacks: tuple[TooNew, ...] = ()
    settled: frozenset[str] = frozenset()
    relocations: tuple[Relocated, ...] = ()
    remarks: tuple[str, ...] = ()

    def merged(self, lacks: tuple[TooNew, ...]) -> tuple[TooNew, ...]:
        """Return the whole verdict.

        :param lacks: what the kernel lacks by its names alone
        """
        kept = (
            item
            for item in lacks
            if item.item.kind != "kfunc" or item.item.name not in self.settled
        )
        return (*kept, *self.lacks)


class BtfJudge:
    """Judges objects by one kernel, whose BTF is read once."""

    def __init__(self, target: Target, release: str | None) -> None:
        """Index the kernel.

        :param release: that it is most like, to tell kfuncs of modules from those to come
        """
        self._target, self._release = target, release
        self._attach = AttachTargets(target)

    def judge(self, obj: BpfObject) -> Against:
        """Return what the kernel lacks of what an object asks of its BTF.

        The object's instructions are changed as its loader changes them for this kernel.
        """
        return _Judge(obj, self._target, self._attach, self._release).answer()


class _Judge:
    """One object."""

    def __init__(
        self, obj: BpfObject, target: Target, attach: AttachTargets, release: str | None
    ) -> None:
        self._obj, self._target, self._attach = obj, target, attach
        self._release = release
        self._lacks: list[TooNew] = []
        self._symbols: dict[str, Ksym] = {}
        off = _left_out(obj)
        self._programs = [
            item
            for item in obj.functions
            if item.program and item.name not in off and (item.kind is None or item.kind.autoload)
        ]

    def answer(self) -> Against:
        remarks = []
        for program in self._programs:
            self._attached(program)
            if remark := self._probe(program):
                remarks.append(remark)
        for item in self._obj.maps:
            if item.struct_ops and item.autocreate:
                self._struct_ops(item)
        self._find_symbols()
        relocations = self._relocate() if self._obj.loader != "raw" else ()
        return Against(
            tuple(self._lacks),
            frozenset(self._symbols),
            relocations,
            tuple(dict.fromkeys(remarks)),
        )

    def _attached(self, program: Function) -> None:
        kind = program.kind
        if kind is None or not kind.btf or not kind.target:
            return
        found = self._attach.find(kind)
        if found.found is False:
            reason = found.reason + (f"; nearest: {found.nearest}" if found.nearest else "")
            self._lack("attach_target", found.name, f"{found.what} {reason}", True, program)

    def _probe(self, program: Function) -> str:
        kind = program.kind
        section = program.section.removeprefix("?")
        if kind is None or not section.startswith(_PROBES):
            return ""
        found = self._attach.function(kind.target.partition("+")[0])
        if found.found or not found.name or "*" in found.name:
            return ""
        near = f"; nearest: {found.nearest}" if found.nearest else ""
        return f"{section}: {found.name} is {found.reason}{near}; a kprobe may find it all the same"

    def _struct_ops(self, item: Map) -> None:
        obj = self._obj
        if obj.btf is None:
            return
        section = next(part for part in obj.elf.sections if part.index == item.section)
        for group in obj.btf.find(section.name, Kind.DATASEC):
            for member in obj.btf.type(group).members:
                variable = obj.btf.type(member.type)
                if variable.name != item.name:
                    continue
                try:
                    used = self._used(item, variable.type, section.data)
                    found = find_struct_ops(obj.btf, variable.type, used, self._target)
                except ParseError:
                    return
                for answer in found:
                    if not answer.found:
                        near = f"; nearest: {answer.nearest}" if answer.nearest else ""
                        self._lack(
                            "struct_ops", answer.name, answer.reason + near, True, None, item.name
                        )

    def _used(self, item: Map, type_id: int, data: bytes) -> set[str]:
        """Return the members that the object sets."""
        btf = self._obj.btf
        assert btf is not None
        struct = btf.strip(type_id)
        places = [part.offset for part in self._obj.elf.relocations(item.section)]
        used = set()
        for member in struct.members:
            start = item.offset + member.value // 8
            end = start + (btf.size_of(member.type) or 0)
            if any(data[start:end]) or any(start <= place < end for place in places):
                used.add(member.name)
        return used

    # Symbols

    def _find_symbols(self) -> None:
        obj = self._obj
        if obj.btf is None or obj.loader == "raw":
            return
        symbols = Ksyms(obj.btf, self._target)
        weak = {item.name: item.bind == 2 for item in obj.elf.symbols_of(0)}
        for group in obj.btf.find(_SECTIONS_OF_SYMBOLS, Kind.DATASEC):
            for member in obj.btf.type(group).members:
                name = obj.btf.type(member.type).name
                if name not in weak:
                    continue
                try:
                    found = symbols.find(member.type, weak[name])
                except ParseError:
                    continue
                if found.found is None:
                    continue
                self._symbols[name] = found
                if not found.found and not found.weak:
                    self._missing(name, found)

    def _missing(self, name: str, found: Ksym) -> None:
        near = f"; nearest: {found.nearest}" if found.nearest else ""
        kind = "kfunc" if found.what == "kfunc" else "ksym"
        certain = bool(found.id) or kind == "ksym" or len(self._target.parts) > 1
        if not certain and (known := kfunc(name)) is not None and self._release is not None:
            # One that came later is in no module of this kernel.
            certain = release_key(known.since) > release_key(self._release)
        self._lack(kind, name, found.reason + near, certain, self._user(name))

    def _user(self, name: str) -> Function | None:
        for function in self._obj.functions:
            if any(item.symbol.name == name for item in function.relocations.values()):
                return function
        return None

    def _lack(
        self,
        kind: str,
        name: str,
        reason: str,
        certain: bool,
        program: Function | None,
        map_name: str | None = None,
    ) -> None:
        shown = None if program is None else program.name
        item = Unknown(kind, name, reason, program=shown, map=map_name, function=shown)
        self._lacks.append(TooNew(item, certain, reason))

    # Relocations

    def _relocate(self) -> tuple[Relocated, ...]:
        """Resolve the relocations, change the instructions, and judge what the verifier sees."""
        obj = self._obj
        if obj.btf is None:
            return ()
        resolver = Resolver(obj.btf, self._target)
        found: list[Relocated] = []
        refused: dict[Function, dict[int, Resolution]] = {}
        for function, index, relo in self._places():
            resolution = resolver.resolve(relo)
            patched = patch(function.insns, index, resolution)
            found.append(
                Relocated(
                    function.name, index, self._line(function, index), _kind(relo), resolution
                )
            )
            if patched.refused:
                # A loader gives up at the first one.
                if not any(item.item.kind == "core" for item in self._lacks):
                    self._core(function, function, index, patched.refused, True)
                continue
            function.insns[index : index + len(patched.insns)] = patched.insns
            if POISON in patched.insns:
                # The verifier gets no further.
                function.insns[index] = _STOP
                refused.setdefault(function, {})[index] = resolution
        if refused:
            self._follow(refused)
        return tuple(found)

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

    def _follow(self, refused: Mapping[Function, Mapping[int, Resolution]]) -> None:
        obj, budget = self._obj, Budget()
        guards: dict[Function, dict[int, Guard]] = {}
        for function in obj.functions:
            found = guards_of(obj, function)
            # The instructions hold what CO-RE answers.
            guards[function] = {at: item for at, item in found.items() if at not in function.relos}
        told: set[tuple[Function, int]] = set()
        for program in self._programs:
            if not any(item in refused for item in closure_of(obj, program)):
                continue
            seen = doom(obj, program, refused, self._answer, guards, budget)
            for function, index in seen.maybe:
                if (function, index) in told and not seen.surely:
                    continue
                told.add((function, index))
                resolution = refused[function][index]
                reason = resolution.reason or f"{resolution.spec}: of another size: no load fits"
                self._core(program, function, index, reason, seen.surely)

    def _answer(self, guard: Guard) -> int | None:
        known = self._symbols.get(guard.name) if guard.kind == "extern" else None
        return None if known is None else int(bool(known.found))

    def _core(
        self, program: Function, function: Function, index: int, reason: str, certain: bool
    ) -> None:
        name, _, rest = reason.partition(": ")
        if not certain:
            rest += "; whether the program gets there, this analysis cannot tell"
        item = Unknown(
            "core",
            name,
            rest,
            program=program.name,
            function=function.name,
            insn=index,
            source=self._line(function, index),
        )
        self._lacks.append(TooNew(item, certain, rest))

    def _line(self, function: Function, index: int) -> str | None:
        line = self._obj.line(function, index)
        return None if line is None else f"{line.file}:{line.line}"


def _kind(relo: CoreRelo) -> str:
    if 0 <= relo.kind < len(RelocationKind):
        return RelocationKind(relo.kind).name.lower()
    return str(relo.kind)


def _left_out(obj: BpfObject) -> set[str]:
    """Return the struct_ops programs that only maps refer to which are not created."""
    used: set[str] = set()
    unused: set[str] = set()
    for item in obj.maps:
        if not item.struct_ops or obj.btf is None:
            continue
        later = [
            other.offset
            for other in obj.maps
            if other.section == item.section and other.offset > item.offset
        ]
        end = min(later, default=1 << 62)
        names = used if item.autocreate else unused
        names.update(
            part.symbol.name
            for part in obj.elf.relocations(item.section)
            if item.offset <= part.offset < end
        )
    return unused - used
