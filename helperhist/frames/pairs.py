"""Pairs of a helper and a program type as DataFrames: since when, how many, how late.

A pair says that programs of the type may call the helper, be it under a condition. Not every
release was read: what came between two that were has bounds.
"""

import numpy as np
import pandas as pd

from helperhist.frames.states import NO, YES, find_cells, read_tags, release_columns
from helperhist.timeline import Relation, Timeline, lts_tags, releases
from helperhist.version import KernelVersion

__all__ = ["by_prog_type", "pair_growth", "pairs"]

_KIND = "helper_use"


def pairs(timeline: Timeline) -> pd.DataFrame:
    """Return one row per pair of a helper and a program type, in the order of the data.

    =============== ====================== ====================================================
    column          dtype                  content
    =============== ====================== ====================================================
    helper          category
    prog_type       category               ``BPF_PROG_TYPE_XDP``
    condition       string                 as in the data, at the newest release; empty: always
    since           category, ordered      the first release read that has the pair
    absent          string                 the newest known to lack it; NA: the one before since
    removed         category, ordered      the first release read without it; NA: still there
    both            category, ordered      the first release with both names; NA: not known
    late            boolean                came after ``both``; NA where nobody can tell
    waited          Int64                  releases from ``both`` to ``since``, NA as ``late``
                                           and where ``since`` has bounds
    =============== ====================== ====================================================

    :raises DatasetError: the timeline has no release or no pair
    """
    read_tags(timeline, _KIND)
    found = timeline.relations.find(_KIND)
    order = [tag.version for tag in releases(timeline)]
    texts = [version.text for version in sorted({
        *order, *(KernelVersion.parse(text) for text in timeline.relations.read(_KIND))
    })]  # fmt: skip
    place = {text: index for index, text in enumerate(texts)}
    both = [_both(timeline, item, place) for item in found]
    late = [_late(item, first, place) for item, first in zip(found, both, strict=True)]
    waited = [
        place[item.since] - place[first]
        if first is not None and came is not None and item.absent is None
        else None
        for item, first, came in zip(found, both, late, strict=True)
    ]
    return pd.DataFrame(
        {
            "helper": pd.Categorical([item.name for item in found]),
            "prog_type": pd.Categorical([item.object for item in found]),
            "condition": pd.array([item.value for item in found], dtype="string"),
            "since": pd.Categorical([item.since for item in found], texts, ordered=True),
            "absent": pd.array([item.absent for item in found], dtype="string"),
            "removed": pd.Categorical([item.removed for item in found], texts, ordered=True),
            "both": pd.Categorical(both, texts, ordered=True),
            "late": pd.array(late, dtype="boolean"),
            "waited": pd.array(waited, dtype="Int64"),
        }
    )


def pair_growth(timeline: Timeline) -> pd.DataFrame:
    """Return how many helpers programs of each type may call, at each mainline release.

    One row per release and program type; releases from the first to the last that was read.

    =============== ====================== ====================================================
    column          dtype                  content
    =============== ====================== ====================================================
    version         category, ordered      ``"5.8"``
    released        datetime64[s]          NaT where it is not known
    lts             bool                   whether a longterm kernel starts from it
    prog_type       category, ordered      ``BPF_PROG_TYPE_XDP``; by the first release with a pair
    total           int64                  helpers, at least
    most            int64                  helpers, at most: more where nobody can tell
    late            int64                  of ``total``, pairs that came later than both names
    =============== ====================== ====================================================

    :raises DatasetError: the timeline has no release or no pair
    """
    tags = read_tags(timeline, _KIND)
    found = timeline.relations.find(_KIND)
    cells = find_cells(timeline, found, tags)
    late = pairs(timeline)["late"].fillna(value=False).to_numpy(dtype=bool)
    objects = np.array([item.object for item in found], dtype=object)
    # By the first release that may have one of its pairs, then by name.
    first = {name: int((cells[objects == name] != NO).any(axis=0).argmax()) for name in objects}
    types = sorted(first, key=lambda name: (first[name], name))
    rows = [objects == name for name in types]
    return pd.DataFrame(
        {
            **release_columns(tags, len(types)),
            "prog_type": pd.Categorical(types * len(tags), types, ordered=True),
            "total": np.array([(cells[row] == YES).sum(axis=0) for row in rows]).T.ravel(),
            "most": np.array([(cells[row] != NO).sum(axis=0) for row in rows]).T.ravel(),
            "late": np.array([(cells[row & late] == YES).sum(axis=0) for row in rows]).T.ravel(),
        }
    )


def by_prog_type(timeline: Timeline) -> pd.DataFrame:
    """Return as :func:`pair_growth` the longterm releases, and last the newest, alone.

    :raises DatasetError: the timeline has no release or no pair
    """
    frame = pair_growth(timeline)
    read = timeline.relations.read(_KIND)
    wanted = {tag.version.text for tag in lts_tags(timeline)} | {read[-1]}
    frame = frame[frame["version"].isin(wanted)].reset_index(drop=True)
    return frame.assign(version=frame["version"].cat.remove_unused_categories())


def _both(timeline: Timeline, relation: Relation, place: dict[str, int]) -> str | None:
    """Return the first release that has the helper and the program type."""
    since = []
    for name in (relation.name, relation.object):
        row = timeline.since(name)
        if row is None or row.since not in place or row.or_earlier:
            return None
        since.append(row.since)
    return max(since, key=lambda text: place[text])


def _late(relation: Relation, both: str | None, place: dict[str, int]) -> bool | None:
    if both is None or relation.or_earlier or relation.since not in place:
        return None
    if place[relation.since] <= place[both]:
        return False
    # Without it is known: later. Between the two it may have come with both names.
    lacks = relation.absent is None or place.get(relation.absent, -1) >= place[both]
    return True if lacks else None
