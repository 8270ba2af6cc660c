"""Expressions of small C functions, read into trees."""

from collections.abc import Sequence

from helperhist.errors import ParseError
from helperhist.sources.csyntax import (
    Binary,
    Call,
    Choice,
    Expression,
    Identifier,
    Index,
    Member,
    Number,
    Unary,
    Unread,
)
from helperhist.sources.ctokens import closing, is_word

__all__ = ["MAX_DEPTH", "MAX_TOKENS", "ExpressionReader", "parse_expression"]

# The largest filter of 7.1 (scx_kfunc_context_filter) has 370 tokens and nests 5 deep.
MAX_TOKENS = 8192
MAX_DEPTH = 32
_MAX_DIGITS = 40

_PRECEDENCE = (
    ("||",),
    ("&&",),
    ("|",),
    ("^",),
    ("&",),
    ("==", "!="),
    ("<", ">", "<=", ">="),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
)
_UNARY = frozenset(("-", "!", "~", "&", "*", "+"))
# No preprocessor runs, so that a macro that only marks its argument is seen by its name.
_MARKS = frozenset(("likely", "unlikely", "READ_ONCE"))


def parse_expression(tokens: Sequence[str]) -> Expression:
    """Parse an expression that stands alone.

    :raises ParseError: when it is too long, nests too deeply or ends early.
    """
    if len(tokens) > MAX_TOKENS:
        raise ParseError(f"an expression of {len(tokens)} tokens is more than this reads")
    return ExpressionReader(tokens).whole(0, len(tokens), 0)


class ExpressionReader:
    """Reads expressions from a list of tokens, from a place that moves on."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = list(tokens)
        self._at = 0

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise ParseError("C source ends within a statement")
        self._at += 1
        return token

    def whole(self, start: int, end: int, depth: int) -> Expression:
        """Read the expression that takes up all tokens of a range."""
        saved = self._at
        self._at = start
        value = self._choice(end, depth)
        if self._at != end:
            value = Unread()
        self._at = saved
        return value

    def _choice(self, end: int, depth: int) -> Expression:
        test = self._binary(end, 0, depth + 1)
        if self._at >= end or self._peek() != "?":
            return test
        self._at += 1
        yes = None
        if self._peek() != ":":
            yes = self._choice(end, depth + 1)
        if self._at >= end or self._next() != ":":
            return Unread()
        return Choice(test, yes, self._choice(end, depth + 1))

    def _binary(self, end: int, level: int, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise ParseError("a C expression nests too deeply to read")
        if level == len(_PRECEDENCE):
            return self._unary(end, depth)
        left = self._binary(end, level + 1, depth)
        while self._at < end and self._peek() in _PRECEDENCE[level]:
            operator = self._next()
            left = Binary(operator, left, self._binary(end, level + 1, depth))
        return left

    def _unary(self, end: int, depth: int) -> Expression:
        if self._at >= end or depth > MAX_DEPTH:
            return Unread()
        token = self._next()
        if token in _UNARY:
            return Unary(token, self._unary(end, depth + 1))
        if token == "(":
            close = closing(self._tokens, self._at - 1)
            if self._is_cast(self._at, close, end):
                self._at = close + 1
                return self._unary(end, depth + 1)
            if close >= end:
                return Unread()
            value = self.whole(self._at, close, depth + 1)
            self._at = close + 1
            return self._postfix(value, end, depth)
        if token.isdigit() or token[:2].lower() == "0x":
            return self._postfix(_number(token), end, depth)
        if token == "sizeof":
            if self._peek() == "(":
                self._at = min(closing(self._tokens, self._at) + 1, end)
            return Unread()
        if not is_word(token):
            return Unread()
        return self._postfix(Identifier(token), end, depth)

    def _is_cast(self, start: int, close: int, end: int) -> bool:
        """Tell whether parentheses hold a type: ``(const struct x *)y``, ``(u32)y``."""
        inside = self._tokens[start:close]
        if close + 1 >= end or not inside or not all(is_word(t) or t == "*" for t in inside):
            return False
        follows = self._tokens[close + 1]
        if len(inside) == 1 and not is_word(follows):
            return False
        return is_word(follows) or follows in "(&" or follows[0].isdigit()

    def _postfix(self, value: Expression, end: int, depth: int) -> Expression:
        while self._at < end:
            token = self._peek()
            if token in ("->", "."):
                self._at += 1
                value = Member(value, self._next())
            elif token == "[":
                close = min(closing(self._tokens, self._at), end)
                index = self.whole(self._at + 1, close, depth + 1)
                self._at = min(close + 1, end)
                value = Index(value, index)
            elif token == "(" and isinstance(value, Identifier):
                value = self._call(value.name, end, depth)
            else:
                break
        return value

    def _call(self, name: str, end: int, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise ParseError("a C expression nests too deeply to read")
        close = min(closing(self._tokens, self._at), end)
        arguments: list[Expression] = []
        start = self._at + 1
        nested = 0
        for index in range(start, close + 1):
            token = self._tokens[index] if index < close else ","
            if token in "([{":
                nested += 1
            elif token in ")]}":
                nested -= 1
            elif token == "," and nested <= 0:
                if index > start:
                    arguments.append(self.whole(start, index, depth + 1))
                start = index + 1
        self._at = min(close + 1, end)
        if name in _MARKS and len(arguments) == 1:
            return arguments[0]
        return Call(name, tuple(arguments))


def _number(token: str) -> Expression:
    digits = token.rstrip("uUlL")
    if len(digits) > _MAX_DIGITS:
        return Unread()
    try:
        return Number(int(digits, 0))
    except ValueError:
        return Number(int(digits, 8)) if digits.isdecimal() and digits.isascii() else Unread()
