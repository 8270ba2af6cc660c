"""How a program does without something: the releases that lack it and get to it all the same."""

from dataclasses import dataclass
from typing import NamedTuple

from helperhist.check.lives import FOREVER, Life
from helperhist.check.needs import Gaps, Moment

__all__ = ["ALWAYS", "START", "Escape", "Way", "never", "united"]

START: Moment = (0, 0)


class Escape(NamedTuple):
    """On which releases a program gets to something that they lack.

    They are given twice: if the checks whose release the data does not know say all no, and if
    they say all yes. Such a check is trusted to be about what it guards: what is missed either way
    counts.

    :ivar start: ``since`` of what is needed
    """

    start: Moment
    no: Gaps
    yes: Gaps

    @property
    def misses(self) -> Gaps:
        """The releases that lack it and get to it."""
        return tuple(
            (max(one[0], other[0]), min(one[1], other[1]))
            for one in self.no
            for other in self.yes
            if max(one[0], other[0]) < min(one[1], other[1])
        )

    @property
    def required(self) -> bool:
        """Whether the releases right before ``start`` miss it."""
        return any(end >= self.start > first for first, end in self.misses)

    @property
    def opens(self) -> str:
        """The release that opens a way around; empty if it always is there, or never."""
        ends = [end for first, end in self.misses if first < self.start]
        return _text(max(ends)) if ends and not self.required else ""

    @property
    def closes(self) -> str:
        """The first release that misses it again; empty if there is none."""
        later = [first for first, _ in self.misses if first >= self.start]
        return _text(min(later)) if later else ""

    def and_(self, other: "Escape") -> "Escape":
        """Return the escape from two instructions at once."""
        start = max(self.start, other.start)
        return Escape(start, united(self.no + other.no), united(self.yes + other.yes))


def united(gaps: Gaps) -> Gaps:
    """Return gaps sorted, those that touch as one."""
    found: list[tuple[Moment, Moment]] = []
    for first, end in sorted(gaps):
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((first, end))
    return tuple(found)


def _text(release: Moment) -> str:
    return f"{release[0]}.{release[1]}" if START < release < FOREVER else ""


@dataclass(frozen=True, slots=True)
class Way:
    """How a program does without something.

    :ivar causes: see :class:`helperhist.check.needs.Requirement`
    :ivar checks: what it asks for before it gets there
    :ivar switches: variables of ``.rodata`` whose values in the file switch it off
    """

    escape: Escape
    causes: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()

    def and_(self, other: "Way") -> "Way":
        """Return the way around two instructions at once."""
        escape = self.escape.and_(other.escape)
        if escape.required:
            return Way(escape)
        return Way(
            escape,
            tuple(dict.fromkeys((*self.causes, *other.causes))),
            tuple(dict.fromkeys((*self.checks, *other.checks))),
            tuple(dict.fromkeys((*self.switches, *other.switches))),
        )


ALWAYS = Escape(START, (), ())


def never(life: Life) -> Way:
    """Return that there is no way around what lives so."""
    return Way(Escape(life.start, life.gaps, life.gaps))
