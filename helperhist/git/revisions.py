"""Revisions as people write them: tags, branches, ids, and steps back from these."""

import re
import shlex

import pygit2

from helperhist.errors import RepositoryError
from helperhist.git.objects import Objects
from helperhist.git.tags import peel

__all__ = ["resolve"]

#: What may stand behind the name of a revision, and a name that ``git describe`` gave.
_STEPS = re.compile(r"\^\{(?:commit)?\}|[~^][0-9]{0,9}")
_REVISION = re.compile(rf"(?P<name>[^~^:]+)(?P<steps>(?:{_STEPS.pattern})*)")
_HEX = re.compile(r"(?:.*-g)?([0-9a-f]{4,40})", re.IGNORECASE)


def resolve(objects: Objects, revision: str) -> str:
    """Return the commit that a revision leads to.

    :param revision: a tag, a branch, the id of a commit or the beginning of one, or what
        ``git describe`` prints; and ``~2``, ``^`` or ``^{}`` behind it
    :raises RepositoryError: there is none
    """
    # libgit2's own would read objects that were not looked at, all of them for ":/text".
    match = _REVISION.fullmatch(revision)
    start = _named(objects, match["name"]) if match and revision.isprintable() else None
    if match is None or start is None:
        raise RepositoryError(
            f"{objects.folder} has no revision {revision!r}; give a tag, a branch or the id of a "
            f"commit, see `git -C {shlex.quote(str(objects.folder))} tag`"
        )
    found = peel(objects, revision, start)
    if isinstance(found, str):
        raise RepositoryError(f"{revision!r} of {objects.folder} leads to no commit: {found}")
    commit = found[0]
    for step in _STEPS.findall(match["steps"]):
        number = int(step[1:]) if step[1:].isdigit() else 1
        for _ in range(number if step[0] == "~" else 1):
            parents = objects.parents(commit)
            at = 0 if step[0] == "~" else number - 1
            if step[1:2] == "{" or at < 0:
                break
            if at >= len(parents):
                raise RepositoryError(f"{revision!r} of {objects.folder} leads to no commit")
            commit = parents[at]
    return commit


def _named(objects: Objects, name: str) -> str | None:
    """Return the object that a reference or an id stands for; None where there is none."""
    try:
        found = objects.repo.lookup_reference_dwim("HEAD" if name == "@" else name).resolve()
        return str(found.target)
    except (pygit2.GitError, KeyError, ValueError, OSError):
        pass
    digits = _HEX.fullmatch(name)
    if digits is None:
        return None
    try:
        return str(objects.repo.expand_id(digits[1].lower()))
    except (pygit2.GitError, KeyError, ValueError):
        return None
