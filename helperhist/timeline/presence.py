"""Whether a release has a name: what its tag says, never what ``since`` says of mainline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from helperhist.timeline.facts import Fact
from helperhist.timeline.index import canonical_name
from helperhist.timeline.kinds import SOURCES
from helperhist.timeline.records import Tag
from helperhist.version import KernelVersion

if TYPE_CHECKING:
    from helperhist.timeline.timeline import Timeline

__all__ = ["Kernel", "Presence", "Release"]


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether a kernel has a fact: yes, no, cannot tell, or yes under a condition.

    :ivar answer: None where nobody can tell
    :ivar before: whether the last tag before the release has it; None where there is none, or
        where the tag of the release itself was read
    :ivar after: the same of the first tag after it
    :ivar value: of a relation that it has, or may have: the condition (empty: always), flags or
        prototype there, ``?`` where that was not read; None of what it lacks, and of names
    """

    answer: bool | None
    before: bool | None = None
    after: bool | None = None
    value: str | None = None

    @property
    def condition(self) -> str:
        """Under which condition the answer is yes, or might be; empty where there is none."""
        return self.value or ""


class Kernel(Protocol):
    """What answers the one question: a release, a BTF, a header, a running kernel."""

    def has(self, kind: str, name: str, other: str = "") -> Presence:
        """Return whether it has a name, or a relation of two names."""

    def has_number(self, kind: str, name: str, number: int) -> Presence:
        """Return whether a number of a list means a name there; any, if the name is empty."""

    def numbered(self, kind: str, number: int) -> str | None:
        """Return the name that a number of a list has there, None where it has none known."""


class Release:
    """One release or update of a timeline, whether or not the data has its tag.

    Of a release whose tag was not read, the tags on both sides of it on its line (mainline, or the
    release and its updates) tell: what both have, or both lack, holds for what lies between them.
    Nothing else is taken for certain: an update may have a backport, and what is newer than the
    data may have lost a name.
    """

    def __init__(self, timeline: "Timeline", version: KernelVersion) -> None:
        """Find the tags that tell of a version."""
        self.version = version
        self._timeline = timeline

    @cached_property
    def tag(self) -> Tag | None:
        """The tag of this very release; None where the data has none."""
        found = [tag for tag in self._timeline.tags if tag.version == self.version]
        return found[-1] if found else None

    @property
    def before(self) -> Tag | None:
        """The tag before it on its line, where it has none itself."""
        return self._around[0]

    @property
    def after(self) -> Tag | None:
        """The tag after it, likewise."""
        return self._around[1]

    @cached_property
    def _around(self) -> tuple[Tag | None, Tag | None, bool]:
        """The tags around it, and whether the second is mainline, of which this is an update.

        That one says nothing of backports.
        """
        if self.tag is not None:
            return None, None, False
        version, tags = self.version, self._timeline.tags
        mainline = [tag for tag in tags if not tag.version.is_stable]
        build = bool(version.build) and not any(tag.version.build for tag in tags)
        if not (version.is_stable or build):
            return *_neighbours(mainline, version), False
        start = KernelVersion.parse(version.series)
        line = [
            tag for tag in tags if tag.version.series == version.series and tag.version >= start
        ]
        before, after = _neighbours(line, version)
        leaves = False
        if before is None:
            # Its release has no tag: mainline before it is what there is to begin with.
            before, later = _neighbours(mainline, start)
            if after is None:
                after, leaves = later, True
        # A distribution backports what it likes: no update bounds its build.
        return before, None if build else after, leaves

    @cached_property
    def names(self) -> Mapping[str, Fact]:
        """What the tag of this release has; without a tag, what both its neighbours have."""
        if self.tag is not None:
            return self._timeline.present(self.tag)
        before, after = self._beside
        if before is None or after is None:
            return {}
        return {name: item for name, item in before.items() if after.get(name) == item}

    @cached_property
    def _beside(self) -> tuple[Mapping[str, Fact] | None, Mapping[str, Fact] | None]:
        before, after = (
            None if tag is None else self._timeline.present(tag)
            for tag in (self.before, self.after)
        )
        return before, after

    def has(self, kind: str, name: str, other: str = "") -> Presence:
        """Return whether the release has a name, under it or under the name that it has there.

        The tag itself is asked. Where the data has no such tag, what the tags on both sides of it
        have, or lack, holds for it; backports to updates that were not read, and releases newer
        than the data, cannot be told. Of relations see :meth:`Relations.has`.

        :param kind: of the name; a kind that the data does not have cannot be told of
        :param other: of a relation: a program type (``BPF_PROG_TYPE_XDP``) or map type
        """
        name, index = canonical_name(name), self._timeline.index
        if kind in SOURCES or other:
            return self._timeline.relations.has(kind, name, other, self.version)
        if index.named(name) is None and kind not in index.kinds:
            return Presence(None)
        spellings = index.spellings(name)
        return self._ask(name, lambda names: any(known in names for known in spellings))

    def has_number(self, kind: str, name: str, number: int) -> Presence:
        """Return whether a number of a list (a helper's, a map type's) means that name there.

        :param name: empty where any will do
        """
        spellings, digits = self._timeline.index.spellings(name), str(number)

        def is_there(names: Mapping[str, Fact]) -> bool:
            return any(
                item.value == digits and item.kind == kind and (not name or item.name in spellings)
                for item in names.values()
            )

        return self._ask(name, is_there)

    def numbered(self, kind: str, number: int) -> str | None:
        """Return the name that a number of a list has there, if that can be told."""
        digits = str(number)
        return next(
            (n.name for n in self.names.values() if n.kind == kind and n.value == digits), None
        )

    def _ask(self, name: str, is_there: Callable[[Mapping[str, Fact]], bool]) -> Presence:
        if self.tag is not None:
            return Presence(is_there(self.names))
        before, after = (None if names is None else is_there(names) for names in self._beside)
        return Presence(self._between(name, before, after), before, after)

    def _between(self, name: str, before: bool | None, after: bool | None) -> bool | None:
        if self._around[2] and not before:
            return None
        if before is not None and after is not None:
            return before if before == after else None
        if before is None and after is not None:
            # Older than the data: what came later was not there, what the data begins with may
            # have been.
            row = self._timeline.index.named(name)
            return None if after and (row is None or row.or_earlier) else False
        return None

    @property
    def is_newer(self) -> bool:
        """Whether this release is newer than all of the data."""
        return all(tag.version < self.version for tag in self._timeline.tags)

    @property
    def newest(self) -> str:
        """The newest mainline release of the data."""
        releases = self._timeline.releases
        return releases[-1].version.text if releases else "the data"

    @property
    def known_from(self) -> str:
        """The tags that tell of this release, in words: ``5.10``, ``5.8 and 5.10``."""
        tags = (self.tag,) if self.tag is not None else (self.before, self.after)
        return " and ".join(str(tag.version) for tag in tags if tag is not None) or "no release"


def _neighbours(line: list[Tag], version: KernelVersion) -> tuple[Tag | None, Tag | None]:
    """Return the last tag before a version and the first after it; the tags are in order."""
    before = [tag for tag in line if tag.version < version]
    after = next((tag for tag in line if tag.version > version), None)
    return (before[-1] if before else None), after
