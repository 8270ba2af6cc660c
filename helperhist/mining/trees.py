"""Kernel trees, one or more for each release, into runs of releases that have a fact.

A release of which no tree was read, or whose tree has what a source could not read, says nothing:
it neither ends a run nor starts one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from helperhist.sources import Gap, Source, read_tree
from helperhist.timeline import SOURCES, Fact, Run
from helperhist.version import KernelVersion

__all__ = [
    "KINDS",
    "Tree",
    "TreeReading",
    "Unsettled",
    "fact_values",
    "find_runs",
    "read_source",
    "settle",
]

#: The kinds of fact that relations are made of, by the source that gives them.
KINDS = {
    source: tuple(sorted(kind for kind, by in SOURCES.items() if by == source))
    for source in dict.fromkeys(SOURCES.values())
}

#: A fact without its value: kind, name, object.
Key = tuple[str, str, str]
#: The value of each fact that a tree has.
Values = Mapping[Key, str]


class Tree(Protocol):
    """The files of one kernel tree."""

    @property
    def tag(self) -> str:
        """The release that the tree is a copy of: ``v6.10``."""

    @property
    def origin(self) -> str:
        """Where the copy is from, and its real version."""

    def files(self, source: Source) -> Iterable[tuple[str, bytes]]:
        """Iterate over path and bytes of the files that a source may want."""


@dataclass(frozen=True, slots=True)
class TreeReading:
    """What one source read in one tree."""

    tag: str
    source: str
    origin: str
    values: Values


@dataclass(frozen=True, slots=True, order=True)
class Unsettled:
    """A fact of which the copies of a release, or it and its neighbours, say different things.

    Values are None where the fact is absent.

    :ivar found: what each copy of the release says, in their order
    :ivar before: what the release read before says, and ``after`` the next
    """

    tag: str
    key: Key
    found: tuple[str | None, ...]
    before: str | None
    after: str | None


def read_source(
    tree: Tree, name: str, source: Source
) -> tuple[TreeReading | None, tuple[Gap, ...]]:
    """Read the facts of one source in one tree.

    :param name: of the source, a key of ``KINDS``
    :return: the reading, None where the tree says nothing of the source, and what was not read
    """
    wanted = 0

    def files() -> Iterable[tuple[str, bytes]]:
        nonlocal wanted
        for path, data in tree.files(source):
            if path.startswith(source.roots) and source.wants(path, data):
                wanted += 1
                yield path, data

    facts, gaps = read_tree(source, files())
    if not wanted or any(gap.lost for gap in gaps):
        return None, gaps
    return TreeReading(tree.tag, name, tree.origin, fact_values(facts, KINDS[name])), gaps


def settle(
    readings: Sequence[TreeReading], decisions: Mapping[tuple[str, Key], str | None]
) -> tuple[list[tuple[str, Values]], list[Unsettled]]:
    """Unite the copies of each release of one source.

    A fact counts when all copies of the release agree. Where they differ, or where a release has
    one copy and differs from two neighbours that agree, a decision is taken if there is one, else
    what both neighbours say; else, or where the copy stands alone, it is the first copy's.

    :param readings: of one source; of a release's copies the better first
    :param decisions: the value, or None for absence, by tag and fact
    :return: the values of each tag, oldest first, and what no decision and no neighbours settle
    """
    copies: dict[str, list[Values]] = defaultdict(list)
    kinds = {kind for reading in readings for kind in KINDS[reading.source]}
    for reading in readings:
        copies[reading.tag].append(reading.values)
    tags = sorted(copies, key=KernelVersion.parse)
    settled: list[tuple[str, Values]] = []
    unsettled: list[Unsettled] = []
    for index, tag in enumerate(tags):
        before = copies[tags[index - 1]] if index else []
        after = copies[tags[index + 1]] if index + 1 < len(tags) else []
        values: dict[Key, str] = {}
        keys = {key for copy in (*before, *copies[tag], *after) for key in copy}
        # What no copy has can be decided for, too.
        keys |= {key for at, key in decisions if at == tag and key[0] in kinds}
        for key in sorted(keys):
            found = tuple(copy.get(key) for copy in copies[tag])
            sides = [_agreed(side, key) for side in (before, after)]
            value = found[0]
            agreed = bool(before and after) and sides[0] == sides[1] != _NO_WORD
            if (tag, key) in decisions:
                value = decisions[tag, key]
            elif len(set(found)) > 1 and agreed and sides[0] in found:
                value = sides[0]
            elif len(set(found)) > 1 or (len(found) == 1 and agreed and sides[0] != value):
                unsettled.append(Unsettled(tag, key, found, _shown(sides[0]), _shown(sides[1])))
            if value is not None:
                values[key] = value
        settled.append((tag, values))
    return settled, unsettled


def find_runs(tags: Sequence[tuple[str, Values]]) -> list[Run]:
    """Return the runs of one source, by kind, name, object and version.

    :param tags: the releases read, oldest first, and the facts of each
    """
    runs: list[tuple[Key, int, int, str]] = []
    running: dict[Key, tuple[int, str]] = {}
    for index, (_, values) in enumerate(tags):
        for key, (first, value) in list(running.items()):
            if values.get(key) != value:
                runs.append((key, first, index - 1, value))
                del running[key]
        for key, value in values.items():
            running.setdefault(key, (index, value))
    newest = len(tags) - 1
    runs += ((key, first, newest, value) for key, (first, value) in running.items())
    return [
        Run(*key, value, tags[first][0], None if last == newest else tags[last][0])
        for key, first, last, value in sorted(runs)
    ]


# What neighbours say that differ among themselves, or that there are not.
_NO_WORD = "\0"


def _agreed(copies: Collection[Values], key: Key) -> str | None:
    words = {copy.get(key) for copy in copies}
    return words.pop() if len(words) == 1 else _NO_WORD


def _shown(word: str | None) -> str | None:
    return "copies differ, or there are none" if word == _NO_WORD else word


def fact_values(facts: Iterable[Fact], kinds: Collection[str]) -> dict[Key, str]:
    """Return the values of facts of some kinds, by kind, name and object."""
    return {(fact.kind, fact.name, fact.object): fact.value for fact in facts if fact.kind in kinds}
