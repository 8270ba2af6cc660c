"""Some files of a repository, followed through its commits by the ids of their contents."""

from collections.abc import Iterable, Iterator
from typing import Any

from helperhist.git.repository import Repository

__all__ = ["State", "Watch"]

#: What a folder holds of the files: ids, None for a file that is not there, and such tuples of the
#: folders in it. Equal ones are one object, so that they compare fast.
State = tuple[Any, ...]

_MODES = (b"100644", b"100755", b"100664")
#: Folders whose contents are kept in mind; each commit of the kernel has some new ones.
_MAX_KNOWN = 200_000


class _Folder:
    """A folder on the way to a file: what is looked for in it, and what was found."""

    def __init__(self) -> None:
        self.folders: dict[bytes, _Folder] = {}
        self.files: list[bytes] = []
        self.known: dict[bytes, State] = {}
        self.nothing: State = ()


class Watch:
    """Files that are followed.

    :ivar paths: of the files
    """

    def __init__(self, repository: Repository, paths: Iterable[str]) -> None:
        self._repository = repository
        self.paths = tuple(sorted(set(paths)))
        self._root = _Folder()
        for path in self.paths:
            *parts, name = path.encode("utf-8", "surrogateescape").split(b"/")
            folder = self._root
            for part in parts:
                folder = folder.folders.setdefault(part, _Folder())
            folder.files.append(name)
        _close(self._root)
        self._same: dict[State, State] = {}
        self._count = 0

    def state(self, commit: str) -> State:
        """Return the state of a commit.

        :raises RepositoryError: a commit or a tree is missing or damaged
        """
        return self._look(self._root, bytes.fromhex(self._repository.root(commit)))

    def changes(self, start: str) -> Iterator[tuple[str, State | None]]:
        """Yield the changes along first parents, from a commit back.

        Each is a commit and the state of its first parent, where that is another one. The last is
        a commit without a known parent, with None.

        :raises RepositoryError: a commit or a tree is missing or damaged
        """
        links, look, root = self._repository.links, self._look, self._root
        here: State | None = None
        child, at = "", start
        while True:
            tree, parents = links(at)
            there = look(root, bytes.fromhex(tree))
            if here is not None and there is not here:
                yield child, there
            if not parents:
                break
            child, here, at = at, there, parents[0]
        yield at, None

    def differences(self, old: State | None, new: State) -> list[tuple[str, str | None]]:
        """Return the files in which two states differ: path, and blob in the new one."""
        found: list[tuple[str, str | None]] = []
        _compare(self._root, "", self._root.nothing if old is None else old, new, found)
        return found

    def _look(self, folder: _Folder, tree: bytes) -> State:
        state = folder.known.get(tree)
        if state is not None:
            return state
        data = self._repository.read(tree.hex(), "a tree")
        parts: list[Any] = []
        for name, below in folder.folders.items():
            child = _find(data, b"40000 %s\0" % name)
            parts.append(below.nothing if child is None else self._look(below, child))
        for name in folder.files:
            blobs = (_find(data, b"%s %s\0" % (mode, name)) for mode in _MODES)
            parts.append(next((blob for blob in blobs if blob is not None), None))
        state = tuple(parts)
        state = self._same.setdefault(state, state)
        self._count += 1
        if self._count > _MAX_KNOWN:
            _forget(self._root)
            self._count = 0
        folder.known[tree] = state
        return state


def _find(data: bytes, entry: bytes) -> bytes | None:
    """Return the id that follows a mode and name in a tree; None where they are not in it."""
    at = data.find(entry)
    # A name may have another one in it, behind a space; an entry begins after an id.
    while at > 0 and (at < 21 or data[at - 21] != 0):
        at = data.find(entry, at + 1)
    return None if at < 0 else data[at + len(entry) : at + len(entry) + 20]


def _close(folder: _Folder) -> None:
    for below in folder.folders.values():
        _close(below)
    folder.nothing = (
        *(below.nothing for below in folder.folders.values()),
        *(None for _ in folder.files),
    )


def _forget(folder: _Folder) -> None:
    folder.known.clear()
    for below in folder.folders.values():
        _forget(below)


def _compare(
    folder: _Folder, place: str, old: State, new: State, found: list[tuple[str, str | None]]
) -> None:
    if old is new:
        return
    for (name, below), one, two in zip(folder.folders.items(), old, new, strict=False):
        _compare(below, f"{place}{_text(name)}/", one, two, found)
    count = len(folder.folders)
    for name, one, two in zip(folder.files, old[count:], new[count:], strict=True):
        if one != two:
            found.append((place + _text(name), None if two is None else two.hex()))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
