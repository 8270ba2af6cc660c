"""Tables of Markdown, as bcc's ``docs/kernel-versions.md`` has them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from helperhist.audit.tables.cells import make_row, read_cell
from helperhist.audit.tables.grid import Box, Grid, read_grid
from helperhist.audit.tables.model import Columns, LineIndex, Stated, is_version
from helperhist.audit.tables.names import read_names

__all__ = ["has_list", "is_rule", "read_markdown"]

# Possessive throughout: each of these takes time in proportion to the line.
_RULE = re.compile(r"[ \t]*+\|?(?:[ \t]*+:?-++:?[ \t]*+\|)++(?:[ \t]*+:?-++:?[ \t]*+)?\r?")
_CELL = re.compile(r"(?:\\.|[^|\\])*+")
# - `bpf_loop` (5.17+)    * bpf_loop: since Linux 5.17
_ITEM = re.compile(
    r"[ \t]{0,20}[-*+] (?P<names>[^|]{1,200}?)"
    r"(?: ?\((?P<version>[^()|]{1,40})\)| ?[:\u2013\u2014-] (?P<other>[^|]{1,40}))",
)
_FENCE = re.compile(r" {0,3}(```+|~~~+)")


def is_rule(line: str) -> bool:
    """Whether a line is the rule between the header of a table and its rows.

    >>> is_rule("-------|----------------|")
    True
    """
    return "|" in line and _RULE.fullmatch(line) is not None


def read_markdown(text: str, what: str) -> Iterator[Stated]:
    """Read all tables that have a column of kernel versions.

    :param what: names the file in errors
    :raises ParseError: a row has no cell for its version
    """
    index = LineIndex(text, what)
    lines = index.lines
    table, fence, heading, number = 0, "", "", 0
    while number < len(lines):
        line = lines[number]
        opened = _FENCE.match(line)
        if fence:
            fence = "" if opened and opened[1].startswith(fence) else fence
        elif opened:
            fence = opened[1]
        elif line.startswith("#"):
            heading = line.strip("# \t\r")
        elif "|" in line and number + 1 < len(lines) and is_rule(lines[number + 1]):
            table += 1
            end = number + 2
            while end < len(lines) and _goes_on(lines[end]):
                end += 1
            yield from read_grid(_grid(index, number, end, heading), table, what)
            number = end
            continue
        else:
            yield from _item(line, index.starts[number], number + 1)
        number += 1


def has_list(lines: Iterable[str]) -> bool:
    """Whether any line is an item of a list that has a name and a version."""
    return any(next(_item(line, 0, 1), None) is not None for line in lines)


def _item(line: str, start: int, number: int) -> Iterator[Stated]:
    """Read an item of a list: names, and behind them a version and nothing else."""
    item = _ITEM.fullmatch(line.rstrip())
    named = read_names(item["names"]) if item is not None else None
    if item is None or named is None or not named.names:
        return
    group = "version" if item["version"] is not None else "other"
    stated = read_cell(item[group], start + item.start(group))
    if stated.doubt or stated.version.start < 0 or not is_version(stated.version.text):
        return
    columns = Columns(0, 1, None, None, None, named.doubt, named.plain)
    for name in named.names:
        row = make_row(columns, stated, name, number, None, -1, ())
        beside = tuple(other for other in named.names if other != name)
        yield replace(row, program=named.remark, loose=True, beside=beside)


def _goes_on(line: str) -> bool:
    """Whether a line below a table is part of it."""
    return bool(line.strip()) and not line.startswith("#") and not _FENCE.match(line)


def _grid(index: LineIndex, first: int, end: int, heading: str) -> Grid:
    def boxes(number: int) -> list[Box]:
        start = index.starts[number]
        return [
            Box(cell, start + offset, number + 1) for cell, offset in _cells(index.lines[number])
        ]

    rows = [boxes(number) for number in range(first + 2, end)]
    return Grid(boxes(first), rows, heading, strict=True)


def _cells(line: str) -> list[tuple[str, int]]:
    """Return the cells of a row, each with its offset in the line."""
    line = line.rstrip(" \t\r")
    offset = len(line) - len(line.lstrip(" \t"))
    offset += line.startswith("|", offset)
    cells = []
    while offset < len(line):
        match = _CELL.match(line, offset)
        # A lone backslash at the end of the line is not matched.
        end = match.end() if match else offset
        end = len(line) if end < len(line) and line[end] != "|" else end
        cells.append((line[offset:end], offset))
        offset = end + 1
    return cells
