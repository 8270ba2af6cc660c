"""``helperhist page``: the timeline as one web page."""

import sys
from pathlib import Path

import click

from helperhist.atomic import write_atomic
from helperhist.cli.command import new_command
from helperhist.cli.options import data_option, echo_source
from helperhist.cli.output import complain, write
from helperhist.dataset import load
from helperhist.page import render_page

__all__ = ["command"]


@new_command(
    "page",
    examples=(
        "helperhist page -o bpf.html",
        "helperhist page -o ours.html --data our-kernel --compare embedded",
    ),
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write to FILE, whole or not at all. Default: standard output.")  # fmt: skip
@click.option("--compare", metavar="DIR|NAME",
              help="A second dataset, to show beside the first.")  # fmt: skip
@data_option
def command(output: Path | None, compare: str | None, data: str | None) -> None:
    """Write a web page that says which kernel has what, for everybody.

    It is one file that needs no server and no network: open it from a disk, attach it to a wiki,
    or put it on any host. It searches all names, shows which programs may call a helper or kfunc
    in which release, lists what all of your kernels have, and says which one an object needs.
    """
    if str(output) == "-":
        output = None
    if output is None and sys.stdout.isatty():
        raise click.UsageError("a page is not text for a terminal; give a file with -o")
    timelines = [load(data)]
    if compare is not None:
        timelines.append(load(compare))
    content = render_page(timelines).encode()
    if output is None:
        write(content)
    else:
        write_atomic(output, content)
        complain(f"wrote {output}")
    echo_source(timelines[0], machine=True)
