"""``helperhist since``: the minimum kernel of a name."""

from dataclasses import replace

import click

from helperhist.cli.command import new_command
from helperhist.cli.completing import complete_names, complete_programs
from helperhist.cli.options import (
    data_option,
    echo_objects_csv,
    echo_source,
    format_options,
    quiet_option,
)
from helperhist.cli.output import Styled, complain, echo, echo_json
from helperhist.cli.programs import Program, find_program, limit
from helperhist.cli.relations import require_relations
from helperhist.cli.streams import read_words
from helperhist.dataset import load
from helperhist.errors import InvalidVersion
from helperhist.printable import printable
from helperhist.report.evidence import evidence_json, evidence_pairs
from helperhist.report.relations import (
    callers,
    relation_json,
    relation_row,
    removed_words,
    short,
    since_words,
)
from helperhist.report.terminal import fields, terminal_width
from helperhist.timeline import (
    SENTINEL,
    Event,
    Relation,
    Row,
    Timeline,
    canonical_name,
    condition_words,
    is_pattern,
    one_answer,
    spelled,
)
from helperhist.version import read_version

__all__ = ["command"]

#: Of the names that a word may mean, so many are shown.
_SHOWN = 5
_TYPES = ("prog_type", "map_type", "attach_type", "link_type")


@new_command(
    "since",
    examples=(
        "helperhist since bpf_probe_read_str",
        "helperhist since 45",
        "helperhist since 'bpf_skb_*' -q",
        "helperhist since BPF_MAP_TYPE_RINGBUF --json",
        "helperhist since __sk_buff.gso_size",
        "helperhist since bpf_loop --prog xdp",
    ),
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_names)
@quiet_option("Print the release alone.")
@click.option(
    "--prog",
    metavar="TYPE",
    shell_complete=complete_programs,
    help="Say when programs of a type may call NAME: xdp, tc.",
)
@click.option("--evidence", is_flag=True, help="Say which copies and statements a row is made of.")
@format_options
@data_option
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    quiet: bool,
    prog: str | None,
    evidence: bool,
    as_json: bool,
    as_csv: bool,
    data: str | None,
) -> None:
    """Say which kernel NAME needs: the release, its tag and date, the introducing commit.

    NAME is a helper (bpf_probe_read_str, probe_read_str, BPF_FUNC_probe_read_str, 45 or #45), a
    kfunc, another name of bpf.h (BPF_MAP_TYPE_RINGBUF or ringbuf, xdp_md.egress_ifindex or
    egress_ifindex), a struct (xdp_md: its fields), a pattern ('bpf_skb_*'), or - for a list of
    names on standard input. TYPE is a program type (xdp, BPF_PROG_TYPE_XDP) or a name of SEC()
    (tc, fentry).

    Exit code 1 if a name is unknown, never was in a mainline release, or such a program never
    could call it; 2 with -q if a word means several things that came at different times.
    """
    if evidence and (quiet or as_csv):
        raise click.UsageError(
            f"--evidence and {'--quiet' if quiet else '--csv'} exclude each other"
        )
    timeline = load(data)
    rows: dict[str, Row] = {}
    related: list[Relation] = []
    negative = False
    refused = False
    program = None if prog is None else find_program(timeline, prog)
    for name in _names(names):
        if program is not None:
            pairs = _pairs(timeline, name, program)
            negative = negative or not pairs
            related += pairs
            continue
        found = timeline.find(name)
        if not found and (kfuncs := _kfuncs(timeline, name)):
            related += kfuncs
            continue
        if quiet and not is_pattern(name) and len(found := one_answer(found)) > 1:
            refused = True
            complain(_several(name, found))
            continue
        rows.update((row.name, row) for row in found)
        if not found:
            negative = True
            complain(_unknown(timeline, name))
        elif not quiet:
            _hint(timeline, name, found)
        negative = negative or all(row.since is None for row in found)
    answers = list(rows.values())
    if as_json or as_csv:
        objects = [
            *(row.to_json() for row in answers),
            *(relation_json(timeline, relation) for relation in related),
        ]
    if as_json:
        items: list[Row | Relation] = [*answers, *related]
        for item, answer in zip(items, objects, strict=True):
            if evidence:
                answer["evidence"] = evidence_json(timeline, item)
        echo_json(objects)
    elif as_csv:
        echo_objects_csv(objects)
    elif quiet:
        for row in answers:
            echo((row.since or "none") + (" or earlier" if row.since and row.or_earlier else ""))
        for pair in related:
            echo(pair.since + (" or earlier" if pair.or_earlier or pair.absent else ""))
    else:
        for row in answers:
            echo(*_render(timeline, row, evidence))
        for relation in related:
            echo(*_render_relation(timeline, relation, evidence))
    if not quiet:
        echo_source(timeline, machine=as_json or as_csv)
    ctx.exit(2 if refused else int(negative))


def _names(words: tuple[str, ...]) -> list[str]:
    """Return the names that are asked for: also as ``a,b``, and ``-`` for those of a list."""
    found: list[str] = []
    for word in words:
        if word == "-":
            found += read_words("names")
        elif "(" in word:
            found.append(word.strip())
        else:
            found += [name for part in word.split(",") if (name := part.strip())]
    if not found:
        raise click.UsageError("give a name: `helperhist since bpf_loop`")
    return list(dict.fromkeys(found))


