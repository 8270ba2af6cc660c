"""Small C functions, read into trees."""

from collections.abc import Sequence

from helperhist.errors import ParseError
from helperhist.sources.cexpressions import MAX_DEPTH, MAX_TOKENS, ExpressionReader
from helperhist.sources.csyntax import (
    Assign,
    Block,
    Break,
    Compiled,
    Expression,
    Goto,
    If,
    Label,
    Return,
    Statement,
    Switch,
    Unread,
)
from helperhist.sources.ctokens import closing, is_word

__all__ = ["parse_body"]

_ASSIGNMENTS = frozenset(("=", "|=", "&=", "+=", "-=", "^=", "<<=", ">>=", "*=", "/="))
_ENDS = frozenset(("#endif",))
_LOOPS = frozenset(("for", "while", "do", "continue", "asm"))
# Calls that tell somebody something, and change nothing.
_REPORTS = frozenset(("verbose", "WARN_ON_ONCE", "WARN_ONCE", "pr_warn_once", "pr_warn"))


def parse_body(tokens: Sequence[str]) -> Block:
    """Parse what stands between the braces of a function.

    :raises ParseError: when it is too long or nests too deeply, or ends within a statement.
    """
    if len(tokens) > MAX_TOKENS:
        raise ParseError(f"a function of {len(tokens)} tokens is more than this reads")
    reader = _Reader(tokens)
    body = reader.statements(len(tokens), 0)
    if not reader.at_end:
        raise ParseError("C source has an #endif without its #if")
    return Block(body)


class _Reader(ExpressionReader):
    @property
    def at_end(self) -> bool:
        return self._at >= len(self._tokens)

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
        while self._at < end and self._peek() not in _ENDS and not self._is_else():
            found.append(self.statement(depth))
        return tuple(found)

    def _is_else(self) -> bool:
        return self._peek().startswith(("#elif", "#else"))

    def _compiled(self, end: int, depth: int) -> Compiled:
        """Read what stands under an ``#if``; more than two branches are not read."""
        test = self._next()[1:]
        yes = Block(self.statements(end, depth + 1))
        no = Block(())
        if self._is_else():
            read = self._next() == "#else"
            no = Block(self.statements(end, depth + 1))
            while self._is_else():
                read = False
                self._at += 1
                self.statements(end, depth + 1)
            if not read:
                yes = no = Block((Unread(),))
        if self._peek() not in _ENDS:
            raise ParseError(f"C source ends within its #{test[:40]}")
        self._at += 1
        return Compiled(test, yes, no)

    def statement(self, depth: int) -> Statement:
        if depth > MAX_DEPTH:
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
        if token in ("case", "default"):
            raise ParseError("a case that is not at the first level of its switch is not read")
        if token.startswith("#if"):
            return self._compiled(len(self._tokens), depth)
        if token.startswith("#"):
            self._at += 1
            return Unread()
        if is_word(token) and self._tokens[self._at + 1 : self._at + 2] == [":"]:
            self._at += 2
            return Label(token)
        if token in _LOOPS:
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
        if token == "goto" and end == first + 2:
            return Goto(tokens[first + 1])
        if token in ("fallthrough", "__attribute__") or token in _REPORTS:
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
