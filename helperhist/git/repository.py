"""Read a git repository with pygit2: tags, commits, files at commits; not what they mean."""

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import FileMode, ObjectType, ReferenceFilter

from helperhist.errors import InvalidVersion, RepositoryError
from helperhist.git.commits import CommitInfo, local_date, parse_commit
from helperhist.git.files import (
    MAX_OBJECT_BYTES,
    ObjectTooLarge,
    check_loose,
    common_dir,
    damaged_tags,
    loose_objects,
    shallow_commits,
)
from helperhist.git.graph import open_graph
from helperhist.git.open import open_repository
from helperhist.git.shortcut import Shortcut
from helperhist.printable import one_line, utf8
from helperhist.version import KernelVersion

__all__ = [
    "DEFAULT_TAGS",
    "KERNEL_PATHS",
    "CommitInfo",
    "MissingObject",
    "Repository",
    "TagRef",
    "read_at",
]

#: Tags of the kernel's own history: v5.8, v5.8-rc7, v5.10.42.
DEFAULT_TAGS = r"v(?P<version>\d+\.\d+(\.\d+)?(-rc\d+)?)"

#: Where the header is in the kernel, and where user-space trees carried it.
KERNEL_PATHS = ("include/uapi/linux/bpf.h", "include/linux/bpf.h")

_MAX_TAG_NESTING = 32
#: Every so many commits, whether the commit-graph has the next one.
_LOOK_UP = 16
_NONE = pygit2.Oid(hex="0" * 40)
_ID = re.compile(r"[0-9a-f]{40}")
#: Longer ones are nobody's; and an expression may take its time for each character.
_MAX_TAG_NAME = 200
#: What may stand behind the name of a revision, and a name that ``git describe`` gave.
_STEPS = re.compile(r"\^\{(?:commit)?\}|[~^][0-9]{0,9}")
_REVISION = re.compile(rf"(?P<name>[^~^:]+)(?P<steps>(?:{_STEPS.pattern})*)")
_HEX = re.compile(r"(?:.*-g)?([0-9a-f]{4,40})", re.IGNORECASE)
#: A remote's name that an option or another command cannot hide in.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")


class MissingObject(RepositoryError):
    """An object that the repository should have and has not, or that is damaged.

    :ivar oid: its id, 40 hex digits
    """

    def __init__(self, oid: str, message: str) -> None:
        super().__init__(message)
        self.oid = oid


@dataclass(frozen=True, slots=True)
class TagRef:
    """A tag that fits the pattern.

    :ivar name: without ``refs/tags/``
    :ivar target: object id that the reference holds
    :ivar commit: the commit that it leads to
    :ivar date: ISO date of the tagger, else of the committer, in that person's time zone
    """

    name: str
    version: KernelVersion
    target: str
    commit: str
    date: str | None


