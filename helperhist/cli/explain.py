"""``helperhist explain``: what a verifier's, loader's or compiler's message says about kernels."""

import os
import sys
from pathlib import Path

import click

from helperhist.cli.command import new_command
from helperhist.cli.completing import complete_files
from helperhist.cli.options import data_option, echo_source
from helperhist.cli.output import Styled, complain, echo, echo_json
from helperhist.cli.streams import say_waiting
from helperhist.dataset import load
from helperhist.explain import Finding, explain, iter_lines
from helperhist.printable import printable
from helperhist.report.terminal import fields, terminal_width
from helperhist.timeline import Timeline

__all__ = ["command"]


@new_command(
    "explain",
    examples=(
        "helperhist explain 'invalid func unknown#182'",
        "helperhist explain \"use of undeclared identifier 'BPF_FUNC_loop'\"",
        "./loader 2>&1 | helperhist explain",
        "helperhist explain --json < build.log",
    ),
)
@click.argument("text", nargs=-1, shell_complete=complete_files)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_option
@click.pass_context
def command(ctx: click.Context, text: tuple[str, ...], as_json: bool, data: str | None) -> None:
    """Explain TEXT, a message of the verifier, of a loader (libbpf, cilium/ebpf) or a compiler.

    Names the helper or other name at fault, the release that has it, and what to do. TEXT may be
    the name of a file with a log; without it (or with -), reads a log from standard input. Exit
    code 1 if no message is recognised.
    """
    timeline = load(data)
    timeline.require_kernel()
    findings = _explain(text, timeline)
    if as_json:
        echo_json([finding.to_json() for finding in findings])
    else:
        for finding in findings:
            echo(*_render(finding))
    if findings:
        echo_source(timeline, machine=as_json)
    else:
        complain(
            "nothing recognised: no message about helpers, kfuncs, names of bpf.h or kernel "
            "features in this text"
        )
    ctx.exit(0 if findings else 1)


def _explain(text: tuple[str, ...], timeline: Timeline) -> tuple[Finding, ...]:
    """Explain a message, or the log that it is the name of, or that comes on standard input."""
    if text in ((), ("-",)):
        say_waiting("a log")
        return explain(iter_lines(sys.stdin.buffer), timeline)
    message = " ".join(text)
    # A message is hardly ever the name of a file, and a name is no message.
    if len(text) == 1 and os.path.isfile(message):  # noqa: PTH113 (it may be too long for one)
        with Path(message).open("rb") as log:
            return explain(iter_lines(log), timeline)
    return explain(message.splitlines(), timeline)


def _render(finding: Finding) -> list[str | Styled]:
    answer = finding.answer
    times = f" ({finding.count} times)" if finding.count > 1 else ""
    title = f"  line {finding.line}{times}"
    pairs = []
    if answer.name is not None:
        number = "" if answer.id is None else f" {answer.id}"
        pairs.append((answer.kind or "name", f"{answer.name}{number}"))
    if answer.since is not None:
        pairs.append(("since", answer.since))
    pairs += [("means", answer.meaning), ("do", answer.advice)]
    return [
        Styled(printable(finding.message), bold=True),
        f"{title}\n{fields(pairs, terminal_width())}",
    ]
