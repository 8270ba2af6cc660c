"""The commits that runs of releases begin with."""

from collections.abc import Iterable, Mapping, Sequence

from helperhist.git import Repository
from helperhist.mining.origins import Item, Origins
from helperhist.mining.reader import Progress, Reader
from helperhist.mining.trees import KINDS, Key
from helperhist.timeline import Introduction, Run, Timeline

__all__ = ["Begins"]


class Begins:
    """Finds the commits that brought facts, or changed their values."""

    def __init__(
        self,
        repository: Repository,
        reader: Reader,
        previous: Timeline | None,
        progress: Progress | None,
    ) -> None:
        self._repository, self._reader, self._progress = repository, reader, progress
        self._known = {
            (item.kind, item.name, item.object, item.first): item
            for item in (previous.parts.introductions if previous is not None else ())
        }
        self._sources = {kind: name for name in reader.sources for kind in KINDS[name]}

    def find(self, runs: Sequence[Run]) -> list[Introduction]:
        """Return the commits that runs begin with, in the order of the runs.

        Not of those at the first release read: when they came is not known.

        :param runs: by fact, the oldest first
        :raises RepositoryError: an object is missing or damaged
        """
        found: dict[Run, Introduction] = {}
        tasks: dict[str, dict[Item, Run]] = {}
        paths: dict[str, set[str]] = {}
        last: dict[Key, str | None] = {}
        before = self._before()
        for run in runs:
            key, source = (run.kind, run.name, run.object), self._sources[run.kind]
            older = before[source, run.first]
            goes_on = older is not None and last.get(key) == older
            last[key] = run.last
            if older is None:
                continue
            if self._was_before(source, run.first, older):
                known = self._known.get((*key, run.first))
                if known is not None:
                    found[run] = known
                else:
                    self._reader.summaries[source].unknown += 1
                continue
            tasks.setdefault(run.first, {})[Item(key, run.value if goes_on else None)] = run
            paths.setdefault(run.first, set()).update(
                self._reader.paths.get(run.first, ()), self._reader.paths.get(older, ())
            )
        found.update(self._search(tasks, paths))
        return [found[run] for run in runs if run in found]

    def _before(self) -> dict[tuple[str, str], str | None]:
        """Return the release read before each, by source."""
        found: dict[tuple[str, str], str | None] = {}
        for name in self._reader.sources:
            older: str | None = None
            for tag in self._reader.releases:
                if tag.name in self._reader.values[name]:
                    found[name, tag.name] = older
                    older = tag.name
        return found

    def _was_before(self, source: str, tag: str, older: str) -> bool:
        """Whether an older dataset had these two releases, one after another."""
        old = self._reader.old[source]
        at = old.index(tag) if tag in old else 0
        return at > 0 and old[at - 1] == older

    def _search(
        self, tasks: Mapping[str, Mapping[Item, Run]], paths: Mapping[str, Iterable[str]]
    ) -> dict[Run, Introduction]:
        origins = Origins(self._repository, self._reader.pieces, self._reader.trees)
        infos = {}
        found: dict[Run, Introduction] = {}
        todo = [tag for tag in self._reader.releases if tag.name in tasks]
        for done, tag in enumerate(todo):
            if self._progress is not None:
                self._progress("commits of relations", done, len(todo))
            items = tasks[tag.name]
            answers = origins.find(tag.commit, frozenset(items), paths[tag.name])
            for item, run in items.items():
                oid = answers[item]
                if oid is None:
                    self._reader.summaries[self._sources[run.kind]].unknown += 1
                    continue
                if oid not in infos:
                    infos[oid] = self._repository.info(oid)
                info = infos[oid]
                found[run] = Introduction(
                    run.kind, run.name, run.object, run.first,
                    info.id, info.author_date, info.commit_date, info.subject,
                )  # fmt: skip
        return found
