"""Which kfunc does what another one did before, and how its call is written with the other.

``renames.csv`` has one row for each pair:

=============  ===================================================================================
``name``       the newer kfunc
``other``      what to call where it is not there: an older kfunc, or an older form of itself
``arguments``  of that call: parameters of the newer one by their names, or numbers
``returns``    what the call stands for, where the other one returns nothing
``release``    the first release with the newer one
``evidence``   where the kernel's source shows that both do the same
=============  ===================================================================================
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Rename", "all_renames", "renames"]


@dataclass(frozen=True, slots=True)
class Rename:
    """One row of ``renames.csv``."""

    name: str
    other: str
    arguments: tuple[str, ...]
    returns: str
    release: str
    evidence: str


@cache
def all_renames() -> tuple[Rename, ...]:
    """Return the table."""
    text = Path(__file__).with_name("renames.csv").read_text("utf-8")
    return tuple(
        Rename(row[0], row[1], tuple(row[2].split()), *row[3:])
        for row in csv.reader(text.splitlines()[1:])
    )


def renames(name: str) -> tuple[Rename, ...]:
    """Return what can be called in place of a kfunc."""
    return tuple(row for row in all_renames() if row.name == name)
