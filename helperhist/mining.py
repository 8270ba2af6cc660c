"""Read a git repository with pygit2: tags, commits, files at commits; not what they mean."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType, ReferenceFilter

from helperhist.errors import InvalidVersion, RepositoryError
from helperhist.version import KernelVersion

__all__ = ["DEFAULT_TAGS", "KERNEL_PATHS", "CommitInfo", "MissingObject", "Repository", "TagRef"]

#: Tags of the kernel's own history: v5.8, v5.8-rc7, v5.10.42.
DEFAULT_TAGS = r"v(?P<version>\d+\.\d+(\.\d+)?(-rc\d+)?)"

#: Where the header is in the kernel, and where user-space trees carried it.
KERNEL_PATHS = ("include/uapi/linux/bpf.h", "include/linux/bpf.h")

_MAX_TAG_NESTING = 32
_PERSON = re.compile(
    rb"^(author|committer|tagger) .*?(-?[0-9]{1,15}) ([-+][0-9]{4})$", re.MULTILINE
)
_ENCODING = re.compile(rb"^encoding ([A-Za-z0-9_.:-]{1,40})$", re.MULTILINE)


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


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """A commit, as rows tell of it; dates are ISO 8601 in UTC, None where unreadable."""

    id: str
    author_date: str | None
    commit_date: str | None
    subject: str


class Repository:
    """A git repository, read only."""

    def __init__(self, path: Path) -> None:
        """Open the repository at a path, or the one that the path is in.

        :raises RepositoryError: there is none, or libgit2 cannot read it
        """
        self._repo = _open(path)
        self.folder = Path(self._repo.workdir or self._repo.path)
        self.shallow = _shallow_commits(Path(self._repo.path))
        self._commits: dict[str, tuple[str, tuple[str, ...]]] = {}

    @property
    def name(self) -> str:
        """The folder's name, without ``.git``: a name for the dataset."""
        return self.folder.name.removesuffix(".git") or "repository"

    @property
    def head(self) -> str | None:
        """The commit of HEAD; None in an unborn branch or where HEAD leads nowhere."""
        try:
            return str(self._repo.head.peel(pygit2.Commit).id)
        except (pygit2.GitError, KeyError, ValueError):
            return None

    @property
    def is_empty(self) -> bool:
        """Whether the repository has no commit and no reference."""
        return self._repo.is_empty

    def promisor(self) -> str | None:
        """The remote that a partial clone takes missing objects from, None of a whole one."""
        try:
            for entry in self._repo.config:
                if entry.name.startswith("remote.") and entry.name.endswith(".promisor"):
                    if entry.value in ("true", "1", "yes", "on"):
                        return str(entry.name[len("remote.") : -len(".promisor")])
        except (pygit2.GitError, UnicodeDecodeError):
            return None
        return None

    def read(self, oid: str, what: str) -> bytes:
        """Return the bytes of an object.

        :param what: names the object in errors
        :raises MissingObject: it is missing or damaged
        """
        try:
            return self._repo.read(oid)[1]
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise MissingObject(
                oid,
                f"{what} (object {oid[:12]}) is missing or damaged in {self.folder}; "
                f"see `git -C {self.folder} fsck`",
            ) from error

    def tags(self, pattern: str) -> tuple[list[TagRef], Counter[str]]:
        """Return the tags of commits whose whole name a pattern matches, and why others were not.

        :param pattern: regular expression with the named group ``version``
        :raises RepositoryError: the pattern is none, or has no such group
        """
        try:
            compiled = re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise RepositoryError(
                f"--tags {pattern!r} is no regular expression: {error}"
            ) from error
        if "version" not in compiled.groupindex:
            raise RepositoryError(
                f"--tags {pattern!r} has no group named version; "
                r"write for example 'Ubuntu-(?P<version>\d+\.\d+\.\d+-\d+\.\d+)'"
            )
        found: list[TagRef] = []
        skipped: Counter[str] = Counter()
        for name, target in self._tag_targets(skipped):
            match = compiled.fullmatch(name)
            if match is None or match["version"] is None:
                skipped["name does not fit the pattern"] += 1
                continue
            try:
                version = KernelVersion.parse(match["version"])
            except InvalidVersion:
                skipped["name has no version"] += 1
                continue
            peeled = self._peel(target)
            if isinstance(peeled, str):
                skipped[peeled] += 1
                continue
            found.append(TagRef(name, version, target, *peeled))
        return found, skipped

    def _tag_targets(self, skipped: Counter[str]) -> Iterable[tuple[str, str]]:
        prefix = "refs/tags/"
        try:
            references = self._repo.references.iterator(ReferenceFilter.TAGS)
        except pygit2.GitError as error:
            raise RepositoryError(f"cannot list the tags of {self.folder}: {error}") from error
        while True:
            try:
                reference = next(references)
                name, target = reference.name.removeprefix(prefix), reference.target
            except StopIteration:
                return
            except (UnicodeDecodeError, pygit2.GitError, KeyError, ValueError):
                skipped["name or reference is damaged"] += 1
                continue
            if isinstance(target, str):
                skipped["symbolic reference"] += 1
                continue
            yield name, str(target)

    def _peel(self, target: str) -> tuple[str, str | None] | str:
        """Follow a tag to its commit; return it and the date, or why there is none."""
        oid: str = target
        date: str | None = None
        for _ in range(_MAX_TAG_NESTING):
            try:
                kind, data = self._repo.read(oid)
            except (KeyError, ValueError, pygit2.GitError):
                return "tagged object is missing or damaged"
            head = data.partition(b"\n\n")[0]
            if kind == ObjectType.COMMIT:
                return oid, date or _local_date(head, b"committer")
            if kind != ObjectType.TAG:
                return "tag of a tree" if kind == ObjectType.TREE else "tag of a blob"
            date = date or _local_date(head, b"tagger")
            oid = data[7:47].decode("latin-1")
        return "tags nested too deep"

    def commit(self, oid: str) -> tuple[str, tuple[str, ...]]:
        """Return the tree and the parents of a commit; none at the cut of a shallow clone.

        :raises MissingObject: it is missing or damaged
        """
        data = self.read(oid, "a commit")
        if data[:5] != b"tree " or data[45:46] != b"\n":
            raise MissingObject(oid, f"commit {oid[:12]} is damaged; see `git fsck`")
        parents = []
        at = 46
        while data[at : at + 7] == b"parent ":
            parents.append(data[at + 7 : at + 47].decode("latin-1"))
            at += 48
        return data[5:45].decode("latin-1"), () if oid in self.shallow else tuple(parents)

    def entry(self, tree: str, name: bytes) -> str | None:
        """Return the object id of an entry of a tree, None if the tree has none of that name.

        :raises MissingObject: the tree is missing or damaged
        """
        data = self.read(tree, "a tree")
        at, size = 0, len(data)
        while at < size:
            zero = data.find(b"\0", at)
            if zero < 0:
                break
            space = data.find(b" ", at, zero)
            if data[space + 1 : zero] == name:
                return data[zero + 1 : zero + 21].hex()
            at = zero + 21
        return None

    def info(self, oid: str) -> CommitInfo:
        """Return what rows tell of a commit.

        :raises MissingObject: it is missing or damaged
        """
        data = self.read(oid, "a commit")
        head, _, message = data.partition(b"\n\n")
        encoding = _ENCODING.search(head)
        # As git's %s: the lines of the first paragraph in one.
        paragraph = message.lstrip(b"\n").partition(b"\n\n")[0]
        text = _decode(paragraph, encoding[1].decode() if encoding else "utf-8")
        return CommitInfo(
            oid,
            _utc(head, b"author"),
            _utc(head, b"committer"),
            " ".join("".join(c if c.isprintable() else " " for c in text).split()),
        )


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding, "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


