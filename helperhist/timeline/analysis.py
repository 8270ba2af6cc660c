"""Questions about the growth of the API, as pure functions of a timeline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from helperhist.errors import DatasetError
from helperhist.timeline.kinds import LISTS
from helperhist.timeline.records import Row, Tag
from helperhist.timeline.timeline import Timeline
from helperhist.version import KernelVersion

__all__ = [
    "LAST_GROWTH",
    "LTS",
    "LTS_SOURCE",
    "SUPPORTED",
    "Need",
    "by_release",
    "first_names",
    "is_lts",
    "lts_tags",
    "minimum",
    "newest_additions",
    "no_such_kind",
    "releases",
    "require_kinds",
    "together",
]

#: Where :data:`LTS` comes from. Kernels whose support has ended (up to 5.4) stood in the same
#: table while they had it.
LTS_SOURCE = "https://www.kernel.org/category/releases.html, 'Longterm release kernels'"

#: The longterm kernels from 4.4 on. 3.18 and 4.1, longterm too, are older than most of the API.
LTS = ("4.4", "4.9", "4.14", "4.19", "5.4", "5.10", "5.15", "6.1", "6.6", "6.12", "6.18")

#: Month until which a longterm kernel is to get updates, from the same page and, for 6.6 to 6.18,
#: from what was announced in March 2026.
SUPPORTED = {
    "4.4": "2022-02", "4.9": "2023-01", "4.14": "2024-01", "4.19": "2024-12", "5.4": "2025-12",
    "5.10": "2026-12", "5.15": "2026-12", "6.1": "2027-12", "6.6": "2027-12", "6.12": "2028-12",
    "6.18": "2028-12",
}  # fmt: skip

#: The release with the last helpers, numbers 210 and 211. Since v6.15 bpf.h itself says of the
#: list that it is "effectively frozen" and asks for kfuncs instead.
LAST_GROWTH = "6.2"


def is_lts(tag: Tag) -> bool:
    """Whether a tag is the release from which a longterm kernel starts."""
    return tag.version.text in LTS


def releases(timeline: Timeline) -> tuple[Tag, ...]:
    """Return the tags of mainline releases, oldest first.

    :raises DatasetError: the timeline has none
    """
    found = timeline.releases
    if not found:
        raise DatasetError(f"this data has no release ({timeline.label}); use --data embedded")
    return found


def require_kinds(timeline: Timeline, kinds: Iterable[str]) -> None:
    """Check that the timeline has names of each of some kinds.

    :raises DatasetError: it has none of one of them
    """
    present = timeline.index.kinds
    for kind in kinds:
        if kind not in present:
            raise DatasetError(no_such_kind(kind, present))


def no_such_kind(kind: str, present: Iterable[str]) -> str:
    """Return what to tell of a kind that is not there: the nearest one, and all.

    >>> no_such_kind("maps", ["helper", "map_type"])
    "no names of kind 'maps'; did you mean map_type? There are helper, map_type"
    """
    import difflib

    kinds = sorted(present)
    word = kind.strip().lower().removesuffix("s")
    near = sorted(
        (
            name
            for name in kinds
            if word and (name.startswith(word) or word.startswith(name.partition("_")[0]))
        ),
        key=lambda name: (name != word, not name.endswith("_type")),
    ) or difflib.get_close_matches(word, kinds, 1, 0.6)
    hint = f"; did you mean {near[0]}? There are " if near else "; there are "
    return f"no names of kind {kind[:60]!r}{hint}{', '.join(kinds)}"


def by_release(row: Row) -> tuple[KernelVersion, int, str]:
    """Sort rows by release, then by number and name; those without a release come first."""
    return KernelVersion.parse(row.since or "0.0"), row.id or 0, row.name


def first_names(rows: Sequence[Row]) -> list[Row]:
    """Return rows of numbered lists, in their order, without second names of a number."""
    first: dict[tuple[str, int | None], Row] = {}
    for row in sorted(rows, key=by_release):
        first.setdefault((row.kind, row.id), row)
    # Of a number that is not known nobody can say that it has another name.
    return [row for row in rows if row.id is None or first[row.kind, row.id] is row]


def lts_tags(timeline: Timeline) -> tuple[Tag, ...]:
    """Return the tags of the longterm releases, oldest first, and last the newest release.

    :raises DatasetError: the timeline has no release
    """
    every = releases(timeline)
    return tuple(tag for tag in every if is_lts(tag) or tag is every[-1])


@dataclass(frozen=True, slots=True)
class Need:
    """What a list of names needs.

    :ivar since: the first release with all of them; None if no release has all of them
    :ivar or_earlier: the data has not the release before it: an older one may do
    :ivar rows: of the names, in their order
    :ivar decisive: the rows that keep an older release from being enough; where ``since`` is
        None, those of names that no release has, or that have been removed
    """

    since: str | None
    or_earlier: bool
    rows: tuple[Row, ...]
    decisive: tuple[Row, ...]


def minimum(timeline: Timeline, names: Sequence[str]) -> Need:
    """Return the minimum release of a list of names.

    :param names: as ``Timeline.since`` takes them
    :raises DatasetError: the list is empty, or the timeline never had one of the names
    """
    rows = []
    for name in names:
        row = timeline.since(name)
        if row is None:
            near = timeline.nearest(name)
            hint = f"; nearest: {', '.join(near)}" if near else ""
            raise DatasetError(f"{name}: unknown in this data{hint}")
        rows.append(row)
    if not rows:
        raise DatasetError("no names given; name the helpers that the program calls")
    lost = tuple(row for row in rows if row.since is None or row.removed is not None)
    if lost:
        return Need(None, False, tuple(rows), lost)
    since = max((row.since or "" for row in rows), key=KernelVersion.parse)
    decisive = tuple(dict.fromkeys(row for row in rows if row.since == since))
    return Need(since, all(row.or_earlier for row in decisive), tuple(rows), decisive)


def together(timeline: Timeline, kind: str = "helper") -> tuple[tuple[Row, ...], ...]:
    """Return the groups of names that one commit introduced, the largest first.

    Names whose commit is not known are in no group.
    """
    groups: dict[str, list[Row]] = {}
    for row in timeline.rows:
        if row.kind == kind and row.commit is not None:
            groups.setdefault(row.commit, []).append(row)
    several = [tuple(group) for group in groups.values() if len(group) > 1]
    return tuple(sorted(several, key=lambda group: (-len(group), group[0].id or 0)))


def newest_additions(timeline: Timeline, kinds: Iterable[str] = LISTS) -> dict[str, Row]:
    """Return by kind the name that came last to mainline (the last in row order of several)."""
    newest: dict[str, Row] = {}
    for kind in kinds:
        rows = [row for row in timeline.rows if row.kind == kind and row.since is not None]
        if rows:
            newest[kind] = max(
                enumerate(rows),
                key=lambda pair: (KernelVersion.parse(pair[1].since or ""), pair[0]),
            )[1]
    return newest
