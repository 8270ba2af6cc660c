"""Whether a program gets to an instruction on the kernels that lack what it needs."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise

from helperhist.binary import LDDW, BpfObject, Function
from helperhist.check.guards import Guard
from helperhist.check.lives import FOREVER, Life, Lives
from helperhist.check.needs import Gaps, Moment, release_key
from helperhist.check.reach import Address, Budget, Exhausted, Reach, reach
from helperhist.check.rodata import Rodata
from helperhist.check.rules import CONST_MAPS
from helperhist.check.ways import START, Escape, Way, never, united
from helperhist.timeline import canonical_name

__all__ = ["Conditions"]

#: Checks beyond this number are not named in the evidence.
_MAX_NAMED = 16


class Conditions:
    """The checks of one program, and the values of ``.rodata`` that it looks at.

    The answer is that of the kernels themselves: for each release at which some check of the
    program changes its answer, the program is followed with the answers of that release. What no
    release before S reaches is optional if it came with S.
    """

    def __init__(
        self,
        obj: BpfObject,
        lives: Lives,
        program: Function,
        closure: tuple[Function, ...],
        guards: Callable[[Function], Mapping[int, Guard]],
        budget: Budget,
        rodata: Rodata,
    ) -> None:
        """Find the checks that a program makes.

        :param closure: all functions of the program
        :param guards: the checks of a function
        :param budget: of instructions to follow, for all programs of the object
        """
        self._obj, self._lives, self._rodata = obj, lives, rodata
        self._program, self._closure = program, closure
        self._guards = {function: found for function in closure if (found := guards(function))}
        self._budget = budget
        self.exhausted = False
        self._lacks: dict[Gaps, list[tuple[Moment, Gaps]]] = {}
        self._forced: dict[tuple[Guard, int], Reach] = {}
        self._known: dict[Guard, Life] = {}
        self._open: set[Guard] = set()
        for guard in {guard for found in self._guards.values() for guard in found.values()}:
            life = self._life(guard)
            if life is not None:
                self._known[guard] = life
            elif guard.kind != "kconfig":
                self._open.add(guard)
        self._reached: dict[tuple[Moment, int, frozenset[str] | None], Reach] = {}
        # The steps that lack something, and what they get to of a function.
        self._gets_to: dict[
            tuple[Function, Gaps, int, frozenset[str] | None], list[tuple[Gaps, set[int]]]
        ] = {}
        # Variables of .rodata that were looked at.
        self._read: set[str] = set()
        self._constants = obj.relocates and any(
            insn.code == LDDW and relocation.symbol.section in rodata.sections
            for function in closure
            for index, relocation in function.relocations.items()
            for insn in [function.insns[index]]
        )

    @property
    def everything(self) -> Reach:
        """What is reached if no check is answered, and user space may set all variables."""
        key = ((-1, 0), -1, None)
        if key not in self._reached:
            self._reached[key] = self._follow(lambda _: None)
        return self._reached[key]

    def _life(self, guard: Guard) -> Life | None:
        """Return when a check says yes, None if the data does not tell."""
        if guard.kind == "extern":
            return self._lives.kfunc(guard.name)
        name = None
        if guard.kind == "enum":
            name = canonical_name(guard.name)
        elif guard.kind == "field":
            name = guard.name
        elif guard.name == "LINUX_HAS_BPF_COOKIE":
            # libbpf sets it by loading a program that calls this helper.
            name = "bpf_get_attach_cookie"
        since = self._lives.since(name) if name else None
        return None if since is None else Life.of(since)

    def _follow(
        self,
        answers: Callable[[Guard], int | None],
        load: Callable[[Address, int], int | None] = lambda address, size: None,
    ) -> Reach:
        try:
            return reach(
                self._obj, self._program, self._closure, answers, self._guards, self._budget, load
            )
        except Exhausted:
            self.exhausted = True
            return Reach()

    def _at(self, release: Moment, otherwise: int, unset: frozenset[str] | None) -> Reach:
        """Return what a release reaches.

        :param otherwise: what checks answer whose release the data does not know
        :param unset: the variables that have other values than in the file; None for all
        """
        constant = self._constants and release >= release_key(CONST_MAPS) and unset is not None
        key = (release, otherwise, unset if constant else None)
        if key in self._reached:
            return self._reached[key]

        def answers(guard: Guard) -> int | None:
            if guard.kind == "kconfig" and release < release_key(CONST_MAPS):
                return None
            if guard.name == "LINUX_KERNEL_VERSION" and guard.kind == "kconfig":
                return release[0] << 16 | release[1] << 8
            life = self._known.get(guard)
            if life is not None:
                return int(life.has(release))
            return otherwise if guard in self._open else None

        def load(address: Address, size: int) -> int | None:
            if not constant or unset is None:
                return None
            name = self._rodata.variable(address)
            self._read.add(name)
            return None if name in unset else self._rodata.read(address, size)

        self._reached[key] = self._follow(answers, load)
        return self._reached[key]

    @cached_property
    def _steps(self) -> list[Moment]:
        """Return the releases at which an answer changes, from before the first one on."""
        return sorted({START, *self._changes(), FOREVER})

    def _changes(self) -> Iterator[Moment]:
        for life in self._known.values():
            for gap in life.gaps:
                yield from gap
        names = {guard.name for found in self._guards.values() for guard in found.values()}
        if self._constants or any(name.startswith("LINUX_") for name in names):
            yield release_key(CONST_MAPS)
        if "LINUX_KERNEL_VERSION" in names:
            yield from map(release_key, self._lives.releases)

    def way(self, function: Function, index: int, life: Life) -> Way:
        """Return how the program gets around an instruction on the kernels without it.

        :param life: of what it needs
        """
        if self.exhausted or not (self._guards or self._constants):
            return never(life)
        escape = self._escape(function, index, life, frozenset())
        # What was not followed to its end says nothing.
        if self.exhausted or escape.misses == life.gaps:
            return never(life)
        switches = self._deciding_switches(function, index, life, escape)
        checks = self._deciding(function, index) if self._guards else ()
        if not checks and self._guards and not switches:
            checks = ("several things",)
        return Way(escape, ("check",) * bool(checks), checks, switches)

    def _escape(
        self, function: Function, index: int, life: Life, unset: frozenset[str] | None
    ) -> Escape:
        no = self._misses(function, index, life, 0, unset)
        yes = self._misses(function, index, life, 1, unset) if self._open else no
        return Escape(life.start, no, yes)

    def _misses(
        self,
        function: Function,
        index: int,
        life: Life,
        otherwise: int,
        unset: frozenset[str] | None,
    ) -> Gaps:
        """Return the releases that get to an instruction and lack what it needs."""
        found: list[tuple[Moment, Moment]] = []
        key = function, life.gaps, otherwise if self._open else 0, unset
        steps = self._gets_to.get(key)
        if steps is None:
            steps = self._gets_to[key] = [
                (missing, self._at(release, key[2], unset).insns.get(function, set()))
                for release, missing in self._lacking(life.gaps)
            ]
        for missing, insns in steps:
            if index in insns:
                found += missing
        return united(tuple(found))

    def _lacking(self, gaps: Gaps) -> list[tuple[Moment, Gaps]]:
        """Return the steps that lack something, with the releases of each that do."""
        known = self._lacks.get(gaps)
        if known is None:
            known = self._lacks[gaps] = []
            for release, following in pairwise(self._steps):
                missing = tuple(
                    (max(gap[0], release), min(gap[1], following))
                    for gap in gaps
                    if max(gap[0], release) < min(gap[1], following)
                )
                if missing:
                    known.append((release, missing))
        return known

    def _deciding_switches(
        self, function: Function, index: int, life: Life, escape: Escape
    ) -> tuple[str, ...]:
        """Return the variables of which each alone decides, else all that do together."""
        if not self._constants or self._escape(function, index, life, None) == escape:
            return ()
        names = sorted(self._read - {""})[:_MAX_NAMED]
        alone = tuple(
            name
            for name in names
            if self._escape(function, index, life, frozenset({name})) != escape
        )
        return alone or tuple(names) or ("a constant",)

    def _deciding(self, function: Function, index: int) -> tuple[str, ...]:
        """Return the checks each of which alone can rule an instruction out."""
        guards = sorted({*self._known, *self._open}, key=str)[:_MAX_NAMED]
        return tuple(
            str(guard)
            for guard in guards
            if any(
                index not in self._force(guard, answer).insns.get(function, ()) for answer in (0, 1)
            )
        )

    def _force(self, guard: Guard, answer: int) -> Reach:
        """Return what is reached if one check has an answer, and no other has."""
        if (guard, answer) not in self._forced:
            self._forced[guard, answer] = self._follow(
                lambda asked: answer if asked == guard else None
            )
        return self._forced[guard, answer]
