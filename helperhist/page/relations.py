"""The relations of a timeline as data of the page.

Most names share what is said of them: a few hundred histories serve thousands of pairs.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from helperhist.timeline import SEEN, SOURCES, Relation, Relations, Timeline, condition_words
from helperhist.version import KernelVersion

__all__ = ["LEFT_OUT", "encode_relations", "find_columns"]

#: What booted kernels saw, of which ``has`` tells, and what no part of the page shows.
LEFT_OUT = (SEEN, "contract", "arch_use")
#: The kinds whose value is a condition.
_CONDITIONS = ("helper_use", "kfunc_use", "map_use", "map_prog")
_ANSWERS = {False: 0, True: 1, None: 2}


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


def find_columns(timeline: Timeline) -> list[KernelVersion]:
    """Return the releases that the page shows: those with a tag, or of which a source was read.

    A distribution's history may have updates only; then they are shown.
    """
    tags = timeline.releases if len(timeline.releases) > 1 else timeline.tags
    read = (KernelVersion.parse(reading.tag) for reading in timeline.relations.readings)
    plain = (version for version in read if version.rc is None and not version.is_stable)
    return sorted({*(tag.version for tag in tags), *plain})


def encode_relations(timeline: Timeline, columns: Sequence[KernelVersion]) -> dict[str, Any]:
    """Return who may call what, and what was read, as JSON values.

    ``readings`` is source to ``[release, place in origins, tag]``, ``sources`` kind to source,
    ``words`` place in ``values`` to the condition in words. A name of ``kinds`` is ``[name, place
    in groups]``, a group ``[object, history, ...]``. A history is ``[intervals, gaps, absent,
    seen, or_earlier, kernels]``, cut off after the last that is not empty. Releases are places in
    the columns: ``intervals`` are ``[start, end or -1, value, ...]``; ``gaps`` are ``[release,
    answer, value or -1, ...]`` of releases between those that were read, with 0 for no, 1 for yes
    and 2 where nobody can tell; ``kernels`` are ``[release, whether a booted kernel of it has it,
    ...]``.
    ``brought`` has the commits and backports of relations: see :func:`_brought`.
    """
    relations = timeline.relations
    origins, objects, values, histories, groups = (_Table() for _ in range(5))
    readings: dict[str, list[tuple[KernelVersion, int, str]]] = {}
    for reading in relations.readings:
        found = KernelVersion.parse(reading.tag), origins.place(reading.origin), reading.tag
        readings.setdefault(reading.source, []).append(found)
    kinds: dict[str, list[list[Any]]] = {}
    brought: list[list[Any]] = []
    words: dict[int, str] = {}
    for kind in relations.kinds:
        if kind in LEFT_OUT:
            continue
        gaps = _gaps(relations.read(kind), columns)
        for name in relations.names(kind):
            group: list[int] = []
            for relation in relations.find(kind, name):
                if relation.introduction is not None or relation.backports:
                    brought.append(_brought(relation))
                history = _history(relations, relation, columns, gaps, values)
                place = histories.place(history, _key(history))
                group += [objects.place(relation.object), place]
                if kind in _CONDITIONS:
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
        "brought": brought,
    }


def _brought(relation: Relation) -> list[Any]:
    """Return kind, name, object, commit, its dates and subject, and backports."""
    came = relation.introduction
    commit = (
        [None] * 4
        if came is None
        else [came.commit, came.author_date, came.commit_date, came.subject or None]
    )
    ports = [[item.series, item.since] for item in relation.backports]
    return [relation.kind, relation.name, relation.object, *commit, ports]


def _gaps(read: Sequence[str], columns: Sequence[KernelVersion]) -> dict[int, KernelVersion]:
    """Return the places of the releases that were not read, between those that were."""
    known = [place for place, version in enumerate(columns) if version.text in set(read)]
    inside = range(known[0], known[-1]) if known else range(0)
    return {place: columns[place] for place in inside if place not in known}


def _history(
    relations: Relations,
    relation: Relation,
    columns: Sequence[KernelVersion],
    gaps: Mapping[int, KernelVersion],
    values: _Table,
) -> list[Any]:
    at = {version.text: place for place, version in enumerate(columns)}
    intervals: list[int] = []
    for item in relation.intervals:
        end = -1 if item.end is None else at[item.end]
        intervals += [at[item.start], end, values.place(item.value)]
    key = relation.kind, relation.name, relation.object
    states: list[int] = []
    for place, version in gaps.items():
        has = relations.has(*key, version)
        value = -1 if has.value is None else values.place(has.value)
        states += [place, _ANSWERS[has.answer], value]
    seen = sorted(relations.sightings(*key).items())
    kernels = [part for version, has in seen for part in (at[version.text], int(has))]
    history = [intervals, states, relation.absent, relation.seen, relation.or_earlier, kernels]
    while not history[-1]:
        history.pop()
    return history


def _key(history: list[Any]) -> Hashable:
    return tuple(tuple(part) if isinstance(part, list) else part for part in history)
