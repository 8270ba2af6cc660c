"""The answer of ``explain`` about a place in a context that a kernel refuses."""

import re
from collections.abc import Iterator

from helperhist.binary import CONTEXTS, context_field
from helperhist.explain.names import Answer, Names

__all__ = ["context_access"]


def _candidates(offset: int, size: int, names: Names) -> Iterator[str]:
    """Yield the fields that hold all of these bytes, with the release of each.

    The contexts' ``is_valid_access`` (``net/core/filter.c``) refuse what is not aligned.
    """
    if size not in (1, 2, 4, 8) or offset % size:
        return
    for struct in sorted(set(CONTEXTS.values())):
        field = context_field(struct, offset)
        if field is None or context_field(struct, offset + size - 1) != field:
            continue
        row = names.exact(f"{struct}.{field}")
        if row is not None and row.since is not None:
            yield f"{row.name} ({row.since}{' or earlier' if row.or_earlier else ''})"


def context_access(match: re.Match[str], names: Names) -> Answer:
    """Explain a refused access; the message names no program type, so no release is certain."""
    offset, size = int(match[1]), int(match[2])
    if names.without_argument:
        names.without_argument = False
        return Answer(
            "attach-target-arguments",
            "The function or tracepoint that the program attaches to has fewer arguments in this "
            "kernel than the program reads. The kernel's functions are no UAPI: no release "
            "promises them.",
            "Compare its prototype in this kernel's BTF (bpftool btf dump), and read only the "
            "arguments that each kernel has.",
        )
    fields = list(_candidates(offset, size, names))
    there = (
        f"By the type of the program, this is: {', '.join(fields)}."
        if fields
        else "No context of bpf.h has a field that holds these bytes: the access is too wide, or "
        "the context is another one (arguments of a tracepoint or function, registers)."
    )
    return Answer(
        "context-field",
        f"The kernel refuses {size} bytes at {offset} of the program's context: a field newer than "
        f"the kernel, or one that this program type must not read or write. {there}",
        "See with `helperhist check` which field the object uses and since when.",
    )
