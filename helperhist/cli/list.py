"""``helperhist list``: the names that the data, or one kernel, has."""

from collections.abc import Iterable
from dataclasses import replace

import click

from helperhist.cli.command import new_command
from helperhist.cli.completing import complete_kinds, complete_programs, complete_releases
from helperhist.cli.options import (
    check_kind,
    data_option,
    echo_doubt,
    echo_rows_csv,
    echo_source,
    format_options,
    quiet_option,
    with_doubt,
)
from helperhist.cli.output import complain, echo, echo_json
from helperhist.cli.programs import find_program, limit, restrict
from helperhist.cli.relations import (
    echo_relations,
    relations_at,
    require_relations,
)
from helperhist.dataset import load
from helperhist.errors import DatasetError
from helperhist.report.terminal import table, terminal_width
from helperhist.timeline import (
    BY_PROGRAM,
    SENTINEL,
    SOURCES,
    Asked,
    Relation,
    Row,
    Timeline,
    ask,
    known_names,
    no_such_kind,
)
from helperhist.version import KernelVersion

__all__ = ["command"]


@new_command(
    "list",
    examples=(
        "helperhist list",
        "helperhist list --at 5.4 --kind map_type",
        "helperhist list --kind all --csv",
        "helperhist list --prog xdp --at 5.15",
        "helperhist list --kind kfunc --json",
    ),
)
@click.option(
    "--kind",
    default="helper",
    show_default=True,
    shell_complete=complete_kinds,
    help="Kind of names: helper, cmd, map_type, prog_type, attach_type, link_type, flag, field, "
    "the tag of another enum, or all; or of relations: helper_use, kfunc, kfunc_use, map_use.",
)
@click.option(
    "--at",
    metavar="VERSION",
    shell_complete=complete_releases,
    help="Only what this release or tag has: 5.4, 5.8-rc3, lts, running.",
)
@click.option(
    "--prog",
    metavar="TYPE",
    shell_complete=complete_programs,
    help="Only what programs of a type may call: xdp, tc.",
)
@quiet_option("Print the names alone, one a line.")
@format_options
@data_option
@click.pass_context
def command(
    ctx: click.Context,
    kind: str,
    at: str | None,
    prog: str | None,
    quiet: bool,
    as_json: bool,
    as_csv: bool,
    data: str | None,
) -> None:
    """List names with the kernel that each needs; with --prog, what such a program may call.

    TYPE is a program type (xdp, BPF_PROG_TYPE_XDP) or a name of SEC() (tc, fentry).
    """
    if quiet and (as_json or as_csv):
        raise click.UsageError("-q excludes --json and --csv")
    timeline = load(data)
    asked = None if at is None else ask(timeline, at)
    doubt = None if asked is None else asked.doubt
    if prog is not None or kind in SOURCES:
        chosen = ctx.get_parameter_source("kind") is not click.core.ParameterSource.DEFAULT
        found = _relations(timeline, kind if chosen else "", asked, prog)
        echo_doubt(doubt)
        if quiet:
            _echo_names(item.name for item in found)
            return
        echo_relations(timeline, found, doubt, as_json=as_json, as_csv=as_csv)
        echo_source(timeline, machine=as_json or as_csv)
        return
    rows = _rows(timeline, kind, asked)
    echo_doubt(doubt)
    if quiet:
        _echo_names(row.name for row in rows)
        return
    if as_json:
        echo_json([with_doubt(row.to_json(), doubt) for row in rows])
    elif as_csv:
        echo_rows_csv(rows)
    else:
        last = "kind" if kind == "all" else "released"
        cells = [_cells(row, kind) for row in rows]
        echo(table(("id", "name", "since", last), cells, terminal_width(), cut=False))
        echo(f"{len(rows)} names")
    echo_source(timeline, machine=as_json or as_csv)


def _echo_names(names: Iterable[str]) -> None:
    for name in dict.fromkeys(names):
        echo(name)


def _relations(
    timeline: Timeline, kind: str, asked: Asked | None, prog: str | None
) -> list[Relation]:
    relations = require_relations(timeline)
    kinds: tuple[str, ...] = (kind,)
    program = None
    if prog is not None:
        program = find_program(timeline, prog)
        kinds = (f"{kind}_use",) if kind in ("helper", "kfunc") else kinds
        kinds = kinds if kind else ("helper_use", "kfunc_use")
        if not set(kinds) <= set(BY_PROGRAM):
            raise DatasetError(f"--prog limits {', '.join(BY_PROGRAM)}, not {kind[:60]!r}")
    if not kind and asked is not None and (read := relations.read("kfunc_use")):
        # Older kernels have no kfuncs.
        young = asked.version < KernelVersion.parse(read[0])
        kinds = kinds[:1] if young else kinds
    other = None if program is None else program.type
    found = [item for name in kinds for item in relations.find(name, other=other)]
    if not found and kind and kind not in relations.kinds and prog is None:
        raise DatasetError(f"{no_such_kind(kind, relations.kinds)}")
    if asked is None:
        return found if program is None else list(limit(relations, found, program))
    kept, unknown = relations_at(timeline, found, asked)
    if program is not None:
        values = ((item, restrict(item.value, program)) for item in kept)
        kept = [replace(item, value=value) for item, value in values if value is not None]
    _complain_of(unknown, asked)
    return kept


def _complain_of(unknown: int, asked: Asked) -> None:
    if unknown:
        complain(
            f"{unknown} more came or went around {asked.name}, which was not read: nobody can tell"
        )


def _rows(timeline: Timeline, kind: str, asked: Asked | None) -> list[Row]:
    check_kind(timeline, kind, SOURCES)
    names, unsure = (None, frozenset()) if asked is None else known_names(timeline, asked)
    rows, unknown = [], 0
    for row in timeline.rows:
        wanted = row.kind == kind or (kind == "all" and row.kind != SENTINEL)
        unknown += wanted and row.name in unsure
        if wanted and names is None:
            rows.append(row)
        elif wanted and names is not None and row.name in names:
            # The value of some constants changes.
            rows.append(replace(row, id=names[row.name].id))
    if asked is not None:
        _complain_of(unknown, asked)
    return rows


def _cells(row: Row, kind: str) -> tuple[str, ...]:
    since = (row.since or "none") + (" or earlier" if row.or_earlier else "")
    if row.removed:
        since += f", removed in {row.removed}"
    last = row.kind if kind == "all" else row.released or ""
    return ("" if row.id is None else str(row.id), row.name, since, last)
