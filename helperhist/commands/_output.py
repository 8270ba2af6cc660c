"""The one place where commands print: nothing of other people's acts on a terminal or a log."""

import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import click

from helperhist.streams import discard
from helperhist.text import json_printable, printable, without_orders

__all__ = ["Styled", "complain", "echo", "echo_csv", "echo_json", "echo_order", "write"]


class Styled(NamedTuple):
    """A part of a text that terminals show in a style."""

    text: str
    bold: bool | None = None
    dim: bool | None = None
    fg: str | None = None


def echo(*parts: str | Styled, err: bool = False, nl: bool = True) -> None:
    """Print a text for people; the styles are ours, and other escape sequences are shown as text.

    What cannot be written to the standard error is dropped: the exit code says enough.
    """
    shown = [
        _shown(part)
        if isinstance(part, str)
        else click.style(_shown(part.text), bold=part.bold, dim=part.dim, fg=part.fg)
        for part in parts
    ]
    try:
        click.echo("".join(shown), err=err, nl=nl)
    except OSError:
        if not err:
            raise
        discard("stderr")


def _shown(text: str) -> str:
    return without_orders(printable(text, keep="\n\t"))


def complain(message: str) -> None:
    """Print a message on the standard error: one line, whatever is in it."""
    echo(printable(message), err=True)


def echo_order(line: str) -> None:
    """Print a workflow command, whose text is escaped already; see ``helperhist.annotations``."""
    click.echo(printable(line))


def echo_json(value: object) -> None:
    """Print JSON for machines, in UTF-8; it says what the value says, whatever that is."""
    write((json_printable(json.dumps(value, indent=2, ensure_ascii=False)) + "\n").encode())


def echo_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print CSV with a header, in UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow("" if cell is None else printable(str(cell)) for cell in row)
    write(without_orders(buffer.getvalue()).encode())


def write(content: bytes) -> None:
    """Write a file to the standard output as it is; on a terminal, as it may be printed."""
    if sys.stdout.isatty():
        echo(content.decode("utf-8", "surrogateescape"), nl=False)
    else:
        click.echo(content, nl=False)
