"""Findings and verdicts as documented JSON objects."""

from typing import Any

from helperhist.check import (
    Change,
    Findings,
    Minimum,
    Requirement,
    TooNew,
    Unknown,
    loads,
    minimum,
    newest_first,
    switched,
    undecided,
)
from helperhist.report.causes import evidence, shown_name
from helperhist.timeline import Asked

__all__ = ["change_json", "target_json", "to_json"]


def to_json(file: str, findings: Findings) -> dict[str, Any]:
    """Return the documented JSON object of one object."""
    least, other = minimum(findings), switched(findings)
    return {
        "file": file,
        "min_kernel": least.since,
        "at_least": least.at_least,
        "or_earlier": least.or_earlier,
        "earliest": least.earliest or None,
        "until": least.until or None,
        "last": least.last or None,
        "loads_from": least.loads or least.since,
        "if_set": None if other is None else _if_set(findings, other),
        "decided_by": list(dict.fromkeys(shown_name(item) for item in least.decided_by)),
        "ended_by": list(dict.fromkeys(shown_name(item) for item in least.ended_by)),
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
        "requirements": [
            _item(item, findings.loader) for item in newest_first(findings.requirements)
        ],
        "unknown": [_item(item, findings.loader) for item in findings.unknown],
        "notes": list(findings.notes),
    }


def target_json(
    target: str,
    found: tuple[TooNew, ...],
    loader: str,
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
    loaded = loads(found, refused)
    return {
        "kernel": target,
        "release": None if release is None else str(release.version),
        "answer": answer,
        "ok": answer == "yes",
        "loads": None if loaded and undecided(release) else loaded,
        "note": None if doubt is None else doubt.text,
        "doubt": None if doubt is None else doubt.to_json(),
        "missing": [
            {
                **_item(verdict.item, loader),
                "certain": verdict.certain,
                "why": verdict.reason,
                "instead": verdict.instead,
            }
            for verdict in found
        ],
    }


def change_json(old: str, new: str, change: Change, loader: str) -> dict[str, Any]:
    """Return the documented JSON object of a change from one file to another."""
    return {
        "old": {"file": old, "min_kernel": change.old.since, "at_least": change.old.at_least},
        "new": {"file": new, "min_kernel": change.new.since, "at_least": change.new.at_least},
        "raised": change.raised,
        "added": [_item(item, loader) for item in change.added],
        "removed": [_item(item, loader) for item in change.removed],
    }


def _item(item: Requirement | Unknown, loader: str) -> dict[str, Any]:
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
            "name": shown_name(item),
            "reason": item.reason,
            "newer_than_data": item.newer,
            "optional": item.optional,
            "checks": list(item.checks),
            "switches": list(item.switches),
            **place,
        }
    return {
        "kind": item.kind,
        "name": shown_name(item),
        "since": item.since or None,
        "earliest": item.earliest or None,
        "until": item.until or None,
        "last": item.last or None,
        "optional": item.optional,
        **place,
        "count": item.count,
        "stage": item.stage,
        "evidence": evidence(item, loader),
        "because": list(item.causes),
        "checks": list(item.checks),
        "switches": list(item.switches),
    }


def _if_set(findings: Findings, least: Minimum) -> dict[str, Any]:
    return {
        "variables": sorted({name for item in findings.requirements for name in item.switches}),
        "min_kernel": least.since,
        "at_least": least.at_least,
    }
