"""Introducing commits of real repositories, with and without more processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.errors import RepositoryError
from helperhist.git.repository import Repository
from helperhist.mining import walk
from helperhist.mining.walk import introducing_commits
from tests.build.repository import History, git, loose, render_header

NAMES = ("a", "b", "c", "d")


def find(history: History, start: str, *names: str) -> dict[str, str | None]:
    """Return the key of the introducing commit by name."""
    wanted = frozenset(f"bpf_{name}" for name in names)
    found = introducing_commits(Repository(history.path), {history.id(start): wanted})
    return {
        name.removeprefix("bpf_"): None if info is None else history.key(info.id)
        for name, info in found.items()
    }


Graph = list[tuple[list[int], list[str] | None]]


def naive(graph: Graph, name: str) -> str:
    """Apply the rule to one name, commit by commit."""
    at = len(graph) - 1
    while True:
        for parent in graph[at][0]:
            if name in (graph[parent][1] or ()):
                at = parent
                break
        else:
            return str(at)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(2, 9))
    graph: Graph = []
    for index in range(count):
        recent = st.integers(max(0, index - 4), index - 1)
        parents = draw(st.lists(recent, max_size=3, unique=True)) if index else []
        names = draw(st.none() | st.sets(st.sampled_from(NAMES)).map(sorted))
        graph.append((parents, list(NAMES) if index == count - 1 else names))
    return graph


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_rule_on_random_histories(tmp_path_factory: pytest.TempPathFactory, graph: Graph) -> None:
    history = History(tmp_path_factory.mktemp("random"))
    for index, (parents, names) in enumerate(graph):
        history.commit(str(index), names, *map(str, parents))
    last = str(len(graph) - 1)
    assert find(history, last, *NAMES) == {name: naive(graph, name) for name in NAMES}


@pytest.fixture
def long_history(tmp_path: Path) -> History:
    """A history of twelve releases, each with a branch of its own that adds a helper."""
    history = History(tmp_path / "long.git")
    names: list[str] = []
    history.commit("m0", names)
    for number in range(1, 13):
        branch = [*names, f"h{number}"]
        history.commit(f"b{number}", branch, f"m{number - 1}")
        history.commit(f"t{number}", branch, f"b{number}")
        history.commit(f"m{number}", branch, f"m{number - 1}", f"t{number}")
        names = branch
    return history


def tasks(history: History) -> dict[str, frozenset[str]]:
    return {history.id(f"m{n}"): frozenset((f"bpf_h{n}",)) for n in range(1, 13)}


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start more processes at the first occasion, as many as on a large machine."""
    monkeypatch.setattr(walk, "_ALONE", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(3)))


@pytest.mark.usefixtures("shared")
def test_more_processes_find_the_same(
    long_history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    repository = Repository(long_history.path)
    together = introducing_commits(
        repository, tasks(long_history), lambda done, total: seen.append((done, total))
    )
    # This process took its third of what was left after the first, and reported it as the whole.
    assert repository.visited < 40
    assert seen[-1] == (12, 12)
    monkeypatch.setattr(walk, "_ALONE", 10**9)
    assert together == introducing_commits(Repository(long_history.path), tasks(long_history))
    assert {name: info and info.subject for name, info in together.items()} == {
        f"bpf_h{number}": f"b{number}" for number in range(1, 13)
    }


def test_processes_started_before_there_is_work(
    long_history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(3)))
    repository = Repository(long_history.path)
    with walk.Crew(repository) as crew:
        crew.prepare()
        assert not crew.wanted()
        monkeypatch.setattr(walk, "_LARGE", 0)
        crew.prepare()
        assert crew.wanted()
        found = introducing_commits(repository, tasks(long_history), crew=crew)
    assert repository.visited < 40
    assert found == introducing_commits(Repository(long_history.path), tasks(long_history))


