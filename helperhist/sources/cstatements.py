"""The statements of one C function's body, as far as control flow needs them."""

from collections.abc import Sequence
from dataclasses import dataclass

from helperhist.errors import ParseError
from helperhist.sources.cfile import CFile, Item
from helperhist.sources.ctokens import Token, closing, is_word

__all__ = [
    "Block",
    "Case",
    "Expression",
    "If",
    "Jump",
    "Label",
    "Loop",
    "Return",
    "Statement",
    "Switch",
    "read_body",
]

# The kernel's functions in question nest 6 deep.
_MAX_DEPTH = 64

_LOOPS = frozenset(("for", "while"))
_JUMPS = frozenset(("break", "continue", "goto"))


@dataclass(frozen=True, slots=True)
class Statement:
    """Base of all: ``guards`` are the conditions of the preprocessor inside of the function."""

    at: int
    guards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block(Statement):
    """Statements in braces."""

    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class If(Statement):
    """A choice."""

    test: tuple[Token, ...]
    then: Statement
    other: Statement | None


@dataclass(frozen=True, slots=True)
class Switch(Statement):
    """A choice by value; the labels are among the body's statements."""

    value: tuple[Token, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Case(Statement):
    """A label of a switch: its value, empty for ``default``."""

    value: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Label(Statement):
    """A target of ``goto``."""

    name: str


@dataclass(frozen=True, slots=True)
class Jump(Statement):
    """``break``, ``continue`` or ``goto`` and its target."""

    word: str
    target: str


@dataclass(frozen=True, slots=True)
class Loop(Statement):
    """A loop: its word, or the macro that makes it; what is in its parentheses; its body."""

    word: str
    head: tuple[Token, ...]
    body: Statement


@dataclass(frozen=True, slots=True)
class Return(Statement):
    """The end, with a value or none."""

    value: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Expression(Statement):
    """Anything else: an assignment, a declaration, a call."""

    tokens: tuple[Token, ...]


def read_body(file: CFile, function: Item) -> tuple[Statement, ...]:
    """Return the statements of a function.

    :raises ParseError: when they nest too deeply.
    """
    tokens = [
        token for token in file.tokens(function.body, function.end) if not token.startswith("#")
    ]
    return _Reader(file, len(function.guards), tokens).block(0, len(tokens), 0)


class _Reader:
    def __init__(self, file: CFile, outer: int, tokens: Sequence[Token]) -> None:
        self._file = file
        self._outer = outer
        self._tokens = tokens

    def block(self, at: int, end: int, depth: int) -> tuple[Statement, ...]:
        statements = []
        while at < end:
            statement, at = self._statement(at, end, depth)
            if statement is not None:
                statements.append(statement)
        return tuple(statements)

    def _statement(self, at: int, end: int, depth: int) -> tuple[Statement | None, int]:
        """Return the statement at an index, and the index behind it."""
        if depth > _MAX_DEPTH:
            raise ParseError("statements nest too deeply to read")
        if at >= end or self._tokens[at] == ";":
            return None, at + 1
        first = self._tokens[at]
        following = self._tokens[at + 1] if at + 1 < end else ""
        place = first.at, self._file.guards(first.at)[self._outer :]
        if first == "{":
            close = min(closing(self._tokens, at), end)
            return Block(*place, self.block(at + 1, close, depth + 1)), close + 1
        if first in {"case", "default"}:
            colon = self._find(":", at, end)
            return Case(*place, self._slice(at + 1, colon)), colon + 1
        if following == "(" and first in {"if", "switch"}:
            return self._choice(place, at, end, depth)
        if following == "(" and (first in _LOOPS or self._is_loop(at, end)):
            close = min(closing(self._tokens, at + 1), end)
            body, behind = self._statement(close + 1, end, depth + 1)
            head = self._slice(at + 2, close)
            return Loop(*place, str(first), head, body or Block(*place, ())), behind
        if first == "do":
            body, behind = self._statement(at + 1, end, depth + 1)
            after = self._find(";", behind, end) + 1
            return Loop(*place, "do", (), body or Block(*place, ())), after
        if following == ":" and is_word(first):
            return Label(*place, str(first)), at + 2
        semicolon = self._find(";", at, end)
        if first in _JUMPS:
            target = str(following) if first == "goto" else ""
            return Jump(*place, str(first), target), semicolon + 1
        if first == "return":
            return Return(*place, self._slice(at + 1, semicolon)), semicolon + 1
        return Expression(*place, self._slice(at, semicolon)), semicolon + 1

    def _choice(
        self, place: tuple[int, tuple[str, ...]], at: int, end: int, depth: int
    ) -> tuple[Statement | None, int]:
        close = min(closing(self._tokens, at + 1), end)
        test = self._slice(at + 2, close)
        then, behind = self._statement(close + 1, end, depth + 1)
        then = then or Block(*place, ())
        if self._tokens[at] == "switch":
            body = then.body if isinstance(then, Block) else (then,)
            return Switch(*place, test, body), behind
        other = None
        if behind < end and self._tokens[behind] == "else":
            other, behind = self._statement(behind + 1, end, depth + 1)
        return If(*place, test, then, other), behind

    def _is_loop(self, at: int, end: int) -> bool:
        """Tell whether a call with a block behind it, without a semicolon, stands here."""
        close = closing(self._tokens, at + 1) if is_word(self._tokens[at]) else end
        return close + 1 < end and self._tokens[close + 1] == "{"

    def _find(self, mark: str, at: int, end: int) -> int:
        """Return the index of a mark outside of brackets, or the end."""
        questions = 0
        while at < end:
            token = self._tokens[at]
            if token == mark and not questions:
                return at
            if token in {"(", "[", "{"}:
                at = closing(self._tokens, at)
            elif mark == ":" and token in {"?", ":"}:
                questions += 1 if token == "?" else -1
            at += 1
        return end

    def _slice(self, at: int, end: int) -> tuple[Token, ...]:
        return tuple(self._tokens[at:end])
