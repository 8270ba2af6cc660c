"""Figures of program types: how many helpers each may call, and since when."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.patches import Patch

from helperhist.plots.bars import legend_above, version_ticks
from helperhist.plots.style import BLUE, GRID, INK, MUTED, PALE, VERMILLION
from helperhist.timeline import LTS

if TYPE_CHECKING:
    from helperhist.frames import DataFrame

__all__ = ["draw_pairs", "draw_prog_types"]

#: Of the height of a row, the part that the largest number takes.
_ROW = 0.86


def draw_pairs(frame: "DataFrame", ax: Axes) -> Axes:
    """Draw how many helpers each program type may call, over releases: a row for each type.

    Dark is what came later than the helper and the type, pale what came with one of them or may
    have; between the bounds of a release that was not read is an outline.

    :param frame: of :func:`helperhist.frames.pair_growth`
    """
    total, most, late = (
        frame.pivot(index="prog_type", columns="version", values=column)
        for column in ("total", "most", "late")
    )
    versions = [str(version) for version in total.columns]
    lts = frame.drop_duplicates("version")["lts"].tolist()
    highest = max(int(most.to_numpy().max(initial=1)), 1)
    places = np.arange(len(versions) + 1) - 0.5
    rows = len(total.index)
    for at in range(rows):
        base = rows - 1 - at
        least, upper, dark = (
            base + np.append(counts, counts[-1]) / highest * _ROW
            for counts in (table.iloc[at].to_numpy() for table in (total, most, late))
        )
        ax.axhline(base, color=GRID, linewidth=0.6)
        ax.fill_between(places, base, least, step="post", color=PALE, linewidth=0)
        ax.fill_between(places, base, dark, step="post", color=BLUE, linewidth=0)
        open_at = np.flatnonzero(upper[:-1] > least[:-1])
        ax.bar(
            places[open_at], (upper - least)[open_at], 1.0, least[open_at], align="edge",
            facecolor="white", edgecolor=VERMILLION, linewidth=0.6,
        )  # fmt: skip
        last, of_late = total.iloc[at].tolist()[-1], late.iloc[at].tolist()[-1]
        ax.text(len(versions) + 0.3, base + 0.12, str(last), fontweight="bold", fontsize=7)
        ax.text(len(versions) + 4.2, base + 0.12, str(of_late), fontsize=7)
    version_ticks(ax, versions, lts)
    ax.set_yticks(
        [rows - 1 - at + 0.3 for at in range(rows)], [_words(name) for name in total.index],
        fontsize=7,
    )  # fmt: skip
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(-0.8, len(versions) + 7)
    ax.set_ylim(-0.1, rows + 1.1)
    ax.text(len(versions) + 0.3, rows + 0.25, "all", fontweight="bold", fontsize=7)
    ax.text(len(versions) + 4.2, rows + 0.25, "late", fontsize=7)
    every, dark_all = int(total.iloc[:, -1].sum()), int(late.iloc[:, -1].sum())
    ax.set_title(
        f"{dark_all} of {every} pairs of helper and type in {versions[-1]} came later than both",
        pad=24,
    )
    ax.set_xlabel("release (version); bold: longterm kernels")
    ax.set_ylabel(f"program type; height: helpers that it may call, 0 to {highest} (number)")
    handles = [
        Patch(facecolor=PALE, label="came with helper or type, or may have"),
        Patch(facecolor=BLUE, label="came later than both"),
        Patch(facecolor="white", edgecolor=VERMILLION, label="between bounds: not read"),
    ]
    legend_above(ax, handles, right=False, columns=3)
    return ax


def draw_prog_types(frame: "DataFrame", ax: Axes) -> Axes:
    """Draw a heat map: how many helpers each program type may call on each longterm kernel.

    :param frame: of :func:`helperhist.frames.by_prog_type`
    """
    total, most = (
        frame.pivot(index="prog_type", columns="version", values=column)
        for column in ("total", "most")
    )
    # The types with the most helpers on top.
    order = np.argsort(-total.iloc[:, -1].to_numpy(), kind="stable")
    total, most = total.iloc[order], most.iloc[order]
    highest = max(int(total.to_numpy().max(initial=1)), 1)
    colours = LinearSegmentedColormap.from_list("counts", ["white", PALE, BLUE, "#00334f"])
    ax.pcolormesh(
        total.to_numpy(), cmap=colours, vmin=0, vmax=highest, edgecolors="white", linewidth=1
    )
    for row, (counts, upper) in enumerate(
        zip(total.to_numpy().tolist(), most.to_numpy().tolist(), strict=True)
    ):
        for column, (count, top) in enumerate(zip(counts, upper, strict=True)):
            text = (str(count) if count else "-") if count == top else f"{count}-{top}"
            red, green, blue = to_rgb(colours(count / highest))
            dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.55
            ax.text(
                column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7,
                color="white" if dark else (INK if count else MUTED),
            )  # fmt: skip
    versions = [str(version) for version in total.columns]
    ax.set_xticks(
        [column + 0.5 for column in range(len(versions))],
        [text if text in LTS else f"{text}\n(newest)" for text in versions],
    )
    ax.set_yticks(
        [row + 0.5 for row in range(len(total.index))], [_words(name) for name in total.index]
    )
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_ylim(len(total.index), 0)
    newest = most.iloc[:, -1].tolist()
    ax.set_title(
        f"In {versions[-1]} a program may call {min(newest)} to {max(newest)} helpers, "
        "depending on its type",
        pad=24,
    )
    ax.set_xlabel("longterm kernel, and the newest release (version)")
    ax.set_ylabel("program type; cells: helpers that it may call (number)")
    handles = [
        Patch(facecolor="white", edgecolor=MUTED, label="-: none"),
        Patch(facecolor=PALE, label=f"{highest // 3}"),
        Patch(facecolor="#00334f", label=f"{highest}"),
    ]
    legend_above(ax, handles, right=False, columns=3)
    return ax


def _words(name: str) -> str:
    return name.removeprefix("BPF_PROG_TYPE_").lower()
