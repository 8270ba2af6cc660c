"""What a kernel's BTF says of an object."""

from dataclasses import dataclass

from helperhist.check.verdict import TooNew

__all__ = ["Against", "Relocated"]


@dataclass(frozen=True, slots=True)
class Relocated:
    """What became of one relocation.

    :ivar source: file and line of the instruction
    :ivar kind: of the relocation, in the words of the kernel
    :ivar spec: what it speaks of, in the object's words
    :ivar state: ``resolved``, ``unresolved`` or ``refused`` (by the loader)
    :ivar local: the value that was compiled
    :ivar value: the value on this kernel; 0 unless resolved
    :ivar reason: why it is not resolved, else empty
    :ivar seen: types of the kernel that were asked, and do not have it
    """

    function: str
    insn: int
    source: str | None
    kind: str
    spec: str
    state: str
    local: int
    value: int
    reason: str
    seen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Against:
    """The answer of one kernel's BTF about one object.

    :ivar lacks: what it lacks, or may lack
    :ivar settled: kfuncs of which it is the judge
    :ivar relocations: in the order of the file
    :ivar remarks: for people; they do not count
    """

    lacks: tuple[TooNew, ...] = ()
    settled: frozenset[str] = frozenset()
    relocations: tuple[Relocated, ...] = ()
    remarks: tuple[str, ...] = ()

    def merged(self, lacks: tuple[TooNew, ...]) -> tuple[TooNew, ...]:
        """Return the whole verdict.

        :param lacks: what the kernel lacks by its names alone
        """
        kept = (
            item
            for item in lacks
            if item.item.kind != "kfunc" or item.item.name not in self.settled
        )
        return (*kept, *self.lacks)
