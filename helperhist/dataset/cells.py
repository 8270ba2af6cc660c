"""Cells of CSV files, read and written; what is damaged is said in one way."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from errno import ENOENT
from pathlib import Path

from helperhist.dataset.swap import File
from helperhist.errors import DatasetError

__all__ = ["MISSING", "content", "lines_with", "read_cells", "reason", "render_cells", "require"]

#: In the place of a file that is not there.
MISSING = FileNotFoundError(ENOENT, "No such file or directory")
# The documentation of one helper is one cell, and a header has up to 8 MB.
csv.field_size_limit(16 << 20)


def content(data: File) -> bytes:
    """Return the bytes of a file.

    :raises OSError: it could not be read
    """
    if isinstance(data, OSError):
        raise data
    return data


def require(condition: bool, what: str) -> None:
    """Raise unless a condition holds.

    :raises ValueError: it does not
    """
    if not condition:
        raise ValueError(what)


def reason(error: Exception) -> str:
    """Return what an error says, in one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def read_cells(
    data: File, path: Path, columns: Sequence[str], *, optional: bool
) -> Iterator[list[str]]:
    """Yield the cells of each row of a file.

    :param path: where it is from, for messages
    :param optional: whether it need not be there
    :raises DatasetError: it is damaged, or has other columns
    """
    if isinstance(data, FileNotFoundError) and optional:
        return
    try:
        text = content(data).decode("utf-8")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(reader, [])
        if tuple(header) != tuple(columns):
            raise DatasetError(f"{path} has other columns than expected; scan again")
        width = len(columns)
        for cells in reader:
            if len(cells) != width:
                raise DatasetError(f"{path}:{reader.line_num} is damaged; scan again")
            yield cells
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}; scan again") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} is damaged ({error}); scan again") from error


def lines_with(data: File, name: str) -> File:
    """Return the header and the lines that have a name in a cell of its own."""
    if not isinstance(data, bytes):
        return data
    header, *lines = data.splitlines(keepends=True) or [b""]
    # A word of a command line need not be text.
    cell = f",{name},".encode("utf-8", "surrogatepass")
    return header + b"".join(line for line in lines if cell in line)


def render_cells(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a file."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    # csv quotes a line feed, but not a carriage return, at which it ends a row when it reads.
    careful = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    for row in rows:
        (careful if any("\r" in cell for cell in row) else writer).writerow(row)
    return buffer.getvalue()
