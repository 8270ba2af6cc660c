"""Histories read by git's commit-graph: the same answers, whatever is in the file."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.git.graph import NO_PARENT, CommitGraph, open_graph, path_hashes
from helperhist.git.repository import Repository
from helperhist.git.shortcut import Shortcut
from helperhist.mining.walk import introducing_commits
from tests.build.repository import OLD_PATH, PATH, History, clone, git

NAMES = ("a", "b", "c")
COMMITS = 12

Shape = list[tuple[list[int], list[str] | None, str]]


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Parents, helpers and path of the header, for each commit."""
    shape: Shape = []
    for index in range(draw(st.integers(2, COMMITS))):
        recent = st.integers(max(0, index - 4), index - 1)
        parents = draw(st.lists(recent, max_size=3, unique=True)) if index else []
        names = draw(st.none() | st.sets(st.sampled_from(NAMES)).map(sorted))
        same: bool = draw(st.booleans())
        if parents and same:
            names, path = shape[parents[0]][1:]
        else:
            path = draw(st.sampled_from((PATH, OLD_PATH)))
        shape.append((parents, names, path))
    return shape


def make(folder: Path, shape: Shape) -> History:
    history = History(folder)
    for index, (parents, names, path) in enumerate(shape):
        files = {"other": b"%d" % index}
        history.commit(str(index), names, *map(str, parents), path=path, files=files)
        history.tag(f"v4.{index}", str(index))
    return history


def write_graph(history: History, *options: str) -> None:
    git(history.path, "commit-graph", "write", "--reachable", "--no-progress", *options)


def answers(history: History, *, graph: bool) -> dict[str, object]:
    """Return all that a walk asks, for each commit."""
    repository = Repository(history.path)
    if not graph:
        repository.forget_graph()
    found: dict[str, object] = {}
    for key, oid in history.ids.items():
        if key.startswith("tag "):
            continue
        wanted = {oid: frozenset(f"bpf_{name}" for name in NAMES)}
        found[key] = introducing_commits(repository, wanted)
    return found


def graph_of(history: History) -> Path:
    return history.path / "objects" / "info" / "commit-graph"


@pytest.mark.parametrize(
    "options",
    [(), ("--changed-paths",), ("--split", "--changed-paths")],
    ids=["plain", "filters", "chain"],
)
@settings(max_examples=15, deadline=None)
@given(shape=shapes(), later=st.integers(0, 4))
def test_same_answers(
    tmp_path_factory: pytest.TempPathFactory, options: tuple[str, ...], shape: Shape, later: int
) -> None:
    """With a graph, with one that lacks the last commits, and with none."""
    history = make(tmp_path_factory.mktemp("same"), shape[: max(len(shape) - later, 1)])
    write_graph(history, *options)
    for index in range(max(len(shape) - later, 1), len(shape)):
        parents, names, path = shape[index]
        history.commit(str(index), names, *map(str, parents), path=path)
    if later % 2:
        history.tag("v9.9", str(len(shape) - 1))
        write_graph(history, *options, *(["--split=no-merge"] if "--split" in options else []))
    assert Repository(history.path).shortcut is not None
    assert answers(history, graph=True) == answers(history, graph=False)


