"""The files of a dataset: CSV files and one ``metadata.json``; from and to text, pure.

=================  ===============================================================================
``timeline.csv``   one row per name: :class:`helperhist.timeline.Row`
``tags.csv``       the tags read, oldest version first: :class:`helperhist.timeline.Tag`
``spans.csv``      the runs of tags that have a name: :class:`helperhist.timeline.Span`
``events.csv``     renames, renumberings, removals: :class:`helperhist.timeline.Event`
``docs.csv``       documentation of the helpers: :class:`helperhist.timeline.Doc`
``metadata.json``  :class:`helperhist.timeline.Metadata`
``relations.csv``  see :mod:`helperhist.dataset.relations`, as for ``readings.csv``
``evidence.csv``   see :mod:`helperhist.dataset.evidence`, as for ``sources.csv``
=================  ===============================================================================

Empty cells are None; lists are separated by spaces; ``backports`` are ``series:since``.
"""

import csv
import io
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple
from datetime import date, datetime
from errno import ENOENT
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any

from helperhist.dataset.evidence import (
    EVIDENCE,
    EVIDENCE_COLUMNS,
    WITNESSES,
    parse_evidence,
    parse_witnesses,
)
from helperhist.dataset.relations import (
    DETAILS,
    INTRODUCTIONS,
    LOST,
    READINGS,
    RELATION_COLUMNS,
    RELATIONS,
    SOURCE_FILES,
    STABLE,
    UPDATES,
    parse_introductions,
    parse_lost,
    parse_readings,
    parse_runs,
    parse_source_files,
    parse_stable_runs,
    parse_updates,
    relation_cells,
)
from helperhist.dataset.swap import File
from helperhist.errors import DatasetError
from helperhist.timeline import (
    Backport,
    Doc,
    Event,
    Evidence,
    Metadata,
    Parts,
    Row,
    Run,
    Span,
    Tag,
    Timeline,
    Witness,
)
from helperhist.version import KernelVersion

__all__ = [
    "FILES",
    "FORMAT",
    "LATER",
    "METADATA",
    "TIMELINE",
    "parse_dataset",
    "parse_metadata",
    "render_dataset",
]

#: Format of the datasets that this version reads and writes.
FORMAT = 1

TIMELINE = "timeline.csv"
METADATA = "metadata.json"
_COLUMNS: dict[str, tuple[str, ...]] = {    TIMELINE: (
        "kind", "name", "id", "since", "tag", "first_tag", "released", "removed", "or_earlier",
        "commit", "author_date", "commit_date", "subject", "former_names", "backports",
        "prototype", "attributes",
    ),
    "tags.csv": ("tag", "version", "target", "commit", "date", "path", "blob"),
    "spans.csv": ("series", "kind", "name", "id", "first", "last"),
    "events.csv": ("event", "kind", "name", "tag", "before", "after"),
    "docs.csv": ("name", "tag", "description", "returns"),
    **RELATION_COLUMNS,
    **EVIDENCE_COLUMNS,
}  # fmt: skip
#: Names of all files that a dataset can have.
FILES = frozenset((*_COLUMNS, METADATA))
#: Those of them that are read only when they are asked for.
LATER = frozenset((*RELATION_COLUMNS, *EVIDENCE_COLUMNS))
_OPTIONAL = LATER | {"docs.csv"}
# The documentation of one helper is one cell, and a header has up to 8 MB.
csv.field_size_limit(16 << 20)


