"""The files of a dataset: CSV files and one ``metadata.json``; from and to text, pure.

=================  ===============================================================================
``timeline.csv``   one row per name: :class:`helperhist.timeline.Row`
``tags.csv``       the tags read, oldest version first: :class:`helperhist.timeline.Tag`
``spans.csv``      the runs of tags that have a name: :class:`helperhist.timeline.Span`
``events.csv``     renames, renumberings, removals: :class:`helperhist.timeline.Event`
``docs.csv``       documentation of the helpers: :class:`helperhist.timeline.Doc`
``metadata.json``  :class:`helperhist.timeline.Metadata`
``relations.csv``  see :mod:`helperhist.dataset.relations`, as for ``readings.csv``
``evidence.csv``   see :mod:`helperhist.dataset.evidence`, as for ``sources.csv``
=================  ===============================================================================
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import astuple
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any

from helperhist.dataset.cells import MISSING, lines_with, read_cells, reason, render_cells
from helperhist.dataset.evidence import (
    EVIDENCE,
    EVIDENCE_COLUMNS,
    WITNESSES,
    parse_evidence,
    parse_witnesses,
)
from helperhist.dataset.metadata import METADATA, parse_metadata, render_metadata
from helperhist.dataset.names import (
    NAME_COLUMNS,
    TIMELINE,
    name_cells,
    parse_rows,
    parse_spans,
    parse_tags,
)
from helperhist.dataset.relations import (
    DETAILS,
    INTRODUCTIONS,
    LOST,
    READINGS,
    RELATION_COLUMNS,
    RELATIONS,
    SOURCE_FILES,
    STABLE,
    UPDATES,
    parse_introductions,
    parse_lost,
    parse_readings,
    parse_runs,
    parse_source_files,
    parse_stable_runs,
    parse_updates,
    relation_cells,
)
from helperhist.dataset.swap import File
from helperhist.errors import DatasetError
from helperhist.timeline import Doc, Event, Evidence, Parts, Run, Tag, Timeline, Witness

__all__ = ["FILES", "LATER", "parse_dataset", "render_dataset"]

_COLUMNS = {**NAME_COLUMNS, **RELATION_COLUMNS, **EVIDENCE_COLUMNS}
#: Names of all files that a dataset can have.
FILES = frozenset((*_COLUMNS, METADATA))
#: Those of them that are read only when they are asked for.
LATER = frozenset((*RELATION_COLUMNS, *EVIDENCE_COLUMNS))
_OPTIONAL = LATER | {"docs.csv"}


def parse_dataset(
    files: Mapping[str, File],
    folder: Path,
    label: str = "",
    later: Callable[[Collection[str]], Mapping[str, File]] | None = None,
) -> Timeline:
    """Return the timeline in the files of a dataset; all but its rows is read when asked for.

    :param folder: where they are from, for messages
    :param label: names the dataset to users, before its source
    :param later: gets some of the files of :data:`LATER`; by default they are among ``files``
    :raises DatasetError: they are damaged or of another format, now or when a part is asked for
    """
    metadata = parse_metadata(files[METADATA], folder)
    label += metadata.source
    if not metadata.kernel:
        # libbpf's 1.7 is no release of the kernel.
        label += " (its versions are not known to be the kernel's)"

    def part(
        name: str,
        read: Callable[[Iterator[list[str]]], Iterator[Any]],
        files: Mapping[str, File] = files,
    ) -> Iterator[Any]:
        try:
            cells = read_cells(
                files.get(name, MISSING),
                folder / name,
                _COLUMNS[name],
                optional=name in _OPTIONAL,
            )
            yield from read(cells)
        except (ValueError, TypeError, OverflowError) as error:
            raise DatasetError(
                f"{folder / name} is damaged ({reason(error)}); scan again"
            ) from error

    rows = tuple(part(TIMELINE, parse_rows))

    def tags() -> tuple[Tag, ...]:
        return tuple(part("tags.csv", lambda cells: parse_tags(cells, rows)))

    def relations(name: str) -> Parts:
        wanted = set(RELATION_COLUMNS) - ({DETAILS} if name else set())
        found = files if later is None else later(wanted)
        runs = [RELATIONS]
        if name:
            found = {
                **found,
                **{
                    file: lines_with(found.get(file, MISSING), name)
                    for file in (RELATIONS, INTRODUCTIONS, STABLE)
                },
            }
        else:
            runs.append(DETAILS)
        return Parts(
            _by_kind(part(file, parse_runs, found) for file in runs),
            part(READINGS, parse_readings, found),
            part(INTRODUCTIONS, parse_introductions, found),
            part(LOST, parse_lost, found),
            part(SOURCE_FILES, parse_source_files, found),
            part(STABLE, parse_stable_runs, found),
            part(UPDATES, parse_updates, found),
        )

    def evidence(name: str) -> tuple[Iterator[Evidence], Iterator[Witness]]:
        found = files if later is None else later((EVIDENCE, WITNESSES))
        if name:
            found = {**found, EVIDENCE: lines_with(found.get(EVIDENCE, MISSING), name)}
        return part(EVIDENCE, parse_evidence, found), part(WITNESSES, parse_witnesses, found)

    return Timeline(
        metadata,
        rows,
        tags,
        lambda: part("spans.csv", lambda cells: parse_spans(cells, tags())),
        lambda: part("events.csv", lambda cells: (Event(*row) for row in cells)),
        lambda: part("docs.csv", lambda cells: (Doc(*row) for row in cells)),
        label,
        relations,
        evidence,
    )


def _by_kind(files: Iterable[Iterator[Run]]) -> Iterator[Run]:
    """Yield the runs of files, each of them sorted, in one order: no two have one kind."""
    yield from sorted(chain.from_iterable(files), key=attrgetter("kind"))


def render_dataset(timeline: Timeline) -> dict[str, str]:
    """Return the files of a dataset, name to text; equal timelines give equal texts."""
    rows = name_cells(timeline)
    for name, cells in relation_cells(timeline.parts).items():
        # Runs may be none where something was read.
        if cells or (name == RELATIONS and timeline.parts.readings):
            rows[name] = cells
    statements = timeline.statements_of("")
    if statements.evidence:
        rows[EVIDENCE] = [astuple(item) for item in statements.evidence]
        rows[WITNESSES] = [
            (w.by, w.revision, str(w.trust), w.about) for w in statements.witnesses.values()
        ]
    files = {name: render_cells(_COLUMNS[name], cells) for name, cells in rows.items()}
    files[METADATA] = render_metadata(timeline.metadata)
    return files
