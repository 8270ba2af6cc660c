"""The files of a dataset that say which helper and kfunc may be called from where.

=====================  ===========================================================================
``relations.csv``      the runs of releases that have a fact: :class:`helperhist.timeline.Run`
``details.csv``        the same, of the kinds of :data:`DETAIL_KINDS`: no answer on a name has them
``readings.csv``       which source was read at which release: :class:`helperhist.timeline.Reading`
``introductions.csv``  the commits that runs begin with: :class:`helperhist.timeline.Introduction`
``lost.csv``           why a source says nothing of a release: :class:`helperhist.timeline.Lost`
``stable.csv``         runs of updates: :class:`helperhist.timeline.StableRun`
``updates.csv``        updates read: :class:`helperhist.timeline.StableReading`
``files.csv``          what a source read of the newest: :class:`helperhist.timeline.SourceFile`
=====================  ===========================================================================
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple

from helperhist.timeline import (
    SOURCES,
    Introduction,
    Lost,
    Parts,
    Reading,
    Run,
    SourceFile,
    StableReading,
    StableRun,
)
from helperhist.version import KernelVersion

__all__ = [
    "DETAILS",
    "INTRODUCTIONS",
    "LOST",
    "READINGS",
    "RELATIONS",
    "RELATION_COLUMNS",
    "SOURCE_FILES",
    "STABLE",
    "UPDATES",
    "parse_introductions",
    "parse_lost",
    "parse_readings",
    "parse_runs",
    "parse_source_files",
    "parse_stable_runs",
    "parse_updates",
    "relation_cells",
]

RELATIONS = "relations.csv"
DETAILS = "details.csv"
DETAIL_KINDS = frozenset(("arch_use", "contract"))
READINGS = "readings.csv"
INTRODUCTIONS = "introductions.csv"
LOST = "lost.csv"
SOURCE_FILES = "files.csv"
STABLE = "stable.csv"
UPDATES = "updates.csv"
_RUN = ("kind", "name", "object", "value", "first", "last")
RELATION_COLUMNS: dict[str, tuple[str, ...]] = {
    RELATIONS: _RUN,
    DETAILS: _RUN,
    READINGS: ("source", "tag", "origin"),
    INTRODUCTIONS: (
        "kind", "name", "object", "first", "commit", "author_date", "commit_date", "subject",
    ),
    LOST: ("source", "tag", "path", "what"),
    SOURCE_FILES: ("source", "path"),
    STABLE: ("series", "kind", "name", "object", "value", "first", "last"),
    UPDATES: ("source", "tag"),
}  # fmt: skip


def parse_readings(rows: Iterable[list[str]]) -> Iterator[Reading]:
    """Read the rows of ``readings.csv``.

    :raises ValueError: a release is there twice for a source, or is not one of mainline
    """
    seen = set()
    for source, tag, origin in rows:
        version = KernelVersion.parse(tag)
        if version.is_stable or version.rc is not None or version.build:
            raise ValueError(f"{tag[:60]!r} is not a release of mainline")
        if (source, version) in seen:
            raise ValueError(f"{tag[:60]!r} is there twice")
        seen.add((source, version))
        yield Reading(source, tag, origin)


def parse_runs(rows: Iterable[list[str]]) -> Iterator[Run]:
    """Read the rows of ``relations.csv``.

    :raises ValueError: a kind is not known
    """
    for kind, name, other, value, first, last in rows:
        if kind not in SOURCES:
            raise ValueError(f"{kind[:60]!r} is not a kind of relation")
        yield Run(kind, name, other, value, first, last or None)


def parse_introductions(rows: Iterable[list[str]]) -> Iterator[Introduction]:
    """Read the rows of ``introductions.csv``.

    :raises ValueError: a commit is not one
    """
    for kind, name, other, first, commit, author_date, commit_date, subject in rows:
        if not commit or commit.strip("0123456789abcdef"):
            raise ValueError(f"{commit[:60]!r} is no commit")
        yield Introduction(
            kind, name, other, first, commit, author_date or None, commit_date or None, subject
        )


def parse_lost(rows: Iterable[list[str]]) -> Iterator[Lost]:
    """Read the rows of ``lost.csv``."""
    return (Lost(*row) for row in rows)


def parse_source_files(rows: Iterable[list[str]]) -> Iterator[SourceFile]:
    """Read the rows of ``files.csv``."""
    return (SourceFile(*row) for row in rows)


def parse_stable_runs(rows: Iterable[list[str]]) -> Iterator[StableRun]:
    """Read the rows of ``stable.csv``.

    :raises ValueError: a kind or a version is not known
    """
    for series, kind, name, other, value, first, last in rows:
        if kind not in SOURCES:
            raise ValueError(f"{kind[:60]!r} is not a kind of relation")
        for tag in (first, last or first):
            KernelVersion.parse(tag)
        yield StableRun(series, kind, name, other, value, first, last or None)


def parse_updates(rows: Iterable[list[str]]) -> Iterator[StableReading]:
    """Read the rows of ``updates.csv``.

    :raises ValueError: a tag is not an update
    """
    for source, tag in rows:
        if not KernelVersion.parse(tag).is_stable:
            raise ValueError(f"{tag[:60]!r} is not an update of a release")
        yield StableReading(source, tag)


def relation_cells(parts: Parts) -> dict[str, list[Sequence[str]]]:
    """Return the rows of each file; a file without any is not written."""
    found: dict[
        str,
        Iterable[Run | Reading | Introduction | Lost | SourceFile | StableRun | StableReading],
    ] = {
        RELATIONS: [run for run in parts.runs if run.kind not in DETAIL_KINDS],
        DETAILS: [run for run in parts.runs if run.kind in DETAIL_KINDS],
        READINGS: parts.readings,
        INTRODUCTIONS: parts.introductions,
        LOST: parts.lost,
        SOURCE_FILES: parts.files,
        STABLE: parts.stable,
        UPDATES: parts.updates,
    }
    return {
        name: [["" if cell is None else cell for cell in astuple(item)] for item in items]
        for name, items in found.items()
    }