def parse_dataset(
    files: Mapping[str, File],
    folder: Path,
    label: str = "",
    later: Callable[[Collection[str]], Mapping[str, File]] | None = None,
) -> Timeline:
    """Return the timeline in the files of a dataset; all but its rows is read when asked for.

    :param folder: where they are from, for messages
    :param label: names the dataset to users, before its source
    :param later: gets some of the files of :data:`LATER`; by default they are among ``files``
    :raises DatasetError: they are damaged or of another format, now or when a part is asked for
    """
    metadata = parse_metadata(files[METADATA], folder)
    label += metadata.source
    if not metadata.kernel:
        # libbpf's 1.7 is no release of the kernel.
        label += " (its versions are not known to be the kernel's)"

    def part(
        name: str,
        read: Callable[[Iterator[list[str]]], Iterator[Any]],
        files: Mapping[str, File] = files,
    ) -> Iterator[Any]:
        try:
            yield from read(_cells(files.get(name, _MISSING), folder, name))
        except (ValueError, TypeError, OverflowError) as error:
            raise DatasetError(
                f"{folder / name} is damaged ({_reason(error)}); scan again"
            ) from error

    rows = tuple(part(TIMELINE, _rows))

    def tags() -> tuple[Tag, ...]:
        return tuple(part("tags.csv", lambda cells: _tags(cells, rows)))

    def relations(name: str) -> Parts:
        wanted = set(RELATION_COLUMNS) - ({DETAILS} if name else set())
        found = files if later is None else later(wanted)
        runs = [RELATIONS]
        if name:
            found = {
                **found,
                **{
                    file: _lines_with(found.get(file, _MISSING), name)
                    for file in (RELATIONS, INTRODUCTIONS, STABLE)
                },
            }
        else:
            runs.append(DETAILS)
        return Parts(
            _by_kind(part(file, parse_runs, found) for file in runs),
            part(READINGS, parse_readings, found),
            part(INTRODUCTIONS, parse_introductions, found),
            part(LOST, parse_lost, found),
            part(SOURCE_FILES, parse_source_files, found),
            part(STABLE, parse_stable_runs, found),
            part(UPDATES, parse_updates, found),
        )

    def evidence(name: str) -> tuple[Iterator[Evidence], Iterator[Witness]]:
        found = files if later is None else later((EVIDENCE, WITNESSES))
        if name:
            found = {**found, EVIDENCE: _lines_with(found.get(EVIDENCE, _MISSING), name)}
        return part(EVIDENCE, parse_evidence, found), part(WITNESSES, parse_witnesses, found)

    return Timeline(
        metadata,
        rows,
        tags,
        lambda: part("spans.csv", lambda cells: _spans(cells, tags())),
        lambda: part("events.csv", lambda cells: (Event(*row) for row in cells)),
        lambda: part("docs.csv", lambda cells: (Doc(*row) for row in cells)),
        label,
        relations,
        evidence,
    )


def _by_kind(files: Iterable[Iterator[Run]]) -> Iterator[Run]:
    """Yield the runs of files, each of them sorted, in one order: no two have one kind."""
    yield from sorted(chain.from_iterable(files), key=attrgetter("kind"))


_MISSING = FileNotFoundError(ENOENT, "No such file or directory")
_TEXT, _MAYBE = (str,), (str, type(None))
#: What the values of the metadata are, other than lists.
_TYPES: dict[str, tuple[type, ...]] = {
    "source": _TEXT, "pattern": _TEXT, "head": _MAYBE, "time": _MAYBE, "tags": (int,),
    "newest": _MAYBE, "commits": (bool,), "kernel": (bool,),
    "version": _TEXT,
}  # fmt: skip


def parse_metadata(data: File, folder: Path) -> Metadata:
    """Return what a dataset says of itself.

    :raises DatasetError: it is missing, damaged or of another format
    """
    path = folder / METADATA
    try:
        raw: dict[str, Any] = json.loads(_content(data).decode("utf-8"))
        found = raw["format"]
        if found != FORMAT:
            raise DatasetError(
                f"{path} has format {str(found)[:20]!r}, this helperhist reads {FORMAT}; scan again"
            )
        for key in ("paths", "notes", "shallow"):
            _require(isinstance(raw[key], list), f"its {key} are no list")
            _require(all(isinstance(item, str) for item in raw[key]), f"its {key} are no texts")
            raw[key] = tuple(raw[key])
        for key, kinds in _TYPES.items():
            # type(): JSON's true is no number, though Python's is.
            _require(type(raw[key]) in kinds, f"its {key} is of another type")
        # Datasets had none before sources of whole trees were read.
        raw.setdefault("sources", {})
        for key in ("skipped", "sources"):
            _require(isinstance(raw[key], dict), f"its {key} is of another type")
            raw[key] = tuple(sorted(raw[key].items()))
            numbers = all(type(count) is int for _, count in raw[key])
            _require(numbers, f"its {key} has no numbers")
        return Metadata(**raw)
    except FileNotFoundError as error:
        raise DatasetError(f"no dataset at {folder}; make one with `scan`") from error
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DatasetError(f"{path} is damaged ({_reason(error)}); scan again") from error


def _content(data: File) -> bytes:
    if isinstance(data, OSError):
        raise data
    return data


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ValueError(what)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _cells(data: File, folder: Path, name: str) -> Iterator[list[str]]:
    path, columns = folder / name, _COLUMNS[name]
    if isinstance(data, FileNotFoundError) and name in _OPTIONAL:
        return
    try:
        text = _content(data).decode("utf-8")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(reader, [])
        if tuple(header) != columns:
            raise DatasetError(f"{path} has other columns than expected; scan again")
        width = len(columns)
        for cells in reader:
            if len(cells) != width:
                raise DatasetError(f"{path}:{reader.line_num} is damaged; scan again")
            yield cells
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}; scan again") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} is damaged ({error}); scan again") from error


