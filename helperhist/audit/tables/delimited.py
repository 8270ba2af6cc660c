"""CSV: a header with a column of names and one of versions, then one row per name."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from helperhist.audit.tables.cells import make_row, read_cell
from helperhist.audit.tables.model import (
    KIND_OF,
    Stated,
    find_columns,
    find_commits,
    squash,
)
from helperhist.errors import ParseError

__all__ = ["find_delimiter", "read_delimited"]

_DELIMITERS = ",;\t|"


class _Cell(NamedTuple):
    text: str
    start: int
    line: int


def find_delimiter(text: str) -> str | None:
    r"""Return what separates the cells if a text begins with the header of a table, else None.

    >>> find_delimiter("name;since\nbpf_loop;5.17\n")
    ';'
    """
    first = next(
        (line for line in text[: 1 << 16].lstrip("\ufeff").split("\n") if line.strip()), ""
    )
    for delimiter in _DELIMITERS:
        if delimiter not in first:
            continue
        columns = find_columns([cell.strip(' "\r') for cell in first.split(delimiter)])
        if columns.name is not None and columns.version is not None:
            return delimiter
    return None


def read_delimited(text: str, what: str) -> Iterator[Stated]:
    """Read a table of CSV, separated by comma, semicolon, tab or bar.

    :param what: names the file in errors
    :raises ParseError: the header has no such columns, a row is short, a quote is not closed
    """
    delimiter = find_delimiter(text)
    if delimiter is None:
        raise ParseError(
            f"{what}:1: no header with a column of names (name, helper, ...) and one of versions "
            "(version, since, kernel, ...)"
        )
    rows = _rows(text, delimiter, what)
    header = next(rows)
    columns = find_columns([cell.text for cell in header])
    if columns.name is None or columns.version is None:
        raise ParseError(f"{what}:1: no column of names and versions; name them name and version")
    for cells in rows:
        line = cells[0].line
        if len(cells) <= max(columns.name, columns.version):
            raise ParseError(
                f"{what}:{line}: a row of {len(cells)} cells; the header has {len(header)}"
            )
        cell = cells[columns.version]
        stated = read_cell(cell.text, cell.start)
        kind = columns.of_kind
        if columns.kind is not None and columns.kind < len(cells):
            word = cells[columns.kind].text.strip()
            kind = KIND_OF.get(squash(word), word) or kind
        commits: tuple[str, ...] = ()
        if columns.commit is not None and columns.commit < len(cells):
            commits = find_commits(cells[columns.commit].text)
        name = cells[columns.name].text.strip().removesuffix("()")
        program = ""
        if columns.program is not None and columns.program < len(cells):
            program = cells[columns.program].text.strip()
        yield make_row(columns, stated, name, line, kind, 1, commits, program)


def _rows(text: str, delimiter: str, what: str) -> Iterator[list[_Cell]]:
    """Split a text into rows of cells, without those that are empty."""
    quoted = re.compile(r'"((?:[^"]|"")*+)"[ \r]*')
    end = re.compile(rf"[\n{re.escape(delimiter)}]")
    offset = 1 if text.startswith("\ufeff") else 0
    line = 1
    row: list[_Cell] = []
    while offset < len(text):
        match = quoted.match(text, offset)
        if match is not None:
            # Doubled quotes shift what follows them; a version has none before it.
            cell = _Cell(match[1].replace('""', '"'), offset + 1, line)
            line += match[0].count("\n")
            offset = match.end()
        elif text.startswith('"', offset):
            raise ParseError(f"{what}:{line}: a quote that is not closed")
        else:
            stop = end.search(text, offset)
            last = len(text) if stop is None else stop.start()
            cell = _Cell(text[offset:last].rstrip("\r"), offset, line)
            offset = last
        row.append(cell)
        if offset < len(text) and text[offset] not in ("\n", delimiter):
            raise ParseError(f"{what}:{line}: text after the closing quote of a cell")
        if offset >= len(text) or text[offset] == "\n":
            if any(cell.text.strip() for cell in row):
                yield row
            row = []
            line += 1
        elif offset + 1 == len(text):
            row.append(_Cell("", offset + 1, line))
        offset += 1
    if row:
        yield row
