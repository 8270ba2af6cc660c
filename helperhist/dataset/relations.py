"""The files of a dataset that say which helper and kfunc may be called from where.

=================  ===============================================================================
``relations.csv``  the runs of releases that have a fact: :class:`helperhist.timeline.Run`
``details.csv``    the same, of the kinds in :data:`DETAIL_KINDS`: no answer on one name has them
``readings.csv``   which source was read at which release: :class:`helperhist.timeline.Reading`
=================  ===============================================================================
"""

from collections.abc import Iterable, Iterator

from helperhist.timeline import SOURCES, Reading, Run
from helperhist.version import KernelVersion

__all__ = [
    "DETAILS",
    "DETAIL_KINDS",
    "READINGS",
    "RELATIONS",
    "RELATION_COLUMNS",
    "parse_readings",
    "parse_runs",
]

RELATIONS = "relations.csv"
DETAILS = "details.csv"
DETAIL_KINDS = frozenset(("arch_use", "contract"))
READINGS = "readings.csv"
_RUN = ("kind", "name", "object", "value", "first", "last")
RELATION_COLUMNS: dict[str, tuple[str, ...]] = {
    RELATIONS: _RUN,
    DETAILS: _RUN,
    READINGS: ("source", "tag", "origin"),
}


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
