"""Relations of names: which helper or kfunc a program type may call, from runs of releases.

A *run* is what was read: successive releases that have a fact with one value. Not every release
was read by every source, so what is derived of runs has bounds.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

from helperhist.timeline.kinds import SEEN, SOURCES
from helperhist.timeline.parts import Parts, Run
from helperhist.timeline.presence import Presence
from helperhist.timeline.records import Backport
from helperhist.timeline.relation import Interval, Relation
from helperhist.timeline.series import Series
from helperhist.timeline.sightings import Sightings
from helperhist.version import KernelVersion

__all__ = ["Relations"]

_Key = tuple[str, str, str]


class Relations:
    """All relations of a timeline."""

    def __init__(
        self,
        parts: Parts,
        releases: Iterable[KernelVersion] = (),
        born: Callable[[str], KernelVersion | None] = lambda name: None,
    ) -> None:
        """Index runs.

        :param releases: of mainline, whether they were read or not
        :param born: gives the release before which a helper or program type did not exist
        :raises ValueError: a run begins or ends at a release that was not read, or overlaps
            another one
        """
        self.runs, self.readings, self._born = tuple(parts.runs), tuple(parts.readings), born
        self._introductions = {
            (item.kind, item.name, item.object, item.first): item for item in parts.introductions
        }
        self._series = Series(parts)
        read: dict[str, dict[KernelVersion, str]] = {}
        for item in self.readings:
            read.setdefault(item.source, {})[KernelVersion.parse(item.tag)] = item.tag
        self._tags = read
        self._read = {source: sorted(found) for source, found in read.items()}
        # By tag: a version takes long to hash.
        self._at = {
            source: {read[source][version]: index for index, version in enumerate(found)}
            for source, found in self._read.items()
        }
        self._order = sorted({*releases, *(v for found in read.values() for v in found)})
        self._born_at: dict[str, KernelVersion | None] = {}
        self._lacking: dict[str, list[KernelVersion]] = {}
        self._spans: dict[_Key, list[tuple[int, int, str]]] = {}
        self._names: dict[str, dict[str, list[str]]] = {}
        self._objects: dict[str, frozenset[str]] = {}
        self._derived: dict[_Key, Relation] = {}
        self._sightings = Sightings()
        for run in self.runs:
            self._add(run)
            if run.kind == SEEN:
                version = KernelVersion.parse(run.first)
                self._sightings.add(run.name, run.object, version, run.value)
        for spans in self._spans.values():
            spans.sort()
            if any(one[1] >= two[0] for one, two in pairwise(spans)):
                raise ValueError("runs of one fact overlap")

    def _add(self, run: Run) -> None:
        at = self._at.get(SOURCES.get(run.kind, ""), {})
        first = at.get(run.first)
        end = len(at) - 1 if run.last is None else at.get(run.last)
        if first is None or end is None:
            raise ValueError(f"{run.name[:60]!r} has a tag that was not read")
        if end < first:
            raise ValueError(f"{run.name[:60]!r} ends before it begins")
        key = run.kind, run.name, run.object
        if key not in self._spans:
            self._names.setdefault(run.kind, {}).setdefault(run.name, []).append(run.object)
        self._spans.setdefault(key, []).append((first, end, run.value))

    def __bool__(self) -> bool:
        return bool(self.readings)

    def read(self, kind: str) -> tuple[str, ...]:
        """Return the releases that were read for a kind, oldest first."""
        return tuple(version.text for version in self._read.get(SOURCES.get(kind, ""), ()))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that there are, sorted."""
        return tuple(sorted(self._names))

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the names of a kind, in the order of the data."""
        return tuple(self._names.get(kind, ()))

    def objects(self, kind: str) -> frozenset[str]:
        """Return the objects of a kind."""
        known = self._objects.get(kind)
        if known is None:
            found = self._names.get(kind, {}).values()
            known = self._objects[kind] = frozenset(item for part in found for item in part)
        return known

    def find(
        self, kind: str, name: str | None = None, other: str | None = None
    ) -> tuple[Relation, ...]:
        """Return the relations of a kind, in the order of the data.

        :param name: only of this name
        :param other: only with this object
        """
        names = self._names.get(kind, {})
        chosen = names if name is None else [name] if name in names else []
        return tuple(
            self._derive((kind, one, found))
            for one in chosen
            for found in names[one]
            if other is None or found == other
        )

    def sightings(self, kind: str, name: str, other: str) -> Mapping[KernelVersion, bool]:
        """Return whether booted kernels have a fact, of releases that were not read."""
        return self._sightings.of((kind, name, other))

    def _derive(self, key: _Key) -> Relation:
        if key not in self._derived:
            self._derived[key] = self._make(key)
        return self._derived[key]

    def _make(self, key: _Key) -> Relation:
        spans = self._spans[key]
        read = self._read[SOURCES[key[0]]]
        intervals = tuple(
            Interval(read[first].text, read[end + 1].text if end + 1 < len(read) else None, value)
            for first, end, value in spans
        )
        start = len(spans) - 1
        while start and spans[start - 1][1] + 1 == spans[start][0]:
            start -= 1
        absent, or_earlier = self._before(key, spans[start][0])
        end = spans[-1][1]
        gone = end + 1 < len(read) and not read[end + 1].follows(read[end], kernel=True)
        seen = read[end].text if gone else None
        first = self._tags[SOURCES[key[0]]][read[spans[start][0]]]
        relation = Relation(
            *key, spans[-1][2], intervals[start].start, absent, intervals[-1].end, seen,
            or_earlier, intervals, self._introductions.get((*key, first)), self._backports(key),
        )  # fmt: skip
        return self._sightings.narrow(relation)

    def _backports(self, key: _Key) -> tuple[Backport, ...]:
        """Return the series that have a fact, though the release they start from has not."""
        spans, places = self._spans[key], self._at[SOURCES[key[0]]]
        return tuple(
            found
            for found in self._series.open_runs(key)
            if (base := places.get(f"v{found.series}")) is not None and _value(spans, base) is None
        )

    def _has_update(self, key: _Key, wanted: KernelVersion) -> Presence:
        """Return whether an update of a release has a fact, as the updates on both sides have."""
        base = self._at[SOURCES[key[0]]].get(f"v{wanted.series}")
        first = None if base is None else _value(self._spans.get(key, ()), base)
        values = self._series.values(SOURCES[key[0]], key, wanted, first, base is not None)
        if len(set(values)) != 1:
            return Presence(None, value="?" if values and None not in values else None)
        return _presence(key[0], values[0])

    def _before(self, key: _Key, first: int) -> tuple[str | None, bool]:
        """Return the newest release known to lack a fact before it came, and whether none is."""
        read = self._read[SOURCES[key[0]]]
        since = read[first]
        lacks = [read[first - 1]] if first else []
        born = self._floor(key)
        if born is not None and born <= since:
            # Before its names existed, nothing could be between them.
            lacks += self._directly_before(born)
        if not lacks:
            return None, True
        absent = max(lacks)
        return (None if since.follows(absent, kernel=True) else absent.text), False

    def _floor(self, key: _Key) -> KernelVersion | None:
        """Return the release before which one of the two names did not exist."""
        born = []
        for name in filter(None, key[1:]):
            if name not in self._born_at:
                self._born_at[name] = self._born(name)
            if (found := self._born_at[name]) is not None:
                born.append(found)
        first = self._read[SOURCES[key[0]]][self._spans[key][0][0]]
        # Where the fact is older than its names, they do not tell.
        return max(born) if born and max(born) <= first else None

    def _directly_before(self, release: KernelVersion) -> list[KernelVersion]:
        if release.text not in self._lacking:
            self._lacking[release.text] = [
                item
                for item in self._order
                if item < release and release.follows(item, kernel=True)
            ]
        return self._lacking[release.text]

    def has(self, kind: str, name: str, other: str, wanted: KernelVersion) -> Presence:
        """Return whether a release has a fact, and its value there.

        Of a release that was not read, the releases read on both sides of it tell if they agree.
        Updates of a release may differ from it: of those, only the updates on both sides tell. A
        condition that was not read is no yes.
        """
        read = self._read.get(SOURCES.get(kind, ""), [])
        known = name in self._names.get(kind, {}) and other in self.objects(kind)
        if not known or wanted.build or not read:
            return Presence(None)
        if wanted.is_stable:
            return self._has_update((kind, name, other), wanted)
        spans = self._spans.get((kind, name, other), [])
        newer = bisect_left(read, wanted)
        older = newer if newer < len(read) and read[newer] == wanted else newer - 1
        if newer == len(read) or older < 0:
            return Presence(None)
        seen = self._sightings.of((kind, name, other)).get(wanted)
        values = [_value(spans, older), _value(spans, newer)]
        if values == [None, None]:
            return Presence(False)
        if seen is False:
            return Presence(False)
        if seen and values[0] != values[1]:
            # It was there, and at which value is known only where that asks for nothing.
            free = "" in values and None in values
            return Presence(True, value="") if free else Presence(None, value="?")
        if None in values:
            relation = self._derive((kind, name, other))
            lacks = relation.absent is not None and wanted <= KernelVersion.parse(relation.absent)
            exact = relation.absent is None and not relation.or_earlier
            came = values[0] is None and relation.since == read[newer].text
            return Presence(False if came and (lacks or (exact and wanted.rc is None)) else None)
        if values[0] != values[1]:
            return Presence(None, value="?")
        return _presence(kind, values[0])


def _presence(kind: str, value: str | None) -> Presence:
    if value is None:
        return Presence(False)
    return Presence(None if kind != "kfunc" and _unread(value) else True, value=value)


def _value(spans: Iterable[tuple[int, int, str]], at: int) -> str | None:
    return next((value for first, end, value in spans if first <= at <= end), None)


def _unread(condition: str) -> bool:
    """Whether no alternative of a condition was read as a whole."""
    return all("?" in alternative for alternative in condition.split(" or "))
