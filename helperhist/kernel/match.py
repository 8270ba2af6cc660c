"""Which release a kernel is by content, and how it differs from that: pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from helperhist.errors import DatasetError
from helperhist.kernel.read import KernelInfo
from helperhist.timeline import SENTINEL, Fact, Tag, Timeline, sort_key, with_spellings

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A kernel beside a release.

    :ivar release: the release it is compared with: the newest of those it is most like
    :ivar oldest: the oldest of those; the same where only one fits best
    :ivar is_newest: whether ``release`` is the newest in the data
    :ivar added: names that it has and the release has not, though mainline has them at some time
    :ivar missing: names that the release has and it has not
    :ivar renumbered: (its name with its number, the name in the release)
    :ivar unknown: names that no release in the data has
    """

    release: str
    oldest: str
    is_newest: bool
    added: tuple[Fact, ...]
    missing: tuple[Fact, ...]
    renumbered: tuple[tuple[Fact, Fact], ...]
    unknown: tuple[Fact, ...]

    @property
    def newer_than_data(self) -> bool:
        """Whether the kernel is probably newer than the newest release in the data."""
        return self.is_newest and bool(self.unknown)

    @property
    def is_exact(self) -> bool:
        """Whether nothing differs."""
        return not (self.added or self.missing or self.renumbered or self.unknown)

    def to_json(self, timeline: Timeline) -> dict[str, Any]:
        """Return the documented JSON object."""
        return {
            "release": self.release,
            "oldest": self.oldest,
            "exact": self.is_exact,
            "newer_than_data": self.newer_than_data,
            "added": [_named(name, timeline) for name in self.added],
            "missing": [_named(name, timeline) for name in self.missing],
            "renumbered": [
                {"kind": ours.kind, "name": ours.name, "id": ours.id, "mainline_id": theirs.id}
                for ours, theirs in self.renumbered
            ],
            "unknown": [{"kind": n.kind, "name": n.name, "id": n.id} for n in self.unknown],
        }


def _named(name: Fact, timeline: Timeline) -> dict[str, Any]:
    row = timeline.since(name.name)
    return {
        "kind": name.kind,
        "name": name.name,
        "id": name.id,
        "since": None if row is None else row.since,
    }


def compare(info: KernelInfo, timeline: Timeline, against: str | None = None) -> Comparison:
    """Compare a kernel with a release; without one, with the one that it is most like.

    Alike is what differs in the fewest names; what the source cannot show does not count.

    :param against: a release or another tag of the timeline
    :raises DatasetError: the timeline has no release, or not that one
    """
    releases = timeline.releases
    if not releases:
        raise DatasetError(f"no release in this data ({timeline.label}); scan a kernel's history")
    if against is not None:
        best = [timeline.tag(against)]
    else:
        distances = [(_distance(info, timeline, tag), tag) for tag in releases]
        least = min(distance for distance, _ in distances)
        best = [tag for distance, tag in distances if distance == least]
    tag = best[-1]
    there = timeline.present(tag)
    known = with_spellings(there, timeline.index.renamed)
    ever = {row.name for row in timeline.rows}
    ours = info.by_name
    both = ours.keys() & there.keys()
    return Comparison(
        release=tag.version.text,
        oldest=best[0].version.text,
        is_newest=tag == releases[-1],
        added=_sorted(n for n in info.names if n.name not in known and n.name in ever),
        missing=_sorted(_missing(info, there.values())),
        renumbered=tuple(
            (ours[name], there[name])
            for name in sorted(both)
            if ours[name].value and there[name].value and ours[name].value != there[name].value
        ),
        unknown=_sorted(n for n in info.names if n.name not in ever),
    )


def _distance(info: KernelInfo, timeline: Timeline, tag: Tag) -> int:
    there = timeline.present(tag)
    added = len(info.by_name.keys() - with_spellings(there, timeline.index.renamed))
    return added + sum(1 for _ in _missing(info, there.values()))


def _missing(info: KernelInfo, names: Iterable[Fact]) -> Iterable[Fact]:
    return (
        name
        for name in names
        if name.kind != SENTINEL
        and name.name not in info.known
        and info.can_show(name.kind, name.name)
    )


def _sorted(names: Iterable[Fact]) -> tuple[Fact, ...]:
    return tuple(sorted(names, key=sort_key))
