"""``helperhist since``: the minimum kernel of a name."""

import click

from helperhist.commands._command import new_command
from helperhist.commands._common import data_option, echo_rows_csv, echo_source, format_options
from helperhist.commands._output import Styled, complain, echo, echo_json
from helperhist.dataset import load
from helperhist.errors import HelperhistError
from helperhist.text import fields, printable, terminal_width
from helperhist.timeline import SENTINEL, Event, Row, Timeline

__all__ = ["command"]


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the names of the data; no answer where there is none."""
    try:
        rows = load(ctx.params.get("data")).rows
    except HelperhistError:
        return []
    # What a shell cannot show, it shall not insert.
    return [r.name for r in rows if r.name.startswith(incomplete) and r.name.isprintable()]


@new_command(
    "since",
    epilog="Examples: since bpf_probe_read_str; since 45; since 'bpf_skb_*' -q; "
    "since BPF_MAP_TYPE_RINGBUF --json; since __sk_buff.gso_size",
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=_complete)
@click.option("-q", "--quiet", is_flag=True, help="Print the release alone.")
@format_options
@data_option
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    quiet: bool,
    as_json: bool,
    as_csv: bool,
    data: str | None,
) -> None:
    """Say which kernel NAME needs: the release, its tag and date, the introducing commit.

    NAME is a helper (bpf_probe_read_str, probe_read_str, BPF_FUNC_probe_read_str or 45), another
    name of bpf.h (BPF_MAP_TYPE_RINGBUF, xdp_md.egress_ifindex, egress_ifindex), or a pattern
    ('bpf_skb_*'). Exit code 1 if a name is unknown or never was in a mainline release.
    """
    timeline = load(data)
    rows: dict[str, Row] = {}
    negative = False
    for name in names:
        found = timeline.find(name)
        rows.update((row.name, row) for row in found)
        if not found:
            negative = True
            complain(_unknown(timeline, name))
        negative = negative or all(row.since is None for row in found)
    answers = list(rows.values())
    if as_json:
        echo_json([row.to_json() for row in answers])
    elif as_csv:
        echo_rows_csv(answers)
    elif quiet:
        for row in answers:
            echo(row.since or "none")
    else:
        for row in answers:
            echo(*_render(timeline, row))
    if not quiet:
        echo_source(timeline, machine=as_json or as_csv)
    ctx.exit(1 if negative else 0)


def _unknown(timeline: Timeline, name: str) -> str:
    near = timeline.nearest(name)
    hint = f"; nearest: {', '.join(near)}" if near else "; see `helperhist list`"
    return f"{name}: unknown{hint}"


def _render(timeline: Timeline, row: Row) -> list[str | Styled]:
    number = "" if row.id is None else f" {row.id}"
    title = Styled(printable(row.name), bold=True)
    pairs = [("since", _since(row))]
    if row.kind == SENTINEL:
        pairs.append(("note", "no feature: it only begins or ends a list, or is internal"))
    if row.first_tag and row.first_tag != row.tag:
        pairs.append(("first tag", row.first_tag))
    if row.removed:
        pairs.append(("removed", f"{row.removed}{_fate(timeline.events, row)}"))
    if row.commit:
        subject = f' ("{row.subject}")' if row.subject else ""
        written = f", {row.author_date[:10]}" if row.author_date else ""
        pairs.append(("commit", f"{row.commit}{subject}{written}"))
    if row.prototype:
        pairs.append(("prototype", row.prototype))
    if row.backports:
        ported = ", ".join(f"{item.series} from {item.since}" for item in row.backports)
        pairs.append(("backports", ported))
    if row.former_names:
        pairs.append(("formerly", ", ".join(row.former_names)))
    return [title, f"  {printable(row.kind)}{number}\n{fields(pairs, terminal_width())}"]


def _since(row: Row) -> str:
    if row.since is None:
        if row.or_earlier:
            return f"unknown: the data begins at {row.first_tag}, an update of an untagged release"
        return "in no mainline release"
    earlier = " or earlier: no release before it is in the data" if row.or_earlier else ""
    if row.tag is None:
        return f"{row.since}{earlier} (not released yet)"
    released = f", {row.released}" if row.released else ""
    return f"{row.since}{earlier} ({row.tag}{released})"


def _fate(events: tuple[Event, ...], row: Row) -> str:
    for event in events:
        if event.event == "renamed" and event.before == row.name and event.tag == row.removed:
            return f" (renamed to {event.after})"
    return ""
