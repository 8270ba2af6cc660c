"""Which release has which relation: yes, no, or nobody can tell."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from helperhist.errors import DatasetError
from helperhist.frames.shapes import parse_dates
from helperhist.timeline import LTS, Relation, Tag, Timeline, plural, releases
from helperhist.version import KernelVersion

__all__ = ["BOUND", "NO", "YES", "Cells", "find_cells", "read_tags", "release_columns"]

NO, YES, BOUND = 0, 1, 2

#: Relations by releases: :data:`NO`, :data:`YES`, or :data:`BOUND` where nobody can tell.
Cells = npt.NDArray[np.int8]


def read_tags(timeline: Timeline, kind: str) -> tuple[Tag, ...]:
    """Return the mainline releases from the first to the last that was read for a kind.

    Some between them may not have been read.

    :raises DatasetError: the timeline has no release, or no relation of this kind
    """
    every = releases(timeline)
    read = [KernelVersion.parse(text) for text in timeline.relations.read(kind)]
    if not read or not timeline.relations.names(kind):
        raise DatasetError(f"this data has no {plural(kind)}; use --data embedded")
    return tuple(tag for tag in every if read[0] <= tag.version <= read[-1])


def find_cells(timeline: Timeline, relations: Iterable[Relation], tags: Iterable[Tag]) -> "Cells":
    """Return which of the tags, mainline releases, has which of the relations."""
    versions = [tag.version for tag in tags]
    place = {version.text: index for index, version in enumerate(versions)}
    rows = [_states(timeline, relation, versions, place) for relation in relations]
    return np.array(rows, dtype=np.int8).reshape(len(rows), len(versions))


def _states(
    timeline: Timeline, relation: Relation, versions: list[KernelVersion], place: dict[str, int]
) -> list[int]:
    known = timeline.relations
    key = relation.kind, relation.name, relation.object

    def ask(index: int) -> int:
        answer = known.has(*key, versions[index]).answer
        return BOUND if answer is None else int(answer)

    read = [place[text] for text in known.read(relation.kind) if text in place]
    states = [NO] * len(versions)
    for item in relation.intervals:
        start, end = KernelVersion.parse(item.start), item.end
        stop = None if end is None else KernelVersion.parse(end)
        inside = [
            index
            for index in read
            if start <= versions[index] and (stop is None or versions[index] < stop)
        ]
        # An interval has one value, so that one answer is that of all its releases.
        answer = ask(inside[0]) if inside else NO
        for index in inside:
            states[index] = answer
    for index in set(range(len(versions))) - set(read):
        states[index] = ask(index)
    return states


def release_columns(tags: Iterable[Tag], repeat: int = 1) -> dict[str, object]:
    """Return the columns ``version``, ``released`` and ``lts`` of releases, each some times."""
    tags = list(tags)
    versions = [tag.version.text for tag in tags]
    return {
        "version": pd.Categorical(
            np.repeat(np.array(versions, dtype=object), repeat),
            list(dict.fromkeys(versions)),
            ordered=True,
        ),
        "released": parse_dates(tag.date for tag in tags).repeat(repeat),
        "lts": np.repeat(np.array([text in LTS for text in versions], dtype=bool), repeat),
    }
