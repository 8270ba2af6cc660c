"""From a helper's prototype in the kernel's documentation to its declaration in BPF programs.

The kernel documents helpers with its internal types. Its ``scripts/bpf_doc.py`` replaces them when
it writes the ``bpf_helper_defs.h`` of libbpf; the same replacements are made here.
"""

import re
from dataclasses import dataclass

from helperhist.docs import parse_prototype
from helperhist.errors import ParseError

__all__ = ["Declaration", "parse_declaration"]

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
_KNOWN = frozenset((
    "void", "char", "short", "int", "long", "signed", "unsigned",
    "__u8", "__u16", "__u32", "__u64", "__s8", "__s16", "__s32", "__s64",
    "__be16", "__be32", "__be64", "__le16", "__le32", "__le64", "__sum16", "__wsum",
))  # fmt: skip
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


def parse_declaration(prototype: str) -> Declaration:
    """Return the declaration that programs see.

    :param prototype: as in a timeline: ``long bpf_x(struct sk_buff *skb, u32 len)``
    :raises ParseError: it cannot be read, or has a type that programs do not know
    """
    parsed = parse_prototype(prototype)
    if parsed is None:
        raise ParseError(f"its prototype {prototype[:60]!r} cannot be read")
    opaque: dict[str, None] = {}
    arguments = [
        kind if kind == "..." else f"{_seen(kind, opaque)}{name}" for kind, name in parsed.arguments
    ]
    return Declaration(
        _seen(parsed.returns, opaque), ", ".join(arguments) or "void", tuple(sorted(opaque))
    )


def _seen(kind: str, opaque: dict[str, None]) -> str:
    match = _TYPE.fullmatch(kind)
    if match is None:
        raise ParseError(f"its type {kind[:60]!r} cannot be read")
    base = _REPLACED.get(match["base"], match["base"])
    if re.fullmatch(r"(struct|union) \w+", base):
        opaque[base] = None
    elif not _KNOWN.issuperset(base.split()):
        raise ParseError(f"programs do not know its type {base!r}")
    return f"{match['const'] or ''}{base} {match['stars']}"
