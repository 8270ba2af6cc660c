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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from helperhist.ctext import (
    MAX_TOKENS,
    Constant,
    Pieces,
    evaluate,
    split_pieces,
    strip_comments,
    tokenize,
)
from helperhist.errors import ParseError

__all__ = [
    "ENUM_KINDS",
    "MAX_HEADER_BYTES",
    "SENTINEL",
    "Entry",
    "HeaderReader",
    "is_sentinel",
    "parse_header",
]

#: A header larger than this is refused; the kernel's own has 0.3 MB in 7.1.
MAX_HEADER_BYTES = 8 << 20

#: Kinds of the enumerations that have a short name; any other keeps the tag of its enum.
ENUM_KINDS: Mapping[str, str] = {
    "bpf_func_id": "helper",
    "bpf_cmd": "cmd",
    "bpf_map_type": "map_type",
    "bpf_prog_type": "prog_type",
    "bpf_attach_type": "attach_type",
    "bpf_link_type": "link_type",
}

#: The kind of names that end or begin a list and are no feature.
SENTINEL = "sentinel"

_SENTINEL = re.compile(r"_*MAX_.+|__.+|.+_UNSPEC|BPF_FUNC_unspec|bpf_unspec")
_MAPPER = re.compile(r"_{2,3}BPF_FUNC_MAPPER")
_DEFINE = re.compile(rb"#\s*define\s+([A-Za-z_]\w*)(\([^)]*\))?(.*)", re.DOTALL)
_INNER_DIRECTIVE = re.compile(rb"^[ \t]*#[^\n]*", re.MULTILINE)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
# Bounds of one declaration; the kernel's own has 4 levels and 200 names.
_MAX_DEPTH = 32
_MAX_NAMES = 1 << 16

# Last words of a declaration that are part of its type, so that it declares no name.
_TYPE_WORDS = frozenset(
    "char short int long float double signed unsigned void const volatile _Bool".split(" ")
)
_ATTRIBUTES = frozenset(("__attribute__", "__attribute", "__aligned", "_Alignas", "__counted_by"))


def is_sentinel(name: str) -> bool:
    """Whether a name only marks the begin or end of a list, or is internal to the header.

    >>> [is_sentinel(name) for name in ("__MAX_BPF_CMD", "BPF_MAP_TYPE_UNSPEC", "BPF_MAP_CREATE")]
    [True, True, False]
    """
    return _SENTINEL.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Entry:
    """One name that a header defines.

    :ivar kind: ``helper``, ``cmd``, ``map_type``, ``prog_type``, ``attach_type``, ``link_type``,
        the tag of another enum (``xdp_action``), ``flag`` (a ``#define`` or the enumerator of an
        anonymous enum), ``field`` (a member of a struct or union) or ``sentinel``
    :ivar name: as in the header; helpers as programs call them (``bpf_map_lookup_elem``); fields
        by path (``__sk_buff.gso_size``)
    :ivar id: the value of a constant, the number of a helper; None where there is none or it
        cannot be computed
    """

    kind: str
    name: str
    id: int | None = None


@dataclass(frozen=True, slots=True)
class _Open:
    """A constant whose value needs names from elsewhere in the header."""

    kind: str
    name: str
    tokens: tuple[str, ...]
    #: Enumerators after the one that has the expression: added to its value.
    offset: int = 0
    #: Whether it is a macro, and then whether other expressions can use it as one operand.
    macro: bool = False
    operand: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Parsed:
    """What one top-level piece defines."""

    entries: tuple[Entry, ...] = ()
    #: Typed values, for expressions elsewhere.
    constants: tuple[tuple[str, Constant], ...] = ()
    open: tuple[_Open, ...] = ()
    #: Every name defined, with its kind.
    names: frozenset[str] = frozenset()
    mapper: bool = False


_NOTHING = _Parsed()


