"""From findings to answers: the minimum kernel, a verdict on a target, what a change did."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from helperhist.check.needs import Findings, Requirement, Unknown, release_key
from helperhist.timeline import Asked

__all__ = [
    "Change",
    "Edge",
    "Minimum",
    "TooNew",
    "change",
    "change_json",
    "edge",
    "item_json",
    "minimum",
    "required",
    "target_json",
    "to_json",
    "undecided",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Minimum:
    """The oldest release from which on the object works.

    :ivar since: the release; None if nothing is required that the data knows
    :ivar at_least: whether something required is not known, so that it may be later
    :ivar decided_by: the requirements that set it
    :ivar or_earlier: whether the data begins with what sets it, so that it may be earlier
    """

    since: str | None
    at_least: bool
    decided_by: tuple[Requirement, ...]
    or_earlier: bool = False

    def __str__(self) -> str:
        shown = self.since or "any kernel with BPF"
        if self.or_earlier:
            shown += " or earlier"
        if not self.at_least:
            return shown
        return f"at least {shown}" if self.since else "unknown"


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
    earlier = bool(deciding) and all(item.name in findings.older for item in deciding)
    # What user space sets decides whether a map is created, not from which release on.
    later = any(item.kind != "unset" for item in unknown(findings))
    return Minimum(since, later, deciding, earlier)


def edge(findings: Findings) -> Edge | None:
    """Return what the object would need without what sets its minimum.

    None if there is nothing else, or if too many names set it.
    """
    needs = required(findings)
    # What has no way around on older kernels is what one would drop.
    names = tuple(
        dict.fromkeys(
            item.name.removeprefix("way around ") for item in needs if item.since == needs[0].since
        )
    )
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


def to_json(file: str, findings: Findings) -> dict[str, Any]:
    """Return the documented JSON object of one object."""
    least = minimum(findings)
    return {
        "file": file,
        "min_kernel": least.since,
        "at_least": least.at_least,
        "or_earlier": least.or_earlier,
        "decided_by": list(dict.fromkeys(item.name for item in least.decided_by)),
        "loader": findings.loader,
        "license": findings.license,
        "programs": [
            {
                "name": item.name,
                "section": item.section,
                "type": item.type,
                "attach_type": item.attach_type,
                "autoload": item.autoload,
                "instructions": item.instructions,
            }
            for item in findings.programs
        ],
        "maps": [
            {
                "name": item.name,
                "type": item.type,
                "flags": item.flags,
                "autocreate": item.autocreate,
            }
            for item in findings.maps
        ],
        "requirements": [item_json(item) for item in newest_first(findings.requirements)],
        "unknown": [item_json(item) for item in findings.unknown],
        "notes": list(findings.notes),
    }


def undecided(release: Asked | None) -> bool:
    """Whether what the data cannot tell of a release keeps any object from a yes."""
    return release is not None and release.doubt is not None and release.doubt.kind == "newer"


def target_json(
    target: str,
    found: tuple[TooNew, ...],
    release: Asked | None = None,
    refused: bool = False,
) -> dict[str, Any]:
    """Return the documented JSON object of a target.

    :param release: that was asked for; None of a particular kernel
    :param refused: whether no kernel loads the object with its loader
    """
    doubt = None if release is None else release.doubt
    if refused or any(verdict.certain for verdict in found):
        answer = "no"
    else:
        answer = "cannot tell" if found or undecided(release) else "yes"
    return {
        "kernel": target,
        "release": None if release is None else str(release.version),
        "answer": answer,
        "ok": answer == "yes",
        "note": None if doubt is None else doubt.text,
        "doubt": None if doubt is None else doubt.to_json(),
        "missing": [
            {
                **item_json(verdict.item),
                "certain": verdict.certain,
                "why": verdict.reason,
                "instead": verdict.instead,
            }
            for verdict in found
        ],
    }


def change_json(old: str, new: str, change: Change) -> dict[str, Any]:
    """Return the documented JSON object of a change from one file to another."""
    return {
        "old": {"file": old, "min_kernel": change.old.since, "at_least": change.old.at_least},
        "new": {"file": new, "min_kernel": change.new.since, "at_least": change.new.at_least},
        "raised": change.raised,
        "added": [item_json(item) for item in change.added],
        "removed": [item_json(item) for item in change.removed],
    }


def item_json(item: Requirement | Unknown) -> dict[str, Any]:
    """Return the documented JSON object of a requirement, or of something unknown."""
    place = {
        "program": item.program,
        "map": item.map,
        "function": item.function,
        "insn": item.insn,
        "source": item.source,
    }
    if isinstance(item, Unknown):
        return {
            "kind": item.kind,
            "name": item.name,
            "reason": item.reason,
            "newer_than_data": item.newer,
            "optional": item.optional,
            **place,
        }
    return {
        "kind": item.kind,
        "name": item.name,
        "since": item.since,
        "optional": item.optional,
        **place,
        "count": item.count,
        "stage": item.stage,
        "evidence": item.evidence,
    }
