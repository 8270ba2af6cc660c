"""What a check of an object finds, and the releases in a form that sorts."""

from dataclasses import dataclass
from functools import cache

from helperhist.binary import Map
from helperhist.version import KernelVersion

__all__ = [
    "Findings",
    "Gaps",
    "Moment",
    "ProgramFacts",
    "Refusal",
    "Requirement",
    "Unknown",
    "release_key",
]

#: A release of mainline in a form that sorts: major and minor.
Moment = tuple[int, int]
_END: Moment = (1 << 30, 0)
#: Releases from one on up to, and without, another one.
Gaps = tuple[tuple[Moment, Moment], ...]


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something that a program or a map needs.

    :ivar kind: ``helper``, ``kfunc``, ``instruction``, ``feature``, ``prog_type``,
        ``attach_type``, ``map_type``, ``map_value``, ``flag``, ``field``, ``struct_ops``,
        ``iterator``, ``helper_use`` and ``kfunc_use`` (a program type may call it), ``license``
        or ``check`` (a check that older kernels cannot follow, or that fails on them)
    :ivar since: the first release that has it
    :ivar optional: whether the object does without it on older kernels
    :ivar program: the program; None if a map needs it
    :ivar map: the map, likewise
    :ivar function: the function that the instruction is in
    :ivar insn: index of the first such instruction in the function
    :ivar count: how many instructions of the program need it
    :ivar source: file and line of the instruction
    :ivar stage: ``load``, or ``attach`` if older kernels load the program but cannot attach it
    :ivar basis: where the release is from: a name of the UAPI header, a commit, a file
    :ivar uapi: the name of the UAPI header that marks it; empty if there is none
    :ivar id: number of a helper
    :ivar earliest: the oldest release that may have it; empty if ``since`` is exact
    :ivar until: the first release known to miss it again; empty if none does
    :ivar last: the newest release before ``until`` known not to; empty if none does
    :ivar updates: of releases before ``until``: an update known not to, and one that misses it too
    :ivar misses: the releases that lack it and get to it; None for all before ``since`` and from
        ``until`` on
    :ivar causes: why it is optional, or how it is needed: ``check``, ``weak``, ``rewritten``,
        ``replaces``, ``not loaded``, ``not created``, ``attach``, ``left out``, ``ignored``
    :ivar checks: the checks that it is behind
    :ivar switches: variables of ``.rodata`` whose values in the file switch it off
    :ivar other: the helper that replaces it, or that it replaces; the name that a check is about
    """

    kind: str
    name: str
    since: str
    optional: bool = False
    program: str | None = None
    map: str | None = None
    function: str | None = None
    insn: int | None = None
    count: int = 1
    source: str | None = None
    stage: str = "load"
    basis: str = ""
    uapi: str = ""
    id: int | None = None
    earliest: str = ""
    until: str = ""
    last: str = ""
    updates: tuple[tuple[str, str], ...] = ()
    misses: Gaps | None = None
    causes: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    other: str = ""

    def spares(self, release: str) -> bool:
        """Whether a release lacks it and does not get to it, by the checks that the data knows."""
        if self.misses is None or not release:
            return False
        at = release_key(release)
        inside = release_key(self.since) <= at < (release_key(self.until) if self.until else _END)
        return not inside and not _within(at, self.misses)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something whose release the data does not tell.

    :ivar checks: the checks that it is behind
    :ivar switches: variables of ``.rodata`` whose values in the file switch it off
    :ivar newer: whether no release in the data has it; else the data does not cover it
    :ivar misses: the releases that get to it; None if all do
    :ivar known_to: the newest release known not to have it; empty if that is not known
    :ivar id: number of a helper or of a map type
    """

    kind: str
    name: str
    reason: str
    newer: bool = False
    optional: bool = False
    program: str | None = None
    map: str | None = None
    function: str | None = None
    insn: int | None = None
    source: str | None = None
    id: int | None = None
    checks: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    misses: Gaps | None = None
    known_to: str = ""

    def spares(self, release: str) -> bool:
        """Whether a release does not get to it, by the checks that the data knows."""
        if self.misses is None or not release:
            return False
        return not _within(release_key(release), self.misses)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that the loader, or every kernel, refuses as it stands in the file.

    :ivar rule: key of the words that `report/` has for it
    :ivar given: what the object says, ``wanted`` what is taken instead; empty where that is clear
    :ivar loaders: which loaders take it
    """

    rule: str
    map: str | None = None
    program: str | None = None
    given: str = ""
    wanted: str = ""
    loaders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProgramFacts:
    """A program as its section describes it."""

    name: str
    section: str
    type: str | None
    attach_type: str | None
    autoload: bool
    instructions: int


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found in one object.

    :ivar notes: for people
    :ivar older: names of requirements that the data begins with, so that they may be older
    :ivar refused: why no kernel loads it with this loader; empty where one may
    """

    loader: str
    license: str | None
    programs: tuple[ProgramFacts, ...]
    maps: tuple[Map, ...]
    requirements: tuple[Requirement, ...]
    unknown: tuple[Unknown, ...]
    notes: tuple[str, ...]
    older: frozenset[str] = frozenset()
    refused: tuple[Refusal, ...] = ()


@cache
def release_key(since: str) -> Moment:
    """Return a release in a form that sorts; none is older than all."""
    if not since:
        return 0, 0
    version = KernelVersion.parse(since)
    return version.major, version.minor


def _within(release: Moment, gaps: Gaps) -> bool:
    return any(first <= release < end for first, end in gaps)
