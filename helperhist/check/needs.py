"""What a check of an object finds, and the releases in a form that sorts."""

from dataclasses import dataclass
from functools import cache

from helperhist.binary import Map
from helperhist.version import KernelVersion

__all__ = ["Findings", "ProgramFacts", "Refusal", "Requirement", "Unknown", "release_key"]


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something that a program or a map needs.

    :ivar kind: ``helper``, ``kfunc``, ``instruction``, ``feature``, ``prog_type``,
        ``attach_type``, ``map_type``, ``map_value``, ``flag``, ``field``, ``struct_ops`` or
        ``check`` (a check that older kernels cannot follow, or that fails on them)
    :ivar since: the first release that has it
    :ivar optional: whether the object does without it on older kernels
    :ivar program: the program; None if a map needs it
    :ivar map: the map, likewise
    :ivar function: the function that the instruction is in
    :ivar insn: index of the first such instruction in the function
    :ivar count: how many instructions of the program need it
    :ivar source: file and line of the instruction
    :ivar stage: ``load``, or ``attach`` if older kernels load the program but cannot attach it
    :ivar evidence: why, in words, with the source of the fact
    :ivar uapi: the name of the UAPI header that marks it; empty if there is none
    :ivar id: number of a helper
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
    evidence: str = ""
    uapi: str = ""
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something whose release the data does not tell.

    :ivar newer: whether no release in the data has it; else the data does not cover it
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
def release_key(since: str) -> tuple[int, int]:
    """Return a release in a form that sorts."""
    version = KernelVersion.parse(since)
    return version.major, version.minor
