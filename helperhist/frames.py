"""A timeline as DataFrames; the only module that imports pandas.

Three shapes of all of it: :func:`table` (a row per name), :func:`long_frame` (a row per tag and
name) and :func:`matrix` (tags by names); the other functions count. Versions and tags are ordered
categories, so that they compare and sort as kernels do, not as text:
``table[table.since <= "5.10"]``.
"""

import io
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from helperhist.analysis import LISTS, LTS, lts_tags, releases
from helperhist.errors import DatasetError
from helperhist.families import FAMILIES, family
from helperhist.timeline import Span, Timeline
from helperhist.version import KernelVersion

__all__ = [
    "by_lts",
    "family_growth",
    "growth",
    "lead_times",
    "long_frame",
    "matrix",
    "table",
    "to_parquet",
]

_I8 = np.iinfo(np.int64)
_Ints = npt.NDArray[np.int64]


def table(timeline: Timeline) -> pd.DataFrame:
    """Return one row per name, in the order of ``timeline.rows``: all fields of ``Row``.

    =============== ====================== ====================================================
    column          dtype                  content
    =============== ====================== ====================================================
    kind            category               helper, map_type, flag, field, ...
    name            string
    id              Int64                  number of a helper, value of a constant, or NA
    since           category, ordered      first release, NA if mainline never had it
    tag             category, ordered      tag of that release
    first_tag       category, ordered      first tag with the name, mostly a candidate
    released        datetime64[s]          date of ``tag``, NaT where it is not known
    removed         category, ordered      first tag without it, NA if it is still there
    or_earlier      bool                   the data begins at ``first_tag``
    commit          string                 40 hex digits, or NA
    author_date     datetime64[s, UTC]     NaT where it is not known; so for ``commit_date``
    commit_date     datetime64[s, UTC]
    subject         string
    former_names    object                 tuple of str
    backports       object                 tuple of ``Backport``
    prototype       string
    attributes      object                 tuple of str
    =============== ====================== ====================================================
    """
    rows = timeline.rows
    tags = _tag_order(timeline)
    releases = sorted(
        {tag.version.release for tag in timeline.tags if not tag.version.is_stable}
        | {row.since for row in rows if row.since is not None},
        key=KernelVersion.parse,
    )
    return pd.DataFrame(
        {
            "kind": pd.Categorical([row.kind for row in rows]),
            "name": _text([row.name for row in rows]),
            "id": _numbers([row.id for row in rows]),
            "since": pd.Categorical([row.since for row in rows], releases, ordered=True),
            "tag": pd.Categorical([row.tag for row in rows], tags, ordered=True),
            "first_tag": pd.Categorical([row.first_tag for row in rows], tags, ordered=True),
            "released": _dates(row.released for row in rows),
            "removed": pd.Categorical([row.removed for row in rows], tags, ordered=True),
            "or_earlier": np.array([row.or_earlier for row in rows], dtype=bool),
            "commit": _text([row.commit for row in rows]),
            "author_date": _dates(row.author_date for row in rows).tz_localize("UTC"),
            "commit_date": _dates(row.commit_date for row in rows).tz_localize("UTC"),
            "subject": _text([row.subject for row in rows]),
            "former_names": _objects([row.former_names for row in rows]),
            "backports": _objects([row.backports for row in rows]),
            "prototype": _text([row.prototype for row in rows]),
            "attributes": _objects([row.attributes for row in rows]),
        }
    )


def long_frame(timeline: Timeline) -> pd.DataFrame:
    """Return one row per tag and name that the tag has: ``timeline.at`` of every tag.

    Sorted by tag (oldest version first), kind, id and name.

    =============== ====================== ====================================================
    column          dtype                  content
    =============== ====================== ====================================================
    tag             category, ordered      as in the repository
    version         category, ordered      ``5.8-rc3`` of ``v5.8-rc3``
    released        datetime64[s]          date of the tag, NaT where it is not known
    kind            category               at this tag
    name            category
    id              Int64                  at this tag; NA of fields and sentinels
    =============== ====================== ====================================================
    """
    spans = timeline.spans
    tag_of, span_of = _presence(timeline)
    ordered = sorted(range(len(spans)), key=lambda index: _span_key(spans[index]))
    rank = np.empty(len(spans), dtype=np.int64)
    rank[ordered] = np.arange(len(spans))
    order = np.lexsort((rank[span_of], tag_of))
    tag_of, span_of = tag_of[order], span_of[order]
    versions = [str(tag.version) for tag in timeline.tags]
    version_order = list(dict.fromkeys(versions))
    code = {version: index for index, version in enumerate(version_order)}
    version_of = np.array([code[version] for version in versions], dtype=np.int64)
    return pd.DataFrame(
        {
            "tag": pd.Categorical.from_codes(tag_of, pd.Index(_tag_order(timeline)), ordered=True),
            "version": pd.Categorical.from_codes(
                version_of[tag_of], pd.Index(version_order), ordered=True
            ),
            "released": _dates(tag.date for tag in timeline.tags).take(tag_of),
            "kind": pd.Categorical([span.kind for span in spans]).take(span_of),
            "name": pd.Categorical([span.name for span in spans]).take(span_of),
            "id": _numbers([span.id for span in spans]).take(span_of),
        }
    )


