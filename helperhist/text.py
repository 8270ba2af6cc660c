"""Plain text for terminals: tables that fit the width."""

import shutil
import textwrap
from collections.abc import Sequence

__all__ = ["fields", "table", "terminal_width"]

_GAP = 2


def terminal_width() -> int:
    """Return the columns of the terminal, between 60 and 100; 80 where there is none."""
    return max(60, min(shutil.get_terminal_size((80, 24)).columns, 100))


def table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int = 80) -> str:
    """Render a table; where it is too wide, the last column is cut with an ellipsis.

    >>> print(table(("name", "since"), [("bpf_loop", "5.17")]))
    name      since
    bpf_loop  5.17
    """
    everything = [header, *rows]
    widths = [max(len(row[index]) for row in everything) for index in range(len(header))]
    room = width - sum(widths[:-1]) - _GAP * (len(header) - 1)
    lines = []
    for row in everything:
        last = row[-1]
        if len(last) > room > 0:
            last = last[: room - 1] + "…"
        cells = [cell.ljust(size) for cell, size in zip(row[:-1], widths[:-1], strict=True)]
        lines.append((" " * _GAP).join([*cells, last]).rstrip())
    return "\n".join(lines)


def fields(pairs: Sequence[tuple[str, str]], width: int = 80, indent: str = "  ") -> str:
    """Render names and values, one below the other; long values are wrapped, never cut."""
    size = max(len(name) for name, _ in pairs)
    lines = []
    for name, value in pairs:
        head = f"{indent}{name.ljust(size)}  "
        lines += textwrap.wrap(
            value,
            width,
            initial_indent=head,
            subsequent_indent=" " * len(head),
            break_long_words=False,
            break_on_hyphens=False,
        ) or [head.rstrip()]
    return "\n".join(lines)
