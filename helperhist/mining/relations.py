"""The sources of whole trees at every release, into the parts of a timeline's relations."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from helperhist.errors import ParseError
from helperhist.git import Repository
from helperhist.mining.files import SOURCES, Files, Pieces, TreeState
from helperhist.mining.origins import Item, Origins
from helperhist.mining.trees import KINDS, Key, Values, find_runs
from helperhist.printable import one_line, utf8
from helperhist.sources import Gap
from helperhist.timeline import Introduction, Lost, Parts, Reading, Run, SourceFile, Tag, Timeline
from helperhist.version import KernelVersion

__all__ = ["FIRST_RELEASE", "SourceSummary", "read_relations", "readable", "values_at"]

#: The sources are held against trees from here on; what they read in older ones, nobody checked.
FIRST_RELEASE = KernelVersion.parse("4.4")
#: Sources that a kernel tree always has something for: where there is nothing, it was not read.
_NEVER_EMPTY = frozenset(("helper_use", "map_use"))

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class SourceSummary:
    """What one source found.

    :ivar releases: read, of which ``reused`` were known from an older dataset
    :ivar facts: relations that a release has
    :ivar gaps: what was not read, by tag; those that lost a release among them
    :ivar lost: releases that could not be read
    :ivar lacking: why nothing was read; empty where something was
    :ivar unknown: runs whose introducing commit was looked for and is not known
    """

    name: str
    releases: int = 0
    reused: int = 0
    facts: int = 0
    gaps: list[tuple[str, Gap]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    lacking: str = ""
    unknown: int = 0


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


def values_at(timeline: Timeline, name: str) -> dict[str, dict[Key, str]]:
    """Return what a source read at each release: the value of each fact, by tag, oldest first.

    :param name: of the source
    """
    parts = timeline.parts
    order = [item.tag for item in parts.readings if item.source == name]
    order.sort(key=KernelVersion.parse)
    place = {tag: at for at, tag in enumerate(order)}
    found: dict[str, dict[Key, str]] = {tag: {} for tag in order}
    for run in parts.runs:
        if run.kind not in KINDS[name]:
            continue
        end = len(order) - 1 if run.last is None else place[run.last]
        key = run.kind, run.name, run.object
        for tag in order[place[run.first] : end + 1]:
            found[tag][key] = run.value
    return found


def read_relations(
    repository: Repository,
    tags: Iterable[Tag],
    sources: Sequence[str],
    previous: Timeline | None = None,
    *,
    kernel: bool,
    commits: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
) -> tuple[Parts, tuple[SourceSummary, ...]]:
    """Read sources at the releases among some tags.

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
    reader = _Reader(repository, releases, sources, previous, progress)
    reader.read(strict=strict, commits=commits)
    return reader.parts(commits=commits), tuple(reader.summaries.values())


