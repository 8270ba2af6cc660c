"""``helperhist audit``: compare hand-kept tables with history."""

import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from helperhist.audit import (
    DIFFERENCES,
    FORMATS,
    JUDGED,
    MAX_TABLE_BYTES,
    NO_ROW,
    VERDICTS,
    Finding,
    audit,
    correct,
    decode,
    patch_path,
    read_table,
    render_patch,
)
from helperhist.cli.command import new_command, renamed_option
from helperhist.cli.completing import complete_kinds
from helperhist.cli.options import data_option, echo_source
from helperhist.cli.output import Styled, complain, echo, echo_json, write
from helperhist.cli.streams import say_waiting
from helperhist.dataset import load
from helperhist.errors import HelperhistError
from helperhist.printable import printable
from helperhist.report.terminal import table, terminal_width

__all__ = ["command"]

#: Of names that were not read; of further lines only the numbers are shown.
_LINES_SHOWN = 10


@new_command(
    "audit",
    examples=(
        "helperhist audit docs/kernel-versions.md",
        "helperhist audit --kind helper docs/kernel-versions.md",
        "helperhist audit --patch data/feature-versions.yaml | git apply",
        "helperhist audit pkg/version/*.go --json",
    ),
)
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)
@click.option(
    "--input-format",
    type=click.Choice(["auto", *FORMATS]),
    default=None,
    help="How the table is written: Markdown (bcc), YAML (ebpf-docs), CSV, JSON, source code in "
    "Go, C or another language (code, TOML too), reStructuredText (rst), org, AsciiDoc or HTML. "
    "Default: by the content.",
)
@renamed_option("--format", "--input-format", type=click.Choice(["auto", *FORMATS]))
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    shell_complete=complete_kinds,
    help="Judge rows of this kind alone: helper, ...",
)
@click.option("--no-missing", is_flag=True, help="Do not ask for names that the table lacks.")
@click.option("--patch", is_flag=True, help="Print a diff that corrects the wrong rows.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: an array of all verdicts.")
@data_option
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[Path, ...],
    input_format: str | None,
    kinds: tuple[str, ...],
    no_missing: bool,
    patch: bool,
    as_json: bool,
    data: str | None,
) -> None:
    """Compare tables of names and minimum kernels with history, row by row.

    A row is right, wrong, unknown (no such name), or unjudged (the data does not say, or the
    row is not clear); names that a table lacks are missing; known names that are in no row are
    not read, and shown with their lines. A patch leaves what is not clear. Columns are found by
    their heads: Helper, Map type, Name, Enum; Kernel version, Since, Minimum kernel; Commit; else
    by what they hold. Beside a program type, a helper or kfunc is judged as a pair.

    Exit code 1 if any row is wrong, unknown or missing; 2 if a file has no row that can be judged.
    """
    if patch and as_json:
        raise click.UsageError("--patch and --json exclude each other")
    timeline = load(data)
    answers = []
    unjudged = []
    failed = False
    for file in files:
        try:
            text = decode(_read(file), str(file))
            found, rows = read_table(text, str(file), input_format or "auto")
        except HelperhistError as error:
            if len(files) == 1:
                raise
            # The others are answered all the same.
            complain(f"Error: {error}")
            failed = True
            continue
        findings = audit(rows, timeline, kinds, not no_missing, text)
        answers.append((file, text, found, findings))
        if not any(finding.verdict in JUDGED for finding in findings):
            # Below, so that what is there is shown first.
            unjudged.append((file, _why(findings)))
    everything = [finding for *_, findings in answers for finding in findings]
    if as_json:
        echo_json(
            [
                {"file": str(file), **finding.to_json()}
                for file, _, _, findings in answers
                for finding in findings
            ]
        )
    elif patch:
        for file, text, _, findings in answers:
            diff = render_patch(patch_path(file), text, correct(text, findings))
            write(diff.encode("utf-8", "surrogateescape"))
            if left := [f for f in findings if f.verdict == "wrong" and f.fix is None]:
                lines = ", ".join(str(f.line) for f in left[:10]) + ", ..." * (len(left) > 10)
                complain(f"{file}: wrong, and for you to correct: line {lines}")
    else:
        for file, _, found, findings in answers:
            echo(*_render(str(file), found, findings))
    echo_source(timeline, machine=as_json or patch)
    for file, why in unjudged:
        complain(f"Error: {file}: no row was judged: {why}")
    differs = any(finding.verdict in DIFFERENCES for finding in everything)
    ctx.exit(2 if failed or unjudged else int(differs))


