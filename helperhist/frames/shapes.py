"""The shapes of all of a timeline: by name, by tag and name, tags by names."""

import io
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from helperhist.errors import DatasetError
from helperhist.timeline import Timeline, require_kinds, sort_key
from helperhist.version import KernelVersion

__all__ = ["long_frame", "matrix", "parse_dates", "table", "to_parquet"]

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
    or_earlier      bool                   may be older: no release before it in the data
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
            "released": parse_dates(row.released for row in rows),
            "removed": pd.Categorical([row.removed for row in rows], tags, ordered=True),
            "or_earlier": np.array([row.or_earlier for row in rows], dtype=bool),
            "commit": _text([row.commit for row in rows]),
            "author_date": parse_dates(row.author_date for row in rows).tz_localize("UTC"),
            "commit_date": parse_dates(row.commit_date for row in rows).tz_localize("UTC"),
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
    ordered = sorted(range(len(spans)), key=lambda index: sort_key(spans[index]))
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
            "released": parse_dates(tag.date for tag in timeline.tags).take(tag_of),
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
    require_kinds(timeline, [kind])
    names = [row.name for row in timeline.rows if row.kind == kind]
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


def to_parquet(timeline: Timeline, names: Sequence[str]) -> bytes:
    """Return the rows of these names in :func:`table` as a Parquet file; needs pyarrow.

    Tuples become lists of text, those of backports ``series:since``.
    """
    import pyarrow
    from pyarrow import parquet

    rows = table(timeline)
    rows = rows[rows["name"].isin(list(names))].reset_index(drop=True)
    for column in ("former_names", "attributes"):
        rows[column] = rows[column].map(list)
    rows["backports"] = rows["backports"].map(
        lambda items: [f"{item.series}:{item.since}" for item in items]
    )
    data = pyarrow.Table.from_pandas(rows, preserve_index=False)
    schema = data.schema
    # Told from the cells, the type of lists that are all empty would be another one.
    for column in ("former_names", "backports", "attributes"):
        place = schema.get_field_index(column)
        schema = schema.set(place, pyarrow.field(column, pyarrow.list_(pyarrow.string())))
    buffer = io.BytesIO()
    parquet.write_table(data.cast(schema), buffer)
    return buffer.getvalue()


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


def _tag_order(timeline: Timeline) -> list[str]:
    return [tag.name for tag in timeline.tags]


def parse_dates(values: Iterable[str | None]) -> pd.DatetimeIndex:
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
