"""Whether a program gets to an instruction on the kernels that lack what it needs."""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from helperhist.binary import BpfObject, Function
from helperhist.check.guards import Guard
from helperhist.check.needs import release_key
from helperhist.check.reach import Budget, Exhausted, Reach, reach
from helperhist.check.rules import CONST_MAPS
from helperhist.dataset import kfunc
from helperhist.timeline import Row, Timeline, canonical_name

__all__ = [
    "ALWAYS",
    "NEVER",
    "Conditions",
    "Escape",
    "is_required",
    "together",
    "way_around",
]

#: From which release on a program does not get to an instruction any more, given that the checks
#: whose release the data does not know say all no (first), or all yes (second).
Escape = tuple[tuple[int, int], tuple[int, int]]
#: Later than any release: it always gets there, as far as it matters.
_END = (1 << 30, 0)
_START = (0, 0)
NEVER: Escape = (_END, _END)
ALWAYS: Escape = (_START, _START)


def together(one: Escape, other: Escape) -> Escape:
    """Return the escape from two instructions at once."""
    return max(one[0], other[0]), max(one[1], other[1])


def is_required(escape: Escape) -> bool:
    """Whether there is no way around."""
    return min(escape) >= _END


def way_around(escape: Escape) -> str | None:
    """Return the release that opens a way around; None if it always is, or never."""
    major, minor = min(escape)
    return f"{major}.{minor}" if _START < (major, minor) < _END else None


#: Checks beyond this number are not named in the evidence.
_MAX_NAMED = 16


class Conditions:
    """The checks of one program.

    The answer is that of the kernels themselves: for each release at which some check of the
    program changes its answer, the program is followed with the answers of that release. What no
    release before S reaches is optional if it came with S.
    """

    def __init__(
        self,
        obj: BpfObject,
        timeline: Timeline,
        rows: Mapping[str, Row],
        program: Function,
        closure: tuple[Function, ...],
        guards: Callable[[Function], Mapping[int, Guard]],
        budget: Budget,
    ) -> None:
        """Find the checks that a program makes.

        :param rows: the timeline by name
        :param closure: all functions of the program
        :param guards: the checks of a function
        :param budget: of instructions to follow, for all programs of the object
        """
        self._obj, self._timeline, self._rows = obj, timeline, rows
        self._program, self._closure = program, closure
        self._guards = {function: found for function in closure if (found := guards(function))}
        self._budget = budget
        self.exhausted = False
        self._forced: dict[tuple[Guard, int], Reach] = {}
        self._known: dict[Guard, tuple[int, int]] = {}
        self._open: set[Guard] = set()
        for guard in {guard for found in self._guards.values() for guard in found.values()}:
            since = self._since(guard)
            if since is not None:
                self._known[guard] = release_key(since)
            elif guard.kind != "kconfig":
                self._open.add(guard)
        self._reached: dict[tuple[tuple[int, int], int], Reach] = {}

    @property
    def everything(self) -> Reach:
        """What is reached if no check is answered."""
        key = ((-1, 0), -1)
        if key not in self._reached:
            self._reached[key] = self._follow(lambda _: None)
        return self._reached[key]

    def _since(self, guard: Guard) -> str | None:
        """Return the release from which on a check says yes, None if the data has none."""
        if guard.kind == "extern":
            known = kfunc(guard.name)
            return known.since if known else None
        name = None
        if guard.kind == "enum":
            name = canonical_name(guard.name)
        elif guard.kind == "field":
            name = guard.name
        elif guard.name == "LINUX_HAS_BPF_COOKIE":
            # libbpf sets it by loading a program that calls this helper.
            name = "bpf_get_attach_cookie"
        row = self._rows.get(name) if name else None
        return None if row is None else row.since

    def _follow(self, answers: Callable[[Guard], int | None]) -> Reach:
        try:
            return reach(
                self._obj, self._program, self._closure, answers, self._guards, self._budget
            )
        except Exhausted:
            self.exhausted = True
            return Reach()

    def _at(self, release: tuple[int, int], otherwise: int) -> Reach:
        """Return what a release reaches.

        :param otherwise: what checks answer whose release the data does not know
        """
        key = (release, otherwise)
        if key not in self._reached:

            def answers(guard: Guard) -> int | None:
                if guard.kind == "kconfig" and release < release_key(CONST_MAPS):
                    return None
                if guard.name == "LINUX_KERNEL_VERSION" and guard.kind == "kconfig":
                    return release[0] << 16 | release[1] << 8
                since = self._known.get(guard)
                if since is not None:
                    return int(release >= since)
                return otherwise if guard in self._open else None

            self._reached[key] = self._follow(answers)
        return self._reached[key]

    def _steps(self) -> Iterator[tuple[int, int]]:
        """Yield the releases at which an answer changes, from before the first one on."""
        yield _START
        yield from self._known.values()
        names = {guard.name for found in self._guards.values() for guard in found.values()}
        if any(name.startswith("LINUX_") for name in names):
            yield release_key(CONST_MAPS)
        if "LINUX_KERNEL_VERSION" in names:
            for tag in self._timeline.releases:
                yield (tag.version.major, tag.version.minor)

    def escape(self, function: Function, index: int, since: str | None) -> tuple[Escape, str]:
        """Return how the program gets around an instruction, and by which checks, in words.

        :param since: the release of what it needs; None if that is in no release
        """
        if not self._guards or self.exhausted:
            return NEVER, ""
        needed = release_key(since) if since is not None else _END
        floors = tuple(self._floor(function, index, needed, otherwise) for otherwise in (0, 1))
        escape = (floors[0], floors[1])
        # What was not followed to its end says nothing.
        if is_required(escape) or self.exhausted:
            return NEVER, ""
        return escape, f"; behind a check of {self._deciding(function, index)}"

    def _floor(
        self, function: Function, index: int, needed: tuple[int, int], otherwise: int
    ) -> tuple[int, int]:
        """Return from which release on an instruction is not reached before ``needed``."""
        floor = _START
        steps = [*sorted(set(self._steps())), _END]
        for release, following in pairwise(steps):
            if release >= needed:
                break
            if index in self._at(release, otherwise if self._open else 0).insns.get(function, ()):
                floor = following if following < needed else _END
        return floor

    def _deciding(self, function: Function, index: int) -> str:
        """Return the checks each of which alone can rule an instruction out."""
        guards = sorted({*self._known, *self._open}, key=str)[:_MAX_NAMED]
        found = [
            str(guard)
            for guard in guards
            if any(
                index not in self._force(guard, answer).insns.get(function, ()) for answer in (0, 1)
            )
        ]
        return ", ".join(found) or "several things"

    def _force(self, guard: Guard, answer: int) -> Reach:
        """Return what is reached if one check has an answer, and no other has."""
        if (guard, answer) not in self._forced:
            self._forced[guard, answer] = self._follow(
                lambda asked: answer if asked == guard else None
            )
        return self._forced[guard, answer]
