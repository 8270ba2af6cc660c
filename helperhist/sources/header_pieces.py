"""One top-level piece of a UAPI header: what it defines.

A piece is a directive, which may be the list of helpers, or a declaration.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from helperhist.errors import ParseError
from helperhist.printable import readable
from helperhist.sources.cconstants import MAX_TOKENS, Constant, evaluate
from helperhist.sources.cdecl import DeclarationReader
from helperhist.sources.ctext import strip_comments, tokenize
from helperhist.sources.ctokens import closing, split
from helperhist.sources.definitions import (
    NOTHING,
    Definitions,
    Pending,
    bounded,
    constant_fact,
    is_name,
    is_sentinel,
)
from helperhist.timeline import SENTINEL, Fact

__all__ = ["names_of", "read_piece"]

_MAPPER = re.compile(r"_{2,3}BPF_FUNC_MAPPER")
_DEFINE = re.compile(rb"#\s*define\s+([A-Za-z_]\w*)(\([^)]*\))?(.*)", re.DOTALL)
_INNER_DIRECTIVE = re.compile(rb"^[ \t]*#[^\n]*", re.MULTILINE)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def names_of(piece: bytes) -> frozenset[str]:
    """Return the names that one piece of a header defines.

    :raises ParseError: it cannot be read
    """
    if piece[:1] == b"#":
        match = _DEFINE.match(strip_comments(piece))
        if match is None:
            return frozenset()
        # The piece that changes most, and numbers are not asked for.
        if match[2] and _MAPPER.fullmatch(match[1].decode("latin-1")):
            callee = _IDENTIFIER.search(match[2].decode("latin-1"))
            if callee and _PLAIN_CALLS.fullmatch(match[3]):
                name = callee[0].encode("latin-1")
                return frozenset(
                    f"bpf_{suffix.decode('ascii')}"
                    for call, suffix, _ in _PLAIN_CALL.findall(match[3])
                    if call == name
                )
    return read_piece(piece).names


def read_piece(piece: bytes) -> Definitions:
    """Return what one piece of a header defines.

    :raises ParseError: it cannot be read
    """
    if piece[:1] == b"#":
        return _parse_directive(piece)
    inner = []
    # Comments first: a line of one may begin with #, and one may go on after a directive.
    piece = strip_comments(piece)
    if b"#" in piece:
        inner = [_parse_directive(match[0].strip()) for match in _INNER_DIRECTIVE.finditer(piece)]
        piece = _INNER_DIRECTIVE.sub(b"", piece)
    tokens = tokenize(piece)
    builder = DeclarationReader()
    builder.declaration(tokens)
    return _merge([*inner, builder.result()])


def _merge(parts: Sequence[Definitions]) -> Definitions:
    if not any(part is not NOTHING for part in parts):
        return NOTHING
    return Definitions(
        tuple(entry for part in parts for entry in part.entries),
        tuple(constant for part in parts for constant in part.constants),
        tuple(item for part in parts for item in part.open),
        frozenset().union(*(part.names for part in parts)),
        any(part.mapper for part in parts),
    )


def _parse_directive(piece: bytes) -> Definitions:
    match = _DEFINE.match(strip_comments(piece))
    if match is None:
        return NOTHING
    name = bounded(match[1].decode("latin-1"))
    if _MAPPER.fullmatch(name):
        return _parse_mapper(match[2] or b"", match[3])
    tokens = tokenize(match[3])
    if not tokens or (is_sentinel(name) and not name.startswith("MAX_")):
        return NOTHING
    kind = SENTINEL if is_sentinel(name) else "flag"
    names = frozenset((name,))
    if match[2] is not None:
        return Definitions((Fact(kind, name),), names=names)
    value = evaluate(tokens, {})
    # A macro is text: A + 1 with A defined as 1 << 2 is 1 << (2 + 1). Its value is an operand of
    # other expressions only where that makes no difference.
    operand = len(tokens) == 1 or (tokens[0] == "(" and closing(tokens, 0) == len(tokens) - 1)
    if value is None:
        item = Pending(kind, name, tuple(tokens[: MAX_TOKENS + 1]), macro=True, operand=operand)
        return Definitions((Fact(kind, name),), open=(item,), names=names)
    entry = constant_fact(kind, name, value.value)
    return Definitions((entry,), ((name, value),) if operand else (), names=names)


def _parse_mapper(parameters: bytes, body: bytes) -> Definitions:
    """Read the body of ``__BPF_FUNC_MAPPER(FN)`` or ``___BPF_FUNC_MAPPER(FN, ctx...)``."""
    first = _IDENTIFIER.search(parameters.decode("latin-1"))
    if first is None:
        return NOTHING
    entries, constants, following = [], [], 0
    for suffix, number in _mapped(first[0], body):
        # 6.7.2.2 p3: without a number, one more than the last.
        value = following if number is None else number
        entries.append(_helper_entry(suffix, value))
        constants.append((f"BPF_FUNC_{suffix}", Constant(value)))
        following = value + 1
    if not entries:
        return NOTHING
    return Definitions(
        tuple(entries),
        tuple(constants),
        names=frozenset(entry.name for entry in entries),
        mapper=True,
    )


@lru_cache(maxsize=4096)
def _helper_entry(suffix: str, number: int) -> Fact:
    # Cached so that successive headers share their entries: comparing them is then comparing
    # identities.
    name = bounded(f"bpf_{suffix}")
    kind = SENTINEL if is_sentinel(name) else "helper"
    return constant_fact(kind, name, number)


# Numbers as the kernel writes them; octal and large ones take the long way.
_PLAIN = rb"([A-Za-z_]\w*+)\(([a-z_][a-z0-9_]*+)(?:, (0|[1-9][0-9]{0,8}+), ##[a-z]++)?\)"
_PLAIN_CALL = re.compile(_PLAIN)
_PLAIN_CALLS = re.compile(rb"(?:\s*+" + _PLAIN + rb",?)*+\s*+")


def _mapped(callee: str, body: bytes) -> Iterator[tuple[str, int | None]]:
    """Yield (name, number or None) of each entry that a mapper's body lists."""
    if _PLAIN_CALLS.fullmatch(body):
        # As the kernel writes it. This list changes with every helper: worth a short way.
        name = callee.encode("latin-1")
        for call, suffix, digits in _PLAIN_CALL.findall(body):
            if call == name:
                yield suffix.decode("ascii"), int(digits) if digits else None
        return
    for arguments in _calls(tokenize(body), callee):
        if not arguments[0]:
            continue
        if not is_name(arguments[0][0]):
            # To go on would give those after it other numbers.
            raise ParseError(f"the list of helpers has {_shown(arguments[0])}, which is not a name")
        number = None
        if len(arguments) > 1 and arguments[1] and arguments[1][0] != "##":
            value = evaluate(arguments[1], {})
            if value is None:
                raise ParseError(
                    f"helper {arguments[0][0][:60]} has the number {_shown(arguments[1])}, "
                    "which cannot be computed"
                )
            number = value.value
        yield arguments[0][0], number


def _shown(tokens: Sequence[str]) -> str:
    return readable(" ".join(tokens[:20])[:60].encode("latin-1"))


def _calls(tokens: list[str], callee: str) -> Iterator[list[list[str]]]:
    """Yield the arguments of each call of a macro, each a list of tokens."""
    at = 0
    while at + 1 < len(tokens):
        if tokens[at] != callee or tokens[at + 1] != "(":
            at += 1
            continue
        end = closing(tokens, at + 1)
        yield split(tokens[at + 2 : end], ",")
        at = end + 1
