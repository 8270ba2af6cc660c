"""C expressions, as far as conditions need them: choices, comparisons, and what they compare."""

from collections.abc import Sequence
from dataclasses import dataclass

from helperhist.errors import ParseError
from helperhist.sources.ctokens import Token, closing, is_word, split

__all__ = ["And", "Atom", "Compare", "Expr", "Not", "Or", "Ternary", "call_of", "read_expr"]

# The kernel's conditions in question nest 3 deep.
_MAX_DEPTH = 64

_COMPARISONS = frozenset(("==", "!=", "<", ">", "<=", ">="))
_HINTS = frozenset(("likely", "unlikely"))


@dataclass(frozen=True, slots=True)
class Atom:
    """Tokens that are no choice and no comparison."""

    tokens: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """``left == right``, or another comparison."""

    operator: str
    left: tuple[Token, ...]
    right: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """``!inner``."""

    inner: "Expr"


@dataclass(frozen=True, slots=True)
class And:
    """``a && b``."""

    parts: tuple["Expr", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """``a || b``."""

    parts: tuple["Expr", ...]


@dataclass(frozen=True, slots=True)
class Ternary:
    """``test ? then : other``; GNU's ``a ?: b`` has the test as its ``then``."""

    test: "Expr"
    then: "Expr"
    other: "Expr"


Expr = Atom | Compare | Not | And | Or | Ternary


def read_expr(tokens: Sequence[Token], depth: int = 0) -> Expr:
    """Read an expression without assignments.

    :raises ParseError: when it nests too deeply.
    """
    if depth > _MAX_DEPTH:
        raise ParseError("an expression nests too deeply to read")
    tokens = _bare(tokens)
    question = _find(tokens, frozenset("?"))
    if question is not None:
        colon = _colon(tokens, question)
        test = read_expr(tokens[:question], depth + 1)
        then = read_expr(tokens[question + 1 : colon], depth + 1) if colon > question + 1 else test
        return Ternary(test, then, read_expr(tokens[colon + 1 :], depth + 1))
    for mark, made in (("||", Or), ("&&", And)):
        parts = split(tokens, mark)
        if len(parts) > 1:
            return made(tuple(read_expr(part, depth + 1) for part in parts))
    comparison = _find(tokens, _COMPARISONS)
    if comparison is not None:
        left, right = tokens[:comparison], tokens[comparison + 1 :]
        return Compare(str(tokens[comparison]), tuple(_bare(left)), tuple(_bare(right)))
    if tokens and tokens[0] == "!":
        return Not(read_expr(tokens[1:], depth + 1))
    return Atom(tuple(tokens))


def call_of(tokens: Sequence[Token]) -> tuple[str, list[list[Token]]] | None:
    """Return name and arguments when the tokens are one call of a named function."""
    if len(tokens) < 3 or tokens[1] != "(" or not is_word(tokens[0]):
        return None
    if closing(tokens, 1) != len(tokens) - 1:
        return None
    inside = tokens[2:-1]
    return str(tokens[0]), split(inside, ",") if inside else []


def _bare(tokens: Sequence[Token]) -> list[Token]:
    """Drop parentheses around everything, and the compiler's hints of likelihood."""
    start, end = 0, len(tokens)
    ends = _partners(tokens)
    while end - start > 1:
        if tokens[start] == "(" and ends.get(start) == end - 1:
            start, end = start + 1, end - 1
        elif tokens[start] in _HINTS and ends.get(start + 1) == end - 1:
            start, end = start + 2, end - 1
        else:
            break
    return list(tokens[start:end])


def _partners(tokens: Sequence[Token]) -> dict[int, int]:
    """Return the index of the closing parenthesis for that of each opening one."""
    found: dict[int, int] = {}
    waiting: list[int] = []
    for index, token in enumerate(tokens):
        if token == "(":
            waiting.append(index)
        elif token == ")" and waiting:
            found[waiting.pop()] = index
    return found


def _find(tokens: Sequence[Token], marks: frozenset[str]) -> int | None:
    at = 0
    while at < len(tokens):
        if tokens[at] in marks:
            return at
        at = closing(tokens, at) + 1 if tokens[at] in {"(", "[", "{"} else at + 1
    return None


def _colon(tokens: Sequence[Token], question: int) -> int:
    """Return the index of the colon that belongs to a question mark, or the end."""
    questions = 0
    at = question + 1
    while at < len(tokens):
        token = tokens[at]
        if token == "?":
            questions += 1
        elif token == ":":
            if not questions:
                return at
            questions -= 1
        at = closing(tokens, at) + 1 if token in {"(", "[", "{"} else at + 1
    return len(tokens)
