"""Build the embedded dataset, ``data/mainline``, or check that it is what would be built.

    python data/build.py ~/linux                   from the kernel's own repository, all at once
    python data/build.py ~/iproute2 ~/trees        from copies, as the embedded one was made

With ``--check``, nothing is written: the files are compared byte for byte, and the rows that differ
are printed; exit code 1 if any does. The kernel's repository has more releases of whole trees than
there are copies, so that bounds are narrower there. See README.md for where the tables beside this
file come from.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from names import Names, prototypes_of, read_names
from statements import find_evidence, find_witnesses, read_table
from trees import Related, read_trees

import helperhist
from helperhist.dataset.files import FILES, render_dataset
from helperhist.dataset.store import write_dataset
from helperhist.git import DEFAULT_TAGS
from helperhist.mining.events import find_events
from helperhist.mining.files import SOURCES
from helperhist.mining.lines import Line, find_spans, settle_kinds
from helperhist.mining.rows import build_rows
from helperhist.timeline import HEADER, Metadata, Parts, Reading, Row, Tag, Timeline

HERE = Path(__file__).parent
EMBEDDED = HERE / "mainline"
NOTES = ("Mainline only: distributions backport without changing the version number.",)
_SHOWN = 20


def build(iproute2: Path, trees: Path) -> Timeline:
    """Return the embedded timeline, from copies.

    :raises SystemExit: copies differ, and nothing settles it
    """
    names, related = read_names(iproute2), read_trees(trees)
    if related.unsettled:
        raise SystemExit("\n".join(map(str, related.unsettled)))
    commits = {
        (row["kind"], row["name"]): row["commit"] for row in read_table("introducing_commits.csv")
    }
    messages = {row["commit"]: row for row in read_table("commit_messages.csv")}

    def complete(row: Row) -> Row:
        commit = commits.get((row.kind, row.name))
        message = messages.get(commit or "", {})
        date, subject = message.get("author_date") or None, message.get("subject")
        return replace(row, commit=commit, author_date=date, subject=subject)

    return assemble(names, related, complete)


def build_from_kernel(repository: Path) -> Timeline:
    """Return the embedded timeline, from the kernel's own repository."""
    scanned = helperhist.scan(repository)
    parts = scanned.parts
    for lost in parts.lost:
        sys.stderr.write(f"{lost.tag}: {lost.source} was not read: {lost.path}: {lost.what}\n")
    commits = {row.name: row for row in scanned.rows}
    names = Names(paths=scanned.metadata.paths, prototypes=prototypes_of(scanned))
    for tag in scanned.releases:
        names.tags.append(tag)
        names.snapshots[tag.name] = scanned.present(tag)
        names.readings.append(Reading(HEADER, tag.name, f"mainline {tag.name}"))
    readings = [replace(item, origin=f"mainline {item.tag}") for item in parts.readings]
    related = Related(list(parts.runs), readings, [], [], list(parts.introductions))

    def complete(row: Row) -> Row:
        known = commits[row.name]
        return replace(
            row,
            commit=known.commit,
            author_date=known.author_date,
            commit_date=known.commit_date,
            subject=known.subject,
        )

    return assemble(names, related, complete)


def assemble(names: Names, related: Related, complete: Callable[[Row], Row]) -> Timeline:
    """Put the embedded timeline together.

    :param complete: adds the introducing commit to a row
    """
    line = Line("", tuple(names.tags))
    settle_kinds([line], names.snapshots)
    spans = find_spans(line, names.snapshots)
    events, former = find_events([line], names.snapshots)
    rows = tuple(
        replace(complete(row), former_names=former.get(row.name, ()))
        for row in build_rows([line], {"": spans}, complete=True, prototypes=names.prototypes)
    )
    readings = (*names.readings, *related.readings)
    evidence = (*names.dissents, *related.dissents, *find_evidence(rows))
    metadata = Metadata(
        source=_source(names.tags, related.readings),
        paths=names.paths,
        pattern=DEFAULT_TAGS,
        tags=len(names.tags),
        newest=names.tags[-1].name,
        kernel=True,
        version=helperhist.__version__,
        notes=NOTES,
    )
    return Timeline(
        metadata,
        rows,
        lambda: names.tags,
        lambda: spans,
        lambda: events,
        lambda: (),
        relations=lambda _: Parts(related.runs, readings, related.introductions),
        evidence=lambda _: (evidence, find_witnesses(readings, evidence)),
    )


def _source(tags: Sequence[Tag], readings: Sequence[Reading]) -> str:
    """Say in a line what the data has."""
    read = [item.tag.removeprefix("v") for item in readings if item.source in SOURCES]
    return (
        f"bpf.h of {tags[0].version} to {tags[-1].version}, kernel trees of {read[0]} to {read[-1]}"
    )


def differences(ours: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Yield how the files of a dataset differ from those of a folder, the rows of each side."""
    for name in sorted(FILES):
        path = folder / name
        there = path.read_bytes().decode() if path.is_file() else ""
        built = ours.get(name, "")
        if built == there:
            continue
        new, old = built.splitlines(), there.splitlines()
        for mark, lines, others in (("-", old, set(new)), ("+", new, set(old))):
            rows = [line for line in lines if line not in others]
            yield from (f"{name}: {mark} {row}" for row in rows[:_SHOWN])
            if len(rows) > _SHOWN:
                yield f"{name}: {mark} ... {len(rows) - _SHOWN} more rows"
        if set(new) == set(old):
            yield f"{name}: other order or line ends"


def main() -> int:
    """Run as a script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", type=Path, help="a clone of the kernel, or of iproute2")
    parser.add_argument("trees", type=Path, nargs="?", help="kernel trees, with iproute2")
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    options = parser.parse_args()
    if options.trees is None:
        timeline = build_from_kernel(options.repository)
    else:
        timeline = build(options.repository, options.trees)
    if not options.check:
        write_dataset(timeline, EMBEDDED)
        return 0
    found = list(differences(render_dataset(timeline), EMBEDDED))
    sys.stdout.write("".join(f"{line}\n" for line in found) or "no row differs\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
