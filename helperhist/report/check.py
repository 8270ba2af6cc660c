"""Findings as text for people."""

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from helperhist.check import (
    Change,
    Findings,
    Minimum,
    Requirement,
    TooNew,
    Unknown,
    edge,
    loads,
    minimum,
    newest_first,
    required,
    switched,
    undecided,
)
from helperhist.report.causes import LOADER_NAMES, because, shown_name
from helperhist.timeline import Asked

__all__ = [
    "render_change",
    "render_object",
    "render_quiet",
    "render_summary",
    "render_verdict",
    "where",
]

_NAMES_SHOWN = 3


def where(item: Requirement | Unknown) -> str:
    """Return the place of a requirement: ``program:insn file.c:12``, or the map."""
    if item.map is not None:
        return f"map {item.map}"
    place = item.program or ""
    if item.function and item.function != item.program:
        place = f"{place}>{item.function}"
    if item.insn is not None:
        place += f":{item.insn}"
    if item.source and item.insn is not None:
        place += f" {_short(item.source)}"
    return place


def _short(source: str) -> str:
    path, _, line = source.rpartition(":")
    return f"{PurePath(path).name}:{line}"


def _wrapped(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """Return a table whose last column goes on in further lines where it is too wide."""
    sizes = [max(len(row[at]) for row in (header, *rows)) for at in range(len(header) - 1)]
    room = max(width - sum(sizes) - 2 * len(sizes), 20)
    lines = []
    for row in (header, *rows):
        cells = [cell.ljust(size) for cell, size in zip(row[:-1], sizes, strict=True)]
        first, *rest = textwrap.wrap(row[-1], room) or [""]
        lines.append("  ".join([*cells, first]).rstrip())
        indent = " " * (sum(sizes) + 2 * len(sizes))
        lines += [indent + part for part in rest]
    return "\n".join(lines)


def _reasons(items: Iterable[Requirement]) -> list[tuple[str, str, str]]:
    """Return release, name and places: one row for each name."""
    groups: dict[tuple[str, str, str], list[Requirement]] = {}
    for item in newest_first(items):
        groups.setdefault((item.since, item.kind, shown_name(item)), []).append(item)
    rows = []
    for (since, _, name), group in groups.items():
        # A place with an instruction says more than one without.
        first = min(group, key=lambda item: item.insn is None)
        more = len({(item.program, item.map) for item in group}) - 1
        rows.append((since, name, where(first) + (f" (+{more})" if more else "")))
    return rows


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def render_object(file: str, findings: Findings, width: int) -> str:
    """Return the answer for one object, with all reasons, newest first."""
    least = minimum(findings)
    names = tuple(dict.fromkeys(shown_name(item) for item in least.decided_by))
    reason = f", because of {_list(names)}" if names else ""
    loader = LOADER_NAMES.get(findings.loader, "none")
    lines = [f"{file}: {least}{reason} (loader {loader})"]
    lines += _render_more(findings, least)
    if (less := edge(findings)) is not None:
        lines.append(f"  {less.since} if you dropped {', '.join(less.without)} ({less.of})")
    if rows := _reasons(required(findings)):
        lines += ["", _wrapped(("since", "required", "where"), rows, width)]
    lines += _render_unknown(findings.unknown, width)
    optional = [item for item in findings.requirements if item.optional]
    if optional:
        shown: dict[tuple[str, str], str] = {}
        for item in newest_first(optional):
            why = "; ".join(because(item, findings.loader)) or item.basis
            shown.setdefault((item.since, shown_name(item)), why)
        rows = [(since, name, why) for (since, name), why in shown.items()]
        lines += ["", _wrapped(("from", "optional", "because"), rows, width)]
    if findings.notes:
        lines += ["", *(f"note: {note}" for note in findings.notes)]
    return "\n".join(lines)


def _render_more(findings: Findings, least: Minimum) -> list[str]:
    """Return what else there is to say of the minimum: its end, attaching, ``.rodata``."""
    lines = []
    if least.ended_by:
        gone = _list(tuple(dict.fromkeys(item.name for item in least.ended_by)))
        lines.append(f"  from {least.until} on it does not load: {gone}")
    if least.loads:
        late = tuple(dict.fromkeys(i.name for i in least.decided_by if i.stage == "attach"))
        lines.append(
            f"  loads from {least.loads} on; attaches from {least.since} on ({_list(late)})"
        )
    if (other := switched(findings)) is not None and str(other) != str(least):
        names = sorted({name for item in findings.requirements for name in item.switches})
        lines.append(f"  as the file stands; {other} if user space sets {_list(names)}")
    return lines


def _render_unknown(items: Iterable[Unknown], width: int) -> list[str]:
    rows = list(
        dict.fromkeys(
            (item.name, f"{item.reason}{' (optional)' if item.optional else ''}, {where(item)}")
            for item in items
        )
    )
    return ["", _wrapped(("not known", "why"), rows, width)] if rows else []


def render_summary(checked: Sequence[tuple[str, Findings]], width: int) -> str:
    """Return one row for each object."""
    rows = []
    for file, findings in checked:
        least = minimum(findings)
        names = tuple(dict.fromkeys(shown_name(item) for item in least.decided_by))
        if findings.refused:
            places = (item.map or item.program or item.given for item in findings.refused)
            names = tuple(dict.fromkeys(places))
        kernel = "does not load" if findings.refused else str(least)
        shown = file if len(file) <= width // 2 else "…" + file[-(width // 2) + 1 :]
        rows.append((shown, kernel, _list(names)))
    return _wrapped(("object", "kernel", "because of"), rows, width)


def render_verdict(
    file: str, target: str, found: Sequence[TooNew], width: int, release: Asked | None = None
) -> str:
    """Return whether an object works on a target, or what is missing there.

    :param release: that was asked for; None of a particular kernel
    """
    target = target if release is None else release.name
    if not found and release is not None and undecided(release):
        newest = f", though {release.floor} has all that it requires"
        return f"{file}: not sure: nobody can tell what {target} has{newest}"
    if not found:
        known = "" if release is None or release.doubt is None else f", as {release.floor} has"
        return f"{file}: yes, {target} has all that it requires{known}"
    certain = any(verdict.certain for verdict in found)
    if certain and loads(found):
        head = f"{file}: no, {target} loads it, but cannot attach it"
    elif certain:
        head = f"{file}: no, {target} lacks"
    else:
        head = f"{file}: not sure: the data cannot tell whether {target} has"
    rows: dict[str, tuple[str, str, str]] = {}
    for verdict in found:
        instead = f"; instead: {verdict.instead}" if verdict.instead else ""
        name = shown_name(verdict.item)
        rows.setdefault(
            name,
            (name, f"{verdict.reason}{instead}", where(verdict.item)),
        )
    return f"{head}\n{_wrapped(('name', 'why', 'where'), list(rows.values()), width)}"


def render_quiet(findings: Findings) -> str:
    """Return the minimum of one object in a few words."""
    return "does not load" if findings.refused else str(minimum(findings))


def render_change(old: str, new: str, change: Change, width: int) -> str:
    """Return what a change did to the minimum, and why."""
    if change.raised:
        verdict = "raised"
    elif str(change.old) == str(change.new):
        verdict = "unchanged"
    else:
        verdict = "lowered"
    lines = [f"minimum kernel {verdict}: {change.old} ({old}) -> {change.new} ({new})"]
    rows = [("+", *row) for row in _reasons(change.added)]
    rows += [("-", *row) for row in _reasons(change.removed)]
    if rows:
        lines += ["", _wrapped(("", "since", "required", "where"), rows, width)]
    return "\n".join(lines)
