"""The tags of a repository, and the commits that they lead to."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pygit2
from pygit2.enums import ObjectType, ReferenceFilter

from helperhist.errors import InvalidVersion, RepositoryError
from helperhist.git.commits import local_date
from helperhist.git.files import common_dir, damaged_tags
from helperhist.git.objects import Objects
from helperhist.printable import one_line
from helperhist.version import KernelVersion

__all__ = ["DEFAULT_TAGS", "TagRef", "list_tags", "peel"]

#: Tags of the kernel's own history: v5.8, v5.8-rc7, v5.10.42.
DEFAULT_TAGS = r"v(?P<version>\d+\.\d+(\.\d+)?(-rc\d+)?)"

_MAX_TAG_NESTING = 32
_ID = re.compile(r"[0-9a-f]{40}")
#: Longer ones are nobody's; and an expression may take its time for each character.
_MAX_TAG_NAME = 200


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


def list_tags(objects: Objects, pattern: str) -> tuple[list[TagRef], Counter[str]]:
    """Return the tags of commits whose whole name a pattern matches, and why others were not.

    :param pattern: regular expression with the named group ``version``
    :raises RepositoryError: the pattern is none, or has no such group
    """
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise RepositoryError(
            f"--tags '{one_line(pattern)}' is not a regular expression: {one_line(str(error))}"
        ) from error
    if "version" not in compiled.groupindex:
        raise RepositoryError(
            f"--tags '{one_line(pattern)}' has no group named version; "
            r"write for example 'Ubuntu-(?P<version>\d+\.\d+\.\d+-\d+\.\d+)'"
        )
    found: list[TagRef] = []
    skipped: Counter[str] = Counter()
    for name, target in _targets(objects, skipped):
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
        peeled = peel(objects, name, target)
        if isinstance(peeled, str):
            skipped[peeled] += 1
            continue
        found.append(TagRef(name, version, target, *peeled))
    return found, skipped


def _targets(objects: Objects, skipped: Counter[str]) -> Iterable[tuple[str, str]]:
    prefix = "refs/tags/"
    try:
        references = objects.repo.references.iterator(ReferenceFilter.TAGS)
    except (pygit2.GitError, OSError) as error:
        raise _no_tags(objects, error) from error
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
            raise _no_tags(objects, error) from error
        if isinstance(target, str):
            skipped["symbolic reference"] += 1
            continue
        yield name, str(target)
    # libgit2 passes over references whose files hold no object id.
    if damaged := damaged_tags(common_dir(objects.git_dir) / "refs" / "tags"):
        skipped["reference is damaged"] += damaged


def _no_tags(objects: Objects, error: Exception) -> RepositoryError:
    return RepositoryError(
        f"cannot list the tags of {objects.folder}: {one_line(str(error))}; {objects.fsck()}"
    )


def peel(objects: Objects, name: str, target: str) -> tuple[str, str | None] | str:
    """Follow a tag to its commit; return it and the date, or why there is none."""
    oid: str = target
    date: str | None = None
    for _ in range(_MAX_TAG_NESTING):
        try:
            kind, data = objects.read_object(oid)
        except (KeyError, ValueError, pygit2.GitError) as error:
            if objects.has(oid):
                raise objects.missing(oid, f"what tag {name} stands for") from error
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
