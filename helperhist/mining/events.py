"""What changes from one tag to the next and is no addition: renames, removals, returns. Pure."""

from collections.abc import Mapping, Sequence

from helperhist.mining.lines import Line, Snapshot
from helperhist.timeline import SENTINEL, Event, sort_key

__all__ = ["find_events"]


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
