"""The timeline in the formats of other tools.

A format is a function from the timeline and the rows wanted to the bytes of a file. To add one,
add it to :data:`FORMATS`.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec

from helperhist.csvtext import render_csv
from helperhist.errors import HelperhistError
from helperhist.export.rust import rust_module
from helperhist.export.tables import bcc_tables, ebpf_docs_groups
from helperhist.timeline import LISTS, Row, Timeline, plural, require_kinds

__all__ = ["BINARY", "FORMATS", "ExportError", "Exporter", "render_export"]


class ExportError(HelperhistError):
    """A format that cannot be written here."""


Exporter = Callable[[Timeline, Sequence[Row]], bytes]


def render_export(timeline: Timeline, file_format: str, kinds: Sequence[str] = ()) -> bytes:
    """Return a timeline as a file; equal timelines give equal bytes.

    :param file_format: one of :data:`FORMATS`
    :param kinds: of the names to export; without any, all, but in the formats for people the
        numbered lists
    :raises DatasetError: the timeline has no name of one of the kinds
    :raises ExportError: the format needs a package that is not installed
    """
    require_kinds(timeline, kinds)
    present = timeline.index.kinds
    wanted = set(kinds) or (set(LISTS) if file_format in _LISTS_ONLY else present)
    rows = [row for row in timeline.rows if row.kind in wanted]
    return FORMATS[file_format](timeline, rows)


def _csv(_: Timeline, rows: Sequence[Row]) -> bytes:
    """Return CSV: the columns of ``--csv`` and of the JSON, one row per name."""
    return render_csv(list(Row("", "").to_json()), (row.to_cells() for row in rows)).encode()


def _json(timeline: Timeline, rows: Sequence[Row]) -> bytes:
    """Return one JSON object: where the data comes from, the tags, and the names."""
    tree = {
        "source": timeline.metadata.source,
        "newest": timeline.metadata.newest,
        "notes": list(timeline.metadata.notes),
        "tags": [
            {"tag": tag.name, "version": str(tag.version), "released": tag.date}
            for tag in timeline.tags
        ],
        "names": [row.to_json() for row in rows],
    }
    return (json.dumps(tree, indent=1, ensure_ascii=False) + "\n").encode()


def _parquet(timeline: Timeline, rows: Sequence[Row]) -> bytes:
    """Return Parquet: the table of ``Timeline.table``; lists are lists of text."""
    if find_spec("pyarrow") is None:
        raise ExportError("parquet needs pyarrow: pip install 'helperhist[parquet]'")
    from helperhist import frames

    return frames.to_parquet(timeline, [row.name for row in rows])


def _markdown(timeline: Timeline, rows: Sequence[Row]) -> bytes:
    """Return a table per kind, in row order: by number, so new names come last."""
    text = [f"Source: {timeline.metadata.source}."]
    text += timeline.metadata.notes
    for kind in dict.fromkeys(row.kind for row in rows):
        title = plural(kind)
        text.append(f"## {title[0].upper()}{title[1:]}")
        text.append(
            "Name | Number | Kernel | Released | Commit\n"
            "-----|--------|--------|----------|-------\n"
            + "\n".join(
                " | ".join((
                    f"`{row.name}`",
                    "" if row.id is None else str(row.id),
                    _kernel(row),
                    row.released or "",
                    _link(timeline, row.commit),
                )).rstrip()
                for row in rows
                if row.kind == kind
            )
        )  # fmt: skip
    return ("\n\n".join(text) + "\n").encode()


def _kernel(row: Row) -> str:
    if row.since is None:
        return "no mainline release"
    since = row.since + (" or earlier" if row.or_earlier else "")
    since += "" if row.tag else " (not released yet)"
    return since + (f", until {row.removed}" if row.removed else "")


def _link(timeline: Timeline, commit: str | None) -> str:
    if commit is None:
        return ""
    short = f"`{commit[:12]}`"
    # Commits of another history than the kernel's are not to be found there.
    return (
        f"[{short}](https://git.kernel.org/linus/{commit})" if timeline.metadata.kernel else short
    )


_SCHEMA = """
CREATE TABLE metadata (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE tags (
    tag TEXT PRIMARY KEY, version TEXT NOT NULL,
    position INTEGER NOT NULL UNIQUE, -- order of versions: as text, 4.9 sorts after 4.10
    stable INTEGER NOT NULL,          -- 1 for updates of a release (5.10.42)
    candidate INTEGER NOT NULL,       -- 1 for release candidates
    released TEXT
);
CREATE TABLE names (
    name TEXT PRIMARY KEY, kind TEXT NOT NULL,
    id, -- integer; without a type, as one beyond 64 bits is kept as text, not as a rounded number
    since TEXT, since_position INTEGER, -- position of tag in tags, NULL if not released
    tag TEXT, first_tag TEXT, released TEXT, removed TEXT, or_earlier INTEGER NOT NULL,
    commit_id TEXT, author_date TEXT, commit_date TEXT, subject TEXT, prototype TEXT,
    attributes TEXT NOT NULL
);
CREATE TABLE former_names (name TEXT NOT NULL, former TEXT NOT NULL);
CREATE TABLE backports (name TEXT NOT NULL, series TEXT NOT NULL, since TEXT NOT NULL);
CREATE TABLE spans (
    series TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, id,
    first TEXT NOT NULL, last TEXT
);
CREATE TABLE events (
    event TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, tag TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT NOT NULL
);
CREATE TABLE docs (
    name TEXT NOT NULL, tag TEXT NOT NULL, description TEXT NOT NULL, returns TEXT NOT NULL
);
-- Which mainline tag has which name; stable updates are not in it.
CREATE VIEW presence AS
    SELECT tags.tag, tags.version, spans.kind, spans.name, spans.id
    FROM spans
    JOIN tags AS first ON first.tag = spans.first
    LEFT JOIN tags AS last ON last.tag = spans.last
    JOIN tags ON tags.stable = 0 AND tags.position >= first.position
        AND (spans.last IS NULL OR tags.position <= last.position)
    WHERE spans.series = '';
"""


def _sqlite(timeline: Timeline, rows: Sequence[Row]) -> bytes:
    """Return an SQLite database; its schema has the comments."""
    names = {row.name for row in rows}
    position = {tag.name: index for index, tag in enumerate(timeline.tags)}
    database = sqlite3.connect(":memory:")
    try:
        database.executescript(_SCHEMA)
        meta = timeline.metadata
        _fill(database, "metadata", (
            ("source", meta.source), ("newest", meta.newest), ("head", meta.head),
            ("helperhist", meta.version), ("notes", "\n".join(meta.notes)),
        ))  # fmt: skip
        _fill(database, "tags", (
            (tag.name, str(tag.version), position[tag.name], tag.version.is_stable,
             tag.version.rc is not None, tag.date)
            for tag in timeline.tags
        ))  # fmt: skip
        _fill(database, "names", (
            (r.name, r.kind, _integer(r.id), r.since, position.get(r.tag or ""), r.tag,
             r.first_tag, r.released, r.removed, r.or_earlier, r.commit, r.author_date,
             r.commit_date, r.subject, r.prototype, " ".join(r.attributes))
            for r in rows
        ))  # fmt: skip
        _fill(database, "former_names", ((r.name, old) for r in rows for old in r.former_names))
        _fill(database, "backports", (
            (r.name, item.series, item.since) for r in rows for item in r.backports
        ))  # fmt: skip
        _fill(database, "spans", (
            (s.series, s.kind, s.name, _integer(s.id), s.first, s.last)
            for s in timeline.spans if s.name in names
        ))  # fmt: skip
        _fill(database, "events", (
            (e.event, e.kind, e.name, e.tag, e.before, e.after)
            for e in timeline.events if e.name in names
        ))  # fmt: skip
        _fill(database, "docs", (
            (d.name, d.tag, d.description, d.returns) for d in timeline.docs if d.name in names
        ))  # fmt: skip
        database.commit()
        return database.serialize()
    finally:
        database.close()


def _integer(value: int | None) -> int | str | None:
    # SQLite's integers have 64 bits and a sign; a larger number stays exact as text.
    return value if value is None or -(2**63) <= value < 2**63 else str(value)


def _fill(database: sqlite3.Connection, name: str, rows: Iterable[tuple[object, ...]]) -> None:
    every = list(rows)
    if every:
        marks = ", ".join("?" * len(every[0]))
        # The name is one of ours, never a user's.
        database.executemany(f"INSERT INTO {name} VALUES ({marks})", every)  # noqa: S608


#: Name of the format to what writes it.
FORMATS: dict[str, Exporter] = {
    "csv": _csv,
    "json": _json,
    "parquet": _parquet,
    "markdown": _markdown,
    "sqlite": _sqlite,
    "bcc": bcc_tables,
    "ebpf-docs": ebpf_docs_groups,
    "rust": rust_module,
}

#: Formats that are no text.
BINARY = frozenset(("parquet", "sqlite"))

#: Formats for people, of the numbered lists unless kinds are asked for.
_LISTS_ONLY = frozenset(("markdown", "bcc", "ebpf-docs", "rust"))
