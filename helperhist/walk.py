"""Introducing commits of a real repository: the search of ``introductions`` over git and bpf.h.

On a long history the work is shared with more processes, each a ``python -m helperhist.walk``
that reads a request from standard input, one line, and prints its answer, both JSON. It ends when
its standard input is closed: with the process that started it, however that ends.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

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
                left = _share(repository, left, workers)
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
            _close(worker.stdin)
            _close(worker.stdout)
    infos = {oid: repository.info(oid) for oid in set(found.values()) if oid is not None}
    return {name: None if oid is None else infos[oid] for name, oid in found.items()}


def _share(
    repository: Repository,
    left: list[tuple[str, frozenset[str]]],
    workers: list["subprocess.Popen[bytes]"],
) -> list[tuple[str, frozenset[str]]]:
    """Start processes for a part of the tasks; return what is left for this one.

    :param workers: takes the processes, each at once, so that an error leaves none behind
    """
    count = min(len(os.sched_getaffinity(0)), _MAX_PROCESSES, len(left))
    for index in range(1, count):
        request = {
            "repository": str(repository.git_dir),
            "paths": repository.paths,
            "tasks": [[commit, sorted(names)] for commit, names in left[index::count]],
        }
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        try:
            worker = subprocess.Popen(
                # -P: the current folder may be the repository, whose files are not ours to run.
                [sys.executable, "-P", "-m", "helperhist.walk"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                # Ctrl-C is for the process that the user sees; it ends the others.
                process_group=0,
            )
            workers.append(worker)
            assert worker.stdin is not None
            worker.stdin.write(json.dumps(request).encode() + b"\n")
            worker.stdin.flush()
        except OSError as error:
            raise RepositoryError(
                f"cannot start a process of the scan: {error.strerror}; scan again"
            ) from error
    return left[::count]


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        # What a dead process did not read is still to be written.
        with suppress(OSError):
            pipe.close()


def _answer(worker: "subprocess.Popen[bytes]") -> dict[str, str | None]:
    assert worker.stdout is not None
    output = worker.stdout.read()
    try:
        answer: dict[str, Any] = json.loads(output)
    except ValueError as error:
        raise RepositoryError(
            f"a process of the scan ended with status {worker.wait()}; scan again"
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
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
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


def _end_with_parent() -> None:
    # Not sys.stdin.read(), whose lock would be held when the interpreter ends.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    _main()
