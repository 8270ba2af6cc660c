"""Partial clones (``--filter=blob:none``): fetch the headers that are missing, in one batch.

libgit2 does not fetch on demand, and git does so one object at a time: the batch is what git's own
``fetch_objects()`` (promisor-remote.c) asks of its remote.
"""

import os
import subprocess
from collections.abc import Iterable

from helperhist.errors import RepositoryError
from helperhist.mining import Repository

__all__ = ["fetch_headers"]

#: The variables of ``git rev-parse --local-env-vars`` that say where the repository is.
_LOCAL = frozenset(
    "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_DIR GIT_GRAFT_FILE GIT_IMPLICIT_WORK_TREE "
    "GIT_INDEX_FILE GIT_NAMESPACE GIT_OBJECT_DIRECTORY GIT_PREFIX GIT_SHALLOW_FILE "
    "GIT_WORK_TREE".split()
)


def fetch_headers(repository: Repository, blobs: Iterable[str], *, history: bool) -> None:
    """Fetch those of some blobs, and of the whole history of the header, that are missing.

    :param history: whether the blobs of all commits are wanted, not only those given
    :raises RepositoryError: git is not there, or cannot fetch them
    """
    wanted = set(blobs)
    if history:
        wanted |= _historical(repository)
    missing = sorted(oid for oid in wanted if not repository.has(oid))
    if not missing:
        return
    remote = repository.promisor()
    assert remote is not None
    command = [
        "-c", "fetch.negotiationAlgorithm=noop", "fetch", remote, "--no-tags",
        "--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none", "--stdin",
    ]  # fmt: skip
    done = _git(repository, command, "".join(f"{oid}\n" for oid in missing))
    repository.reopen()
    still = [oid for oid in missing if not repository.has(oid)]
    if done.returncode or still:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RepositoryError(
            f"{len(still) or len(missing)} headers are missing in the partial clone "
            f"{repository.folder} and cannot be fetched ({reason}); run "
            f"`{repository.refetch(remote)}`"
        )


def _historical(repository: Repository) -> set[str]:
    """Return the ids of all headers in the history; it takes trees only."""
    command = [
        # What a user may have set; and a bare repository's .mailmap, which may be lacking.
        "-c", "log.showRoot=true", "-c", "log.showSignature=false", "log", "--no-mailmap",
        "--all", "--full-history", "--diff-merges=separate", "--format=", "--raw",
        "--no-abbrev", "--no-renames", "--", *repository.paths,
    ]  # fmt: skip
    done = _git(repository, command, "")
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RepositoryError(
            f"cannot list the headers of the partial clone {repository.folder} ({reason}); "
            "scan with --no-commits"
        )
    found = set()
    for line in done.stdout.splitlines():
        # :100644 100644 <old> <new> M<TAB>path
        cells = line.split("\t")[0].split()
        if len(cells) == 5:
            found |= {oid for oid in cells[2:4] if set(oid) != {"0"}}
    return found


def _git(
    repository: Repository, command: list[str], text: str
) -> "subprocess.CompletedProcess[str]":
    # What a calling git has set (a hook's GIT_DIR) must not lead to another repository; what the
    # user has set to reach the remote (GIT_SSH_COMMAND) must stay.
    environment = {name: value for name, value in os.environ.items() if name not in _LOCAL}
    environment.update(GIT_TERMINAL_PROMPT="0", LC_ALL="C", GIT_NO_LAZY_FETCH="1")
    # The folder is where a relative URL of the remote begins.
    place = ["-C", str(repository.folder), f"--git-dir={repository.git_dir.absolute()}"]
    try:
        return subprocess.run(
            ["git", *place, *command],
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            check=False,
        )
    except OSError as error:
        raise RepositoryError(
            f"{repository.folder} is a partial clone, and the git program that could fetch "
            f"what it lacks cannot be run ({error.strerror}); install git"
        ) from error
