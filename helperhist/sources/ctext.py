"""C text: split a header into top-level pieces, and these into tokens.

Pure functions over bytes; no macro is expanded and nothing is included. The rules are those of
C11 (N1570), translation phases 2 and 3 (5.1.1.2).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = [
    "Pieces",
    "split_pieces",
    "strip_comments",
    "tokenize",
]

# Each alternative consumes at least one byte and none can backtrack over a long span: the text
# is hostile. An unterminated comment or string ends with the text or the line.
_COMMENT = rb"/\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/)?|//(?:\\\r?\n|[^\n])*+"
_STRING = rb"\"(?:\\\r?\n|\\.|[^\"\\\n])*+\"?|'(?:\\\r?\n|\\.|[^'\\\n])*+'?"
_SPACE = re.compile(rb"\s+")
_LINE = rb"#(?:" + _COMMENT + rb"|" + _STRING + rb"|\\\r?\n|[^\n/\"'\\]++|[/\\])*+\n?"
_DIRECTIVE = re.compile(_LINE, re.DOTALL)
_COMMENT_RE = re.compile(_COMMENT, re.DOTALL)
_MARK = re.compile(rb"[{};]|" + _COMMENT + rb"|" + _STRING + rb"|" + _LINE, re.DOTALL)
_COMMENT_OR_STRING = re.compile(rb"(" + _STRING + rb")|" + _COMMENT, re.DOTALL)
_SPLICE = re.compile(rb"\\\r?\n")
_TOKEN = re.compile(
    rb"[A-Za-z_$][A-Za-z0-9_$]*|[0-9][0-9A-Za-z_.]*|" + _STRING + rb"|<<|>>|\.\.\.|##|[^\s]",
    re.DOTALL,
)

_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Pieces:
    """A text cut into its top-level pieces.

    :ivar data: the text
    :ivar pieces: directives, declarations and comments, without the white space between them
    :ivar ends: the offset in ``data`` at which each piece ends
    :ivar head: how many of the first pieces are those of the version split before
    :ivar tail: how many of the last pieces are
    """

    data: bytes
    pieces: tuple[bytes, ...]
    ends: tuple[int, ...]
    head: int = 0
    tail: int = 0


def split_pieces(data: bytes, previous: Pieces | None = None) -> Pieces:
    """Split a header into top-level directives, declarations and comments.

    A piece starts with ``#``, ``/*`` or ``//``; anything else is a declaration, which ends with
    the ``;`` that is in no braces. Directives within braces stay in their declaration.

    :param previous: an earlier version of the same header; what it shares with ``data`` at both
        ends is not read again. The result is the same with and without it.
    """
    if previous is None:
        return _scan(data, 0, (), (), {})
    prefix = _common_prefix(previous.data, data)
    suffix = _common_suffix(previous.data, data, prefix)
    # A piece that ends right at the difference may go on in the new text.
    kept = _count_below(previous.ends, prefix)
    start = previous.ends[kept - 1] if kept else 0
    shift = len(data) - len(previous.data)
    first = len(data) - suffix
    # Where the scan stands at one of these offsets, the rest is the old rest.
    resume: dict[int, int] = {}
    for index in range(len(previous.ends) - 1, -1, -1):
        if previous.ends[index] + shift < first:
            break
        resume[previous.ends[index] + shift] = index + 1
    new = _scan(data, start, previous.pieces[:kept], previous.ends[:kept], resume)
    join = resume.get(new.ends[-1]) if new.ends else None
    if join is None:
        return Pieces(data, new.pieces, new.ends, kept)
    return Pieces(
        data,
        new.pieces + previous.pieces[join:],
        new.ends + tuple(end + shift for end in previous.ends[join:]),
        kept,
        len(previous.pieces) - join,
    )


def _scan(
    data: bytes,
    start: int,
    pieces: tuple[bytes, ...],
    ends: tuple[int, ...],
    stop: Mapping[int, int],
) -> Pieces:
    found, offsets = list(pieces), list(ends)
    position, size = start, len(data)
    while position < size:
        if space := _SPACE.match(data, position):
            position = space.end()
            continue
        begin = position
        if data.startswith(b"/*", position):
            # The one long comment of the header is half of it: find() is faster than the pattern.
            close = data.find(b"*/", position + 2)
            position = close + 2 if close >= 0 else size
        elif match := (_DIRECTIVE.match(data, position) or _COMMENT_RE.match(data, position)):
            position = match.end()
        else:
            position = _end_of_declaration(data, position)
        found.append(data[begin:position])
        offsets.append(position)
        if position in stop:
            break
    return Pieces(data, tuple(found), tuple(offsets))


def _end_of_declaration(data: bytes, position: int) -> int:
    depth = 0
    for mark in _MARK.finditer(data, position):
        byte = data[mark.start()]
        if byte == 0x7B:  # {
            depth += 1
        elif byte == 0x7D:  # }
            depth = max(depth - 1, 0)
        elif byte == 0x3B and depth == 0:  # ;
            return mark.end()
    return len(data)


def _common_prefix(old: bytes, new: bytes) -> int:
    limit, at = min(len(old), len(new)), 0
    while at < limit and old[at : at + _CHUNK] == new[at : at + _CHUNK]:
        at += _CHUNK
    low, high = min(at, limit), min(at + _CHUNK, limit)
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_suffix(old: bytes, new: bytes, prefix: int) -> int:
    limit, length = min(len(old), len(new)) - prefix, 0
    old_size, new_size = len(old), len(new)
    while (
        length + _CHUNK <= limit
        and old[old_size - length - _CHUNK : old_size - length]
        == new[new_size - length - _CHUNK : new_size - length]
    ):
        length += _CHUNK
    low, high = length, min(length + _CHUNK, limit)
    while low < high:
        middle = (low + high + 1) // 2
        if old[old_size - middle : old_size - low] == new[new_size - middle : new_size - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _count_below(ends: Sequence[int], limit: int) -> int:
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high) // 2
        if ends[middle] < limit:
            low = middle + 1
        else:
            high = middle
    return low


def strip_comments(text: bytes) -> bytes:
    """Join spliced lines and replace each comment by a space, as phases 2 and 3 do."""
    if b"\\" in text:
        text = _SPLICE.sub(b"", text)
    if b"/" not in text:
        return text
    return _COMMENT_OR_STRING.sub(lambda match: match[1] or b" ", text)


def tokenize(text: bytes) -> list[str]:
    """Return the tokens of a text without comments.

    >>> tokenize(b"BPF_ANY = 1ULL << 2,")
    ['BPF_ANY', '=', '1ULL', '<<', '2', ',']
    """
    return [token.decode("latin-1") for token in _TOKEN.findall(text)]
