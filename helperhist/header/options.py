"""What a generated header is to hold."""

import shlex
from dataclasses import dataclass

from helperhist.version import KernelVersion

__all__ = ["GUARDS", "IDS", "HeaderOptions"]

#: How the header finds out which helpers to declare; see ``templates/header.h.j2``.
GUARDS = ("auto", "mapper", "version", "none")
#: Where the numbers of the helpers come from.
IDS = ("literal", "enum", "uapi")


@dataclass(frozen=True, slots=True)
class HeaderOptions:
    """What to generate.

    :ivar min_kernel: helpers that this kernel has are declared without guards
    :ivar max_kernel: helpers of later kernels are left out
    :ivar only: names or shell patterns; empty for all
    :ivar docs: whether to add the documentation of the helpers
    :ivar undeclared: leave helpers that the headers lack undeclared, not ``unavailable``
    :ivar kfuncs: whether to declare kfuncs too
    :ivar kfuncs_of: program types, or structs of ``struct_ops``, whose kfuncs to declare
    :ivar beside: the ``vmlinux.h`` that the header is for, as it was named
    :ivar no_helpers: whether to declare kfuncs only
    :ivar prog_types: those whose programs the header is for, or ``all`` to know of all types
    :ivar data: ``--data`` of the command that the header names as its maker
    """

    guard: str = "auto"
    ids: str = "literal"
    min_kernel: KernelVersion | None = None
    max_kernel: KernelVersion | None = None
    only: tuple[str, ...] = ()
    docs: bool = False
    undeclared: bool = False
    data: str | None = None
    kfuncs: bool = False
    kfuncs_of: tuple[str, ...] = ()
    beside: str | None = None
    prog_types: tuple[str, ...] = ()
    no_helpers: bool = False

    @property
    def command(self) -> str:
        """The command line that means these options, without the file it writes to."""
        words = ["helperhist", "header"]
        if self.guard != "auto":
            words += ["--guard", self.guard]
        if self.ids != "literal":
            words += ["--ids", self.ids]
        if self.min_kernel is not None:
            words += ["--min-kernel", str(self.min_kernel)]
        if self.max_kernel is not None:
            words += ["--max-kernel", str(self.max_kernel)]
        for pattern in self.only:
            words += ["--only", pattern]
        words += ["--no-helpers"] if self.no_helpers else []
        words += ["--kfuncs"] if self.kfuncs else []
        for name in self.kfuncs_of:
            words += ["--kfuncs-of", name]
        for name in self.prog_types:
            words += ["--prog", name]
        if self.beside is not None:
            words += ["--beside", self.beside]
        words += ["--docs"] if self.docs else []
        words += ["--undeclared"] if self.undeclared else []
        if self.data is not None:
            words += ["--data", self.data]
        return shlex.join(words)
