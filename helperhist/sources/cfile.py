"""One C file: its preprocessor lines, its definitions, and the macros that it uses.

A definition knows the conditions of the preprocessor that enclose it, and is read on demand.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from helperhist.errors import ParseError
from helperhist.sources.cguards import Directive, brace_depth, guarded
from helperhist.sources.cheads import head_kind, read_head
from helperhist.sources.ctokens import (
    DIRECTIVE,
    Token,
    clean,
    split,
    split_directive,
    tokenize,
)

__all__ = ["CFile", "Call", "Define", "Item", "read_file"]

# The largest file in question (verifier.c of 7.x) has 0.9 MB.
_MAX_BYTES = 1 << 24
# One macro call; the kernel's longest (BPF_CALL_5) has 200 bytes.
_MAX_CALL = 1 << 16

_DIRECTIVES = re.compile(DIRECTIVE, re.DOTALL)
_OUTSIDE = re.compile(r"[{};]")
# Most marks are semicolons in braces, where they say nothing.
_INSIDE = re.compile(r"[{}]")
_DEFINE = re.compile(r"(\w+)(?:\(([^()]*)\))?\s*(.*)", re.DOTALL | re.ASCII)
_DEFINING = re.compile(r"#\s*define\s+")
_PARENTHESES = re.compile(r"[()]")


@dataclass(frozen=True, slots=True)
class Define:
    """A macro: its parameters, None for one that takes none, and its body as text."""

    name: str
    parameters: tuple[str, ...] | None
    body: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A use of a macro or function: ``BTF_ID_FLAGS(func, bpf_iter_num_new, KF_ITER_NEW)``.

    ``directive`` says that it stands in a preprocessor line, as in the body of a macro.
    """

    name: str
    arguments: tuple[str, ...]
    at: int
    end: int
    directive: bool


@dataclass(frozen=True, slots=True)
class Item:
    """A definition outside of functions, with braces: a function, an object or a type.

    ``words`` are the words before the name (``static``, ``__weak``, the type's), ``parameters``
    the tokens of each parameter; ``body`` and ``end`` are the offsets inside of the braces.
    For a macro that makes a function (``BPF_CALL_2(bpf_x, ...) {``) the name is the macro's.
    """

    kind: str  # "function", "object" or "type"
    name: str
    words: tuple[str, ...]
    parameters: tuple[tuple[Token, ...], ...]
    start: int
    body: int
    end: int
    guards: tuple[str, ...]