def _kfuncs(timeline: Timeline, name: str) -> tuple[Relation, ...]:
    """Return the kfunc of a name, also where it is written in another case."""
    name = spelled(name)
    for spelling in (name, name.lower()):
        if found := timeline.relations_of(spelling).find("kfunc", spelling):
            return found
    return ()


def _several(name: str, rows: tuple[Row, ...]) -> str:
    shown = ", ".join(f"{row.name} ({row.since or 'none'})" for row in rows[:_SHOWN])
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return f"Error: {name}: means several names: {shown}{more}; write one of them"


def _hint(timeline: Timeline, name: str, found: tuple[Row, ...]) -> None:
    """Say how to find the others, where a word means a type by the end of its name."""
    word = spelled(name)
    if is_pattern(name) or timeline.since(name) or found[0].kind not in _TYPES:
        return
    others = {row.name for row in timeline.find(f"*{word}*")} - {row.name for row in found}
    if others:
        complain(f"note: {len(others)} more have {word} in their names: since '*{word}*'")


def _pairs(timeline: Timeline, name: str, program: Program) -> tuple[Relation, ...]:
    """Return when programs of a type may call a name; complain where they never could."""
    relations = require_relations(timeline)
    rows = () if is_pattern(name) else timeline.find(name)
    row = rows[0] if rows else None
    kind, wanted = ("kfunc_use", spelled(name)) if row is None else ("helper_use", row.name)
    all_of_type = relations.find(kind, wanted, program.type)
    found = limit(relations, all_of_type, program)
    if found:
        return found
    if row is not None and row.kind != "helper":
        complain(f"{row.name}: is not a helper or kfunc, but of kind {row.kind}")
    elif row is None and not relations.find("kfunc", canonical_name(name)):
        complain(_unknown(timeline, name))
    else:
        limits = f" of attach type {program.attach}" if program.attach else ""
        if limit(relations, all_of_type, replace(program, sleepable=None)):
            limits += " that may not sleep"
        read = relations.read(kind)
        span = f"in the releases read, {read[0]} to {read[-1]}" if read else "in any release read"
        complain(f"{wanted}: {short(program.type)} programs{limits} may not call it {span}")
    return ()


def _unknown(timeline: Timeline, name: str) -> str:
    try:
        read_version(name)
    except InvalidVersion:
        pass
    else:
        return f"{name} is a version: did you mean `helperhist list --at {name}`?"
    word = spelled(name)
    near = timeline.nearest(name)
    hint = f"; nearest: {', '.join(near)}" if near else "; see `helperhist list`"
    if len(word) > 2 and word.isidentifier() and timeline.find(f"*{word}*"):
        hint += f"; for all with it in their names: since '*{word}*'"
    return f"{name}: unknown{hint}"


def _render(timeline: Timeline, row: Row, evidence: bool) -> list[str | Styled]:
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
    if row.kind == "helper" and (
        line := callers(timeline.relations_of(row.name).find("helper_use", row.name))
    ):
        pairs.append(("callers", line))
    pairs += evidence_pairs(timeline, row) if evidence else ()
    return [title, f"  {printable(row.kind)}{number}\n{fields(pairs, terminal_width())}"]


def _render_relation(timeline: Timeline, relation: Relation, evidence: bool) -> list[str | Styled]:
    row = relation_row(timeline, relation)
    of = f" in {short(relation.object)} programs" if relation.object else ""
    exact = row.released and relation.absent is None
    released = f" ({row.tag}, {row.released})" if exact else ""
    pairs = [("since", since_words(relation) + released)]
    if relation.or_earlier:
        pairs[0] = ("since", f"{since_words(relation)}: none before it was read")
    if removed := removed_words(relation):
        pairs.append(("removed", removed))
    if len(relation.presences) > 1:
        pairs.append(("present", "; ".join(_span(*span) for span in relation.presences)))
    if relation.kind == "kfunc":
        pairs += [("flags", relation.value)] if relation.value else []
        pairs += [("prototype", row.prototype)] if row.prototype else []
        if line := callers(timeline.relations_of(relation.name).find("kfunc_use", relation.name)):
            pairs.append(("callers", line))
    else:
        before = {item.value for item in relation.intervals} - {relation.value}
        pairs += [("condition", condition_words(relation.value) or "none")]
        if before:
            changes = (
                f"{condition_words(item.value) or 'none'} ({_span(item.start, item.end)})"
                for item in relation.intervals
            )
            pairs[-1] = ("condition", "; ".join(changes))
    if row.backports:
        ported = ", ".join(f"{item.series} from {item.since}" for item in row.backports)
        pairs.append(("backports", ported))
    if row.commit:
        pairs.append(("commit", f"{row.commit[:12]} {row.subject or ''}".strip()))
    pairs += evidence_pairs(timeline, relation) if evidence else ()
    title = Styled(printable(relation.name), bold=True)
    kind = "kfunc" if relation.kind.startswith("kfunc") else "helper"
    return [title, f"  {kind}{of}\n{fields(pairs, terminal_width())}"]


def _span(start: str, end: str | None) -> str:
    """Name the releases from one to the one that lacks it again."""
    return f"from {start}" if end is None else f"from {start}, not in {end}"


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
