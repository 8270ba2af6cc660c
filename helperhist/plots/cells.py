"""The figure of cells: a row per helper, a column per release."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from helperhist.frames.families import FAMILIES, family
from helperhist.plots.style import BLUE, MUTED

if TYPE_CHECKING:
    from helperhist.frames import DataFrame

__all__ = ["draw_matrix"]

_BLOCKS = 3

#: Text, and for a helper its cells; a heading has none.
_Line = tuple[str, Sequence[bool] | None]


def draw_matrix(frame: "DataFrame", ax: Axes) -> Axes:
    """Draw which longterm kernel has which helper, by family, in three blocks.

    :param frame: of :func:`helperhist.frames.by_lts`
    """
    releases = [str(release) for release in frame.columns]
    blocks, height = _blocks(frame)
    # Of a block's width of 1, the names take the left part.
    start, cell = 0.57, 0.4 / max(len(releases), 1)
    points: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for block, lines in enumerate(blocks):
        for row, (text, present) in enumerate(lines):
            y = row + 0.5
            if present is None:
                ax.text(block, y, text, va="center", fontsize=7.5, fontweight="bold")
                continue
            ax.text(block + 0.02, y, text, va="center", fontsize=6.4)
            for column, has in enumerate(present):
                points[has].append((block + start + (column + 0.5) * cell, y))
        for column, release in enumerate(releases):
            x = block + start + (column + 0.5) * cell
            ax.text(x, -0.3, release, rotation=90, ha="center", va="bottom", fontsize=6.5)
    for has, places in points.items():
        ax.plot(
            [x for x, _ in places],
            [y for _, y in places],
            linestyle="none",
            marker="s",
            markersize=5.4 if has else 4.6,
            markerfacecolor=BLUE if has else "white",
            markeredgecolor=BLUE if has else "#b0b0b0",
            markeredgewidth=0.5,
        )
    ax.set_xlim(0, _BLOCKS)
    ax.set_ylim(height, -2.6)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.set_title("BPF helpers by longterm kernel")
    ax.set_xlabel("releases (version): longterm, and the newest", fontsize=8)
    ax.set_ylabel("helpers by family and number, without bpf_", fontsize=8)
    ax.legend(
        handles=[
            Patch(facecolor=BLUE, edgecolor=BLUE, label="has the helper"),
            Patch(facecolor="white", edgecolor=MUTED, label="has it not"),
        ],
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=2,
        frameon=False,
        borderaxespad=0.1,
    )
    return ax


def _blocks(frame: "DataFrame") -> tuple[list[list[_Line]], int]:
    """Lay out headings and helpers in blocks of about equal height; return the height too."""
    by_family: dict[str, list[_Line]] = {}
    for name, cells in zip(frame.index, frame.to_numpy().tolist(), strict=True):
        by_family.setdefault(family(name), []).append((name.removeprefix("bpf_"), cells))
    count = sum(len(lines) + 1 for lines in by_family.values())
    # Room for a family that goes on in the next block, and no heading at the foot of one.
    height = -(-(count + 2 * (_BLOCKS - 1)) // _BLOCKS)
    blocks: list[list[_Line]] = [[]]
    for item in FAMILIES:
        for index, line in enumerate(by_family.get(item.name, [])):
            if len(blocks[-1]) + (1 if index else 2) > height:
                blocks.append([])
            if index == 0 or not blocks[-1]:
                blocks[-1].append((item.name + (" (continued)" if index else ""), None))
            blocks[-1].append(line)
    return blocks, height
