"""``helperhist plot``: figures of the growth of the API."""

from pathlib import Path

import click

from helperhist import plots
from helperhist.commands._command import new_command
from helperhist.commands._common import data_option, echo_source
from helperhist.commands._output import complain
from helperhist.dataset import load
from helperhist.files import write_atomic

__all__ = ["command"]


@new_command(
    "plot",
    epilog="Examples: plot growth; plot matrix -o helpers.pdf; plot lead --data linux -o lead.png",
    help="Draw a figure of KIND into a file, without a display.\n\n\b\n"
    + "\n".join(f"{kind:<10}{plot.summary}" for kind, plot in plots.PLOTS.items()),
)
@click.argument("kind", type=click.Choice(list(plots.PLOTS)), metavar="KIND")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=f"File to write, its format by the suffix: {', '.join(plots.FORMATS)}. Default: KIND.svg.",
)
@data_option
def command(kind: str, output: Path | None, data: str | None) -> None:  # noqa: D103
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
