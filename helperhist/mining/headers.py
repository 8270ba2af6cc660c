"""The header at every tag of a repository, into rows, spans and events."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from helperhist.errors import ParseError
from helperhist.git import CommitInfo, ObjectTooLarge, Repository, fetched_headers
from helperhist.mining.descriptions import newest_docs
from helperhist.mining.events import find_events
from helperhist.mining.lines import Snapshot, find_spans, make_lines, settle_kinds, tag_key
from helperhist.mining.rows import build_rows
from helperhist.mining.walk import Crew, introducing_commits
from helperhist.sources import HeaderReader, HelperDoc, Prototype, parse_prototype
from helperhist.timeline import Doc, Fact, Metadata, Row, Tag, Timeline

__all__ = ["HEADER", "HEADER_VERSION", "HeaderSummary", "scan_header"]

#: The source of names, beside those of whole trees; and its version.
HEADER = "bpf.h"
HEADER_VERSION = 1

Progress = Callable[[str, int, int], None]


class HeaderSummary(Protocol):
    """What a scan of headers did; see :class:`helperhist.mining.scanning.Summary`."""

    reused: int
    unknown: int


@dataclass(slots=True)
class _Read:
    """What the tags hold."""

    tags: list[Tag]
    snapshots: dict[str, Snapshot]
    docs: dict[str, tuple[HelperDoc, str]] = field(default_factory=dict)


def scan_header(
    repository: Repository,
    found: Sequence[Tag],
    metadata: Metadata,
    old: Timeline | None,
    summary: HeaderSummary,
    *,
    complete: bool,
    progress: Progress | None,
) -> Timeline:
    """Read the header at some tags into a timeline without relations."""
    versions = dict(metadata.sources)
    if HEADER not in versions:
        tags = sorted(found, key=tag_key)
        return Timeline(metadata, (), lambda: tags, lambda: (), lambda: (), lambda: ())
    if old is not None and dict(old.metadata.sources).get(HEADER) != versions[HEADER]:
        old = None
    if old is not None and _unchanged(old, found, complete=complete):
        summary.reused = len(found)
        summary.unknown = sum(row.commit is None for row in old.rows) if metadata.commits else 0
        seen, spans, events, docs = old.tags, old.spans, old.events, old.docs
        return Timeline(
            metadata, old.rows, lambda: seen, lambda: spans, lambda: events, lambda: docs
        )
    read = _take_over(old) if old is not None else _Read([], {})
    summary.reused = len(read.tags)
    new = [tag for tag in found if tag.name not in read.snapshots]
    begins = [tag.commit for tag in found] if metadata.commits else []
    with fetched_headers(repository, [tag.blob for tag in new], begins), Crew(repository) as crew:
        if metadata.commits and old is None:
            crew.prepare()
        _read_tags(repository, new, read, progress)
        timeline, summary.unknown = _assemble(
            repository, read, metadata, old, crew, complete=complete, progress=progress
        )
    return timeline


def _unchanged(old: Timeline, found: Sequence[Tag], *, complete: bool) -> bool:
    """Whether nothing that rows are made of is new."""
    if {tag.name: tag for tag in old.tags} != {tag.name: tag for tag in found}:
        return False
    # Tags without the header leave no trace but this.
    return old.begins_open != complete


def _take_over(old: Timeline) -> _Read:
    """Return what an older dataset knows of its tags, which are still the same."""
    entries: dict[Fact, Fact] = {}
    snapshots: dict[str, Snapshot] = {}
    blobs: dict[tuple[str, str], Snapshot] = {}
    for tag in old.tags:
        line = tag.version.series if tag.version.is_stable else ""
        known = blobs.get((tag.blob, line))
        if known is None:
            known = blobs[tag.blob, line] = {
                name: entries.setdefault(item, item) for name, item in old.present(tag).items()
            }
        snapshots[tag.name] = known
    docs = {doc.name: (doc.description, doc.returns, doc.tag) for doc in old.docs}
    known_docs: dict[str, tuple[HelperDoc, str]] = {}
    for row in old.helpers:
        prototype = parse_prototype(row.prototype or "")
        if prototype is not None and str(prototype) == row.prototype and row.name in docs:
            description, returns, source = docs[row.name]
            known_docs[row.name] = (
                HelperDoc(prototype, description, returns, row.attributes),
                source,
            )
    return _Read(list(old.tags), snapshots, known_docs)


def _read_tags(
    repository: Repository, tags: Sequence[Tag], read: _Read, progress: Progress | None
) -> None:
    """Read the headers of tags, the oldest first: each distinct header once."""
    reader = HeaderReader()
    snapshots: dict[str, Snapshot] = {}
    last: tuple[tuple[Fact, ...], Snapshot] | None = None
    for done, tag in enumerate(sorted(tags, key=tag_key)):
        if progress is not None:
            progress("headers", done, len(tags))
        known = snapshots.get(tag.blob)
        if known is None:
            what = f"{tag.path} at {tag.name}"
            try:
                entries = reader.read(repository.read(tag.blob, what), what)
            except (ParseError, ObjectTooLarge) as error:
                raise ParseError(f"{error}; leave it out (--tags, --path)") from error
            if last is None or entries is not last[0]:
                last = entries, {entry.name: entry for entry in entries}
            known = snapshots[tag.blob] = last[1]
        read.snapshots[tag.name] = known
        read.tags.append(tag)


def _assemble(
    repository: Repository,
    read: _Read,
    metadata: Metadata,
    old: Timeline | None,
    crew: Crew,
    *,
    complete: bool,
    progress: Progress | None,
) -> tuple[Timeline, int]:
    """Put the timeline together from what all tags hold."""
    reused = frozenset(tag.name for tag in old.tags) if old is not None else frozenset()
    known = frozenset(
        row.name
        for row in (old.helpers if old is not None else ())
        if row.prototype is None or row.name in read.docs
    )
    newest_docs(repository, read, reused, known)
    lines = make_lines(read.tags)
    settle_kinds(lines, read.snapshots)
    spans = {line.series: find_spans(line, read.snapshots) for line in lines}
    events, former = find_events(lines, read.snapshots)
    prototypes: Mapping[str, tuple[Prototype, tuple[str, ...]]] = {
        name: (doc.prototype, doc.attributes) for name, (doc, _) in read.docs.items()
    }
    rows = [
        replace(row, former_names=former.get(row.name, ()))
        for row in build_rows(lines, spans, complete=complete, prototypes=prototypes)
    ]
    unknown = 0
    if metadata.commits:
        rows = _with_commits(repository, rows, read.tags, old, crew, progress)
        unknown = sum(row.commit is None for row in rows)
    helpers = [row.name for row in rows if row.kind == "helper"]
    docs = [
        Doc(name, tag, doc.description, doc.returns)
        for name in helpers
        if name in read.docs
        for doc, tag in [read.docs[name]]
    ]
    ordered = sorted(read.tags, key=tag_key)
    all_spans = [span for line in lines for span in spans[line.series]]
    timeline = Timeline(
        metadata, rows, lambda: ordered, lambda: all_spans, lambda: events, lambda: docs
    )
    return timeline, unknown


def _with_commits(
    repository: Repository,
    rows: Sequence[Row],
    tags: Iterable[Tag],
    old: Timeline | None,
    crew: Crew,
    progress: Progress | None,
) -> list[Row]:
    """Fill in the introducing commits; those known of the same tag are taken over."""
    commits = {tag.name: tag.commit for tag in tags}
    known = {(row.name, row.first_tag): row for row in old.rows} if old is not None else {}
    tasks: dict[str, set[str]] = {}
    for row in rows:
        if (row.name, row.first_tag) not in known and row.first_tag is not None:
            tasks.setdefault(commits[row.first_tag], set()).add(row.name)

    def report(done: int, total: int) -> None:
        if progress is not None:
            progress("introducing commits", done, total)

    found = introducing_commits(
        repository, {commit: frozenset(names) for commit, names in tasks.items()}, report, crew
    )
    filled = []
    for row in rows:
        same = known.get((row.name, row.first_tag))
        if same is not None:
            info: CommitInfo | Row | None = same
            commit = same.commit
        else:
            info = found.get(row.name)
            commit = info.id if isinstance(info, CommitInfo) else None
        if info is None:
            filled.append(row)
            continue
        filled.append(
            replace(
                row,
                commit=commit,
                author_date=info.author_date,
                commit_date=info.commit_date,
                subject=info.subject,
            )
        )
    return filled
