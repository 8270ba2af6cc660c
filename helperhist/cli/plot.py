"""``helperhist plot``: figures of the growth of the API."""

from pathlib import Path

import click

from helperhist import plots
from helperhist.atomic import write_atomic
from helperhist.cli.command import new_command
from helperhist.cli.options import data_option, echo_source
from helperhist.cli.output import complain, write
from helperhist.dataset import load

__all__ = ["command"]


@new_command(
    "plot",
    examples=(
        "helperhist plot growth",
        "helperhist plot matrix -o helpers.pdf",
        "helperhist plot lead --data linux -o lead.png",
    ),
    help="Draw a figure of KIND into a file, without a display.\n\n\b\n"
    + "\n".join(f"{kind:<10}{plot.summary}" for kind, plot in plots.PLOTS.items()),
)
@click.argument("kind", type=click.Choice(list(plots.PLOTS)), metavar="KIND")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=f"File to write, its format by the suffix: {', '.join(plots.FORMATS)}. "
    "Default: KIND.svg; - is SVG on standard output.",
)
@data_option
def command(kind: str, output: Path | None, data: str | None) -> None:  # noqa: D103
    if str(output) == "-":
        timeline = load(data)
        write(plots.render(kind, timeline, "svg"))
        echo_source(timeline, machine=True)
        return
    path = output or Path(f"{kind}.svg")
    file_format = path.suffix.removeprefix(".").lower()
    if file_format not in plots.FORMATS:
        raise click.BadParameter(
            f"{path} must end in {', '.join(f'.{name}' for name in plots.FORMATS)}",
            param_hint="'-o'",
        )
    timeline = load(data)
    write_atomic(path, plots.render(kind, timeline, file_format))
    complain(f"wrote {path}")
    echo_source(timeline, machine=True)