@pytest.mark.usefixtures("shared")
def test_linked_worktree_with_more_processes(tmp_path: Path) -> None:
    history = History(tmp_path / "main", bare=False)
    for number in range(8):
        history.commit(
            f"c{number}", [f"h{n}" for n in range(number + 1)], *[f"c{number - 1}"][: number > 0]
        )
    git(history.path, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"), "master")
    wanted = {history.id(f"c{n}"): frozenset((f"bpf_h{n}",)) for n in range(8)}
    found = introducing_commits(Repository(tmp_path / "linked"), wanted)
    assert {name: info and info.subject for name, info in found.items()} == {
        f"bpf_h{n}": f"c{n}" for n in range(8)
    }


@pytest.mark.usefixtures("shared")
def test_error_in_another_process(long_history: History) -> None:
    # A task of another process: this one starts with the last, then takes every third.
    loose(long_history.path, long_history.id("b2")).unlink()
    with pytest.raises(RepositoryError, match="missing or damaged") as caught:
        introducing_commits(Repository(long_history.path), tasks(long_history))
    assert long_history.id("b2")[:12] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("shared")
def test_process_that_dies(long_history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RepositoryError, match="process of the scan"):
        introducing_commits(Repository(long_history.path), tasks(long_history))


@pytest.mark.usefixtures("shared")
def test_process_that_cannot_start(long_history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(long_history.path / "no-python"))
    with pytest.raises(RepositoryError, match="cannot start a process"):
        introducing_commits(Repository(long_history.path), tasks(long_history))


@pytest.mark.usefixtures("shared")
def test_files_of_the_repository_are_not_run(
    long_history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cwd"
    folder.mkdir()
    for module in ("json", "pygit2", "helperhist"):
        (folder / f"{module}.py").write_text("open('was-run', 'w')\n")
    monkeypatch.chdir(folder)
    assert len(introducing_commits(Repository(long_history.path), tasks(long_history))) == 12
    assert not (folder / "was-run").exists()


_INTERRUPTED = """
import os, pathlib, signal, subprocess, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from helperhist.mining import walk
from helperhist.git.repository import Repository

walk._ALONE = 0
os.sched_getaffinity = lambda pid: {0, 1, 2}
started = []
# Processes that do not end by themselves, so that all of them run when this one is interrupted.
class Endless(subprocess.Popen):
    def __init__(self, command, **options):
        super().__init__(["sleep", "1000"], **options)
        started.append(self.pid)

walk.subprocess.Popen = Endless

def interrupt(done, total):
    if started:
        print(*started, flush=True)
        os.kill(os.getpid(), signal.SIGINT)

path, *commits = sys.argv[1:]
tasks = {c: frozenset((f"bpf_h{n}",)) for n, c in enumerate(commits, 1)}
walk.introducing_commits(Repository(pathlib.Path(path)), tasks, interrupt)
"""


def test_interrupt_ends_all_processes(long_history: History) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED, str(long_history.path), *tasks(long_history)],
        capture_output=True,
        text=True,
        check=False,
    )
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    assert "KeyboardInterrupt" in done.stderr
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def test_process_ends_with_the_one_that_started_it(long_history: History) -> None:
    request = {"repository": str(long_history.path), "paths": ["include/linux/bpf.h"], "tasks": []}
    worker = subprocess.Popen(
        [sys.executable, "-P", "-m", "helperhist.mining.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    try:
        output, _ = worker.communicate(json.dumps(request).encode() + b"\n", timeout=60)
    finally:
        worker.kill()
    assert (worker.returncode, output) == (1, b"")


def test_header_of_another_shape_in_between(tmp_path: Path) -> None:
    history = History(tmp_path / "r.git")
    history.commit("1", ["a"])
    history.commit("2", ["a", "b"], "1", style="mapper")
    history.commit("3", b"/* being rewritten */\n", "2")
    history.commit("4", ["a", "b"], "3", style="numbered")
    history.commit("5", render_header(["a", "b", "c"]).replace(b"\n", b"\r\n"), "4")
    assert find(history, "5", "a", "b", "c") == {"a": "4", "b": "4", "c": "5"}
