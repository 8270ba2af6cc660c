"""``helperhist check``: the minimum kernel of compiled BPF objects."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from helperhist.binary import LOADERS
from helperhist.check import (
    Checked,
    Checker,
    Column,
    Findings,
    boot,
    change,
    check_files,
    compare,
    find_files,
    plan,
    split_targets,
    undecided,
)
from helperhist.cli.command import new_command
from helperhist.cli.completing import complete_files, complete_targets
from helperhist.cli.options import data_option, echo_doubt, echo_source, quiet_option
from helperhist.cli.output import complain, echo, echo_csv, echo_json, echo_order
from helperhist.cli.streams import say_waiting
from helperhist.dataset import load
from helperhist.errors import HelperhistError
from helperhist.printable import printable
from helperhist.report.btf import render_against
from helperhist.report.check import (
    render_change,
    render_object,
    render_quiet,
    render_summary,
    render_verdict,
)
from helperhist.report.checkjson import change_json, target_json, to_json
from helperhist.report.github import annotate, annotate_change
from helperhist.report.matrix import matrix_markdown, matrix_rows, render_matrix
from helperhist.report.plan import plan_json, render_plan, render_upgrade, upgrade_json
from helperhist.report.refusals import refused_json, render_refused
from helperhist.report.terminal import terminal_width
from helperhist.timeline import Timeline, ask

__all__ = ["command"]

_TABLES = ("csv", "markdown")


@new_command(
    "check",
    examples=(
        "helperhist check prog.bpf.o",
        "helperhist check build/ --target 5.4",
        "helperhist check prog.bpf.o --target running",
        "helperhist check build/ --target 5.10 --target rhel8.btf",
        "helperhist check /usr/sbin/biosnoop",
        "helperhist check --diff old.o new.o --format github",
        "find . -name '*.bpf.o' | helperhist check - --json",
    ),
)
@click.argument("objects", nargs=-1, metavar="OBJECT...", shell_complete=complete_files)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="KERNEL",
    shell_complete=complete_targets,
    help="5.4, lts, running, a file (BTF, vmlinux, vmlinuz, bpf.h), or a folder of BTF files. "
    "Several, or given several times: a matrix.",
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The target's configuration (.config, /proc/config.gz), for kconfig externs.",
)
@click.option(
    "--loader",
    type=click.Choice(LOADERS),
    default="auto",
    show_default=True,
    help="Who loads the objects, and so what is rewritten; auto: libbpf 1.x, or who takes them.",
)
@click.option(
    "--explain-core",
    is_flag=True,
    help="With --target BTF: what each CO-RE relocation becomes there.",
)
@click.option(
    "--plan", "as_plan", is_flag=True, help="The kernels at which the answer changes: boot these."
)
@click.option(
    "--upgrade",
    metavar="OLD:NEW",
    help="What a newer kernel refuses, or first takes, of the objects (6.8:7.3).",
)
@click.option(
    "--diff",
    nargs=2,
    metavar="OLD NEW",
    shell_complete=complete_files,
    help="Compare the needs of two objects.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "github", *_TABLES)),
    default="text",
    show_default=True,
    help="Output; github prints annotations for a workflow, csv and markdown a matrix of targets.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@quiet_option("Print the kernel alone, or with --target yes, no or cannot tell.")
@data_option
@click.pass_context
def command(
    ctx: click.Context,
    objects: tuple[str, ...],
    targets: tuple[str, ...],
    config: Path | None,
    loader: str,
    explain_core: bool,
    as_plan: bool,
    upgrade: str | None,
    diff: tuple[str, str] | None,
    form: str,
    as_json: bool,
    quiet: bool,
    data: str | None,
) -> None:
    """Say which kernel the compiled BPF program OBJECT needs, and why; nothing is loaded.

    OBJECT is an object file, any file that carries some (a program, an archive, a skeleton), a
    folder of objects, or - for a list on standard input. With --target, exit code 1 if something
    required is missing there or it is not known; with --diff, if the minimum rose; with --upgrade,
    if the newer kernel lacks something that the older one has.
    """
    if as_json and form not in ("text", "json"):
        raise click.UsageError(f"--json and --format {form} exclude each other")
    form = "json" if as_json else form
    modes = {"--target": targets, "--diff": diff, "--plan": as_plan, "--upgrade": upgrade}
    given = [name for name, value in modes.items() if value]
    if len(given) > 1:
        raise click.UsageError(f"{given[0]} and {given[1]} exclude each other")
    if quiet and (form != "text" or given not in ([], ["--target"]) or len(targets) > 1):
        raise click.UsageError("-q is for the minimum kernel, or for one --target")
    if (as_plan or upgrade) and form not in ("text", "json"):
        raise click.UsageError(f"{given[0]} has no --format {form}")
    form = "quiet" if quiet else form
    if bool(objects) == (diff is not None):
        raise click.UsageError("give objects, or --diff OLD NEW")
    if form in _TABLES and not targets:
        raise click.UsageError(f"--format {form} is a matrix of targets: give --target")
    timeline = load(data)
    timeline.require_kernel()
    paths = [*diff] if diff else _paths(objects)
    kernels = split_targets(targets)
    if config is not None and len(kernels) != 1:
        raise click.UsageError("--config is that of one kernel: give one --target")
    if explain_core and len(kernels) != 1:
        raise click.UsageError("--explain-core needs --target with BTF: 'running', or a file")
    checked, columns = check_files(
        Checker(timeline),
        list(find_files(paths)),
        loader,
        kernels,
        None if config is None else _config(config),
        explain_core,
    )
    good = [item for item in checked if item.findings is not None]
    if diff and len(checked) != 2:
        raise click.UsageError("--diff compares two object files")
    if explain_core and good and columns[0].verdicts[0].against is None:
        raise click.UsageError("--explain-core needs --target with BTF: 'running', or a file")
    if diff:
        answer = _diff(good, form) if len(good) == 2 else 0
    elif as_plan:
        _plan(good, timeline, form)
        answer = 0
    elif upgrade:
        answer = _upgrade(good, timeline, upgrade, form)
    else:
        for column in columns:
            if column.aim.note:
                complain(f"note: {column.aim.note}")
        _echo(good, [column for column in columns if not column.error], form, explain_core)
        answer = int(any(item.answer != "yes" for column in columns for item in column.verdicts))
    if good and not quiet and not (diff and len(good) != 2):
        echo_source(timeline, machine=form != "text")
    ctx.exit(2 if _complain(checked, columns) else answer)


def _plan(good: Sequence[Checked], timeline: Timeline, form: str) -> None:
    plans = [(file, plan(findings, timeline)) for file, findings in _named(good)]
    kernels = boot([stretches for _, stretches in plans])
    if form == "json":
        echo_json(plan_json(plans, kernels))
    elif plans:
        width = terminal_width()
        echo("\n".join(render_plan(printable(file), found, width) for file, found in plans))
        echo(f"boot: {', '.join(kernels)}")


def _upgrade(good: Sequence[Checked], timeline: Timeline, span: str, form: str) -> int:
    old, colon, new = span.partition(":")
    if not colon:
        raise click.UsageError("--upgrade takes two releases: OLD:NEW")
    before, after = ask(timeline, old), ask(timeline, new)
    if after.version < before.version:
        raise click.UsageError(f"--upgrade {span}: {new} is older than {old}")
    for asked in (before, after):
        echo_doubt(asked.doubt)
    sides = (before.release, after.release)
    answers = [(file, compare(item, *sides)) for file, item in _named(good)]
    if form == "json":
        echo_json(upgrade_json(answers, old, new))
    else:
        for file, found in answers:
            echo(render_upgrade(printable(file), found, old, new))
    unclear = undecided(before) or undecided(after)
    return int(unclear or any(found.worse for _, found in answers))


def _config(path: Path) -> dict[str, str]:
    from helperhist.kernel import read_config

    return read_config(path)


def _paths(objects: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name in objects:
        if name == "-":
            say_waiting("names of objects")
            # Names of files are bytes, and need not be UTF-8.
            lines = map(os.fsdecode, sys.stdin.buffer)
            listed = [line.strip() for line in lines if line.strip()]
            if not listed:
                raise HelperhistError("no objects listed on standard input; write one per line")
            found += listed
        else:
            found.append(name)
    return found


def _complain(checked: Sequence[Checked], columns: Sequence[Column]) -> bool:
    bad = [f"{item.label}: {item.error}" for item in checked if item.findings is None]
    bad += [column.error for column in columns if column.error]
    for line in bad:
        complain(f"Error: {line}")
    return bool(bad)


def _echo(
    good: Sequence[Checked], columns: Sequence[Column], form: str, explain_core: bool
) -> None:
    if form == "json":
        echo_json(_json(good, columns))
    elif not good:
        return
    elif form == "quiet":
        for at, item in enumerate(good):
            assert item.findings is not None
            echo(columns[0].verdicts[at].answer if columns else render_quiet(item.findings))
    elif form == "github":
        for column in columns:
            _annotate(good, column)
        if not columns:
            _annotate(good, None)
    elif form == "csv":
        echo_csv(*matrix_rows(good, columns))
    elif form == "markdown":
        echo(matrix_markdown(good, columns))
    elif len(columns) > 1:
        echo(render_matrix(good, columns, terminal_width()))
    else:
        _echo_text(good, columns[0] if columns else None, explain_core)


def _json(good: Sequence[Checked], columns: Sequence[Column]) -> list[dict[str, object]]:
    answers = []
    for at, item in enumerate(good):
        assert item.findings is not None
        refused = bool(item.findings.refused)
        answer: dict[str, object] = {
            **to_json(item.file, item.findings),
            **item.place.to_json(),
            **refused_json(item.findings.refused),
        }
        found = [
            target_json(
                column.aim.label,
                column.verdicts[at].lacks,
                item.findings.loader,
                column.aim.release,
                refused,
            )
            for column in columns
        ]
        if len(found) == 1:
            answer["target"] = found[0]
        elif found:
            answer["targets"] = found
        answers.append(answer)
    return answers


def _annotate(good: Sequence[Checked], column: Column | None) -> None:
    for at, item in enumerate(good):
        assert item.findings is not None
        lacks = () if column is None else column.verdicts[at].lacks
        target = None if column is None else column.aim.label
        release = None if column is None else column.aim.release
        _echo_lines(annotate(item.label, item.findings, lacks, target, _root(), release))


def _echo_text(good: Sequence[Checked], column: Column | None, explain_core: bool) -> None:
    width = terminal_width()
    shown = [(printable(label), findings) for label, findings in _named(good)]
    blocks = [render_summary(shown, width)] if len(shown) > 1 else []
    for at, (file, item) in enumerate(shown):
        if item.refused:
            blocks.append(render_refused(file, item, width))
        elif column is not None:
            lacks = column.verdicts[at].lacks
            aim = column.aim
            blocks.append(render_verdict(file, aim.label, lacks, width, aim.release))
        else:
            blocks.append(render_object(file, item, width))
    echo("\n\n".join(blocks))
    for at, (file, _) in enumerate(shown):
        against = None if column is None else column.verdicts[at].against
        text = "" if against is None else render_against(file, against, explain_core)
        if text:
            echo("\n" + text)


def _root() -> Path:
    return Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())


def _echo_lines(lines: Iterable[str]) -> None:
    for line in lines:
        echo_order(line)


def _diff(good: Sequence[Checked], form: str) -> int:
    (old, before), (new, after) = _named(good)
    found = change(before, after)
    if form == "json":
        echo_json(change_json(old, new, found, after.loader))
    elif form == "github":
        _echo_lines(annotate_change(new, found, _root()))
    else:
        echo(render_change(printable(old), printable(new), found, terminal_width()))
    return int(found.raised)


def _named(good: Sequence[Checked]) -> list[tuple[str, Findings]]:
    return [(item.label, item.findings) for item in good if item.findings is not None]
