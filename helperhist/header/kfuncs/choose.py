"""Which kfuncs are asked for."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from helperhist.errors import HelperhistError
from helperhist.header.options import HeaderOptions
from helperhist.timeline import PREFIXES, Relations, Timeline

__all__ = ["COMPILERS", "choose"]

#: Compilers call it where code cannot be reached, and take a declaration of it for their own.
COMPILERS = "__bpf_trap"
_TYPE = PREFIXES["prog_type"]
_STRUCTS = re.compile(r"struct_ops=([\w|]+)", re.ASCII)


def choose(timeline: Timeline, options: HeaderOptions) -> tuple[str, ...]:
    """Return the names of the kfuncs that are asked for, in the order of the data.

    ``kfuncs`` asks for all, or for those that ``only`` names; ``kfuncs_of`` for those of a type;
    a pattern of ``only`` that no helper has, for those that have it. Those for the kernel's own
    tests and for compilers are there by their whole names only.

    :raises HelperhistError: the data has no kfuncs, or there is no such type
    """
    patterns = options.only
    if not options.kfuncs:
        helpers = [row.name for row in timeline.helpers]
        patterns = tuple(p for p in patterns if not any(fnmatchcase(n, p) for n in helpers))
    asked = options.kfuncs or bool(options.kfuncs_of)
    if not asked and not patterns:
        return ()
    relations = timeline.relations
    names = relations.names("kfunc")
    if not names:
        if not asked:
            return ()
        raise HelperhistError(f"this data ({timeline.label}) has no kfuncs; use --data embedded")
    if options.kfuncs and not patterns:
        patterns = ("*",)
    of = _of(relations, options.kfuncs_of)
    tests = {*relations.names("kfunc_test"), COMPILERS}
    return tuple(
        name
        for name in names
        if name in of
        or name in patterns
        or (name not in tests and any(fnmatchcase(name, one) for one in patterns))
    )


def _of(relations: Relations, types: Sequence[str]) -> set[str]:
    """Return the kfuncs that programs of some types may call, in any release."""
    found: dict[str, set[str]] = {}
    for use in relations.find("kfunc_use") if types else ():
        found.setdefault(use.object.removeprefix(_TYPE).lower(), set()).add(use.name)
        for item in use.intervals:
            for structs in _STRUCTS.findall(item.value):
                for struct in structs.split("|"):
                    found.setdefault(struct.removesuffix("_ops").lower(), set()).add(use.name)
    names: set[str] = set()
    for one in types:
        wanted = one.removeprefix(_TYPE).lower().removesuffix("_ops")
        wanted = "struct_ops" if wanted == "struct" else wanted
        if wanted not in found:
            raise HelperhistError(
                f"--kfuncs-of {one}: no kfunc is for such programs; known are "
                f"{', '.join(sorted(found))}"
            )
        names |= found[wanted]
    return names