class Repository:
    """A git repository, read only."""

    def __init__(self, path: Path, paths: Sequence[str] = KERNEL_PATHS) -> None:
        """Open the repository at a path, or the one that the path is in.

        :param paths: where the header may be, the first that exists at a commit counts
        :raises RepositoryError: there is none, or libgit2 cannot read it
        """
        self._repo = open_repository(path)
        self._odb = self._repo.odb
        self.folder = Path(self._repo.workdir or self._repo.path)
        self.git_dir = Path(self._repo.path)
        self.paths = tuple(dict.fromkeys("/".join(_components(path)) for path in paths))
        self._parts = [path.split("/") for path in self.paths]
        #: Commits that chains have gone through so far.
        self.visited = 0
        #: Folders with objects that the repository lacks.
        self.more_objects: tuple[str, ...] = ()
        self.shallow = shallow_commits(self.git_dir)
        self._cut = frozenset(pygit2.Oid(hex=oid) for oid in self.shallow)
        #: Loose objects that have not been read yet, with their files.
        self._loose = _by_oid(loose_objects(self.git_dir))
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

    @property
    def name(self) -> str:
        """The folder's name, without ``.git``: a name for the dataset."""
        return utf8(self.folder.name).removesuffix(".git") or "repository"

    @property
    def head(self) -> str | None:
        """The commit of HEAD; None in an unborn branch or where HEAD leads nowhere."""
        try:
            oid = str(self._repo.head.target)
            return oid if self._read(oid)[0] == ObjectType.COMMIT else None
        except (pygit2.GitError, KeyError, ValueError):
            return None

    @property
    def is_empty(self) -> bool:
        """Whether the repository has no commit and no reference."""
        return self._repo.is_empty

    def has(self, oid: str) -> bool:
        """Whether an object is there."""
        # Not "in": libgit2 would read it, and not come back from a file that is cut off.
        return self._odb.exists(oid)

    def add_objects(self, folder: Path) -> None:
        """Read objects from a folder of our own too."""
        self.more_objects += (str(folder),)
        self._odb.add_disk_alternate(str(folder))

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
            for entry in self._repo.config:
                name = str(entry.name)
                if (
                    name.startswith("remote.")
                    and name.endswith(".promisor")
                    and self._repo.config.get_bool(name)
                ):
                    return name[len("remote.") : -len(".promisor")]
        except (pygit2.GitError, KeyError, ValueError):
            return None
        return None

    def url(self, remote: str) -> str | None:
        """Return where a remote is, as the repository's configuration has it: foreign text."""
        try:
            return next(iter(self._repo.config.get_multivar(f"remote.{remote}.url")), None)
        except (pygit2.GitError, KeyError, ValueError):
            return None

    def read(self, oid: str, what: str) -> bytes:
        """Return the bytes of an object.

        :param what: names the object in errors
        :raises MissingObject: it is missing or damaged
        :raises ObjectTooLarge: it is larger than any object of interest
        """
        try:
            return self._read(oid)[1]
        except ObjectTooLarge as error:
            raise ObjectTooLarge(f"{what} (object {oid[:12]})", error.size) from error
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise self.missing(oid, what) from error

    def tags(self, pattern: str) -> tuple[list[TagRef], Counter[str]]:
        """Return the tags of commits whose whole name a pattern matches, and why others were not.

        :param pattern: regular expression with the named group ``version``
        :raises RepositoryError: the pattern is none, or has no such group
        """
        try:
            compiled = re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise RepositoryError(
                f"--tags {pattern!r} is no regular expression: {one_line(str(error))}"
            ) from error
        if "version" not in compiled.groupindex:
            raise RepositoryError(
                f"--tags {pattern!r} has no group named version; "
                r"write for example 'Ubuntu-(?P<version>\d+\.\d+\.\d+-\d+\.\d+)'"
            )
        found: list[TagRef] = []
        skipped: Counter[str] = Counter()
        for name, target in self._tag_targets(skipped):
            if len(name) > _MAX_TAG_NAME:
                skipped["name is too long"] += 1
                continue
            if not name.isprintable():
                skipped["name is not printable"] += 1
                continue
            match = compiled.fullmatch(name)
            if match is None or match["version"] is None:
                skipped["name does not fit the pattern"] += 1
                continue
            try:
                version = KernelVersion.parse(match["version"])
            except InvalidVersion:
                skipped["name has no version"] += 1
                continue
            peeled = self._peel(name, target)
            if isinstance(peeled, str):
                skipped[peeled] += 1
                continue
            found.append(TagRef(name, version, target, *peeled))
        return found, skipped

    def _tag_targets(self, skipped: Counter[str]) -> Iterable[tuple[str, str]]:
        prefix = "refs/tags/"
        try:
            references = self._repo.references.iterator(ReferenceFilter.TAGS)
        except (pygit2.GitError, OSError) as error:
            raise self._no_tags(error) from error
        while True:
            try:
                reference = next(references)
                name, target = reference.name.removeprefix(prefix), reference.target
            except StopIteration:
                break
            except UnicodeDecodeError:
                skipped["name is not UTF-8"] += 1
                continue
            except (pygit2.GitError, KeyError, ValueError, OSError) as error:
                # packed-refs: which tags it held is unknown.
                raise self._no_tags(error) from error
            if isinstance(target, str):
                skipped["symbolic reference"] += 1
                continue
            yield name, str(target)
        # libgit2 passes over references whose files hold no object id.
        if damaged := damaged_tags(common_dir(self.git_dir) / "refs" / "tags"):
            skipped["reference is damaged"] += damaged

    def _no_tags(self, error: Exception) -> RepositoryError:
        return RepositoryError(
            f"cannot list the tags of {self.folder}: {one_line(str(error))}; {self._fsck()}"
        )

    def resolve(self, revision: str) -> str:
        """Return the commit that a revision leads to.

        :param revision: a tag, a branch, the id of a commit or the beginning of one, or what
            ``git describe`` prints; and ``~2``, ``^`` or ``^{}`` behind it
        :raises RepositoryError: there is none
        """
        # libgit2's own would read objects that were not looked at, all of them for ":/text".
        match = _REVISION.fullmatch(revision)
        start = self._named(match["name"]) if match and revision.isprintable() else None
        if match is None or start is None:
            raise RepositoryError(
                f"{self.folder} has no revision {revision!r}; give a tag, a branch or the id of a "
                f"commit, see `git -C {shlex.quote(str(self.folder))} tag`"
            )
        found = self._peel(revision, start)
        if isinstance(found, str):
            raise RepositoryError(f"{revision!r} of {self.folder} leads to no commit: {found}")
        commit = found[0]
        for step in _STEPS.findall(match["steps"]):
            number = int(step[1:]) if step[1:].isdigit() else 1
            for _ in range(number if step[0] == "~" else 1):
                parents = self.parents(commit)
                at = 0 if step[0] == "~" else number - 1
                if step[1:2] == "{" or at < 0:
                    break
                if at >= len(parents):
                    raise RepositoryError(f"{revision!r} of {self.folder} leads to no commit")
                commit = parents[at]
        return commit

    def _named(self, name: str) -> str | None:
        """Return the object that a reference or an id stands for; None where there is none."""
        try:
            found = self._repo.lookup_reference_dwim("HEAD" if name == "@" else name).resolve()
            return str(found.target)
        except (pygit2.GitError, KeyError, ValueError, OSError):
            pass
        digits = _HEX.fullmatch(name)
        if digits is None:
            return None
        try:
            return str(self._repo.expand_id(digits[1].lower()))
        except (pygit2.GitError, KeyError, ValueError):
            return None

    def _peel(self, name: str, target: str) -> tuple[str, str | None] | str:
        """Follow a tag to its commit; return it and the date, or why there is none."""
        oid: str = target
        date: str | None = None
        for _ in range(_MAX_TAG_NESTING):
            try:
                kind, data = self._read(oid)
            except (KeyError, ValueError, pygit2.GitError) as error:
                if self.has(oid):
                    raise self.missing(oid, f"what tag {name} stands for") from error
                return "tagged object is missing"
            head = data.partition(b"\n\n")[0]
            if kind == ObjectType.COMMIT:
                return oid, date or local_date(head, b"committer")
            if kind != ObjectType.TAG:
                return "tag of a tree" if kind == ObjectType.TREE else "tag of a blob"
            date = date or local_date(head, b"tagger")
            oid = data[7:47].decode("latin-1")
            if not _ID.fullmatch(oid):
                return "tagged object is missing"
        return "tags nested too deep"

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
            lambda commit: (self._commit(commit)[5:45].decode("latin-1"), self.parents(commit)),
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
        repo: Any = self._repo
        try:
            self._look(at)
            commit = repo[at]
            tree, parents = commit.tree_id, commit.parent_ids
        except (KeyError, ValueError, AttributeError, pygit2.GitError):
            # libgit2 refuses people and dates that git puts up with.
            tree, parents = self._tree_and_parents(str(at))
        return self._header_below(tree), parents

    def _header_below(self, tree: pygit2.Oid) -> str | None:
        """Return the header below a root tree."""
        repo: Any = self._repo
        try:
            self._look(tree)
            root, folder = repo[tree], self._folder
            key = tree if folder is None else root[folder].id if folder in root else _NONE
        except (KeyError, ValueError, TypeError, pygit2.GitError) as error:
            raise self.missing(str(tree), "a tree") from error
        there = self._known.get(key, "")
        if there == "":
            there = self._known[key] = self._find(str(tree))
        return there

    def _tree_and_parents(self, oid: str) -> tuple[pygit2.Oid, list[pygit2.Oid]]:
        tree = pygit2.Oid(hex=self._commit(oid)[5:45].decode("latin-1"))
        return tree, [pygit2.Oid(hex=parent) for parent in self.parents(oid)]

    def parents(self, commit: str) -> tuple[str, ...]:
        """Return the parents of a commit; none at the cut of a shallow clone."""
        return self._parents(commit, self._commit(commit))

    def _parents(self, commit: str, data: bytes) -> tuple[str, ...]:
        parents = []
        at = 46
        while data[at : at + 7] == b"parent ":
            parents.append(data[at + 7 : at + 47].decode("latin-1"))
            at += 48
        return () if commit in self.shallow else tuple(parents)

    def root(self, commit: str) -> str:
        """Return the root tree of a commit."""
        return self._commit(commit)[5:45].decode("latin-1")

    def links(self, commit: str) -> tuple[str, tuple[str, ...]]:
        """Return the root tree of a commit, and its parents as :meth:`parents` does."""
        data = self._commit(commit)
        return data[5:45].decode("latin-1"), self._parents(commit, data)

    def header(self, commit: str) -> str | None:
        """Return the blob of the header at a commit, from the first path that exists."""
        return self._find(self._commit(commit)[5:45].decode("latin-1"))

    def header_path(self, commit: str) -> tuple[str, str] | None:
        """Return the header's path at a commit, and its blob; None where there is no header."""
        tree = self._commit(commit)[5:45].decode("latin-1")
        for path, parts in zip(self.paths, self._parts, strict=True):
            blob = self._descend(tree, parts)
            if blob is not None:
                return path, blob
        return None

    def is_cut(self, commit: str) -> bool:
        """Whether the parents of a commit are lacking in a shallow clone."""
        return commit in self.shallow

    def _read(self, oid: str) -> tuple[int, bytes]:
        """Return type and bytes of an object; raise what pygit2 raises.

        :raises ObjectTooLarge: it is larger than any object of interest
        """
        self._look(pygit2.Oid(hex=oid))
        kind, data = self._repo.read(oid)
        return int(kind), data

    def _look(self, oid: pygit2.Oid) -> None:
        """Look at an object before it is read as a whole."""
        if self._loose and oid in self._loose:
            self._check_loose(oid)
        if (size := self._odb.read_header(oid)[1]) > MAX_OBJECT_BYTES:
            raise ObjectTooLarge(f"object {str(oid)[:12]}", size)

    def _check_loose(self, oid: pygit2.Oid) -> None:
        """Raise ValueError if the file of a loose object is damaged; each is read once."""
        check_loose(self._loose[oid], str(oid))
        del self._loose[oid]

    def _commit(self, oid: str) -> bytes:
        try:
            kind, data = self._read(oid)
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise self.missing(oid, "a commit") from error
        if kind != ObjectType.COMMIT or data[:5] != b"tree " or data[45:46] != b"\n":
            raise self.missing(oid, "a commit")
        return data

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
                self._below[key] = self._child(oid, part, last=last)
            below = self._below[key]
            if below is None:
                return None
            oid = below
        return str(oid)

    def _child(self, tree: pygit2.Oid, name: str, *, last: bool) -> pygit2.Oid | None:
        """Return the id of a folder in a tree, or of a file if it is the last of the path."""
        try:
            self._look(tree)
            node = self._repo[tree]
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
        """Return the error that an object is missing or damaged, for a caller to raise."""
        remedy = self._fsck()
        remote = self.promisor()
        if remote is not None and not self.has(oid):
            remedy = f"the clone is partial: {self.refetch(remote)}"
        return MissingObject(
            oid, f"{what} (object {oid[:12]}) is missing or damaged in {self.folder}; {remedy}"
        )

    def _fsck(self) -> str:
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

    def info(self, oid: str) -> CommitInfo:
        """Return what rows tell of a commit.

        :raises MissingObject: it is missing or damaged
        """
        return parse_commit(oid, self.read(oid, "a commit"))


def _components(path: str) -> list[str]:
    """Split a path in a repository."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise RepositoryError(
            f"{path!r} is no path of a file in a repository; write it as {KERNEL_PATHS[0]}"
        )
    return parts


def _by_oid(files: dict[str, Path]) -> dict[pygit2.Oid, Path]:
    return {pygit2.Oid(hex=oid): file for oid, file in files.items()}


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
