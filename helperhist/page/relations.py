"""The relations of a timeline as data of the page.

Most names share what is said of them: a few hundred histories serve thousands of pairs.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from helperhist.timeline import KINDS, SEEN, SOURCES, Relation, Timeline, condition_words
from helperhist.version import KernelVersion

__all__ = ["encode_relations"]

#: What a history has of booted kernels, and what no part of the page shows.
_LEFT_OUT = (SEEN, "contract", "arch_use")


class _Table:
    """Values, each kept once and named by its place."""

    def __init__(self) -> None:
        self._places: dict[Hashable, int] = {}
        self.values: list[Any] = []

    def place(self, value: Any, key: Hashable = None) -> int:
        """Return the place of a value; one that has no hash has a key that equal ones share."""
        key = value if key is None else key
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(value)
        return self._places[key]


def encode_relations(timeline: Timeline) -> dict[str, Any]:
    """Return who may call what, and what was read, as JSON values.

    ``readings`` is source to ``[release, place in origins, tag]``, ``sources`` kind to source,
    ``words`` place in ``values`` to the condition in words. A name of ``kinds`` is ``[name, place
    in groups]``, a group ``[object, history, ...]``. A history is ``[runs, absent, seen,
    or_earlier, since, removed, kernels]``, cut off after the last that is not empty; ``runs`` are
    ``[first, last, value, ...]``, where first and last count the readings; ``since`` and
    ``removed`` are there where no reading is of these releases; ``kernels`` are ``[release,
    whether a booted kernel of it has it, ...]``. ``introductions`` are the commits that brought
    relations: ``[kind, name, object, commit, author date, subject]``.
    """
    relations = timeline.relations
    origins, objects, values, histories, groups = (_Table() for _ in range(5))
    readings: dict[str, list[tuple[KernelVersion, int, str]]] = {}
    for reading in relations.readings:
        found = KernelVersion.parse(reading.tag), origins.place(reading.origin), reading.tag
        readings.setdefault(reading.source, []).append(found)
    kinds: dict[str, list[list[Any]]] = {}
    introductions: list[list[Any]] = []
    words: dict[int, str] = {}
    for kind in relations.kinds:
        if kind in _LEFT_OUT:
            continue
        at = {release: place for place, release in enumerate(relations.read(kind))}
        for name in relations.names(kind):
            group: list[int] = []
            for relation in relations.find(kind, name):
                seen = relations.sightings(kind, name, relation.object)
                history = _history(relation, at, values, seen)
                key = (tuple(part) if isinstance(part, list) else part for part in history)
                place = histories.place(history, tuple(key))
                if (came := relation.introduction) is not None:
                    listed = [relation.kind, relation.name, relation.object]
                    introductions.append([*listed, came.commit, came.author_date, came.subject])
                group += [objects.place(relation.object), place]
                if KINDS[kind].conditional:
                    said = (item.value for item in relation.intervals)
                    words.update((values.place(text), condition_words(text)) for text in said)
            kinds.setdefault(kind, []).append([name, groups.place(group, tuple(group))])
    return {
        "sources": {kind: SOURCES[kind] for kind in kinds},
        "readings": {
            source: [[version.text, place, tag] for version, place, tag in sorted(found)]
            for source, found in readings.items()
        },
        "origins": origins.values,
        "objects": objects.values,
        "values": values.values,
        "words": {place: said for place, said in words.items() if said != values.values[place]},
        "histories": histories.values,
        "groups": groups.values,
        "kinds": kinds,
        "introductions": introductions,
    }


def _history(
    relation: Relation,
    at: dict[str, int],
    values: _Table,
    seen: Mapping[KernelVersion, bool],
) -> list[Any]:
    """Return a history; see :func:`encode_relations`."""
    runs: list[int] = []
    for item in relation.intervals:
        end = len(at) - 1 if item.end is None else _first(item.end, at) - 1
        runs += [_first(item.start, at), end, values.place(item.value)]
    removed = relation.removed
    history = [
        runs,
        relation.absent,
        relation.seen,
        relation.or_earlier,
        None if relation.since in at else relation.since,
        None if removed is None or removed in at else removed,
        [part for version, has in sorted(seen.items()) for part in (version.text, has)],
    ]
    while not history[-1]:
        history.pop()
    return history


def _first(release: str, at: dict[str, int]) -> int:
    """Return the first reading from a release on: a booted kernel can be of one not read."""
    known = at.get(release)
    if known is None:
        version = KernelVersion.parse(release)
        known = next(place for text, place in at.items() if KernelVersion.parse(text) > version)
    return known