def _why(findings: Sequence[Finding]) -> str:
    """Return the most frequent reason why rows are not judged."""
    reasons = Counter(f.note for f in findings if f.verdict == "unjudged")
    if not reasons:
        return "it has none of these kinds"
    (note, _), *_ = reasons.most_common(1)
    return f"{note}; --help says how columns are found"


def _read(file: Path) -> bytes:
    if str(file) == "-":
        say_waiting("a table")
        return sys.stdin.buffer.read(MAX_TABLE_BYTES + 1)
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_TABLE_BYTES + 1)
    except OSError as error:
        raise HelperhistError(f"cannot read {file}: {error.strerror}") from error


def _render(name: str, form: str, findings: Sequence[Finding]) -> list[str | Styled]:
    """Return the report on one file: the differences, the remarks, the count."""
    width = terminal_width()
    by = {verdict: [f for f in findings if f.verdict == verdict] for verdict in VERDICTS}
    parts: list[str | Styled] = [Styled(printable(name), bold=True), f"  ({form})\n"]

    def section(title: str, lines: Iterable[str], fg: str | None = None) -> None:
        shown = [f"{line}\n" for line in lines]
        if shown:
            parts.extend([Styled(title, fg=fg), "\n", *shown])

    section("wrong", _wrong(by["wrong"], width), "red")
    section("unknown", [_remark(f, width) for f in by["unknown"]], "red")
    section("missing", _missing(by["missing"], width), "red")
    remarks = [f for f in findings if f.note and f.verdict in ("right", "wrong")]
    section("remarks", [_remark(f, width) for f in remarks], "yellow")
    reasons = Counter(f.note for f in by["unjudged"])
    rows = [_wrap(f"{count}: ", note, width) for note, count in reasons.most_common(10)]
    section("not judged", rows)
    section("not read", _unread(by["unread"], width))
    counts = ", ".join(
        f"{len(by[verdict])} {'not judged' if verdict == 'unjudged' else verdict}"
        for verdict in ("right", "wrong", "unknown", "missing", "unjudged")
    )
    unread = f", {len(by['unread'])} not read" if by["unread"] else ""
    return [*parts, counts, unread]


def _wrong(findings: Sequence[Finding], width: int) -> list[str]:
    rows = [
        (str(f.line), f.name, f.stated or "", f.actual or "-", (f.commit or "")[:12])
        for f in findings
    ]
    header = ("line", "name", "stated", "actual", "commit")
    return [_indent(table(header, rows, width - 2))] if rows else []


def _missing(findings: Sequence[Finding], width: int) -> Iterator[str]:
    for kind in dict.fromkeys(f.kind for f in findings):
        lacks = [f for f in findings if f.kind == kind]
        names = ", ".join(f"{f.name} ({f.actual or f.note})" for f in lacks)
        yield _wrap(f"{kind}: ", names, width)


def _unread(findings: Sequence[Finding], width: int) -> Iterator[str]:
    lines: dict[int | None, list[str]] = {}
    for finding in findings:
        if finding.note != NO_ROW:
            lines.setdefault(finding.line, []).append(finding.name)
    for number, names in list(lines.items())[:_LINES_SHOWN]:
        yield _wrap(f"line {number}: ", ", ".join(names), width)
    if len(lines) > _LINES_SHOWN:
        yield _wrap("lines ", _ranges([*lines][_LINES_SHOWN:]), width)
    others = dict.fromkeys(finding.line for finding in findings if finding.note == NO_ROW)
    if others:
        yield _wrap(f"{NO_ROW.replace('this line', 'lines')} ", _ranges([*others]), width)


def _ranges(lines: Sequence[int | None]) -> str:
    """Return numbers of lines as people write them: 5, 8-10."""
    found: list[list[int]] = []
    for line in filter(None, lines):
        if found and line == found[-1][-1] + 1:
            found[-1][1:] = [line]
        else:
            found.append([line])
    return ", ".join("-".join(map(str, item)) for item in found)


def _remark(finding: Finding, width: int) -> str:
    return _wrap(f"line {finding.line}: ", f"{finding.name}: {finding.note}", width)


def _wrap(head: str, text: str, width: int) -> str:
    return textwrap.fill(
        printable(text),
        width,
        initial_indent=f"  {head}",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _indent(text: str) -> str:
    return textwrap.indent(text, "  ")