class CFile:
    """The text of one C file.

    :raises ParseError: when the file is too large or its conditions nest too deeply.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) > _MAX_BYTES:
            raise ParseError(f"C source of {len(data)} bytes is more than this reads")
        self.text, self.bare = clean(data.decode("latin-1").replace("\r\n", "\n"))

    @cached_property
    def _lines(self) -> list[int]:
        return [found.start() for found in re.finditer("\n", self.text)]

    def line(self, at: int) -> int:
        """Return the number of the line, from 1, that an offset is in."""
        return bisect_right(self._lines, at)

    @cached_property
    def directives(self) -> tuple[Directive, ...]:
        """All preprocessor lines, in order."""
        found = []
        for match in _DIRECTIVES.finditer(self.bare):
            word, text = split_directive(self.text[match.start() : match.end()])
            found.append(Directive(word, text, match.start() + 1, match.end()))
        return tuple(found)

    @cached_property
    def defines(self) -> tuple[Define, ...]:
        """All macros that the file defines, in order; one may be defined in several branches."""
        found = []
        for directive in self.directives:
            match = _DEFINE.fullmatch(directive.text) if directive.word == "define" else None
            if match is None:
                continue
            name, parameters, body = match.groups()
            words = None
            if parameters is not None:
                words = tuple(word.strip() for word in parameters.split(",")) if parameters else ()
            found.append(Define(name, words, body, directive.start))
        return tuple(found)

    @cached_property
    def _guards(self) -> tuple[list[int], list[tuple[str, ...]]]:
        return guarded(self.directives)

    def guards(self, at: int) -> tuple[str, ...]:
        """Return the conditions of the ``#if`` around an offset, the outermost first.

        ``#ifdef A`` gives ``defined(A)``, ``#ifndef A`` ``!defined(A)``, ``#if B`` its text with
        single spaces; another branch negates those before it: ``!(defined(A))``,
        ``!(defined(A)) && (B)``. A header's guard against a second inclusion is none.
        """
        starts, stacks = self._guards
        index = bisect_right(starts, at)
        return stacks[index - 1] if index else ()

    def in_directive(self, at: int) -> bool:
        """Tell whether an offset is in a preprocessor line."""
        index = bisect_right(self._directive_starts, at)
        return index > 0 and at < self.directives[index - 1].end

    @cached_property
    def _directive_starts(self) -> list[int]:
        return [directive.start for directive in self.directives]

    def tokens(self, start: int = 0, end: int | None = None) -> list[Token]:
        """Return the tokens between two offsets, directives among them."""
        return tokenize(self.text, start, len(self.text) if end is None else end)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """All definitions with braces that stand outside of functions, in order."""
        return tuple(self._iter_items())

    def functions(self) -> Iterator[Item]:
        """Iterate over the function definitions, in order."""
        return (item for item in self.items if item.kind == "function")

    def objects(self) -> Iterator[Item]:
        """Iterate over the objects with an initialiser in braces, in order."""
        return (item for item in self.items if item.kind == "object")

    def calls(self, names: Sequence[str]) -> Iterator[Call]:
        """Iterate over the uses of macros or functions, in order, none inside of another.

        Their definitions (``#define NAME(x)``) are not among them.

        :raises ParseError: when one is not closed.
        """
        # Far faster than the expression, and mostly the end of it.
        names = [name for name in names if name in self.bare]
        if not names:
            return
        choice = "|".join(re.escape(name) for name in names)
        pattern = re.compile(rf"\b({choice})\s*\(", re.ASCII)
        at = 0
        while (found := pattern.search(self.bare, at)) is not None:
            end = self._closing(found.end() - 1, found[1])
            at = end
            inside = self.in_directive(found.start())
            if inside and self._is_definition(found.start()):
                at = found.end()
                continue
            tokens = self.tokens(found.end(), end - 1)
            arguments = tuple(" ".join(part) for part in split(tokens, ",")) if tokens else ()
            yield Call(found[1], arguments, found.start(), end, inside)

    def _is_definition(self, at: int) -> bool:
        index = bisect_right(self._directive_starts, at) - 1
        return _DEFINING.fullmatch(self.bare, self._directive_starts[index], at) is not None

    def _closing(self, at: int, name: str) -> int:
        depth = 0
        for found in _PARENTHESES.finditer(self.bare, at, at + _MAX_CALL):
            depth += 1 if found[0] == "(" else -1
            if depth == 0:
                return found.end()
        raise ParseError(f"a use of {name} in line {self.line(at)} is not closed")

    def _iter_items(self) -> Iterator[Item]:
        """Cut at the braces and semicolons outside of everything.

        Where branches of an ``#if`` open and close differently, each starts from the depth before
        the ``#if``, and the first one's depth counts after it.
        """
        depth = head = 0
        solid = -1  # a head that is known to hold more than directives
        saved: list[tuple[int, int | None]] = []
        pending: tuple[str, int, int] | None = None  # kind, start of head, start of body
        at = 0
        # Between directives, in which braces do not count.
        for limit, behind in (*((one.start - 1, one.end) for one in self.directives), (None, 0)):
            stop = len(self.bare) if limit is None else limit
            while found := (_INSIDE if depth else _OUTSIDE).search(self.bare, at, stop):
                at = found.end()
                mark = found[0]
                if mark == "{":
                    if depth == 0 and pending is None:
                        pending = head_kind(self.bare[head : at - 1]), head, at
                    depth += 1
                elif mark == "}":
                    depth = max(depth - 1, 0)
                    if depth == 0 and pending is not None:
                        kind, start, body = pending
                        yield self._item(kind, start, body, at - 1)
                        pending = None
                        head = at
                elif depth == 0:
                    head = at
            if limit is None:
                break
            at = behind
            depth = brace_depth(self.bare[limit:behind], depth, saved)
            if depth == 0 and pending is None and head != solid:
                if self.bare[head:limit].strip():
                    solid = head
                else:
                    head = behind

    def _item(self, kind: str, start: int, body: int, end: int) -> Item:
        offset, name, words, parameters = _head(kind, self.text[start : body - 1])
        return Item(kind, name, words, parameters, start + offset, body, end, self.guards(body))


@lru_cache(maxsize=1 << 15)
def _head(kind: str, text: str) -> tuple[int, str, tuple[str, ...], tuple[tuple[Token, ...], ...]]:
    """Read what stands before a brace: most heads are the same in the next version of a file.

    :return: where the first token is, and what :func:`read_head` returns
    """
    tokens = [token for token in tokenize(text) if not token.startswith("#")]
    return tokens[0].at if tokens else len(text), *read_head(kind, tokens)


@lru_cache(maxsize=4)
def read_file(data: bytes) -> CFile:
    """Return one C file; the same one to each source that reads it.

    :raises ParseError: when the file is too large or its conditions nest too deeply
    """
    return CFile(data)