class HeaderReader:
    """Read many versions of one header, each distinct piece of them once."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Parsed] = {}
        self._split: Pieces | None = None
        #: The last result of read(), and what it was made from.
        self._result: tuple[tuple[_Parsed, ...], tuple[Entry, ...]] | None = None
        #: What each piece of the last header defines, and how many pieces define a name.
        self._parsed: list[_Parsed] = []
        self._count: dict[str, int] = {}

    def _load(self, data: bytes, what: str) -> None:
        """Take a header in, going over what differs from the last one only."""
        if len(data) > MAX_HEADER_BYTES:
            raise ParseError(
                f"{what} has {len(data)} bytes, more than {MAX_HEADER_BYTES}: it is no bpf.h"
            )
        # A failure below must not leave a half-taken header behind.
        last, old = self._split, self._parsed
        split = split_pieces(data, last)
        head, tail = split.head, split.tail
        new = [self._parse(piece) for piece in split.pieces[head : len(split.pieces) - tail]]
        before, after = Counter(old[head : len(old) - tail]), Counter(new)
        for gone, times in (before - after).items():
            for name in gone.names:
                self._count[name] -= times
        for came, times in (after - before).items():
            for name in came.names:
                self._count[name] = self._count.get(name, 0) + times
        self._split, self._parsed = split, [*old[:head], *new, *old[len(old) - tail :]]

    def _parse(self, piece: bytes) -> _Parsed:
        # A comment defines nothing and may be long: not worth keeping.
        if piece[:2] in (b"/*", b"//"):
            return _NOTHING
        known = self._known.get(piece)
        if known is None:
            known = self._known[piece] = _parse_piece(piece)
        return known

    def present(
        self, data: bytes, names: frozenset[str], what: str = "the header"
    ) -> frozenset[str]:
        """Return those of some names that a header defines; it need not have any list."""
        self._load(data, what)
        return frozenset(name for name in names if self._count.get(name))

    def read(self, data: bytes, what: str = "the header") -> tuple[Entry, ...]:
        """Return what a header defines, one entry per name, in the order of the header.

        Successive headers that define the same give the same object.

        :param what: names the header in errors
        :raises ParseError: the header is too large, or has no list of helpers in a known shape
        """
        self._load(data, what)
        pieces = tuple(piece for piece in self._parsed if piece is not _NOTHING)
        if self._result is not None and self._result[0] == pieces:
            return self._result[1]
        entries: dict[str, Entry] = {}
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
                if old is None or (old.id is None and entry.id is not None):
                    entries[entry.name] = entry
        self._close(pieces, entries)
        self._result = pieces, tuple(entries.values())
        return self._result[1]

    @staticmethod
    def _close(pieces: Iterable[_Parsed], entries: dict[str, Entry]) -> None:
        """Evaluate what needs names of other pieces."""
        waiting = [item for piece in pieces for item in piece.open]
        if not waiting:
            return
        constants: dict[str, Constant] = {}
        for piece in pieces:
            for name, value in piece.constants:
                constants.setdefault(name, value)
        # Each item once all names that it uses have been tried; those of a cycle never are.
        names = {item.name for item in waiting} - constants.keys()
        missing: list[int] = []
        users: dict[str, list[int]] = {}
        providers = Counter(item.name for item in waiting)
        for index, item in enumerate(waiting):
            used = names.intersection(item.tokens)
            missing.append(sum(providers[name] for name in used))
            for name in used:
                users.setdefault(name, []).append(index)
        ready = [index for index, count in enumerate(missing) if count == 0]
        for index in ready:
            item = waiting[index]
            base = evaluate(item.tokens, constants)
            if base is not None:
                _fill(item, base.value + item.offset, base, constants, entries)
            for user in users.get(item.name, ()):
                missing[user] -= 1
                if missing[user] == 0:
                    ready.append(user)


def parse_header(data: bytes, what: str = "the header") -> tuple[Entry, ...]:
    """Return what one header defines; see :meth:`HeaderReader.read`."""
    return HeaderReader().read(data, what)


def _fill(
    item: _Open,
    value: int,
    base: Constant,
    constants: dict[str, Constant],
    entries: dict[str, Entry],
) -> None:
    """Enter a value that was open."""
    if not -(1 << 63) <= value < 1 << 64:
        return
    if item.macro and item.operand:
        constants.setdefault(item.name, base)
    elif not item.macro and _fits_int(value):
        # Of any other enumerator the type is not known, see _retyped.
        constants.setdefault(item.name, Constant(value))
    if entries[item.name].id is None:
        entries[item.name] = Entry(item.kind, item.name, _shown(item.kind, value))


def _fits_int(value: int) -> bool:
    return -(1 << 31) <= value < 1 << 31


def _shown(kind: str, value: int) -> int | None:
    # The value of a sentinel changes with every release and tells nothing.
    return None if kind == SENTINEL else value


def _parse_piece(piece: bytes) -> _Parsed:
    if piece[:1] == b"#":
        return _parse_directive(piece)
    inner = []
    # Comments first: a line of one may begin with #, and one may go on after a directive.
    piece = strip_comments(piece)
    if b"#" in piece:
        inner = [_parse_directive(match[0].strip()) for match in _INNER_DIRECTIVE.finditer(piece)]
        piece = _INNER_DIRECTIVE.sub(b"", piece)
    tokens = tokenize(piece)
    builder = _Builder()
    builder.declaration(tokens)
    return _merge([*inner, builder.result()])


def _merge(parts: Sequence[_Parsed]) -> _Parsed:
    if not any(part is not _NOTHING for part in parts):
        return _NOTHING
    return _Parsed(
        tuple(entry for part in parts for entry in part.entries),
        tuple(constant for part in parts for constant in part.constants),
        tuple(item for part in parts for item in part.open),
        frozenset().union(*(part.names for part in parts)),
        any(part.mapper for part in parts),
    )


def _parse_directive(piece: bytes) -> _Parsed:
    match = _DEFINE.match(strip_comments(piece))
    if match is None:
        return _NOTHING
    name = match[1].decode("latin-1")
    if _MAPPER.fullmatch(name):
        return _parse_mapper(match[2] or b"", match[3])
    tokens = tokenize(match[3])
    if not tokens or (is_sentinel(name) and not name.startswith("MAX_")):
        return _NOTHING
    kind = SENTINEL if is_sentinel(name) else "flag"
    names = frozenset((name,))
    if match[2] is not None:
        return _Parsed((Entry(kind, name),), names=names)
    value = evaluate(tokens, {})
    # A macro is text: A + 1 with A defined as 1 << 2 is 1 << (2 + 1). Its value is an operand of
    # other expressions only where that makes no difference.
    operand = len(tokens) == 1 or (tokens[0] == "(" and _matching(tokens, 0) == len(tokens) - 1)
    if value is None:
        item = _Open(kind, name, tuple(tokens[: MAX_TOKENS + 1]), macro=True, operand=operand)
        return _Parsed((Entry(kind, name),), open=(item,), names=names)
    entry = Entry(kind, name, _shown(kind, value.value))
    return _Parsed((entry,), ((name, value),) if operand else (), names=names)


def _parse_mapper(parameters: bytes, body: bytes) -> _Parsed:
    """Read the body of ``__BPF_FUNC_MAPPER(FN)`` or ``___BPF_FUNC_MAPPER(FN, ctx...)``."""
    first = _IDENTIFIER.search(parameters.decode("latin-1"))
    if first is None:
        return _NOTHING
    entries, constants, following = [], [], 0
    for suffix, number in _mapped(first[0], body):
        # 6.7.2.2 p3: without a number, one more than the last.
        value = following if number is None else number
        entries.append(_helper_entry(suffix, value))
        constants.append((f"BPF_FUNC_{suffix}", Constant(value)))
        following = value + 1
    if not entries:
        return _NOTHING
    return _Parsed(
        tuple(entries),
        tuple(constants),
        names=frozenset(entry.name for entry in entries),
        mapper=True,
    )


@lru_cache(maxsize=4096)
def _helper_entry(suffix: str, number: int) -> Entry:
    # Cached so that successive headers share their entries: comparing them is then comparing
    # identities.
    name = f"bpf_{suffix}"
    kind = SENTINEL if is_sentinel(name) else "helper"
    return Entry(kind, name, _shown(kind, number))


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
        if not arguments[0] or not _IDENTIFIER.fullmatch(arguments[0][0]):
            continue
        number = None
        if len(arguments) > 1 and arguments[1] and arguments[1][0] != "##":
            value = evaluate(arguments[1], {})
            if value is None:
                raise ParseError(
                    f"helper {arguments[0][0][:60]} has the number {' '.join(arguments[1])[:60]}, "
                    "which cannot be computed"
                )
            number = value.value
        yield arguments[0][0], number


def _calls(tokens: list[str], callee: str) -> Iterator[list[list[str]]]:
    """Yield the arguments of each call of a macro, each a list of tokens."""
    at = 0
    while at + 1 < len(tokens):
        if tokens[at] != callee or tokens[at + 1] != "(":
            at += 1
            continue
        end = _matching(tokens, at + 1)
        yield _split(tokens[at + 2 : end], ",")
        at = end + 1


_OPEN = {"(": ")", "[": "]", "{": "}"}
_CLOSE = frozenset(_OPEN.values())


def _matching(tokens: Sequence[str], at: int) -> int:
    """Return the index of the token that closes the bracket at ``at``, or the end."""
    depth = 0
    for index in range(at, len(tokens)):
        if tokens[index] in _OPEN:
            depth += 1
        elif tokens[index] in _CLOSE:
            depth -= 1
            if depth == 0:
                return index
    return len(tokens)


def _split(tokens: Sequence[str], separator: str) -> list[list[str]]:
    """Split at a separator that is in no brackets."""
    parts: list[list[str]] = [[]]
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


class _Builder:
    """Collects what one declaration defines."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._constants: list[tuple[str, Constant]] = []
        self._open: list[_Open] = []

    def result(self) -> _Parsed:
        if not self._entries:
            return _NOTHING
        return _Parsed(
            tuple(self._entries),
            tuple(self._constants),
            tuple(self._open),
            frozenset(
                name
                for entry in self._entries
                # The unspecified helper is how an empty list is told from none.
                for name in (entry.name, "BPF_FUNC_unspec" if entry.name == "bpf_unspec" else "")
                if name
            ),
        )

    def declaration(self, tokens: list[str], depth: int = 0) -> None:
        """Read a top-level declaration."""
        start = 0
        while (brace := _index(tokens, "{", start)) is not None:
            end = _matching(tokens, brace)
            head = tokens[start:brace]
            if head[:1] == ["extern"] and len(head) == 2:
                # extern "C" { ... }
                if depth > _MAX_DEPTH:
                    raise ParseError(f"more than {_MAX_DEPTH} blocks are nested")
                for statement in _split(tokens[brace + 1 : end], ";"):
                    self.declaration([*statement, ";"], depth + 1)
            elif _without_attributes(head)[-1:] != [")"]:
                break
            # What follows such a block, or the body of an inline function, is a declaration.
            start = end + 1
        if brace is None or "=" in head:
            return
        keyword, tag = _head(head)
        body = tokens[brace + 1 : end]
        if keyword == "enum":
            self._enum(tag, body)
        elif keyword in ("struct", "union"):
            name = tag or _typedef_name(head, tokens[end + 1 :])
            if name:
                self._members(name, body, 0)

    def _enum(self, tag: str | None, body: list[str]) -> None:
        known: dict[str, Constant] = {}
        following: Constant | None = Constant(0)
        pending: tuple[tuple[str, ...], int] | None = None
        complete = True
        for part in _split(body, ","):
            enumerator = _without_calls(part)
            if len(enumerator) < len(part):
                # A macro brought enumerators of its own, nobody knows how many.
                following = pending = None
            enumerator = _without_attributes(enumerator)
            if not enumerator or not _IDENTIFIER.fullmatch(enumerator[0]):
                continue
            name = enumerator[0]
            value = following
            if len(enumerator) > 1:
                expression = tuple(enumerator[2 : MAX_TOKENS + 3]) if enumerator[1] == "=" else ()
                value = evaluate(expression, known)
                pending = None if value is not None else (expression, 0)
            elif pending is not None:
                pending = (pending[0], pending[1] + 1)
                value = None
            following = None if value is None else _successor(value)
            self._constant(tag, name, value, pending)
            if value is None:
                complete = False
            else:
                known[name] = value
        self._constants += _retyped(known, complete)

    def _add(self, entry: Entry) -> None:
        if len(self._entries) >= _MAX_NAMES:
            raise ParseError(
                f"a declaration with {entry.name[:60]} has more than {_MAX_NAMES} names"
            )
        self._entries.append(entry)

    def _constant(
        self,
        tag: str | None,
        name: str,
        value: Constant | None,
        pending: tuple[tuple[str, ...], int] | None,
    ) -> None:
        shown, kind = name, "flag" if tag is None else ENUM_KINDS.get(tag, tag)
        if tag == "bpf_func_id" and name.startswith("BPF_FUNC_"):
            shown = "bpf_" + name.removeprefix("BPF_FUNC_")
        elif name.startswith("BPF_F_"):
            # Anonymous enums of flags have been given tags later: the flag stays a flag.
            kind = "flag"
        if is_sentinel(name):
            kind = SENTINEL
        if value is not None:
            self._add(Entry(kind, shown, _shown(kind, value.value)))
            return
        self._add(Entry(kind, shown))
        if pending is not None:
            self._open.append(_Open(kind, shown, *pending))

    def _members(self, prefix: str, body: list[str], depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise ParseError(f"{prefix[:60]} is nested deeper than {_MAX_DEPTH} levels")
        for member in _split(body, ";"):
            brace = _index(member, "{")
            if brace is None:
                for name in _declared(member):
                    self._add(Entry("field", f"{prefix}.{name}"))
                continue
            end = _matching(member, brace)
            keyword, tag = _head(member[:brace])
            inner = member[brace + 1 : end]
            if keyword == "enum":
                self._enum(tag, inner)
            names = [
                declared
                for part in _split(_without_attributes(member[end + 1 :]), ",")
                if (declared := _declarator(part)) is not None
            ]
            for name in names:
                self._add(Entry("field", f"{prefix}.{name}"))
                if keyword != "enum":
                    self._members(f"{prefix}.{name}", inner, depth + 1)
            if keyword != "enum" and tag is not None:
                # The tag is known outside, too: C has no nested scope of tags.
                self._members(tag, inner, depth + 1)
            elif keyword != "enum" and not names:
                # 6.7.2.1 p13: the members of an anonymous struct are members of what holds it.
                self._members(prefix, inner, depth + 1)


def _successor(value: Constant) -> Constant | None:
    """Return the value of the enumerator after one; None where its type does not hold it."""
    limit = 1 << (value.bits if value.unsigned else value.bits - 1)
    following = value.value + 1
    return Constant(following, value.bits, value.unsigned) if following < limit else None


def _retyped(known: Mapping[str, Constant], complete: bool) -> list[tuple[str, Constant]]:
    """Return the enumerators with the types that they have outside of their enum.

    Those that fit are of type int; the others of the type of the enum, the first of unsigned int,
    long and unsigned long that holds all values, as gcc and clang have it.
    """
    values = [constant.value for constant in known.values()]
    low, high = min(values, default=0), max(values, default=0)
    bits = 32 if low >= 0 and high < 1 << 32 else 64
    return [
        (name, Constant(constant.value))
        if _fits_int(constant.value)
        else (name, Constant(constant.value, bits, low >= 0))
        for name, constant in known.items()
        if _fits_int(constant.value) or (complete and (low >= 0 or high < 1 << 63))
    ]


def _index(tokens: list[str], token: str, start: int = 0) -> int | None:
    try:
        return tokens.index(token, start)
    except ValueError:
        return None


def _head(tokens: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the keyword and tag before a brace: ``("struct", "bpf_insn")``."""
    words = [token for token in _without_attributes(tokens) if _IDENTIFIER.fullmatch(token)]
    for index, word in enumerate(words):
        if word in ("struct", "union", "enum"):
            return word, words[index + 1] if index + 1 < len(words) else None
    return None, None


def _typedef_name(head: Sequence[str], declarators: Sequence[str]) -> str | None:
    if head[0] != "typedef":
        return None
    return _declarator(_without_attributes([token for token in declarators if token != ";"]))


def _without_calls(part: list[str]) -> list[str]:
    """Drop macro calls before an enumerator: ``__BPF_FUNC_MAPPER(__BPF_ENUM_FN) __MAX``."""
    at = 0
    while at + 1 < len(part) and part[at + 1] == "(":
        at = _matching(part, at + 1) + 1
    return part[at:]


def _without_attributes(tokens: Sequence[str]) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(tokens):
        if tokens[at] in _ATTRIBUTES:
            at += 1
            if at < len(tokens) and tokens[at] == "(":
                at = _matching(tokens, at) + 1
            continue
        kept.append(tokens[at])
        at += 1
    return kept


def _declared(member: list[str]) -> Iterator[str]:
    """Yield the names that a member declaration without braces declares."""
    tokens = _without_attributes(member)
    if len(tokens) > 2 and tokens[1] == "(" and _matching(tokens, 1) == len(tokens) - 1:
        # __bpf_md_ptr(struct bpf_sock *, sk): a macro whose last argument is the name
        last = _split(tokens[2:-1], ",")[-1]
        if last and _IDENTIFIER.fullmatch(last[-1]):
            yield last[-1]
        return
    for index, part in enumerate(_split(tokens, ",")):
        name = _declarator(part, typed=index == 0)
        if name is not None:
            yield name


def _declarator(part: list[str], typed: bool = False) -> str | None:
    """Return the name that a declarator declares.

    :param typed: the type stands before it, so that one word alone is no name
    """
    for stop in (":", "=", "["):
        index = _index(part, stop)
        if index is not None:
            part = part[:index]
    paren = _index(part, "(")
    if paren is not None:
        # void (*name)(int)
        inside = part[paren + 1 : _matching(part, paren)]
        for _ in range(_MAX_DEPTH):
            # void (*(*name)(int))(void)
            if "(" not in inside:
                break
            paren = inside.index("(")
            inner = inside[paren + 1 : _matching(inside, paren)]
            inside = inner if "*" in inner else inside[:paren]
        words = [token for token in inside if _IDENTIFIER.fullmatch(token)]
        return words[-1] if words and "*" in inside else None
    words = [token for token in part if _IDENTIFIER.fullmatch(token)]
    if not words or words[-1] in _TYPE_WORDS or (typed and len(words) < 2):
        return None
    if len(words) > 1 and words[-2] in ("struct", "union", "enum"):
        return None
    return words[-1]
