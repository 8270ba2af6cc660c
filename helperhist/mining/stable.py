"""The sources of whole trees at the updates of releases: what they have that the release has not.

A stable series never says anything of mainline. It is read again as a whole when it has a new tag.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from helperhist.mining.trees import KINDS, Values, find_runs
from helperhist.timeline import Parts, StableReading, StableRun, Tag

__all__ = ["SeriesTags", "find_series", "series_runs", "taken_over"]


@dataclass(frozen=True, slots=True)
class SeriesTags:
    """The updates of one release, oldest first.

    :ivar base: the release, None where it is not tagged
    """

    name: str
    base: Tag | None
    tags: tuple[Tag, ...]


def find_series(tags: Iterable[Tag], releases: Sequence[Tag]) -> list[SeriesTags]:
    """Return the stable series among some tags, oldest first.

    :param releases: those of mainline that sources read
    """
    found: dict[str, list[Tag]] = {}
    for tag in sorted(tags, key=lambda tag: tag.version):
        version = tag.version
        if version.is_stable and tag.name == f"v{version}" and version >= releases[0].version:
            found.setdefault(version.series, []).append(tag)
    bases = {tag.version.text: tag for tag in releases}
    return [SeriesTags(name, bases.get(name), tuple(updates)) for name, updates in found.items()]


def series_runs(
    series: SeriesTags, base: Values | None, values: Mapping[str, Values]
) -> list[StableRun]:
    """Return the runs of the facts of a source that are not the same in a whole series.

    :param base: what the release has that it starts from, None where it was not read
    :param values: what each update has that was read, by tag
    """
    read = [(tag.name, values[tag.name]) for tag in series.tags if tag.name in values]
    if base is not None and series.base is not None:
        read.insert(0, (series.base.name, base))
    first = read[0][0] if read else ""
    return [
        StableRun(series.name, run.kind, run.name, run.object, run.value, run.first, run.last)
        for run in find_runs(read)
        if base is None or run.first != first or run.last is not None
    ]


def taken_over(
    old: Parts, source: str, series: SeriesTags, known: Iterable[str]
) -> tuple[list[StableRun], list[StableReading]] | None:
    """Return what an older dataset has of a series; None where it has other tags.

    :param known: the tags that were there when it was made
    """
    names = {tag.name for tag in series.tags}
    start = {series.base.name} if series.base is not None else set()
    if not names | start <= set(known):
        return None
    readings = [item for item in old.updates if item.source == source and item.tag in names]
    kinds = KINDS[source]
    runs = [run for run in old.stable if run.series == series.name and run.kind in kinds]
    return runs, readings
