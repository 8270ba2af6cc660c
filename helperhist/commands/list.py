"""``helperhist list``: the names that the data, or one kernel, has."""

import click

from helperhist.commands._common import (
    data_option,
    echo_csv,
    echo_json,
    echo_source,
    format_options,
)
from helperhist.dataset import load
from helperhist.errors import DatasetError
from helperhist.text import table, terminal_width
from helperhist.timeline import Row, Timeline
from helperhist.uapi import SENTINEL

__all__ = ["command"]

_COLUMNS = ("kind", "name", "id", "since", "tag", "released", "removed", "commit")


@click.command(
    "list", epilog="Examples: list; list --at 5.4 --kind map_type; list --kind all --csv"
)
@click.option(
    "--kind",
    default="helper",
    show_default=True,
    help="Kind of names: helper, cmd, map_type, prog_type, attach_type, link_type, flag, field, "
    "the tag of another enum, or all.",
)
@click.option("--at", metavar="VERSION", help="Only what this release or tag has: 5.4, 5.8-rc3.")
@format_options
@data_option
def command(kind: str, at: str | None, as_json: bool, as_csv: bool, data: str | None) -> None:
    """List names with the kernel that each needs."""
    timeline = load(data)
    rows = _rows(timeline, kind, at)
    if as_json:
        echo_json([row.to_json() for row in rows])
    elif as_csv:
        echo_csv(_COLUMNS, [tuple(getattr(row, column) for column in _COLUMNS) for row in rows])
    else:
        header = ("id", "name", "since", "released") if kind != "all" else ("kind", "name", "since")
        click.echo(table(header, [_cells(row, kind) for row in rows], terminal_width()))
        click.echo(f"{len(rows)} names")
    echo_source(timeline, machine=as_json or as_csv)


def _rows(timeline: Timeline, kind: str, at: str | None) -> list[Row]:
    kinds = sorted({row.kind for row in timeline.rows})
    if kind not in (*kinds, "all"):
        raise DatasetError(f"no names of kind {kind!r}; there are {', '.join(kinds)}")
    names = None if at is None else timeline.present(timeline.tag(at))
    rows = []
    for row in timeline.rows:
        wanted = row.kind == kind or (kind == "all" and row.kind != SENTINEL)
        if wanted and (names is None or row.name in names):
            rows.append(row)
    return rows


def _cells(row: Row, kind: str) -> tuple[str, ...]:
    since = (row.since or "none") + (" or earlier" if row.or_earlier else "")
    if row.removed:
        since += f", removed in {row.removed}"
    if kind == "all":
        return (row.kind, row.name, since)
    return ("" if row.id is None else str(row.id), row.name, since, row.released or "")
