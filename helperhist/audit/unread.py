"""The lines of a table that hold names of bpf.h and that no reader took for a row."""

import re
from collections import Counter
from collections.abc import Collection, Iterable

from helperhist.audit.resolve import Resolver
from helperhist.timeline import SENTINEL, Row

__all__ = ["NO_ROW", "find_unread"]

#: The note on a name in a line that is most likely no row.
NO_ROW = "no version in this line"

_NAME = re.compile(r"(?<![\w.])(?:bpf|BPF)_\w++|(?<![\w.])\w{1,40}\.Fn[A-Z]\w*+", re.ASCII)
_QUOTED = re.compile(r"\"(\w{1,64})\"|'(\w{1,64})'", re.ASCII)
# 5.8, "5, 8", 0x050800, .major = 5
_VERSION = re.compile(
    r"(?<![\w.])v?\d{1,4}[ \t]*+[.,][ \t]*+\d{1,4}|0x0[0-9a-fA-F]{5}(?!\w)|[Mm]ajor\W{1,5}\d",
    re.ASCII,
)


def find_unread(
    text: str, read: Iterable[tuple[int, str]], resolver: Resolver
) -> tuple[tuple[int, Row, bool], ...]:
    """Return the known names that were not read, in the order of the file.

    Beside a row that was read, a line may name others in passing: they count if the line has more
    versions than rows.

    :param read: line and name, as bpf.h has it, of each row that was read
    :return: line, name, and whether the line has a version, as rows do
    """
    rows: Counter[int] = Counter()
    names: dict[int, set[str]] = {}
    for number, name in read:
        rows[number] += 1
        names.setdefault(number, set()).add(name)
    found: list[tuple[int, Row, bool]] = []
    for number, line in enumerate(text.split("\n"), 1):
        versions = len(_VERSION.findall(line))
        if rows[number] and versions <= rows[number]:
            continue
        here = _names(line, resolver, quoted=versions > 0)
        left = [row for row in here if row.name not in names.get(number, ())]
        found += [(number, row, versions > 0) for row in left]
    return tuple(found)


def _names(line: str, resolver: Resolver, quoted: bool) -> Collection[Row]:
    found: dict[str, Row] = {}
    for word in _NAME.findall(line):
        row = resolver.index.named(word)
        if row is None and "." in word:
            row = resolver.find(word, None, go=True)
        if row is not None and row.kind != SENTINEL:
            found[row.name] = row
    if quoted:
        for first, second in _QUOTED.findall(line):
            row = resolver.index.named(f"bpf_{first or second}")
            if row is not None:
                found.setdefault(row.name, row)
    return found.values()
