"""Program types as people write them, and what such programs may call."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from helperhist.errors import DatasetError
from helperhist.timeline import Interval, Relation, Relations, Timeline
from helperhist.version import KernelVersion

__all__ = ["Program", "find_program", "limit", "restrict"]

_PREFIX = "BPF_PROG_TYPE_"


@dataclass(frozen=True, slots=True)
class Program:
    """What a name of ``--prog`` means.

    :ivar type: ``BPF_PROG_TYPE_XDP``
    :ivar attach: the attach type that a name of ``SEC()`` has; empty for any
    :ivar sleepable: whether such a name lets it sleep; None for either
    """

    type: str
    attach: str = ""
    sleepable: bool | None = None


def find_program(timeline: Timeline, text: str) -> Program:
    """Return what a short name, the full name of a type, or a name of ``SEC()`` means.

    :raises DatasetError: nothing is called so
    """
    known = timeline.index.names("prog_type")
    name = _PREFIX + text.strip().upper().removeprefix(_PREFIX)
    if name in known:
        return Program(name)
    from helperhist.binary import program_kind  # only where the name is not the type's own

    kind = program_kind(text.strip())
    if kind is not None and _PREFIX + kind.type in known:
        return Program(_PREFIX + kind.type, kind.attach, kind.sleepable)
    raise DatasetError(
        f"{text[:60]!r} is not a program type; write xdp, BPF_PROG_TYPE_XDP or a name of SEC(); "
        "see `helperhist list --kind prog_type`"
    )


def restrict(condition: str, program: Program) -> str | None:
    """Return what a condition leaves to ask of such a program; None if it rules it out."""
    if not condition or (not program.attach and program.sleepable is None):
        return condition
    from helperhist.sources import ALWAYS, NEVER, Condition  # only where a condition is cut

    def meaning(variable: str) -> Condition | None:
        if variable != "sleepable" or program.sleepable is None:
            return None
        return ALWAYS if program.sleepable else NEVER

    left = Condition.parse(condition).replace(meaning)
    if program.attach:
        left = left.restrict({"attach": frozenset((program.attach,))})
    return None if left.never else str(left)


def limit(
    relations: Relations, found: Iterable[Relation], program: Program
) -> tuple[Relation, ...]:
    """Return those of relations that such a program ever had, since it had them."""
    limited = (_limited(relations, relation, program) for relation in found)
    return tuple(relation for relation in limited if relation is not None)


def _limited(relations: Relations, relation: Relation, program: Program) -> Relation | None:
    intervals: list[Interval] = []
    for item in relation.intervals:
        value = restrict(item.value, program)
        if value is None:
            continue
        last = intervals[-1] if intervals else None
        if last is not None and (last.end, last.value) == (item.start, value):
            intervals[-1] = replace(last, end=item.end)
        else:
            intervals.append(replace(item, value=value))
    if not intervals:
        return None
    changed = replace(relation, value=intervals[-1].value, intervals=tuple(intervals))
    since, removed = changed.presences[-1]
    if since != relation.since:
        # Before that, it was there under a condition that rules such a program out.
        before = _before(relations, relation.kind, since)
        changed = replace(changed, since=since, absent=before, or_earlier=False)
    if removed != relation.removed and removed is not None:
        changed = replace(changed, removed=removed, seen=_before(relations, relation.kind, removed))
    return changed


def _before(relations: Relations, kind: str, release: str) -> str | None:
    """Return the release read before one, None where none lies between them."""
    version = KernelVersion.parse(release)
    older = [KernelVersion.parse(text) for text in relations.read(kind)]
    last = max(item for item in older if item < version)
    return None if version.follows(last, kernel=True) else last.text
