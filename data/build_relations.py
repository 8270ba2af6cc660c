"""Read kernel trees into ``mainline/relations.csv`` and ``mainline/readings.csv``.

    python data/build_relations.py ~/trees

The folder has one kernel tree per release, and ``INDEX.csv`` with the columns ``release`` (the
subfolder: ``6.10``, or ``debian-6.1.4`` for a second copy of 6.1), ``real_version``,
``repository`` and ``commit``. Of Debian's copies of a release only the oldest is read. What copies
and neighbours leave open is decided in ``relation_decisions.csv``, or printed.
"""

import csv
import io
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, fields
from functools import partial
from pathlib import Path

from standin import Folder, read_index

from helperhist.mining.trees import (
    KINDS,
    Key,
    TreeReading,
    Unsettled,
    find_runs,
    read_source,
    settle,
)
from helperhist.sources import Gap, Source
from helperhist.sources.helper_use import HelperUse
from helperhist.sources.kfuncs import KfuncSource
from helperhist.sources.map_use import MapUseSource
from helperhist.timeline import Run
from helperhist.version import KernelVersion

HERE = Path(__file__).parent
SOURCES: dict[str, Source] = {
    "helper_use": HelperUse(),
    "kfuncs": KfuncSource(),
    "map_use": MapUseSource(),
}
#: Two processes: a tree of 7.1 needs 300 MB.
PROCESSES = 2

Decisions = dict[tuple[str, Key], str | None]


def read_decisions() -> Decisions:
    """Return the value that was decided for, None for absence, by tag and fact."""
    decisions: Decisions = {}
    with (HERE / "relation_decisions.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = (row["kind"], row["name"], row["object"])
            word, _, value = row["decision"].partition(":")
            if word not in {"absent", "present"}:
                raise SystemExit(f"relation_decisions.csv: {row['decision']!r} is not a decision")
            decisions[f"v{row['release']}", key] = value if word == "present" else None
    return decisions


def read_folder(tree: Folder) -> list[tuple[str, TreeReading | None, tuple[Gap, ...]]]:
    return [(name, *read_source(tree, name, source)) for name, source in SOURCES.items()]


def build(
    folder: Path,
) -> tuple[list[Run], list[tuple[str, str, str]], list[Unsettled]]:
    """Return the rows of both files, and what is not settled."""
    readings: dict[str, list[TreeReading]] = {name: [] for name in KINDS}
    trees = read_index(folder)
    with ProcessPoolExecutor(PROCESSES, initializer=partial(os.nice, 10)) as pool:
        for tree, found in zip(trees, pool.map(read_folder, trees), strict=True):
            for name, reading, gaps in found:
                if reading is None:
                    lost = [gap for gap in gaps if gap.lost]
                    sys.stderr.write(f"{tree.tag}: {name} was not read: {lost[:3]}\n")
                else:
                    readings[name].append(reading)
    return unite(readings)


def unite(
    readings: dict[str, list[TreeReading]],
) -> tuple[list[Run], list[tuple[str, str, str]], list[Unsettled]]:
    """Return the rows of both files, and what is not settled."""
    decisions = read_decisions()
    runs: list[Run] = []
    read: list[tuple[str, str, str]] = []
    open_questions: list[Unsettled] = []
    for name, of_source in readings.items():
        settled, unsettled = settle(of_source, decisions)
        runs += find_runs(settled)
        open_questions += unsettled
        for tag, _ in settled:
            origins = [reading.origin for reading in of_source if reading.tag == tag]
            read.append((name, tag, "; ".join(origins)))
    runs.sort(key=lambda run: (run.kind, run.name, run.object, KernelVersion.parse(run.first)))
    return runs, read, open_questions


def write(name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    (HERE / "mainline" / name).write_text(text.getvalue(), encoding="utf-8", newline="")


def main() -> int:
    """Run as a script."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python data/build_relations.py FOLDER")
    runs, read, questions = build(Path(sys.argv[1]))
    write("relations.csv", [field.name for field in fields(Run)], [astuple(run) for run in runs])
    write("readings.csv", ["source", "tag", "origin"], read)
    for question in questions:
        sys.stdout.write(f"{question}\n")
    return int(bool(questions))


if __name__ == "__main__":
    sys.exit(main())
