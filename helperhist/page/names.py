"""The names of a timeline as data of the page: tags, rows, and the tags that have each name."""

from collections.abc import Mapping
from typing import Any

from helperhist.timeline import Row, Tag, Timeline

__all__ = ["encode_names"]

#: The largest number that JavaScript holds exactly.
_EXACT = 2**53 - 1
#: Keys of the page to attributes of a row; a key is left out where the attribute is empty.
_KEYS = {
    "e": "or_earlier",
    "a": "author_date",
    "k": "commit_date",
    "s": "subject",
    "n": "former_names",
    "p": "prototype",
    "x": "attributes",
    "r": "removed",
}


def encode_names(timeline: Timeline) -> dict[str, Any]:
    """Return tags, the paths of their headers, commits and rows as JSON values.

    ``rows`` is kind to rows, and a row ``[name, id, since, more]``. ``more`` holds what does not
    follow from the rest: ``t`` the tag, ``f`` the first tag, ``d`` the date, ``c`` the commit's
    place in ``commits``, ``b`` backports as ``[series, since]``, ``h`` runs of tags as ``[series,
    first, last, id]`` where it is not one run from the first tag on, and :data:`_KEYS`.
    """
    tags = {tag.name: place for place, tag in enumerate(timeline.tags)}
    dates = {tag.name: tag.date for tag in timeline.tags}
    found = sorted({row.commit for row in timeline.rows if row.commit is not None})
    commits = {commit: place for place, commit in enumerate(found)}
    runs: dict[str, list[list[Any]]] = {}
    for span in timeline.spans:
        last = -1 if span.last is None else tags[span.last]
        runs.setdefault(span.name, []).append(
            [span.series, tags[span.first], last, _exact(span.id)]
        )
    rows: dict[str, list[list[Any]]] = {}
    for row in timeline.rows:
        more = _more(row, dates)
        if row.commit is not None:
            more["c"] = commits[row.commit]
        first = tags.get(row.first_tag or "", -1)
        if (held := runs.get(row.name, [])) != [["", first, -1, _exact(row.id)]]:
            more["h"] = held
        known = [row.name, _exact(row.id), row.since]
        rows.setdefault(row.kind, []).append([*known, more] if more else known)
    paths = list(dict.fromkeys(tag.path for tag in timeline.tags))
    listed = [_tag(tag, paths.index(tag.path)) for tag in timeline.tags]
    return {"tags": listed, "paths": paths, "commits": found, "rows": rows}


def _more(row: Row, dates: Mapping[str, str | None]) -> dict[str, Any]:
    """Return what is not as one would expect of a row, by the page's keys."""
    more: dict[str, Any] = {}
    if row.tag != (None if row.since is None else f"v{row.since}"):
        more["t"] = row.tag
    if row.first_tag != row.tag:
        more["f"] = row.first_tag
    if row.released != dates.get(row.tag or ""):
        more["d"] = row.released
    for key, attribute in _KEYS.items():
        if value := getattr(row, attribute):
            more[key] = value
    if row.backports:
        more["b"] = [[item.series, item.since] for item in row.backports]
    return more


def _exact(number: int | None) -> int | str | None:
    """Return a number that JavaScript would round as text."""
    return number if number is None or abs(number) <= _EXACT else str(number)


def _tag(tag: Tag, path: int) -> list[Any]:
    return [tag.name, tag.version.text, tag.date, tag.blob, path]
