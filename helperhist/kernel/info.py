"""What one kernel has, and the answers to what it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from helperhist.kernel.corespec import Target
from helperhist.timeline import (
    ENUM_KINDS,
    KINDS,
    SOURCES,
    Fact,
    Presence,
    Timeline,
    canonical_name,
    with_spellings,
)

__all__ = ["KernelInfo", "Uapi"]


@dataclass(frozen=True, slots=True)
class Uapi:
    """Which enumerations, structs and flags belong to the UAPI.

    :ivar enums: tag to kind
    :ivar structs: tags of structs and unions that have fields in the timeline
    :ivar flags: names of macros and of enumerators without a tag
    :ivar renamed: names of lists that were renamed, to all names that their number had
    """

    enums: Mapping[str, str]
    structs: frozenset[str]
    flags: frozenset[str]
    renamed: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, timeline: Timeline) -> "Uapi":
        """Take them from a timeline."""
        enums = dict(ENUM_KINDS)
        enums.update({row.kind: row.kind for row in timeline.rows if row.kind not in KINDS})
        return cls(
            enums,
            timeline.index.structs,
            timeline.index.names("flag"),
            timeline.index.renamed,
        )


@dataclass(frozen=True)
class KernelInfo:
    """What a kernel has.

    :ivar source: names the source to users
    :ivar form: ``btf``, ``vmlinux.h``, ``header`` (a UAPI header) or ``git``
    :ivar version: what the source itself says of its version; mostly None
    :ivar names: helpers, enumerators, flags and fields, by the kinds of the timeline
    :ivar kfuncs: functions that programs may call, sorted; None where the source cannot tell
    :ivar modules: the modules whose kfuncs are among them; None where only the kernel itself was
        looked at
    :ivar whole: kinds and tags of structs of which this source has all names or none; empty
        for a UAPI header, which has all names of all kinds
    :ivar config: its configuration, where the source has it: names to values
    :ivar types: its BTF, and those of its modules; None if the source has none
    :ivar renamed: see :class:`Uapi`
    """

    source: str
    form: str
    names: tuple[Fact, ...]
    kfuncs: tuple[str, ...] | None = None
    version: str | None = None
    whole: frozenset[str] | None = None
    modules: tuple[str, ...] | None = None
    config: Mapping[str, str] | None = field(default=None, compare=False, repr=False)
    types: Target | None = field(default=None, compare=False, repr=False)
    renamed: Mapping[str, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def by_name(self) -> Mapping[str, Fact]:
        """The names, by name."""
        return {name.name: name for name in self.names}

    @cached_property
    def known(self) -> frozenset[str]:
        """The names, and the other names that their numbers had."""
        return with_spellings(self.by_name, self.renamed)

    def can_show(self, kind: str, name: str) -> bool:
        """Whether the source would show a name if the kernel had it."""
        if kind == "kfunc":
            return self.kfuncs is not None and self.modules is not None
        if self.whole is None:
            return True
        return (name.partition(".")[0] if kind == "field" else kind) in self.whole

    def has(self, kind: str, name: str, other: str = "") -> Presence:
        """Return whether the kernel has a name, under it or under another that its number had.

        Who may call what is in no BTF and no header: that cannot be told.

        :param kind: of the name, from the timeline; ``kfunc`` for a kfunc
        :param name: of a helper (``bpf_x`` or ``BPF_FUNC_x``), constant, field or kfunc
        """
        name = canonical_name(name)
        if kind == "kfunc":
            there = name in self._kfuncs
        elif kind in SOURCES or other:
            return Presence(None)
        else:
            there = name in self.known
        # A module that was not looked at may have a kfunc.
        return Presence(True if there else False if self.can_show(kind, name) else None)

    def has_number(self, kind: str, name: str, number: int) -> Presence:
        """Return whether a number of a list means a name there; any, if the name is empty."""
        found = self._numbers.get((kind, number), ())
        there = any(not name or known in self._spellings(name) for known in found)
        return Presence(True if there else False if self.can_show(kind, name) else None)

    def numbered(self, kind: str, number: int) -> str | None:
        """Return the name that a number of a list has there, None where it has none."""
        return next(iter(self._numbers.get((kind, number), ())), None)

    @cached_property
    def _numbers(self) -> Mapping[tuple[str, int], list[str]]:
        found: dict[tuple[str, int], list[str]] = {}
        for name in self.names:
            if name.kind in ENUM_KINDS.values() and (number := name.id) is not None:
                found.setdefault((name.kind, number), []).append(name.name)
        return found

    def _spellings(self, name: str) -> frozenset[str]:
        return self.renamed.get(name, frozenset((name,)))

    @cached_property
    def _kfuncs(self) -> frozenset[str]:
        return frozenset(self.kfuncs or ())
