"""Tables of Markdown, as bcc's ``docs/kernel-versions.md`` has them."""

import re
from collections.abc import Iterator

from helperhist.audit.tables.grid import Box, Grid, read_grid
from helperhist.audit.tables.model import LineIndex, Stated

__all__ = ["is_rule", "read_markdown"]

# Possessive throughout: each of these takes time in proportion to the line.
_RULE = re.compile(r"[ \t]*+\|?(?:[ \t]*+:?-++:?[ \t]*+\|)++(?:[ \t]*+:?-++:?[ \t]*+)?\r?")
_CELL = re.compile(r"(?:\\.|[^|\\])*+")
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
        number += 1


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
