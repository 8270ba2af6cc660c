"""Spans into rows: the release that brought a name, its removal, its backports. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from helperhist.mining.lines import Line, follows
from helperhist.sources import Prototype
from helperhist.timeline import Backport, Row, Span, Tag, sort_key
from helperhist.version import KernelVersion

__all__ = ["build_rows"]


def build_rows(
    lines: Sequence[Line],
    spans: Mapping[str, Sequence[Span]],
    *,
    complete: bool,
    prototypes: Mapping[str, tuple[Prototype, tuple[str, ...]]],
) -> tuple[Row, ...]:
    """Return one row per name, by kind, number and name; without commits and former names.

    :param spans: by series
    :param complete: whether the history shows the time before the header: names at the first tag
        of the mainline are then new there, else they may be older
    """
    mainline = lines[0].tags
    position = {tag.name: index for index, tag in enumerate(mainline)}
    by_name: dict[str, list[Span]] = {}
    for span in spans.get("", ()):
        by_name.setdefault(span.name, []).append(span)
    for listed in by_name.values():
        # They come by kind, which may change.
        listed.sort(key=lambda span: position[span.first])
    backports: dict[str, list[Backport]] = {}
    only_stable: dict[str, list[Span]] = {}
    # First updates of a series whose release has no tag, nor one after it: that release, too, may
    # have what they have.
    unbased: set[str] = set()
    for line in lines[1:]:
        places = {tag.name: index for index, tag in enumerate(line.tags)}
        runs: dict[str, tuple[int, int | None]] = {}
        from_start: set[str] = set()
        start = line.tags[0]
        if start.version.is_stable and not any(tag.version > start.version for tag in mainline):
            unbased.add(start.name)
        for span in spans.get(line.series, ()):
            if span.first == start.name and (span.first in unbased or not start.version.is_stable):
                from_start.add(span.name)
            only_stable.setdefault(span.name, []).append(span)
            first, last = places[span.first], None if span.last is None else places[span.last]
            run = runs.get(span.name)
            # Another value is another span of the same run.
            joined = run is not None and run[1] == first - 1
            runs[span.name] = (run[0] if joined and run else first, last)
        for name, (begin, end) in runs.items():
            version = line.tags[begin].version
            if end is None and name not in from_start:
                backports.setdefault(name, []).append(Backport(line.series, version.text))
    newest_kind = {name: runs[-1].kind for name, runs in by_name.items()}
    rows = []
    for name in {**by_name, **only_stable}:
        if name in by_name:
            row = _mainline_row(name, by_name[name], mainline, position, complete)
        else:
            first_span, newest = only_stable[name][0], only_stable[name][-1]
            earlier = first_span.first in unbased
            row = Row(newest.kind, name, newest.id, first_tag=first_span.first, or_earlier=earlier)
        known = prototypes.get(name)
        ported = backports.get(name, ())
        # A series that starts from a release which has the name carries no backport of it, even
        # if the tag of that release is missing.
        rows.append(
            replace(
                row,
                kind=newest_kind.get(name, row.kind),
                backports=tuple(
                    b for b in ported if not _covers(row, b.series, position, mainline)
                ),
                prototype=str(known[0]) if known and row.kind == "helper" else None,
                attributes=known[1] if known and row.kind == "helper" else (),
            )
        )
    return tuple(sorted(rows, key=sort_key))


def _covers(row: Row, series: str, position: Mapping[str, int], mainline: Sequence[Tag]) -> bool:
    """Whether the release that a series starts from has a name."""
    start = KernelVersion.parse(series)
    if row.since is None or KernelVersion.parse(row.since) > start:
        return False
    return row.removed is None or mainline[position[row.removed]].version > start


def _mainline_row(
    name: str,
    spans: Sequence[Span],
    tags: Sequence[Tag],
    position: Mapping[str, int],
    complete: bool,
) -> Row:
    """Return the row of a name that mainline has or had."""
    runs: list[tuple[int, int]] = []
    for span in spans:
        first = position[span.first]
        last = len(tags) - 1 if span.last is None else position[span.last]
        # Another value is another span of the same run.
        if runs and runs[-1][1] == first - 1:
            runs[-1] = (runs[-1][0], last)
        else:
            runs.append((first, last))

    def released(run: tuple[int, int]) -> Tag | None:
        return next((tag for tag in tags[run[0] : run[1] + 1] if tag.version.rc is None), None)

    # The run that counts: the last one that a release has, or that is still open.
    run = next(
        (run for run in reversed(runs) if run[1] == len(tags) - 1 or released(run) is not None),
        runs[-1],
    )
    start = tags[run[0]]
    final = released(run)
    if final is None and run[1] == len(tags) - 1:
        since: str | None = start.version.release
    else:
        since = None if final is None else final.version.text
    removed = tags[run[1] + 1].name if run[1] + 1 < len(tags) else None
    return Row(
        spans[-1].kind,
        name,
        spans[-1].id,
        since=since,
        tag=None if final is None else final.name,
        first_tag=start.name,
        released=None if final is None else final.date,
        removed=removed,
        or_earlier=_may_be_older(run[0], final, tags, complete),
    )


def _may_be_older(first: int, final: Tag | None, tags: Sequence[Tag], complete: bool) -> bool:
    """Whether a release that is not tagged here may have a name before the one found."""
    start = tags[first].version
    if first == 0 and not complete:
        return True
    if first > 0 and not follows(tags[first], tags[first - 1]):
        return True
    # A candidate has the name, and the release that it leads to is not tagged.
    return final is not None and not final.version.build and final.version.series != start.series
