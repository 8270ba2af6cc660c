"""Plain text for terminals: tables that fit the width."""

import textwrap
from collections.abc import Sequence

__all__ = ["fields", "table", "terminal_width"]

_GAP = 2
# A column is not made narrower than this.
_LEAST = 12


def terminal_width() -> int:
    """Return the columns of the terminal, between 60 and 100; 80 where there is none."""
    import shutil  # it brings all of Python's compressors with it

    return max(60, min(shutil.get_terminal_size((80, 24)).columns, 100))


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], width: int = 80, cut: bool = True
) -> str:
    """Render a table that fits a width as far as its cells let it.

    Where it is too wide, the widest columns are made narrower; a cell that is longer pushes the
    next one to the right.

    :param cut: whether a last cell that is still too long is cut, with an ellipsis

    >>> print(table(("name", "since"), [("bpf_loop", "5.17")]))
    name      since
    bpf_loop  5.17
    """
    everything = [header, *rows]
    widths = [max(len(row[index]) for row in everything) for index in range(len(header))]
    while sum(widths) + _GAP * (len(widths) - 1) > width and max(widths[:-1], default=0) > _LEAST:
        widths[widths.index(max(widths[:-1]))] -= 1
    lines = []
    for row in everything:
        line, start = "", 0
        for cell, size in zip(row[:-1], widths[:-1], strict=True):
            line = (line.ljust(start) if start else "") + cell + " " * _GAP
            start += size + _GAP
        line = line.ljust(start)
        last = row[-1]
        room = width - len(line)
        if cut and len(last) > room > 0:
            last = last[: room - 1] + "…"
        lines.append((line + last).rstrip())
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
