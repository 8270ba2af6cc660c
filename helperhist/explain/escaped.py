"""Logs within other texts: a loader's log is quoted in logfmt, in JSON, or by Rust's ``{:?}``."""

import re
from collections.abc import Iterator

__all__ = ["pieces"]

# One level of quoting writes a line feed as \n, two as \\n.
_BREAK = re.compile(r"\\{1,8}[nrt]")
_QUOTE = re.compile(r"\\{1,8}(?=[\"'])")


def pieces(line: str) -> Iterator[str]:
    r"""Yield the lines that a line quotes; the line itself where it quotes none.

    >>> list(pieces(r'msg="a\n\tb \"c\""'))
    ['msg="a', 'b "c""']
    """
    if "\\" not in line:
        yield line
        return
    for piece in _BREAK.split(line):
        if piece:
            yield _QUOTE.sub("", piece)
