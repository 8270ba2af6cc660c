"""Introducing commits of a real repository: the search of ``introductions`` over git and bpf.h.

On a long history the work is shared with more processes, each a
``python -m helperhist.mining.worker`` that reads two lines from standard input, the repository and
the tasks, and prints its answer, all of them JSON. It ends when its standard input is closed: with
the process that started it, however that ends.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any, Self

from helperhist.errors import RepositoryError
from helperhist.git import CommitInfo, GraphDisagrees, Repository
from helperhist.mining.introductions import find_introductions
from helperhist.sources import DefinedNames

__all__ = ["Crew", "HeaderGraph", "introducing_commits"]

#: Commits that one process looks at before it calls for help: some 0.1 s, what starting it costs.
_ALONE = 6000
_MAX_PROCESSES = 4
#: Bytes of pack indexes, some 28 for each object, from which on that is certain to come.
_LARGE = 16 << 20


class HeaderGraph:
    """The commits of a repository with the names that their headers define."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._headers = DefinedNames()
        self.changes = repository.changes
        self.parents = repository.parents
        self.state = repository.header
        self.is_cut = repository.is_cut

    def introductions(self, commit: str, names: frozenset[str]) -> dict[str, str | None]:
        """Return the introducing commit of names that the header of a commit has."""
        try:
            return find_introductions(self, commit, names)
        except GraphDisagrees:
            self._repository.forget_graph()
            return find_introductions(self, commit, names)

    def present(self, state: str | None, names: frozenset[str]) -> frozenset[str]:
        """Return those of some names that a header defines."""
        if state is None:
            return frozenset()
        what = f"header {state[:12]}"
        return self._headers.present(self._repository.read(state, what), names, what)


class Crew:
    """More processes for a long walk; a context manager that leaves none behind."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
            _close(worker.stdin)
            _close(worker.stdout)
        self._workers.clear()

    def prepare(self) -> None:
        """Start the processes if the repository is so large that there will be work for them."""
        if self._repository.index_bytes() >= _LARGE:
            self._start()

    def wanted(self) -> bool:
        """Whether the work should be shared now."""
        return bool(self._workers) or self._repository.visited > _ALONE

    def share(self, tasks: list[tuple[str, frozenset[str]]]) -> list[tuple[str, frozenset[str]]]:
        """Hand out a part of the tasks; return what is left for this process.

        :raises RepositoryError: a process cannot be started
        """
        if not self._workers:
            self._start()
        # Neighbours stay together: their headers have most pieces in common.
        count = len(self._workers) + 1
        ends = [len(tasks) * index // count for index in range(count + 1)]
        for worker, begin, end in zip(self._workers, ends[1:-1], ends[2:], strict=True):
            _send(worker, [[commit, sorted(names)] for commit, names in tasks[begin:end]])
        return tasks[: ends[1]]

    def answers(self) -> dict[str, str | None]:
        """Return what the processes have found; wait for it.

        :raises RepositoryError: an object is missing or damaged, or a process died
        """
        found: dict[str, str | None] = {}
        for worker in self._workers:
            found.update(_answer(worker))
        return found

    def _start(self) -> None:
        request = {
            "repository": str(self._repository.git_dir),
            "paths": self._repository.paths,
            "objects": self._repository.more_objects,
        }
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        for _ in range(1, min(len(os.sched_getaffinity(0)), _MAX_PROCESSES)):
            try:
                worker = subprocess.Popen(
                    # -P: the current folder may be the repository, whose files are not ours to
                    # run.
                    [sys.executable, "-P", "-m", "helperhist.mining.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=environment,
                    # Ctrl-C is for the process that the user sees; it ends the others.
                    process_group=0,
                )
            except OSError as error:
                raise _no_process(error) from error
            self._workers.append(worker)
            _send(worker, request)


def introducing_commits(
    repository: Repository,
    tasks: Mapping[str, frozenset[str]],
    progress: Callable[[int, int], None] | None = None,
    crew: Crew | None = None,
) -> dict[str, CommitInfo | None]:
    """Return the introducing commit of each name.

    :param tasks: commit to names that its header has and whose introduction is wanted
    :param progress: called with (tasks done, tasks in all)
    :param crew: processes that may have been started before
    :return: None for a name whose introduction a shallow clone lacks
    :raises RepositoryError: an object is missing or damaged
    """
    graph = HeaderGraph(repository)
    left = list(tasks.items())
    found: dict[str, str | None] = {}
    share = total = len(left)
    done = 0
    shared = False
    with crew or Crew(repository) as helpers:
        while left:
            if not shared and len(left) > 2 and helpers.wanted():
                left = helpers.share(left)
                share = done + len(left)
                shared = True
            commit, names = left.pop()
            found.update(graph.introductions(commit, names))
            done += 1
            if progress is not None:
                progress(done * total // share, total)
        if shared:
            found.update(helpers.answers())
    infos = {oid: repository.info(oid) for oid in set(found.values()) if oid is not None}
    return {name: None if oid is None else infos[oid] for name, oid in found.items()}


def _send(worker: "subprocess.Popen[bytes]", message: object) -> None:
    assert worker.stdin is not None
    try:
        worker.stdin.write(json.dumps(message).encode() + b"\n")
        worker.stdin.flush()
    except OSError as error:
        raise _no_process(error) from error


def _no_process(error: OSError) -> RepositoryError:
    return RepositoryError(f"cannot start a process of the scan: {error.strerror}; scan again")


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
