"""``helperhist releases``: the releases in the data, and what each brought."""

from collections.abc import Iterable

import click

from helperhist.cli.command import new_command
from helperhist.cli.options import data_option, echo_source, format_options, quiet_option
from helperhist.cli.output import echo, echo_csv, echo_json
from helperhist.dataset import load
from helperhist.report.terminal import table, terminal_width
from helperhist.timeline import Tag, Timeline

__all__ = ["command"]

_COLUMNS = ("release", "tag", "released", "new_helpers", "helpers")


@new_command(
    "releases",
    examples=(
        "helperhist releases",
        "helperhist releases --all --csv",
    ),
)
@click.option("--all", "everything", is_flag=True, help="Also candidates and stable updates.")
@quiet_option("Print the releases alone, one a line.")
@format_options
@data_option
def command(everything: bool, quiet: bool, as_json: bool, as_csv: bool, data: str | None) -> None:
    """List the releases in the data: tag, date, new helpers and helpers in all.

    New are the helpers that the tag listed before does not have; of an update (5.10.42), the one
    before in its series.
    """
    if quiet and (as_json or as_csv):
        raise click.UsageError("-q excludes --json and --csv")
    timeline = load(data)
    tags = timeline.tags if everything else timeline.releases
    if quiet:
        for tag in tags:
            echo(str(tag.version))
        return
    rows = _rows(timeline, tags)
    if as_json:
        echo_json([dict(zip(_COLUMNS, row, strict=True)) for row in rows])
    elif as_csv:
        echo_csv(_COLUMNS, rows)
    else:
        cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
        echo(table(("release", "tag", "released", "new", "helpers"), cells, terminal_width()))
    echo_source(timeline, machine=as_json or as_csv)


def _rows(
    timeline: Timeline, tags: Iterable[Tag]
) -> list[tuple[str, str, str | None, int | None, int]]:
    rows = []
    # By line of development, "" is mainline: what its last tag has.
    last: dict[str, frozenset[str]] = {}
    if not timeline.begins_open:
        last[""] = frozenset()
    for tag in tags:
        version = tag.version
        line = version.series if version.is_stable else ""
        names = timeline.present(tag).values()
        helpers = frozenset(name.name for name in names if name.kind == "helper")
        # Where the data begins, nobody knows what is new.
        new = len(helpers - last[line]) if line in last else None
        rows.append((str(version), tag.name, tag.date, new, len(helpers)))
        last[line] = helpers
        if version.text == version.series:
            last[version.series] = helpers
    return rows
