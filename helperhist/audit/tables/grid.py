"""Rows of a table whose cells are known: which cell names, which dates, and what they state."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from helperhist.audit.tables.cells import Cell, make_row, read_cell, split_versions
from helperhist.audit.tables.model import (
    KIND_OF,
    Columns,
    Stated,
    find_arch,
    find_columns,
    find_commits,
    heads_versions,
    is_version,
    squash,
)
from helperhist.audit.tables.names import Named, is_name, plain_text, read_names
from helperhist.errors import ParseError

__all__ = ["Box", "Grid", "read_grid"]

_IDENTIFIER = re.compile(r"[A-Za-z_][\w.]*(?:\(\))?", re.ASCII)
#: Headings of columns that say which release brought what the row lists.
_NEW = re.compile(r"new|added|introduced|\u65b0", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Box:
    """One cell: its text with markup, and where in the file it stands (-1: not as it reads)."""

    text: str
    start: int
    line: int


@dataclass(frozen=True, slots=True)
class Grid:
    """One table: the cells of its header, then of its rows.

    :ivar heading: of the section that it stands in
    :ivar strict: whether a short row is an error
    """

    header: Sequence[Box]
    rows: Sequence[Sequence[Box]]
    heading: str = ""
    strict: bool = False


def read_grid(grid: Grid, table: int, what: str) -> Iterator[Stated]:
    """Read one table; nothing if it states no versions of kernels.

    :param table: its number in the file
    :raises ParseError: a row has no cell for its version, where rows must be whole
    """
    header = [plain_text(box.text) for box in grid.header]
    columns = find_columns(header)
    if columns.version is None:
        columns = _by_content(columns, grid, header)
    if columns.version is None:
        yield from _transposed(grid, header, table)
        return
    label = _label(grid, header, columns)
    kind = columns.of_kind
    if kind is None and columns.name is None:
        kind = "feature"
    for boxes in grid.rows:
        if len(boxes) <= max(columns.version, label or 0):
            if not grid.strict:
                continue
            raise ParseError(
                f"{what}:{boxes[0].line if boxes else '?'}: a row of {len(boxes)} cells in the "
                f"table of line {grid.header[0].line}, whose kernel version is cell "
                f"{columns.version + 1}; complete the row, or end the table with an empty line"
            )
        yield from _row(boxes, columns, label, kind, grid, header, table)


def _row(
    boxes: Sequence[Box],
    columns: Columns,
    label: int | None,
    kind: str | None,
    grid: Grid,
    header: Sequence[str],
    table: int,
) -> Iterator[Stated]:
    version = boxes[columns.version or 0]
    stated = read_cell(version.text, max(version.start, 0))
    if version.start < 0:
        stated = replace(stated, version=replace(stated.version, start=-1, end=-1))
    source, name = "", grid.heading
    if label is not None:
        source = boxes[label].text
        name = _name(source)
    # The Enum column of bcc names what the first column only describes.
    has_enum = columns.name is not None and columns.name < len(boxes)
    enum = boxes[columns.name or 0].text if has_enum else ""
    if _name(enum):
        source, name = enum, _name(enum)
    commits: tuple[str, ...] = ()
    if columns.commit is not None and columns.commit < len(boxes):
        commits = find_commits(boxes[columns.commit].text)
    program = ""
    if columns.program is not None and columns.program < len(boxes):
        program = plain_text(boxes[columns.program].text)
    if columns.kind is not None and columns.kind < len(boxes):
        word = plain_text(boxes[columns.kind].text)
        kind = KIND_OF.get(squash(word), kind)
    line = version.line if label is None else boxes[label].line
    named = read_names(source)
    if named is None:
        known = kind
        if known is None and _IDENTIFIER.fullmatch(name) is None:
            known = "feature"
        if known == "feature":
            stated = replace(stated, note="")
        yield make_row(columns, stated, name, line, known, table, commits, program)
        return
    if kind == "feature":
        kind = None
    # A list of names right of the version: of all that it has, if not of what is new in it.
    first = (columns.version or 0) < (label or 0)
    new = first and _NEW.search(header[label or 0]) is not None
    listed = first and not new
    yield from _named(
        named, stated, version, columns, line, kind, table, commits, program, listed, new
    )


def _named(
    named: Named,
    stated: Cell,
    box: Box,
    columns: Columns,
    line: int,
    kind: str | None,
    table: int,
    commits: tuple[str, ...],
    program: str,
    listed: bool,
    new: bool,
) -> Iterator[Stated]:
    if not named.names:
        row = make_row(columns, stated, plain_text(named.doubt.split()[0]), line, kind, table, ())
        yield replace(row, doubt=named.doubt)
        return
    columns = replace(columns, doubt=columns.doubt or named.doubt)
    if not named.plain or listed or new:
        columns = replace(columns, sure=False)
    pairs = split_versions(box.text, len(named.names)) if len(named.names) > 1 else ()
    for index, name in enumerate(named.names):
        cell = pairs[index] if pairs else stated
        row = make_row(columns, cell, name, line, kind, table, commits)
        beside = () if pairs or new else tuple(other for other in named.names if other != name)
        yield replace(
            row,
            program=program or named.remark,
            loose=columns.loose or not program,
            beside=beside,
            listed=listed,
        )


def _label(grid: Grid, header: Sequence[str], columns: Columns) -> int | None:
    """Return the column that names rows."""
    taken = (columns.version, columns.commit, columns.kind, columns.program)
    free = [index for index in range(len(header)) if index not in taken]
    if columns.of_kind is not None or columns.name is not None:
        return next(iter(free), None)
    # Without a heading that says so, the first with names; else the first.
    with_names = [index for index in free if _share(grid, index, _has_names) >= 0.5]
    return next(iter(with_names or free), None)


def _by_content(columns: Columns, grid: Grid, header: Sequence[str]) -> Columns:
    """Find the column of versions where no heading is a known one."""
    found = [
        index
        for index, word in enumerate(header)
        if heads_versions(word) and _share(grid, index, _has_version) >= 0.5
    ]
    names = [i for i in range(len(header)) if _share(grid, i, _has_names) >= 0.5]
    if not found or not (names or columns.of_kind or columns.name is not None):
        return columns
    doubt = "" if len(found) == 1 else "more than one column of versions"
    if len(found) == 1 and (arch := find_arch(header[found[0]])):
        doubt = f"the versions are of one architecture: {arch}"
    return replace(
        columns,
        version=found[0],
        doubt=columns.doubt or doubt,
        # Of a heading that is not known, a patch writes nothing.
        sure=False,
    )


def _share(grid: Grid, index: int, test: Callable[[str], bool]) -> float:
    cells = [boxes[index].text for boxes in grid.rows if index < len(boxes)]
    cells = [cell for cell in cells if cell.strip()]
    return sum(map(test, cells)) / len(cells) if cells else 0.0


def _transposed(grid: Grid, header: Sequence[str], table: int) -> Iterator[Stated]:
    """Read a table whose header has the names, and whose rows say one thing of each of them."""
    names = [(index, name) for index, name in enumerate(header) if is_name(name.removesuffix("()"))]
    for boxes in grid.rows if names else ():
        if not boxes or not heads_versions(plain_text(boxes[0].text)):
            continue
        for index, name in names:
            if 0 < index < len(boxes):
                box = boxes[index]
                stated = read_cell(box.text, max(box.start, 0))
                columns = Columns(index, index, None, None, None, "", box.start >= 0)
                name = name.removesuffix("()")
                yield make_row(columns, stated, name, box.line, None, table, ())


def _has_names(cell: str) -> bool:
    return read_names(cell) is not None


def _has_version(cell: str) -> bool:
    read = read_cell(cell, 0)
    return not read.doubt and is_version(read.version.text)


def _name(cell: str) -> str:
    return plain_text(cell).removesuffix("()")
