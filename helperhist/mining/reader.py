"""Releases and their updates, read by the sources of whole trees; what is known is taken over."""

from collections.abc import Callable, Iterable, Sequence

from helperhist.errors import ParseError
from helperhist.git import Repository
from helperhist.mining.files import SOURCES, Files, Pieces, Said, TreeState
from helperhist.mining.stable import SeriesTags, series_runs, taken_over
from helperhist.mining.summaries import SourceSummary
from helperhist.mining.trees import KINDS, Key, Values
from helperhist.printable import one_line, utf8
from helperhist.sources import Gap
from helperhist.timeline import (
    Lost,
    Parts,
    SourceFile,
    StableReading,
    StableRun,
    Tag,
    Timeline,
)
from helperhist.version import KernelVersion

__all__ = ["Progress", "Reader", "values_at"]

#: Sources that a kernel tree always has something for: where there is nothing, it was not read.
_NEVER_EMPTY = frozenset(("helper_use", "map_use"))

#: Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


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


class Reader:
    """What sources say at each release.

    :ivar values: by source and tag
    :ivar old: the tags of which an older dataset has the values, by source
    :ivar lost: why a source says nothing of a release, by source and tag
    :ivar files: what sources read of the newest release
    :ivar paths: the files that sources read at a release, of those that were read now
    """

    def __init__(
        self,
        repository: Repository,
        releases: Sequence[Tag],
        series: Sequence[SeriesTags],
        sources: Sequence[str],
        previous: Timeline | None,
        *,
        strict: bool,
        progress: Progress | None,
    ) -> None:
        self.releases, self.series, self.sources = releases, series, sources
        self._strict, self._progress = strict, progress
        self._old = previous.parts if previous is not None else Parts()
        self._old_tags = {tag.name for tag in previous.tags} if previous is not None else set()
        versions = dict(previous.metadata.sources) if previous is not None else {}
        same = [name for name in sources if versions.get(name) == SOURCES[name].version]
        self.summaries = {name: SourceSummary(name) for name in sources}
        self.values: dict[str, dict[str, Values]] = {name: {} for name in sources}
        for name in same:
            assert previous is not None
            self.values[name] = dict(values_at(previous, name))
            self.summaries[name].reused = len(self.values[name])
        self.old = {name: tuple(self.values[name]) for name in sources}
        self.lost = {
            (item.source, item.tag): item for item in self._old.lost if item.source in same
        }
        for item in self.lost.values():
            gap = Gap(item.path, 0, item.what, lost=True)
            self.summaries[item.source].gaps.append((item.tag, gap))
        self.files = {item for item in self._old.files if item.source in same}
        self._stable = {
            (name, one.name): known
            for name in same
            for one in series
            if (known := taken_over(self._old, name, one, self._old_tags)) is not None
        }
        wanted = [name for name in sources if self._new_in(name)]
        self.pieces = Pieces(repository, {name: SOURCES[name] for name in wanted})
        self.trees = Files(repository, self.pieces)
        self.paths: dict[str, frozenset[str]] = {}
        #: Releases that series start from.
        self._bases: dict[str, TreeState] = {}

    def _new_in(self, name: str) -> bool:
        return any(not self._knows(name, tag) for tag in self.releases) or any(
            (name, one.name) not in self._stable for one in self.series
        )

    def _knows(self, name: str, tag: Tag) -> bool:
        return tag.name in self.values[name] or (name, tag.name) in self.lost

    def read(self, *, commits: bool) -> None:
        """Read the releases that are not known, then the series.

        :param commits: whether the commits between two releases will be looked at
        :raises RepositoryError: an object is missing or damaged
        :raises ParseError: a source cannot read a file, and that is not allowed
        """
        for lost in self.lost.values():
            self._refuse(lost)
        wanted = {one.base.name for one in self.series if one.base is not None}
        state: TreeState | None = None
        for at, tag in enumerate(self.releases):
            if self._progress is not None:
                self._progress("kernel trees", at, len(self.releases) + len(self.series))
            new = [name for name in self.pieces.sources if not self._knows(name, tag)]
            if not new:
                continue
            before = self.releases[at - 1] if at else None
            if before is not None and before.name not in self.paths and (commits or state is None):
                # Of a file that is gone since, commits between the two may have something.
                state = self._enter(before, state or self._resume(before))
            state = self._enter(tag, state)
            for name in new:
                if state.kernel and self._accept(name, tag, state.said[name]):
                    self.values[name][tag.name] = state.said[name].values
            if tag.name in wanted:
                self._bases[tag.name] = state
        if state is not None and self.releases[-1].name in self.paths:
            self.files = {
                *(item for item in self.files if item.source not in state.said),
                *(
                    SourceFile(name, path)
                    for name in state.said
                    for path in state.said[name].pieces
                ),
            }

    def _resume(self, tag: Tag) -> TreeState | None:
        """Return the state of the newest release of an older dataset; None of another one."""
        names = list(self.pieces.sources)
        if any(self.old[name][-1:] != (tag.name,) for name in names):
            return None
        paths = {name: [item.path for item in self.files if item.source == name] for name in names}
        return self.trees.resume(tag.commit, paths)

    def _enter(self, tag: Tag, state: TreeState | None) -> TreeState:
        state = self.trees.read(tag.commit, state)
        self.paths[tag.name] = frozenset(
            path for said in state.said.values() for path in said.pieces
        )
        return state

    def _accept(self, name: str, tag: Tag, said: Said) -> bool:
        """Take note of what a source could not read; return whether it could read the rest."""
        summary = self.summaries[name]
        if not tag.version.is_stable:
            summary.gaps += [(tag.name, gap) for gap in said.link()[1]]
        lost = said.lost
        if lost is None and name in _NEVER_EMPTY and not said.values:
            lost = Gap("", 0, "nothing was found", lost=True)
            summary.gaps.append((tag.name, lost))
        if lost is None:
            return True
        found = Lost(name, tag.name, utf8(one_line(lost.path)), utf8(one_line(lost.what)))
        self._refuse(found)
        self.lost[name, tag.name] = found
        return False

    def _refuse(self, lost: Lost) -> None:
        if self._strict:
            what = f"{lost.path}: {lost.what}" if lost.path else lost.what
            raise ParseError(
                f"{lost.source} cannot read {lost.tag}: {what}; scan without --strict to leave "
                "the release out"
            )

    # -- series

    def read_series(self) -> tuple[list[StableRun], list[StableReading]]:
        """Read the series of which a tag is not known; return the runs and updates of all."""
        runs: list[StableRun] = []
        readings: list[StableReading] = []
        for at, series in enumerate(self.series):
            if self._progress is not None:
                total = len(self.releases) + len(self.series)
                self._progress("kernel trees", len(self.releases) + at, total)
            new = [name for name in self.sources if (name, series.name) not in self._stable]
            values = self._updates(series, new) if new else {}
            for name in self.sources:
                base = None if series.base is None else self.values[name].get(series.base.name)
                if name in values:
                    read = [
                        StableReading(name, tag.name)
                        for tag in series.tags
                        if tag.name in values[name]
                    ]
                    known = series_runs(series, base, values[name]), read
                else:
                    known = self._stable[name, series.name]
                runs += known[0]
                readings += known[1]
                self.summaries[name].updates += len(known[1])
        return runs, readings

    def _updates(self, series: SeriesTags, names: Iterable[str]) -> dict[str, dict[str, Values]]:
        """Return the values of each fact at the updates of a series, by source and tag."""
        found: dict[str, dict[str, Values]] = {name: {} for name in names}
        base = series.base
        state = self._bases.pop(base.name, None) if base is not None else None
        if state is None and base is not None:
            state = self.trees.read(base.commit)
        for tag in series.tags:
            state = self.trees.read(tag.commit, state)
            for name, values in found.items():
                if state.kernel and self._accept(name, tag, state.said[name]):
                    values[tag.name] = state.said[name].values
        return found
