"""``helperhist list``: the names that the data, or one kernel, has."""

from dataclasses import replace

import click

from helperhist.commands._command import new_command
from helperhist.commands._common import (
    check_kind,
    data_option,
    echo_rows_csv,
    echo_source,
    format_options,
)
from helperhist.commands._output import echo, echo_json
from helperhist.dataset import load
from helperhist.text import table, terminal_width
from helperhist.timeline import SENTINEL, Row, Timeline

__all__ = ["command"]


@new_command("list", epilog="Examples: list; list --at 5.4 --kind map_type; list --kind all --csv")
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
        echo_rows_csv(rows)
    else:
        last = "kind" if kind == "all" else "released"
        cells = [_cells(row, kind) for row in rows]
        echo(table(("id", "name", "since", last), cells, terminal_width(), cut=False))
        echo(f"{len(rows)} names")
    echo_source(timeline, machine=as_json or as_csv)


def _rows(timeline: Timeline, kind: str, at: str | None) -> list[Row]:
    check_kind(timeline, kind)
    names = None if at is None else timeline.present(timeline.tag(at))
    rows = []
    for row in timeline.rows:
        wanted = row.kind == kind or (kind == "all" and row.kind != SENTINEL)
        if wanted and names is None:
            rows.append(row)
        elif wanted and names is not None and row.name in names:
            # The value of some constants changes.
            rows.append(replace(row, id=names[row.name].id))
    return rows


def _cells(row: Row, kind: str) -> tuple[str, ...]:
    since = (row.since or "none") + (" or earlier" if row.or_earlier else "")
    if row.removed:
        since += f", removed in {row.removed}"
    last = row.kind if kind == "all" else row.released or ""
    return ("" if row.id is None else str(row.id), row.name, since, last)
