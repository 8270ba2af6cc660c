"""Figures of the growth of the API: (DataFrame, Axes) -> Axes; only this package has matplotlib.

Every figure can be read in black and white, and by people who see few colours: lines differ in
dashes and markers, areas in hatches, and the colours are those of Okabe and Ito (2008). A figure
brings its own light ground, so that it looks the same on a dark page.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from helperhist import frames
from helperhist.plots.bars import draw_families, draw_lts, draw_releases
from helperhist.plots.cells import draw_matrix
from helperhist.plots.kfuncs import draw_churn, draw_kfuncs
from helperhist.plots.style import MUTED, style
from helperhist.plots.time import LISTS_DRAWN, draw_growth, draw_lead, draw_lists
from helperhist.plots.types import draw_pairs, draw_prog_types
from helperhist.timeline import Timeline

if TYPE_CHECKING:
    from helperhist.frames import DataFrame

__all__ = [
    "BY_TYPE",
    "FORMATS",
    "PLOTS",
    "Plot",
    "draw_churn",
    "draw_families",
    "draw_growth",
    "draw_kfuncs",
    "draw_lead",
    "draw_lists",
    "draw_lts",
    "draw_matrix",
    "draw_pairs",
    "draw_prog_types",
    "draw_releases",
    "figure",
    "render",
    "style",
]

#: File formats of :func:`render`.
FORMATS = ("svg", "png", "pdf")


@dataclass(frozen=True, slots=True)
class Plot:
    """A kind of figure.

    :ivar summary: one line for users
    :ivar data: takes what the figure shows from a timeline
    :ivar size: inches; the width is that of a README page
    """

    summary: str
    data: "Callable[[Timeline], DataFrame]"
    draw: "Callable[[DataFrame, Axes], Axes]"
    size: tuple[float, float]


#: The kind of the matrix by program type, which has no name of its own on the command line.
BY_TYPE = "matrix-prog-type"

#: The kinds of figures, by name.
PLOTS = {
    "growth": Plot(
        "helpers over time, with longterm kernels", frames.growth, draw_growth, (8.6, 4.2)
    ),
    "releases": Plot("new helpers per release", frames.growth, draw_releases, (8.6, 3.6)),
    "families": Plot(
        "new helpers per release and family", frames.family_growth, draw_families, (8.6, 6.4)
    ),
    "lists": Plot(
        "map, program, attach and link types, and commands, over time",
        lambda timeline: frames.growth(timeline, LISTS_DRAWN),
        draw_lists,
        (8.6, 4.2),
    ),
    "lts": Plot(
        "helpers that each longterm kernel and all later ones have",
        frames.by_lts,
        draw_lts,
        (8.6, 3.6),
    ),
    "matrix": Plot(
        "which longterm kernel has which helper", frames.by_lts, draw_matrix, (8.6, 9.6)
    ),
    "lead": Plot(
        "days from a helper's author date to its release", frames.lead_times, draw_lead, (8.6, 3.6)
    ),
    "kfuncs": Plot(
        "kfuncs over time, beside the helpers", frames.kfunc_growth, draw_kfuncs, (8.6, 4.2)
    ),
    "churn": Plot(
        "kfuncs that came, were renamed, went, by release",
        frames.kfunc_churn,
        draw_churn,
        (8.6, 4.2),
    ),
    "pairs": Plot(
        "helpers by program type, over releases", frames.pair_growth, draw_pairs, (8.6, 10.5)
    ),
    BY_TYPE: Plot(
        "how many helpers each program type may call on each longterm kernel",
        frames.by_prog_type,
        draw_prog_types,
        (8.6, 7.6),
    ),
}


def figure(kind: str, timeline: Timeline) -> Figure:
    """Return a figure of a kind in :data:`PLOTS`, without a display.

    :raises DatasetError: the timeline has not what the figure shows
    """
    plot = PLOTS[kind]
    data = plot.data(timeline)
    with style():
        layout = ConstrainedLayoutEngine(rect=(0.006, 0.03, 0.988, 0.955))
        made = Figure(figsize=plot.size, layout=layout)
        plot.draw(data, made.add_subplot())
        source = timeline.metadata.source
        # A figure is for others, who have no use for the folder of a scan on this machine.
        source = Path(source).name if Path(source).is_absolute() else source
        source = source if len(source) <= 150 else source[:149] + "…"
        # A name may hold dollar signs, which are no mathematics here.
        made.text(
            0.995, 0.005, source, ha="right", va="bottom", fontsize=5.5, color=MUTED,
            parse_math=False,
        )  # fmt: skip
    return made


def render(kind: str, timeline: Timeline, file_format: str) -> bytes:
    """Return a figure as a file; equal data gives equal bytes.

    :param file_format: one of :data:`FORMATS`
    :raises DatasetError: the timeline has not what the figure shows
    """
    made = figure(kind, timeline)
    title = made.axes[0].get_title(loc="left")
    metadata: dict[str, dict[str, Any]] = {
        "svg": {"Date": None, "Creator": "helperhist", "Title": title},
        "png": {"Software": "helperhist", "Title": title},
        "pdf": {"CreationDate": None, "Creator": "helperhist", "Producer": None, "Title": title},
    }
    buffer = io.BytesIO()
    with style():
        made.savefig(buffer, format=file_format, metadata=metadata[file_format])
    return buffer.getvalue()
