"""What commands share: options, and the line that names the source."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click

from helperhist.cli.completing import complete_data
from helperhist.cli.output import Styled, complain, echo, echo_csv
from helperhist.errors import DatasetError
from helperhist.printable import printable
from helperhist.timeline import Doubt, Row, Timeline, no_such_kind

__all__ = [
    "check_kind",
    "data_option",
    "echo_doubt",
    "echo_objects_csv",
    "echo_rows_csv",
    "echo_source",
    "format_options",
    "quiet_option",
    "with_doubt",
]

F = TypeVar("F", bound=Callable[..., Any])


def data_option(function: F) -> F:
    """Add ``--data``."""
    return click.option(
        "--data",
        metavar="DIR|NAME",
        shell_complete=complete_data,
        help="Dataset to read: a folder, the name of a scan, or 'embedded'. "
        "Default: $HELPERHIST_DATA, else what `data use` chose, else the last scan of a kernel, "
        "else the embedded one.",
    )(function)


def quiet_option(text: str) -> Callable[[F], F]:
    """Add ``-q``.

    :param text: what is printed then
    """
    return click.option("-q", "--quiet", is_flag=True, help=text)


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


def check_kind(timeline: Timeline, kind: str, more: Iterable[str] = ()) -> None:
    """Raise an error for a kind that the data does not have, other than ``all``.

    :param more: kinds that the command has beside those of names
    """
    kinds = timeline.index.kinds
    if kind not in (*kinds, "all"):
        raise DatasetError(f"{no_such_kind(kind, kinds.union(more))}, or all")


def echo_rows_csv(rows: Iterable[Row]) -> None:
    """Print rows as CSV, see :func:`echo_objects_csv`."""
    echo_objects_csv([row.to_json() for row in rows])


def echo_doubt(doubt: Doubt | None) -> None:
    """Say on stderr what the data cannot tell of the release that was asked for."""
    if doubt is not None:
        complain(f"note: {doubt.text}")


def with_doubt(answer: dict[str, Any], doubt: Doubt | None) -> dict[str, Any]:
    """Return an object of JSON that says what the data cannot tell of the release asked for."""
    return answer if doubt is None else {**answer, "doubt": doubt.to_json()}


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
