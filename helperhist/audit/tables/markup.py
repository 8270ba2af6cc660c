"""Tables of other markup languages: reStructuredText, org, AsciiDoc, HTML."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from helperhist.audit.tables.grid import Box, Grid, read_grid
from helperhist.audit.tables.model import LineIndex, Stated

__all__ = ["find_markup", "read_asciidoc", "read_html", "read_org", "read_rst"]

_GRID_RULE = re.compile(r"[ \t]*\+(?:[-=]+\+)+[ \t]*\r?")
_SIMPLE_RULE = re.compile(r"[ \t]*=+(?:[ \t]+=+)+[ \t]*\r?")
_LIST_TABLE = re.compile(r"[ \t]*\.\. list-table::.*\r?")
_LIST_CELL = re.compile(r"(?P<row>[ \t]*\*[ \t]+)?[ \t]*-[ \t]?(?P<cell>.*)")
_ORG_RULE = re.compile(r"[ \t]*\|-[-+]*\|?[ \t]*\r?")
_ASCIIDOC_RULE = re.compile(r"\|={3,}[ \t]*\r?")
_ROW = re.compile(r"<tr\b[^<>]{0,500}>", re.IGNORECASE)
_CELL = re.compile(r"<t[hd]\b[^<>]{0,500}>", re.IGNORECASE)
_CELL_END = re.compile(r"</t[hdr]\b|<t[hdr]\b|</?table\b|</?tbody\b", re.IGNORECASE)
_TABLE = re.compile(r"<table\b", re.IGNORECASE)
#: More cells in a row than any table has.
_MAX_CELLS = 200


def find_markup(text: str) -> str | None:
    """Return the format of the tables in a text, None if it has none of these."""
    lines = text.split("\n")
    if _TABLE.search(text) and _ROW.search(text):
        return "html"
    if any(_ASCIIDOC_RULE.fullmatch(line) for line in lines):
        return "asciidoc"
    if any(rule.fullmatch(line) for line in lines for rule in (_GRID_RULE, _LIST_TABLE)):
        return "rst"
    if sum(_SIMPLE_RULE.fullmatch(line) is not None for line in lines) > 1:
        return "rst"
    return "org" if any(_ORG_RULE.fullmatch(line) for line in lines) else None


def read_rst(text: str, what: str) -> Iterator[Stated]:
    """Read grid tables, simple tables and list tables of reStructuredText.

    :param what: names the file in errors
    """
    index = LineIndex(text, what)
    yield from _read(_rst_grids(index), what)


def read_org(text: str, what: str) -> Iterator[Stated]:
    """Read tables of org-mode.

    :param what: names the file in errors
    """
    index = LineIndex(text, what)
    yield from _read(_org_grids(index), what)


def read_asciidoc(text: str, what: str) -> Iterator[Stated]:
    """Read tables of AsciiDoc, whose cells begin with a bar, several in a line or one.

    :param what: names the file in errors
    """
    index = LineIndex(text, what)
    yield from _read(_asciidoc_grids(index), what)


def read_html(text: str, what: str) -> Iterator[Stated]:
    """Read tables of HTML, which need not be well formed.

    :param what: names the file in errors
    """
    yield from _read(_html_grids(text), what)


def _read(grids: Iterator[Grid], what: str) -> Iterator[Stated]:
    for table, grid in enumerate(grids, 1):
        yield from read_grid(grid, table, what)


def _rst_grids(index: LineIndex) -> Iterator[Grid]:
    number = 0
    while number < len(index.lines):
        line = index.lines[number]
        if _GRID_RULE.fullmatch(line):
            end = _while(index, number, lambda text: text.lstrip()[:1] in ("+", "|"))
            yield from _grid_table(index, number, end)
        elif _SIMPLE_RULE.fullmatch(line):
            end = _simple_end(index, number)
            yield from _simple_table(index, number, end)
        elif _LIST_TABLE.fullmatch(line):
            end = _while(index, number + 1, lambda text: not text.strip() or text[:1] in " \t")
            yield from _list_table(index, number + 1, end)
        else:
            end = number + 1
        number = max(end, number + 1)


def _while(index: LineIndex, number: int, goes_on: Callable[[str], bool]) -> int:
    while number < len(index.lines) and goes_on(index.lines[number]):
        number += 1
    return number


def _grid_table(index: LineIndex, first: int, end: int) -> Iterator[Grid]:
    rows: list[list[Box]] = []
    block: list[list[Box]] = []
    for number in range(first, end):
        line = index.lines[number]
        if line.lstrip().startswith("+"):
            rows += _merged(block)
            block = []
        else:
            block.append(_between_bars(index, number, "|"))
    rows += _merged(block)
    yield from _from_rows(rows)


def _merged(block: Sequence[Sequence[Box]]) -> list[list[Box]]:
    """Return the row of several lines, one piece of each cell in each."""
    if len(block) < 2:
        return [list(boxes) for boxes in block]
    row: list[Box] = []
    for column in range(max(map(len, block))):
        pieces = [boxes[column] for boxes in block if column < len(boxes)]
        filled = [box for box in pieces if box.text.strip()]
        text = " ".join(box.text.strip() for box in filled)
        row.append(filled[0] if len(filled) == 1 else Box(text, -1, pieces[0].line))
    return [row]


def _between_bars(index: LineIndex, number: int, bar: str) -> list[Box]:
    """Return the cells of a line that begins with a bar."""
    line = index.lines[number].rstrip(" \t\r").removesuffix(bar)
    offset = line.find(bar) + 1
    boxes = []
    for cell in line[offset:].split(bar)[:_MAX_CELLS]:
        boxes.append(Box(cell, index.starts[number] + offset, number + 1))
        offset += len(cell) + 1
    return boxes


def _simple_end(index: LineIndex, first: int) -> int:
    """Return the end of a simple table: behind the last rule before an empty line."""
    for number in range(first + 1, len(index.lines)):
        if _SIMPLE_RULE.fullmatch(index.lines[number]):
            below = index.lines[number + 1] if number + 1 < len(index.lines) else ""
            if not below.strip():
                return number + 1
    return first + 1


def _simple_table(index: LineIndex, first: int, end: int) -> Iterator[Grid]:
    spans = [match.span() for match in re.finditer(r"=+", index.lines[first])]
    rows: list[list[Box]] = []
    for number in range(first + 1, end):
        line = index.lines[number]
        if _SIMPLE_RULE.fullmatch(line) or not line.strip() or set(line.strip()) <= {"-", " "}:
            continue
        boxes = []
        for column, (start, stop) in enumerate(spans):
            last = len(line) if column + 1 == len(spans) else stop
            text = line[start:last].rstrip("\r")
            boxes.append(Box(text, index.starts[number] + start, number + 1))
        rows.append(boxes)
    yield from _from_rows(rows)


def _list_table(index: LineIndex, first: int, end: int) -> Iterator[Grid]:
    rows: list[list[Box]] = []
    for number in range(first, end):
        line = index.lines[number]
        match = _LIST_CELL.fullmatch(line.rstrip("\r"))
        if match is None:
            continue
        if match["row"]:
            rows.append([])
        if rows and len(rows[-1]) < _MAX_CELLS:
            start = index.starts[number] + match.start("cell")
            rows[-1].append(Box(match["cell"], start, number + 1))
    yield from _from_rows(rows)


def _org_grids(index: LineIndex) -> Iterator[Grid]:
    number = 0
    while number < len(index.lines):
        end = _while(index, number, lambda text: text.lstrip().startswith("|"))
        rows = [
            _between_bars(index, line, "|")
            for line in range(number, end)
            if not _ORG_RULE.fullmatch(index.lines[line])
        ]
        yield from _from_rows(rows)
        number = end + 1


def _asciidoc_grids(index: LineIndex) -> Iterator[Grid]:
    number = 0
    while number < len(index.lines):
        if not _ASCIIDOC_RULE.fullmatch(index.lines[number]):
            number += 1
            continue
        first = number + 1
        end = _while(index, first, lambda text: not _ASCIIDOC_RULE.fullmatch(text))
        filled = [line for line in range(first, end) if index.lines[line].strip()]
        boxes = [
            box
            for line in filled
            if index.lines[line].lstrip().startswith("|")
            for box in _between_bars(index, line, "|")
        ]
        # The first line of cells is the header, and has as many as there are columns.
        width = len(_between_bars(index, filled[0], "|")) if filled else 0
        if width:
            yield from _from_rows([boxes[at : at + width] for at in range(0, len(boxes), width)])
        number = end + 1


def _html_grids(text: str) -> Iterator[Grid]:
    starts = [match.start() for match in _TABLE.finditer(text)]
    line, counted = 1, 0
    for start, end in _between([*starts, len(text)]):
        rows: list[list[Box]] = []
        openings = [match.start() for match in _ROW.finditer(text, start, end)]
        for first, last in _between([*openings, end]):
            row: list[Box] = []
            for cell in _CELL.finditer(text, first, last):
                stop = _CELL_END.search(text, cell.end(), last)
                close = last if stop is None else stop.start()
                line, counted = line + text.count("\n", counted, cell.end()), cell.end()
                if len(row) < _MAX_CELLS:
                    row.append(Box(text[cell.end() : close], cell.end(), line))
            rows.append(row)
        yield from _from_rows(rows)


def _between(offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    return pairwise(offsets)


def _from_rows(rows: Sequence[Sequence[Box]]) -> Iterator[Grid]:
    if len(rows) > 1 and rows[0]:
        yield Grid(rows[0], [row for row in rows[1:] if row])
