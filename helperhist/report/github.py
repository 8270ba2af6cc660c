"""Findings as annotations that GitHub shows beside the source."""

from collections.abc import Iterator
from pathlib import PurePath

from helperhist.check import Change, Findings, TooNew, minimum, undecided
from helperhist.printable import printable
from helperhist.report.causes import shown_name
from helperhist.report.check import where
from helperhist.report.refusals import place, reason, remedy
from helperhist.timeline import Asked

__all__ = ["annotate", "annotate_change", "render_annotation"]


def annotate(
    file: str,
    findings: Findings,
    found: tuple[TooNew, ...],
    target: str | None,
    root: PurePath,
    release: Asked | None = None,
) -> Iterator[str]:
    """Yield the annotations of an object: what sets its minimum, or what a target lacks.

    :param target: None where none was given
    :param release: that was asked for; None of a particular kernel
    """
    for refusal in findings.refused:
        text = f"{file}: {place(refusal)}{reason(refusal)}; {remedy(refusal)}"
        yield render_annotation("error", "does not load on any kernel", text, None, root)
    if findings.refused:
        return
    if target is None:
        least = minimum(findings)
        for item in least.decided_by:
            text = f"{shown_name(item)} sets the minimum kernel of {file}: {least} ({where(item)})"
            yield render_annotation("notice", f"Linux {least}", text, item.source, root)
        return
    if release is not None and release.doubt is not None and undecided(release):
        text = f"{file}: {release.doubt.text}"
        yield render_annotation("warning", f"not sure of {target}", text, None, root)
    for verdict in found:
        level = "error" if verdict.certain else "warning"
        instead = f"; instead: {verdict.instead}" if verdict.instead else ""
        text = (
            f"{shown_name(verdict.item)}: {verdict.reason}{instead} ({file}, {where(verdict.item)})"
        )
        yield render_annotation(level, f"not on {target}", text, verdict.item.source, root)


def annotate_change(file: str, change: Change, root: PurePath) -> Iterator[str]:
    """Yield the annotations of a change; ``file`` is the new object."""
    level = "error" if change.raised else "notice"
    title = f"minimum kernel {change.old} -> {change.new}"
    for item in change.added:
        text = f"{shown_name(item)} needs Linux {item.since} ({file}, {where(item)})"
        yield render_annotation(level, title, text, item.source, root)
    if not change.added:
        yield render_annotation("notice", title, f"{file}: no new needs", None, root)


def render_annotation(
    level: str, title: str, message: str, source: str | None, root: PurePath
) -> str:
    """Return a workflow command of GitHub: ``::error file=...,line=...::message``.

    :param level: ``error``, ``warning`` or ``notice``
    :param source: ``file:line``, None if there is none
    :param root: of the repository; GitHub knows files by their path from there
    """
    properties = []
    if source:
        file, _, line = source.rpartition(":")
        if PurePath(file).is_relative_to(root):
            file = str(PurePath(file).relative_to(root))
        properties.append(f"file={_property(file)}")
        if line.isascii() and line.isdigit():
            properties.append(f"line={line}")
    properties.append(f"title={_property(title)}")
    return f"::{level} {','.join(properties)}::{_escape(message)}"


def _escape(text: str) -> str:
    # The rules of actions/toolkit, packages/core/src/command.ts.
    escaped = printable(text, keep="\r\n").replace("%", "%25")
    return escaped.replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
