"""Find the commit that brought a name: a search over a graph of commits, without git.

The rule: from the tag's commit, go to a parent that has the name, the first such one, until no
parent has it. The commit reached is the one in which the name appeared, and since which it
was never absent on this way to the tag. A merge is that commit only if it wrote the name itself:
none of the branches that it merged has it.

Every commit of the way is looked at. Halving the way would be faster, but a name that was added,
reverted and added again would then be found at either place.
"""

from collections.abc import Hashable, Iterator
from typing import Protocol, TypeVar

__all__ = ["Graph", "find_introductions"]

_Name = TypeVar("_Name", bound=Hashable)
_State = TypeVar("_State")


class Graph(Protocol[_State, _Name]):
    """What the search needs to know of a repository. Commits are known by id.

    A state is what a commit has in the file or files that tell of names: of the header, its id.
    """

    def changes(self, start: str) -> Iterator[tuple[str, _State | None]]:
        """Yield the changes of the state along first parents, from a commit back.

        Each is a commit, and the state that its first parent has instead of the commit's own:
        None where that parent has none. The last is a commit without a known parent, a root
        or the cut of a shallow clone, with None.
        """

    def parents(self, commit: str) -> tuple[str, ...]:
        """Return the known parents of a commit, first parent first."""

    def state(self, commit: str) -> _State | None:
        """Return the state of a commit, None if it has none."""

    def present(self, state: _State | None, names: frozenset[_Name]) -> frozenset[_Name]:
        """Return those of some names that a state has."""

    def is_cut(self, commit: str) -> bool:
        """Whether a commit has parents that a shallow clone lacks."""


def find_introductions(
    graph: Graph[_State, _Name], start: str, names: frozenset[_Name]
) -> dict[_Name, str | None]:
    """Return the introducing commit of names that a commit has.

    :return: None for a name whose introduction lies beyond the cut of a shallow clone
    """
    found: dict[_Name, str | None] = {}
    waiting = [(start, names)]
    while waiting:
        begin, pending = waiting.pop()
        for commit, before in graph.changes(begin):
            lost = pending - graph.present(before, pending)
            if not lost:
                continue
            pending -= lost
            for other in graph.parents(commit)[1:]:
                brought = graph.present(graph.state(other), lost)
                if brought:
                    waiting.append((other, brought))
                    lost -= brought
            found.update(dict.fromkeys(lost, None if graph.is_cut(commit) else commit))
            if not pending:
                break
    return found
