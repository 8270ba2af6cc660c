"""What was followed before, found again by the answers that it asked for.

A walk through a function is decided by what it asks, and the next question by the answers so far:
so walks make a tree of questions, and looking one up asks only what that walk asked.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["Answers", "Replay"]

Q = TypeVar("Q", bound=Hashable)
T = TypeVar("T")


class Answers(Generic[Q]):
    """Answers to questions, each asked once, with the order in which they were asked."""

    def __init__(self, ask: Callable[[Q], int | None]) -> None:
        """Begin with none."""
        self._ask = ask
        self._known: dict[Q, int | None] = {}
        self.trace: dict[Q, int | None] = {}

    def begin(self) -> None:
        """Begin the trace of another walk."""
        self.trace = {}

    def get(self, question: Q) -> int | None:
        """Return the answer to a question of the walk."""
        answer = self.trace[question] = self.peek(question)
        return answer

    def peek(self, question: Q) -> int | None:
        """Return the answer to a question that is not of the walk."""
        if question not in self._known:
            self._known[question] = self._ask(question)
        return self._known[question]


@dataclass(slots=True)
class _Node(Generic[Q, T]):
    """The question that comes next, and what follows each answer."""

    question: Q
    following: "dict[int | None, _Node[Q, T] | _Leaf[T]]" = field(default_factory=dict)


@dataclass(slots=True)
class _Leaf(Generic[T]):
    """The end of a walk."""

    walk: T


class Replay(Generic[Q, T]):
    """The walks from one start."""

    __slots__ = ("_root",)

    def __init__(self) -> None:
        """Begin with none."""
        self._root: _Node[Q, T] | _Leaf[T] | None = None

    def find(self, answers: Answers[Q]) -> T | None:
        """Return the walk that asked nothing else, and got the same answers."""
        node = self._root
        while isinstance(node, _Node):
            node = node.following.get(answers.peek(node.question))
        return None if node is None else node.walk

    def add(self, trace: dict[Q, int | None], walk: T) -> None:
        """Remember a walk that was not found.

        :param trace: the questions in their order, with the answers
        """
        leaf = _Leaf(walk)
        items = list(trace.items())
        if not items:
            self._root = leaf
            return
        if self._root is None:
            self._root = _Node(items[0][0])
        node = self._root
        for (_, answer), following in zip(items, [*items[1:], None], strict=True):
            assert isinstance(node, _Node)
            if following is None:
                node.following[answer] = leaf
                return
            node = node.following.setdefault(answer, _Node(following[0]))
