"""What ``since`` and ``list`` share: program types as people write them, relations printed."""

from collections.abc import Sequence
from dataclasses import replace

from helperhist.cli.options import echo_objects_csv, with_doubt
from helperhist.cli.output import echo, echo_json
from helperhist.errors import DatasetError
from helperhist.report.relations import (
    relation_json,
    removed_words,
    short,
    since_words,
)
from helperhist.report.terminal import table, terminal_width
from helperhist.timeline import (
    KINDS,
    Asked,
    Doubt,
    Relation,
    Relations,
    Timeline,
    condition_words,
)
from helperhist.version import KernelVersion

__all__ = ["echo_relations", "relations_at", "require_relations"]


def require_relations(timeline: Timeline) -> Relations:
    """Return the relations of a timeline.

    :raises DatasetError: it has none
    """
    if not timeline.relations:
        raise DatasetError(
            f"this data ({timeline.label}) does not say who may call what; use --data embedded"
        )
    return timeline.relations


def relations_at(
    timeline: Timeline, found: Sequence[Relation], asked: Asked
) -> tuple[list[Relation], int]:
    """Return those of relations that a release has, and of how many nobody can tell.

    Of updates and of distributions' kernels their release answers what they have at least.

    :raises DatasetError: the release lies outside of those that were read
    """
    version, bound = asked.version, asked.version.is_stable or bool(asked.version.build)
    if bound:
        version = KernelVersion.parse(version.series)
    kept, unknown, release = [], 0, timeline.kernel(str(version))
    for kind in dict.fromkeys(relation.kind for relation in found):
        read = [KernelVersion.parse(text) for text in timeline.relations.read(kind)]
        if not read[0] <= version <= read[-1]:
            raise DatasetError(
                f"{kind} was read from {read[0]} to {read[-1]}, not at {version}; ask for one of "
                "these, or `helperhist scan` other history"
            )
    for relation in found:
        allowed = release.has(relation.kind, relation.name, relation.object)
        if allowed.value is not None:
            kept.append(replace(relation, value=allowed.value))
        elif allowed.answer is None:
            unknown += 1
    return kept, unknown


def echo_relations(
    timeline: Timeline,
    found: Sequence[Relation],
    doubt: Doubt | None = None,
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Print relations, one a line."""
    if as_json or as_csv:
        answers = [with_doubt(relation_json(timeline, item), doubt) for item in found]
    if as_json:
        echo_json(answers)
    elif as_csv:
        echo_objects_csv([{k: v for k, v in item.items() if k != "doubt"} for item in answers])
    else:
        cells = [
            (relation.name, short(relation.object), _words(relation), _value(relation))
            for relation in found
        ]
        echo(table(("name", "of", "since", "condition"), cells, terminal_width(), cut=False))
        echo(f"{len(found)} rows")


def _words(relation: Relation) -> str:
    removed = removed_words(relation)
    return since_words(relation) + (f", removed {removed}" if removed else "")


def _value(relation: Relation) -> str:
    conditional = KINDS[relation.kind].conditional
    return condition_words(relation.value) if conditional else relation.value
