"""Collects the requirements of one program."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from helperhist.binary import BpfObject, Function
from helperhist.check.escapes import (
    ALWAYS,
    NEVER,
    Escape,
    is_required,
    together,
    way_around,
)
from helperhist.check.needs import Requirement, Unknown
from helperhist.check.rules import Rule
from helperhist.timeline import Row

__all__ = ["Collector"]


@dataclass(slots=True)
class _Need:
    """A name with all instructions that need it: optional if one escape serves all of them."""

    item: Requirement
    escape: Escape
    why: str
    strict: bool
    count: int = 1


@dataclass(slots=True)
class _Question:
    """The same of something unknown."""

    item: Unknown
    escape: Escape
    why: str


class Collector:
    """Requirements of one program: one for each name, with the first instruction that has it."""

    def __init__(self, obj: BpfObject, rows: Mapping[str, Row], program: Function) -> None:
        """Begin with nothing.

        :param rows: the timeline by name
        """
        self._obj, self._rows, self._program = obj, rows, program
        kind = program.kind
        self._autoload = kind.autoload if kind else not program.section.startswith("?")
        self._found: dict[tuple[str, str], _Need] = {}
        self._unknown: dict[tuple[str, str], _Question] = {}

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
        since: str,
        function: Function,
        index: int | None,
        evidence: str,
        escape: Escape = NEVER,
        why: str = "",
        stage: str = "load",
        uapi: str = "",
        number: int | None = None,
    ) -> None:
        """Note that an instruction needs something; the first one that cannot escape is shown.

        :param escape: how the program gets around it on kernels without it
        :param why: the same in words
        """
        known = self._found.get((kind, name))
        if known is not None:
            known.count += 1
            known.escape = together(known.escape, escape)
            if known.strict or not is_required(escape):
                return
        item = Requirement(
            kind,
            name,
            since,
            False,
            self._program.name,
            None,
            function.name,
            index,
            1,
            self._source(function, index),
            stage,
            evidence,
            uapi,
            number,
        )
        count = 1 if known is None else known.count
        escape = escape if known is None else known.escape
        self._found[kind, name] = _Need(item, escape, why, is_required(escape), count)

    def uapi(
        self,
        kind: str,
        name: str,
        function: Function,
        evidence: str,
        escape: Escape = NEVER,
        stage: str = "load",
    ) -> None:
        """Note the need of a name of the UAPI header, with its release in the timeline."""
        since = self._since(name)
        if since is not None:
            self.add(kind, name, since, function, None, evidence, escape, "", stage, name)
        else:
            reason = "no release in the data has it"
            self.unknown(kind, name, reason, function, None, True, escape)

    def rule(
        self,
        rule: Rule,
        function: Function,
        index: int | None,
        detail: str = "",
        weak: bool = False,
    ) -> None:
        """Note the need that a rule states."""
        since = rule.since or (self._since(rule.uapi) if rule.uapi else None)
        escape, why = (ALWAYS, "; a weak extern") if weak else (NEVER, "")
        if since is None:
            reason = "the data has no release for it"
            self.unknown(rule.kind, rule.name, reason, function, index, False, escape, why)
            return
        source = f"UAPI header, {rule.uapi}" if rule.uapi else rule.source
        source += f"; {rule.note}" if rule.note else ""
        self.add(
            rule.kind, rule.name, since, function, index, detail + source, escape, why,
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
        escape: Escape = NEVER,
        why: str = "",
        number: int | None = None,
    ) -> None:
        """Note something whose release is not known."""
        known = self._unknown.get((kind, name))
        if known is not None:
            known.escape = together(known.escape, escape)
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
        )
        self._unknown[kind, name] = _Question(item, escape, why)

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """What was found."""
        found = []
        for need in self._found.values():
            needed = is_required(need.escape)
            evidence = need.item.evidence + ("" if needed else need.why)
            if not self._autoload:
                evidence += "; the program is not loaded by default"
            optional = not needed or not self._autoload
            count = need.count
            found.append(replace(need.item, optional=optional, evidence=evidence, count=count))
            since = way_around(need.escape)
            if since is not None:
                found.append(self._way_around(need.item, since, need.why))
        return tuple(found)

    def _way_around(self, item: Requirement, since: str, why: str) -> Requirement:
        """Return what makes it optional: older kernels get to what they do not have."""
        return replace(
            item,
            kind="check",
            name=f"way around {item.name}",
            since=since,
            optional=not self._autoload,
            count=1,
            evidence=f"older kernels get to {item.name} ({item.since}){why}",
            uapi="",
            id=None,
        )

    @property
    def unknowns(self) -> tuple[Unknown, ...]:
        """What was found and is not known."""
        found = []
        for question in self._unknown.values():
            needed = is_required(question.escape)
            reason = question.item.reason + ("" if needed else question.why)
            optional = not needed or not self._autoload
            found.append(replace(question.item, optional=optional, reason=reason))
        return tuple(found)

    def _since(self, name: str) -> str | None:
        row = self._rows.get(name)
        return None if row is None else row.since

    def _source(self, function: Function, index: int | None) -> str | None:
        line = self._obj.line(function, index or 0)
        return None if line is None else f"{line.file}:{line.line}"
