"""Collects the requirements of one program."""

from dataclasses import dataclass, replace

from helperhist.binary import BpfObject, Function
from helperhist.check.lives import Life, Lives
from helperhist.check.needs import Requirement, Unknown
from helperhist.check.rules import Rule
from helperhist.check.ways import Way, never

__all__ = ["Collector"]


@dataclass(slots=True)
class _Need:
    """A name with all instructions that need it: optional if one way around serves all of them."""

    item: Requirement
    way: Way
    strict: bool
    count: int = 1


@dataclass(slots=True)
class _Question:
    """The same of something unknown."""

    item: Unknown
    way: Way


class Collector:
    """Requirements of one program: one for each name, with the first instruction that has it."""

    def __init__(self, obj: BpfObject, lives: Lives, program: Function) -> None:
        """Begin with nothing."""
        self._obj, self._lives, self._program = obj, lives, program
        kind = program.kind
        self._autoload = kind.autoload if kind else not program.section.startswith("?")
        self._found: dict[tuple[str, str], _Need] = {}
        self._unknown: dict[tuple[str, str], _Question] = {}
        #: Names of requirements that may be older than the data.
        self.bounded: set[str] = set()

    @property
    def program(self) -> Function:
        """The program whose needs they are."""
        return self._program

    @property
    def autoload(self) -> bool:
        """Whether the loader loads the program by default."""
        return self._autoload

    def add(
        self,
        kind: str,
        name: str,
        life: Life,
        function: Function,
        index: int | None,
        basis: str,
        way: Way | None = None,
        stage: str = "load",
        uapi: str = "",
        number: int | None = None,
        causes: tuple[str, ...] = (),
        other: str = "",
    ) -> None:
        """Note that an instruction needs something; the first one that cannot escape is shown.

        :param way: how the program gets around it on kernels without it; None if it cannot
        """
        way = way or never(life)
        after = self._lives.after(life.absent) if life.absent else ""
        if life.or_earlier:
            self.bounded.add(name)
        known = self._found.get((kind, name))
        if known is not None:
            known.count += 1
            known.way = known.way.and_(way)
            if known.strict or not way.escape.required:
                return
        item = Requirement(
            kind,
            name,
            life.since,
            False,
            self._program.name,
            None,
            function.name,
            index,
            1,
            self._source(function, index),
            stage,
            basis,
            uapi,
            number,
            earliest=after if after != life.since else "",
            until=life.until,
            last=life.seen,
            causes=causes,
            other=other,
        )
        count = 1 if known is None else known.count
        way_ = way if known is None else known.way
        self._found[kind, name] = _Need(item, way_, way.escape.required, count)

    def uapi(
        self,
        kind: str,
        name: str,
        function: Function,
        basis: str,
        way: Way | None = None,
        stage: str = "load",
        causes: tuple[str, ...] = (),
    ) -> None:
        """Note the need of a name of the UAPI header, with its release in the timeline."""
        since = self._lives.since(name)
        if since is not None:
            life = Life.of(since)
            self.add(kind, name, life, function, None, basis, way, stage, name, causes=causes)
        else:
            reason = "no release in the data has it"
            self.unknown(kind, name, reason, function, None, True, way)

    def rule(
        self,
        rule: Rule,
        function: Function,
        index: int | None,
        detail: str = "",
        way: Way | None = None,
    ) -> None:
        """Note the need that a rule states."""
        since = rule.since or (self._lives.since(rule.uapi) if rule.uapi else None)
        if since is None:
            reason = "the data has no release for it"
            self.unknown(rule.kind, rule.name, reason, function, index, False, way)
            return
        basis = f"UAPI header, {rule.uapi}" if rule.uapi else rule.source
        basis += f"; {rule.note}" if rule.note else ""
        self.add(
            rule.kind, rule.name, Life.of(since), function, index, detail + basis, way,
            uapi=rule.uapi,
        )  # fmt: skip

    def unknown(
        self,
        kind: str,
        name: str,
        reason: str,
        function: Function,
        index: int | None = None,
        newer: bool = False,
        way: Way | None = None,
        number: int | None = None,
        known_to: str = "",
    ) -> None:
        """Note something whose release is not known."""
        way = way or never(Life.of(None))
        known = self._unknown.get((kind, name))
        if known is not None:
            known.way = known.way.and_(way)
            return
        item = Unknown(
            kind,
            name,
            reason,
            newer,
            False,
            self._program.name,
            None,
            function.name,
            index,
            self._source(function, index),
            number,
            known_to=known_to,
        )
        self._unknown[kind, name] = _Question(item, way)

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """What was found."""
        found = []
        for need in self._found.values():
            way = need.way
            causes = (*need.item.causes, *(() if way.escape.required else way.causes))
            if not self._autoload:
                causes = (*causes, "not loaded")
            closes = way.escape.closes
            last = need.item.last if closes == need.item.until else ""
            item = replace(
                need.item,
                optional=not way.escape.required or not self._autoload,
                until=closes,
                misses=way.escape.misses,
                last=last or (self._lives.before(closes) if closes else ""),
                causes=tuple(dict.fromkeys(causes)),
                checks=() if way.escape.required else way.checks,
                switches=() if way.escape.required else way.switches,
                count=need.count,
            )
            found.append(item)
            if not way.escape.required and (way.escape.opens or closes):
                found.append(self._check(item, way.escape.opens))
        return tuple(found)

    def _check(self, item: Requirement, since: str) -> Requirement:
        """Return what makes it optional: other kernels get to what they do not have."""
        return replace(
            item,
            kind="check",
            since=since,
            optional=not self._autoload,
            count=1,
            uapi="",
            id=None,
            earliest="",
            other=item.since,
        )

    @property
    def unknowns(self) -> tuple[Unknown, ...]:
        """What was found and is not known."""
        found = []
        for question in self._unknown.values():
            way = question.way
            needed = way.escape.required
            found.append(
                replace(
                    question.item,
                    optional=not needed or not self._autoload,
                    misses=way.escape.misses,
                    checks=() if needed else way.checks,
                    switches=() if needed else way.switches,
                )
            )
        return tuple(found)

    def _source(self, function: Function, index: int | None) -> str | None:
        line = self._obj.line(function, index or 0)
        return None if line is None else f"{line.file}:{line.line}"
