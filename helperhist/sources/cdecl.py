"""C declarations: the tokens of one, and the enumerators, structs and members that it defines.

The rules are those of C11 (N1570): enumeration specifiers (6.7.2.2), structs and unions (6.7.2.1).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from helperhist.errors import ParseError
from helperhist.sources.cconstants import MAX_TOKENS, Constant, evaluate
from helperhist.sources.ctokens import closing, split
from helperhist.sources.declarators import (
    declarator,
    declared,
    index_of,
    keyword_and_tag,
    typedef_name,
    without_attributes,
    without_calls,
)
from helperhist.sources.definitions import (
    NOTHING,
    Definitions,
    Pending,
    bounded,
    constant_fact,
    fits_int,
    is_name,
    is_sentinel,
)
from helperhist.timeline import ENUM_KINDS, SENTINEL, Fact, canonical_name

__all__ = ["DeclarationReader"]

# Bounds of one declaration; the kernel's own has 4 levels and 200 names.
_MAX_DEPTH = 32
_MAX_NAMES = 1 << 16
# Names for each token: a member of nested structs is known by the tag of each of them.
_SHARING = 16


class DeclarationReader:
    """Collects what one declaration defines."""

    def __init__(self) -> None:
        self._entries: list[Fact] = []
        self._constants: list[tuple[str, Constant]] = []
        self._open: list[Pending] = []
        self._most = _MAX_NAMES

    def result(self) -> Definitions:
        """Return what has been read."""
        if not self._entries:
            return NOTHING
        return Definitions(
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
        while (brace := index_of(tokens, "{", start)) is not None:
            end = closing(tokens, brace)
            head = tokens[start:brace]
            if head[:1] == ["extern"] and len(head) == 2:
                # extern "C" { ... }
                if depth > _MAX_DEPTH:
                    raise ParseError(f"more than {_MAX_DEPTH} blocks are nested")
                for statement in split(tokens[brace + 1 : end], ";"):
                    self.declaration([*statement, ";"], depth + 1)
            elif without_attributes(head)[-1:] != [")"]:
                break
            # What follows such a block, or the body of an inline function, is a declaration.
            start = end + 1
        if brace is None or "=" in head:
            return
        keyword, tag = keyword_and_tag(head)
        body = tokens[brace + 1 : end]
        if keyword == "enum":
            self._enum(tag, body)
        elif keyword in ("struct", "union"):
            name = tag or typedef_name(head, tokens[end + 1 :])
            if name:
                for item in _below(name, self._members(body, 0)):
                    self._add(item if isinstance(item, Fact) else Fact("field", item))

    def _enum(self, tag: str | None, body: list[str]) -> None:
        bounded(tag or "")
        known: dict[str, Constant] = {}
        following: Constant | None = Constant(0)
        pending: tuple[tuple[str, ...], int] | None = None
        complete = True
        for part in split(body, ","):
            enumerator = without_calls(part)
            if len(enumerator) < len(part):
                # A macro brought enumerators of its own, nobody knows how many.
                following = pending = None
            enumerator = without_attributes(enumerator)
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
            shown = canonical_name(name)
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
        for member in split(body, ";"):
            brace = index_of(member, "{")
            if brace is None:
                found += declared(member)
                self._count(found)
                continue
            end = closing(member, brace)
            keyword, tag = keyword_and_tag(member[:brace])
            inner = member[brace + 1 : end]
            names = [
                found_name
                for part in split(without_attributes(member[end + 1 :]), ",")
                if (found_name := declarator(part)) is not None
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
