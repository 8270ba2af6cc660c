"""Who says what of a row: the copies that were read, and other statements."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from helperhist.timeline.facts import Fact
from helperhist.timeline.kinds import LIVE, SOURCES
from helperhist.timeline.records import Row
from helperhist.timeline.relation import Relation
from helperhist.timeline.relations import Relations
from helperhist.version import KernelVersion

if TYPE_CHECKING:
    from helperhist.timeline.timeline import Timeline

__all__ = [
    "ABSENT",
    "HEADER",
    "PRESENT",
    "SOMEHOW",
    "Evidence",
    "Statements",
    "Witness",
    "evidence_of",
    "is_followed",
]

#: The source of the names of ``bpf.h``, in readings.
HEADER = "bpf.h"
#: What a statement about a tag says: that it lacks the fact, has it, or has it with a value.
ABSENT = "absent"
SOMEHOW = "present"
PRESENT = "present:"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What somebody says of a name or relation, whether or not its row follows it.

    :ivar object: of a relation, its other name; else empty
    :ivar says: what it is about: ``since``, ``removed``, ``commit``, ``subject``, or a tag
        (``v5.8``), at which the fact is ``absent``, ``present:`` with the value that it has, or
        ``present``, of which value is not said
    :ivar value: what is said of that
    :ivar by: who says it: a :class:`Witness`, or the copy that was read
    :ivar where: the place where it is said, or the reason
    """

    kind: str
    name: str
    object: str
    says: str
    value: str
    by: str
    where: str


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody who says something.

    :ivar by: the name by which statements mean it
    :ivar revision: commit or version of what was read; empty where each statement has its own
    :ivar trust: whom a row follows where they differ: the higher number
    :ivar about: what it is, in a few words
    """

    by: str
    revision: str
    trust: int
    about: str


class Statements:
    """The evidence of a timeline."""

    def __init__(self, evidence: Iterable[Evidence], witnesses: Iterable[Witness]) -> None:
        """Index statements.

        :raises ValueError: nobody is known by the name that one has
        """
        self.witnesses = {witness.by: witness for witness in witnesses}
        self.evidence = tuple(evidence)
        self._of: dict[tuple[str, str, str], list[Evidence]] = {}
        for item in self.evidence:
            if item.by not in self.witnesses:
                raise ValueError(f"nobody is known as {item.by[:60]!r}")
            self._of.setdefault((item.kind, item.name, item.object), []).append(item)

    def of(self, kind: str, name: str, other: str = "") -> tuple[Evidence, ...]:
        """Return the statements about a name or relation, in their order."""
        return tuple(self._of.get((kind, name, other), ()))


def evidence_of(timeline: "Timeline", item: Row | Relation) -> tuple[Evidence, ...]:
    """Return the evidence of a row or relation.

    First what the copies that were read have, at the tags where it changes and at those before;
    then what else is said of it.
    """
    name, other = item.name, item.object if isinstance(item, Relation) else ""
    relations = timeline.relations_of(name)
    source = SOURCES[item.kind] if isinstance(item, Relation) else HEADER
    origins = {found.tag: found.origin for found in relations.readings if found.source == source}
    changes = (
        _relation_changes(item, relations)
        if isinstance(item, Relation)
        else _name_changes(timeline, item)
    )
    stated = timeline.statements_of(name).of(item.kind, name, other)
    # What a copy has that the row does not follow is stated.
    known = {(said.says, said.by) for said in stated}
    read = [
        Evidence(item.kind, name, other, tag, said, by, place)
        for tag, said, place in changes
        for by in origins.get(tag, timeline.metadata.source).split("; ")
        if (tag, by) not in known
    ]
    seen = _sightings(item, relations) if isinstance(item, Relation) else ()
    return (*read, *seen, *stated)


def _sightings(relation: Relation, relations: Relations) -> Iterator[Evidence]:
    """Yield what booted kernels say."""
    key = relation.kind, relation.name, relation.object
    asked = {item.tag: item.origin for item in relations.readings if item.source == LIVE}
    for version, has in sorted(relations.sightings(*key).items()):
        tag = f"v{version}"
        yield Evidence(*key, tag, SOMEHOW if has else ABSENT, asked[tag], LIVE)


def is_followed(timeline: "Timeline", item: Row | Relation, said: Evidence) -> bool:
    """Whether a row or relation is as a statement about it says."""
    if said.says not in {tag.name for tag in timeline.tags}:
        return bool(getattr(item, said.says, None) == said.value)
    if isinstance(item, Row):
        return said.value == _said(timeline.present(timeline.tag(said.says)).get(item.name))
    version = KernelVersion.parse(said.says)
    allowed = timeline.relations_of(item.name).has(item.kind, item.name, item.object, version)
    if said.value in (ABSENT, SOMEHOW):
        return (allowed.value is None) == (said.value == ABSENT)
    return allowed.value == said.value.removeprefix(PRESENT)


def _said(held: Fact | None) -> str:
    return ABSENT if held is None else PRESENT + held.value


def _name_changes(timeline: "Timeline", row: Row) -> Iterator[tuple[str, str, str]]:
    """Yield tag, what it has, and the place of its header, where a name came and went."""
    tags = [tag for tag in timeline.tags if not tag.version.is_stable]
    wanted = {row.first_tag, row.removed}
    near = [older for older, newer in pairwise(tags) if newer.name in wanted]
    # A name that only updates have came there.
    updates = [tag for tag in timeline.tags if tag.name in wanted and tag.version.is_stable]
    for tag in tags + updates:
        if tag.name in wanted or tag in near:
            said = _said(timeline.present(tag).get(row.name))
            yield tag.name, said, ", ".join(filter(None, (tag.path, tag.blob)))


def _relation_changes(relation: Relation, relations: Relations) -> Iterator[tuple[str, str, str]]:
    """Yield tag, what it has, and by which source, at both sides of each change of a relation."""
    source = SOURCES[relation.kind]
    key = relation.kind, relation.name, relation.object
    read = relations.read(relation.kind)
    held = [relations.has(*key, KernelVersion.parse(version)).value for version in read]
    shown = {0} if held[0] is not None else set()
    for index, (older, newer) in enumerate(pairwise(held)):
        if older != newer:
            shown |= {index, index + 1}
    for index in sorted(shown):
        value = held[index]
        yield f"v{read[index]}", ABSENT if value is None else PRESENT + value, source
