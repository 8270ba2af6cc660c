"""``helperhist diff``: what changed from one kernel to another."""

from typing import Any

import click

from helperhist.cli.command import new_command
from helperhist.cli.completing import complete_kinds, complete_releases
from helperhist.cli.options import (
    check_kind,
    data_option,
    echo_doubt,
    echo_source,
    format_options,
)
from helperhist.cli.output import complain, echo, echo_csv, echo_json
from helperhist.dataset import load
from helperhist.report.terminal import table, terminal_width
from helperhist.timeline import SENTINEL, Diff, Fact, Timeline, ask, changes, known_names

__all__ = ["command"]


@new_command(
    "diff",
    examples=(
        "helperhist diff 5.4 5.10",
        "helperhist diff 6.1 6.6 --kind all",
        "helperhist diff 5.4 5.10 --json",
    ),
)
@click.argument("old", shell_complete=complete_releases)
@click.argument("new", shell_complete=complete_releases)
@click.option(
    "--kind",
    default="helper",
    show_default=True,
    shell_complete=complete_kinds,
    help="Kind of names, or all.",
)
@format_options
@data_option
def command(old: str, new: str, kind: str, as_json: bool, as_csv: bool, data: str | None) -> None:
    """Compare the names of the kernels OLD and NEW."""
    timeline = load(data)
    check_kind(timeline, kind)
    found, doubts = _ask(timeline, old, new, kind)
    if as_json:
        more = {"doubt": doubts} if any(doubts.values()) else {}
        echo_json(
            [
                {"change": change, "kind": name.kind, "name": name.name, "id": name.id,
                 "former_id": before, **more}
                for change, name, before in found
            ]
        )  # fmt: skip
    elif as_csv:
        echo_csv(
            ("change", "kind", "name", "id", "former_id"),
            [(change, name.kind, name.name, name.id, before) for change, name, before in found],
        )
    else:
        cells = [
            (change, name.name, name.kind, _number(name.id, before))
            for change, name, before in found
        ]
        if cells:
            header = ("change", "name", "kind", "id")
            echo(table(header, cells, terminal_width(), cut=False))
        echo(f"{len(cells)} differences")
    echo_source(timeline, machine=as_json or as_csv)


def _ask(
    timeline: Timeline, old: str, new: str, kind: str
) -> tuple[list[tuple[str, Fact, int | None]], dict[str, dict[str, Any] | None]]:
    """Return what changed for sure, and what the data cannot tell of either release."""
    sides = {"old": ask(timeline, old), "new": ask(timeline, new)}
    names = [known_names(timeline, side) for side in sides.values()]
    (before, maybe_before), (after, maybe_after) = names
    everything = _changes(changes(before, after), kind)
    unsure = maybe_before | maybe_after
    found = [change for change in everything if change[1].name not in unsure]
    for side in sides.values():
        echo_doubt(side.doubt)
    if left := len(everything) - len(found):
        complain(f"{left} more may be differences: nobody can tell")
    doubts = {
        name: None if side.doubt is None else side.doubt.to_json() for name, side in sides.items()
    }
    return found, doubts


def _number(now: int | None, before: int | None) -> str:
    return "" if now is None else str(now) if before is None else f"{before} -> {now}"


def _changes(diff: Diff, kind: str) -> list[tuple[str, Fact, int | None]]:
    changes: list[tuple[str, Fact, int | None]] = [
        *(("added", name, None) for name in diff.added),
        *(("removed", name, None) for name in diff.removed),
        *(("renumbered", after, before.id) for before, after in diff.renumbered),
    ]
    return [
        change
        for change in changes
        if change[1].kind == kind or (kind == "all" and change[1].kind != SENTINEL)
    ]
