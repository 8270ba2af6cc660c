"""``helperhist releases``: the releases in the data, and what each brought."""

from collections import Counter

import click

from helperhist.commands._common import (
    data_option,
    echo_csv,
    echo_json,
    echo_source,
    format_options,
)
from helperhist.dataset import load
from helperhist.text import table, terminal_width

__all__ = ["command"]

_COLUMNS = ("release", "tag", "released", "new_helpers", "helpers")


@click.command("releases", epilog="Examples: releases; releases --all --csv")
@click.option("--all", "everything", is_flag=True, help="Also candidates and stable updates.")
@format_options
@data_option
def command(everything: bool, as_json: bool, as_csv: bool, data: str | None) -> None:
    """List the releases in the data: tag, date, new helpers and helpers in all."""
    timeline = load(data)
    new = Counter(row.since for row in timeline.helpers)
    rows = []
    for tag in timeline.tags if everything else timeline.releases:
        count = sum(name.kind == "helper" for name in timeline.present(tag).values())
        version = str(tag.version)
        rows.append((version, tag.name, tag.date, new.get(version, 0), count))
    if as_json:
        echo_json([dict(zip(_COLUMNS, row, strict=True)) for row in rows])
    elif as_csv:
        echo_csv(_COLUMNS, rows)
    else:
        cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
        click.echo(table(("release", "tag", "released", "new", "helpers"), cells, terminal_width()))
    echo_source(timeline, machine=as_json or as_csv)
