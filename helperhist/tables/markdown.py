"""Tables of Markdown, as bcc's ``docs/kernel-versions.md`` has them."""

import re
from collections.abc import Iterator
from dataclasses import replace

from helperhist.errors import ParseError
from helperhist.tables.cells import make_row, read_cell
from helperhist.tables.model import (
    Columns,
    LineIndex,
    Stated,
    find_columns,
    find_commits,
)

__all__ = ["is_rule", "read_markdown"]

# Possessive throughout: each of these takes time in proportion to the line.
_RULE = re.compile(r"[ \t]*+\|?(?:[ \t]*+:?-++:?[ \t]*+\|)++(?:[ \t]*+:?-++:?[ \t]*+)?\r?")
_CELL = re.compile(r"(?:\\.|[^|\\])*+")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_LINK = re.compile(r"\[([^][]{0,200})\]\([^()]{0,500}\)")
_ESCAPE = re.compile(r"\\([^\w\s])")
_IDENTIFIER = re.compile(r"[A-Za-z_][\w.]*(?:\(\))?", re.ASCII)


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
            yield from _rows(index, number, end, table, heading, what)
            number = end
            continue
        number += 1


def _goes_on(line: str) -> bool:
    """Whether a line below a table is part of it."""
    return bool(line.strip()) and not line.startswith("#") and not _FENCE.match(line)


def _rows(
    index: LineIndex, first: int, end: int, table: int, heading: str, what: str
) -> Iterator[Stated]:
    header = [_plain(cell) for cell, _ in _cells(index.lines[first])]
    columns = find_columns(header)
    if columns.version is None:
        return
    label, kind = _label(header, columns)
    for number in range(first + 2, end):
        cells = _cells(index.lines[number])
        if len(cells) <= max(columns.version, label or 0):
            raise ParseError(
                f"{what}:{number + 1}: a row of {len(cells)} cells in the table of line "
                f"{first + 1}, whose kernel version is cell {columns.version + 1}; "
                "complete the row, or end the table with an empty line"
            )
        cell, offset = cells[columns.version]
        stated = read_cell(cell, index.starts[number] + offset)
        name = heading if label is None else _name(cells[label][0])
        if columns.name is not None and columns.name < len(cells):
            # The Enum column of bcc names what the first column only describes.
            name = _name(cells[columns.name][0]) or name
        commits: tuple[str, ...] = ()
        if columns.commit is not None and columns.commit < len(cells):
            commits = find_commits(cells[columns.commit][0])
        known = kind
        if known is None and _IDENTIFIER.fullmatch(name) is None:
            known = "feature"
        if known == "feature":
            stated = replace(stated, note="")
        yield make_row(columns, stated, name, number + 1, known, table, commits)


def _label(header: list[str], columns: Columns) -> tuple[int | None, str | None]:
    """Return the column that names rows, and the kind of all rows."""
    taken = (columns.version, columns.commit, columns.kind)
    label = next((i for i in range(len(header)) if i not in taken), None)
    if columns.of_kind is not None or columns.name is not None:
        return label, columns.of_kind
    return label, "feature"


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


def _plain(cell: str) -> str:
    return _ESCAPE.sub(r"\1", _LINK.sub(r"\1", cell)).replace("\\_", "_").strip(" \t`*")


def _name(cell: str) -> str:
    return _plain(cell).removesuffix("()")
