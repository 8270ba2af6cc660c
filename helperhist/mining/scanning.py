"""Scan a repository into a timeline: mining, parsing and history put together."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from helperhist.dataset import FORMAT
from helperhist.errors import RepositoryError
from helperhist.git import (
    DEFAULT_TAGS,
    KERNEL_PATHS,
    Repository,
    TagRef,
)
from helperhist.mining.files import SOURCES
from helperhist.mining.headers import HEADER, HEADER_VERSION, scan_header
from helperhist.mining.kernelrepo import is_kernel
from helperhist.mining.lines import follows, tag_key
from helperhist.mining.relations import read_relations
from helperhist.mining.summaries import SourceSummary
from helperhist.printable import one_line, utf8
from helperhist.timeline import Metadata, Parts, Tag, Timeline

__all__ = ["HEADER", "SOURCE_NAMES", "Progress", "Summary", "scan", "scan_with_summary"]

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
        newest=max(found, key=tag_key).name,
        skipped=tuple(sorted(skipped.items())),
        commits=commits,
        kernel=tags == DEFAULT_TAGS and not paths and is_kernel(repository, found),
        shallow=tuple(sorted(repository.shallow)),
        version=__version__,
        format=FORMAT,
        sources=tuple(
            sorted(
                (name, SOURCES[name].version if name in SOURCES else HEADER_VERSION)
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
    timeline = scan_header(
        repository, found, metadata, old, summary,
        complete=_is_complete(refs, found), progress=progress,
    )  # fmt: skip
    parts, summary.sources = read_relations(
        repository,
        found,
        [name for name in chosen if name in SOURCES],
        old,
        # Whether a tree is a kernel's, each is asked itself.
        kernel=tags == DEFAULT_TAGS,
        commits=commits,
        strict=strict,
        progress=progress,
    )
    return _with_relations(timeline, parts), summary


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


def _is_complete(refs: Iterable[TagRef], found: Iterable[Tag]) -> bool:
    """Whether a release before the first one with the header shows that this one brought it."""
    first = min(found, key=tag_key)
    before = max((ref for ref in refs if ref.version < first.version), key=tag_key, default=None)
    return before is not None and follows(first, before)


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
            f"no tag of {repository.folder} fits '{one_line(pattern)}'{hint}; choose others with "
            "--tags"
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
