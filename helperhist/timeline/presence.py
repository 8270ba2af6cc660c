"""Whether a release has a name: what its tag says, never what ``since`` says of mainline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from helperhist.timeline.facts import Fact
from helperhist.timeline.records import Tag
from helperhist.version import KernelVersion

if TYPE_CHECKING:
    from helperhist.timeline.timeline import Timeline

__all__ = ["Presence", "Release"]


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether a release has a name.

    :ivar answer: None where the data cannot tell
    :ivar before: whether the last tag before the release has it; None where there is none, or
        where the tag of the release itself was read
    :ivar after: the same of the first tag after it
    """

    answer: bool | None
    before: bool | None = None
    after: bool | None = None


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
        found = [tag for tag in timeline.tags if tag.version == version]
        #: The tag of this very release; None where the data has none.
        self.tag: Tag | None = found[-1] if found else None
        #: The tags around it where it has none itself.
        self.before: Tag | None = None
        # Whether ``after`` is mainline, of which this is an update: it says nothing of backports.
        self._leaves = False
        self.after: Tag | None = None
        if self.tag is None:
            self.before, self.after = self._around()

    def _around(self) -> tuple[Tag | None, Tag | None]:
        version, tags = self.version, self._timeline.tags
        mainline = [tag for tag in tags if not tag.version.is_stable]
        build = bool(version.build) and not any(tag.version.build for tag in tags)
        if not (version.is_stable or build):
            return _neighbours(mainline, version)
        start = KernelVersion.parse(version.series)
        line = [
            tag for tag in tags if tag.version.series == version.series and tag.version >= start
        ]
        before, after = _neighbours(line, version)
        if before is None:
            # Its release has no tag: mainline before it is what there is to begin with.
            before, later = _neighbours(mainline, start)
            if after is None:
                after, self._leaves = later, True
        # A distribution backports what it likes: no update bounds its build.
        return before, None if build else after

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

    @cached_property
    def _kinds(self) -> frozenset[str]:
        return frozenset(row.kind for row in self._timeline.rows)

    def has(self, kind: str, name: str) -> Presence:
        """Return whether the release has a name, under it or under the name that it has there.

        :param kind: of the name; a kind that the data does not have cannot be told of
        """
        if self._timeline.row(name) is None and kind not in self._kinds:
            return Presence(None)
        spellings = self._spellings(name)
        return self._ask(name, lambda names: any(known in names for known in spellings))

    def has_number(self, kind: str, name: str, number: int) -> Presence:
        """Return whether a number of a list (a helper's, a map type's) means that name there.

        :param name: empty where any will do
        """
        spellings, digits = self._spellings(name), str(number)

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
        if self._leaves and not before:
            return None
        if before is not None and after is not None:
            return before if before == after else None
        if before is None and after is not None:
            # Older than the data: what came later was not there, what the data begins with may
            # have been.
            row = self._timeline.row(name)
            return None if after and (row is None or row.or_earlier) else False
        return None

    def _spellings(self, name: str) -> frozenset[str]:
        """Return the names that a name had or got: its number is the same under each."""
        found = {name}
        row = self._timeline.row(name)
        if row is not None and row.id is not None and row.kind != "flag":
            found.update(row.former_names)
            found.update(
                other.name
                for other in self._timeline.rows
                if name in other.former_names and other.kind == row.kind
            )
        return frozenset(found)

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
