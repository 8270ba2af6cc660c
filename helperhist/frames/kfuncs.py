"""Kfuncs as DataFrames: how many, how long each lived, what came and went with each release.

The kfuncs of the kernel's own tests are left out. Not every release was read: what came or went
between two that were has bounds.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from helperhist.errors import DatasetError
from helperhist.frames.counts import growth
from helperhist.frames.states import NO, YES, find_cells, read_tags, release_columns
from helperhist.timeline import Relation, Timeline, releases
from helperhist.version import KernelVersion

__all__ = ["kfunc_churn", "kfunc_growth", "kfuncs"]


def kfuncs(timeline: Timeline) -> pd.DataFrame:
    """Return one row per life of a kfunc: from a release to the first without it again.

    A few came, went and came back; each of their lives is a row. Sorted as the data is.

    =============== ====================== ====================================================
    column          dtype                  content
    =============== ====================== ====================================================
    name            string
    subsystem       category               from the name alone: ``scx``, ``hid``, ``bpf_dynptr``
    flags           string                 ``"KF_ACQUIRE KF_RET_NULL"`` in its last release
    since           category, ordered      the first release read that has it
    absent          string                 the newest known to lack it; NA: the one before since
    or_earlier      bool                   no older release is known to lack it
    removed         category, ordered      the first release read without it; NA: still there
    seen            string                 the newest that has it; NA: the one before removed
    renamed_to      string                 the name under which it goes on, else NA
    lived           Int64                  mainline releases from since to before removed
    =============== ====================== ====================================================

    A kfunc that goes is taken to go on under another name where that came later than it, is there
    when it is not, and has the same parameters and the same first two words (``scx_bpf_consume``,
    ``scx_bpf_dsq_move_to_local``), or is its name with or without ``_impl``.

    :raises DatasetError: the timeline has no release or no kfunc
    """
    read_tags(timeline, "kfunc")
    order = [tag.version for tag in releases(timeline)]
    relations = _without_tests(timeline)
    read = [KernelVersion.parse(text) for text in timeline.relations.read("kfunc")]
    prototypes = {item.name: item for item in timeline.relations.find("kfunc_proto")}
    rows = []
    for item in relations:
        for at, (start, end) in enumerate(item.presences):
            newest = at == len(item.presences) - 1
            absent, seen = (
                (item.absent, item.seen) if newest else (_unread(start, read), _unread(end, read))
            )
            rows.append({
                "name": item.name,
                "subsystem": _subsystem(item.name),
                "flags": _value_before(item, end),
                "since": start,
                "absent": absent,
                "or_earlier": item.or_earlier and at == 0,
                "removed": end,
                "seen": seen,
                "renamed_to": _successor(item.name, start, end, relations, prototypes),
                "lived": _between(start, end, order),
            })  # fmt: skip
    if not rows:
        raise DatasetError("this data has no kfuncs but those of tests; use --data embedded")
    frame = pd.DataFrame(rows)
    texts = [version.text for version in sorted({*order, *read})]
    for column in ("since", "removed"):
        frame[column] = pd.Categorical(frame[column], texts, ordered=True)
    types = dict.fromkeys(("name", "flags", "absent", "seen", "renamed_to"), "string")
    return frame.astype({**types, "subsystem": "category", "lived": "Int64"})


def kfunc_growth(timeline: Timeline) -> pd.DataFrame:
    """Return the number of kfuncs beside that of helpers, at each mainline release.

    =============== ====================== ====================================================
    column          dtype                  content
    =============== ====================== ====================================================
    version         category, ordered      ``"5.8"``
    released        datetime64[s]          NaT where it is not known
    lts             bool                   whether a longterm kernel starts from it
    helpers         int64                  as in :func:`growth`
    kfuncs          Int64                  at least; NA before the first release read
    kfuncs_most     Int64                  at most: more than ``kfuncs`` where it was not read
    =============== ====================== ====================================================

    :raises DatasetError: the timeline has no release or no kfunc
    """
    tags = read_tags(timeline, "kfunc")
    cells = find_cells(timeline, _without_tests(timeline), tags)
    frame = growth(timeline)[["version", "released", "lts", "total"]]
    frame = frame.rename(columns={"total": "helpers"})
    counts = pd.DataFrame(
        {"kfuncs": (cells == YES).sum(axis=0), "kfuncs_most": (cells != NO).sum(axis=0)},
        index=[tag.version.text for tag in tags],
    )
    for column in counts:
        found = counts[column].reindex([str(version) for version in frame["version"]])
        frame[column] = pd.array(found.to_numpy(), dtype="Int64")
    return frame


def kfunc_churn(timeline: Timeline) -> pd.DataFrame:
    """Return how many kfuncs came, went, and went on under another name, by release.

    =============== ====================== ====================================================
    column          dtype                  content
    =============== ====================== ====================================================
    version         category, ordered      from the first release with a kfunc on
    released        datetime64[s]          NaT where it is not known
    lts             bool                   whether a longterm kernel starts from it
    added           int64                  came with this release
    renamed         int64                  went with this release, on under another name
    removed         int64                  went with this release, not renamed
    added_by        int64                  came with this release or one before it, not read
    renamed_by      int64                  went so
    removed_by      int64                  went so
    older           int64                  there when the data begins: in no other column
    =============== ====================== ====================================================

    Columns do not overlap. What goes and comes back is counted each time.

    :raises DatasetError: the timeline has no release or no kfunc
    """
    lives = kfuncs(timeline)
    tags = [
        tag for tag in releases(timeline)
        if tag.version >= KernelVersion.parse(str(lives["since"].min()))
    ]  # fmt: skip
    frame = pd.DataFrame(release_columns(tags))
    renamed, gone = lives["renamed_to"].notna(), lives["removed"].notna()
    bound_in, bound_out = lives["absent"].notna(), lives["seen"].notna()
    older = lives["or_earlier"]
    chosen = {
        "added": ("since", ~bound_in & ~older),
        "renamed": ("removed", gone & renamed & ~bound_out),
        "removed": ("removed", gone & ~renamed & ~bound_out),
        "added_by": ("since", bound_in & ~older),
        "renamed_by": ("removed", gone & renamed & bound_out),
        "removed_by": ("removed", gone & ~renamed & bound_out),
        "older": ("since", older),
    }
    for column, (release, wanted) in chosen.items():
        counts = lives.loc[wanted, release].astype(str).value_counts()
        found = counts.reindex([tag.version.text for tag in tags], fill_value=0)
        frame[column] = found.to_numpy(dtype=np.int64)
    return frame


def _without_tests(timeline: Timeline) -> list[Relation]:
    tests = set(timeline.relations.names("kfunc_test"))
    return [item for item in timeline.relations.find("kfunc") if item.name not in tests]


def _subsystem(name: str) -> str:
    """Return the first words of a name that say what it is about.

    >>> _subsystem("bpf_dynptr_slice"), _subsystem("scx_bpf_dispatch"), _subsystem("tcp_reno_undo")
    ('bpf_dynptr', 'scx', 'tcp')
    """
    words = name.strip("_").split("_")
    return "_".join(words[:2]) if words[0] == "bpf" else words[0]


def _unread(release: str | None, read: Sequence[KernelVersion]) -> str | None:
    """Return the release read before one, unless that is the one directly before."""
    if release is None:
        return None
    version = KernelVersion.parse(release)
    at = bisect_left(read, version)
    return None if not at or version.follows(read[at - 1], kernel=True) else read[at - 1].text


def _between(start: str, end: str | None, order: Sequence[KernelVersion]) -> int:
    last = len(order) if end is None else bisect_left(order, KernelVersion.parse(end))
    return last - bisect_left(order, KernelVersion.parse(start))


def _value_before(relation: Relation, end: str | None) -> str:
    """Return the value that a relation had last before a release, or has now."""
    held = [
        item.value
        for item in relation.intervals
        if end is None or KernelVersion.parse(item.start) < KernelVersion.parse(end)
    ]
    return held[-1] if held else ""


def _value_at(relation: Relation, version: KernelVersion) -> str | None:
    for item in relation.intervals:
        if KernelVersion.parse(item.start) <= version and (
            item.end is None or version < KernelVersion.parse(item.end)
        ):
            return item.value
    return None


def _successor(
    name: str,
    start: str,
    end: str | None,
    relations: Sequence[Relation],
    prototypes: Mapping[str, Relation],
) -> str | None:
    """Return the name under which a kfunc goes on; see :func:`kfuncs` for the rule."""
    if end is None:
        return None
    born, gone = KernelVersion.parse(start), KernelVersion.parse(end)
    later = [
        item.name
        for item in relations
        if item.name != name
        and any(
            born < KernelVersion.parse(first) <= gone
            and (last is None or gone < KernelVersion.parse(last))
            for first, last in item.presences
        )
    ]
    for other in (f"{name}_impl", name.removesuffix("_impl")):
        if other in later:
            return other
    mine = prototypes.get(name)
    wanted = None if mine is None else _value_before(mine, end).replace(f"{name}(", "(")
    words = name.split("_")[:2]
    for other in later:
        theirs = prototypes.get(other)
        found = None if theirs is None else _value_at(theirs, gone)
        alike = bool(wanted and found) and other.split("_")[:2] == words
        if alike and found is not None and found.replace(f"{other}(", "(") == wanted:
            return other
    return None
