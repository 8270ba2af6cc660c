"""Which kernel an object needs: object and timeline to requirements.

Each requirement belongs to a program (also what its functions need) or to a map. It is optional
where the object does without it on kernels that lack it: see :mod:`helperhist.check.escapes`.
"""

from collections.abc import Iterator

from helperhist.binary import CONTEXTS, BpfObject, Function, ProgramKind
from helperhist.check.collect import Collector
from helperhist.check.escapes import ALWAYS, NEVER, Conditions, is_required
from helperhist.check.guards import Guard, guards_of
from helperhist.check.maps import MapNeeds
from helperhist.check.needs import (
    Findings,
    ProgramFacts,
    Refusal,
    Requirement,
    Unknown,
    release_key,
)
from helperhist.check.pairs import find_pair
from helperhist.check.reach import Budget
from helperhist.check.refusals import find_refusals, refused_access, refused_type
from helperhist.check.rules import (
    GPL_ONLY,
    GPL_UNTIL,
    REWRITES,
    RULES,
    Rule,
    is_gpl,
)
from helperhist.check.shapes import Shapes
from helperhist.check.sites import Site, context_site, scan
from helperhist.dataset import kfunc
from helperhist.errors import ParseError
from helperhist.timeline import Row, Timeline

__all__ = ["Checker"]

#: Instructions of all programs, those of shared functions counted for each.
_MAX_SIZE = 10_000_000
#: Call of a helper that libbpf and bpftool put in the place of what cannot be relocated.
POISONED = 0xBAD2310
#: Targets that say that user space sets them.
_PLACEHOLDERS = ("", "XXX", "xxx")
#: Program types of which 5.10 knows sleepable ones.
_SLEEPABLE = ("BPF_TRACE_FENTRY", "BPF_TRACE_FEXIT", "BPF_MODIFY_RETURN", "BPF_LSM_MAC")


class Checker:
    """Checks objects against one timeline."""

    def __init__(self, timeline: Timeline) -> None:
        """Index the timeline once for all objects."""
        self.timeline = timeline
        self.rows = {row.name: row for row in timeline.rows}
        self.helpers: dict[int, Row] = {}
        self.map_types: dict[int, Row] = {}
        for row in timeline.rows:
            if row.id is None:
                continue
            if row.kind == "helper" and (row.id not in self.helpers or row.removed is None):
                self.helpers[row.id] = row
            elif row.kind == "map_type" and row.since is not None:
                # A type that was renamed has two rows; the older one tells since when it works.
                known = self.map_types.get(row.id)
                if known is None or release_key(row.since) < release_key(known.since or row.since):
                    self.map_types[row.id] = row

    def since(self, name: str) -> str | None:
        """Return the release of a name in the timeline."""
        row = self.rows.get(name)
        return None if row is None else row.since

    def check(self, obj: BpfObject) -> Findings:
        """Return what an object needs."""
        return _Check(self, obj).findings()


