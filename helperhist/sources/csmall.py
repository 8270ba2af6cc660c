"""Small C functions, read into trees: the filters and switches that decide what may be called.

Only what such functions are made of is read: declarations, assignments, ``if``, ``switch``,
``return``, and expressions without side effects. Anything else is an :class:`Unread` node, which
matters only where it decides (the grammar is that of C11, N1570, 6.5 and 6.8).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from helperhist.errors import ParseError
from helperhist.sources.ctokens import closing, is_word

__all__ = [
    "Assign",
    "Binary",
    "Block",
    "Break",
    "Call",
    "Choice",
    "Expression",
    "If",
    "Index",
    "Member",
    "Name",
    "Number",
    "Return",
    "Statement",
    "Switch",
    "Unary",
    "Unread",
    "parse_body",
    "parse_expression",
]

# The largest filter of 7.1 (scx_kfunc_context_filter) has 370 tokens and nests 5 deep.
_MAX_TOKENS = 8192
_MAX_DEPTH = 32
_MAX_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Number:
    """An integer constant."""

    value: int


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, enumerator or macro."""

    name: str


@dataclass(frozen=True, slots=True)
class Unary:
    """``-x``, ``!x``, ``~x``, ``&x``, ``*x``."""

    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """``a && b`` and the other operators of two operands."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Choice:
    """``test ? yes : no``; ``yes`` is None for ``test ?: no``."""

    test: "Expression"
    yes: "Expression | None"
    no: "Expression"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function or macro by its name."""

    name: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Member:
    """``base->name`` or ``base.name``."""

    base: "Expression"
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """``base[index]``."""

    base: "Expression"
    index: "Expression"


@dataclass(frozen=True, slots=True)
class Unread:
    """Tokens that are none of these."""


Expression = Number | Name | Unary | Binary | Choice | Call | Member | Index | Unread


@dataclass(frozen=True, slots=True)
class Return:
    """``return value;``; None without a value."""

    value: Expression | None


@dataclass(frozen=True, slots=True)
class Assign:
    """``name = value;``, or a declaration with an initialiser; Unread for ``|=`` and others."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class If:
    """``if (test) yes else no``."""

    test: Expression
    yes: "Statement"
    no: "Statement | None"


@dataclass(frozen=True, slots=True)
class Switch:
    """``switch (value) {...}``.

    :ivar body: pairs of labels that stand before a statement (None is ``default``), and it
    """

    value: Expression
    body: tuple[tuple[tuple[Expression | None, ...], "Statement"], ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Statements in order."""

    body: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Break:
    """``break;``."""


Statement = Return | Assign | If | Switch | Block | Break | Unread

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
_ASSIGNMENTS = frozenset(("=", "|=", "&=", "+=", "-=", "^=", "<<=", ">>=", "*=", "/="))
# No preprocessor runs, so that a macro that only marks its argument is seen by its name.
_MARKS = frozenset(("likely", "unlikely", "READ_ONCE"))
_JUMPS = frozenset(("goto", "for", "while", "do", "continue", "asm"))


def parse_body(tokens: Sequence[str]) -> Block:
    """Parse what stands between the braces of a function.

    Both branches of an ``#if`` inside would run, so that a directive makes its block unread.

    :raises ParseError: when it is too long or nests too deeply, or ends within a statement.
    """
    if len(tokens) > _MAX_TOKENS:
        raise ParseError(f"a function of {len(tokens)} tokens is more than this reads")
    reader = _Reader(tokens)
    body = reader.statements(len(tokens), 0)
    return Block(body)


def parse_expression(tokens: Sequence[str]) -> Expression:
    """Parse an expression that stands alone.

    :raises ParseError: when it is too long, nests too deeply or ends early.
    """
    if len(tokens) > _MAX_TOKENS:
        raise ParseError(f"an expression of {len(tokens)} tokens is more than this reads")
    return _Reader(tokens).whole(0, len(tokens), 0)


