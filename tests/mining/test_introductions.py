"""The search for introducing commits, over graphs in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.mining.introductions import find_introductions

NAMES = ("a", "b", "c", "d")


@dataclass(frozen=True)
class MemoryGraph:
    """Commits by number, the newest last; a header's id is its sorted names, "-" for no header."""

    parent_lists: tuple[tuple[int, ...], ...]
    headers: tuple[str | None, ...]
    cut: frozenset[int] = frozenset()

    def changes(self, start: str) -> Iterator[tuple[str, str | None]]:
        at = int(start)
        while self.parent_lists[at] and at not in self.cut:
            first = self.parent_lists[at][0]
            if self.headers[first] != self.headers[at]:
                yield str(at), self.headers[first]
            at = first
        yield str(at), None

    def parents(self, commit: str) -> tuple[str, ...]:
        at = int(commit)
        return () if at in self.cut else tuple(str(parent) for parent in self.parent_lists[at])

    def state(self, commit: str) -> str | None:
        return self.headers[int(commit)]

    def present(self, state: str | None, names: frozenset[str]) -> frozenset[str]:
        return names & frozenset(state or "")

    def is_cut(self, commit: str) -> bool:
        return int(commit) in self.cut


def naive(graph: MemoryGraph, start: int, name: str) -> str | None:
    """Apply the rule to one name, commit by commit."""
    at = start
    while True:
        if at in graph.cut:
            return None
        for parent in graph.parent_lists[at]:
            if name in (graph.headers[parent] or ""):
                at = parent
                break
        else:
            return str(at)


def linear(*headers: str | None) -> MemoryGraph:
    return MemoryGraph(tuple((i - 1,) if i else () for i in range(len(headers))), headers)


def find(graph: MemoryGraph, names: str) -> dict[str, str | None]:
    return find_introductions(graph, str(len(graph.headers) - 1), frozenset(names))


@st.composite
def graphs(draw: st.DrawFn) -> MemoryGraph:
    count = draw(st.integers(1, 14))
    parents: list[tuple[int, ...]] = [()]
    for index in range(1, count):
        recent = st.integers(max(0, index - 5), index - 1)
        parents.append(tuple(draw(st.lists(recent, max_size=4, unique=True))))
    header = st.one_of(
        st.none(),
        st.sets(st.sampled_from(NAMES)).map(lambda names: "".join(sorted(names))),
    )
    headers = [draw(header) for _ in range(count - 1)]
    headers.append("".join(NAMES))
    cut = draw(st.sets(st.integers(0, count - 1), max_size=3))
    return MemoryGraph(tuple(parents), tuple(headers), frozenset(cut))


@settings(max_examples=400, deadline=None)
@given(graphs())
def test_rule_on_random_histories(graph: MemoryGraph) -> None:
    start = len(graph.headers) - 1
    assert find(graph, "".join(NAMES)) == {name: naive(graph, start, name) for name in NAMES}


@settings(max_examples=100, deadline=None)
@given(graphs(), st.sets(st.sampled_from(NAMES), min_size=1))
def test_names_do_not_disturb_each_other(graph: MemoryGraph, names: set[str]) -> None:
    together = find(graph, "".join(NAMES))
    assert find(graph, "".join(names)) == {name: together[name] for name in names}


def test_first_commit() -> None:
    assert find(linear("ab"), "ab") == {"a": "0", "b": "0"}


def test_added_reverted_and_added_again() -> None:
    assert find(linear("", "a", "", "a", "ab"), "ab") == {"a": "3", "b": "4"}


def test_header_vanishes_for_a_while() -> None:
    assert find(linear("a", None, "a"), "a") == {"a": "2"}


def test_merge_brings_what_a_branch_added() -> None:
    # 0 - 1 - 3, 0 - 2 - 3
    graph = MemoryGraph(((), (0,), (0,), (1, 2)), ("", "a", "b", "ab"))
    assert find(graph, "ab") == {"a": "1", "b": "2"}


def test_evil_merge_is_the_commit_of_what_it_wrote() -> None:
    graph = MemoryGraph(((), (0,), (0,), (1, 2)), ("", "a", "b", "abc"))
    assert find(graph, "abc") == {"a": "1", "b": "2", "c": "3"}


def test_octopus() -> None:
    graph = MemoryGraph(((), (0,), (0,), (0,), (1, 2, 3)), ("", "a", "b", "c", "abc"))
    assert find(graph, "abc") == {"a": "1", "b": "2", "c": "3"}


def test_cut_hides_what_was_before() -> None:
    graph = MemoryGraph(((), (0,), (1,)), ("a", "a", "ab"), frozenset((1,)))
    assert find(graph, "ab") == {"a": None, "b": "2"}


def test_no_names() -> None:
    assert find(linear("a"), "") == {}
