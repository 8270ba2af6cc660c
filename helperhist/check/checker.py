"""Which kernel an object needs: object and timeline to requirements.

Each requirement belongs to a program (also what its functions need) or to a map. It is optional
where the object does without it on kernels that lack it: see :mod:`helperhist.check.escapes`.
"""

from helperhist.binary import CONTEXTS, BpfObject, Function
from helperhist.check.calls import Calls
from helperhist.check.collect import Collector
from helperhist.check.endings import add_result, shared_arrays
from helperhist.check.escapes import Conditions
from helperhist.check.guards import Guard, guards_of
from helperhist.check.lives import Life
from helperhist.check.maps import MapNeeds
from helperhist.check.names import Names
from helperhist.check.needs import Findings, ProgramFacts, Refusal, Requirement, Unknown
from helperhist.check.progtypes import add_program_type
from helperhist.check.reach import Budget
from helperhist.check.refusals import find_refusals, refused_access
from helperhist.check.rodata import Rodata
from helperhist.check.rules import RULES
from helperhist.check.shapes import Shapes
from helperhist.check.sites import Site, context_site, scan
from helperhist.check.structops import places_of
from helperhist.check.ways import ALWAYS, Way
from helperhist.errors import ParseError
from helperhist.timeline import Timeline

__all__ = ["Checker"]

#: Instructions of all programs, those of shared functions counted for each.
_MAX_SIZE = 10_000_000
_WEAK = Way(ALWAYS, ("weak",))


class Checker:
    """Checks objects against one timeline."""

    def __init__(self, timeline: Timeline) -> None:
        """Index the timeline once for all objects."""
        self.timeline = timeline
        self.names = Names(timeline)

    def check(self, obj: BpfObject) -> Findings:
        """Return what an object needs."""
        return _Check(self.names, obj).findings()


