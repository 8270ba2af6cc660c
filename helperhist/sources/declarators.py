"""The names that C declarations declare, by their tokens (C11, N1570, 6.7)."""

from collections.abc import Iterator, Sequence

from helperhist.sources.ctokens import closing, split
from helperhist.sources.definitions import is_name

__all__ = [
    "declarator",
    "declared",
    "index_of",
    "keyword_and_tag",
    "typedef_name",
    "without_attributes",
    "without_calls",
]

# Bound of nested declarators.
_MAX_DEPTH = 32

# Last words of a declaration that are part of its type, so that it declares no name.
_TYPE_WORDS = frozenset(
    "char short int long float double signed unsigned void const volatile _Bool".split(" ")
)
_ATTRIBUTES = frozenset(("__attribute__", "__attribute", "__aligned", "_Alignas", "__counted_by"))


def index_of(tokens: list[str], token: str, start: int = 0) -> int | None:
    """Return where a token stands, None if it does not."""
    try:
        return tokens.index(token, start)
    except ValueError:
        return None


def keyword_and_tag(tokens: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the keyword and tag before a brace: ``("struct", "bpf_insn")``."""
    words = [token for token in without_attributes(tokens) if is_name(token)]
    for index, word in enumerate(words):
        if word in ("struct", "union", "enum"):
            return word, words[index + 1] if index + 1 < len(words) else None
    return None, None


def typedef_name(head: Sequence[str], declarators: Sequence[str]) -> str | None:
    """Return the name that a ``typedef`` gives to what stands in its braces.

    :param head: what stands before the braces, ``declarators`` what stands behind them
    """
    if head[0] != "typedef":
        return None
    return declarator(without_attributes([token for token in declarators if token != ";"]))


def without_calls(part: list[str]) -> list[str]:
    """Drop macro calls before an enumerator: ``__BPF_FUNC_MAPPER(__BPF_ENUM_FN) __MAX``."""
    at = 0
    while at + 1 < len(part) and part[at + 1] == "(":
        at = closing(part, at + 1) + 1
    return part[at:]


def without_attributes(tokens: Sequence[str]) -> list[str]:
    """Drop attributes with their arguments."""
    kept: list[str] = []
    at = 0
    while at < len(tokens):
        if tokens[at] in _ATTRIBUTES:
            at += 1
            if at < len(tokens) and tokens[at] == "(":
                at = closing(tokens, at) + 1
            continue
        kept.append(tokens[at])
        at += 1
    return kept


def declared(member: list[str]) -> Iterator[str]:
    """Yield the names that a member declaration without braces declares."""
    tokens = without_attributes(member)
    if len(tokens) > 2 and tokens[1] == "(" and closing(tokens, 1) == len(tokens) - 1:
        # __bpf_md_ptr(struct bpf_sock *, sk): a macro whose last argument is the name
        last = split(tokens[2:-1], ",")[-1]
        if last and is_name(last[-1]):
            yield last[-1]
        return
    for index, part in enumerate(split(tokens, ",")):
        name = declarator(part, typed=index == 0)
        if name is not None:
            yield name


def declarator(part: list[str], typed: bool = False) -> str | None:
    """Return the name that a declarator declares.

    :param typed: the type stands before it, so that one word alone is no name
    """
    for stop in (":", "=", "["):
        index = index_of(part, stop)
        if index is not None:
            part = part[:index]
    paren = index_of(part, "(")
    if paren is not None:
        # void (*name)(int)
        inside = part[paren + 1 : closing(part, paren)]
        for _ in range(_MAX_DEPTH):
            # void (*(*name)(int))(void)
            if "(" not in inside:
                break
            paren = inside.index("(")
            inner = inside[paren + 1 : closing(inside, paren)]
            inside = inner if "*" in inner else inside[:paren]
        words = [token for token in inside if is_name(token)]
        return words[-1] if words and "*" in inside else None
    words = [token for token in part if is_name(token)]
    if not words or words[-1] in _TYPE_WORDS or (typed and len(words) < 2):
        return None
    if len(words) > 1 and words[-2] in ("struct", "union", "enum"):
        return None
    return words[-1]
