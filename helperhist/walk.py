"""Introducing commits of a real repository: the search of ``introductions`` over git and bpf.h.

On a long history the work is shared with more processes, each a ``python -m helperhist.walk``
that reads a request from standard input and prints its answer, both JSON.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pygit2

from helperhist.errors import HelperhistError, RepositoryError
from helperhist.introductions import find_introductions
from helperhist.mining import CommitInfo, Repository
from helperhist.uapi import HeaderReader

__all__ = ["HeaderGraph", "introducing_commits"]

#: Commits that one process looks at before it calls for help: some 0.1 s, what starting it costs.
_ALONE = 6000
_MAX_PROCESSES = 4


class HeaderGraph:
    """The commits of a repository with the names that their headers define."""

    def __init__(self, repository: Repository, reader: HeaderReader | None = None) -> None:
        self._repository = repository
        self._reader = reader or HeaderReader()
        self.changes = repository.changes
        self.parents = repository.parents
        self.header = repository.header
        self.is_cut = repository.is_cut

    def present(self, header: str | None, names: frozenset[str]) -> frozenset[str]:
        """Return those of some names that a header defines."""
        if header is None:
            return frozenset()
        what = f"header {header[:12]}"
        return self._reader.present(self._repository.read(header, what), names, what)


def introducing_commits(
    repository: Repository,
    tasks: Mapping[str, frozenset[str]],
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, CommitInfo | None]:
    """Return the introducing commit of each name.

    :param tasks: commit to names that its header has and whose introduction is wanted
    :param progress: called with (tasks done, tasks in all)
    :return: None for a name whose introduction a shallow clone lacks
    :raises RepositoryError: an object is missing or damaged
    """
    graph = HeaderGraph(repository)
    left = list(tasks.items())
    found: dict[str, str | None] = {}
    workers: list[subprocess.Popen[bytes]] = []
    share = total = len(left)
    done = 0
    try:
        while left:
            if not workers and repository.visited > _ALONE and len(left) > 2:
                workers, left = _share(repository, left)
                share = done + len(left)
            commit, names = left.pop()
            found.update(find_introductions(graph, commit, names))
            done += 1
            if progress is not None:
                progress(done * total // share, total)
        for worker in workers:
            found.update(_answer(worker))
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
            if worker.stdout is not None:
                worker.stdout.close()
    infos = {oid: repository.info(oid) for oid in set(found.values()) if oid is not None}
    return {name: None if oid is None else infos[oid] for name, oid in found.items()}


def _share(
    repository: Repository, left: list[tuple[str, frozenset[str]]]
) -> tuple[list[subprocess.Popen[bytes]], list[tuple[str, frozenset[str]]]]:
    """Start processes for a part of the tasks; return them, and what is left for this one."""
    count = min(len(os.sched_getaffinity(0)), _MAX_PROCESSES, len(left))
    workers = []
    for index in range(1, count):
        request = {
            "repository": str(repository.git_dir),
            "paths": repository.paths,
            "tasks": [[commit, sorted(names)] for commit, names in left[index::count]],
        }
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        worker = subprocess.Popen(
            [sys.executable, "-m", "helperhist.walk"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        workers.append(worker)
        assert worker.stdin is not None
        worker.stdin.write(json.dumps(request).encode())
        worker.stdin.close()
        worker.stdin = None
    return workers, left[::count]


def _answer(worker: "subprocess.Popen[bytes]") -> dict[str, str | None]:
    output, _ = worker.communicate()
    try:
        answer: dict[str, Any] = json.loads(output)
    except ValueError as error:
        raise RepositoryError(
            f"a process of the scan ended with status {worker.returncode}; scan again"
        ) from error
    if "error" in answer:
        raise RepositoryError(answer["error"])
    return dict(answer["found"])


def tune_libgit2() -> None:
    """Set libgit2 up for a walk over millions of objects, each seen once.

    No cache of objects; and no second hash of each object read, as git itself computes none:
    zlib's checksum finds damage. This holds for the whole process, so it is for programs to call,
    not for the library.
    """
    pygit2.settings.enable_caching(False)
    pygit2.settings.enable_strict_hash_verification(False)


def _main() -> None:
    request = json.load(sys.stdin)
    tune_libgit2()
    try:
        repository = Repository(Path(request["repository"]), request["paths"])
        graph = HeaderGraph(repository)
        found: dict[str, str | None] = {}
        for commit, names in request["tasks"]:
            found.update(find_introductions(graph, commit, frozenset(names)))
        json.dump({"found": found}, sys.stdout)
    except HelperhistError as error:
        json.dump({"error": str(error)}, sys.stdout)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    _main()
