"""Where the answer about objects changes, as text and JSON."""

import textwrap
from collections.abc import Sequence
from typing import Any

from helperhist.check import Stretch, TooNew, Upgrade
from helperhist.report.causes import shown_name
from helperhist.report.check import where

__all__ = ["plan_json", "render_plan", "render_upgrade", "upgrade_json"]

_SHOWN = 3


def _names(lacks: Sequence[TooNew]) -> str:
    found = list(dict.fromkeys(f"{shown_name(item.item)} {item.reason}" for item in lacks))
    more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more


def render_plan(file: str, stretches: Sequence[Stretch], width: int) -> str:
    """Return the stretches of one object."""
    lines = [file]
    for item in stretches:
        span = item.first if item.first == item.last else f"{item.first} to {item.last}"
        why = f"  {_names(item.lacks)}" if item.lacks else ""
        text = f"  {span:<12}  {item.answer}{why}"
        indent = " " * 18
        lines += textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False)
    return "\n".join(lines)


def plan_json(
    plans: Sequence[tuple[str, Sequence[Stretch]]], kernels: Sequence[str]
) -> dict[str, Any]:
    """Return the documented JSON object of a plan."""
    return {
        "boot": list(kernels),
        "objects": [
            {
                "file": file,
                "stretches": [
                    {
                        "first": item.first,
                        "last": item.last,
                        "answer": item.answer,
                        "because": list(dict.fromkeys(shown_name(it.item) for it in item.lacks)),
                    }
                    for item in stretches
                ],
            }
            for file, stretches in plans
        ],
    }


def render_upgrade(file: str, found: Upgrade, old: str, new: str) -> str:
    """Return what becomes of one object."""
    if not found.worse and not found.better:
        return f"{file}: nothing changes from {old} to {new}"
    lines = [f"{file}: from {old} to {new}"]
    for sign, items in (("-", found.worse), ("+", found.better)):
        for item in items:
            sure = "" if item.certain else " (not sure)"
            lines.append(
                f"  {sign} {shown_name(item.item)}: {item.reason}{sure}, {where(item.item)}"
            )
    return "\n".join(lines)


def upgrade_json(answers: Sequence[tuple[str, Upgrade]], old: str, new: str) -> dict[str, Any]:
    """Return the documented JSON object of an upgrade."""

    def items(found: Sequence[TooNew]) -> list[dict[str, Any]]:
        return [
            {
                "kind": item.item.kind,
                "name": shown_name(item.item),
                "certain": item.certain,
                "why": item.reason,
                "program": item.item.program,
                "map": item.item.map,
            }
            for item in found
        ]

    return {
        "old": old,
        "new": new,
        "objects": [
            {"file": file, "worse": items(found.worse), "better": items(found.better)}
            for file, found in answers
        ],
    }
