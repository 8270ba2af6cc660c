"""Timelines for the tests of frames, figures and exports."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from helperhist.mining.events import find_events
from helperhist.mining.lines import find_spans, make_lines
from helperhist.mining.rows import build_rows
from helperhist.timeline import Fact, Metadata, Tag, Timeline
from helperhist.version import KernelVersion

Snapshots = Mapping[str, Sequence[Fact]]


def make_timeline(
    snapshots: Snapshots, dates: Mapping[str, str] | None = None, complete: bool = True
) -> Timeline:
    """Build a timeline from what each tag has, as a scan does; tags in any order."""
    named = {tag: {entry.name: entry for entry in entries} for tag, entries in snapshots.items()}
    tags = [
        Tag(name, KernelVersion.parse(name), "", "", (dates or {}).get(name), "bpf.h", "")
        for name in snapshots
    ]
    lines = make_lines(tags)
    spans = {line.series: find_spans(line, named) for line in lines}
    rows = build_rows(lines, spans, complete=complete, prototypes={})
    events, former = find_events(lines, named)
    rows = tuple(replace(row, former_names=former.get(row.name, ())) for row in rows)
    ordered = sorted(tags, key=lambda tag: (tag.version, tag.name))
    return Timeline(
        Metadata("a test", kernel=True, notes=("A note.",)),
        rows,
        lambda: ordered,
        lambda: [span for line in lines for span in spans[line.series]],
        lambda: events,
        lambda: (),
    )


def helpers(*names: str, start: int = 1) -> list[Fact]:
    """Entries of helpers with numbers from ``start`` on."""
    return [Fact.of("helper", f"bpf_{name}", start + at) for at, name in enumerate(names)]


def with_author_dates(timeline: Timeline, days: int) -> Timeline:
    """Date the commit of each helper that many days before the release; invented, for tests."""
    from datetime import date, timedelta

    def dated(released: str) -> str:
        return f"{date.fromisoformat(released) - timedelta(days=days)}T00:00:00Z"

    rows = [
        replace(row, author_date=dated(row.released))
        if row.kind == "helper" and row.released
        else row
        for row in timeline.rows
    ]
    return Timeline(
        timeline.metadata,
        rows,
        lambda: timeline.tags,
        lambda: timeline.spans,
        lambda: timeline.events,
        lambda: timeline.docs,
    )