class _Reader:
    """Reads releases; what an older dataset knows of them is taken over."""

    def __init__(
        self,
        repository: Repository,
        releases: Sequence[Tag],
        sources: Sequence[str],
        previous: Timeline | None,
        progress: Progress | None,
    ) -> None:
        self._repository, self._releases, self._progress = repository, releases, progress
        self._sources = sources
        old = previous.parts if previous is not None else Parts()
        versions = dict(previous.metadata.sources) if previous is not None else {}
        same = [name for name in sources if versions.get(name) == SOURCES[name].version]
        self.summaries = {name: SourceSummary(name) for name in sources}
        self._values: dict[str, dict[str, Values]] = {name: {} for name in sources}
        for name in same if previous is not None else []:
            assert previous is not None
            self._values[name] = dict(values_at(previous, name))
            self.summaries[name].reused = len(self._values[name])
        self._lost = {(item.source, item.tag): item for item in old.lost if item.source in same}
        for item in self._lost.values():
            gap = Gap(item.path, 0, item.what, lost=True)
            self.summaries[item.source].gaps.append((item.tag, gap))
        self._files = {item for item in old.files if item.source in same}
        self._old = {name: tuple(self._values[name]) for name in sources}
        self._introductions = {
            (item.kind, item.name, item.object, item.first): item for item in old.introductions
        }
        wanted = {
            name: SOURCES[name]
            for name in sources
            if any(not self._knows(name, tag) for tag in releases)
        }
        self._pieces = Pieces(repository, wanted)
        self._trees = Files(repository, self._pieces)
        #: The files that sources read at a release, of those that were read now.
        self._paths: dict[str, frozenset[str]] = {}

    def _knows(self, name: str, tag: Tag) -> bool:
        return tag.name in self._values[name] or (name, tag.name) in self._lost

    # -- reading

    def read(self, *, strict: bool, commits: bool) -> None:
        """Read what is not known."""
        for lost in self._lost.values():
            if strict:
                raise _unreadable(lost)
        state: TreeState | None = None
        for at, tag in enumerate(self._releases):
            if self._progress is not None:
                self._progress("kernel trees", at, len(self._releases))
            new = [name for name in self._pieces.sources if not self._knows(name, tag)]
            if not new:
                continue
            before = self._releases[at - 1] if at else None
            if before is not None and before.name not in self._paths:
                # Of a file that is gone since, commits between the two may have something.
                state = self._base(before, state) if commits or state is None else state
            state = self._enter(tag, state)
            for name in new:
                if state.kernel:
                    self._take(name, tag, state, strict=strict)
        if state is not None:
            self._files = {
                SourceFile(name, path)
                for name in self._sources
                for path in (
                    state.said[name].pieces
                    if name in state.said
                    else {item.path for item in self._files if item.source == name}
                )
            }

    def _base(self, tag: Tag, state: TreeState | None) -> TreeState:
        """Return the state of a release that was read for an older dataset."""
        newest = all(read[-1:] == (tag.name,) for read in self._old.values() if read)
        if state is None and newest and all(self._old[name] for name in self._pieces.sources):
            paths = {
                name: [item.path for item in self._files if item.source == name]
                for name in self._pieces.sources
            }
            state = self._trees.resume(tag.commit, paths)
        return self._enter(tag, state)

    def _enter(self, tag: Tag, state: TreeState | None) -> TreeState:
        state = self._trees.read(tag.commit, state)
        self._paths[tag.name] = frozenset(
            path for said in state.said.values() for path in said.pieces
        )
        return state

    def _take(self, name: str, tag: Tag, state: TreeState, *, strict: bool) -> None:
        said, summary = state.said[name], self.summaries[name]
        summary.gaps += [(tag.name, gap) for gap in said.link()[1]]
        lost = said.lost
        if lost is None and name in _NEVER_EMPTY and not said.values:
            lost = Gap("", 0, "nothing was found", lost=True)
        if lost is None:
            self._values[name][tag.name] = said.values
            return
        found = Lost(name, tag.name, utf8(one_line(lost.path)), utf8(one_line(lost.what)))
        if strict:
            raise _unreadable(found)
        self._lost[name, tag.name] = found

    # -- what was read

    def parts(self, *, commits: bool) -> Parts:
        """Return all that is known now."""
        runs: list[Run] = []
        readings: list[Reading] = []
        order = {tag.name: at for at, tag in enumerate(self._releases)}
        before: dict[tuple[str, str], str | None] = {}
        for name in self._sources:
            tags = [tag for tag in self._releases if tag.name in self._values[name]]
            found = find_runs([(tag.name, self._values[name][tag.name]) for tag in tags])
            runs += found
            readings += [Reading(name, tag.name, tag.commit) for tag in tags]
            before.update(
                ((name, tag.name), tags[at - 1].name if at else None) for at, tag in enumerate(tags)
            )
            self._summarize(name, tags, found)
        runs.sort(key=lambda run: (run.kind, run.name, run.object, order[run.first]))
        lost = [
            item
            for name in self._sources
            for tag in self._releases
            if (item := self._lost.get((name, tag.name))) is not None
        ]
        files = sorted(self._files, key=lambda item: (item.source, item.path)) if readings else []
        return Parts(
            tuple(runs),
            tuple(readings),
            tuple(self._introduce(runs, before)) if commits else (),
            tuple(lost),
            tuple(files),
        )

    def _summarize(self, name: str, tags: Sequence[Tag], runs: Sequence[Run]) -> None:
        summary = self.summaries[name]
        summary.releases = len(tags)
        summary.facts = len({(run.kind, run.name, run.object) for run in runs})
        summary.lost = [tag.name for tag in self._releases if (name, tag.name) in self._lost]
        if not tags:
            summary.lacking = (
                "nothing was found in any tree"
                if summary.lost
                else "no tag has the files of a kernel"
            )

    # -- introducing commits

    def _introduce(
        self, runs: Sequence[Run], before: Mapping[tuple[str, str], str | None]
    ) -> list[Introduction]:
        """Return the commits that runs begin with, in the order of the runs.

        Not of those at the first release read: when they came is not known.
        """
        found: dict[Run, Introduction] = {}
        tasks: dict[str, dict[Item, Run]] = {}
        paths: dict[str, set[str]] = {}
        last: dict[Key, str | None] = {}
        sources = {kind: name for name in self._sources for kind in KINDS[name]}
        for run in runs:
            key, source = (run.kind, run.name, run.object), sources[run.kind]
            older = before[source, run.first]
            goes_on = older is not None and last.get(key) == older
            last[key] = run.last
            if older is None:
                continue
            known = self._introductions.get((*key, run.first))
            if self._was_before(source, run.first, older):
                if known is not None:
                    found[run] = known
                else:
                    self.summaries[source].unknown += 1
                continue
            tasks.setdefault(run.first, {})[Item(key, run.value if goes_on else None)] = run
            paths.setdefault(run.first, set()).update(
                self._paths.get(run.first, ()), self._paths.get(older, ())
            )
        found.update(self._search(tasks, paths, sources))
        return [found[run] for run in runs if run in found]

    def _was_before(self, source: str, tag: str, older: str) -> bool:
        """Whether an older dataset had these two releases, one after another."""
        old = self._old[source]
        at = old.index(tag) if tag in old else 0
        return at > 0 and old[at - 1] == older

    def _search(
        self,
        tasks: Mapping[str, Mapping[Item, Run]],
        paths: Mapping[str, Iterable[str]],
        sources: Mapping[str, str],
    ) -> dict[Run, Introduction]:
        origins = Origins(self._repository, self._pieces, self._trees)
        infos = {}
        found: dict[Run, Introduction] = {}
        todo = [tag for tag in self._releases if tag.name in tasks]
        for done, tag in enumerate(todo):
            if self._progress is not None:
                self._progress("commits of relations", done, len(todo))
            items = tasks[tag.name]
            answers = origins.find(tag.commit, frozenset(items), paths[tag.name])
            for item, run in items.items():
                oid = answers[item]
                if oid is None:
                    self.summaries[sources[run.kind]].unknown += 1
                    continue
                if oid not in infos:
                    infos[oid] = self._repository.info(oid)
                info = infos[oid]
                found[run] = Introduction(
                    run.kind, run.name, run.object, run.first,
                    info.id, info.author_date, info.commit_date, info.subject,
                )  # fmt: skip
        return found


def _unreadable(lost: Lost) -> ParseError:
    what = f"{lost.path}: {lost.what}" if lost.path else lost.what
    return ParseError(
        f"{lost.source} cannot read {lost.tag}: {what}; scan without --strict to leave the "
        "release out"
    )