def _lines_with(data: File, name: str) -> File:
    """Return the header and the lines that have a name in a cell of its own."""
    if not isinstance(data, bytes):
        return data
    header, *lines = data.splitlines(keepends=True) or [b""]
    cell = f",{name},".encode()
    return header + b"".join(line for line in lines if cell in line)


def _rows(rows: Iterable[list[str]]) -> Iterator[Row]:
    names = set()
    for cells in rows:
        kind, name, number, since, tag, first, released, removed, earlier = cells[:9]
        commit, author_date, commit_date, subject, former, backports = cells[9:15]
        _require(name not in names, f"{name[:60]!r} is there twice")
        names.add(name)
        _require(earlier in ("", "yes"), f"{earlier[:20]!r} is not yes or nothing")
        _require(not commit.strip("0123456789abcdef"), f"{commit[:60]!r} is no commit")
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
    _require(str(number) == cell, f"{cell[:30]!r} is no number")
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
        _require(date.fromisoformat(cell).isoformat() == cell, f"{cell[:30]!r} is no date")
    return cell or None


def _moment(cell: str) -> str | None:
    if cell:
        plain = cell.removesuffix("Z")
        known = plain != cell and datetime.fromisoformat(plain).isoformat() == plain
        _require(known and len(plain) == 19, f"{cell[:30]!r} is no time")
    return cell or None


def _tags(cells: Iterable[list[str]], rows: Sequence[Row]) -> Iterator[Tag]:
    """Return the tags; they are in order, and those that rows name are among them."""
    known: dict[str, KernelVersion] = {}
    last: KernelVersion | None = None
    for tag, version, target, commit, day, path, blob in cells:
        parsed = KernelVersion.parse(version)
        _require(tag not in known, f"{tag[:60]!r} is there twice")
        _require(last is None or last <= parsed, f"{tag[:60]!r} is out of order")
        known[tag] = last = parsed
        yield Tag(tag, parsed, target, commit, _day(day), path, blob)
    for row in rows:
        for name in (row.tag, row.first_tag, row.removed):
            _require(
                name is None or name in known,
                f"it lacks a tag that timeline.csv has, of {row.name[:60]!r}",
            )


def _spans(cells: Iterable[list[str]], tags: Iterable[Tag]) -> Iterator[Span]:
    position = {tag.name: index for index, tag in enumerate(tags)}
    for series, kind, name, number, first, last in cells:
        known = first in position and (not last or last in position)
        _require(known, f"{name[:60]!r} has a tag that is not in tags.csv")
        in_order = not last or position[first] <= position[last]
        _require(in_order, f"{name[:60]!r} ends before it begins")
        yield Span(series, kind, name, _parse_number(number), first, last or None)


def render_dataset(timeline: Timeline) -> dict[str, str]:
    """Return the files of a dataset, name to text; equal timelines give equal texts."""
    files = {
        TIMELINE: _render(TIMELINE, (_row_cells(row) for row in timeline.rows)),
        "tags.csv": _render(
            "tags.csv",
            (
                (t.name, str(t.version), t.target, t.commit, t.date or "", t.path, t.blob)
                for t in timeline.tags
            ),
        ),
        "spans.csv": _render(
            "spans.csv",
            (
                (s.series, s.kind, s.name, _number(s.id), s.first, s.last or "")
                for s in timeline.spans
            ),
        ),
        "events.csv": _render(
            "events.csv",
            ((e.event, e.kind, e.name, e.tag, e.before, e.after) for e in timeline.events),
        ),
    }
    if timeline.docs:
        files["docs.csv"] = _render(
            "docs.csv", ((d.name, d.tag, d.description, d.returns) for d in timeline.docs)
        )
    for name, cells in relation_cells(timeline.parts).items():
        # Runs may be none where something was read.
        if cells or (name == RELATIONS and timeline.parts.readings):
            files[name] = _render(name, cells)
    statements = timeline.statements_of("")
    if statements.evidence:
        files[EVIDENCE] = _render(EVIDENCE, map(astuple, statements.evidence))
        files[WITNESSES] = _render(
            WITNESSES,
            ((w.by, w.revision, str(w.trust), w.about) for w in statements.witnesses.values()),
        )
    metadata = asdict(timeline.metadata)
    for key in ("skipped", "sources"):
        metadata[key] = dict(metadata[key])
    if not metadata["sources"]:
        del metadata["sources"]
    files[METADATA] = json.dumps(metadata, indent=2, ensure_ascii=False) + "\n"
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


def _render(name: str, rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    # csv quotes a line feed, but not a carriage return, at which it ends a row when it reads.
    careful = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(_COLUMNS[name])
    for row in rows:
        (careful if any("\r" in cell for cell in row) else writer).writerow(row)
    return buffer.getvalue()
