"""``helperhist check``: the minimum kernel of compiled BPF objects."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

import click

from helperhist.binary import LOADERS, BpfObject
from helperhist.check import (
    Against,
    Checked,
    Checker,
    Findings,
    KernelRead,
    TooNew,
    change,
    check_file,
    find_objects,
    judge_kernel,
    judge_release,
    release_note,
)
from helperhist.cli.command import new_command
from helperhist.cli.options import data_option, echo_source
from helperhist.cli.output import complain, echo, echo_json, echo_order
from helperhist.dataset import load
from helperhist.errors import HelperhistError, InvalidVersion
from helperhist.printable import printable
from helperhist.report.btf import render_against
from helperhist.report.check import (
    render_change,
    render_object,
    render_summary,
    render_verdict,
)
from helperhist.report.checkjson import change_json, target_json, to_json
from helperhist.report.github import annotate, annotate_change
from helperhist.report.refusals import refused_json, render_refused
from helperhist.report.terminal import terminal_width
from helperhist.timeline import Release, Timeline
from helperhist.version import KernelVersion

__all__ = ["command"]


@new_command(
    "check",
    epilog="Examples: check prog.bpf.o; check build/ --target 5.4; check prog.bpf.o --target "
    "running; check --diff old.o new.o --format github; find . -name '*.bpf.o' | check - --json",
)
@click.argument("objects", nargs=-1, metavar="OBJECT...")
@click.option("--target", metavar="KERNEL", help="5.4, 'running', or a file (BTF, vmlinux, bpf.h).")
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
    explain_core: bool,
    diff: tuple[str, str] | None,
    form: str,
    as_json: bool,
    data: str | None,
) -> None:
    """Say which kernel the compiled BPF program OBJECT needs, and why; nothing is loaded.

    OBJECT is an object file, a folder of them, or - for a list on standard input. With --target,
    exit code 1 if something required is missing there or it is not known; with --diff, if the
    minimum rose.
    """
    if as_json and form == "github":
        raise click.UsageError("--json and --format github exclude each other")
    form = "json" if as_json else form
    if diff is not None and target is not None:
        raise click.UsageError("--diff and --target exclude each other")
    if bool(objects) == (diff is not None):
        raise click.UsageError("give objects, or --diff OLD NEW")
    timeline = load(data)
    timeline.require_kernel()
    paths = [*diff] if diff else _paths(objects)
    checker = Checker(timeline)
    asked = None if target is None else _target(target, timeline)
    judge = asked.judge if asked is not None else None
    if explain_core and judge is None:
        raise click.UsageError("--explain-core needs --target with BTF: 'running', or a file")
    checked = [check_file(checker, path, loader, judge) for path in find_objects(paths)]
    good = [(item.file, item.findings) for item in checked if item.findings is not None]
    if diff and len(checked) != 2:
        raise click.UsageError("--diff compares two object files")
    if diff:
        answer = _diff(good, form) if len(good) == 2 else 0
    else:
        verdicts, note = _verdicts(asked, checked)
        if note:
            complain(f"note: {note}")
        if good or form == "json":
            _echo(good, verdicts, target, form, note)
        if form == "text":
            _echo_against(checked, explain_core)
        refused = target is not None and any(findings.refused for _, findings in good)
        answer = int(refused or any(verdicts.values()))
    if good and not (diff and len(good) != 2):
        echo_source(timeline, machine=form != "text")
    ctx.exit(2 if _complain(checked) else answer)


def _paths(objects: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name in objects:
        if name == "-":
            # Names of files are bytes, and need not be UTF-8.
            lines = map(os.fsdecode, sys.stdin.buffer)
            listed = [line.strip() for line in lines if line.strip()]
            if not listed:
                raise HelperhistError("no objects listed on standard input; write one per line")
            found += listed
        else:
            found.append(name)
    return found


def _complain(checked: Sequence[Checked]) -> bool:
    bad = [item for item in checked if item.findings is None]
    for item in bad:
        complain(f"Error: {item.file}: {item.error}")
    return bool(bad)


Verdicts = dict[int, tuple[TooNew, ...]]


@dataclass(frozen=True, slots=True)
class _Target:
    """What is asked: a release, or a kernel with the release that it is most like.

    :ivar judge: asks its BTF about an object; None if it has none
    """

    release: Release | None
    kernel: KernelRead | None = None
    like: str | None = None
    judge: Callable[[BpfObject], Against] | None = None


def _target(target: str, timeline: Timeline) -> _Target:
    try:
        version = KernelVersion.parse(target)
    except InvalidVersion:
        if target != "running" and "@" not in target and not Path(target).exists():
            raise
        return _kernel(target, timeline)
    return _Target(Release(timeline, version))


def _verdicts(asked: _Target | None, checked: Sequence[Checked]) -> tuple[Verdicts, str | None]:
    """Return the verdicts, and from what they are answered where the target was not read."""
    found: Verdicts = {}
    if asked is None:
        return found, None
    for item in checked:
        if item.findings is None:
            continue
        if asked.kernel is not None:
            lacks = judge_kernel(item.findings, asked.kernel, asked.like)
            if item.against is not None:
                settled = item.against.settled
                lacks = (
                    *(
                        one
                        for one in lacks
                        if one.item.kind != "kfunc" or one.item.name not in settled
                    ),
                    *item.against.lacks,
                )
            found[id(item.findings)] = lacks
        elif asked.release is not None:
            found[id(item.findings)] = judge_release(item.findings, asked.release)
    return found, release_note(asked.release) if asked.release is not None else None


def _kernel(source: str, timeline: Timeline) -> _Target:
    # Only needed here, and in a part of its own.
    try:
        reader = import_module("helperhist.kernel.read")
        match = import_module("helperhist.kernel.match")
        judge = import_module("helperhist.check.judge")
    except ImportError as error:
        raise HelperhistError(f"--target {source}: cannot read kernels: {error}") from error
    info = reader.read_kernel(source, timeline)
    like = str(match.compare(info, timeline).release)
    ask = None if info.types is None else judge.BtfJudge(info.types, like, timeline).judge
    return _Target(None, cast("KernelRead", info), like, ask)


def _echo_against(checked: Sequence[Checked], explain: bool) -> None:
    """Print what else the BTF of a kernel says of each object."""
    for item in checked:
        if item.against is None:
            continue
        text = render_against(printable(item.file), item.against, explain)
        if text:
            echo("\n" + text)


def _echo(
    good: Sequence[tuple[str, Findings]],
    verdicts: Verdicts,
    target: str | None,
    form: str,
    note: str | None,
) -> None:
    width = terminal_width()
    if form == "json":
        answers = [{**to_json(file, item), **refused_json(item.refused)} for file, item in good]
        if target is not None:
            for answer, (_, item) in zip(answers, good, strict=True):
                answer["target"] = target_json(
                    target, verdicts[id(item)], item.loader, note, bool(item.refused)
                )
        echo_json(answers)
        return
    if form == "github":
        for file, item in good:
            _echo_lines(annotate(file, item, verdicts.get(id(item), ()), target, _root()))
        return
    good = [(printable(file), item) for file, item in good]
    blocks = [render_summary(good, width)] if len(good) > 1 else []
    for file, item in good:
        if item.refused:
            blocks.append(render_refused(file, item, width))
        elif target is not None:
            blocks.append(render_verdict(file, target, verdicts[id(item)], width))
        else:
            blocks.append(render_object(file, item, width))
    echo("\n\n".join(blocks))


def _root() -> Path:
    return Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())


def _echo_lines(lines: Iterable[str]) -> None:
    for line in lines:
        echo_order(line)


def _diff(good: Sequence[tuple[str, Findings]], form: str) -> int:
    (old, before), (new, after) = good
    found = change(before, after)
    if form == "json":
        echo_json(change_json(old, new, found, after.loader))
    elif form == "github":
        _echo_lines(annotate_change(new, found, _root()))
    else:
        echo(render_change(printable(old), printable(new), found, terminal_width()))
    return int(found.raised)
