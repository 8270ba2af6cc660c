"""The files of a tree by their ids, and in which of them two trees differ; no file is read."""

import re
from collections.abc import Iterator, Sequence

from helperhist.errors import RepositoryError
from helperhist.git.repository import Repository

__all__ = ["Trees"]

# Mode, name, id: git's own format of a tree object.
_ENTRY = re.compile(rb"([0-7]{5,6}) ([^\0/]+)\0(.{20})", re.DOTALL)
_FOLDER = frozenset((b"40000", b"040000"))
# 100664 is of early versions of git. No symbolic link, no submodule: neither holds source.
_FILE = frozenset((b"100644", b"100755", b"100664"))
#: Names that differ between two trees: the kernel's 7.1 has 95,000 in all. Folders may hold one
#: another many times over, so that few objects stand for more files than can ever be looked at.
_MAX_NAMES = 1_000_000

#: Name to mode and id.
_Entries = dict[bytes, tuple[bytes, bytes]]


class Trees:
    """The trees of a repository, as far as they are below some files and folders.

    :param roots: files, and folders ending in a slash
    :param suffixes: of the files that count
    """

    def __init__(
        self, repository: Repository, roots: Sequence[str], suffixes: tuple[str, ...]
    ) -> None:
        self._repository = repository
        self._roots, self._suffixes = tuple(roots), suffixes
        self._above = {
            "/".join(parts[:depth]) + "/"
            for parts in (root.rstrip("/").split("/") for root in roots)
            for depth in range(1, len(parts))
        }

    def changes(self, old: str | None, new: str) -> Iterator[tuple[str, str | None]]:
        """Yield the files in which a tree differs from an older one: path and blob.

        The blob is None of a file that is gone. Without an older tree, all files differ.

        :param old: a root tree, and so is ``new``
        :raises RepositoryError: a tree is missing, damaged, or has too many files
        """
        seen = 0
        before = None if old is None else bytes.fromhex(old)
        waiting: list[tuple[str, bytes | None, bytes | None]] = [("", before, bytes.fromhex(new))]
        while waiting:
            folder, before, after = waiting.pop()
            left, right = self._entries(before), self._entries(after)
            names = {name for name, _ in left.items() ^ right.items()}
            seen += len(names)
            if seen > _MAX_NAMES:
                raise RepositoryError(
                    f"tree {new[:12]} has more than {_MAX_NAMES} files; leave its tag out (--tags)"
                )
            for name in names:
                path = folder + name.decode("utf-8", "surrogateescape")
                one, two = left.get(name), right.get(name)
                below = f"{path}/"
                if below in self._above or below.startswith(self._roots):
                    before, after = _id(one, _FOLDER), _id(two, _FOLDER)
                    if before != after:
                        waiting.append((below, before, after))
                if path.endswith(self._suffixes) and path.startswith(self._roots):
                    before, after = _id(one, _FILE), _id(two, _FILE)
                    if before != after:
                        yield path, None if after is None else after.hex()

    def _entries(self, tree: bytes | None) -> _Entries:
        if tree is None:
            return {}
        oid = tree.hex()
        data = self._repository.read(oid, "a tree")
        found = _ENTRY.findall(data)
        if sum(len(mode) + len(name) + 22 for mode, name, _ in found) != len(data):
            raise self._repository.missing(oid, "a tree")
        return {name: (mode, child) for mode, name, child in found}


def _id(entry: tuple[bytes, bytes] | None, modes: frozenset[bytes]) -> bytes | None:
    return entry[1] if entry is not None and entry[0] in modes else None