def matrix(timeline: Timeline, kind: str = "helper") -> pd.DataFrame:
    """Return which tag has which name: rows are tags, columns are names, cells are bool.

    The index (``tag``) is an ordered category, oldest version first; all tags are there, also
    those without a name of this kind. The columns (``name``, text) are in the order of the rows of
    the timeline: by number, then by name.

    :raises DatasetError: no name of this timeline is of this kind
    """
    names = [row.name for row in timeline.rows if row.kind == kind]
    if not names:
        raise _no_kind(timeline, kind)
    column = {name: index for index, name in enumerate(names)}
    column_of = np.array([column.get(span.name, -1) for span in timeline.spans], dtype=np.int64)
    cells = np.zeros((len(timeline.tags), len(names)), dtype=bool)
    tag_of, span_of = _presence(timeline)
    if len(span_of):
        wanted = column_of[span_of] >= 0
        cells[tag_of[wanted], column_of[span_of[wanted]]] = True
    tags = _tag_order(timeline)
    return pd.DataFrame(
        cells,
        index=pd.CategoricalIndex(tags, tags, ordered=True, name="tag"),
        columns=pd.Index(names, name="name"),
    )


def growth(timeline: Timeline, kinds: Sequence[str] = ("helper",)) -> pd.DataFrame:
    """Return the size of lists at each mainline release.

    Of the numbered lists (:data:`helperhist.analysis.LISTS`) numbers are counted, not names: two
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
    =============== ====================== ====================================================

    Where the data begins with a list that is not empty, its members may be older than the first
    release: they are in ``total``, and in no release ``new``.

    :raises DatasetError: the timeline has no release, or no such kind of names
    """
    present = {row.kind for row in timeline.rows}
    for kind in kinds:
        if kind not in LISTS and kind not in present:
            raise _no_kind(timeline, kind)
    frame = _release_names(timeline, kinds)
    group = frame["kind"].astype(pd.CategoricalDtype(list(kinds), ordered=True))
    return _count(timeline, frame.assign(group=group)).rename(columns={"group": "kind"})


