"""Build the embedded dataset, ``data/mainline``, from a clone of iproute2.

    python data/build.py ~/iproute2

iproute2 carries the kernel's own ``bpf.h`` and has a tag for each kernel release from v4.1.0 on.
What came before stands in ``early.csv``; release dates and introducing commits in the two other
tables beside this file. See README.md for where they come from.
"""

import csv
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import helperhist
from helperhist.dataset import write_dataset
from helperhist.docs import Prototype, parse_prototype
from helperhist.history import Line, build_rows, find_events, find_spans
from helperhist.timeline import Metadata, Row, Tag, Timeline
from helperhist.uapi import Entry
from helperhist.version import KernelVersion

HERE = Path(__file__).parent

#: The lists of which early.csv tells all that came before 4.1.
COMPLETE_KINDS = frozenset(("helper", "cmd", "map_type", "prog_type"))

EARLY_TAGS = ("v3.18", "v3.19", "v4.0")


def read_table(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def build(repository: Path) -> Timeline:
    """Return the embedded timeline."""
    scanned = helperhist.scan(repository, commits=False)
    dates = {row["tag"]: row["released"] for row in read_table("kernel_releases.csv")}
    tags: list[Tag] = []
    snapshots: dict[str, Mapping[str, Entry]] = {}

    names: dict[str, Entry] = {}
    early = read_table("early.csv")
    for name in EARLY_TAGS:
        names = dict(names)
        for row in early:
            if row["tag"] == name:
                names[row["name"]] = Entry(row["kind"], row["name"], int(row["id"]))
        tags.append(Tag(name, KernelVersion.parse(name), "", "", dates[name], "", ""))
        snapshots[name] = names

    for tag in scanned.releases:
        name = f"v{tag.version}"
        # Objects of iproute2 are no objects of the kernel; the header's id shows what was read.
        tags.append(Tag(name, tag.version, "", "", dates.get(name), tag.path, tag.blob))
        snapshots[name] = {
            item.name: Entry(item.kind, item.name, item.id)
            for item in scanned.present(tag).values()
        }

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
    first = f"v{scanned.releases[0].version}"

    def complete(row: Row) -> Row:
        return replace(
            row,
            commit=commits.get((row.kind, row.name)),
            former_names=former.get(row.name, ()),
            or_earlier=row.first_tag == first and row.kind not in COMPLETE_KINDS,
        )

    rows = [
        complete(row)
        for row in build_rows([line], {"": spans}, complete=True, prototypes=prototypes)
    ]
    metadata = Metadata(
        source=f"mainline releases {tags[0].name} to {tags[-1].name}, from iproute2's copies of "
        "the kernel's bpf.h",
        paths=scanned.metadata.paths,
        pattern=scanned.metadata.pattern,
        tags=len(tags),
        newest=tags[-1].name,
        kernel=True,
        version=helperhist.__version__,
        notes=(
            "Mainline only: distributions backport without changing the version number.",
            f"Flags, fields and other enumerations are known from {first} on.",
        ),
    )
    return Timeline(metadata, rows, lambda: tags, lambda: spans, lambda: events, lambda: ())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python data/build.py IPROUTE2_REPOSITORY")
    write_dataset(build(Path(sys.argv[1])), HERE / "mainline")
