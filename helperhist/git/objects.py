"""The objects of a git repository, read only; each is looked at before it is read."""

import re
import shlex
from pathlib import Path

import pygit2
from pygit2.enums import FileMode, ObjectType

from helperhist.errors import RepositoryError
from helperhist.git.commits import CommitInfo, parse_commit
from helperhist.git.files import (
    MAX_OBJECT_BYTES,
    ObjectTooLarge,
    check_loose,
    common_dir,
    loose_objects,
    shallow_commits,
)
from helperhist.git.open import open_repository
from helperhist.printable import utf8

__all__ = ["MissingObject", "Objects"]

#: A remote's name that an option or another command cannot hide in.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")


class MissingObject(RepositoryError):
    """An object that the repository should have and has not, or that is damaged.

    :ivar oid: its id, 40 hex digits
    """

    def __init__(self, oid: str, message: str) -> None:
        super().__init__(message)
        self.oid = oid


class Objects:
    """What a repository holds, by id."""

    def __init__(self, path: Path) -> None:
        """Open the repository at a path, or the one that the path is in.

        :raises RepositoryError: there is none, or libgit2 cannot read it
        """
        self.repo = open_repository(path)
        self.odb = self.repo.odb
        self.folder = Path(self.repo.workdir or self.repo.path)
        self.git_dir = Path(self.repo.path)
        #: Folders with objects that the repository lacks.
        self.more_objects: tuple[str, ...] = ()
        self.shallow = shallow_commits(self.git_dir)
        #: Loose objects that have not been read yet, with their files.
        self._loose = _by_oid(loose_objects(self.git_dir))

    @property
    def name(self) -> str:
        """The folder's name, without ``.git``: a name for the dataset."""
        return utf8(self.folder.name).removesuffix(".git") or "repository"

    @property
    def head(self) -> str | None:
        """The commit of HEAD; None in an unborn branch or where HEAD leads nowhere."""
        try:
            oid = str(self.repo.head.target)
            return oid if self.read_object(oid)[0] == ObjectType.COMMIT else None
        except (pygit2.GitError, KeyError, ValueError):
            return None

    @property
    def is_empty(self) -> bool:
        """Whether the repository has no commit and no reference."""
        return self.repo.is_empty

    def has(self, oid: str) -> bool:
        """Whether an object is there."""
        # Not "in": libgit2 would read it, and not come back from a file that is cut off.
        return self.odb.exists(oid)

    def add_objects(self, folder: Path) -> None:
        """Read objects from a folder of our own too."""
        self.more_objects += (str(folder),)
        self.odb.add_disk_alternate(str(folder))

    def index_bytes(self) -> int:
        """Return the size of all pack indexes: a cheap measure of how many objects there are."""
        folder = common_dir(self.git_dir) / "objects" / "pack"
        try:
            return sum(file.stat().st_size for file in folder.glob("*.idx"))
        except OSError:
            return 0

    def promisor(self) -> str | None:
        """The remote that a partial clone takes missing objects from, None of a whole one."""
        try:
            for entry in self.repo.config:
                name = str(entry.name)
                if (
                    name.startswith("remote.")
                    and name.endswith(".promisor")
                    and self.repo.config.get_bool(name)
                ):
                    return name[len("remote.") : -len(".promisor")]
        except (pygit2.GitError, KeyError, ValueError):
            return None
        return None

    def url(self, remote: str) -> str | None:
        """Return where a remote is, as the repository's configuration has it: foreign text."""
        try:
            return next(iter(self.repo.config.get_multivar(f"remote.{remote}.url")), None)
        except (pygit2.GitError, KeyError, ValueError):
            return None

    def read(self, oid: str, what: str) -> bytes:
        """Return the bytes of an object.

        :param what: names the object in errors
        :raises MissingObject: it is missing or damaged
        :raises ObjectTooLarge: it is larger than any object of interest
        """
        try:
            return self.read_object(oid)[1]
        except ObjectTooLarge as error:
            raise ObjectTooLarge(f"{what} (object {oid[:12]})", error.size) from error
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise self.missing(oid, what) from error

    def parents(self, commit: str) -> tuple[str, ...]:
        """Return the parents of a commit; none at the cut of a shallow clone."""
        return self.links(commit)[1]

    def links(self, commit: str) -> tuple[str, tuple[str, ...]]:
        """Return the root tree of a commit, and its parents as :meth:`parents` does."""
        data = self.commit(commit)
        parents = []
        at = 46
        while data[at : at + 7] == b"parent ":
            parents.append(data[at + 7 : at + 47].decode("latin-1"))
            at += 48
        tree = data[5:45].decode("latin-1")
        return tree, () if commit in self.shallow else tuple(parents)

    def root(self, commit: str) -> str:
        """Return the root tree of a commit."""
        return self.commit(commit)[5:45].decode("latin-1")

    def is_cut(self, commit: str) -> bool:
        """Whether the parents of a commit are lacking in a shallow clone."""
        return commit in self.shallow

    def info(self, oid: str) -> CommitInfo:
        """Return what rows tell of a commit.

        :raises MissingObject: it is missing or damaged
        """
        return parse_commit(oid, self.read(oid, "a commit"))

    def read_object(self, oid: str) -> tuple[int, bytes]:
        """Return type and bytes of an object; raise what pygit2 raises.

        :raises ObjectTooLarge: it is larger than any object of interest
        """
        self.look(pygit2.Oid(hex=oid))
        kind, data = self.repo.read(oid)
        return int(kind), data

    def look(self, oid: pygit2.Oid) -> None:
        """Look at an object before it is read as a whole."""
        self.look_if_loose(oid)
        if (size := self.odb.read_header(oid)[1]) > MAX_OBJECT_BYTES:
            raise ObjectTooLarge(f"object {str(oid)[:12]}", size)

    def look_if_loose(self, oid: pygit2.Oid) -> None:
        """Look at an object of a file of its own: libgit2 does not come back from one cut off."""
        if self._loose and oid in self._loose:
            self._check_loose(oid)

    def _check_loose(self, oid: pygit2.Oid) -> None:
        """Raise ValueError if the file of a loose object is damaged; each is read once."""
        check_loose(self._loose[oid], str(oid))
        del self._loose[oid]

    def commit(self, oid: str) -> bytes:
        """Return the bytes of a commit.

        :raises MissingObject: it is missing, damaged, or something else
        """
        try:
            kind, data = self.read_object(oid)
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise self.missing(oid, "a commit") from error
        if kind != ObjectType.COMMIT or data[:5] != b"tree " or data[45:46] != b"\n":
            raise self.missing(oid, "a commit")
        return data

    def child(self, tree: pygit2.Oid, name: str, *, last: bool) -> pygit2.Oid | None:
        """Return the id of a folder in a tree, or of a file if it is the last of the path."""
        try:
            self.look(tree)
            node = self.repo[tree]
            if not isinstance(node, pygit2.Tree):
                raise self.missing(str(tree), "a tree")
            entry = node[name] if name in node else None  # noqa: SIM401 - a Tree has no get()
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise self.missing(str(tree), "a tree") from error
        if entry is None:
            return None
        # No symbolic link and no submodule: neither is the header.
        if entry.filemode not in (
            (FileMode.BLOB, FileMode.BLOB_EXECUTABLE) if last else (FileMode.TREE,)
        ):
            return None
        return entry.id

    def missing(self, oid: str, what: str) -> MissingObject:
        """Return the error of an object that cannot be read, with the remedy."""
        remedy = self.fsck()
        remote = self.promisor()
        if remote is not None and not self.has(oid):
            remedy = f"the clone is partial: {self.refetch(remote)}"
        return MissingObject(
            oid, f"{what} (object {oid[:12]}) is missing or damaged in {self.folder}; {remedy}"
        )

    def fsck(self) -> str:
        """Say how a user looks for damage."""
        return f"see `git -C {shlex.quote(str(self.folder))} fsck`"

    def refetch(self, remote: str) -> str:
        """Say how a user makes a partial clone a whole one."""
        if not _PLAIN.fullmatch(remote):
            return "its remote has no plain name; give a whole clone"
        folder = shlex.quote(str(self.folder))
        return (
            "if you trust its configuration, run "
            f"`git -C {folder} fetch --refetch --no-filter {remote}`"
        )


def _by_oid(files: dict[str, Path]) -> dict[pygit2.Oid, Path]:
    return {pygit2.Oid(hex=oid): file for oid, file in files.items()}