def family_growth(timeline: Timeline) -> pd.DataFrame:
    """Return as :func:`growth` the helpers by family: column ``family`` instead of ``kind``.

    The categories of ``family`` are in the order of :data:`helperhist.families.FAMILIES`.

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
    author dates) and the release too (so none that is there where the data begins), in row order:

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
    rows = rows[(rows["kind"] == kind) & dated & ~rows["or_earlier"]]
    rows = rows[["name", "since", "author_date", "released"]].reset_index(drop=True)
    rows["released"] = rows["released"].dt.tz_localize("UTC")
    rows["days"] = (rows["released"] - rows["author_date"]).dt.total_seconds() / 86400
    return rows


def to_parquet(timeline: Timeline, names: Sequence[str]) -> bytes:
    """Return the rows of these names in :func:`table` as a Parquet file; needs pyarrow.

    Tuples become lists of text, those of backports ``series:since``.
    """
    rows = table(timeline)
    rows = rows[rows["name"].isin(list(names))].reset_index(drop=True)
    for column in ("former_names", "attributes"):
        rows[column] = rows[column].map(list)
    rows["backports"] = rows["backports"].map(
        lambda items: [f"{item.series}:{item.since}" for item in items]
    )
    buffer = io.BytesIO()
    rows.to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()


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


def _no_kind(timeline: Timeline, kind: str) -> DatasetError:
    kinds = ", ".join(sorted({row.kind for row in timeline.rows}))
    return DatasetError(f"no names of kind {kind!r} in this data; it has: {kinds}")


def _maybe_older(timeline: Timeline) -> list[str]:
    """Return the names that are there where the data on their kind begins."""
    begins = {(row.kind, row.first_tag) for row in timeline.rows if row.or_earlier}
    return [span.name for span in timeline.spans if (span.kind, span.first) in begins]


def _count(timeline: Timeline, frame: pd.DataFrame) -> pd.DataFrame:
    tags = releases(timeline)
    total = frame.groupby(["tag", "group"], observed=False).size()
    # Oldest tags stand first, so the first of equal members is the new one.
    first = frame.drop_duplicates(["kind", "member"])
    first = first[~first["name"].isin(_maybe_older(timeline))]
    new = first.groupby(["tag", "group"], observed=False).size()
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
            "released": _dates(tag.date for tag in tags).repeat(len(groups)),
            "lts": np.repeat(np.array([text in LTS for text in versions]), len(groups)),
            "group": pd.Categorical(list(groups) * len(tags), groups, ordered=True),
            "total": total.reindex(every, fill_value=0).to_numpy(dtype=np.int64),
            "new": new.reindex(every, fill_value=0).to_numpy(dtype=np.int64),
        }
    )


def _presence(timeline: Timeline) -> tuple[_Ints, _Ints]:
    """Return the pairs of tag and span of which the tag has the name: indices of both.

    Says the same as ``Timeline.present`` of each tag, in a few array operations.
    """
    tags, spans = timeline.tags, timeline.spans
    position = {tag.name: index for index, tag in enumerate(tags)}
    first = np.array([position[span.first] for span in spans], dtype=np.int64)
    last = np.array(
        [len(tags) - 1 if span.last is None else position[span.last] for span in spans],
        dtype=np.int64,
    )
    stable = np.array([tag.version.is_stable for tag in tags], dtype=bool)
    series_of_span = np.array([span.series for span in spans], dtype=object)
    mainline_tags = np.flatnonzero(~stable)
    mainline = np.flatnonzero(series_of_span == "")
    pairs = [_overlap(mainline_tags, first, last, mainline)]
    by_series: dict[str, list[int]] = {}
    base: dict[str, int] = {}
    for index, tag in enumerate(tags):
        if tag.version.is_stable:
            by_series.setdefault(tag.version.series, []).append(index)
        elif tag.version.rc is None:
            base.setdefault(tag.version.series, index)
    for series, updates in by_series.items():
        updates_array = np.array(updates, dtype=np.int64)
        own = np.flatnonzero(series_of_span == series)
        pairs.append(_overlap(updates_array, first, last, own))
        if series in base:
            at = base[series]
            # What an update has, its release had, except for the names listed for the series.
            listed = {spans[index].name for index in own}
            there = mainline[(first[mainline] <= at) & (at <= last[mainline])]
            kept = np.array(
                [index for index in there if spans[index].name not in listed], dtype=np.int64
            )
            pairs.append((np.repeat(updates_array, len(kept)), np.tile(kept, len(updates))))
    return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])


def _overlap(tags: _Ints, first: _Ints, last: _Ints, spans: _Ints) -> tuple[_Ints, _Ints]:
    """Return the pairs of the tags and spans given where the tag lies within the span."""
    start = np.searchsorted(tags, first[spans], side="left")
    stop = np.searchsorted(tags, last[spans], side="right")
    counts = np.maximum(stop - start, 0)
    span_of = np.repeat(spans, counts)
    # 0, 1, 2, ... within each span
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return tags[np.repeat(start, counts) + within], span_of


def _span_key(span: Span) -> tuple[str, bool, int, str]:
    return (span.kind, span.id is None, span.id or 0, span.name)


def _tag_order(timeline: Timeline) -> list[str]:
    return [tag.name for tag in timeline.tags]


def _dates(values: Iterable[str | None]) -> pd.DatetimeIndex:
    """Return ISO dates, or times in UTC, as seconds: years beyond 2262 occur in git."""
    cells = ["NaT" if value is None else value.removesuffix("Z") for value in values]
    return pd.DatetimeIndex(np.array(cells, dtype="datetime64[s]"))


def _numbers(values: Sequence[int | None]) -> "pd.api.extensions.ExtensionArray":
    known = [value for value in values if value is not None]
    if known and not (_I8.min <= min(known) and max(known) <= _I8.max):
        raise DatasetError(f"the number {max(known, key=abs)} does not fit 64 bits with a sign")
    return pd.array(list(values), dtype="Int64")


def _text(values: Sequence[str | None]) -> "pd.api.extensions.ExtensionArray":
    return pd.array(list(values), dtype="string")


def _objects(values: Sequence[object]) -> npt.NDArray[np.object_]:
    # Assigned in place: np.array() of tuples would make a matrix of them.
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return cells
