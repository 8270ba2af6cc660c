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

_KINDS = [kind for kind in plots.PLOTS if kind != plots.BY_TYPE]


@new_command(
    "plot",
    examples=(
        "helperhist plot growth",
        "helperhist plot kfuncs",
        "helperhist plot matrix --prog-type -o types.pdf",
        "helperhist plot lead --data linux -o lead.png",
    ),
    help="Draw a figure of KIND into a file, without a display.\n\n\b\n"
    + "\n".join(f"{kind:<10}{plots.PLOTS[kind].summary}" for kind in _KINDS),
)
@click.argument("kind", type=click.Choice(_KINDS), metavar="KIND")
@click.option(
    "--prog-type",
    "by_type",
    is_flag=True,
    help=f"With matrix: {plots.PLOTS[plots.BY_TYPE].summary}.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=f"File to write, its format by the suffix: {', '.join(plots.FORMATS)}. "
    "Default: KIND.svg; - is SVG on standard output.",
)
@data_option
def command(  # noqa: D103
    kind: str, by_type: bool, output: Path | None, data: str | None
) -> None:
    if by_type and kind != "matrix":
        raise click.UsageError(f"--prog-type goes with matrix, not with {kind}")
    kind = plots.BY_TYPE if by_type else kind
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
