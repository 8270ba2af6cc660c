"""What commands share: options, and the line that names the source."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from helperhist.cli.output import Styled, echo, echo_csv
from helperhist.errors import DatasetError
from helperhist.printable import printable
from helperhist.timeline import Row, Timeline

__all__ = [
    "check_kind",
    "data_option",
    "echo_rows_csv",
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
    for name, called in (("csv", "CSV"), ("json", "JSON")):
        function = click.option(
            f"--{name}", f"as_{name}", is_flag=True, help=f"Print {called}.", callback=_one_format
        )(function)
    return function


def _one_format(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    if value and (ctx.params.get("as_json") or ctx.params.get("as_csv")):
        raise click.UsageError("--json and --csv exclude each other")
    return value


def check_kind(timeline: Timeline, kind: str) -> None:
    """Raise an error for a kind that the data does not have, other than ``all``."""
    kinds = sorted(timeline.index.kinds)
    if kind not in (*kinds, "all"):
        raise DatasetError(f"no names of kind {kind[:60]!r}; there are {', '.join(kinds)}, or all")


def echo_rows_csv(rows: Iterable[Row]) -> None:
    """Print rows as CSV: the columns of the JSON, lists separated by spaces."""
    columns = list(Row("", "").to_json())
    echo_csv(columns, ([_cell(value) for value in row.to_json().values()] for row in rows))


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list):
        return " ".join(
            f"{item['series']}:{item['since']}" if isinstance(item, dict) else item
            for item in value
        )
    return value


def echo_source(timeline: Timeline, machine: bool = False) -> None:
    """Name the source of an answer in a last line, on stderr beside output for machines."""
    echo(Styled(f"source: {printable(timeline.label)}", dim=True), err=machine)
