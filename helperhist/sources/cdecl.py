"""C declarations: the tokens of one, and the enumerators, structs and members that it defines.

The rules are those of C11 (N1570): enumeration specifiers (6.7.2.2), structs and unions (6.7.2.1).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from helperhist.errors import ParseError
from helperhist.sources.ctext import MAX_TOKENS, Constant, evaluate
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
from helperhist.timeline import ENUM_KINDS, SENTINEL, Fact

__all__ = ["DeclarationReader", "matching", "split_tokens"]

# Bounds of one declaration; the kernel's own has 4 levels and 200 names.
_MAX_DEPTH = 32
_MAX_NAMES = 1 << 16
# Names for each token: a member of nested structs is known by the tag of each of them.
_SHARING = 16

# Last words of a declaration that are part of its type, so that it declares no name.
_TYPE_WORDS = frozenset(
    "char short int long float double signed unsigned void const volatile _Bool".split(" ")
)
_ATTRIBUTES = frozenset(("__attribute__", "__attribute", "__aligned", "_Alignas", "__counted_by"))

_OPEN = {"(": ")", "[": "]", "{": "}"}
_CLOSE = frozenset(_OPEN.values())


def matching(tokens: Sequence[str], at: int) -> int:
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


def split_tokens(tokens: Sequence[str], separator: str) -> list[list[str]]:
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


class DeclarationReader:
    """Collects what one declaration defines."""

    def __init__(self) -> None:
        self._entries: list[Fact] = []
        self._constants: list[tuple[str, Constant]] = []
        self._open: list[Pending] = []
        self._most = _MAX_NAMES

    def result(self) -> Piece:
        """Return what has been read."""
        if not self._entries:
            return NOTHING
        return Piece(
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
        if depth == 0:
            self._most = min(_MAX_NAMES, 256 + _SHARING * len(tokens))
        start = 0
        while (brace := _index(tokens, "{", start)) is not None:
            end = matching(tokens, brace)
            head = tokens[start:brace]
            if head[:1] == ["extern"] and len(head) == 2:
                # extern "C" { ... }
                if depth > _MAX_DEPTH:
                    raise ParseError(f"more than {_MAX_DEPTH} blocks are nested")
                for statement in split_tokens(tokens[brace + 1 : end], ";"):
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
                for item in _below(name, self._members(body, 0)):
                    self._add(item if isinstance(item, Fact) else Fact("field", item))

    def _enum(self, tag: str | None, body: list[str]) -> None:
        bounded(tag or "")
        known: dict[str, Constant] = {}
        following: Constant | None = Constant(0)
        pending: tuple[tuple[str, ...], int] | None = None
        complete = True
        for part in split_tokens(body, ","):
            enumerator = _without_calls(part)
            if len(enumerator) < len(part):
                # A macro brought enumerators of its own, nobody knows how many.
                following = pending = None
            enumerator = _without_attributes(enumerator)
            if not enumerator or not is_name(enumerator[0]):
                continue
            name = bounded(enumerator[0])
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

    def _add(self, entry: Fact) -> None:
        self._entries.append(entry)
        self._count(self._entries)

    def _count(self, names: Sequence[str | Fact]) -> None:
        if len(names) > self._most:
            last = names[-1]
            name = last.name if isinstance(last, Fact) else last
            raise ParseError(f"a declaration with {name[:60]} has more than {self._most} names")

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
            self._add(constant_fact(kind, shown, value.value))
            return
        self._add(Fact(kind, shown))
        if pending is not None:
            self._open.append(Pending(kind, shown, *pending))

    def _members(self, body: list[str], depth: int) -> list[str | Fact]:
        """Return what the body of a struct defines, in its order.

        Each body is read once, however many names mean it.

        :return: paths of its members below it, and entries that are known everywhere
        """
        if depth > _MAX_DEPTH:
            raise ParseError(f"a struct is nested deeper than {_MAX_DEPTH} levels")
        found: list[str | Fact] = []
        for member in split_tokens(body, ";"):
            brace = _index(member, "{")
            if brace is None:
                found += _declared(member)
                self._count(found)
                continue
            end = matching(member, brace)
            keyword, tag = _head(member[:brace])
            inner = member[brace + 1 : end]
            names = [
                declared
                for part in split_tokens(_without_attributes(member[end + 1 :]), ",")
                if (declared := _declarator(part)) is not None
            ]
            if keyword == "enum":
                start = len(self._entries)
                self._enum(tag, inner)
                found += self._entries[start:]
                del self._entries[start:]
                found += names
                self._count(found)
                continue
            held = self._members(inner, depth + 1)
            if tag is None and not names:
                # 6.7.2.1 p13: the members of an anonymous struct are members of what holds it.
                found += held
            for name in names:
                found.append(name)
                found += _below(name, held)
                held = [item for item in held if not isinstance(item, Fact)]
                self._count(found)
            if tag is not None:
                # The tag is known outside, too: C has no nested scope of tags.
                found += [
                    item if isinstance(item, Fact) else Fact("field", item)
                    for item in _below(tag, held)
                ]
            self._count(found)
        return found


def _below(prefix: str, items: Iterable[str | Fact]) -> Iterator[str | Fact]:
    """Yield the paths of members as what holds these sees them."""
    for item in items:
        yield item if isinstance(item, Fact) else bounded(f"{prefix}.{item}")


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
        if fits_int(constant.value)
        else (name, Constant(constant.value, bits, low >= 0))
        for name, constant in known.items()
        if fits_int(constant.value) or (complete and (low >= 0 or high < 1 << 63))
    ]


def _index(tokens: list[str], token: str, start: int = 0) -> int | None:
    try:
        return tokens.index(token, start)
    except ValueError:
        return None


def _head(tokens: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the keyword and tag before a brace: ``("struct", "bpf_insn")``."""
    words = [token for token in _without_attributes(tokens) if is_name(token)]
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
        at = matching(part, at + 1) + 1
    return part[at:]


def _without_attributes(tokens: Sequence[str]) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(tokens):
        if tokens[at] in _ATTRIBUTES:
            at += 1
            if at < len(tokens) and tokens[at] == "(":
                at = matching(tokens, at) + 1
            continue
        kept.append(tokens[at])
        at += 1
    return kept


def _declared(member: list[str]) -> Iterator[str]:
    """Yield the names that a member declaration without braces declares."""
    tokens = _without_attributes(member)
    if len(tokens) > 2 and tokens[1] == "(" and matching(tokens, 1) == len(tokens) - 1:
        # __bpf_md_ptr(struct bpf_sock *, sk): a macro whose last argument is the name
        last = split_tokens(tokens[2:-1], ",")[-1]
        if last and is_name(last[-1]):
            yield last[-1]
        return
    for index, part in enumerate(split_tokens(tokens, ",")):
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
        inside = part[paren + 1 : matching(part, paren)]
        for _ in range(_MAX_DEPTH):
            # void (*(*name)(int))(void)
            if "(" not in inside:
                break
            paren = inside.index("(")
            inner = inside[paren + 1 : matching(inside, paren)]
            inside = inner if "*" in inner else inside[:paren]
        words = [token for token in inside if is_name(token)]
        return words[-1] if words and "*" in inside else None
    words = [token for token in part if is_name(token)]
    if not words or words[-1] in _TYPE_WORDS or (typed and len(words) < 2):
        return None
    if len(words) > 1 and words[-2] in ("struct", "union", "enum"):
        return None
    return words[-1]
