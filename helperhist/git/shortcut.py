"""Follow first parents by the commit-graph, and look whether it agrees with the commits."""

from collections.abc import Callable, Iterator, Sequence

from helperhist.errors import RepositoryError
from helperhist.git.graph import NO_PARENT, CommitGraph, path_hashes

__all__ = ["GraphDisagrees", "Shortcut"]

#: Commits that are compared with the graph before any of it is used.
_SAMPLE = 64


class GraphDisagrees(RepositoryError):
    """The commit-graph says of a commit what the commit does not: look at commits instead."""


class Shortcut:
    """The history of a header along first parents.

    :param paths: of the header; the first that exists at a commit counts
    :param header: returns the header below a root tree, whose id is given as 20 bytes
    :param commit: returns the tree of a commit and its parents, all of them in hex
    """

    def __init__(
        self,
        graph: CommitGraph,
        paths: Sequence[str],
        header: Callable[[bytes], str | None],
        commit: Callable[[str], tuple[str, tuple[str, ...]]],
    ) -> None:
        self._graph, self._header, self._commit = graph, header, commit
        hashes = [path_hashes(path) for path in paths]
        self._hashes = [found for found in hashes if found is not None]
        self._filtered = len(self._hashes) == len(hashes)
        self.find = graph.find

    def check(self) -> None:
        """Compare some commits with the graph.

        :raises RepositoryError: they differ, or one cannot be read
        """
        count = self._graph.count
        for position in range(0, count, max(count // _SAMPLE, 1)):
            self._check(position)

    def changes(
        self, position: int, child: str | None, here: str | None
    ) -> Iterator[tuple[str | None, str | None]]:
        """Yield the changes as ``Repository.changes`` does, and (None, None) for each commit.

        :param child: the commit that was looked at before, whose header is ``here``
        :raises GraphDisagrees: the graph is wrong
        """
        graph, header = self._graph, self._header
        inherited = False
        last: int | None = None
        while True:
            yield None, None
            tree, parent = self._record(position)
            there = here if inherited else header(tree)
            if there != here and (last is not None or child is not None):
                if last is None:
                    yield child, there
                else:
                    self._check(last)
                    yield graph.oid(last).hex(), there
            here = there
            if parent == NO_PARENT:
                break
            unchanged = self._filtered and graph.unchanged(position, self._hashes)
            if inherited and not unchanged and header(tree) != here:
                raise self._wrong(position)
            inherited = unchanged
            last, position = position, parent
        self._check(position)
        yield graph.oid(position).hex(), None

    def _record(self, position: int) -> tuple[bytes, int]:
        try:
            return self._graph.record(position)
        except ValueError as error:
            raise self._wrong(position) from error

    def _check(self, position: int) -> None:
        tree, parent = self._record(position)
        real_tree, parents = self._commit(self._graph.oid(position).hex())
        first = "" if parent == NO_PARENT else self._graph.oid(parent).hex()
        if tree.hex() != real_tree or first != (parents[0] if parents else ""):
            raise self._wrong(position)
        if (
            parents
            and self._filtered
            and self._graph.unchanged(position, self._hashes)
            and self._header(tree) != self._header(self._record(parent)[0])
        ):
            raise self._wrong(position)

    def _wrong(self, position: int) -> GraphDisagrees:
        return GraphDisagrees(
            f"the commit-graph is wrong about commit {self._graph.oid(position).hex()[:12]}; "
            "write it anew with `git commit-graph write --reachable`"
        )
