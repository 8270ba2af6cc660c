"""From which release on, and until which, a kernel has something."""

from dataclasses import dataclass
from functools import cached_property

from helperhist.check.needs import Gaps, Moment, release_key
from helperhist.timeline import Relation, Row, Timeline

__all__ = ["FOREVER", "Life", "Lives"]

#: Later than any release.
FOREVER: Moment = (1 << 30, 0)
_START: Moment = (0, 0)


@dataclass(frozen=True, slots=True)
class Life:
    """When something is there. Releases are plain: ``"6.10"``.

    :ivar since: the first release of its last presence
    :ivar absent: the newest release before ``since`` known to lack it; empty if ``since`` is exact
    :ivar until: the first release read without it again; empty if it is still there
    :ivar seen: the newest release known to have it; empty if ``until`` is exact
    :ivar or_earlier: whether it may be older than ``since``
    :ivar gaps: the releases without it: from the first to the one after the last
    """

    since: str
    absent: str = ""
    until: str = ""
    seen: str = ""
    or_earlier: bool = False
    gaps: Gaps = ()

    @classmethod
    def of(cls, since: str | None) -> "Life":
        """Return the life of what is there from a release on; None for what is in none."""
        if since is None:
            return cls("", gaps=((_START, FOREVER),))
        return cls(since, gaps=((_START, release_key(since)),))

    @classmethod
    def of_relation(cls, relation: Relation) -> "Life":
        """Return the life of a relation."""
        gaps = []
        end = _START
        for start, following in relation.presences:
            gaps.append((end, release_key(start)))
            end = FOREVER if following is None else release_key(following)
        gaps.append((end, FOREVER))
        return cls(
            relation.since,
            relation.absent or "",
            relation.removed or "",
            relation.seen or "",
            relation.or_earlier,
            tuple(gap for gap in gaps if gap[0] < gap[1]),
        )

    @property
    def start(self) -> Moment:
        """``since`` in a form that sorts; later than any release if there is none."""
        return release_key(self.since) if self.since else FOREVER

    def has(self, release: Moment) -> bool:
        """Whether a release has it."""
        return not any(start <= release < end for start, end in self.gaps)


class Lives:
    """Looks the lives of names up in a timeline."""

    def __init__(self, timeline: Timeline) -> None:
        """Index the timeline."""
        self.timeline = timeline
        self.rows: dict[str, Row] = {row.name: row for row in timeline.rows}
        self._kfuncs: dict[str, Life | None] = {}

    def since(self, name: str) -> str | None:
        """Return the release of a name of the UAPI header."""
        row = self.rows.get(name)
        return None if row is None else row.since

    def kfunc(self, name: str) -> Life | None:
        """Return the life of a kfunc; ``___flavor`` endings are the object's own."""
        if name not in self._kfuncs:
            found = self.timeline.relations.find("kfunc", name.split("___")[0])
            self._kfuncs[name] = Life.of_relation(found[0]) if found else None
        return self._kfuncs[name]

    @cached_property
    def releases(self) -> tuple[str, ...]:
        """The releases of mainline, oldest first."""
        return tuple(tag.version.text for tag in self.timeline.releases)

    def after(self, release: str) -> str:
        """Return the release after one; itself if it is the newest."""
        key = release_key(release)
        return next((item for item in self.releases if release_key(item) > key), release)

    def before(self, release: str) -> str:
        """Return the release before one; itself if it is the oldest."""
        key = release_key(release)
        older = [item for item in self.releases if release_key(item) < key]
        return older[-1] if older else release