def _seconds(head: bytes, role: bytes) -> tuple[int, bytes] | None:
    for match in _PERSON.finditer(head):
        if match[1] == role:
            return int(match[2]), match[3]
    return None


def _utc(head: bytes, role: bytes) -> str | None:
    found = _seconds(head, role)
    if found is None:
        return None
    try:
        return datetime.fromtimestamp(found[0], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return None


def _local_date(head: bytes, role: bytes) -> str | None:
    found = _seconds(head, role)
    if found is None:
        return None
    zone = int(found[1][1:3]) * 60 + int(found[1][3:5])
    offset = timedelta(minutes=-zone if found[1][:1] == b"-" else zone)
    try:
        return datetime.fromtimestamp(found[0], timezone(offset)).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _open(path: Path) -> pygit2.Repository:
    if not path.exists():
        raise RepositoryError(f"{path} does not exist; give the folder of a git repository")
    try:
        found = pygit2.discover_repository(str(path))
        if found is None:
            raise RepositoryError(
                f"{path} is not in a git repository; give a clone of the kernel, for example ~/linux"
            )
        return pygit2.Repository(found)
    except (pygit2.GitError, KeyError, ValueError) as error:
        text = str(error)
        if "not owned by current user" in text:
            folder = path.resolve()
            raise RepositoryError(
                f"{path} belongs to another user; if you trust it, run "
                f"`git config --global --add safe.directory {folder}`"
            ) from error
        if "sha256" in text or "object format" in text:
            raise RepositoryError(
                f"{path} stores SHA-256 objects, which libgit2 cannot read; clone a SHA-1 repository"
            ) from error
        raise RepositoryError(f"cannot open the repository at {path}: {text}") from error


def _shallow_commits(git_dir: Path) -> frozenset[str]:
    """Read the commits at which a shallow clone is cut off."""
    try:
        common = git_dir
        pointer = git_dir / "commondir"
        if pointer.is_file():
            # A linked worktree keeps its own HEAD, and all else in the folder named there.
            common = git_dir / pointer.read_text("utf-8").strip()
        return frozenset((common / "shallow").read_text("ascii").split())
    except (OSError, UnicodeDecodeError):
        return frozenset()


def path_parts(paths: Sequence[str]) -> tuple[tuple[bytes, ...], ...]:
    """Return the components of paths within a repository."""
    return tuple(tuple(part.encode() for part in path.split("/") if part) for path in paths)


def read_at(path: Path, revision: str, candidates: Sequence[str]) -> tuple[str, bytes]:
    """Return the first of some files that a revision has: its path and its bytes.

    :param revision: a tag, a branch, or the id of a commit, as git writes them
    :raises RepositoryError: no such repository, revision or file
    """
    repo = _open(path)
    try:
        tree = repo.revparse_single(revision).peel(pygit2.Tree)
    except (pygit2.GitError, KeyError, ValueError) as error:
        raise RepositoryError(
            f"{path} has no revision {revision!r}; see `git -C {path} tag`"
        ) from error
    for name in candidates:
        try:
            found = tree[name]
            if isinstance(found, pygit2.Blob):
                return name, found.data
        except KeyError:
            continue
        except (pygit2.GitError, ValueError) as error:
            raise RepositoryError(f"{name} at {revision} is damaged in {path}: {error}") from error
    raise RepositoryError(f"{revision} of {path} has none of {', '.join(candidates)}")
