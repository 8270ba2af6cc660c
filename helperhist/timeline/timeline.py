"""The timeline: which name came with which release, and the questions that it answers."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from helperhist.errors import DatasetError
from helperhist.timeline.facts import SENTINEL, Fact, fact_key
from helperhist.timeline.presence import Release
from helperhist.timeline.records import (
    Diff,
    Doc,
    Event,
    Metadata,
    Row,
    Span,
    Tag,
)
from helperhist.timeline.relations import Allowed, Reading, Relations, Run
from helperhist.version import KernelVersion

__all__ = ["Timeline", "canonical_name", "series_base"]

_ENUM_NAME = re.compile(r"BPF_FUNC_(\w+)")


def canonical_name(text: str) -> str:
    """Return a helper's name as programs call it, from ``BPF_FUNC_x`` or ``bpf_x``."""
    match = _ENUM_NAME.fullmatch(text)
    return f"bpf_{match[1]}" if match else text


class Timeline:
    """The timeline of one history.

    ``rows`` are read at once; ``tags``, ``spans``, ``events``, ``docs`` and ``relations`` only
    when asked for.
    """

    def __init__(
        self,
        metadata: Metadata,
        rows: Iterable[Row],
        tags: Callable[[], Iterable[Tag]],
        spans: Callable[[], Iterable[Span]],
        events: Callable[[], Iterable[Event]],
        docs: Callable[[], Iterable[Doc]],
        label: str = "",
        relations: Callable[[str], tuple[Iterable[Run], Iterable[Reading]]] = lambda name: ((), ()),
    ) -> None:
        """Hold the parts of a timeline; use :func:`helperhist.load` to get one.

        :param label: names the dataset to users, in one line
        :param relations: gives the runs of the relations of a name (all of them for an empty one;
            others may be among them), and what was read for them
        """
        self.metadata = metadata
        self.rows = tuple(rows)
        self.label = label or metadata.source
        self._tags, self._spans, self._events, self._docs = tags, spans, events, docs
        self._relations = relations

    @cached_property
    def tags(self) -> tuple[Tag, ...]:
        """All tags read, oldest version first."""
        return tuple(self._tags())

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """The runs of tags that have a name."""
        return tuple(self._spans())

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """Renames, renumberings, removals and returns."""
        return tuple(self._events())

    @cached_property
    def docs(self) -> tuple[Doc, ...]:
        """Documentation of the helpers; empty for the embedded dataset."""
        return tuple(self._docs())

    @cached_property
    def relations(self) -> Relations:
        """Which helper and kfunc may be called from where; false where the data has none.

        :raises DatasetError: they contradict each other
        """
        return self._related("")

    def relations_of(self, name: str) -> Relations:
        """Return the relations of one name, for a look-up: all of them take longer to index.

        :raises DatasetError: they contradict each other
        """
        return self.relations if "relations" in self.__dict__ else self._related(name)

    def _related(self, name: str) -> Relations:
        releases = [tag.version for tag in self.releases] if self.metadata.kernel else []
        runs, readings = self._relations(name)
        try:
            return Relations(runs, readings, releases, self._born)
        except ValueError as error:
            raise DatasetError(
                f"the relations of this data are damaged ({error}); scan again"
            ) from error

    def _born(self, name: str) -> KernelVersion | None:
        """Return the release before which a name was not there, None where that is not known."""
        row = self._by_name.get(name)
        if row is None or row.since is None or row.or_earlier:
            return None
        return KernelVersion.parse(row.since)

    def has_relation(self, kind: str, name: str, other: str, version: str) -> Allowed:
        """Return whether a release has a relation, and under which condition.

        :param kind: ``helper_use``, ``kfunc_use``, ``map_use``, ...
        :param other: program type (``BPF_PROG_TYPE_XDP``) or map type
        :raises InvalidVersion: the version has another form
        """
        return self.relations.has(kind, canonical_name(name), other, version)

    def require_kernel(self) -> None:
        """Make sure that the versions are the kernel's: libbpf's 1.7 is no minimum kernel.

        :raises DatasetError: the tags are not named as those of a kernel history
        """
        if not self.metadata.kernel:
            raise DatasetError(
                f"the tags of this data ({self.metadata.source}) are not known to be kernel "
                "releases, which this needs; use --data embedded or the scan of a kernel"
            )

    @property
    def helpers(self) -> tuple[Row, ...]:
        """The rows of all helpers, by number."""
        return tuple(row for row in self.rows if row.kind == "helper")

    @cached_property
    def _by_name(self) -> dict[str, Row]:
        return {row.name: row for row in self.rows}

    def since(self, name: str) -> Row | None:
        """Return the row of a name, None if the history never had it.

        :param name: ``bpf_x``, ``BPF_FUNC_x`` or ``x`` for a helper, or any other name as it is
            in the header, or the number of a helper
        """
        rows = self._by_name
        name = canonical_name(name.strip())
        row = rows.get(name)
        if row is None and (helper := rows.get(f"bpf_{name}")) and helper.kind != "field":
            row = helper
        if row is None and name.isascii() and name.isdigit() and len(name) < 10:
            return self.helper(int(name))
        return row

    def row(self, name: str) -> Row | None:
        """Return the row of a name as it is in the header, None if the history never had it."""
        return self._by_name.get(name)

    def has(self, kind: str, name: str, version: str) -> bool | None:
        """Return whether a release or an update of one has a name; None where nobody can tell.

        The tag itself is asked. Where the data has no such tag, what the tags on both sides of it
        have, or lack, holds for it; backports to updates that were not read, and releases newer
        than the data, cannot be told. See :class:`helperhist.timeline.Release` for the bounds.

        :param kind: of the name (``helper``, ``map_type``, ``field``, ...)
        :raises InvalidVersion: the version has another form
        """
        return Release(self, KernelVersion.parse(version)).has(kind, canonical_name(name)).answer

    def helper(self, number: int) -> Row | None:
        """Return the helper that has a number now, or had it last."""
        # One that only a stable series or a release candidate had is not what the number means.
        found = [row for row in self.helpers if row.id == number]
        found = [row for row in found if row.since is not None] or found
        return next((row for row in found if row.removed is None), found[-1] if found else None)

    def find(self, pattern: str) -> tuple[Row, ...]:
        """Return the rows that a name or a shell pattern means, in row order.

        A name is as for :meth:`since`, else the end of a field's path (``gso_size``). A pattern
        (``bpf_skb_*``) is matched with names, helpers with or without ``bpf_``. It means fields
        only with a dot in it or if it fits nothing else, and so with sentinels; where it fits
        nothing at all, upper and lower case are taken for the same.
        """
        pattern = pattern.strip()
        if not any(char in pattern for char in "*?["):
            row = self.since(pattern)
            if row is not None:
                return (row,)
            end = f".{pattern}"
            return tuple(row for row in self.rows if row.kind == "field" and row.name.endswith(end))
        prefix = "BPF_FUNC_"
        if pattern.startswith(prefix):
            return self._match(f"bpf_{pattern.removeprefix(prefix)}", self.helpers)
        if "." in pattern:
            return self._match(pattern, self.rows)
        groups: tuple[list[Row], list[Row], list[Row]] = ([], [], [])
        for row in self.rows:
            groups[(row.kind == "field") + 2 * (row.kind == SENTINEL)].append(row)
        names, fields, sentinels = groups
        for flags in (0, re.IGNORECASE):
            for rows in (names, sentinels, fields):
                if found := self._match(pattern, rows, flags):
                    return found
        return ()

    @staticmethod
    def _match(pattern: str, rows: Iterable[Row], flags: int = 0) -> tuple[Row, ...]:
        match = re.compile(fnmatch.translate(pattern), flags).match
        return tuple(
            row
            for row in rows
            if match(row.name)
            or (row.kind == "helper" and match(row.name.removeprefix("bpf_")))
            or (row.kind == "field" and match(row.name.rpartition(".")[2]))
        )

    def nearest(self, name: str, count: int = 3) -> tuple[str, ...]:
        """Return the known names that look most like an unknown one, else that contain it."""
        import difflib

        name = canonical_name(name).lower()
        choices: dict[str, str] = {}
        for row in self.rows:
            choices.setdefault(row.name.lower(), row.name)
            if row.kind == "field":
                choices.setdefault(row.name.rpartition(".")[2].lower(), row.name)
        close: list[str] = []
        for spelling in (name, f"bpf_{name}"):
            close += difflib.get_close_matches(spelling, choices, count, 0.75)
        if not close and len(name) > 2:
            close = sorted((text for text in choices if name in text), key=len)[:count]
        return tuple(dict.fromkeys(choices[found] for found in close))[:count]

    def tag(self, version: str) -> Tag:
        """Return the tag of a version (``5.4``, ``5.8-rc3``, ``5.10.42``) or of that name.

        :raises DatasetError: this timeline has no such tag
        """
        for tag in self.tags:
            if tag.name == version:
                return tag
        wanted = KernelVersion.parse(version)
        found = [tag for tag in self.tags if tag.version == wanted]
        if found:
            return found[-1]
        have = [tag.version for tag in self.tags]
        span = f"{min(have)} to {max(have)}" if have else "no tag"
        stable = " and no stable updates" if not any(v.is_stable for v in have) else ""
        raise DatasetError(
            f"no tag for {version} in this data ({self.label}), which has {span}{stable}; "
            "see `helperhist releases`"
        )

    def at(self, version: str) -> tuple[Fact, ...]:
        """Return the names that a tag has, sorted by kind, number and name.

        :raises DatasetError: this timeline has no such tag
        """
        return tuple(sorted(self.present(self.tag(version)).values(), key=fact_key))

    def diff(self, old: str, new: str) -> Diff:
        """Return what changed from one tag to another.

        :raises DatasetError: this timeline has no such tag
        """
        before, after = self.present(self.tag(old)), self.present(self.tag(new))
        return Diff(
            tuple(sorted((after[name] for name in after.keys() - before), key=fact_key)),
            tuple(sorted((before[name] for name in before.keys() - after), key=fact_key)),
            tuple(
                sorted(
                    (
                        (before[name], after[name])
                        for name in before.keys() & after
                        if before[name].value != after[name].value
                    ),
                    key=lambda pair: fact_key(pair[1]),
                )
            ),
        )

    @cached_property
    def _position(self) -> dict[str, int]:
        return {tag.name: index for index, tag in enumerate(self.tags)}

    @cached_property
    def _lines(self) -> dict[str, list[tuple[int, int, Fact]]]:
        """By series: names, from the position of one tag up to that of another."""
        by_series: dict[str, list[tuple[int, int, Fact]]] = {}
        position, end = self._position, len(self.tags)
        for span in self.spans:
            last = end if span.last is None else position[span.last]
            name = Fact.of(span.kind, span.name, span.id)
            by_series.setdefault(span.series, []).append((position[span.first], last, name))
        return by_series

    @cached_property
    def _bases(self) -> dict[str, Tag | None]:
        """By series: the release that its updates start from."""
        series = {tag.version.series for tag in self.tags if tag.version.is_stable}
        mainline = [tag for tag in self.tags if not tag.version.is_stable]
        return {name: series_base(mainline, name) for name in series}

    def present(self, tag: Tag) -> dict[str, Fact]:
        """Return the names that a tag has, by name."""
        if not tag.version.is_stable:
            return dict(self._on_line("", tag))
        series = tag.version.series
        base = self._bases[series]
        names = {} if base is None else dict(self._on_line("", base))
        for _, _, listed in self._lines.get(series, ()):
            names.pop(listed.name, None)
        names.update(self._on_line(series, tag))
        return names

    def _on_line(self, series: str, tag: Tag) -> Iterator[tuple[str, Fact]]:
        at = self._position[tag.name]
        for first, last, name in self._lines.get(series, ()):
            if first <= at <= last:
                yield name.name, name

    @cached_property
    def begins_open(self) -> bool:
        """Whether the names at the first mainline tag may be older than it."""
        first = next((tag.name for tag in self.tags if not tag.version.is_stable), None)
        return any(row.or_earlier and row.first_tag == first for row in self.rows)

    @property
    def releases(self) -> tuple[Tag, ...]:
        """The tags of mainline releases (no candidates, no stable updates), oldest first."""
        return tuple(
            tag for tag in self.tags if tag.version.rc is None and not tag.version.is_stable
        )


def series_base(mainline: Iterable[Tag], series: str) -> Tag | None:
    """Return the release that a stable series starts from, None if it is not tagged."""
    return next((tag for tag in mainline if tag.version.text == series), None)
