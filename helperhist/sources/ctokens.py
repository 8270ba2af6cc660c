"""The tokens of C source, which is foreign text: comments dropped, lines joined, literals kept.

One pass drops comments and finds literals; tokens are then cut from the slices that are wanted, so
that a file of which one function is wanted costs little more than that function. No preprocessor
runs: a directive is one token. Lexical rules are those of C11 (N1570), 5.1.1.2 and 6.4.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

__all__ = [
    "DIRECTIVE",
    "Token",
    "clean",
    "closing",
    "is_word",
    "opening",
    "split",
    "split_directive",
    "tokenize",
]

_STRINGS = r""""(?:[^"\\\n]++|\\.)*+"|'(?:[^'\\\n]++|\\.)*+'"""
_LEXICAL = re.compile(
    r"/(?:\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/|\Z)|/(?:[^\n\\]++|\\.)*+)|\\[\"'\\]|" + _STRINGS,
    re.DOTALL,
)
DIRECTIVE = r"\n[ \t]*+\#(?:[^\n\\]++|\\.)*+"
_TOKEN = re.compile(
    DIRECTIVE + r"|[A-Za-z_]\w*+|\.?\d(?:[eEpP][+-]|[\w.])*+|" + _STRINGS + r"|->|\.\.\.|\+\+|--"
    r"|<<=|>>=|[-+*/%&|^<>=!]=|&&|\|\||<<|>>|\#\#|[^\s\\]",
    re.DOTALL | re.ASCII,
)
_SPACE = re.compile(r"(?:\s|\\\n)+")

_Text = TypeVar("_Text", bound=str)

_OPEN = {"(": ")", "[": "]", "{": "}"}
_CLOSE = frozenset(_OPEN.values())


class Token(str):
    """One token's spelling, and ``at``, its offset in the text that it was cut from.

    A directive is one token: ``#``, its word, a space, and its text with single spaces.
    """

    __slots__ = ("at",)
    at: int


def tokenize(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """Return the tokens of a text without comments, such as a macro's body."""
    tokens = []
    for found in _TOKEN.finditer(text, start, len(text) if end is None else end):
        spelled = found[0]
        at = found.start()
        if spelled[0] == "\n":
            word, rest = split_directive(spelled)
            spelled = f"#{word} {rest}" if rest else f"#{word}"
            at += 1
        token = Token(spelled)
        token.at = at
        tokens.append(token)
    return tokens


def closing(tokens: Sequence[str], at: int) -> int:
    """Return the index of the token that closes the bracket at ``at``, or the end."""
    depth = 0
    for index in range(at, len(tokens)):
        if tokens[index] in _OPEN:
            depth += 1
        elif tokens[index] in _CLOSE:
            depth -= 1
            if depth <= 0:
                return index
    return len(tokens)


def split(tokens: Sequence[_Text], separator: str) -> list[list[_Text]]:
    """Split at a separator that is in no brackets."""
    parts: list[list[_Text]] = [[]]
    depth = 0
    for token in tokens:
        if token in _OPEN:
            depth += 1
        elif token in _CLOSE:
            depth = max(depth - 1, 0)
        if token == separator and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def clean(text: str) -> tuple[str, str]:
    """Drop comments; return the text with literals and, of the same length, with blank ones.

    Both begin with a line feed, so that each line, the first too, follows one. A comment's own line
    feeds become joined lines, which count as lines and end no directive.
    """
    clean = ["\n"]
    bare = ["\n"]
    at = 0
    for found in _LEXICAL.finditer(text):
        start = found.start()
        mark = text[start]
        if mark == "\\":
            continue
        between = text[at:start]
        at = found.end()
        if mark == "/":
            literal = blank = " " + "\\\n" * found[0].count("\n")
        else:
            literal = found[0]
            blank = mark + " " * (len(literal) - 2) + mark
        clean += (between, literal)
        bare += (between, blank)
    clean.append(text[at:])
    bare.append(text[at:])
    return "".join(clean), "".join(bare)


@lru_cache(maxsize=1 << 14)
def split_directive(line: str) -> tuple[str, str]:
    """Split ``# ifdef  CONFIG_NET`` into its word and its text, with single spaces."""
    joined = _SPACE.sub(" ", line).strip()[1:].strip()
    found = re.match(r"\w*", joined, re.ASCII)
    word = found[0] if found else ""
    return word, joined[len(word) :].strip()


def opening(tokens: Sequence[str], at: int) -> int:
    """Return the index of the token that opens the bracket closed at ``at``, or the start."""
    depth = 0
    for index in range(at, -1, -1):
        if tokens[index] in _CLOSE:
            depth += 1
        elif tokens[index] in _OPEN:
            depth -= 1
            if depth <= 0:
                return index
    return 0


def is_word(token: str) -> bool:
    """Tell whether a token is an identifier or keyword."""
    return token[:1].isalpha() or token[:1] == "_"
