"""The sources of whole trees at every release, into the parts of a timeline's relations."""

from collections.abc import Iterable, Sequence

from helperhist.git import Repository
from helperhist.mining.begins import Begins
from helperhist.mining.reader import Progress, Reader
from helperhist.mining.stable import find_series
from helperhist.mining.summaries import SourceSummary
from helperhist.mining.trees import find_runs
from helperhist.timeline import Parts, Reading, Run, Tag, Timeline
from helperhist.version import KernelVersion

__all__ = ["FIRST_RELEASE", "read_relations", "readable"]

#: The sources are held against trees from here on; what they read in older ones, nobody checked.
FIRST_RELEASE = KernelVersion.parse("4.4")


def readable(tags: Iterable[Tag]) -> list[Tag]:
    """Return the releases of mainline that sources read, oldest first."""
    found = [
        tag
        for tag in tags
        if tag.version.rc is None
        and not tag.version.is_stable
        and not tag.version.build
        and tag.name == f"v{tag.version}"
        and tag.version >= FIRST_RELEASE
    ]
    return sorted(found, key=lambda tag: tag.version)


def read_relations(
    repository: Repository,
    tags: Sequence[Tag],
    sources: Sequence[str],
    previous: Timeline | None = None,
    *,
    kernel: bool,
    commits: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
) -> tuple[Parts, tuple[SourceSummary, ...]]:
    """Read sources at the releases among some tags, and at the updates of these.

    :param previous: an older dataset, whose tags are still the same
    :param kernel: whether the tags are named as the kernel's
    :param commits: whether to look for the introducing commits
    :param strict: what a source cannot read, so that facts may be missing, is an error
    :raises RepositoryError: an object is missing or damaged
    :raises ParseError: a source cannot read a file, and ``strict`` is set
    """
    releases = readable(tags) if kernel else []
    reason = ""
    if not releases:
        reason = "no release of the kernel from 4.4 on is tagged"
    elif repository.promisor() is not None:
        reason = "the clone is partial and lacks them; give a whole one"
    if reason:
        return Parts(), tuple(SourceSummary(name, lacking=reason) for name in sources)
    reader = Reader(
        repository, releases, find_series(tags, releases), sources, previous,
        strict=strict, progress=progress,
    )  # fmt: skip
    reader.read(commits=commits)
    stable, updates = reader.read_series()
    runs: list[Run] = []
    readings: list[Reading] = []
    order = {tag.name: at for at, tag in enumerate(releases)}
    for name in sources:
        read = [tag for tag in releases if tag.name in reader.values[name]]
        found = find_runs([(tag.name, reader.values[name][tag.name]) for tag in read])
        runs += found
        readings += [Reading(name, tag.name, tag.commit) for tag in read]
        _summarize(reader, name, found, len(read))
    runs.sort(key=lambda run: (run.kind, run.name, run.object, order[run.first]))
    place = {tag.name: at for at, tag in enumerate(sorted(tags, key=lambda tag: tag.version))}
    lost = sorted(reader.lost.values(), key=lambda item: (item.source, place[item.tag]))
    files = sorted(reader.files, key=lambda item: (item.source, item.path)) if readings else []
    begins = Begins(repository, reader, previous, progress).find(runs) if commits else []
    parts = Parts(runs, readings, begins, lost, files, stable, updates)
    return parts, tuple(reader.summaries.values())


def _summarize(reader: Reader, name: str, runs: Iterable[Run], releases: int) -> None:
    summary = reader.summaries[name]
    summary.releases = releases
    summary.facts = len({(run.kind, run.name, run.object) for run in runs})
    summary.lost = [tag for source, tag in reader.lost if source == name]
    if not releases:
        summary.lacking = (
            "nothing was found in any tree" if summary.lost else "no tag has the files of a kernel"
        )
