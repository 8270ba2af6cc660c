"""CSV for people and other programs: what a spreadsheet would run as a formula stays text."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

__all__ = ["render_csv"]

#: What makes a spreadsheet take a cell for a formula; a number is none.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)


def render_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return CSV with a header; None is an empty cell.

    A text that begins as a formula does (``=``, ``+``, ``-``, ``@``, tab, carriage return) gets a
    ``'`` before it, as OWASP's "CSV injection" advises: subjects of commits and names of tags are
    other people's. Datasets are written as they are, see :mod:`helperhist.dataset.files`.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    # csv quotes a line feed, but not a carriage return, at which it ends a row when it reads.
    careful = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    for row in rows:
        cells = ["" if cell is None else _guarded(str(cell)) for cell in row]
        (careful if any("\r" in cell for cell in cells) else writer).writerow(cells)
    return buffer.getvalue()


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell
