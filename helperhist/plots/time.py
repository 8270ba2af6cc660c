"""Figures over time: x is a date."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from helperhist.errors import DatasetError
from helperhist.plots.style import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, VERMILLION
from helperhist.timeline import LAST_GROWTH, plural

if TYPE_CHECKING:
    from helperhist.frames import DataFrame

__all__ = [
    "LISTS_DRAWN",
    "dated_rows",
    "draw_growth",
    "draw_lead",
    "draw_lists",
    "with_undated",
    "year_ticks",
]

#: Colour, dashes and marker of each list.
_LINES: dict[str, tuple[str, Any, str]] = {
    "attach_type": (BLUE, "-", "o"),
    "cmd": (VERMILLION, "--", "s"),
    "map_type": (GREEN, "-.", "^"),
    "prog_type": (PURPLE, (0, (1, 1)), "D"),
    "link_type": (ORANGE, (0, (6, 1, 1, 1, 1, 1)), "v"),
}

#: The kinds in :func:`draw_lists`.
LISTS_DRAWN = tuple(_LINES)


def draw_growth(frame: "DataFrame", ax: Axes) -> Axes:
    """Draw the number of helpers over the release dates, longterm kernels marked.

    :param frame: of :func:`helperhist.frames.growth`, of helpers
    :raises DatasetError: no release has a date
    """
    dated = dated_rows(frame)
    days, totals = dated["released"].to_numpy(), dated["total"].to_numpy()
    ax.step(days, totals, where="post", color=BLUE, linewidth=2, label="helpers")
    top = max(int(totals.max()), 1)
    lts = dated[dated["lts"]]
    if len(lts):
        marked = lts["released"].to_numpy()
        ax.vlines(marked, 0, top * 1.12, color=MUTED, linewidth=0.7, linestyle=":")
        ax.plot(
            marked,
            lts["total"].to_numpy(),
            linestyle="none",
            marker="D",
            markersize=5,
            markerfacecolor="white",
            markeredgecolor=INK,
            label="longterm kernel (LTS)",
        )
    for version, day, total in _rows(lts, "version", "released", "total"):
        ax.text(day, top * 1.13, version, ha="center", va="bottom", fontweight="bold")
        first = day == dated["released"].iloc[0]
        ax.annotate(
            str(total),
            (day, total),
            xytext=(5 if first else -5, 3),
            textcoords="offset points",
            ha="left" if first else "right",
            va="bottom",
            fontsize=7.5,
        )
    _explain_end(frame, dated, ax)
    ax.set_ylim(0, top * 1.22)
    ax.margins(x=0.02)
    unit = year_ticks(ax, days)
    ax.grid(axis="y")
    ax.set_title("BPF helpers over time")
    ax.set_xlabel(with_undated(f"date of the release ({unit})", frame))
    ax.set_ylabel("helpers (number)")
    ax.legend(loc="lower right")
    return ax


def _explain_end(frame: "DataFrame", dated: "DataFrame", ax: Axes) -> None:
    """Say where the list ends, if the data shows mainline's end of it and what came after."""
    grown = dated[dated["new"] > 0]
    if grown.empty or grown["version"].iloc[-1] != LAST_GROWTH:
        return
    after = frame[frame["version"] > LAST_GROWTH]
    if after.empty or after["new"].any():
        return
    ax.annotate(
        f"v{LAST_GROWTH}: the last new helpers.\nNone in the {len(after)} releases since:\n"
        "the list is frozen,\nnew functions are kfuncs.",
        (grown["released"].iloc[-1], grown["total"].iloc[-1]),
        xytext=(0, -34),
        textcoords="offset points",
        ha="left",
        va="top",
        arrowprops={"arrowstyle": "->", "color": INK},
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
    )


