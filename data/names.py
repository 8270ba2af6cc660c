"""The names of ``bpf.h`` at every release, from a clone of iproute2 and the tables here.

iproute2 carries the kernel's own ``bpf.h`` and has a tag for each kernel release from v4.1.0 on.
What came before stands in ``early.csv``, what came after its newest tag read here in
``later.csv``, what its copies lack in ``corrections.csv``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from statements import read_table

import helperhist
from helperhist.mining.lines import Snapshot
from helperhist.sources.docs import Prototype, parse_prototype
from helperhist.timeline import ABSENT, HEADER, Evidence, Fact, Reading, Tag, Timeline
from helperhist.version import KernelVersion

__all__ = ["Names", "prototypes_of", "read_names"]

EARLY_TAGS = ("v3.18", "v3.19", "v4.0")
#: The copies of later releases: stable updates, see ``later.csv``.
LATER_TAGS = {
    "v7.2": "Debian 7.2.6-1~bpo13+1 (orig.tar of linux (upstream stable, no Debian patches))",
    "v7.3": "Debian 7.3.4-1~bpo13+1 (linux-source-7.3)",
}


@dataclass(slots=True)
class Names:
    """What the releases have.

    :ivar tags: oldest first
    :ivar snapshots: by tag
    :ivar readings: from which copies
    :ivar prototypes: of helpers, with their attributes
    :ivar dissents: what copies lack that they should have
    :ivar paths: where the header is in them
    """

    tags: list[Tag] = field(default_factory=list)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    prototypes: dict[str, tuple[Prototype, tuple[str, ...]]] = field(default_factory=dict)
    dissents: list[Evidence] = field(default_factory=list)
    paths: tuple[str, ...] = ()


def read_names(repository: Path) -> Names:
    """Return the names of all releases.

    :param repository: a clone of iproute2
    """
    scanned = helperhist.scan(repository, commits=False, sources=("bpf.h",))
    dates = {row["tag"]: row["released"] or None for row in read_table("kernel_releases.csv")}
    names = Names(paths=scanned.metadata.paths, prototypes=prototypes_of(scanned))

    def add(tag: Tag, held: Snapshot, origin: str) -> None:
        names.tags.append(tag)
        names.snapshots[tag.name] = held
        names.readings.append(Reading(HEADER, tag.name, origin))

    def add_table(table: str, origins: Iterable[tuple[str, str]]) -> None:
        """Add releases that have what the one before has, and what a table says."""
        new = list(_entries(table))
        for name, origin in origins:
            held = dict(names.snapshots[names.tags[-1].name]) if names.tags else {}
            held.update((entry.name, entry) for tag, entry in new if tag == name)
            add(Tag(name, KernelVersion.parse(name), "", "", dates[name], "", ""), held, origin)

    add_table("early.csv", [(name, f"mainline {name}") for name in EARLY_TAGS])
    corrections = [(KernelVersion.parse(tag), entry) for tag, entry in _entries("corrections.csv")]
    for tag in scanned.releases:
        if tag.version >= KernelVersion.parse(next(iter(LATER_TAGS))):
            continue
        name, origin = f"v{tag.version}", f"iproute2 {tag.name}"
        copied = {
            item.name: Fact.of(item.kind, item.name, item.id)
            for item in scanned.present(tag).values()
        }
        missed = {entry.name: entry for since, entry in corrections if since <= tag.version}
        names.dissents += [
            Evidence(entry.kind, entry.name, "", name, ABSENT, origin, f"{tag.path}, {tag.blob}")
            for entry in missed.values()
            if entry.name not in copied
        ]
        # Objects of iproute2 are no objects of the kernel; the header's id shows what was read.
        known = Tag(name, tag.version, "", "", dates[name], tag.path, tag.blob)
        add(known, missed | copied, origin)
    add_table("later.csv", LATER_TAGS.items())
    return names


def prototypes_of(scanned: Timeline) -> dict[str, tuple[Prototype, tuple[str, ...]]]:
    """Return the prototypes of helpers, with their attributes."""
    found = {}
    for row in scanned.helpers:
        prototype = parse_prototype(row.prototype or "")
        if prototype is not None:
            found[row.name] = prototype, row.attributes
    return found


def _entries(table: str) -> Iterator[tuple[str, Fact]]:
    for row in read_table(table):
        number = int(row["id"]) if row["id"] else None
        yield row["tag"], Fact.of(row["kind"], row["name"], number)
