"""What one cell names: one name of the kernel or several, and the words beside them."""

import re
from dataclasses import dataclass

__all__ = ["Named", "is_name", "plain_text", "read_names"]

_NAME = re.compile(r"(?:bpf|BPF|XDP)_\w+|BPF_FUNC_\w+", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w{0,80}", re.ASCII)
_TAGS = re.compile(r"</?[A-Za-z][^<>]{0,200}>", re.ASCII)
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_STRUCK = re.compile(r"~~[^~]{1,200}~~|<(?:del|s|strike)>", re.IGNORECASE)
_FOOTNOTE = re.compile(r"\[\^[^][]{0,50}\]_?|\[#?\d{0,3}\]_")
_LINK = re.compile(r"\[([^][]{0,200})\]\([^()]{0,500}\)|`([^`<>]{1,200}) <[^<>]{0,500}>`_{1,2}")
_ROLE = re.compile(r":[a-z:]{1,30}:(?=`)|``")
_ESCAPE = re.compile(r"\\([^\w\s]|_)")
_REMARK = re.compile(r"\(([^()]{1,200})\)")
#: Words that may stand beside a name and say only what it is.
_WORDS = re.compile(
    r"\b(?:bpf |ebpf )?(?:helpers?|kfuncs?|functions?|maps?|map types?|prog(?:ram)? types?|"
    r"commands?|flags?|support|syscall)\b",
    re.IGNORECASE,
)
_SIGIL = re.compile(r"^(?:helpers?|kfuncs?|maps?|progs?|features?):\s?", re.IGNORECASE)
_SEPARATOR = re.compile(r" ?(?:[,;/+&\n\u3001\uff0c]|\band\b|\bor\b) ?")
#: Longer cells are prose.
_MAX_CELL = 4096
#: More is no cell that anybody reads.
_MAX_NAMES = 64


@dataclass(frozen=True, slots=True)
class Named:
    """The names of a cell that holds names and little else.

    :ivar names: in their order
    :ivar remark: what stands beside them in parentheses: a program type, a reason
    :ivar plain: whether the cell is one name and nothing else
    :ivar doubt: why the row is not judged; empty if it may be
    """

    names: tuple[str, ...]
    remark: str = ""
    plain: bool = True
    doubt: str = ""


def is_name(text: str) -> bool:
    """Whether a word looks like a name of the kernel's BPF interface."""
    return _NAME.fullmatch(text) is not None


def plain_text(cell: str) -> str:
    """Return a cell without markup, HTML and footnotes."""
    text = _TAGS.sub("", _BREAK.sub("\n", cell))
    text = _LINK.sub(lambda match: match[1] or match[2], _FOOTNOTE.sub("", text))
    text = _ESCAPE.sub(r"\1", _ROLE.sub("", text))
    # An asterisk behind an underscore stands for the rest of a name.
    return re.sub(r"(?<!_)\*+|[`~]+", "", text).strip(" \t\r")


def read_names(cell: str) -> Named | None:
    """Return the names of a cell, None if it holds other things.

    >>> read_names("`bpf_sk_lookup_tcp/udp()`").names
    ('bpf_sk_lookup_tcp', 'bpf_sk_lookup_udp')
    >>> read_names("a map of BPF_MAP_TYPE_HASH") is None
    True
    """
    if len(cell) > _MAX_CELL:
        return None
    text = plain_text(cell)
    body = text.replace("()", "")
    remarks = _REMARK.findall(body)
    body = _SIGIL.sub("", _WORDS.sub("", _REMARK.sub("", body)).strip(" :")).strip(" :")
    body = re.sub(r"[ \t]+", " ", body)
    parts = _SEPARATOR.split(body, maxsplit=_MAX_NAMES)
    names: list[str] = []
    for part in parts:
        if part.endswith("_*") and is_name(part[:-1]):
            return Named((), plain=False, doubt=f"{part[:60]} is a pattern, not a name")
        if is_name(part):
            names.append(part)
        elif names and "/" in body and _IDENTIFIER.fullmatch(part):
            # bpf_sk_lookup_tcp/udp: the last word of the name before gives way.
            names.append(f"{names[-1].rpartition('_')[0]}_{part.lstrip('_')}")
        elif part or not names:
            return None
    struck = "struck out" if _STRUCK.search(cell) else ""
    plain = len(names) == 1 and text.removesuffix("()") == names[0]
    return Named(tuple(names), ", ".join(remarks), plain, struck)
