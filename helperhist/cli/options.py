"""What commands share: options, and the line that names the source."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click

from helperhist.cli.output import Styled, echo, echo_csv
from helperhist.errors import DatasetError
from helperhist.printable import printable
from helperhist.timeline import Row, Timeline

__all__ = [
    "check_kind",
    "data_option",
    "echo_objects_csv",
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
    """Print rows as CSV, see :func:`echo_objects_csv`."""
    echo_objects_csv([row.to_json() for row in rows])


def echo_objects_csv(objects: Sequence[Mapping[str, object]]) -> None:
    """Print JSON objects of rows or relations as CSV: their keys, lists separated by spaces."""
    columns = dict.fromkeys(Row("", "").to_json())
    for item in objects:
        columns.update(dict.fromkeys(item))
    echo_csv(list(columns), ([_cell(item.get(key)) for key in columns] for item in objects))


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list):
        return " ".join(item if isinstance(item, str) else _pair(item) for item in value)
    return value


def _pair(item: Mapping[str, str | None]) -> str:
    """Return a backport, or an interval, in a word."""
    if "series" in item:
        return f"{item['series']}:{item['since']}"
    return f"{item['from']}-{item['to'] or ''}"


def echo_source(timeline: Timeline, machine: bool = False) -> None:
    """Name the source of an answer in a last line, on stderr beside output for machines."""
    echo(Styled(f"source: {printable(timeline.label)}", dim=True), err=machine)
