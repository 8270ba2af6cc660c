"""The records of a timeline: rows, tags, spans, events, documentation, metadata."""

from dataclasses import dataclass, field
from typing import Any

from helperhist.timeline.facts import Fact
from helperhist.version import KernelVersion

__all__ = [
    "Backport",
    "Diff",
    "Doc",
    "Event",
    "Metadata",
    "Row",
    "Span",
    "Tag",
]


@dataclass(frozen=True, slots=True)
class Backport:
    """A name that a stable series has, though the release it starts from has not.

    :ivar series: ``"5.10"``
    :ivar since: the first update from which on the series has the name: ``"5.10.42"``
    """

    series: str
    since: str


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one name.

    :ivar kind: see :class:`helperhist.sources.uapi.Fact`
    :ivar name: helpers with ``bpf_``, fields by path, anything else as in the header
    :ivar id: number of a helper, value of a constant, at the newest tag that has the name
    :ivar since: the first release (``"5.8"``) from which on mainline has the name without a gap;
        None if no mainline release ever had it
    :ivar tag: the tag of that release; None while only release candidates are tagged
    :ivar first_tag: the first tag with the name, mostly a release candidate
    :ivar released: ISO date of ``tag``; None where it is not known
    :ivar removed: the first mainline tag without the name again, None if it is still there
    :ivar or_earlier: whether the name may be older: the history begins at ``first_tag``, or the
        release before is not tagged in it
    :ivar commit: 40 hex digits of the introducing commit, with its dates (ISO 8601, UTC) and
        subject; each None where it is not known
    :ivar prototype: C prototype of a helper, without ``;``, from the newest tag documenting it
    :ivar attributes: attributes of a helper's declaration (``__bpf_fastcall``)
    """

    kind: str
    name: str
    id: int | None = None
    since: str | None = None
    tag: str | None = None
    first_tag: str | None = None
    released: str | None = None
    removed: str | None = None
    or_earlier: bool = False
    commit: str | None = None
    author_date: str | None = None
    commit_date: str | None = None
    subject: str | None = None
    former_names: tuple[str, ...] = ()
    backports: tuple[Backport, ...] = ()
    prototype: str | None = None
    attributes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON object of this row."""
        return {
            "name": self.name,
            "kind": self.kind,
            "id": self.id,
            "since": self.since,
            "tag": self.tag,
            "first_tag": self.first_tag,
            "released": self.released,
            "commit": self.commit,
            "author_date": self.author_date,
            "commit_date": self.commit_date,
            "subject": self.subject,
            "removed": self.removed,
            "or_earlier": self.or_earlier,
            "former_names": list(self.former_names),
            "backports": [{"series": b.series, "since": b.since} for b in self.backports],
            "prototype": self.prototype,
            "attributes": list(self.attributes),
        }

    def to_cells(self) -> list[str | None]:
        """Return the cells of a line of CSV, in the order of the JSON: lists have spaces."""
        return [_cell(value) for value in self.to_json().values()]


def _cell(value: object) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list):
        words = (f"{v['series']}:{v['since']}" if isinstance(v, dict) else v for v in value)
        return " ".join(words)
    return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag at which the header was read.

    :ivar name: as in the repository
    :ivar version: what the name says
    :ivar target: object id that the tag's reference holds (of the tag object, or the commit)
    :ivar commit: the commit that it leads to
    :ivar date: ISO date of the tag, else of its commit
    :ivar path: the header's path at this tag
    :ivar blob: the object id of the header
    """

    name: str
    version: KernelVersion
    target: str
    commit: str
    date: str | None
    path: str
    blob: str


@dataclass(frozen=True, slots=True)
class Span:
    """A run of successive tags that have a name with one value.

    :ivar series: empty for mainline; ``"5.10"`` for updates of 5.10, where only names are listed
        that differ from the release 5.10 somewhere in the series
    :ivar first: the first tag of the run
    :ivar last: the last one; None where the run goes on to the newest tag of the line
    """

    series: str
    kind: str
    name: str
    id: int | None
    first: str
    last: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """A change of a name that is no addition.

    :ivar event: ``renamed`` (``before`` and ``after`` are names), ``renumbered`` (they are
        numbers), ``removed`` or ``returned``
    :ivar tag: the first tag after the change
    """

    event: str
    kind: str
    name: str
    tag: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Doc:
    """The documentation of a helper, from the newest tag that has it."""

    name: str
    tag: str
    description: str
    returns: str


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed from one tag to another, each part sorted by kind, number and name."""

    added: tuple[Fact, ...]
    removed: tuple[Fact, ...]
    #: (before, after): same name, other number
    renumbered: tuple[tuple[Fact, Fact], ...]


@dataclass(frozen=True, slots=True)
class Metadata:
    """Where a dataset comes from: ``metadata.json``.

    :ivar source: the repository scanned, or a description
    :ivar paths: candidates for the header, in order
    :ivar pattern: the regular expression of the tags
    :ivar head: commit of HEAD, None in an unborn branch
    :ivar time: commit date of HEAD (ISO 8601, UTC): equal histories give equal datasets
    :ivar tags: number of tags read
    :ivar skipped: reason to number of tags that were not read
    :ivar commits: whether introducing commits were looked for
    :ivar kernel: whether the tags are named as those of the kernel's own history
    :ivar shallow: the commits at which a shallow clone is cut off
    :ivar version: of helperhist
    :ivar format: of the dataset
    :ivar sources: what was read, ``bpf.h`` and sources of whole trees: name to the version of its
        parser; empty where a dataset does not say
    """

    source: str
    paths: tuple[str, ...] = ()
    pattern: str = ""
    head: str | None = None
    time: str | None = None
    tags: int = 0
    newest: str | None = None
    skipped: tuple[tuple[str, int], ...] = ()
    commits: bool = True
    kernel: bool = False
    shallow: tuple[str, ...] = ()
    version: str = ""
    format: int = 1
    notes: tuple[str, ...] = field(default=())
    sources: tuple[tuple[str, int], ...] = ()
