"""Relations at the updates of releases: what a stable series has that its release has not."""

from bisect import bisect_left
from collections.abc import Iterable
from functools import cached_property

from helperhist.timeline.kinds import SOURCES
from helperhist.timeline.parts import Parts, StableRun
from helperhist.timeline.records import Backport
from helperhist.version import KernelVersion

__all__ = ["Series"]

_Key = tuple[str, str, str]


class Series:
    """The runs of updates. They are read only when somebody asks for an update."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @cached_property
    def _runs(self) -> dict[_Key, list[StableRun]]:
        found: dict[_Key, list[StableRun]] = {}
        for run in self._parts.stable:
            found.setdefault((run.kind, run.name, run.object), []).append(run)
        return found

    @cached_property
    def _read(self) -> dict[tuple[str, str], list[KernelVersion]]:
        found: dict[tuple[str, str], list[KernelVersion]] = {}
        for item in self._parts.updates:
            version = KernelVersion.parse(item.tag)
            found.setdefault((item.source, version.series), []).append(version)
        return {key: sorted(versions) for key, versions in found.items()}

    def open_runs(self, key: _Key) -> tuple[Backport, ...]:
        """Return the series that have a fact up to the newest update read, and since which one."""
        found: dict[str, str] = {}
        by_series: dict[str, list[StableRun]] = {}
        for run in self._runs.get(key, ()):
            by_series.setdefault(run.series, []).append(run)
        for series, runs in by_series.items():
            if runs[-1].last is not None:
                continue
            # A run that begins where one with another value ends is the same presence.
            at = len(runs) - 1
            while at and self._adjoin(key[0], runs[at - 1], runs[at]):
                at -= 1
            found[series] = KernelVersion.parse(runs[at].first).text
        return tuple(Backport(series, since) for series, since in found.items())

    def _adjoin(self, kind: str, one: StableRun, two: StableRun) -> bool:
        read = self._read.get((SOURCES[kind], one.series), [])
        end, start = KernelVersion.parse(one.last or one.first), KernelVersion.parse(two.first)
        return not any(end < version < start for version in read)

    def values(
        self, source: str, key: _Key, wanted: KernelVersion, base: str | None, has_base: bool
    ) -> tuple[str | None, ...]:
        """Return what a fact is at the updates on both sides of one; nothing where one is missing.

        :param base: what it is in the release that the series starts from
        :param has_base: whether that release was read
        """
        read = self._read.get((source, wanted.series), [])
        at = bisect_left(read, wanted)
        if at == len(read):
            return ()
        runs = [run for run in self._runs.get(key, ()) if run.series == wanted.series]
        sides = [read[at]]
        if read[at] != wanted:
            if not at and not has_base:
                return ()
            sides.append(read[at - 1] if at else KernelVersion.parse(wanted.series))
        return tuple(_at(runs, side, base) for side in sides)


def _at(runs: Iterable[StableRun], version: KernelVersion, base: str | None) -> str | None:
    value, listed = base, False
    for run in runs:
        if not listed:
            value, listed = None, True
        begins = KernelVersion.parse(run.first) <= version
        if begins and (run.last is None or version <= KernelVersion.parse(run.last)):
            return run.value
    return value