class _Reader:
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

    def _end_of_statement(self) -> int:
        depth = 0
        for index in range(self._at, len(self._tokens)):
            token = self._tokens[index]
            if token in "([{":
                depth += 1
            elif token in ")]}":
                depth -= 1
            elif token == ";" and depth <= 0:
                return index
        raise ParseError("C source ends within a statement")

    def statements(self, end: int, depth: int) -> tuple[Statement, ...]:
        found: list[Statement] = []
        while self._at < end:
            found.append(self.statement(depth))
        return tuple(found)

    def statement(self, depth: int) -> Statement:
        if depth > _MAX_DEPTH:
            raise ParseError("C statements nest too deeply to read")
        token = self._peek()
        if token == "{":
            end = closing(self._tokens, self._at)
            self._at += 1
            body = self.statements(end, depth + 1)
            self._at = end + 1
            return Block(body)
        if token == "if":
            test = self._parenthesised()
            yes = self.statement(depth + 1)
            no = None
            if self._peek() == "else":
                self._at += 1
                no = self.statement(depth + 1)
            return If(test, yes, no)
        if token == "switch":
            return self._switch(depth)
        if token.startswith("#"):
            self._at += 1
            return Unread()
        if is_word(token) and self._tokens[self._at + 1 : self._at + 2] == [":"]:
            self._at += 2
            return Block(())
        if token in _JUMPS:
            return self._skip_loop(token, depth)
        end = self._end_of_statement()
        first, self._at = self._at, end + 1
        return self._simple(first, end, depth)

    def _skip_loop(self, token: str, depth: int) -> Unread:
        if token in ("for", "while"):
            self._parenthesised()
            self.statement(depth + 1)
            return Unread()
        self._at += 1
        if token == "do":
            self.statement(depth + 1)
        self._at = self._end_of_statement() + 1
        return Unread()

    def _simple(self, first: int, end: int, depth: int) -> Statement:
        tokens = self._tokens
        if first == end:
            return Block(())
        token = tokens[first]
        if token == "return":
            return Return(self.whole(first + 1, end, depth) if first + 1 < end else None)
        if token == "break":
            return Break()
        if token in ("fallthrough", "__attribute__"):
            return Block(())
        if token == "*":
            return Unread()
        for index in range(first, end):
            if tokens[index] in _ASSIGNMENTS and index > first and is_word(tokens[index - 1]):
                value = self.whole(index + 1, end, depth) if tokens[index] == "=" else Unread()
                return Assign(tokens[index - 1], value)
            if tokens[index] in ("(", "->", ".", "++", "--"):
                return Unread()
        # A declaration without an initialiser.
        return Block(())

    def _parenthesised(self) -> Expression:
        opening = self._at + 1
        if opening >= len(self._tokens) or self._tokens[opening] != "(":
            raise ParseError(f"C keyword {self._peek()} without its parenthesis")
        end = closing(self._tokens, opening)
        value = self.whole(opening + 1, end, 0)
        self._at = end + 1
        return value

    def _switch(self, depth: int) -> Switch:
        value = self._parenthesised()
        if self._peek() != "{":
            raise ParseError("C switch without its braces")
        end = closing(self._tokens, self._at)
        self._at += 1
        body: list[tuple[tuple[Expression | None, ...], Statement]] = []
        labels: list[Expression | None] = []
        while self._at < end:
            token = self._peek()
            if token in ("case", "default"):
                colon = self._at
                while colon < end and self._tokens[colon] != ":":
                    colon += 1
                labels.append(self.whole(self._at + 1, colon, depth) if token == "case" else None)
                self._at = colon + 1
                continue
            body.append((tuple(labels), self.statement(depth + 1)))
            labels = []
        if labels:
            body.append((tuple(labels), Block(())))
        self._at = end + 1
        return Switch(value, tuple(body))

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
        if depth > _MAX_DEPTH:
            raise ParseError("a C expression nests too deeply to read")
        if level == len(_PRECEDENCE):
            return self._unary(end, depth)
        left = self._binary(end, level + 1, depth)
        while self._at < end and self._peek() in _PRECEDENCE[level]:
            operator = self._next()
            left = Binary(operator, left, self._binary(end, level + 1, depth))
        return left

    def _unary(self, end: int, depth: int) -> Expression:
        if self._at >= end or depth > _MAX_DEPTH:
            return Unread()
        token = self._next()
        if token in _UNARY:
            return Unary(token, self._unary(end, depth + 1))
        if token == "(":
            close = closing(self._tokens, self._at - 1)
            if self._is_cast(self._at, close, end):
                self._at = close + 1
                return self._unary(end, depth + 1)
            value = self.whole(self._at, min(close, end), depth + 1)
            self._at = min(close + 1, end)
            return self._postfix(value, end, depth)
        if token.isdigit() or token[:2].lower() == "0x":
            return self._postfix(_number(token), end, depth)
        if token == "sizeof":
            if self._peek() == "(":
                self._at = min(closing(self._tokens, self._at) + 1, end)
            return Unread()
        if not is_word(token):
            return Unread()
        return self._postfix(Name(token), end, depth)

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
            elif token == "(" and isinstance(value, Name):
                value = self._call(value.name, end, depth)
            else:
                break
        return value

    def _call(self, name: str, end: int, depth: int) -> Expression:
        if depth > _MAX_DEPTH:
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
