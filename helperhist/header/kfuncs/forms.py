"""The prototypes that a kfunc has had, as the forms between which a loader can tell."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from helperhist.header.kfuncs.signature import CType, Function, Parameter, parse_signature
from helperhist.timeline import Interval, Relation
from helperhist.version import KernelVersion

__all__ = ["Form", "find_forms", "overlaps"]


@dataclass(frozen=True, slots=True)
class Form:
    """Prototypes that are one for a loader.

    :ivar symbol: what programs call it: the name with a flavour, which the loader leaves out.
        Numbers are of the whole history, so that they do not depend on a range of releases
    :ivar function: the newest of the prototypes, its name that of the kfunc
    :ivar since: the first release with one of them
    :ivar until: the first release without them again, or None
    :ivar same: whether they are one for a compiler, too
    """

    symbol: str
    function: Function
    since: str
    until: str | None
    same: bool


def overlaps(
    start: str, end: str | None, low: KernelVersion | None, high: KernelVersion | None
) -> bool:
    """Whether releases from start to before end are among those from low to high."""
    return not (
        (high is not None and KernelVersion.parse(start) > high)
        or (low is not None and end is not None and KernelVersion.parse(end) <= low)
    )


def find_forms(
    prototypes: Relation,
    flags: Relation | None,
    low: KernelVersion | None = None,
    high: KernelVersion | None = None,
) -> tuple[Form, ...]:
    """Return the forms of a kfunc that releases from low to high have, the newest first.

    :param flags: says by ``KF_ARENA_...`` which pointers are into an arena; so does ``__arena`` in
        the name of a parameter
    :raises ParseError: a prototype cannot be read
    """
    found = [
        (interval, _with_arena(parse_signature(interval.value), flags))
        for interval in prototypes.intervals
    ]
    kinds = list(dict.fromkeys(function.kind() for _, function in found))
    forms = []
    for number, kind in enumerate(kinds, 1):
        group = [item for item in found if item[1].kind() == kind]
        inside = [i for i in group if overlaps(i[0].start, i[0].end, low, high)]
        if inside:
            forms.append(
                Form(
                    f"{prototypes.name}___v{number}",
                    inside[-1][1],
                    group[0][0].start,
                    group[-1][0].end,
                    len({function.identity() for _, function in group}) == 1,
                )
            )
    return tuple(sorted(forms, key=lambda form: KernelVersion.parse(form.since), reverse=True))


def _with_arena(function: Function, flags: Relation | None) -> Function:
    names = _flag_names(flags.intervals if flags is not None else ())
    returns = function.returns
    if "KF_ARENA_RET" in names:
        returns = replace(returns, arena=True)
    parameters = [
        Parameter(replace(item.type, arena=True), item.name)
        if isinstance(item.type, CType)
        and (f"KF_ARENA_ARG{number}" in names or re.search(r"__arena(?:__|$)", item.name))
        else item
        for number, item in enumerate(function.parameters, 1)
    ]
    return Function(function.name, returns, tuple(parameters))


def _flag_names(intervals: Iterable[Interval]) -> set[str]:
    return {flag for item in intervals for flag in item.value.split()}
