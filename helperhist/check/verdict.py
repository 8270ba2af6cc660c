"""From findings to answers: the minimum kernel, a verdict on a target, what a change did."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from helperhist.check.needs import Findings, Requirement, Unknown, release_key
from helperhist.timeline import Asked

__all__ = [
    "Change",
    "Edge",
    "Minimum",
    "TooNew",
    "change",
    "edge",
    "loads",
    "minimum",
    "required",
    "switched",
    "undecided",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Minimum:
    """The oldest release from which on the object works.

    :ivar since: the release; None if nothing is required that the data knows
    :ivar earliest: the oldest release that may do; empty if ``since`` is exact
    :ivar until: the first release that misses something again; empty if none does
    :ivar last: the newest one before it known to do
    :ivar ended_by: the requirements that end there
    :ivar loads: the release from which on it loads, where it is attached only later; else empty
    :ivar at_least: whether something required is not known, so that it may be later
    :ivar decided_by: the requirements that set it
    :ivar or_earlier: whether the data begins with what sets it, so that it may be earlier
    """

    since: str | None
    at_least: bool
    decided_by: tuple[Requirement, ...]
    or_earlier: bool = False
    earliest: str = ""
    until: str = ""
    last: str = ""
    ended_by: tuple[Requirement, ...] = ()
    loads: str = ""

    def __str__(self) -> str:
        shown = self.since or "any kernel with BPF"
        if self.or_earlier:
            shown += " or earlier"
        if self.earliest:
            shown = f"at least {self.earliest}, certainly from {self.since}"
        elif self.at_least:
            shown = f"at least {shown}" if self.since else "unknown"
        return f"{shown} up to {self.last}" if self.last else shown


@dataclass(frozen=True, slots=True)
class Edge:
    """What would be the minimum without the names that set it."""

    since: str
    without: tuple[str, ...]
    of: str


@dataclass(frozen=True, slots=True)
class TooNew:
    """Something that a target lacks, or of which nobody can tell.

    :ivar certain: whether the target lacks it for sure
    :ivar instead: what programs for older kernels use
    """

    item: Requirement | Unknown
    certain: bool
    reason: str
    instead: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an object."""

    old: Minimum
    new: Minimum
    added: tuple[Requirement, ...]
    removed: tuple[Requirement, ...]

    @property
    def raised(self) -> bool:
        """Whether the new object needs a newer kernel, or may need one."""
        if self.new.at_least and not self.old.at_least:
            return True
        old, new = (release_key(item.since or "0.0") for item in (self.old, self.new))
        return new > old


def required(findings: Findings) -> tuple[Requirement, ...]:
    """Return what is required, newest first."""
    return newest_first(item for item in findings.requirements if not item.optional)


def unknown(findings: Findings) -> tuple[Unknown, ...]:
    """Return what is required and not known."""
    return tuple(item for item in findings.unknown if not item.optional)


def newest_first(items: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """Sort by release, newest first, then by kind and name."""

    def key(item: Requirement) -> tuple[Any, ...]:
        major, minor = release_key(item.since)
        return (-major, -minor, item.kind, item.name, item.program or "", item.map or "")

    return tuple(sorted(items, key=key))


def minimum(findings: Findings) -> Minimum:
    """Return the minimum kernel of an object."""
    needs = required(findings)
    since = needs[0].since if needs else None
    deciding = tuple(item for item in needs if item.since == since)
    earlier = bool(deciding) and all(
        item.kind != "check" and item.name in findings.older for item in deciding
    )
    # What user space sets decides whether a map is created, not from which release on.
    later = any(item.kind not in ("unset", "loader") for item in unknown(findings))
    earliest = max((item.earliest or item.since for item in needs), key=release_key, default="")
    ends = [item for item in needs if item.until]
    until = min((item.until for item in ends), key=release_key, default="")
    loads = next((item.since for item in needs if item.stage == "load"), "")
    return Minimum(
        since,
        later,
        deciding,
        earlier,
        earliest if earliest != since else "",
        until,
        min((item.last for item in ends), key=release_key, default=""),
        tuple(item for item in ends if item.until == until),
        loads if loads != since else "",
    )


def switched(findings: Findings) -> Minimum | None:
    """Return the minimum if user space sets the variables of ``.rodata`` that matter.

    None if none does.
    """
    if not any(item.optional and item.switches for item in findings.requirements):
        return None
    return minimum(
        replace(
            findings,
            requirements=tuple(
                replace(item, optional=item.optional and not item.switches)
                for item in findings.requirements
            ),
        )
    )


def edge(findings: Findings) -> Edge | None:
    """Return what the object would need without what sets its minimum.

    None if there is nothing else, or if too many names set it.
    """
    needs = required(findings)
    # What has no way around on older kernels is what one would drop.
    names = tuple(dict.fromkeys(item.name for item in needs if item.since == needs[0].since))
    rest = [item for item in needs if item.since != needs[0].since]
    if not rest or len(names) > 3:
        return None
    return Edge(rest[0].since, names, needs[0].since)


def change(old: Findings, new: Findings) -> Change:
    """Return what a change did to the needs of an object."""

    def by_name(findings: Findings) -> dict[tuple[str, str], Requirement]:
        found: dict[tuple[str, str], Requirement] = {}
        for item in required(findings):
            found.setdefault((item.kind, item.name), item)
        return found

    before, after = by_name(old), by_name(new)
    return Change(
        minimum(old),
        minimum(new),
        newest_first(item for key, item in after.items() if key not in before),
        newest_first(item for key, item in before.items() if key not in after),
    )


def loads(found: Iterable[TooNew], refused: bool = False) -> bool | None:
    """Whether a kernel loads an object, whether or not it can attach it; None if nobody can tell.

    :param found: what it lacks or may lack
    :param refused: whether no kernel loads it
    """
    stages = [
        verdict.certain
        for verdict in found
        if not (isinstance(verdict.item, Requirement) and verdict.item.stage == "attach")
    ]
    if refused or any(stages):
        return False
    return None if stages else True


def undecided(release: Asked | None) -> bool:
    """Whether what the data cannot tell of a release keeps any object from a yes."""
    return release is not None and release.doubt is not None and release.doubt.kind == "newer"
