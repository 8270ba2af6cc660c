"""Build the embedded dataset, ``data/mainline``, from a clone of iproute2.

    python data/build.py ~/iproute2

iproute2 carries the kernel's own ``bpf.h`` and has a tag for each kernel release from v4.1.0 on.
What came before stands in ``early.csv``, what iproute2's copies lack in ``corrections.csv``,
release dates and introducing commits in the other tables beside this file. See README.md for where
they come from.
"""

import csv
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import helperhist
from helperhist.dataset.store import write_dataset
from helperhist.mining.history import Line, build_rows, find_events, find_spans
from helperhist.sources.docs import Prototype, parse_prototype
from helperhist.timeline import Fact, Metadata, Row, Tag, Timeline
from helperhist.version import KernelVersion

HERE = Path(__file__).parent

EARLY_TAGS = ("v3.18", "v3.19", "v4.0")


def read_table(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_entry(row: dict[str, str]) -> Fact:
    return Fact.of(row["kind"], row["name"], int(row["id"]) if row["id"] else None)


def build(repository: Path) -> Timeline:
    """Return the embedded timeline."""
    scanned = helperhist.scan(repository, commits=False)
    dates = {row["tag"]: row["released"] for row in read_table("kernel_releases.csv")}
    tags: list[Tag] = []
    snapshots: dict[str, Mapping[str, Fact]] = {}

    names: dict[str, Fact] = {}
    early = [(row["tag"], read_entry(row)) for row in read_table("early.csv")]
    for name in EARLY_TAGS:
        names = {**names, **{entry.name: entry for tag, entry in early if tag == name}}
        tags.append(Tag(name, KernelVersion.parse(name), "", "", dates[name], "", ""))
        snapshots[name] = names

    corrections = [
        (KernelVersion.parse(row["tag"]), read_entry(row)) for row in read_table("corrections.csv")
    ]
    for tag in scanned.releases:
        name = f"v{tag.version}"
        # Objects of iproute2 are no objects of the kernel; the header's id shows what was read.
        tags.append(Tag(name, tag.version, "", "", dates.get(name), tag.path, tag.blob))
        missed = {entry.name: entry for since, entry in corrections if since <= tag.version}
        snapshots[name] = missed | scanned.present(tag)

    line = Line("", tuple(tags))
    spans = find_spans(line, snapshots)
    events, former = find_events([line], snapshots)
    prototypes: dict[str, tuple[Prototype, tuple[str, ...]]] = {}
    for row in scanned.helpers:
        prototype = parse_prototype(row.prototype or "")
        if prototype is not None:
            prototypes[row.name] = (prototype, row.attributes)
    commits = {
        (row["kind"], row["name"]): row["commit"] for row in read_table("introducing_commits.csv")
    }

    def complete(row: Row) -> Row:
        return replace(
            row,
            commit=commits.get((row.kind, row.name)),
            former_names=former.get(row.name, ()),
        )

    rows = [
        complete(row)
        for row in build_rows([line], {"": spans}, complete=True, prototypes=prototypes)
    ]
    metadata = Metadata(
        source=f"{tags[0].name} to {tags[-1].name}, from iproute2's copies of bpf.h",
        paths=scanned.metadata.paths,
        pattern=scanned.metadata.pattern,
        tags=len(tags),
        newest=tags[-1].name,
        kernel=True,
        version=helperhist.__version__,
        notes=("Mainline only: distributions backport without changing the version number.",),
    )
    return Timeline(metadata, rows, lambda: tags, lambda: spans, lambda: events, lambda: ())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python data/build.py IPROUTE2_REPOSITORY")
    write_dataset(build(Path(sys.argv[1])), HERE / "mainline")
