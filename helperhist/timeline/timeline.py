"""The timeline: which name came with which release, and the questions that it answers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

from helperhist.errors import DatasetError
from helperhist.timeline.evidence import Evidence, Statements, Witness
from helperhist.timeline.facts import Fact, sort_key
from helperhist.timeline.index import Index
from helperhist.timeline.lookup import find, nearest
from helperhist.timeline.parts import Parts
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
from helperhist.timeline.relations import Relations
from helperhist.version import KernelVersion, read_version

__all__ = ["Timeline", "changes", "series_base"]


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
        relations: Callable[[str], Parts] = lambda name: Parts(),
        evidence: Callable[[str], tuple[Iterable[Evidence], Iterable[Witness]]] = (
            lambda name: ((), ())
        ),
    ) -> None:
        """Hold the parts of a timeline; use :func:`helperhist.load` to get one.

        :param label: names the dataset to users, in one line
        :param relations: gives the runs of the relations of a name (all of them for an empty one;
            others may be among them), and what was read for them
        :param evidence: gives the statements about a name (all of them for an empty one), and who
            makes them
        """
        self.metadata = metadata
        self.rows = tuple(rows)
        self.label = label or metadata.source
        self._tags, self._spans, self._events, self._docs = tags, spans, events, docs
        self._relations, self._evidence = relations, evidence

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
        return self._related(self.parts)

    @cached_property
    def parts(self) -> Parts:
        """What the relations are made of, all of it in memory.

        :raises DatasetError: it is damaged
        """
        found = self._relations("")
        return Parts(
            tuple(found.runs),
            tuple(found.readings),
            tuple(found.introductions),
            tuple(found.lost),
            tuple(found.files),
            tuple(found.stable),
            tuple(found.updates),
        )

    def relations_of(self, name: str) -> Relations:
        """Return the relations of one name, for a look-up: all of them take longer to index.

        :raises DatasetError: they contradict each other
        """
        return (
            self.relations if "relations" in self.__dict__ else self._related(self._relations(name))
        )

    def statements_of(self, name: str) -> Statements:
        """Return what is said of one name, of all for an empty one, beside the copies read.

        :raises DatasetError: somebody says it who is not known
        """
        try:
            return Statements(*self._evidence(name))
        except ValueError as error:
            raise DatasetError(
                f"the evidence of this data is damaged ({error}); scan again"
            ) from error

    def _related(self, parts: Parts) -> Relations:
        releases = [tag.version for tag in self.releases] if self.metadata.kernel else []
        try:
            return Relations(parts, releases, self._born)
        except ValueError as error:
            raise DatasetError(
                f"the relations of this data are damaged ({error}); scan again"
            ) from error

    def _born(self, name: str) -> KernelVersion | None:
        """Return the release before which a name was not there, None where that is not known."""
        row = self.index.named(name)
        if row is None or row.since is None or row.or_earlier:
            return None
        return KernelVersion.parse(row.since)

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
    def index(self) -> Index:
        """The rows by name, by number and by spelling."""
        return Index(self.rows)

    def since(self, name: str) -> Row | None:
        """Return the row of a name, None if the history never had it.

        :param name: ``bpf_x``, ``BPF_FUNC_x`` or ``x`` for a helper, or any other name as it is
            in the header, or the number of a helper
        """
        return self.index.meant(name)

    def helper(self, number: int) -> Row | None:
        """Return the helper that has a number now, or had it last."""
        return self.index.numbered("helper", number)

    def find(self, pattern: str) -> tuple[Row, ...]:
        """Return the rows that a name or a shell pattern means.

        A name is as for :meth:`since`, with ``()`` or ``struct`` or as ``#182``, too; else a type
        without its prefix (``xdp``, ``ringbuf``; then the fields of that name), else a struct
        (``xdp_md``: its fields), else the end of a field's path (``gso_size``); and if it is none
        of these as it is written, then in any case (``BPF_LOOP``). A pattern
        (``bpf_skb_*``) is matched with names, helpers with or without ``bpf_``. It means fields
        only with a dot in it or if it fits nothing else, and so with sentinels; where it fits
        nothing at all, upper and lower case are taken for the same.
        """
        return find(self.index, pattern)

    def nearest(self, name: str, count: int = 3) -> tuple[str, ...]:
        """Return the known names that look most like an unknown one, else that contain it."""
        return nearest(self.index, name, count)

    def kernel(self, version: str) -> Release:
        """Return a release or an update of one, whether or not the data has its tag.

        Its ``has(kind, name)`` is asked of the tag itself, never of ``since``. What the data
        cannot tell of it is in :func:`helperhist.timeline.ask`.

        :raises InvalidVersion: the version has another form
        """
        return Release(self, read_version(version).version)

    def tag(self, version: str) -> Tag:
        """Return the tag of a version (``5.4``, ``5.8-rc3``, ``5.10.42``) or of that name.

        :raises DatasetError: this timeline has no such tag
        """
        for tag in self.tags:
            if tag.name == version:
                return tag
        wanted = read_version(version).version
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
        return tuple(sorted(self.present(self.tag(version)).values(), key=sort_key))

    def diff(self, old: str, new: str) -> Diff:
        """Return what changed from one tag to another.

        :raises DatasetError: this timeline has no such tag
        """
        return changes(self.present(self.tag(old)), self.present(self.tag(new)))

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


def changes(before: Mapping[str, Fact], after: Mapping[str, Fact]) -> Diff:
    """Return what changed from the names of one kernel to those of another."""
    both = [(before[name], after[name]) for name in before.keys() & after]
    return Diff(
        tuple(sorted((after[name] for name in after.keys() - before), key=sort_key)),
        tuple(sorted((before[name] for name in before.keys() - after), key=sort_key)),
        tuple(
            sorted(
                (pair for pair in both if pair[0].value != pair[1].value),
                key=lambda pair: sort_key(pair[1]),
            )
        ),
    )
