"""What is derived of runs of releases: relations, and the intervals in which they hold."""

from dataclasses import dataclass

from helperhist.timeline.parts import Introduction
from helperhist.timeline.records import Backport

__all__ = ["Interval", "Relation"]


@dataclass(frozen=True, slots=True)
class Interval:
    """Releases with one value: from the first to the first read without it again, or None."""

    start: str
    end: str | None
    value: str


@dataclass(frozen=True, slots=True)
class Relation:
    """What is known of one fact. Releases are plain: ``"6.10"``.

    :ivar value: at the newest release that has it
    :ivar since: the first release read of its last presence without a gap
    :ivar absent: the newest release before ``since`` that is known to lack it; None where that is
        the one directly before, so that ``since`` is exact, and where none is known
    :ivar removed: the first release read without it again; None if it is still there
    :ivar seen: the newest release that has it; None unless it is gone, and releases between it and
        ``removed`` were not read
    :ivar or_earlier: no older release is known to lack it
    """

    kind: str
    name: str
    object: str
    value: str
    since: str
    absent: str | None = None
    removed: str | None = None
    seen: str | None = None
    or_earlier: bool = False
    intervals: tuple[Interval, ...] = ()
    #: The commit that brought it to ``since``, where that is known.
    introduction: Introduction | None = None
    #: Stable series that have it, though the release that they start from has not.
    backports: tuple[Backport, ...] = ()

    @property
    def presences(self) -> tuple[tuple[str, str | None], ...]:
        """The intervals, whatever the value: from, and the first without it again or None."""
        found: list[tuple[str, str | None]] = []
        for item in self.intervals:
            if found and found[-1][1] == item.start:
                found[-1] = found[-1][0], item.end
            else:
                found.append((item.start, item.end))
        return tuple(found)
