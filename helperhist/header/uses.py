"""Which helpers and kfuncs programs of a type may call, and since when: mainline's word."""

from collections.abc import Sequence
from dataclasses import dataclass

from helperhist.errors import HelperhistError
from helperhist.timeline import PREFIXES, Relation, Timeline
from helperhist.version import KernelVersion

__all__ = ["ALL", "Pair", "Uses", "read_uses"]

#: The word for every type of program.
ALL = "all"
_TYPE = PREFIXES["prog_type"]


@dataclass(frozen=True, slots=True)
class Pair:
    """That programs of a type may call a helper or kfunc.

    :ivar type: in small letters: ``"xdp"``
    :ivar until: the first release without it again, or None
    :ivar later: whether both existed before, so that only the version of a kernel tells
    :ivar absent: a release that is known to have both and not the pair; empty if there is none
    """

    name: str
    type: str
    since: KernelVersion
    until: KernelVersion | None
    later: bool
    absent: str


@dataclass(frozen=True, slots=True)
class Uses:
    """What programs of the types that are asked for may call.

    :ivar types: in small letters; empty if none is asked for
    :ivar every: whether all are, so that nothing is left out
    :ivar last: the newest release that was read
    """

    types: tuple[str, ...]
    every: bool
    pairs: tuple[Pair, ...]
    last: str

    @property
    def who(self) -> str:
        """The programs in words: ``"xdp or sched_cls programs"``."""
        return f"{' or '.join(self.types)} programs"

    def refused(self, name: str, low: KernelVersion | None) -> KernelVersion | bool:
        """Return the release before which a kernel refuses the calls.

        :param low: the oldest kernel that counts, or None
        :return: True for all releases, False for none of those that count
        """
        if not self.types or self.every:
            return False
        found = [pair for pair in self.pairs if pair.name == name]
        if not found:
            return True
        if any(not pair.absent or (low is not None and pair.since <= low) for pair in found):
            return False
        return min(pair.since for pair in found)

    def why(self, name: str, refused: KernelVersion | bool) -> str:
        """Return what to say of a call that :meth:`refused` refuses."""
        if isinstance(refused, bool):
            return f"not in {self.who}, of Linux {self.last} and before"
        pair = min((pair for pair in self.pairs if pair.name == name), key=lambda p: p.since)
        known = refused.follows(KernelVersion.parse(pair.absent), kernel=True)
        return f"not {'' if known else 'known '}in {self.who} before Linux {refused.series}"


def read_uses(timeline: Timeline, types: Sequence[str]) -> Uses:
    """Return what programs of some types may call.

    :param types: ``xdp``, ``BPF_PROG_TYPE_XDP`` or ``all``
    :raises HelperhistError: the data does not know one, or has no relations
    """
    if not types:
        return Uses((), False, (), "")
    relations = timeline.relations
    known = sorted(
        item.removeprefix(_TYPE).lower()
        for item in relations.objects("helper_use") | relations.objects("kfunc_use")
    )
    if not known:
        raise HelperhistError(
            f"this data ({timeline.label}) does not know what a program type may call; "
            "use --data embedded"
        )
    asked = [one.removeprefix(_TYPE).lower() for one in types]
    for one, spelt in zip(asked, types, strict=True):
        if one not in (*known, ALL):
            raise HelperhistError(f"--prog {spelt}: known are all, {', '.join(known)}")
    every = ALL in asked
    chosen = tuple(known) if every else tuple(dict.fromkeys(asked))
    pairs = [
        pair
        for one in chosen
        for kind in ("helper_use", "kfunc_use")
        for use in relations.find(kind, other=f"{_TYPE}{one.upper()}")
        for pair in [_pair(timeline, use, one)]
    ]
    pairs.sort(key=lambda pair: (pair.name, pair.type))
    return Uses(chosen, every, tuple(pairs), relations.read("helper_use")[-1])


def _pair(timeline: Timeline, use: Relation, short: str) -> Pair:
    since = KernelVersion.parse(use.since)
    until = None if use.removed is None else KernelVersion.parse(use.removed)
    born = [item for item in (_born(timeline, n) for n in (use.name, use.object)) if item]
    later = len(born) < 2 or since > max(born)
    absent = ""
    if later and not use.or_earlier:
        read = [KernelVersion.parse(item) for item in timeline.relations.read(use.kind)]
        before = use.absent or max((item for item in read if item < since), default=since).text
        # A release without one of both says nothing.
        if all(item <= KernelVersion.parse(before) < since for item in born):
            absent = before
    return Pair(use.name, short, since, until, later, absent)


def _born(timeline: Timeline, name: str) -> KernelVersion | None:
    """Return the release of a helper, a kfunc or a program type."""
    row = timeline.index.named(name)
    if row is not None and row.since is not None:
        return KernelVersion.parse(row.since)
    for relation in timeline.relations.find("kfunc", name):
        return KernelVersion.parse(relation.since)
    return None
