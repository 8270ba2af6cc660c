"""Counts of a timeline's names: by release, by family, by longterm kernel; times."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helperhist.frames.families import FAMILIES, family
from helperhist.frames.shapes import long_frame, matrix, parse_dates, table
from helperhist.timeline import LISTS, LTS, Timeline, lts_tags, releases, require_kinds

__all__ = ["by_lts", "family_growth", "growth", "lead_times"]


def growth(timeline: Timeline, kinds: Sequence[str] = ("helper",)) -> pd.DataFrame:
    """Return the size of lists at each mainline release.

    Of the numbered lists (:data:`helperhist.timeline.LISTS`) numbers are counted, not names: two
    names of one number (``BPF_PROG_RUN`` and ``BPF_PROG_TEST_RUN``) are one command. Of other
    kinds names are. One row per release and kind:

    =============== ====================== ====================================================
    column          dtype                  content
    =============== ====================== ====================================================
    version         category, ordered      ``"5.8"``
    released        datetime64[s]          NaT where it is not known
    lts             bool                   whether a longterm kernel starts from it
    kind            category, ordered      in the order asked for
    total           int64                  members of the list
    new             int64                  of these, members that no older release had
    older           int64                  members first seen here that may be older
    =============== ====================== ====================================================

    What the data begins with, and what comes after a release that is not in it, may be older than
    the release that is the first to have it: it is in ``total`` and in no release ``new``.

    :raises DatasetError: the timeline has no release, or no such kind of names
    """
    require_kinds(timeline, [kind for kind in kinds if kind not in LISTS])
    frame = _release_names(timeline, kinds)
    group = frame["kind"].astype(pd.CategoricalDtype(list(kinds), ordered=True))
    return _count(timeline, frame.assign(group=group)).rename(columns={"group": "kind"})


def family_growth(timeline: Timeline) -> pd.DataFrame:
    """Return as :func:`growth` the helpers by family: column ``family`` instead of ``kind``.

    The categories of ``family`` are in the order of :data:`helperhist.frames.families.FAMILIES`.

    :raises DatasetError: the timeline has no release
    """
    frame = _release_names(timeline, ("helper",))
    order = pd.CategoricalDtype([item.name for item in FAMILIES], ordered=True)
    names = {name: family(name) for name in frame["name"].unique()}
    group = frame["name"].astype(object).map(names).astype(order)
    return _count(timeline, frame.assign(group=group)).rename(columns={"group": "family"})


def by_lts(timeline: Timeline, kind: str = "helper") -> pd.DataFrame:
    """Return which longterm release has which name: rows are names, columns releases, cells bool.

    The last column is the newest release, longterm or not. Names come in the order of
    :func:`matrix`; those that none of these releases has are left out.

    :raises DatasetError: the timeline has no release, or no name of this kind
    """
    tags = lts_tags(timeline)
    cells = matrix(timeline, kind).loc[[tag.name for tag in tags]].T
    cells.columns = pd.Index([tag.version.text for tag in tags], name="release")
    return cells[cells.any(axis=1)]


def lead_times(timeline: Timeline, kind: str = "helper") -> pd.DataFrame:
    """Return how long names were on the way: from the author's date to the release.

    One row per name of which both dates are known (so none of the embedded data, which has no
    author dates, nor any of another history than the kernel's: its commits are not those of the
    helpers) and the release too (so none that may be older than the data tells), in row order:

    =============== ====================== ====================================================
    column          dtype                  content
    =============== ====================== ====================================================
    name            string
    since           category, ordered      the release
    author_date     datetime64[s, UTC]     of the introducing commit, in its last revision
    released        datetime64[s, UTC]     midnight of the day of the release's tag
    days            float64                between the two
    =============== ====================== ====================================================
    """
    rows = table(timeline)
    dated = rows["author_date"].notna() & rows["released"].notna()
    dated &= timeline.metadata.kernel
    rows = rows[(rows["kind"] == kind) & dated & ~rows["or_earlier"]]
    rows = rows[["name", "since", "author_date", "released"]].reset_index(drop=True)
    rows["released"] = rows["released"].dt.tz_localize("UTC")
    rows["days"] = (rows["released"] - rows["author_date"]).dt.total_seconds() / 86400
    return rows


def _release_names(timeline: Timeline, kinds: Sequence[str]) -> pd.DataFrame:
    """Return the long frame of the releases, one row per member of a list instead of name."""
    frame = long_frame(timeline)
    wanted = [tag.name for tag in releases(timeline)]
    frame = frame[frame["tag"].isin(wanted) & frame["kind"].isin(list(kinds))]
    names = frame["name"].astype("string")
    # The numbers of flags are their values, which several may share.
    numbered = frame["kind"].isin(list(LISTS)) & frame["id"].notna()
    member = frame["id"].astype("string").where(numbered, names)
    return frame.assign(member=member).drop_duplicates(["tag", "kind", "member"])


def _maybe_older(timeline: Timeline) -> list[str]:
    """Return the names that come where the data has not the release before."""
    begins = {(row.kind, row.first_tag) for row in timeline.rows if row.or_earlier}
    return [span.name for span in timeline.spans if (span.kind, span.first) in begins]


def _count(timeline: Timeline, frame: pd.DataFrame) -> pd.DataFrame:
    tags = releases(timeline)
    total = frame.groupby(["tag", "group"], observed=False).size()
    # Oldest tags stand first, so the first of equal members is the new one.
    first = frame.drop_duplicates(["kind", "member"])
    maybe_older = first["name"].isin(_maybe_older(timeline))
    new = first[~maybe_older].groupby(["tag", "group"], observed=False).size()
    older = first[maybe_older].groupby(["tag", "group"], observed=False).size()
    groups = frame["group"].cat.categories
    every = pd.MultiIndex.from_product([[tag.name for tag in tags], groups])
    versions = [tag.version.text for tag in tags]
    return pd.DataFrame(
        {
            "version": pd.Categorical(
                np.repeat(np.array(versions, dtype=object), len(groups)),
                list(dict.fromkeys(versions)),
                ordered=True,
            ),
            "released": parse_dates(tag.date for tag in tags).repeat(len(groups)),
            "lts": np.repeat(np.array([text in LTS for text in versions]), len(groups)),
            "group": pd.Categorical(list(groups) * len(tags), groups, ordered=True),
            "total": total.reindex(every, fill_value=0).to_numpy(dtype=np.int64),
            "new": new.reindex(every, fill_value=0).to_numpy(dtype=np.int64),
            "older": older.reindex(every, fill_value=0).to_numpy(dtype=np.int64),
        }
    )
