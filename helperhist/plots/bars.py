"""Figures with bars: x is a release."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from helperhist.plots.style import BLUE, GRID, PALE, VERMILLION
from helperhist.timeline import LTS

if TYPE_CHECKING:
    from helperhist.frames import DataFrame

__all__ = ["draw_families", "draw_lts", "draw_releases", "legend_above", "version_ticks"]


def draw_releases(frame: "DataFrame", ax: Axes) -> Axes:
    """Draw how many helpers each release added, longterm kernels in another colour and hatched.

    :param frame: of :func:`helperhist.frames.growth`, of helpers
    """
    versions = [str(version) for version in frame["version"]]
    new, lts = frame["new"].tolist(), frame["lts"].tolist()
    _bars(ax, new, lts, 0.8)
    for place, count in enumerate(new):
        if count:
            _note(ax, str(count), (place, count), 1, fontsize=6.5)
    version_ticks(ax, versions, lts)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylim(0, max([*new, 1]) * 1.1)
    ax.grid(axis="y")
    ax.set_title("New BPF helpers per release")
    ax.set_xlabel(_with_older("release (version)", frame))
    ax.set_ylabel("new helpers (number)")
    legend_above(ax, _legend(), right=True)
    return ax


#: Of the height of a row, the part that the highest bar takes; the rest is for its number.
_ROW = 0.68


def draw_families(frame: "DataFrame", ax: Axes) -> Axes:
    """Draw the new helpers of each family per release: a row of bars for each family.

    :param frame: of :func:`helperhist.frames.family_growth`
    """
    new = frame.pivot(index="family", columns="version", values="new")
    total = frame.pivot(index="family", columns="version", values="total")
    new, total = new[total.any(axis=1)], total[total.any(axis=1)]
    versions = [str(version) for version in new.columns]
    lts = frame.drop_duplicates("version")["lts"].tolist()
    finals = total.iloc[:, -1].tolist()
    highest = max(int(new.to_numpy().max(initial=1)), 1)
    # The oldest family on top: rows sorted by the first release with a helper of theirs.
    order = (new > 0).to_numpy().argmax(axis=1).argsort(kind="stable").tolist()
    for base, index in enumerate(reversed(order)):
        counts = new.iloc[index].tolist()
        ax.axhline(base, color=GRID, linewidth=0.6)
        _bars(ax, [count / highest * _ROW for count in counts], lts, 0.86, base)
        for at, count in enumerate(counts):
            if count > 1:
                height = base + count / highest * _ROW + 0.02
                ax.text(at, height, str(count), ha="center", va="bottom", fontsize=5.5)
        ax.text(len(versions) + 0.4, base + 0.12, str(finals[index]), fontweight="bold")
    version_ticks(ax, versions, lts)
    ax.set_yticks(
        [base + 0.25 for base in range(len(order))],
        [str(new.index[index]) for index in reversed(order)],
    )
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-0.1, len(order) + 0.55)
    ax.set_xlim(-0.8, len(versions) + 3)
    ax.text(len(versions) + 0.4, len(order) + 0.05, "in all", fontweight="bold")
    ax.set_title("New BPF helpers by family")
    ax.set_xlabel(_with_older("release (version); a bar without a number is 1 helper", frame))
    ax.set_ylabel("family (bars: new helpers, one scale for all rows)")
    legend_above(ax, _legend(), right=True)
    return ax


def draw_lts(frame: "DataFrame", ax: Axes) -> Axes:
    """Draw how many helpers a program may call that must run on a longterm kernel and later ones.

    :param frame: of :func:`helperhist.frames.by_lts`
    """
    # What a program may call must be in all later kernels too.
    usable = [frame.iloc[:, index:].all(axis=1) for index in range(frame.shape[1])]
    totals = [int(names.sum()) for names in usable]
    new = [
        int((names & ~usable[index - 1]).sum()) if index else 0
        for index, names in enumerate(usable)
    ]
    places = range(len(totals))
    kept = [total - added for total, added in zip(totals, new, strict=True)]
    ax.bar(places, kept, color=PALE)
    ax.bar(places, new, bottom=kept, color=BLUE, hatch="////", edgecolor="white", linewidth=0)
    top = max([*totals, 1])
    for place, total, added in zip(places, totals, new, strict=True):
        _note(ax, str(total), (place, total), 2, fontweight="bold")
        if added:
            _note(ax, f"+{added}", (place, total), 13, fontsize=7.5)
    ax.set_xticks(
        list(places),
        [str(name) if str(name) in LTS else f"{name}\n(newest)" for name in frame.columns],
    )
    ax.set_ylim(0, top * 1.17)
    ax.grid(axis="y")
    ax.set_title("BPF helpers that a longterm kernel and all later ones have", pad=24)
    ax.set_xlabel("oldest kernel that the program must run on (version)")
    ax.set_ylabel("helpers (number)")
    here = Patch(
        facecolor=BLUE, hatch="////", edgecolor="white", label="not in the bar to the left"
    )
    legend_above(ax, [here, Patch(facecolor=PALE, label="the others")], right=False)
    return ax


def _bars(
    ax: Axes, heights: Sequence[float], lts: Sequence[bool], width: float, bottom: float = 0
) -> None:
    ax.bar(
        range(len(heights)),
        heights,
        width=width,
        bottom=bottom,
        color=[VERMILLION if flag else BLUE for flag in lts],
        hatch=["//////" if flag else "" for flag in lts],
        edgecolor="white",
        linewidth=0,
    )


def _legend() -> list[Patch]:
    return [
        Patch(facecolor=VERMILLION, hatch="//////", edgecolor="white", label="longterm (LTS)"),
        Patch(facecolor=BLUE, label="other release"),
    ]


def _with_older(label: str, frame: "DataFrame") -> str:
    """Say below the axis which helpers are no bar: those that may be older than their release."""
    older = frame[frame["older"] > 0]
    if older.empty:
        return label
    releases = [str(version) for version in older["version"].unique()]
    shown = ", ".join(releases[:6])
    more = f" and {len(releases) - 6} more" if len(releases) > 6 else ""
    count = int(older["older"].sum())
    return f"{label}\nnot drawn, as they may be older: {count} helpers of {shown}{more}"


def _note(ax: Axes, text: str, place: tuple[float, float], points: float, **style: Any) -> None:
    """Write a text some points above a place."""
    ax.annotate(
        text, place, (0, points), textcoords="offset points", ha="center", va="bottom", **style
    )


def legend_above(ax: Axes, handles: list[Patch], *, right: bool, columns: int = 2) -> None:
    """Put the legend where no bar can be: above the axes."""
    ax.legend(
        handles=handles,
        loc="lower right" if right else "lower left",
        bbox_to_anchor=(1.0 if right else 0.0, 1.0),
        ncols=columns,
        borderaxespad=0.2,
        frameon=False,
    )


def version_ticks(ax: Axes, versions: Sequence[str], lts: Sequence[bool]) -> None:
    """Label every release, the longterm ones in bold; of very many, some."""
    step = -(-len(versions) // 70)
    places = [at for at in range(len(versions)) if lts[at] or at % step == 0]
    ax.set_xticks(places, [versions[at] for at in places], rotation=90, fontsize=6.5)
    for at, label in zip(places, ax.get_xticklabels(), strict=True):
        label.set_fontweight("bold" if lts[at] else "normal")
    ax.tick_params(axis="x", length=2)
    ax.set_xlim(-0.8, len(versions) - 0.2)