class _Check:
    """One object."""

    def __init__(self, checker: Checker, obj: BpfObject) -> None:
        self.checker, self.obj = checker, obj
        self.requirements: list[Requirement] = []
        self.unknown: list[Unknown] = []
        self.notes: list[str] = []
        self.refused = list(find_refusals(obj))
        self.bounded: set[str] = set()
        self._sites: dict[Function, list[Site]] = {}
        self._guards: dict[Function, dict[int, Guard]] = {}
        self._shapes = Shapes(obj)
        self._budget = Budget()
        self._size = 0

    def findings(self) -> Findings:
        programs = [item for item in self.obj.functions if item.program]
        for program in programs:
            self._program(program)
        maps = MapNeeds(self.obj, self.checker.rows, self.checker.map_types)
        for item in self.obj.maps:
            maps.add(item, item.name, not item.autocreate)
        maps.add_data()
        self.requirements += maps.requirements
        self.unknown += maps.unknowns
        self._add_notes()
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
                for row in [self.checker.rows.get(item.uapi or item.name)]
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
            answered = self.obj.loader != "raw"
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

    # Programs

    def _program(self, program: Function) -> None:
        closure = self._closure(program)
        checker = self.checker
        collect = Collector(self.obj, checker.rows, program)
        self._program_type(program, collect)
        self._size += sum(1 + len(function.insns) for function in closure)
        if self._size > _MAX_SIZE:
            raise ParseError(f"its programs have more than {_MAX_SIZE} instructions")
        conditions = Conditions(
            self.obj,
            checker.timeline,
            checker.rows,
            program,
            closure,
            self.guards,
            self._budget,
        )
        for function in closure:
            for site in self.sites(function):
                self._site(collect, conditions, function, site)
        struct = CONTEXTS.get(program.kind.type) if program.kind else None
        for (function, index), access in sorted(
            conditions.everything.accesses.items(), key=lambda item: item[0][1]
        ):
            if access.immediate:
                rule = RULES["store to context"]
                escape, why = conditions.escape(function, index, rule.since)
                collect.add(
                    rule.kind, rule.name, rule.since, function, index, rule.source, escape, why
                )
            if struct is None:
                continue
            site_ = context_site(self.obj, function, index, struct, access.offset)
            if site_ is not None:
                self._site(collect, conditions, function, site_)
                self._access(collect, conditions, function, site_)
        self._shapes.add(collect, program, [(item, self.sites(item)) for item in closure])
        if conditions.exhausted:
            reason = "the program is too large to follow its checks and context"
            collect.unknown("program", program.name, reason, program)
        self.requirements += collect.requirements
        self.unknown += collect.unknowns

    def _program_type(self, program: Function, collect: Collector) -> None:
        kind = program.kind
        if kind is None:
            collect.unknown(
                "prog_type", program.section, "this section name says no program type", program
            )
            return
        collect.uapi("prog_type", f"BPF_PROG_TYPE_{kind.type}", program, f"SEC({program.section})")
        given = self.obj.license or ""
        if (kept := refused_type(program)) and kind.autoload and not is_gpl(given):
            self.refused.append(Refusal("license", None, program.name, kept, given))
        if kind.btf and kind.target in _PLACEHOLDERS and self.obj.loader != "raw":
            reason = "unless user space sets it, no kernel loads the program"
            collect.unknown("unset", "attach target", reason, program)
        if kind.attach:
            # What older kernels ignore, and what the loader leaves out for them, is optional.
            escape = ALWAYS if kind.need in ("sent", "optional") else NEVER
            stage = "attach" if kind.need == "attach" else "load"
            evidence = f"SEC({program.section})"
            if stage == "attach":
                evidence += "; older kernels load it, but cannot attach it"
            elif kind.need == "optional":
                evidence += "; left out for kernels that do not know it"
            elif kind.need == "sent":
                evidence += "; older kernels take no notice of it"
            collect.uapi("attach_type", kind.attach, program, evidence, escape, stage)
            if kind.need in ("load", "attach") or (
                kind.need == "sent" and self.obj.loader != "raw"
            ):
                collect.rule(RULES["expected attach type"], program, None)
        if kind.sleepable and kind.type != "SYSCALL":
            collect.rule(RULES["sleepable"], program, None)
            if kind.attach not in _SLEEPABLE:
                collect.unknown(
                    "sleepable",
                    program.section,
                    "the data has no release for sleepable ones",
                    program,
                )
        if kind.frags:
            collect.rule(RULES["frags"], program, None)
        if kind.btf and ":" in kind.target:
            collect.rule(RULES["module target"], program, None)

    def _site(
        self, collect: Collector, conditions: Conditions, function: Function, site: Site
    ) -> None:
        if site.kind == "rule":
            # Opcodes and pseudo sources are looked at even where the program never gets.
            collect.rule(RULES[site.name], function, site.at, weak=site.weak)
        elif site.kind == "helper":
            self._helper(collect, conditions, function, site)
        elif site.kind == "kfunc":
            self._kfunc(collect, conditions, function, site)
        elif site.kind == "field":
            since = self.checker.since(site.name)
            if since is not None:
                escape, why = conditions.escape(function, site.at, since)
                collect.add(
                    "field", site.name, since, function, site.at, "UAPI header", escape, why,
                    uapi=site.name,
                )  # fmt: skip
        else:
            self._unknown_site(collect, conditions, function, site)

    def _access(
        self, collect: Collector, conditions: Conditions, function: Function, site: Site
    ) -> None:
        """Note what no kernel lets the program read."""
        code = function.insns[site.at].code
        refused = refused_access(collect.program, site.name, code)
        if refused is None or not collect.autoload or site.at in function.relos:
            return
        if is_required(conditions.escape(function, site.at, None)[0]):
            self.refused.append(refused)

    def _unknown_site(
        self, collect: Collector, conditions: Conditions, function: Function, site: Site
    ) -> None:
        escape, why = NEVER, ""
        if site.reason == "field":
            escape, why = conditions.escape(function, site.at, None)
        # The data has all opcodes and fields of its releases; of the rest it cannot tell.
        newer = site.reason in ("instruction", "field")
        reason = "no release in the data has it" if newer else "what it means is not known"
        collect.unknown(site.reason, site.name, reason, function, site.at, newer, escape, why)

    def _pair(
        self, collect: Collector, conditions: Conditions, function: Function, site: Site, row: Row
    ) -> None:
        """Note that programs of this type may call a helper only later than there is one."""
        kind = collect.program.kind
        if kind is None:
            return
        pair = find_pair(self.checker.timeline.relations, row.name, kind.type, kind.attach)
        name = f"{row.name} in {kind.type} programs"
        if pair is None:
            return
        if pair.since is None:
            escape, why = conditions.escape(function, site.at, None)
            reason = "no release that was read lets this program type call it"
            collect.unknown("helper_use", name, reason, function, site.at, False, escape, why)
        elif release_key(pair.since) > max(self._born(row.name, kind)):
            escape, why = conditions.escape(function, site.at, pair.since)
            collect.add(
                "helper_use", name, pair.since, function, site.at,
                "get_func_proto of the program type", escape, why,
            )  # fmt: skip
            if pair.or_earlier:
                self.bounded.add(name)

    def _born(self, helper: str, kind: ProgramKind) -> Iterator[tuple[int, int]]:
        """Yield the releases of a helper, a program type and its attach type."""
        for name in (helper, f"BPF_PROG_TYPE_{kind.type}", kind.attach):
            since = self.checker.since(name)
            if since is not None:
                yield release_key(since)

    def _kfunc(
        self, collect: Collector, conditions: Conditions, function: Function, site: Site
    ) -> None:
        known = kfunc(site.name)
        since = None if known is None else known.since
        # The loader itself refuses an object whose strong extern the kernel lacks.
        escape, why = conditions.escape(function, site.at, since) if site.weak else (NEVER, "")
        given = self.obj.license or ""
        if not site.weak and collect.autoload and not is_gpl(given):
            # add_kfunc_call() looks at all calls, reached or not, since there are kfuncs.
            self.refused.append(Refusal("license", None, collect.program.name, site.name, given))
        if known is None:
            reason = "the data has no release for this kfunc"
            collect.unknown("kfunc", site.name, reason, function, site.at, escape=escape, why=why)
        else:
            evidence = f"ebpf-docs, kernel commit {known.commit[:12]}"
            if known.absent:
                evidence += f"; {known.absent} does not have it any more"
            collect.add("kfunc", site.name, known.since, function, site.at, evidence, escape, why)

    def _poisoned(
        self, collect: Collector, conditions: Conditions, function: Function, site: Site
    ) -> None:
        """Note an instruction whose CO-RE relocation failed, if the kernel may get to it."""
        reached = conditions.everything.insns.get(function, ())
        if site.at in reached or conditions.exhausted:
            reason = "its CO-RE relocation failed when the object was made"
            escape, why = conditions.escape(function, site.at, None)
            name = "poisoned instruction"
            collect.unknown("relocation", name, reason, function, site.at, escape=escape, why=why)

    def _helper(
        self, collect: Collector, conditions: Conditions, function: Function, site: Site
    ) -> None:
        number = int(site.name)
        if number == POISONED:
            self._poisoned(collect, conditions, function, site)
            return
        row = self.checker.helpers.get(number)
        since = None if row is None else row.since
        escape, why = conditions.escape(function, site.at, since)
        if row is None or since is None:
            name = f"helper {number}" if row is None else row.name
            reason = "no release in the data has it"
            collect.unknown("helper", name, reason, function, site.at, True, escape, why, number)
            return
        evidence = f"helper {number}"
        instead = REWRITES.get(row.name) if self.obj.loader != "raw" else None
        if instead is not None and (old := self.checker.since(instead)) is not None:
            rewritten = f"; {self.obj.loader} replaces it by {instead} where it is missing"
            collect.add(
                "helper", row.name, since, function, site.at, evidence, ALWAYS, rewritten,
                uapi=row.name, number=number,
            )  # fmt: skip
            escape, why = conditions.escape(function, site.at, old)
            evidence = f"for {row.name} on kernels without it"
            collect.add(
                "helper", instead, old, function, site.at, evidence, escape, why,
                uapi=instead, number=self.checker.rows[instead].id,
            )  # fmt: skip
        else:
            collect.add(
                "helper", row.name, since, function, site.at, evidence, escape, why,
                uapi=row.name, number=number,
            )  # fmt: skip
            self._pair(collect, conditions, function, site, row)
        if is_gpl(self.obj.license or "") or not is_required(escape):
            return
        # bpf_get_stackid_proto_pe, that of perf_event programs, is for all licenses.
        program = collect.program
        perf = program.kind is not None and program.kind.type == "PERF_EVENT"
        free = perf and row.name == "bpf_get_stackid"
        if row.name in GPL_ONLY and collect.autoload and not free:
            given = self.obj.license or ""
            self.refused.append(Refusal("license", None, collect.program.name, row.name, given))
        elif row.name in GPL_UNTIL:
            rule = Rule("license", f"{row.name} without a GPL-compatible license",
                        GPL_UNTIL[row.name], source="gpl_only of its bpf_func_proto")  # fmt: skip
            collect.rule(rule, function, site.at)

    def _add_notes(self) -> None:
        if not any(function.program for function in self.obj.functions):
            self.notes.append("the object has no programs")
        if any(function.kind and function.kind.btf for function in self.obj.functions):
            self.notes.append("fentry, lsm and the like: the kernel needs CONFIG_DEBUG_INFO_BTF")
        if any(function.relos for function in self.obj.functions):
            self.notes.append(
                "CO-RE: the loader needs BTF of the target kernel (CONFIG_DEBUG_INFO_BTF)"
            )
