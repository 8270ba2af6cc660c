"""Introducing commits of relations: the search of ``introductions`` over the files of sources.

A relation is made of several files: who may call a helper stands in the function of a program type,
in those that it asks, and in the prototype. The state of a commit is what these files are in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from helperhist.git import Repository, State, Watch
from helperhist.mining.files import Files, Pieces, Said
from helperhist.mining.introductions import find_introductions
from helperhist.mining.trees import KINDS, Key

__all__ = ["Item", "Origins"]

_SOURCE = {kind: name for name, kinds in KINDS.items() for kind in kinds}
#: States in mind, by source: on the way back, a merge and its branches have them in turn.
_MAX_SAID = 8
#: Files that come to light on the way: one that was moved twice between two releases is one.
_MAX_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Item:
    """A relation that is looked for: with one value, or with any if that is None."""

    key: Key
    value: str | None = None


class Origins:
    """The commits of a repository, with the relations that they have."""

    def __init__(self, repository: Repository, pieces: Pieces, files: Files) -> None:
        self._repository, self._pieces, self._files = repository, pieces, files

    def find(
        self, commit: str, items: frozenset[Item], paths: Iterable[str]
    ) -> dict[Item, str | None]:
        """Return the introducing commit of relations that a commit has.

        :param paths: the files that sources read in it, and before
        :return: None where it lies beyond the cut of a shallow clone, or in a commit that a source
            cannot read
        :raises RepositoryError: an object is missing or damaged
        """
        known = frozenset(paths)
        found: dict[Item, str | None] = {}
        waiting = items
        for _ in range(_MAX_ROUNDS):
            graph = _Graph(self._repository, self._pieces, known)
            new = find_introductions(graph, commit, waiting)
            more: set[str] = set()
            again: set[Item] = set()
            for origin in sorted({origin for origin in new.values() if origin is not None}):
                brought = [item for item, by in new.items() if by == origin]
                unknown = graph.unread(origin, brought)
                found.update(dict.fromkeys(unknown))
                hidden = self._hidden(origin, known, {_SOURCE[item.key[0]] for item in brought})
                if hidden:
                    more |= hidden
                    again.update(item for item in brought if item not in unknown)
            found.update({item: by for item, by in new.items() if item not in found})
            if not again:
                break
            known |= more
            waiting = frozenset(again)
            for item in again:
                found.pop(item, None)
        return {item: found.get(item) for item in items}

    def _hidden(self, commit: str, known: frozenset[str], sources: set[str]) -> set[str]:
        """Return files that sources want in a parent of a commit, and that were not looked at.

        A file that is only between two releases is known from neither: what it says was not
        brought by the commit that moved it.
        """
        return {
            path
            for parent in self._repository.parents(commit)
            for path, blob in self._files.changed(commit, parent)
            if blob is not None and path not in known and self._pieces.read(path, blob, sources)
        }


class _Graph:
    """What the search needs to know: see :class:`helperhist.mining.introductions.Graph`."""

    def __init__(self, repository: Repository, pieces: Pieces, paths: frozenset[str]) -> None:
        self._pieces = pieces
        self._watch = Watch(repository, paths)
        self.parents, self.is_cut = repository.parents, repository.is_cut
        self.changes, self.state = self._watch.changes, self._watch.state
        #: By source: the state that was looked at last, and what was said in it and in others.
        self._last: dict[str, State] = {}
        self._said: dict[str, list[Said]] = {}

    def present(self, state: State | None, items: frozenset[Item]) -> frozenset[Item]:
        """Return those of some relations that a state has; all of a source that cannot read it."""
        if state is None:
            return frozenset()
        found: set[Item] = set()
        for name, wanted in _by_source(items).items():
            said = self._look(name, state)
            if said.lost is not None:
                found.update(wanted)
                continue
            values = said.values
            found.update(
                item
                for item in wanted
                if item.key in values and item.value in (None, values[item.key])
            )
        return frozenset(found)

    def unread(self, commit: str, items: Sequence[Item]) -> list[Item]:
        """Return those of some relations whose source cannot read a commit."""
        state = self.state(commit)
        return [
            item
            for name, wanted in _by_source(items).items()
            if self._look(name, state).lost is not None
            for item in wanted
        ]

    def _look(self, name: str, state: State) -> Said:
        recent = self._said.get(name)
        if recent is None:
            recent = self._said[name] = [Said(name, self._pieces.sources[name], {})]
        now = recent[-1]
        changed = {}
        for path, blob in self._watch.differences(self._last.get(name), state):
            new = None if blob is None else self._pieces.read(path, blob, (name,)).get(name)
            if new != now.pieces.get(path):
                changed[path] = new
        self._last[name] = state
        if changed:
            now = now.change(changed)
            same = next((said for said in recent if said.pieces == now.pieces), None)
            if same is not None:
                recent.remove(same)
                now = same
            recent.append(now)
            del recent[:-_MAX_SAID]
        return now


def _by_source(items: Iterable[Item]) -> Mapping[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(_SOURCE[item.key[0]], []).append(item)
    return found
