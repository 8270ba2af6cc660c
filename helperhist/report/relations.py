"""Which program type may call what: as words and as JSON."""

from collections.abc import Iterable
from typing import Any

from helperhist.timeline import PREFIXES, Relation, Row, Timeline
from helperhist.version import KernelVersion

__all__ = [
    "callers",
    "relation_json",
    "relation_row",
    "removed_words",
    "short",
    "since_words",
]

_PREFIX = PREFIXES["prog_type"]
#: What depends on the loader and the kernel's configuration.
_ENVIRONMENT = ("cap=", "config=", "lockdown")


def short(name: str) -> str:
    """Return a program type as people write it: ``XDP``."""
    return name.removeprefix(_PREFIX)


def since_words(relation: Relation) -> str:
    """Say since which release: exactly, or between which two."""
    if relation.or_earlier:
        return f"{relation.since} or earlier"
    if relation.absent is not None:
        return f"between {relation.absent} and {relation.since}"
    return relation.since


def removed_words(relation: Relation) -> str:
    """Say when it was removed, in words that follow that one; empty if it is still there."""
    if relation.removed is None:
        return ""
    if relation.seen is not None:
        return f"between {relation.seen} and {relation.removed}"
    return f"in {relation.removed}"


def callers(relations: Iterable[Relation]) -> str:
    """Say in one line which program types may call a name, by release, oldest first."""
    groups: dict[tuple[KernelVersion, str], list[str]] = {}
    starred = False
    for relation in relations:
        if relation.removed is None:
            mark = "*" if _depends(relation.value) else ""
            starred = starred or bool(mark)
            key = KernelVersion.parse(relation.since), since_words(relation)
            groups.setdefault(key, []).append(short(relation.object) + mark)
    ordered = sorted(groups.items())
    line = "; ".join(f"{since} {', '.join(sorted(names))}" for (_, since), names in ordered)
    return line + (" (* under a condition: --prog)" if starred else "")


def _depends(condition: str) -> bool:
    """Whether it depends on the program, and not only on who loads it into which kernel."""
    return not any(
        all(term.startswith(_ENVIRONMENT) for term in alternative.split(";") if term)
        for alternative in condition.split(" or ")
    )


def relation_row(timeline: Timeline, relation: Relation) -> Row:
    """Return what a row says, of a relation: without number and candidates."""
    tags = {tag.version.text: tag for tag in timeline.releases}
    tag = tags.get(relation.since)
    prototype = None
    if relation.kind == "kfunc":
        found = timeline.relations_of(relation.name).find("kfunc_proto", relation.name)
        prototype = found[-1].value if found else None
    brought = relation.introduction
    return Row(
        relation.kind,
        relation.name,
        commit=None if brought is None else brought.commit,
        author_date=None if brought is None else brought.author_date,
        commit_date=None if brought is None else brought.commit_date,
        subject=(brought.subject or None) if brought is not None else None,
        backports=relation.backports,
        since=relation.since,
        tag=f"v{relation.since}",
        released=None if tag is None else tag.date,
        removed=None if relation.removed is None else f"v{relation.removed}",
        or_earlier=relation.or_earlier,
        prototype=prototype,
    )


def relation_json(timeline: Timeline, relation: Relation) -> dict[str, Any]:
    """Return the documented JSON object of a relation: a row's keys, and its own."""
    answer = relation_row(timeline, relation).to_json()
    if relation.kind != "kfunc":
        answer["object"] = relation.object
    answer["value"] = relation.value
    answer["absent"] = relation.absent
    answer["intervals"] = [{"from": start, "to": end} for start, end in relation.presences]
    return answer
