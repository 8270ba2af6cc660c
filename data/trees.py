"""Relations from kernel trees, one or two copies of each release.

The trees become two repositories (``standin.py``), which helperhist scans as it scans any other.
What copies and neighbours leave open is decided in ``relation_decisions.csv``; what booted kernels
of other releases say stands in ``sightings.csv``.
"""

import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import standin
from statements import read_table

import helperhist
from helperhist.mining.reader import values_at
from helperhist.mining.trees import Key, TreeReading, Unsettled, find_runs, settle
from helperhist.timeline import ABSENT, LIVE, PRESENT, SEEN, Evidence, Introduction, Reading, Run
from helperhist.version import KernelVersion

__all__ = ["Related", "read_trees"]

#: The sources of whole trees, in the order of ``readings.csv``.
SOURCES = ("helper_use", "kfuncs", "map_use", "arch_use")

Decisions = dict[tuple[str, Key], str | None]


@dataclass(frozen=True, slots=True)
class Related:
    """What the trees say.

    :ivar dissents: what single copies have otherwise than the runs
    :ivar unsettled: what no rule and no decision settles
    :ivar introductions: the commits that runs begin with, where the history has them
    """

    runs: list[Run]
    readings: list[Reading]
    dissents: list[Evidence]
    unsettled: list[Unsettled]
    introductions: list[Introduction] = field(default_factory=list)


def read_trees(folder: Path) -> Related:
    """Read a folder of trees, with an ``INDEX.csv``: see ``standin.py``."""
    trees = standin.read_index(folder)
    copies: dict[str, list[TreeReading]] = {name: [] for name in SOURCES}
    with tempfile.TemporaryDirectory() as work:
        for number in (1, 2):
            chosen = standin.copies(trees, number)
            if not chosen:
                continue
            repository = Path(work) / f"{number}.git"
            standin.make(chosen, repository)
            timeline = helperhist.scan(repository, commits=False, strict=True)
            for name in SOURCES:
                for tag, values in values_at(timeline, name).items():
                    origin = _origin(repository, tag)
                    copies[name].append(TreeReading(tag, name, origin, values))
    return unite(copies)


def _origin(repository: Path, tag: str) -> str:
    command = ["git", "-C", str(repository), "log", "-1", "--format=%b", tag]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def unite(copies: dict[str, list[TreeReading]]) -> Related:
    """Return what copies say together.

    :param copies: by source; of a release's copies the better first
    """
    decisions = dict(_decisions())
    found = Related([], [], [], [])
    for name, read in copies.items():
        settled, unsettled = settle(read, decisions)
        found.runs.extend(find_runs(settled))
        found.unsettled.extend(unsettled)
        values = dict(settled)
        for tag in values:
            origins = [copy.origin for copy in read if copy.tag == tag]
            found.readings.append(Reading(name, tag, "; ".join(origins)))
        for copy in read:
            truth = values[copy.tag]
            for key in sorted({*copy.values, *truth}):
                has = copy.values.get(key)
                if has != truth.get(key):
                    said = ABSENT if has is None else PRESENT + has
                    found.dissents.append(Evidence(*key, copy.tag, said, copy.origin, ""))
    found.introductions.extend(_introductions(found.runs))
    sightings = read_table("sightings.csv")
    newest = max((row["tag"] for row in sightings), key=KernelVersion.parse, default="")
    for row in sightings:
        last = None if row["tag"] == newest else row["tag"]
        found.runs.append(Run(SEEN, row["name"], row["object"], row["seen"], row["tag"], last))
        reading = Reading(LIVE, row["tag"], row["by"])
        if reading not in found.readings:
            found.readings.append(reading)
    found.runs.sort(
        key=lambda run: (run.kind, run.name, run.object, KernelVersion.parse(run.first))
    )
    return found


def _introductions(runs: Iterable[Run]) -> Iterator[Introduction]:
    """Yield the commits of ``kfunc_commits.csv``: each begins the newest presence of a kfunc."""
    commits = {row["name"]: row for row in read_table("kfunc_commits.csv")}
    for run in runs:
        row = commits.get(run.name)
        if row is not None and run.kind == "kfunc" and run.first == row["tag"]:
            yield Introduction(
                run.kind, run.name, run.object, run.first, row["commit"], None, None, ""
            )


def _decisions() -> Iterator[tuple[tuple[str, Key], str | None]]:
    """Yield the value that was decided for, None for absence, by tag and fact."""
    for row in read_table("relation_decisions.csv"):
        word, _, value = row["decision"].partition(":")
        if word not in {"absent", "present"}:
            raise SystemExit(f"relation_decisions.csv: {row['decision']!r} is not a decision")
        key = row["kind"], row["name"], row["object"]
        yield (f"v{row['release']}", key), value if word == "present" else None
