"""Which programs may be sleepable, and which attach types their type has."""

import re
from collections.abc import Iterator

from helperhist.sources.ccode import source_of
from helperhist.sources.cfile import CFile
from helperhist.sources.ctokens import closing
from helperhist.sources.tree_records import Code

__all__ = ["ALWAYS_SLEEPABLE", "SLEEPERS", "is_own", "read_old_sleepable"]

#: The function that tells whether a program may be sleepable, since 6.2.
SLEEPERS = "can_be_sleepable"
#: check_attach_btf_id(): "Syscall programs can only be sleepable".
ALWAYS_SLEEPABLE = "BPF_PROG_TYPE_SYSCALL"
# Which attach types a program type has, by their first letters; it never has those of others.
_OWN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "BPF_PROG_TYPE_TRACING": (
        ("BPF_TRACE_", "BPF_MODIFY_RETURN"),
        ("BPF_TRACE_KPROBE", "BPF_TRACE_UPROBE"),
    ),
    "BPF_PROG_TYPE_LSM": (("BPF_LSM_",), ()),
    "BPF_PROG_TYPE_KPROBE": (("BPF_TRACE_KPROBE", "BPF_TRACE_UPROBE"), ()),
}
# Before, check_attach_btf_id() has the condition in an if of its own.
_OLD = re.compile(r"\bif \(prog->aux->sleepable &&\s")
_MAX_CONDITION = 1 << 12


def is_own(attach: str, program_type: str) -> bool:
    """Tell whether programs of a type may have an attach type."""
    first, not_first = _OWN.get(program_type, ((), ()))
    return attach.startswith(first) and not attach.startswith(not_first)


def read_old_sleepable(file: CFile) -> Iterator[Code]:
    """Iterate over what stands for ``can_be_sleepable()`` in a file of before 6.2."""
    found = _OLD.search(file.bare)
    if found is not None:
        tokens = file.tokens(found.start(), found.start() + _MAX_CONDITION)
        refused = source_of(tokens[1 : closing(tokens, 1) + 1])
        yield Code(SLEEPERS, ("prog",), f"return ! {refused} ;")
