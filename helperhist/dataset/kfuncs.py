"""The kfuncs that are known: since which release, and of those that are gone, until which."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Kfunc", "kfunc"]


@dataclass(frozen=True, slots=True)
class Kfunc:
    """A kernel function that BPF programs may call; source: ebpf-docs.

    :ivar seen: of those that are gone, the newest release known to have it
    :ivar absent: a release that lacks it; source: the BTF of Debian's kernels. Which one between
        dropped it, or gave it another name, the data does not tell
    """

    name: str
    since: str
    commit: str
    seen: str = ""
    absent: str = ""


@cache
def _kfuncs() -> dict[str, Kfunc]:
    text = Path(__file__).with_name("kfuncs.csv").read_text("utf-8")
    rows = csv.reader(text.splitlines()[1:])
    return {row[0]: Kfunc(*row) for row in rows}


def kfunc(name: str) -> Kfunc | None:
    """Return what is known of a kfunc; ``___flavor`` endings are the object's own."""
    return _kfuncs().get(name.split("___")[0])
