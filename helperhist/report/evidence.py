"""Evidence as words and as JSON."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from helperhist.timeline import (
    ABSENT,
    PRESENT,
    SOMEHOW,
    SOURCES,
    Evidence,
    Relation,
    Row,
    Timeline,
    condition_words,
    evidence_of,
    is_followed,
)

__all__ = ["evidence_json", "evidence_pairs"]

_SOURCES = frozenset(SOURCES.values())
#: The trust of public copies of trees: other people's.
_PUBLIC = 2


def evidence_json(timeline: Timeline, item: Row | Relation) -> list[dict[str, Any]]:
    """Return the documented JSON objects of the evidence of a row or relation."""
    found = evidence_of(timeline, item)
    witnesses = timeline.statements_of(item.name).witnesses
    answers = []
    for said in found:
        witness = witnesses.get(said.by)
        answers.append(
            {
                "says": said.says,
                "value": said.value,
                "by": said.by,
                "revision": witness.revision or None if witness else None,
                "trust": witness.trust if witness else None,
                "where": said.where or None,
                "followed": is_followed(timeline, item, said),
            }
        )
    return answers


def evidence_pairs(timeline: Timeline, item: Row | Relation) -> Iterable[tuple[str, str]]:
    """Yield a label and a line for each statement."""
    witnesses = timeline.statements_of(item.name).witnesses
    label = "evidence"
    found = evidence_of(timeline, item)
    speakers = Counter(said.says for said in found)
    for said in found:
        witness = witnesses.get(said.by)
        revision = f" {witness.revision[:12]}" if witness and witness.revision else ""
        # That a tree was read by a source is no place.
        place = "" if said.where in _SOURCES else said.where
        where = f" ({place})" if place else ""
        followed = "" if is_followed(timeline, item, said) else "; not followed"
        # Nobody else speaks of that tag, and the copy is anybody's.
        alone = witness is not None and witness.trust <= _PUBLIC and speakers[said.says] == 1
        note = "; one copy alone" if alone and said.value.startswith((ABSENT, PRESENT)) else ""
        yield label, f"{_words(said)}: {said.by}{revision}{where}{followed}{note}"
        label = ""


def _words(said: Evidence) -> str:
    if said.value == ABSENT:
        return f"{said.says} lacks it"
    if said.value == SOMEHOW:
        return f"{said.says} has it"
    if said.value.startswith(PRESENT):
        value = said.value.removeprefix(PRESENT)
        words = condition_words(value) if said.object else value
        return f"{said.says} has it" + (f", {words}" if words else "")
    return f"{said.says} {said.value}"
