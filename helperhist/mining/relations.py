"""The sources of whole trees at every release, into the runs of a timeline's relations."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from helperhist.errors import ParseError
from helperhist.git import Repository
from helperhist.mining.files import SOURCES, Files, TreeState
from helperhist.mining.trees import KINDS, Key, Values, fact_values, find_runs
from helperhist.printable import one_line, utf8
from helperhist.sources import Gap, Source
from helperhist.timeline import Reading, Run, Tag, Timeline
from helperhist.version import KernelVersion

__all__ = ["FIRST_RELEASE", "Mined", "SourceSummary", "read_relations", "readable", "values_at"]

#: The sources are held against trees from here on; what they read in older ones, nobody checked.
FIRST_RELEASE = KernelVersion.parse("4.4")
#: Sources that a kernel tree always has something for: where there is nothing, it was not read.
_NEVER_EMPTY = frozenset(("helper_use", "map_use"))


@dataclass(slots=True)
class SourceSummary:
    """What one source found.

    :ivar releases: read, of which ``reused`` were known from an older dataset
    :ivar facts: relations that a release has
    :ivar gaps: what was not read, by tag; those that lost a release among them
    :ivar lost: releases that could not be read
    :ivar lacking: why nothing was read; empty where something was
    """

    name: str
    releases: int = 0
    reused: int = 0
    facts: int = 0
    gaps: list[tuple[str, Gap]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    lacking: str = ""


@dataclass(frozen=True, slots=True)
class Mined:
    """The relations of a repository, and how they were found."""

    runs: tuple[Run, ...]
    readings: tuple[Reading, ...]
    summaries: tuple[SourceSummary, ...]


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
    tags: Iterable[Tag],
    sources: Sequence[str],
    previous: Timeline | None = None,
    *,
    kernel: bool,
    strict: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Mined:
    """Read sources at the releases among some tags.

    :param previous: an older dataset, whose tags are still the same
    :param kernel: whether the tags are named as the kernel's
    :param strict: what a source cannot read, so that facts may be missing, is an error
    :raises RepositoryError: a file is missing or damaged
    :raises ParseError: a source cannot read a file, and ``strict`` is set
    """
    releases = readable(tags) if kernel else []
    reason = ""
    if not releases:
        reason = "no release of the kernel from 4.4 on is tagged"
    elif repository.promisor() is not None:
        reason = "the clone is partial and lacks them; give a whole one"
    known = {} if reason else _known(previous, sources)
    summaries = {name: SourceSummary(name, lacking=reason) for name in sources}
    values: dict[str, dict[str, Values]] = {name: dict(known.get(name, {})) for name in sources}
    wanted = {
        name: SOURCES[name]
        for name in sources
        if any(tag.name not in values[name] for tag in releases)
    }
    if wanted and not reason:
        _read(repository, releases, wanted, values, summaries, strict=strict, progress=progress)
    runs: list[Run] = []
    readings: list[Reading] = []
    for name in sources:
        read = [(tag.name, values[name][tag.name]) for tag in releases if tag.name in values[name]]
        found = find_runs(read)
        runs += found
        readings += [
            Reading(name, tag.name, tag.commit) for tag in releases if tag.name in values[name]
        ]
        summary = summaries[name]
        summary.releases, summary.reused = len(read), len(known.get(name, {}))
        summary.facts = len({(run.kind, run.name, run.object) for run in found})
        if not read and not summary.lacking:
            found_none = "nothing was found in any tree"
            summary.lacking = found_none if summary.lost else "no tag has the files of a kernel"
    order = {tag.name: tag.version for tag in releases}
    runs.sort(key=lambda run: (run.kind, run.name, run.object, order[run.first]))
    return Mined(tuple(runs), tuple(readings), tuple(summaries.values()))


def values_at(timeline: Timeline, name: str) -> dict[str, dict[Key, str]]:
    """Return what a source read at each release: the value of each fact, by tag, oldest first.

    :param name: of the source
    """
    relations = timeline.relations
    order = [item.tag for item in relations.readings if item.source == name]
    order.sort(key=KernelVersion.parse)
    place = {tag: at for at, tag in enumerate(order)}
    found: dict[str, dict[Key, str]] = {tag: {} for tag in order}
    for run in relations.runs:
        if run.kind not in KINDS[name]:
            continue
        end = len(order) - 1 if run.last is None else place[run.last]
        key = run.kind, run.name, run.object
        for tag in order[place[run.first] : end + 1]:
            found[tag][key] = run.value
    return found


def _known(previous: Timeline | None, sources: Sequence[str]) -> dict[str, dict[str, Values]]:
    """Return what an older dataset says of each release, for sources that are the same."""
    if previous is None:
        return {}
    versions = dict(previous.metadata.sources)
    return {
        name: dict(values_at(previous, name))
        for name in sources
        if versions.get(name) == SOURCES[name].version
    }


def _read(
    repository: Repository,
    releases: Sequence[Tag],
    sources: Mapping[str, Source],
    values: Mapping[str, dict[str, Values]],
    summaries: Mapping[str, SourceSummary],
    *,
    strict: bool,
    progress: Callable[[str, int, int], None] | None,
) -> None:
    files = Files(repository, sources)
    state: TreeState | None = None
    last: dict[str, tuple[object, Values]] = {}
    for done, tag in enumerate(releases):
        if progress is not None:
            progress("kernel trees", done, len(releases))
        if all(tag.name in values[name] for name in sources):
            continue
        state = files.read(tag.commit, state)
        for name in sources:
            if not state.kernel or tag.name in values[name]:
                continue
            facts, gaps = state.said[name].link()
            summaries[name].gaps += [(tag.name, gap) for gap in gaps]
            lost = next((gap for gap in gaps if gap.lost), None)
            if lost is not None and strict:
                raise ParseError(
                    f"{name} cannot read {tag.name}: {utf8(one_line(str(lost)))}; scan without "
                    "--strict to leave the release out"
                )
            if lost is not None or (name in _NEVER_EMPTY and not facts):
                summaries[name].lost.append(tag.name)
                continue
            if name not in last or last[name][0] is not facts:
                last[name] = facts, fact_values(facts, KINDS[name])
            values[name][tag.name] = last[name][1]
