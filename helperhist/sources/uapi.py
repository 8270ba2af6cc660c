"""The kernel's UAPI header ``bpf.h``: bytes in, the names that it defines out.

Every list of the header is read: helpers, the other enumerations, ``#define`` and anonymous
enumerators, and the members of structs and unions. Shapes of the helper list, each with the
commit that brought it:

========= =================================================== =====================================
releases  shape                                               since commit
========= =================================================== =====================================
3.18-4.9  ``enum bpf_func_id { BPF_FUNC_unspec, ... }``       09756af46893 ("bpf: expand BPF
                                                              syscall with program load/unload")
4.10-6.1  ``#define __BPF_FUNC_MAPPER(FN) FN(unspec), ...``   ebb676daa1a3 ("bpf: Print function
                                                              name in addition to function id")
6.2-      ``#define ___BPF_FUNC_MAPPER(FN, ctx...)            8a76145a2ec2 ("bpf: explicitly define
          FN(unspec, 0, ##ctx) ...``                          BPF_FUNC_xxx integer values")
========= =================================================== =====================================
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from helperhist.errors import ParseError
from helperhist.printable import readable
from helperhist.sources.cdecl import DeclarationReader, matching, split_tokens
from helperhist.sources.ctext import (
    MAX_TOKENS,
    Constant,
    Pieces,
    evaluate,
    split_pieces,
    strip_comments,
    tokenize,
)
from helperhist.sources.entries import (
    NOTHING,
    Pending,
    Piece,
    bounded,
    constant_fact,
    fits_int,
    is_name,
    is_sentinel,
)
from helperhist.timeline import SENTINEL, Fact

__all__ = [
    "MAX_HEADER_BYTES",
    "HeaderReader",
    "is_sentinel",
    "parse_header",
]

#: A header larger than this is refused; the kernel's own has 0.3 MB in 7.1.
MAX_HEADER_BYTES = 8 << 20

_MAPPER = re.compile(r"_{2,3}BPF_FUNC_MAPPER")
_DEFINE = re.compile(rb"#\s*define\s+([A-Za-z_]\w*)(\([^)]*\))?(.*)", re.DOTALL)
_INNER_DIRECTIVE = re.compile(rb"^[ \t]*#[^\n]*", re.MULTILINE)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class HeaderReader:
    """Read many versions of one header, each distinct piece of them once."""

    def __init__(self) -> None:
        self._known: dict[bytes, Piece] = {}
        self._split: Pieces | None = None
        #: The last result of read(), and what it was made from.
        self._result: tuple[tuple[Piece, ...], tuple[Fact, ...]] | None = None
        #: What each piece of the last header defines.
        self._parsed: list[Piece] = []

    def _load(self, data: bytes, what: str) -> None:
        """Take a header in, going over what differs from the last one only."""
        if len(data) > MAX_HEADER_BYTES:
            raise ParseError(
                f"{what} has {len(data)} bytes, more than {MAX_HEADER_BYTES}: it is not a bpf.h"
            )
        # A failure below must not leave a half-taken header behind.
        old = self._parsed
        split = split_pieces(data, self._split)
        head, tail = split.head, split.tail
        new = [self._parse(piece) for piece in split.pieces[head : len(split.pieces) - tail]]
        self._split, self._parsed = split, [*old[:head], *new, *old[len(old) - tail :]]

    def _parse(self, piece: bytes) -> Piece:
        # A comment defines nothing and may be long: not worth keeping.
        if piece[:2] in (b"/*", b"//"):
            return NOTHING
        known = self._known.get(piece)
        if known is None:
            known = self._known[piece] = _parse_piece(piece)
        return known

    def read(self, data: bytes, what: str = "the header") -> tuple[Fact, ...]:
        """Return what a header defines, one entry per name, in the order of the header.

        Successive headers that define the same give the same object.

        :param what: names the header in errors
        :raises ParseError: the header is too large, or has no list of helpers in a known shape
        """
        self._load(data, what)
        pieces = tuple(piece for piece in self._parsed if piece is not NOTHING)
        if self._result is not None and self._result[0] == pieces:
            return self._result[1]
        entries: dict[str, Fact] = {}
        mapped = any(piece.mapper for piece in pieces)
        if not mapped and not any("BPF_FUNC_unspec" in piece.names for piece in pieces):
            raise ParseError(
                f"{what} has no list of helpers: neither an enum bpf_func_id with its entries "
                "nor a __BPF_FUNC_MAPPER"
            )
        for piece in pieces:
            for entry in piece.entries:
                # First definition wins, except that a value beats none
                # (#define BPF_F_LINK BPF_F_LINK stands beside the enumerator).
                old = entries.get(entry.name)
                if old is None or (not old.value and entry.value):
                    entries[entry.name] = entry
        self._close(pieces, entries)
        self._result = pieces, tuple(entries.values())
        return self._result[1]

    @staticmethod
    def _close(pieces: Iterable[Piece], entries: dict[str, Fact]) -> None:
        """Evaluate what needs names of other pieces."""
        waiting = [item for piece in pieces for item in piece.open]
        if not waiting:
            return
        constants: dict[str, Constant] = {}
        for piece in pieces:
            for name, value in piece.constants:
                constants.setdefault(name, value)
        # The enumerators after an expression share it, the object itself.
        shared: dict[int, list[Pending]] = {}
        for item in waiting:
            shared.setdefault(id(item.tokens), []).append(item)
        groups = list(shared.values())
        # Each expression once all names that it uses have been tried, and a name has been tried
        # after the last of its definitions; those of a cycle never are.
        untried = Counter(item.name for item in waiting)
        names = untried.keys() - constants.keys()
        missing: list[int] = []
        users: dict[str, list[int]] = {}
        for index, group in enumerate(groups):
            used = names.intersection(group[0].tokens)
            missing.append(len(used))
            for name in used:
                users.setdefault(name, []).append(index)
        ready = [index for index, count in enumerate(missing) if count == 0]
        for index in ready:
            base = evaluate(groups[index][0].tokens, constants)
            for item in groups[index]:
                if base is not None:
                    _fill(item, base.value + item.offset, base, constants, entries)
                untried[item.name] -= 1
                for user in users.get(item.name, ()) if untried[item.name] == 0 else ():
                    missing[user] -= 1
                    if missing[user] == 0:
                        ready.append(user)


def parse_header(data: bytes, what: str = "the header") -> tuple[Fact, ...]:
    """Return what one header defines; see :meth:`HeaderReader.read`."""
    return HeaderReader().read(data, what)


def _fill(
    item: Pending,
    value: int,
    base: Constant,
    constants: dict[str, Constant],
    entries: dict[str, Fact],
) -> None:
    """Enter a value that was open."""
    if not -(1 << 63) <= value < 1 << 64:
        return
    if item.macro and item.operand:
        constants.setdefault(item.name, base)
    elif not item.macro and fits_int(value):
        # Of any other enumerator the type is not known, see _retyped.
        constants.setdefault(item.name, Constant(value))
    if not entries[item.name].value:
        entries[item.name] = constant_fact(item.kind, item.name, value)


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
    return _parse_piece(piece).names


def _parse_piece(piece: bytes) -> Piece:
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


def _merge(parts: Sequence[Piece]) -> Piece:
    if not any(part is not NOTHING for part in parts):
        return NOTHING
    return Piece(
        tuple(entry for part in parts for entry in part.entries),
        tuple(constant for part in parts for constant in part.constants),
        tuple(item for part in parts for item in part.open),
        frozenset().union(*(part.names for part in parts)),
        any(part.mapper for part in parts),
    )


def _parse_directive(piece: bytes) -> Piece:
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
        return Piece((Fact(kind, name),), names=names)
    value = evaluate(tokens, {})
    # A macro is text: A + 1 with A defined as 1 << 2 is 1 << (2 + 1). Its value is an operand of
    # other expressions only where that makes no difference.
    operand = len(tokens) == 1 or (tokens[0] == "(" and matching(tokens, 0) == len(tokens) - 1)
    if value is None:
        item = Pending(kind, name, tuple(tokens[: MAX_TOKENS + 1]), macro=True, operand=operand)
        return Piece((Fact(kind, name),), open=(item,), names=names)
    entry = constant_fact(kind, name, value.value)
    return Piece((entry,), ((name, value),) if operand else (), names=names)


def _parse_mapper(parameters: bytes, body: bytes) -> Piece:
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
    return Piece(
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
        end = matching(tokens, at + 1)
        yield split_tokens(tokens[at + 2 : end], ",")
        at = end + 1
