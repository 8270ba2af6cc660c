"""From a helper's prototype in the kernel's documentation to its declaration in BPF programs.

The kernel documents helpers with its internal types. Its ``scripts/bpf_doc.py`` replaces them when
it writes the ``bpf_helper_defs.h`` of libbpf; the same replacements are made here.
"""

import re
from dataclasses import dataclass

from helperhist.errors import ParseError
from helperhist.sources import Prototype, parse_prototype

__all__ = ["KEYWORDS", "Declaration", "parse_declaration"]

#: What programs see in place of the kernel's internal types.
_REPLACED = {
    "u8": "__u8", "u16": "__u16", "u32": "__u32", "u64": "__u64",
    "s8": "__s8", "s16": "__s16", "s32": "__s32", "s64": "__s64",
    "size_t": "unsigned long",
    "struct bpf_map": "void",
    "struct sk_buff": "struct __sk_buff",
    "struct sk_msg_buff": "struct sk_msg_md",
    "struct xdp_buff": "struct xdp_md",
}  # fmt: skip

#: Types that need no declaration: C's own, and those of <linux/types.h> and vmlinux.h.
_PLAIN = re.compile(
    r"void|(?:(?:un)?signed )?(?:char|(?:short|long|long long)(?: int)?|int)|(?:un)?signed"
)
_KNOWN = frozenset((
    "__u8", "__u16", "__u32", "__u64", "__s8", "__s16", "__s32", "__s64",
    "__be16", "__be32", "__be64", "__le16", "__le32", "__le64", "__sum16", "__wsum",
))  # fmt: skip
#: Keywords of C23 and C++23: a parameter of such a name is none.
KEYWORDS = frozenset("""
    alignas alignof asm auto bool break case char const constexpr continue default do double else
    enum extern false float for goto if inline int long nullptr register restrict return short
    signed sizeof static static_assert struct switch thread_local true typedef typeof typeof_unqual
    union unsigned void volatile while
    and and_eq bitand bitor catch char16_t char32_t char8_t class compl concept const_cast
    consteval constinit co_await co_return co_yield decltype delete dynamic_cast explicit export
    friend mutable namespace new noexcept not not_eq operator or or_eq private protected public
    reinterpret_cast requires static_cast template this throw try typeid typename using virtual
    wchar_t xor xor_eq
""".split())  # fmt: skip
#: C reserves names that begin with ``__`` or ``_A`` (C11, 7.1.3): compilers make keywords and
#: macros of them. In capitals are macros of headers, and GCC defines some without underscores.
_RESERVED = re.compile(r"__.*|_[A-Z].*|[A-Z][A-Z0-9_].*|linux|unix|i386", re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
#: Tags of the UAPI that begin like names that C reserves.
_TAGS = frozenset({"__sk_buff"})
_TYPE = re.compile(
    r"(?P<const>const )?(?P<base>(?:struct |union )?\w+(?: \w+)*?) ?(?P<stars>\**)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """The C types of a helper as programs see them.

    :ivar returns: ends with a star or with a space, so that a declarator can follow
    :ivar arguments: what stands between the parentheses
    :ivar opaque: the structs and unions named (``"struct path"``), to be declared before
    """

    returns: str
    arguments: str
    opaque: tuple[str, ...]


def parse_declaration(prototype: str, helper: str | None = None) -> Declaration:
    """Return the declaration that programs see.

    What is returned compiles: a dataset can come from anywhere.

    :param prototype: as in a timeline: ``long bpf_x(struct sk_buff *skb, u32 len)``
    :param helper: the helper that it must be of
    :raises ParseError: it cannot be read, or has a type that programs do not know
    """
    parsed = parse_prototype(prototype)
    if parsed is None or not _sound(parsed):
        raise ParseError(f"its prototype {prototype[:60]!r} cannot be read")
    for _, name in parsed.arguments:
        _check_name(name)
    if helper is not None and parsed.name != helper:
        raise ParseError(f"its prototype {prototype[:60]!r} is of another helper")
    opaque: dict[str, None] = {}
    arguments = [
        kind if kind == "..." else f"{_seen(kind, opaque)}{name}" for kind, name in parsed.arguments
    ]
    return Declaration(
        _seen(parsed.returns, opaque), ", ".join(arguments) or "void", tuple(sorted(opaque))
    )


def _sound(parsed: Prototype) -> bool:
    """Whether C takes the names, and the variable part comes after others."""
    kinds = [kind for kind, _ in parsed.arguments]
    names = [name for kind, name in parsed.arguments if kind != "..."]
    return (
        len(set(names)) == len(names)
        and all(_NAME.fullmatch(name) for name in names)
        and "void" not in kinds
        and ("..." not in kinds or kinds.index("...") == len(names) > 0)
    )


def _check_name(name: str) -> None:
    """Refuse a word that means something to a compiler.

    :raises ParseError: it does
    """
    if name in KEYWORDS or (_RESERVED.fullmatch(name) and name not in _TAGS):
        raise ParseError(f"its prototype has the name {name[:60]!r}, which is reserved in C")


def _seen(kind: str, opaque: dict[str, None]) -> str:
    match = _TYPE.fullmatch(kind)
    if match is None:
        raise ParseError(f"its type {kind[:60]!r} cannot be read")
    base = _REPLACED.get(match["base"], match["base"])
    if base.startswith(("struct ", "union ")):
        tag = base.partition(" ")[2]
        if not _NAME.fullmatch(tag):
            raise ParseError(f"its type {kind[:60]!r} cannot be read")
        _check_name(tag)
        opaque[base] = None
    elif base not in _KNOWN and not _PLAIN.fullmatch(base):
        raise ParseError(f"programs do not know its type {base!r}")
    return f"{match['const'] or ''}{base} {match['stars']}"
