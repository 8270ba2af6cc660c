"""Colours and settings that all figures share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl

__all__ = [
    "BLUE",
    "GREEN",
    "GRID",
    "INK",
    "MUTED",
    "ORANGE",
    "PALE",
    "PURPLE",
    "VERMILLION",
    "style",
]

# Okabe and Ito: to be told apart with any common colour blindness.
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, ORANGE = "#CC79A7", "#E69F00"
#: A tint of BLUE, light enough to differ from it in grey.
PALE = "#BBD6E8"
INK, MUTED, GRID = "#1a1a1a", "#5c5c5c", "#d9d9d9"

_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "white",
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "figure.dpi": 110,
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],
    "font.size": 8,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.8,
    "legend.edgecolor": GRID,
    "legend.fontsize": 8,
    "legend.framealpha": 1.0,
    "savefig.dpi": 150,
    "savefig.facecolor": "white",
    # Letters as outlines: no fonts of the reader's can move or clip them.
    "svg.fonttype": "path",
    # Ids in the file are hashes with a salt, else random: equal data gives equal bytes.
    "svg.hashsalt": "helperhist",
    "text.color": INK,
    "xtick.color": INK,
    "xtick.labelsize": 8,
    "ytick.color": INK,
    "ytick.labelsize": 8,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the style of this package, whatever the user's matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield
