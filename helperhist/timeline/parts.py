"""What relations are made of, as a dataset holds it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

__all__ = [
    "Introduction",
    "Lost",
    "Parts",
    "Reading",
    "Run",
    "SourceFile",
    "StableReading",
    "StableRun",
]


@dataclass(frozen=True, slots=True)
class Run:
    """Successive releases, of those that were read, that have a fact with one value.

    :ivar object: a program type or map type; empty for what is no relation of two names
    :ivar value: a condition, flags or a prototype
    :ivar first: tag of the first release
    :ivar last: tag of the last one; None where the run goes on to the newest that was read
    """

    kind: str
    name: str
    object: str
    value: str
    first: str
    last: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """That a source was read at a release, and from which copy of it."""

    source: str
    tag: str
    origin: str


@dataclass(frozen=True, slots=True)
class StableRun:
    """Successive updates of a series that have a fact with one value.

    Only facts are listed that differ from the release that the series starts from somewhere in it;
    that release is the first of its tags, where it was read.

    :ivar series: ``"5.10"``
    :ivar last: None where the run goes on to the newest update that was read
    """

    series: str
    kind: str
    name: str
    object: str
    value: str
    first: str
    last: str | None


@dataclass(frozen=True, slots=True)
class StableReading:
    """That a source was read at an update of a release."""

    source: str
    tag: str


@dataclass(frozen=True, slots=True)
class Lost:
    """Why a source says nothing of a release: the file that it cannot read, and what is there."""

    source: str
    tag: str
    path: str
    what: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the newest release read, of which a source has read something."""

    source: str
    path: str


@dataclass(frozen=True, slots=True)
class Introduction:
    """The commit with which a run begins: it brought the fact, or its value.

    :ivar first: the first tag of the run
    :ivar author_date: ISO 8601 in UTC, as ``commit_date``; None where it is not known
    :ivar subject: empty where it is not known
    """

    kind: str
    name: str
    object: str
    first: str
    commit: str
    author_date: str | None
    commit_date: str | None
    subject: str


class Parts(NamedTuple):
    """All of it, of one name or of every name."""

    runs: Iterable[Run] = ()
    readings: Iterable[Reading] = ()
    introductions: Iterable[Introduction] = ()
    lost: Iterable[Lost] = ()
    files: Iterable[SourceFile] = ()
    stable: Iterable[StableRun] = ()
    updates: Iterable[StableReading] = ()
