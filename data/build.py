"""Build the embedded dataset, ``data/mainline``, from a clone of iproute2.

    python data/build.py ~/iproute2

iproute2 carries the kernel's own ``bpf.h`` and has a tag for each kernel release from v4.1.0 on.
What came before stands in ``early.csv``, what came after its newest tag read here in
``later.csv``, what its copies lack in ``corrections.csv``, release dates and introducing commits
in the other tables beside this file. See README.md for where they come from. The relations that
the folder has stay: ``build_relations.py`` makes them.
"""

import csv
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import helperhist
from helperhist.dataset.store import read_dataset, write_dataset
from helperhist.mining.history import (
    Line,
    Snapshot,
    build_rows,
    find_events,
    find_spans,
    settle_kinds,
)
from helperhist.sources.docs import Prototype, parse_prototype
from helperhist.timeline import Fact, Metadata, Parts, Relations, Row, Tag, Timeline
from helperhist.version import KernelVersion

HERE = Path(__file__).parent

EARLY_TAGS = ("v3.18", "v3.19", "v4.0")
LATER_TAGS = ("v7.2", "v7.3")


def read_table(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_entry(row: dict[str, str]) -> Fact:
    return Fact.of(row["kind"], row["name"], int(row["id"]) if row["id"] else None)


def build(repository: Path, relations: Relations) -> Timeline:
    """Return the embedded timeline.

    :param repository: a clone of iproute2
    :param relations: that it has
    """
    scanned = helperhist.scan(repository, commits=False)
    dates = {row["tag"]: row["released"] or None for row in read_table("kernel_releases.csv")}
    tags: list[Tag] = []
    snapshots: dict[str, Snapshot] = {}

    def add(table: str, releases: Iterable[str]) -> None:
        """Add releases that have what the one before has, and what a table says."""
        new = [(row["tag"], read_entry(row)) for row in read_table(table)]
        for name in releases:
            before = snapshots[tags[-1].name] if tags else {}
            tags.append(Tag(name, KernelVersion.parse(name), "", "", dates[name], "", ""))
            snapshots[name] = {
                **before,
                **{entry.name: entry for tag, entry in new if tag == name},
            }

    add("early.csv", EARLY_TAGS)
    corrections = [
        (KernelVersion.parse(row["tag"]), read_entry(row)) for row in read_table("corrections.csv")
    ]
    for tag in scanned.releases:
        if tag.version >= KernelVersion.parse(LATER_TAGS[0]):
            continue
        name = f"v{tag.version}"
        # Objects of iproute2 are no objects of the kernel; the header's id shows what was read.
        tags.append(Tag(name, tag.version, "", "", dates.get(name), tag.path, tag.blob))
        missed = {entry.name: entry for since, entry in corrections if since <= tag.version}
        copied = {
            item.name: Fact.of(item.kind, item.name, item.id)
            for item in scanned.present(tag).values()
        }
        snapshots[name] = missed | copied
    add("later.csv", LATER_TAGS)

    line = Line("", tuple(tags))
    settle_kinds([line], snapshots)
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

    messages = {row["commit"]: row for row in read_table("commit_messages.csv")}

    def complete(row: Row) -> Row:
        commit = commits.get((row.kind, row.name))
        message = messages.get(commit or "", {})
        return replace(
            row,
            commit=commit,
            author_date=message.get("author_date") or None,
            subject=message.get("subject"),
            former_names=former.get(row.name, ()),
        )

    rows = [
        complete(row)
        for row in build_rows([line], {"": spans}, complete=True, prototypes=prototypes)
    ]
    metadata = Metadata(
        source=_source(tags, relations),
        paths=scanned.metadata.paths,
        pattern=scanned.metadata.pattern,
        tags=len(tags),
        newest=tags[-1].name,
        kernel=True,
        version=helperhist.__version__,
        notes=("Mainline only: distributions backport without changing the version number.",),
    )
    return Timeline(
        metadata,
        rows,
        lambda: tags,
        lambda: spans,
        lambda: events,
        lambda: (),
        relations=lambda _: Parts(relations.runs, relations.readings),
    )


def _source(tags: Sequence[Tag], relations: Relations) -> str:
    """Say in a line what the data has."""
    source = f"bpf.h of {tags[0].version} to {tags[-1].version}"
    if read := relations.read("helper_use"):
        source += f", kernel trees of {read[0]} to {read[-1]}"
    return source


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python data/build.py IPROUTE2_REPOSITORY")
    folder = HERE / "mainline"
    write_dataset(build(Path(sys.argv[1]), read_dataset(folder).relations), folder)
