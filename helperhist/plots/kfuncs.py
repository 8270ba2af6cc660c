"""Figures of kfuncs: their growth beside the helpers, and what came and went."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from helperhist.plots.bars import legend_above, version_ticks
from helperhist.plots.style import BLUE, INK, MUTED, ORANGE, VERMILLION
from helperhist.plots.time import dated_rows, with_undated, year_ticks

if TYPE_CHECKING:
    from helperhist.frames import DataFrame

__all__ = ["draw_churn", "draw_kfuncs"]


def draw_kfuncs(frame: "DataFrame", ax: Axes) -> Axes:
    """Draw the number of kfuncs beside that of helpers over the release dates.

    Where a release was not read, the area between the fewest and the most that it may have.

    :param frame: of :func:`helperhist.frames.kfunc_growth`
    :raises DatasetError: no release has a date
    """
    dated = dated_rows(frame)
    days, helpers = dated["released"].to_numpy(), dated["helpers"].to_numpy()
    ax.step(days, helpers, where="post", color=BLUE, linewidth=2, label="helpers")
    # Before the first release that was read nobody counted kfuncs, before their first there is
    # nothing to draw.
    part = dated[(dated["kfuncs_most"].fillna(0) > 0).to_numpy(dtype=bool)]
    low, high = (part[name].to_numpy(dtype=np.int64) for name in ("kfuncs", "kfuncs_most"))
    when = part["released"].to_numpy()
    open_at = np.flatnonzero(high > low)
    line = np.where(high > low, np.nan, low)
    ax.step(when, line, where="post", color=VERMILLION, linewidth=2, linestyle="--", label="kfuncs")
    if len(open_at):
        # A release lasts to the next one, the newest has no width.
        width = np.diff(when, append=when[-1:])[open_at]
        ax.bar(
            when[open_at], (high - low)[open_at], width, low[open_at], align="edge",
            facecolor="white", edgecolor=VERMILLION, hatch="....", linewidth=0.8,
            label="kfuncs: between these bounds (release not read)",
        )  # fmt: skip
    top = max(int(helpers.max()), int(high.max(initial=0)), 1)
    lts = dated[dated["lts"]]
    for version, day in zip(lts["version"].tolist(), lts["released"].tolist(), strict=True):
        ax.axvline(day, color=MUTED, linewidth=0.7, linestyle=":")
        ax.text(day, top * 1.13, version, ha="center", va="bottom", fontweight="bold")
    gap = (days[-1] - days[0]) / 80
    ends = [("helpers", int(helpers[-1]))] + ([("kfuncs", int(low[-1]))] if len(low) else [])
    near = len(ends) > 1 and abs(ends[0][1] - ends[1][1]) < top * 0.05
    for at, (name, count) in enumerate(ends):
        shift = top * 0.03 * (1 if count >= ends[at - 1][1] else -1) if near else 0.0
        ax.text(days[-1] + gap, count + shift, f"{count} {name}", va="center", ha="left")
    ax.set_xlim(days[0] - gap, days[-1] + gap * 11)
    ax.set_ylim(0, top * 1.22)
    unit = year_ticks(ax, days)
    ax.grid(axis="y")
    ax.set_title(_growth_title(frame))
    ax.set_xlabel(with_undated(f"date of the release ({unit}); dotted: longterm kernels", frame))
    ax.set_ylabel("functions for BPF programs (number)")
    ax.legend(loc="upper left", bbox_to_anchor=(0.0, 0.9), handlelength=3)
    return ax


def _growth_title(frame: "DataFrame") -> str:
    """Say where the helpers stopped and how many kfuncs there are, if the data shows it."""
    known = frame[
        (frame["kfuncs"] == frame["kfuncs_most"]).fillna(value=False).to_numpy(dtype=bool)
    ]
    grown = frame[frame["helpers"].diff() > 0]
    if known.empty or grown.empty:
        return "BPF helpers and kfuncs over time"
    last, newest = grown.iloc[-1], known.iloc[-1]
    if last["version"] == frame["version"].iloc[-1] or newest["kfuncs"] <= 0:
        return "BPF helpers and kfuncs over time"
    return (
        f"Helpers stopped at {last['helpers']} in {last['version']}; "
        f"kfuncs went on to {newest['kfuncs']} in {newest['version']}"
    )


#: Column, colour, hatch and words of each part of a bar.
_PARTS = (
    ("added", BLUE, "", "came"),
    ("renamed", ORANGE, "////", "went on under another name"),
    ("removed", VERMILLION, "xxxx", "went"),
)


def draw_churn(frame: "DataFrame", ax: Axes) -> Axes:
    """Draw how many kfuncs came with each release (up) and how many went (down).

    What came or went with a release, or with one before it that was not read, is an outline.

    :param frame: of :func:`helperhist.frames.kfunc_churn`
    """
    versions, lts = [str(version) for version in frame["version"]], frame["lts"].tolist()
    places = np.arange(len(versions))
    above, below = np.zeros(len(versions)), np.zeros(len(versions))
    handles = []
    for column, colour, hatch, words in _PARTS:
        handles.append(Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=words))
        for suffix in ("", "_by"):
            bounded = suffix != ""
            counts = frame[column + suffix].to_numpy()
            base = above if column == "added" else below
            sign = 1 if column == "added" else -1
            some = counts > 0
            ax.bar(
                places[some], counts[some] * sign, 0.8, base[some] * sign,
                facecolor="white" if bounded else colour, hatch="" if bounded else hatch,
                edgecolor=colour if bounded else "white", linewidth=1.2 if bounded else 0,
                linestyle="--" if bounded else "-",
            )  # fmt: skip
            base += counts
    bound = "so, or with a release before that was not read"
    handles.append(Patch(facecolor="white", edgecolor=INK, linestyle="--", label=bound))
    for place, up, down in zip(places.tolist(), above.tolist(), below.tolist(), strict=True):
        for count, sign in ((up, 1), (down, -1)):
            if count:
                ax.annotate(
                    f"{count:.0f}", (place, count * sign), (0, 1.5 * sign),
                    textcoords="offset points", ha="center",
                    va="bottom" if sign > 0 else "top", fontsize=6.5,
                )  # fmt: skip
    ax.axhline(0, color=INK, linewidth=0.8)
    version_ticks(ax, versions, lts)
    ax.set_ylim(-max(below.max(initial=0), 1) * 1.3 - 2, max(above.max(initial=0), 1) * 1.12)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):.0f}"))
    ax.grid(axis="y")
    ax.set_title(_churn_title(frame), pad=36)
    older = int(frame["older"].sum())
    note = f"\nnot drawn, as they may be older: {older} kfuncs" if older else ""
    ax.set_xlabel(f"release (version); bold: longterm kernels{note}")
    ax.set_ylabel("kfuncs that came, below: went (number)")
    legend_above(ax, handles, right=False)
    return ax


def _churn_title(frame: "DataFrame") -> str:
    came, named, gone = (
        int((frame[column] + frame[f"{column}_by"]).sum())
        for column in ("added", "renamed", "removed")
    )
    newest = frame["version"].iloc[-1]
    return f"{came} kfuncs came up to {newest}; {named} changed their name, {gone} went"
