"""Collects the requirements of one program."""

from collections.abc import Mapping
from dataclasses import replace

from helperhist.bpfobj import BpfObject, Function
from helperhist.findings import Requirement, Unknown
from helperhist.requirements import Rule
from helperhist.timeline import Row

__all__ = ["Collector"]


class Collector:
    """Requirements of one program: one for each name, with the first instruction that has it."""

    def __init__(self, obj: BpfObject, rows: Mapping[str, Row], program: Function) -> None:
        """Begin with nothing.

        :param rows: the timeline by name
        """
        self._obj, self._rows, self._program = obj, rows, program
        kind = program.kind
        self._autoload = kind.autoload if kind else not program.section.startswith("?")
        self._found: dict[tuple[str, str, bool], Requirement] = {}
        self._unknown: dict[tuple[str, str, bool], Unknown] = {}

    def add(
        self,
        kind: str,
        name: str,
        since: str,
        function: Function,
        index: int | None,
        evidence: str,
        optional: bool = False,
        stage: str = "load",
        uapi: str = "",
        number: int | None = None,
    ) -> None:
        """Note that an instruction needs something; the first one counts."""
        if not self._autoload:
            optional, evidence = True, f"{evidence}; the program is not loaded by default"
        key = (kind, name, optional)
        known = self._found.get(key)
        if known is not None:
            self._found[key] = replace(known, count=known.count + 1)
            return
        self._found[key] = Requirement(
            kind,
            name,
            since,
            optional,
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

    def uapi(
        self,
        kind: str,
        name: str,
        function: Function,
        evidence: str,
        optional: bool = False,
        stage: str = "load",
    ) -> None:
        """Note the need of a name of the UAPI header, with its release in the timeline."""
        since = self._since(name)
        if since is not None:
            self.add(kind, name, since, function, None, evidence, optional, stage, name)
        else:
            self.unknown(
                kind, name, "no release in the data has it", function, None, True, optional
            )

    def rule(
        self,
        rule: Rule,
        function: Function,
        index: int | None,
        detail: str = "",
        optional: bool = False,
    ) -> None:
        """Note the need that a rule states."""
        since = rule.since or (self._since(rule.uapi) if rule.uapi else None)
        if since is None:
            reason = "the data has no release for it"
            self.unknown(rule.kind, rule.name, reason, function, index, False, optional)
            return
        source = f"UAPI header, {rule.uapi}" if rule.uapi else rule.source
        if optional:
            source += "; a weak extern"
        evidence = detail + source
        self.add(rule.kind, rule.name, since, function, index, evidence, optional, uapi=rule.uapi)

    def unknown(
        self,
        kind: str,
        name: str,
        reason: str,
        function: Function,
        index: int | None = None,
        newer: bool = False,
        optional: bool = False,
        number: int | None = None,
    ) -> None:
        """Note something whose release is not known."""
        optional = optional or not self._autoload
        self._unknown.setdefault(
            (kind, name, optional),
            Unknown(
                kind,
                name,
                reason,
                newer,
                optional,
                self._program.name,
                None,
                function.name,
                index,
                self._source(function, index),
                number,
            ),
        )

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """What was found; where one call needs a thing and another does not, it is needed."""
        return tuple(
            item
            for (kind, name, optional), item in self._found.items()
            if not (optional and (kind, name, False) in self._found)
        )

    @property
    def unknowns(self) -> tuple[Unknown, ...]:
        """What was found and is not known."""
        return tuple(self._unknown.values())

    def _since(self, name: str) -> str | None:
        row = self._rows.get(name)
        return None if row is None else row.since

    def _source(self, function: Function, index: int | None) -> str | None:
        line = self._obj.line(function, index or 0)
        return None if line is None else f"{line.file}:{line.line}"
