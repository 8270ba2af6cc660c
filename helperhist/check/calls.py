"""What the calls of a program need: helpers and kfuncs, for its type and under its license."""

from collections.abc import Iterator

from helperhist.binary import BpfObject, Function
from helperhist.check.collect import Collector
from helperhist.check.escapes import Conditions
from helperhist.check.licenses import kept_for_gpl
from helperhist.check.lives import FOREVER, Life
from helperhist.check.names import Names
from helperhist.check.needs import Moment, Refusal, release_key
from helperhist.check.pairs import Caller
from helperhist.check.rules import REWRITES, Rule, is_gpl
from helperhist.check.sites import Site
from helperhist.check.ways import ALWAYS, Way, never
from helperhist.timeline import Row

__all__ = ["Calls"]

#: Call of a helper that libbpf and bpftool put in the place of what cannot be relocated.
POISONED = 0xBAD2310
_START: Moment = (0, 0)
_NOT_LISTED = "no release that was read lets this program type call it"


class Calls:
    """Looks at the calls of one program."""

    def __init__(
        self,
        obj: BpfObject,
        names: Names,
        collect: Collector,
        conditions: Conditions,
        places: frozenset[tuple[str, str]],
    ) -> None:
        """Begin with nothing.

        :param places: operations struct and member that the program is for
        """
        self._obj, self._names, self._collect = obj, names, collect
        self._conditions = conditions
        self._caller: Caller | None = None
        if (kind := collect.program.kind) is not None:
            sleepable = kind.sleepable or kind.type == "SYSCALL"
            self._caller = Caller(kind.type, kind.attach, sleepable, places)
        self._gpl = is_gpl(obj.license or "")
        self.refused: list[Refusal] = []

    def helper(self, function: Function, site: Site) -> None:
        """Note what the call of a helper needs."""
        number = int(site.name)
        if number == POISONED:
            self._poisoned(function, site)
            return
        collect = self._collect
        row = self._names.helpers.get(number)
        since = None if row is None else row.since
        way = self._conditions.way(function, site.at, Life.of(since))
        if row is None or since is None:
            name = f"helper {number}" if row is None else row.name
            reason = "no release in the data has it"
            collect.unknown("helper", name, reason, function, site.at, True, way, number)
            return
        basis = f"helper {number}"
        instead = REWRITES.get(row.name) if self._obj.relocates else None
        if instead is not None and (old := self._names.lives.since(instead)) is not None:
            collect.add(
                "helper", row.name, Life.of(since), function, site.at, basis,
                Way(ALWAYS, ("rewritten",)), uapi=row.name, number=number, other=instead,
            )  # fmt: skip
            way = self._conditions.way(function, site.at, Life.of(old))
            collect.add(
                "helper", instead, Life.of(old), function, site.at, "", way,
                uapi=instead, number=self._names.lives.rows[instead].id,
                causes=("replaces",), other=row.name,
            )  # fmt: skip
        else:
            collect.add(
                "helper", row.name, Life.of(since), function, site.at, basis, way,
                uapi=row.name, number=number,
            )  # fmt: skip
            self._pair("helper_use", row.name, function, site, self._born(row.name))
        if not self._gpl and way.escape.required:
            self._licensed(row, function, site)

    def _licensed(self, row: Row, function: Function, site: Site) -> None:
        program, given = self._collect.program, self._obj.license or ""
        prog_type = "" if self._caller is None else self._caller.type
        kept = kept_for_gpl(self._names.relations, row.name, prog_type)
        if kept is not None and kept.until is not None:
            rule = Rule("license", f"{row.name} without a GPL-compatible license",
                        kept.until, source="gpl_only of its bpf_func_proto")  # fmt: skip
            self._collect.rule(rule, function, site.at)
        elif kept is not None and self._collect.autoload:
            self.refused.append(Refusal("license", None, program.name, row.name, given))

    def kfunc(self, function: Function, site: Site) -> None:
        """Note what the call of a kfunc needs."""
        collect = self._collect
        life = self._names.lives.kfunc(site.name)
        # The loader itself refuses an object whose strong extern the kernel lacks.
        way = self._conditions.way(function, site.at, life or Life.of(None))
        if not site.weak:
            way = never(life or Life.of(None))
        if not site.weak and collect.autoload and not self._gpl:
            # add_kfunc_call() looks at all calls, reached or not, since there are kfuncs.
            given = self._obj.license or ""
            self.refused.append(Refusal("license", None, collect.program.name, site.name, given))
        if site.weak and life is not None and collect.autoload and not self._gpl:
            self._weak_license(function, site, life)
        if life is None:
            reason = "the data has no release for this kfunc"
            collect.unknown("kfunc", site.name, reason, function, site.at, way=way)
            return
        collect.add("kfunc", site.name, life, function, site.at, "kfunc lists of the kernel", way)
        name = site.name.split("___")[0]
        self._pair("kfunc_use", name, function, site, [life.start])

    def _weak_license(self, function: Function, site: Site, life: Life) -> None:
        """Note that the kernels that have a kfunc refuse it under another license."""
        lives = self._names.lives
        since = self._caller and lives.since(f"BPF_PROG_TYPE_{self._caller.type}")
        if not since or release_key(since) >= life.start:
            return
        there = ((_START, release_key(since)), (life.start, FOREVER))
        taken = Life(since, until=life.since, seen=life.absent, gaps=there)
        name = f"{site.name} without a GPL-compatible license"
        self._collect.add(
            "license", name, taken, function, site.at, "add_kfunc_call() in kernel/bpf/verifier.c"
        )

    def _pair(
        self, kind: str, name: str, function: Function, site: Site, born: list[Moment]
    ) -> None:
        """Note that this program may call something only later than there is one."""
        caller = self._caller
        if caller is None:
            return
        pairs = self._names.pairs
        life = pairs.find(kind, name, caller)
        if life is None:
            return
        shown = f"{name} in {caller.type} programs"
        if not life.since:
            way = self._conditions.way(function, site.at, life)
            newest = pairs.newest(kind)
            self._collect.unknown(
                kind, shown, _NOT_LISTED, function, site.at, False, way, known_to=newest
            )
        elif life.start > max([*born, *self._type_born()]):
            way = self._conditions.way(function, site.at, life)
            basis = "get_func_proto of the program type"
            if kind == "kfunc_use":
                basis = "register_btf_kfunc_id_set of the program type"
            self._collect.add(kind, shown, life, function, site.at, basis, way)

    def _born(self, helper: str) -> list[Moment]:
        since = self._names.lives.since(helper)
        return [] if since is None else [release_key(since)]

    def _type_born(self) -> Iterator[Moment]:
        """Yield the releases of the program's type and its attach type."""
        if self._caller is not None:
            for name in (f"BPF_PROG_TYPE_{self._caller.type}", self._caller.attach):
                since = self._names.lives.since(name)
                if since is not None:
                    yield release_key(since)

    def _poisoned(self, function: Function, site: Site) -> None:
        """Note an instruction whose CO-RE relocation failed, if the kernel may get to it."""
        conditions = self._conditions
        reached = conditions.everything.insns.get(function, ())
        if site.at in reached or conditions.exhausted:
            reason = "its CO-RE relocation failed when the object was made"
            way = conditions.way(function, site.at, Life.of(None))
            name = "poisoned instruction"
            self._collect.unknown("relocation", name, reason, function, site.at, way=way)