@pytest.fixture(scope="module", params=["single", "chain"])
def damaged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> History:
    """A history with a graph that the tests write over."""
    shape: Shape = [([], None, PATH)]
    for index in range(1, COMMITS):
        parents = [index - 1, index - 3] if index % 4 == 3 else [index - 1]
        shape.append((parents, list(NAMES[: index // 3]), OLD_PATH if index < 5 else PATH))
    history = make(tmp_path_factory.mktemp("damaged") / "linux.git", shape)
    write_graph(history, "--changed-paths", *(["--split"] if request.param == "chain" else []))
    return history


def seal(data: bytes) -> bytes:
    """Return a file with the checksum that its content has."""
    return data[:-20] + hashlib.sha1(data[:-20], usedforsecurity=False).digest()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_bytes(damaged: History, data: st.DataObject) -> None:
    """Bytes changed anywhere, cut off, or added; with the checksum made right or not."""
    folder = damaged.path / "objects" / "info" / "commit-graphs"
    chained = folder.exists()
    path = next(folder.glob("*.graph")) if chained else graph_of(damaged)
    good = path.read_bytes()
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(bad) - 1) | st.integers(0, min(160, len(bad) - 1)))
        bad[at] = data.draw(st.sampled_from((0, 1, 127, 128, 255)) | st.integers(0, 255))
    cut = data.draw(st.just(0) | st.integers(0, len(bad)))
    content = bytes(bad[: len(bad) - cut]) + data.draw(st.binary(max_size=30))
    if data.draw(st.booleans()) and len(content) > 20:
        content = seal(content)
    chain = folder / "commit-graph-chain"
    old_chain = chain.read_text() if chained else ""
    path.chmod(0o644)
    renamed = folder / f"graph-{content[-20:].hex()}.graph" if chained else path
    path.unlink()
    renamed.write_bytes(content)
    if chained:
        chain.chmod(0o644)
        chain.write_text(content[-20:].hex() + "\n")
    try:
        assert answers(damaged, graph=True) == answers(damaged, graph=False)
    finally:
        renamed.unlink()
        path.write_bytes(good)
        if chained:
            chain.write_text(old_chain)


@settings(max_examples=50, deadline=None)
@given(content=st.binary(max_size=300))
def test_any_chain(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("chain") / "info" / "commit-graphs"
    folder.mkdir(parents=True)
    (folder / "commit-graph-chain").write_bytes(content)
    assert open_graph(folder.parent.parent) is None


def opened(history: History) -> CommitGraph:
    graph = open_graph(history.path / "objects")
    assert graph is not None
    return graph


def test_graph_says_what_commits_say(damaged: History) -> None:
    graph = opened(damaged)
    assert graph.count == COMMITS
    for index in range(COMMITS):
        commit: Any = damaged.repo[damaged.id(str(index))]
        position = graph.find(bytes(commit.id.raw))
        assert position is not None
        assert graph.oid(position) == commit.id.raw
        tree, parent = graph.record(position)
        assert tree == commit.tree_id.raw
        first = None if parent == NO_PARENT else graph.oid(parent)
        assert first == (commit.parent_ids[0].raw if commit.parent_ids else None)
    assert graph.find(bytes(20)) is None
    assert graph.find(b"\xff" * 20) is None


def test_filters_spare_most_commits(damaged: History) -> None:
    graph = opened(damaged)
    hashes = [found for path in (PATH, OLD_PATH) if (found := path_hashes(path))]
    spared = []
    for index in range(COMMITS):
        position = graph.find(bytes.fromhex(damaged.id(str(index))))
        assert position is not None
        if graph.unchanged(position, hashes):
            spared.append(index)
    # Those with the header of their first parent; the first has none.
    assert spared == [0, 2, 4, 7, 8, 10, 11]
    assert path_hashes("include/ü.h") is None


def test_graph_of_another_repository(tmp_path: Path) -> None:
    """Whole and right of itself, but its commits are not here."""
    here = make(tmp_path / "here.git", [([], ["a"], PATH), ([0], ["a", "b"], PATH)])
    there = make(tmp_path / "there.git", [([], ["b"], PATH), ([0], ["b", "c"], PATH)])
    write_graph(there)
    graph_of(here).write_bytes(graph_of(there).read_bytes())
    assert Repository(here.path).shortcut is None
    assert answers(here, graph=True) == answers(here, graph=False)


def test_graph_that_lies_beyond_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found at the commit of a change is seen, and the graph is not used again."""
    shape: Shape = [([], None, PATH)]
    shape += [([index - 1], list(NAMES[: index // 4]), PATH) for index in range(1, COMMITS)]
    history = make(tmp_path / "linux.git", shape)
    write_graph(history)
    data = bytearray(graph_of(history).read_bytes())
    # The commit that brings "b" takes the commit before its parent for its parent.
    at, before = (bytes.fromhex(history.id(key)) for key in ("8", "6"))
    graph = opened(history)
    place, wrong = graph.find(at), graph.find(before)
    assert place is not None
    assert wrong is not None
    record = data.index(graph.record(place)[0])
    data[record + 20 : record + 24] = wrong.to_bytes(4)
    graph_of(history).chmod(0o644)
    graph_of(history).write_bytes(seal(bytes(data)))
    monkeypatch.setattr(Shortcut, "check", lambda self: None)
    assert answers(history, graph=True) == answers(history, graph=False)
    monkeypatch.undo()
    assert Repository(history.path).shortcut is None


def test_no_graph_where_history_is_cut(tmp_path: Path) -> None:
    origin = make(tmp_path / "o.git", [([], ["a"], PATH), ([0], ["a"], PATH), ([1], ["a"], PATH)])
    git(origin.path, "symbolic-ref", "HEAD", "refs/heads/master")
    shallow = clone(origin.path, tmp_path / "shallow", "--depth=2")
    write_graph(origin)
    info = shallow / ".git" / "objects" / "info"
    info.mkdir(exist_ok=True)
    (info / "commit-graph").write_bytes(graph_of(origin).read_bytes())
    assert Repository(shallow).shortcut is None
