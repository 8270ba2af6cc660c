"""From what the tags of a repository hold to a timeline: spans, rows, events. Pure."""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from helperhist.sources import HelperDoc, Prototype
from helperhist.timeline import (
    SENTINEL,
    Backport,
    Event,
    Fact,
    Row,
    Span,
    Tag,
    kind_key,
    series_base,
    sort_key,
)
from helperhist.version import KernelVersion

__all__ = [
    "Line",
    "Snapshot",
    "build_rows",
    "find_events",
    "find_spans",
    "follows",
    "make_lines",
    "merge_docs",
    "settle_kinds",
]

#: What a tag holds: name to entry. Equal snapshots are one object, so that they compare fast.
Snapshot = Mapping[str, Fact]


class _Tagged(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> KernelVersion: ...


@dataclass(frozen=True, slots=True)
class Line:
    """Successive tags of one line of development.

    :ivar series: empty for mainline, ``"5.10"`` for 5.10 and its updates
    :ivar tags: oldest first; of a series, the release that it starts from comes first if tagged
    """

    series: str
    tags: tuple[Tag, ...]


def make_lines(tags: Iterable[Tag]) -> tuple[Line, ...]:
    """Sort tags into mainline and the stable series, mainline first."""
    ordered = sorted(tags, key=_tag_key)
    mainline = tuple(tag for tag in ordered if not tag.version.is_stable)
    series: dict[str, list[Tag]] = {}
    for tag in ordered:
        if tag.version.is_stable:
            series.setdefault(tag.version.series, []).append(tag)
    lines = [Line("", mainline)]
    for name, updates in series.items():
        base = series_base(mainline, name)
        lines.append(Line(name, (*((base,) if base else ()), *updates)))
    return tuple(lines)


def _tag_key(tag: Tag) -> tuple[object, str]:
    return (tag.version, tag.name)


def settle_kinds(lines: Sequence[Line], snapshots: MutableMapping[str, Snapshot]) -> None:
    """Give each name one kind at all tags: what it was first, mainline before stable series.

    An anonymous enumeration can get a tag later (that of ``BPF_F_ADJ_ROOM_*`` in 7.3), and a
    ``#define`` can become an enumerator: programs use the name as before, so it stays what it
    was. Only the lists of :data:`helperhist.sources.ENUM_KINDS` take a name from what is none of
    them; the first of these counts, whatever the order of the tags.
    """
    kinds: dict[str, str] = {}
    mixed: set[str] = set()
    order = [tag.name for line in lines for tag in line.tags]
    last: Snapshot | None = None
    for tag in order:
        snapshot = snapshots[tag]
        if snapshot is last:
            continue
        for entry in snapshot.values():
            kind = kinds.setdefault(entry.name, entry.kind)
            if kind != entry.kind:
                mixed.add(entry.name)
                kinds[entry.name] = min(kind, entry.kind, key=lambda kind: kind_key(kind)[0])
        last = snapshot
    if not mixed:
        return
    # Old and new, by the id of the old: which must live on, else another one takes its id.
    changed: dict[int, tuple[Snapshot, Snapshot]] = {}
    for tag in order:
        snapshot = snapshots[tag]
        if id(snapshot) not in changed:
            new = {
                name: replace(entry, kind=kinds[name]) if name in mixed else entry
                for name, entry in snapshot.items()
            }
            changed[id(snapshot)] = snapshot, new
        snapshots[tag] = changed[id(snapshot)][1]


def find_spans(line: Line, snapshots: Mapping[str, Snapshot]) -> tuple[Span, ...]:
    """Return the runs of tags of one line that have a name with one value.

    Of a stable series, only those of names that differ from its first tag somewhere.

    :param snapshots: by the name of the tag
    """
    spans: list[Span] = []
    running: dict[str, tuple[Fact, int]] = {}
    last: Snapshot = {}
    tags = line.tags

    def close(name: str, end: int) -> None:
        entry, first = running.pop(name)
        spans.append(
            Span(line.series, entry.kind, name, entry.id, tags[first].name, tags[end].name)
        )

    for index, tag in enumerate(tags):
        now = snapshots[tag.name]
        if now is last:
            continue
        for name in [name for name in running if name not in now]:
            close(name, index - 1)
        for name, entry in now.items():
            if last.get(name) is entry:
                continue
            open_run = running.get(name)
            if open_run is not None and open_run[0].value != entry.value:
                close(name, index - 1)
                open_run = None
            # The kind is that of the newest tag, see build_rows.
            running[name] = (entry, index if open_run is None else open_run[1])
        last = now
    for name, (entry, first) in running.items():
        spans.append(Span(line.series, entry.kind, name, entry.id, tags[first].name, None))
    if line.series:
        base = tags[0].name if not tags[0].version.is_stable else None
        constant = {
            span.name for span in spans if base is not None and span.first == base and not span.last
        }
        spans = [span for span in spans if span.name not in constant]
    position = {tag.name: index for index, tag in enumerate(tags)}
    return tuple(sorted(spans, key=lambda s: (s.kind, s.name, position[s.first])))


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


def follows(tag: _Tagged, older: _Tagged) -> bool:
    """Whether no release of mainline lies between two tags."""
    # Other projects count in their own way, and write v7.0.0.
    kernel = older.name == f"v{older.version}"
    return tag.version.follows(older.version, kernel=kernel)


def find_events(
    lines: Sequence[Line], snapshots: Mapping[str, Snapshot]
) -> tuple[tuple[Event, ...], dict[str, tuple[str, ...]]]:
    """Return the events of all lines, and by name its former names.

    A rename is a number of a list whose name goes in the same step in which another name takes it.
    A removal from a stable series counts only if the series had the name for a tag.
    """
    events: list[Event] = []
    former: dict[str, tuple[str, ...]] = {}
    for line in lines:
        seen: set[str] = set()
        last: Snapshot | None = None
        for tag in line.tags:
            now = snapshots[tag.name]
            if last is not None and now is not last:
                step, renamed = _step(last, now, tag.name, seen)
                events += step
                for old, new in renamed:
                    names = dict.fromkeys((*former.get(old, ()), old))
                    # Renamed and renamed back: nothing is its own former name.
                    former[new] = tuple(name for name in names if name != new)
            seen.update(now)
            last = now
    return tuple(dict.fromkeys(events)), former


def _step(
    last: Snapshot, now: Snapshot, tag: str, seen: set[str]
) -> tuple[list[Event], list[tuple[str, str]]]:
    gone = [entry for name, entry in last.items() if name not in now]
    new = [entry for name, entry in now.items() if name not in last]
    taken = {
        (entry.kind, entry.value): entry
        for entry in new
        # Values of flags are no numbers of a list: two flags with one value have nothing to do
        # with each other.
        if entry.value and entry.kind != "flag"
    }
    events, renamed = [], []
    for entry in sorted(gone, key=sort_key):
        heir = taken.get((entry.kind, entry.value)) if entry.value else None
        if entry.kind == SENTINEL:
            continue
        if heir is not None:
            events.append(Event("renamed", entry.kind, entry.name, tag, entry.name, heir.name))
            renamed.append((entry.name, heir.name))
        else:
            events.append(Event("removed", entry.kind, entry.name, tag))
    events += [
        Event("returned", entry.kind, entry.name, tag)
        for entry in sorted(new, key=sort_key)
        if entry.name in seen and entry.kind != SENTINEL
    ]
    changed = [(old, entry) for name, entry in now.items() if (old := last.get(name)) is not entry]
    for old, entry in sorted(
        ((old, entry) for old, entry in changed if old is not None), key=lambda p: sort_key(p[1])
    ):
        if old.value != entry.value and old.value and entry.value:
            events.append(Event("renumbered", entry.kind, entry.name, tag, old.value, entry.value))
    return events, renamed


def merge_docs(docs: Iterable[HelperDoc]) -> dict[str, HelperDoc]:
    """Return the documentation by helper; what one header says of a helper in parts, joined.

    A helper documented once for each type of its context (``bpf_get_socket_cookie``) takes a
    ``void *`` there, as its declaration in libbpf does.
    """
    merged: dict[str, HelperDoc] = {}
    for doc in docs:
        name = doc.prototype.name
        other = merged.get(name)
        if other is None:
            merged[name] = doc
            continue
        merged[name] = HelperDoc(
            _merge_prototypes(other.prototype, doc.prototype),
            "\n\n".join(filter(None, (other.description, doc.description))),
            "\n\n".join(filter(None, (other.returns, doc.returns))),
            other.attributes,
        )
    return merged


def _merge_prototypes(one: Prototype, two: Prototype) -> Prototype:
    if len(one.arguments) != len(two.arguments):
        return one
    arguments = tuple(
        a if a[0] == b[0] else ("void *", a[1] if a[1] == b[1] else "ctx")
        for a, b in zip(one.arguments, two.arguments, strict=True)
    )
    return Prototype(one.name, one.returns, arguments)
