"""``helperhist export``: the timeline for other tools."""

import sys
from pathlib import Path

import click

from helperhist.atomic import write_atomic
from helperhist.cli.command import new_command
from helperhist.cli.completing import complete_kinds
from helperhist.cli.options import data_option, echo_source
from helperhist.cli.output import complain, write
from helperhist.dataset import load
from helperhist.export import BINARY, FORMATS, render_export

__all__ = ["command"]


@new_command(
    "export",
    examples=(
        "helperhist export --format csv",
        "helperhist export --format markdown --kind helper",
        "helperhist export --format sqlite -o helpers.db",
    ),
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(list(FORMATS)),
    required=True,
    help="What to write.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    shell_complete=complete_kinds,
    help="Only names of this kind (helper, map_type, flag, field, ...); may be repeated. "
    "Default: all, but in markdown, bcc, ebpf-docs and rust the numbered lists.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File to write. Default: standard output.",
)
@data_option
def command(
    file_format: str, kinds: tuple[str, ...], output: Path | None, data: str | None
) -> None:
    """Write the timeline, one entry per name, in a format that other tools read.

    csv, json, markdown are text; parquet (needs helperhist[parquet]) and sqlite are not. bcc and
    ebpf-docs are the shapes of bcc's docs/kernel-versions.md and of ebpf-docs'
    data/feature-versions.yaml. rust is a module of constants: the first release of each name.
    """
    if str(output) == "-":
        output = None
    if output is None and file_format in BINARY and sys.stdout.isatty():
        raise click.UsageError(f"{file_format} is not text for a terminal; give a file with -o")
    timeline = load(data)
    content = render_export(timeline, file_format, kinds)
    if output is None:
        write(content)
    else:
        write_atomic(output, content)
        complain(f"wrote {output}")
    echo_source(timeline, machine=True)
