"""``helperhist check``: the minimum kernel of compiled BPF objects."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import click

from helperhist.check import Checker
from helperhist.checktext import (
    render_annotation,
    render_change,
    render_object,
    render_summary,
    render_verdict,
    where,
)
from helperhist.commands._common import data_option, echo_json, echo_source
from helperhist.dataset import load
from helperhist.errors import HelperhistError
from helperhist.findings import Findings
from helperhist.objects import Checked, check_file, find_objects
from helperhist.sections import LOADERS
from helperhist.target import Kernel, judge_kernel
from helperhist.text import terminal_width
from helperhist.timeline import Timeline
from helperhist.verdict import (
    TooNew,
    change,
    item_json,
    judge,
    minimum,
    to_json,
)
from helperhist.version import KernelVersion

__all__ = ["command"]


@click.command(
    "check",
    epilog="Examples: check prog.bpf.o; check build/ --target 5.4; check prog.bpf.o --target "
    "running; check --diff old.o new.o --format github; find . -name '*.bpf.o' | check - --json",
)
@click.argument("objects", nargs=-1, metavar="OBJECT...")
@click.option("--target", metavar="KERNEL", help="5.4, 'running', or a file (BTF, vmlinux, bpf.h).")
@click.option(
    "--loader",
    type=click.Choice(LOADERS),
    default="libbpf",
    show_default=True,
    help="Who loads the objects, and so what is rewritten for older kernels.",
)
@click.option("--diff", nargs=2, metavar="OLD NEW", help="Compare the needs of two objects.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "github")),
    default="text",
    show_default=True,
    help="Output; github prints annotations for a workflow.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@data_option
@click.pass_context
def command(
    ctx: click.Context,
    objects: tuple[str, ...],
    target: str | None,
    loader: str,
    diff: tuple[str, str] | None,
    form: str,
    as_json: bool,
    data: str | None,
) -> None:
    """Say which kernel the compiled BPF program OBJECT needs, and why; nothing is loaded.

    OBJECT is an object file, a folder of them, or - for a list on standard input. With --target,
    exit code 1 if something required is missing there or cannot be told; with --diff, if the
    minimum rose.
    """
    form = "json" if as_json else form
    if bool(objects) == (diff is not None):
        raise click.UsageError("give objects, or --diff OLD NEW")
    timeline = load(data)
    paths = [*diff] if diff else _paths(objects)
    checker = Checker(timeline)
    checked = [check_file(checker, path, loader) for path in find_objects(paths)]
    good = [(item.file, item.findings) for item in checked if item.findings is not None]
    if diff and len(good) == 2:
        answer = _diff(good, form)
    else:
        verdicts = _verdicts(timeline, target, [findings for _, findings in good])
        if good or form == "json":
            _echo(good, verdicts, target, form)
        answer = int(any(verdicts.values()))
    if good:
        echo_source(timeline, machine=form != "text")
    ctx.exit(2 if _complain(checked) else answer)


def _paths(objects: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name in objects:
        if name == "-":
            found += [line.strip() for line in sys.stdin if line.strip()]
        else:
            found.append(name)
    return found


def _complain(checked: Sequence[Checked]) -> bool:
    bad = [item for item in checked if item.findings is None]
    for item in bad:
        click.echo(f"Error: {item.file}: {item.error}", err=True)
    return bool(bad)


Verdicts = dict[int, tuple[TooNew, ...]]


def _verdicts(timeline: Timeline, target: str | None, findings: Sequence[Findings]) -> Verdicts:
    if target is None:
        return {}
    if target == "running" or Path(target).exists():
        kernel, release = _kernel(target, timeline)
        return {id(item): judge_kernel(item, kernel, release) for item in findings}
    version = KernelVersion.parse(target)
    newest = timeline.releases[-1].version.text if timeline.releases else None
    return {id(item): judge(item, version, newest) for item in findings}


def _kernel(source: str, timeline: Timeline) -> tuple[Kernel, str | None]:
    # Only needed here, and in a part of its own.
    try:
        reader = import_module("helperhist.kernelinfo")
        match = import_module("helperhist.kernelmatch")
    except ImportError as error:
        raise HelperhistError(f"--target {source}: cannot read kernels: {error}") from error
    info = reader.read_kernel(source, timeline)
    return cast("Kernel", info), str(match.compare(info, timeline).release)


def _echo(
    good: Sequence[tuple[str, Findings]], verdicts: Verdicts, target: str | None, form: str
) -> None:
    width = terminal_width()
    if form == "json":
        echo_json([_object_json(file, item, verdicts, target) for file, item in good])
        return
    if form == "github":
        for file, item in good:
            _annotate(file, item, verdicts.get(id(item)), target)
        return
    blocks = [render_summary(good, width)] if len(good) > 1 else []
    for file, item in good:
        if target is not None:
            blocks.append(render_verdict(file, target, verdicts[id(item)], width))
        else:
            blocks.append(render_object(file, item, width))
    click.echo("\n\n".join(blocks))


def _object_json(
    file: str, findings: Findings, verdicts: Verdicts, target: str | None
) -> dict[str, Any]:
    found = to_json(file, findings)
    if target is not None:
        found["target"] = {
            "kernel": target,
            "ok": not verdicts[id(findings)],
            "missing": [
                {
                    **item_json(verdict.item),
                    "certain": verdict.certain,
                    "why": verdict.reason,
                    "instead": verdict.instead,
                }
                for verdict in verdicts[id(findings)]
            ],
        }
    return found


def _annotate(
    file: str, findings: Findings, found: tuple[TooNew, ...] | None, target: str | None
) -> None:
    if found is None:
        least = minimum(findings)
        for item in least.decided_by:
            text = f"{item.name} sets the minimum kernel of {file}: {least} ({where(item)})"
            _echo_annotation("notice", f"Linux {least}", text, item.source)
        return
    for verdict in found:
        level = "error" if verdict.certain else "warning"
        instead = f"; instead: {verdict.instead}" if verdict.instead else ""
        text = f"{verdict.item.name}: {verdict.reason}{instead} ({file}, {where(verdict.item)})"
        _echo_annotation(level, f"not on {target}", text, verdict.item.source)


def _echo_annotation(level: str, title: str, text: str, source: str | None) -> None:
    root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
    click.echo(render_annotation(level, title, text, source, root))


def _diff(good: Sequence[tuple[str, Findings]], form: str) -> int:
    (old, before), (new, after) = good
    found = change(before, after)
    if form == "json":
        echo_json(
            {
                "old": {"file": old, "min_kernel": found.old.since, "at_least": found.old.at_least},
                "new": {"file": new, "min_kernel": found.new.since, "at_least": found.new.at_least},
                "raised": found.raised,
                "added": [item_json(item) for item in found.added],
                "removed": [item_json(item) for item in found.removed],
            }
        )
    elif form == "github":
        level = "error" if found.raised else "notice"
        title = f"minimum kernel {found.old} -> {found.new}"
        for item in found.added:
            text = f"{item.name} needs Linux {item.since} ({new}, {where(item)})"
            _echo_annotation(level, title, text, item.source)
        if not found.added:
            _echo_annotation("notice", title, f"{new}: no new needs", None)
    else:
        click.echo(render_change(old, new, found, terminal_width()))
    return int(found.raised)
