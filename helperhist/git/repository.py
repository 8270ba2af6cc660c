"""A git repository, read only: the header at its commits; not what the header means."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pygit2

from helperhist.errors import RepositoryError
from helperhist.git.files import common_dir
from helperhist.git.graph import open_graph
from helperhist.git.limits import memory_is_limited
from helperhist.git.objects import Objects
from helperhist.git.revisions import resolve
from helperhist.git.shortcut import Shortcut
from helperhist.git.tags import TagRef, list_tags

__all__ = ["KERNEL_PATHS", "Repository", "read_at"]

#: Where the header is in the kernel, and where user-space trees carried it.
KERNEL_PATHS = ("include/uapi/linux/bpf.h", "include/linux/bpf.h")

#: Every so many commits, whether the commit-graph has the next one.
_LOOK_UP = 16
_NONE = pygit2.Oid(hex="0" * 40)


class Repository(Objects):
    """A git repository with a header."""

    def __init__(self, path: Path, paths: Sequence[str] = KERNEL_PATHS) -> None:
        """Open the repository at a path, or the one that the path is in.

        :param paths: where the header may be, the first that exists at a commit counts
        :raises RepositoryError: there is none, or libgit2 cannot read it
        """
        super().__init__(path)
        # Where one that is far too large cannot take all memory, measuring each object of a walk
        # before it is read would only cost a quarter of the time.
        self._glance = self.look_if_loose if memory_is_limited() else self.look
        self.paths = tuple(dict.fromkeys("/".join(_components(path)) for path in paths))
        self._parts = [path.split("/") for path in self.paths]
        #: Commits that chains have gone through so far.
        self.visited = 0
        self._cut = frozenset(pygit2.Oid(hex=oid) for oid in self.shallow)
        #: What folders hold: most of them are the same at many commits.
        self._below: dict[tuple[pygit2.Oid, str, bool], pygit2.Oid | None] = {}
        #: The folder that all paths start with; None where they differ.
        self._folder: str | None = None
        folders = {parts[0] for parts in self._parts}
        if len(folders) == 1 and all(len(parts) > 1 for parts in self._parts):
            self._folder = folders.pop()
        #: Header by the id of that folder, else of the root.
        self._known: dict[pygit2.Oid, str | None] = {_NONE: None}
        self._use_graph = True
        self._shortcut: Shortcut | None = None

    def tags(self, pattern: str) -> tuple[list[TagRef], Counter[str]]:
        """Return the tags that fit a pattern; see :func:`helperhist.git.tags.list_tags`."""
        return list_tags(self, pattern)

    def resolve(self, revision: str) -> str:
        """Return the commit of a revision; see :func:`helperhist.git.revisions.resolve`."""
        return resolve(self, revision)

    def changes(self, start: str) -> Iterator[tuple[str, str | None]]:
        """Yield the changes of the header along first parents, from a commit back.

        Each is a commit and the blob of the header at its first parent, None if there is none; the
        last is a root commit, or one at the cut of a shallow clone, with None.

        :raises MissingObject: a commit or a tree is missing or damaged
        """
        cut, shortcut = self._cut, self.shortcut
        here: str | None = None
        child: pygit2.Oid | None = None
        at = pygit2.Oid(hex=start)
        looked = 0
        while True:
            # Newer commits than the graph's come first; all before one of its own are its own.
            if shortcut is not None and looked % _LOOK_UP == 0:
                position = shortcut.find(bytes(at.raw))
                if position is not None:
                    yield from self._by_graph(shortcut, position, child, here)
                    return
            looked += 1
            self.visited += 1
            there, parents = self._step(at)
            if child is not None and there != here:
                yield str(child), there
            if not parents or at in cut:
                break
            child, here, at = at, there, parents[0]
        yield str(at), None

    def _by_graph(
        self, shortcut: Shortcut, position: int, child: pygit2.Oid | None, here: str | None
    ) -> Iterator[tuple[str, str | None]]:
        name = None if child is None else str(child)
        for commit, before in shortcut.changes(position, name, here):
            if commit is None:
                self.visited += 1
            else:
                yield commit, before

    @property
    def shortcut(self) -> Shortcut | None:
        """The commit-graph, if there is one that agrees with the commits."""
        if self._use_graph and self._shortcut is None:
            self._shortcut = self._open_shortcut()
            self._use_graph = self._shortcut is not None
        return self._shortcut

    def forget_graph(self) -> None:
        """Read commits instead of the commit-graph from now on."""
        self._use_graph, self._shortcut = False, None

    def _open_shortcut(self) -> Shortcut | None:
        common = common_dir(self.git_dir)
        # Where parents are not those that a commit names, git does without a graph, too.
        if self.shallow or (common / "info" / "grafts").exists():
            return None
        graph = open_graph(common / "objects")
        if graph is None:
            return None
        found = Shortcut(
            graph,
            self.paths,
            lambda tree: self._header_below(pygit2.Oid(raw=tree)),
            lambda commit: (self.commit(commit)[5:45].decode("latin-1"), self.parents(commit)),
        )
        try:
            found.check()
        except RepositoryError:
            return None
        return found

    def headers(self, commits: Iterable[str]) -> set[str]:
        """Return the headers of some commits and of all before them, back to one without.

        :raises MissingObject: a commit or a tree is missing or damaged
        """
        found: set[str] = set()
        waiting = [pygit2.Oid(hex=commit) for commit in commits]
        seen = set(waiting)
        while waiting:
            at = waiting.pop()
            header, parents = self._step(at)
            if header is None:
                continue
            found.add(header)
            if at not in self._cut:
                new = [parent for parent in parents if parent not in seen]
                seen.update(new)
                waiting += new
        return found

    def _step(self, at: pygit2.Oid) -> tuple[str | None, list[pygit2.Oid]]:
        """Return the header of a commit, and its parents."""
        # The hot loop of a scan, over 100,000 commits of the kernel. Most of them leave include/
        # alone, so that its id tells the header without looking into it.
        # Any: an object of another type has none of these attributes, which is caught.
        repo: Any = self.repo
        try:
            self._glance(at)
            commit = repo[at]
            tree, parents = commit.tree_id, commit.parent_ids
        except (KeyError, ValueError, AttributeError, MemoryError, pygit2.GitError):
            # libgit2 refuses people and dates that git puts up with.
            tree, parents = self._tree_and_parents(str(at))
        return self._header_below(tree), parents

    def _header_below(self, tree: pygit2.Oid) -> str | None:
        """Return the header below a root tree."""
        repo: Any = self.repo
        try:
            self._glance(tree)
            root, folder = repo[tree], self._folder
            key = tree if folder is None else root[folder].id if folder in root else _NONE
        except (KeyError, ValueError, TypeError, MemoryError, pygit2.GitError) as error:
            with suppress(KeyError, ValueError, pygit2.GitError):
                self.look(tree)
            raise self.missing(str(tree), "a tree") from error
        there = self._known.get(key, "")
        if there == "":
            there = self._known[key] = self._find(str(tree))
        return there

    def _tree_and_parents(self, oid: str) -> tuple[pygit2.Oid, list[pygit2.Oid]]:
        tree = pygit2.Oid(hex=self.commit(oid)[5:45].decode("latin-1"))
        return tree, [pygit2.Oid(hex=parent) for parent in self.parents(oid)]

    def header(self, commit: str) -> str | None:
        """Return the blob of the header at a commit, from the first path that exists."""
        return self._find(self.commit(commit)[5:45].decode("latin-1"))

    def header_path(self, commit: str) -> tuple[str, str] | None:
        """Return the header's path at a commit, and its blob; None where there is no header."""
        tree = self.commit(commit)[5:45].decode("latin-1")
        for path, parts in zip(self.paths, self._parts, strict=True):
            blob = self._descend(tree, parts)
            if blob is not None:
                return path, blob
        return None

    def blob(self, commit: str, path: str) -> str | None:
        """Return the blob of a file at a commit, None where it has none."""
        return self._descend(self.commit(commit)[5:45].decode("latin-1"), _components(path))

    def _find(self, tree: str) -> str | None:
        """Return the blob of the header below a root tree, from the first path that exists."""
        return next(
            (blob for parts in self._parts if (blob := self._descend(tree, parts)) is not None),
            None,
        )

    def _descend(self, tree: str, parts: Sequence[str]) -> str | None:
        oid = pygit2.Oid(hex=tree)
        for depth, part in enumerate(parts):
            last = depth == len(parts) - 1
            key = (oid, part, last)
            if key not in self._below:
                self._below[key] = self.child(oid, part, last=last)
            below = self._below[key]
            if below is None:
                return None
            oid = below
        return str(oid)


def _components(path: str) -> list[str]:
    """Split a path in a repository."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise RepositoryError(
            f"{path!r} is not the path of a file in a repository; write it as {KERNEL_PATHS[0]}"
        )
    return parts


def read_at(path: Path, revision: str, candidates: Sequence[str]) -> tuple[str, bytes]:
    """Return the first of some files that a revision has: its path and its bytes.

    :param revision: a tag, a branch, or the id of a commit, as git writes them
    :raises RepositoryError: no such repository, revision or file
    """
    repository = Repository(path, candidates)
    found = repository.header_path(repository.resolve(revision))
    if found is None:
        raise RepositoryError(f"{revision} of {path} has none of {', '.join(candidates)}")
    name, blob = found
    return name, repository.read(blob, f"{name} at {revision}")
