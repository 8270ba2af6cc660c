"""The files of a dataset that have names: rows, tags, spans, events and documentation.

Empty cells are None; lists are separated by spaces; ``backports`` are ``series:since``.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from datetime import date, datetime
from functools import lru_cache

from helperhist.dataset.cells import require
from helperhist.timeline import Backport, Row, Span, Tag, Timeline
from helperhist.version import KernelVersion

__all__ = ["NAME_COLUMNS", "TIMELINE", "name_cells", "parse_rows", "parse_spans", "parse_tags"]

TIMELINE = "timeline.csv"
NAME_COLUMNS: dict[str, tuple[str, ...]] = {
    TIMELINE: (
        "kind", "name", "id", "since", "tag", "first_tag", "released", "removed", "or_earlier",
        "commit", "author_date", "commit_date", "subject", "former_names", "backports",
        "prototype", "attributes",
    ),
    "tags.csv": ("tag", "version", "target", "commit", "date", "path", "blob"),
    "spans.csv": ("series", "kind", "name", "id", "first", "last"),
    "events.csv": ("event", "kind", "name", "tag", "before", "after"),
    "docs.csv": ("name", "tag", "description", "returns"),
}  # fmt: skip


def parse_rows(rows: Iterable[list[str]]) -> Iterator[Row]:
    """Read the rows of ``timeline.csv``.

    :raises ValueError: a cell is of another form, or a name is there twice
    """
    names = set()
    for cells in rows:
        kind, name, number, since, tag, first, released, removed, earlier = cells[:9]
        commit, author_date, commit_date, subject, former, backports = cells[9:15]
        require(name not in names, f"{name[:60]!r} is there twice")
        names.add(name)
        require(earlier in ("", "yes"), f"{earlier[:20]!r} is not yes or nothing")
        require(not commit.strip("0123456789abcdef"), f"{commit[:60]!r} is no commit")
        yield Row(
            kind, name, _parse_number(number), _release(since), tag or None,
            first or None, _day(released), removed or None, earlier == "yes",
            commit or None, _moment(author_date), _moment(commit_date), subject or None,
            tuple(former.split()), tuple(_backport(item) for item in backports.split()),
            cells[15] or None, tuple(cells[16].split()),
        )  # fmt: skip


def _parse_number(cell: str) -> int | None:
    if not cell:
        return None
    number = int(cell)
    # int() takes more than what is ever written: spaces, underscores, other digits.
    require(str(number) == cell, f"{cell[:30]!r} is no number")
    return number


@lru_cache(maxsize=4096)
def _release(cell: str) -> str | None:
    if cell:
        KernelVersion.parse(cell)
    return cell or None


def _backport(cell: str) -> Backport:
    series, since = cell.split(":")
    _release(series), _release(since)
    return Backport(series, since)


@lru_cache(maxsize=4096)
def _day(cell: str) -> str | None:
    if cell:
        # fromisoformat() takes weeks and other spellings, too.
        require(date.fromisoformat(cell).isoformat() == cell, f"{cell[:30]!r} is no date")
    return cell or None


def _moment(cell: str) -> str | None:
    if cell:
        plain = cell.removesuffix("Z")
        known = plain != cell and datetime.fromisoformat(plain).isoformat() == plain
        require(known and len(plain) == 19, f"{cell[:30]!r} is no time")
    return cell or None


def parse_tags(cells: Iterable[list[str]], rows: Sequence[Row]) -> Iterator[Tag]:
    """Read the rows of ``tags.csv``.

    :raises ValueError: they are not in order, or a tag that a row names is not among them
    """
    known: dict[str, KernelVersion] = {}
    last: KernelVersion | None = None
    for tag, version, target, commit, day, path, blob in cells:
        parsed = KernelVersion.parse(version)
        require(tag not in known, f"{tag[:60]!r} is there twice")
        require(last is None or last <= parsed, f"{tag[:60]!r} is out of order")
        known[tag] = last = parsed
        yield Tag(tag, parsed, target, commit, _day(day), path, blob)
    for row in rows:
        for name in (row.tag, row.first_tag, row.removed):
            require(
                name is None or name in known,
                f"it lacks a tag that timeline.csv has, of {row.name[:60]!r}",
            )


def parse_spans(cells: Iterable[list[str]], tags: Iterable[Tag]) -> Iterator[Span]:
    """Read the rows of ``spans.csv``.

    :raises ValueError: one has a tag that is not among them, or ends before it begins
    """
    position = {tag.name: index for index, tag in enumerate(tags)}
    for series, kind, name, number, first, last in cells:
        known = first in position and (not last or last in position)
        require(known, f"{name[:60]!r} has a tag that is not in tags.csv")
        in_order = not last or position[first] <= position[last]
        require(in_order, f"{name[:60]!r} ends before it begins")
        yield Span(series, kind, name, _parse_number(number), first, last or None)


def name_cells(timeline: Timeline) -> dict[str, list[Sequence[str]]]:
    """Return the rows of each file."""
    files: dict[str, list[Sequence[str]]] = {
        TIMELINE: [_row_cells(row) for row in timeline.rows],
        "tags.csv": [
            (t.name, str(t.version), t.target, t.commit, t.date or "", t.path, t.blob)
            for t in timeline.tags
        ],
        "spans.csv": [
            (s.series, s.kind, s.name, _number(s.id), s.first, s.last or "") for s in timeline.spans
        ],
        "events.csv": [astuple(event) for event in timeline.events],
    }
    if timeline.docs:
        files["docs.csv"] = [(d.name, d.tag, d.description, d.returns) for d in timeline.docs]
    return files


def _row_cells(row: Row) -> Sequence[str]:
    return (
        row.kind, row.name, _number(row.id), row.since or "", row.tag or "", row.first_tag or "",
        row.released or "", row.removed or "", "yes" if row.or_earlier else "", row.commit or "",
        row.author_date or "", row.commit_date or "", row.subject or "",
        " ".join(row.former_names),
        " ".join(f"{item.series}:{item.since}" for item in row.backports),
        row.prototype or "", " ".join(row.attributes),
    )  # fmt: skip


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
