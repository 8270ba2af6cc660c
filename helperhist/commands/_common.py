"""What commands share: options, output formats, the line that names the source."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from helperhist.timeline import Timeline

__all__ = [
    "data_option",
    "echo_csv",
    "echo_json",
    "echo_source",
    "format_options",
]

F = TypeVar("F", bound=Callable[..., Any])


def data_option(function: F) -> F:
    """Add ``--data``."""
    return click.option(
        "--data",
        metavar="DIR|NAME",
        help="Dataset to read: a folder, the name of a scan, or 'embedded'. "
        "Default: $HELPERHIST_DATA, else the last scan of a kernel, else the embedded one.",
    )(function)


def format_options(function: F) -> F:
    """Add ``--json`` and ``--csv``."""
    function = click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")(function)
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def echo_json(value: object) -> None:
    """Print JSON for machines."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def echo_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print CSV with a header."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    click.echo(buffer.getvalue(), nl=False)


def echo_source(timeline: Timeline, machine: bool = False) -> None:
    """Name the source of an answer in a last line, on stderr beside output for machines."""
    click.secho(f"source: {timeline.label}", dim=True, err=machine)
