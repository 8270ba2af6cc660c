"""Text inside the comments of a generated header."""

import re
import textwrap

from helperhist.timeline import Doc, Row

__all__ = ["comment", "inside", "wrap"]

_WIDTH = 96


def comment(row: Row, doc: Doc | None, note: str = "") -> tuple[str, ...]:
    """Return the lines of a helper's comment.

    :param note: what else is to be said; empty for nothing
    """
    since = f"Linux {row.since}" + (
        " or earlier: the data lacks what came before" if row.or_earlier else ""
    )
    text = f"{row.name}: {since}"
    if row.tag is None:
        text += ", not released yet"
    if row.commit:
        text += f", commit {row.commit[:12]}"
    if row.commit and row.subject:
        text += f' ("{row.subject}")'
    lines = wrap(text)
    if row.backports:
        ported = ", ".join(f"{item.series} from {item.since}" for item in row.backports)
        lines += wrap(f"In stable kernels: {ported}")
    if note:
        lines += wrap(note)
    if doc is not None:
        lines += _section("", doc.description) + _section("Returns", doc.returns)
    return tuple(lines)


def _section(title: str, text: str) -> list[str]:
    if not text.strip():
        return []
    body = [inside(line) for line in text.expandtabs(8).splitlines()]
    if not title:
        return ["", *body]
    return ["", title, *(f"    {line}".rstrip() for line in body)]


def wrap(text: str) -> list[str]:
    """Return the lines of a text, each safe inside a comment."""
    text = inside(text)
    if len(text) <= _WIDTH:
        return [text]  # the usual case: wrapping every line of a header takes a while
    return textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def inside(text: str) -> str:
    """Make a text safe inside a C comment: it neither ends it nor seems to begin another.

    Nor does it end with a trigraph of a backslash, of which GCC warns also in comments.
    """
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return re.sub(r"(?<=\*)(?=/)|(?<=/)(?=\*)|(?<=\?\?)(?=/)", " ", text.rstrip())
