"""Scan a repository into a timeline: mining, parsing and history put together."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from helperhist.dataset import FORMAT
from helperhist.errors import ParseError, RepositoryError
from helperhist.git import (
    DEFAULT_TAGS,
    KERNEL_PATHS,
    CommitInfo,
    ObjectTooLarge,
    Repository,
    TagRef,
    fetched_headers,
)
from helperhist.mining.files import SOURCES
from helperhist.mining.history import (
    Snapshot,
    build_rows,
    find_events,
    find_spans,
    follows,
    make_lines,
    merge_docs,
    settle_kinds,
)
from helperhist.mining.relations import SourceSummary, read_relations
from helperhist.mining.walk import Crew, introducing_commits
from helperhist.printable import utf8
from helperhist.sources import (
    HeaderReader,
    HelperDoc,
    Prototype,
    parse_docs,
    parse_prototype,
)
from helperhist.timeline import Doc, Fact, Metadata, Parts, Row, Tag, Timeline

__all__ = ["HEADER", "SOURCE_NAMES", "Progress", "Summary", "scan", "scan_with_summary"]

#: The source of names, beside those of whole trees; and its version.
HEADER = "bpf.h"
_HEADER_VERSION = 1
#: What a scan can read, in this order.
SOURCE_NAMES = (HEADER, *SOURCES)
#: Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Summary:
    """What a scan did.

    :ivar headers: distinct headers among the tags
    :ivar reused: tags taken over from the older dataset
    :ivar unknown: rows whose introducing commit is beyond the cut of a shallow clone
    """

    tags: int = 0
    headers: int = 0
    reused: int = 0
    unknown: int = 0
    skipped: tuple[tuple[str, int], ...] = ()
    #: Of the sources of whole trees.
    sources: tuple[SourceSummary, ...] = ()


@dataclass(slots=True)
class _Read:
    """What the tags hold."""

    tags: list[Tag]
    snapshots: dict[str, Snapshot]
    docs: dict[str, tuple[HelperDoc, str]] = field(default_factory=dict)


def scan(
    repo: str | Path,
    *,
    tags: str = DEFAULT_TAGS,
    paths: Sequence[str] = (),
    commits: bool = True,
    sources: Sequence[str] = SOURCE_NAMES,
    strict: bool = False,
    previous: Timeline | None = None,
    progress: Progress | None = None,
) -> Timeline:
    """Read the header at every tag of a repository, and kernel trees, into a timeline.

    :param repo: a work tree, a bare repository, or a folder in one
    :param tags: regular expression of the tags' whole names, with the group ``version``
    :param paths: where the header may be besides :data:`helperhist.git.repository.KERNEL_PATHS`
    :param commits: whether to look for the introducing commits
    :param sources: what to read, of :data:`SOURCE_NAMES`
    :param strict: a file that a source cannot read is an error, and not a gap
    :param previous: an earlier scan of the same repository, of which is reused what still holds;
        the result is the same with and without it
    :raises HelperhistError: the repository or a header cannot be read, or nothing is found
    """
    return scan_with_summary(
        repo, tags=tags, paths=paths, commits=commits, sources=sources, strict=strict,
        previous=previous, progress=progress,
    )[0]  # fmt: skip


def scan_with_summary(
    repo: str | Path,
    *,
    tags: str = DEFAULT_TAGS,
    paths: Sequence[str] = (),
    commits: bool = True,
    sources: Sequence[str] = SOURCE_NAMES,
    strict: bool = False,
    previous: Timeline | None = None,
    progress: Progress | None = None,
) -> tuple[Timeline, Summary]:
    """Scan like :func:`scan`, and tell what was done."""
    from helperhist import __version__

    chosen = [name for name in SOURCE_NAMES if name in sources]

    repository = Repository(Path(repo), (*KERNEL_PATHS, *paths))
    refs, skipped = repository.tags(tags)
    found = _locate(repository, refs, skipped, tags)
    head = repository.head
    metadata = Metadata(
        source=utf8(str(repository.folder)),
        paths=repository.paths,
        pattern=tags,
        head=head,
        time=repository.info(head).commit_date if head else None,
        tags=len(found),
        newest=max(found, key=_tag_key).name,
        skipped=tuple(sorted(skipped.items())),
        commits=commits,
        kernel=tags == DEFAULT_TAGS and any(_is_kernel_tag(tag) for tag in found),
        shallow=tuple(sorted(repository.shallow)),
        version=__version__,
        format=FORMAT,
        sources=tuple(
            sorted(
                (name, SOURCES[name].version if name in SOURCES else _HEADER_VERSION)
                for name in chosen
            )
        ),
    )
    summary = Summary(
        len(found), len({tag.blob for tag in found}), skipped=tuple(sorted(skipped.items()))
    )
    old = previous if previous is not None and _reusable(previous.metadata, metadata) else None
    current = {tag.name: tag for tag in found}
    if old is not None and any(current.get(tag.name) != tag for tag in old.tags):
        # A tag is gone or was moved: what it stood for may be in any row.
        old = None
    timeline = _scan_header(
        repository, found, metadata, old, summary,
        complete=_is_complete(refs, found), progress=progress,
    )  # fmt: skip
    parts, summary.sources = read_relations(
        repository,
        found,
        [name for name in chosen if name in SOURCES],
        old,
        kernel=metadata.kernel,
        commits=commits,
        strict=strict,
        progress=progress,
    )
    return _with_relations(timeline, parts), summary


def _scan_header(
    repository: Repository,
    found: Sequence[Tag],
    metadata: Metadata,
    old: Timeline | None,
    summary: Summary,
    *,
    complete: bool,
    progress: Progress | None,
) -> Timeline:
    """Read the header at some tags into a timeline without relations."""
    versions = dict(metadata.sources)
    if HEADER not in versions:
        tags = sorted(found, key=_tag_key)
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


def _with_relations(timeline: Timeline, parts: Parts) -> Timeline:
    return Timeline(
        timeline.metadata,
        timeline.rows,
        lambda: timeline.tags,
        lambda: timeline.spans,
        lambda: timeline.events,
        lambda: timeline.docs,
        relations=lambda name: parts,
    )


def _tag_key(tag: Tag | TagRef) -> tuple[object, str]:
    return (tag.version, tag.name)


def _is_kernel_tag(tag: Tag) -> bool:
    """Whether a tag is named as the kernel names a release: v5.10, not v5.10.0 as iproute2."""
    version = tag.version
    return version.rc is None and tag.name == f"v{version.series}" and version.major >= 3


def _is_complete(refs: Iterable[TagRef], found: Iterable[Tag]) -> bool:
    """Whether a release before the first one with the header shows that this one brought it."""
    first = min(found, key=_tag_key)
    before = max((ref for ref in refs if ref.version < first.version), key=_tag_key, default=None)
    return before is not None and follows(first, before)


def _unchanged(old: Timeline, found: Sequence[Tag], *, complete: bool) -> bool:
    """Whether nothing that rows are made of is new."""
    if {tag.name: tag for tag in old.tags} != {tag.name: tag for tag in found}:
        return False
    # Tags without the header leave no trace but this.
    return old.begins_open != complete


def _locate(
    repository: Repository, refs: Iterable[TagRef], skipped: Counter[str], pattern: str
) -> list[Tag]:
    """Return the tags that have the header; count the others."""
    found, before = [], len(skipped)
    total = 0
    for ref in refs:
        total += 1
        place = repository.header_path(ref.commit)
        if place is None:
            skipped["no header at this tag"] += 1
            continue
        path, blob = place
        found.append(Tag(ref.name, ref.version, ref.target, ref.commit, ref.date, path, blob))
    if found:
        return found
    if repository.is_empty:
        raise RepositoryError(f"{repository.folder} is empty; give a clone with tags")
    if total == 0:
        seen = ", ".join(f"{count} with {reason!r}" for reason, count in sorted(skipped.items()))
        hint = f" (skipped: {seen})" if before else "; it has no tags: run `git fetch --tags`"
        raise RepositoryError(
            f"no tag of {repository.folder} fits {pattern!r}{hint}; choose others with --tags"
        )
    raise RepositoryError(
        f"none of {total} tags of {repository.folder} has {' or '.join(repository.paths)}; "
        "name the header's path with --path"
    )


def _reusable(old: Metadata, new: Metadata) -> bool:
    """Whether what an older scan found still holds for tags that have not changed."""
    return (
        (old.format, old.version, old.source, old.paths, old.pattern, old.commits, old.shallow)
        == (new.format, new.version, new.source, new.paths, new.pattern, new.commits, new.shallow)
    )  # fmt: skip


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
    for done, tag in enumerate(sorted(tags, key=_tag_key)):
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


def _newest_docs(
    repository: Repository, read: _Read, reused: frozenset[str], known: frozenset[str]
) -> None:
    """Take each helper's documentation from the newest tag that has it.

    :param reused: tags whose documentation of some helpers has been taken over
    :param known: these helpers, described there or not
    """
    wanted = {
        entry.name
        for snapshot in {id(s): s for s in read.snapshots.values()}.values()
        for entry in snapshot.values()
        if entry.kind == "helper"
    }
    _document(repository, read, [tag for tag in read.tags if tag.name not in reused], wanted)
    # A helper that is new in the lists may be described at tags that are not.
    if fresh := wanted - known:
        _document(repository, read, [tag for tag in read.tags if tag.name in reused], fresh)


def _document(repository: Repository, read: _Read, tags: Iterable[Tag], wanted: set[str]) -> None:
    """Take the documentation of helpers from the newest of some tags, if it is newer."""
    keys = {tag.name: _tag_key(tag) for tag in read.tags}
    seen: set[str] = set()
    for tag in sorted(tags, key=_tag_key, reverse=True):
        if tag.blob in seen:
            continue
        seen.add(tag.blob)
        older = {
            name
            for name in wanted
            if name not in read.docs or keys[read.docs[name][1]] < keys[tag.name]
        }
        if not older:
            break
        data = repository.read(tag.blob, f"{tag.path} at {tag.name}")
        if not any(
            b" %s(" % name.encode() in data or b"*%s(" % name.encode() in data for name in older
        ):
            continue
        for name, doc in merge_docs(parse_docs(data)).items():
            if name in older:
                read.docs[name] = (doc, tag.name)


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
    _newest_docs(repository, read, reused, known)
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
    ordered = sorted(read.tags, key=_tag_key)
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
