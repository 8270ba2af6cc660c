"""What history says of pairs (a helper in a type of programs, or on a type of maps) and kfuncs."""

from dataclasses import dataclass

from helperhist.audit.resolve import Resolver
from helperhist.timeline import Relation, Timeline
from helperhist.version import KernelVersion

__all__ = ["Answer", "compare_relation", "find_kfunc", "find_pair"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a pair.

    :ivar relation: None where there is none
    :ivar other: the type of programs or maps, as bpf.h has it; empty if it is none
    :ivar never: whether no release that was read has the pair
    :ivar doubt: why nothing can be said; empty if something can
    """

    relation: Relation | None = None
    other: str = ""
    never: bool = False
    doubt: str = ""


def find_pair(timeline: Timeline, resolver: Resolver, kind: str, name: str, other: str) -> Answer:
    """Look up a name in the type of programs, or on the type of maps, that a table names.

    :param kind: of the name
    :param other: as the table has it
    """
    row = resolver.spelled("prog_type", other) or resolver.spelled("map_type", other)
    shown = " ".join(other.split())[:40]
    if row is None:
        return Answer(doubt=f"{shown!r} is not one type of programs or maps")
    if kind not in ("helper", "kfunc"):
        return Answer(other=row.name, doubt=f"a {kind} with a {row.kind}: nothing is known of such")
    relations = timeline.relations
    of = "map_use" if row.kind == "map_type" else f"{kind}_use"
    if not relations or not relations.read(of) or (of == "map_use" and kind == "kfunc"):
        return Answer(other=row.name, doubt=f"a {kind} in a {row.kind}: the data has no pairs")
    found = relations.find(of, name, row.name)
    if found:
        return Answer(found[0], row.name)
    if name in relations.names(of) and row.name in relations.objects(of):
        return Answer(other=row.name, never=True)
    return Answer(other=row.name, doubt=f"nothing is known of {name} with {row.name}")


def find_kfunc(timeline: Timeline, name: str) -> Relation | None:
    """Return since when there is a kfunc, None where the data has none of that name."""
    found = timeline.relations.find("kfunc", name)
    return found[0] if found else None


def compare_relation(stated: KernelVersion | None, relation: Relation) -> tuple[str, str]:
    """Return the verdict on a stated version, and the reason if it needs one."""
    since = KernelVersion.parse(relation.since)
    if stated is None:
        return "wrong", "states no version"
    if relation.kind != "kfunc" and "?" in relation.value:
        return "unjudged", "under a condition that was not read"
    if relation.or_earlier:
        if stated > since:
            return "wrong", f"{since} has it already"
        return "unjudged", f"in {since} or earlier: the release before is not in the data"
    if stated.rc is not None and KernelVersion.parse(stated.release) == since:
        return "unjudged", "release candidates were not read"
    if stated == since and relation.absent is None:
        return "right", ""
    if relation.absent is not None and KernelVersion.parse(relation.absent) < stated <= since:
        return "unjudged", f"after {relation.absent}, in {since} or earlier"
    if any(start == stated.text for start, _ in relation.presences[:-1]):
        return "unjudged", f"there in {stated}, gone, and back in {since}"
    return "wrong", f"not yet in {relation.absent}" if relation.absent is not None else ""