def draw_lists(frame: "DataFrame", ax: Axes) -> Axes:
    """Draw the other numbered lists of bpf.h over the release dates.

    :param frame: of :func:`helperhist.frames.growth`, of :data:`LISTS_DRAWN`
    :raises DatasetError: no release has a date, or none of these lists
    """
    dated = dated_rows(frame)
    ends = []
    for kind, (colour, dashes, marker) in _LINES.items():
        part = dated[dated["kind"] == kind]
        # A list begins with its first member, not with a line at zero.
        part = part[part["total"] > 0]
        if part.empty:
            continue
        ax.step(
            part["released"].to_numpy(),
            part["total"].to_numpy(),
            where="post",
            color=colour,
            linestyle=dashes,
            linewidth=1.8,
            marker=marker,
            markersize=5,
            markevery=[*range(0, len(part) - 3, 6), len(part) - 1],
            markeredgecolor="white",
            markeredgewidth=0.6,
            label=plural(kind),
        )
        ends.append((int(part["total"].iloc[-1]), plural(kind), part["released"].iloc[-1]))
    if not ends:
        raise DatasetError("this data has none of the other lists; draw `plot growth` instead")
    places = _apart([end[0] for end in ends], max(end[0] for end in ends) * 0.05)
    gap = (dated["released"].iloc[-1] - dated["released"].iloc[0]) / 70
    for (total, name, day), place in zip(ends, places, strict=True):
        ax.text(day + gap, place, f"{total} {name}", va="center", ha="left")
    lts = dated[dated["lts"]].drop_duplicates("version")
    for version, day in _rows(lts, "version", "released"):
        ax.axvline(day, color=MUTED, linewidth=0.7, linestyle=":")
        ax.text(
            day,
            1.0,
            version,
            transform=ax.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontweight="bold",
        )
    ax.set_ylim(0, max(places) * 1.06)
    unit = year_ticks(ax, dated["released"].to_numpy())
    ax.grid(axis="y")
    ax.set_title("The other lists of bpf.h over time", pad=18)
    ax.set_xlabel(with_undated(f"date of the release ({unit}); dotted: longterm kernels", frame))
    ax.set_ylabel("members of the list (number)")
    ax.legend(loc="best", handlelength=4)
    return ax


def draw_lead(frame: "DataFrame", ax: Axes) -> Axes:
    """Draw how long helpers were on the way, from the author's date to the release.

    :param frame: of :func:`helperhist.frames.lead_times`
    :raises DatasetError: the frame is empty
    """
    if frame.empty:
        raise DatasetError(
            "this data has no author dates of helpers (the embedded data has none, and other "
            "projects' commits tell none); scan a clone of the kernel: `helperhist scan ~/linux`"
        )
    ax.plot(
        frame["released"].dt.tz_localize(None).to_numpy(),
        frame["days"].to_numpy(),
        linestyle="none",
        marker="o",
        markersize=4.5,
        markerfacecolor="none",
        markeredgecolor=BLUE,
        label="a helper",
    )
    median = float(frame["days"].median())
    ax.axhline(median, color=VERMILLION, linestyle="--", label=f"median: {median:.0f} days")
    low, high = min(0.0, float(frame["days"].min())), max(1.0, float(frame["days"].max()))
    ax.set_ylim(low * 1.1, high * 1.25)
    ax.margins(x=0.03)
    unit = year_ticks(ax, frame["released"].dt.tz_localize(None).to_numpy())
    ax.grid(axis="y")
    ax.set_title("From the author's date of a helper to the release that has it")
    ax.set_xlabel(f"date of the release ({unit})")
    ax.set_ylabel("time on the way (days)")
    ax.legend(loc="upper right", ncols=2)
    return ax


def dated_rows(frame: "DataFrame") -> "DataFrame":
    """Return the rows with a date.

    :raises DatasetError: no row has one
    """
    dated = frame[frame["released"].notna()]
    if dated.empty:
        raise DatasetError("no release of this data has a date; draw `plot releases` instead")
    return dated


def _rows(frame: "DataFrame", *columns: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(frame[column].tolist() for column in columns), strict=True)


def year_ticks(ax: Axes, days: Any) -> str:
    """Label years, where the dates span some; return the unit of the labels."""
    first, last = days.min().astype("datetime64[Y]"), days.max().astype("datetime64[Y]")
    years = np.arange(first + 1, last + 1)
    if len(years) <= 2:
        shown = np.unique(days.astype("datetime64[D]"))
        shown = shown[:: -(-len(shown) // 7)]
        ax.set_xticks(shown, [str(day) for day in shown])
        return "day"
    years = years[:: -(-len(years) // 14)]
    ax.set_xticks(years.astype("datetime64[D]"), [str(year) for year in years])
    return "year"


def with_undated(label: str, frame: "DataFrame") -> str:
    """Name the releases that cannot be drawn over time, below the axis."""
    undated = [str(v) for v in frame[frame["released"].isna()]["version"].unique()]
    if not undated:
        return label
    shown = ", ".join(f"v{version}" for version in undated[:6])
    more = f" and {len(undated) - 6} more" if len(undated) > 6 else ""
    return f"{label}\nnot drawn, date not known: {shown}{more}"


def _apart(values: Sequence[float], gap: float) -> list[float]:
    """Return places near the values, in their order, none nearer to another than the gap.

    >>> _apart([32, 34, 10], 4)
    [32.0, 36.0, 10.0]
    """
    places: dict[int, float] = {}
    below = float("-inf")
    for index in sorted(range(len(values)), key=lambda at: values[at]):
        below = max(float(values[index]), below + gap)
        places[index] = below
    return [places[index] for index in range(len(values))]