class _Check:
    """One object."""

    def __init__(self, names: Names, obj: BpfObject) -> None:
        self.names, self.obj = names, obj
        self.requirements: list[Requirement] = []
        self.unknown: list[Unknown] = []
        self.notes: list[str] = []
        self.refused = list(find_refusals(obj))
        self.bounded: set[str] = set()
        self._sites: dict[Function, list[Site]] = {}
        self._guards: dict[Function, dict[int, Guard]] = {}
        self._shapes = Shapes(obj)
        self._budget = Budget()
        self._rodata = Rodata(obj)
        self._places = places_of(obj)
        self._closures: dict[Function, tuple[Function, ...]] = {}
        self._size = 0

    def findings(self) -> Findings:
        programs = [item for item in self.obj.functions if item.program]
        for program in programs:
            self._program(program)
        for item in shared_arrays(self.obj, self.names.lives, self._closures):
            if isinstance(item, Refusal):
                self.refused.append(item)
            else:
                self.requirements.append(item)
        maps = MapNeeds(self.obj, self.names)
        for map_ in self.obj.maps:
            maps.add(map_, map_.name, not map_.autocreate)
        maps.add_data()
        self.requirements += maps.requirements
        self.unknown += maps.unknowns
        if self.obj.choice.because:
            self.unknown.append(_not_libbpf(self.obj))
        self._add_notes()
        rows = self.names.lives.rows
        return Findings(
            self.obj.loader,
            self.obj.license,
            tuple(
                ProgramFacts(
                    item.name,
                    item.section,
                    f"BPF_PROG_TYPE_{item.kind.type}" if item.kind else None,
                    (item.kind.attach or None) if item.kind else None,
                    item.kind.autoload if item.kind else not item.section.startswith("?"),
                    sum(len(function.insns) for function in self._closure(item)),
                )
                for item in programs
            ),
            self.obj.maps,
            tuple(self.requirements),
            tuple(self.unknown),
            tuple(dict.fromkeys(self.notes)),
            frozenset(
                item.name
                for item in self.requirements
                for row in [rows.get(item.uapi or item.name)]
                if row is not None and row.or_earlier
            )
            | self.bounded,
            tuple(dict.fromkeys(self.refused)),
        )

    def sites(self, function: Function) -> list[Site]:
        if function not in self._sites:
            self._sites[function] = scan(self.obj, function)
        return self._sites[function]

    def guards(self, function: Function) -> dict[int, Guard]:
        if function not in self._guards:
            # Without a loader that knows of them, nobody answers the checks.
            answered = self.obj.relocates
            self._guards[function] = guards_of(self.obj, function) if answered else {}
        return self._guards[function]

    def _closure(self, program: Function) -> tuple[Function, ...]:
        found = {program: None}
        todo = [program]
        while todo:
            for site in self.sites(todo.pop()):
                if site.callee is not None and site.callee not in found:
                    found[site.callee] = None
                    todo.append(site.callee)
        return tuple(found)

    def _program(self, program: Function) -> None:
        closure = self._closure(program)
        collect = Collector(self.obj, self.names.lives, program)
        self.refused += add_program_type(self.obj, program, collect)
        self._size += sum(1 + len(function.insns) for function in closure)
        if self._size > _MAX_SIZE:
            raise ParseError(f"its programs have more than {_MAX_SIZE} instructions")
        conditions = Conditions(
            self.obj, self.names.lives, program, closure, self.guards, self._budget, self._rodata
        )
        places = self._places.get(program.name, frozenset())
        calls = Calls(self.obj, self.names, collect, conditions, places)
        for function in closure:
            for site in self.sites(function):
                self._site(collect, conditions, calls, function, site)
        self._context(collect, conditions)
        add_result(collect, self.names.lives, conditions)
        if collect.autoload:
            self._closures[program] = closure
        self._shapes.add(collect, program, [(item, self.sites(item)) for item in closure])
        if conditions.exhausted:
            reason = "the program is too large to follow its checks and context"
            collect.unknown("program", program.name, reason, program)
        self.refused += calls.refused
        self.requirements += collect.requirements
        self.unknown += collect.unknowns
        self.bounded |= collect.bounded

    def _context(self, collect: Collector, conditions: Conditions) -> None:
        """Note what a program reads and writes of its context."""
        kind = collect.program.kind
        struct = CONTEXTS.get(kind.type) if kind else None
        for (function, index), access in sorted(
            conditions.everything.accesses.items(), key=lambda item: item[0][1]
        ):
            if access.immediate:
                rule = RULES["store to context"]
                way = conditions.way(function, index, Life.of(rule.since))
                collect.rule(rule, function, index, way=way)
            if struct is None:
                continue
            site = context_site(self.obj, function, index, struct, access.offset)
            if site is None:
                continue
            if site.kind == "field":
                self._field(collect, conditions, function, site)
            else:
                self._unknown_site(collect, conditions, function, site)
            self._access(collect, conditions, function, site)

    def _site(
        self,
        collect: Collector,
        conditions: Conditions,
        calls: Calls,
        function: Function,
        site: Site,
    ) -> None:
        if site.kind == "rule":
            # Opcodes and pseudo sources are looked at even where the program never gets.
            way = _WEAK if site.weak else None
            collect.rule(RULES[site.name], function, site.at, way=way)
        elif site.kind == "helper":
            calls.helper(function, site)
        elif site.kind == "kfunc":
            calls.kfunc(function, site)
        else:
            self._unknown_site(collect, conditions, function, site)

    def _field(
        self, collect: Collector, conditions: Conditions, function: Function, site: Site
    ) -> None:
        since = self.names.lives.since(site.name)
        if since is not None:
            life = Life.of(since)
            way = conditions.way(function, site.at, life)
            collect.add(
                "field", site.name, life, function, site.at, "UAPI header", way, uapi=site.name
            )

    def _access(
        self, collect: Collector, conditions: Conditions, function: Function, site: Site
    ) -> None:
        """Note what no kernel lets the program read."""
        code = function.insns[site.at].code
        refused = refused_access(collect.program, site.name, code)
        if refused is None or not collect.autoload or site.at in function.relos:
            return
        if conditions.way(function, site.at, Life.of(None)).escape.required:
            self.refused.append(refused)

    def _unknown_site(
        self, collect: Collector, conditions: Conditions, function: Function, site: Site
    ) -> None:
        way = None
        if site.reason == "field":
            way = conditions.way(function, site.at, Life.of(None))
        # The data has all opcodes and fields of its releases; of the rest it cannot tell.
        newer = site.reason in ("instruction", "field")
        reason = "no release in the data has it" if newer else "what it means is not known"
        collect.unknown(site.reason, site.name, reason, function, site.at, newer, way)

    def _add_notes(self) -> None:
        if not any(function.program for function in self.obj.functions):
            self.notes.append("the object has no programs")
        if any(function.kind and function.kind.btf for function in self.obj.functions):
            self.notes.append("fentry, lsm and the like: the kernel needs CONFIG_DEBUG_INFO_BTF")
        if any(function.relos for function in self.obj.functions):
            self.notes.append(
                "CO-RE: the loader needs BTF of the target kernel (CONFIG_DEBUG_INFO_BTF)"
            )


def _not_libbpf(obj: BpfObject) -> Unknown:
    """Return that another loader than libbpf was chosen: who else loads the object is not known."""
    sections = ", ".join(obj.choice.because)
    reason = f"from 1.0 on it does not take {sections}; --loader {obj.loader} asks for that alone"
    return Unknown("loader", "libbpf", reason)
