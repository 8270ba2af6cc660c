"""Tags in their lines, mainline and stable series, and the runs of tags that have a name. Pure."""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from helperhist.timeline import Fact, Span, Tag, kind_key, series_base
from helperhist.version import KernelVersion

__all__ = ["Line", "Snapshot", "find_spans", "follows", "make_lines", "settle_kinds", "tag_key"]

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
    ordered = sorted(tags, key=tag_key)
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


def tag_key(tag: _Tagged) -> tuple[object, str]:
    """Return what sorts tags by version, and those of one version by name."""
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


def follows(tag: _Tagged, older: _Tagged) -> bool:
    """Whether no release of mainline lies between two tags."""
    # Other projects count in their own way, and write v7.0.0.
    kernel = older.name == f"v{older.version}"
    return tag.version.follows(older.version, kernel=kernel)
