"""Since which release programs of a type may call a helper or a kfunc, often later than both.

The facts are the timeline's relations of the kinds ``helper_use`` and ``kfunc_use``, read from the
kernel's own sources. Of their conditions the attach type, whether the program may sleep, and the
member of an operations struct can rule a call out here; capabilities, configuration and lockdown
are for whoever loads the program, and what was not read rules nothing out.
"""

from dataclasses import dataclass, replace

from helperhist.check.lives import Life
from helperhist.errors import ParseError
from helperhist.sources import Condition
from helperhist.timeline import Relations

__all__ = ["Caller", "Pairs", "may_call"]

#: The functions of these programs are those of what they stand in for.
_OTHERS = frozenset(("EXT", "UNSPEC"))
_STRUCT_OPS = "STRUCT_OPS"


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that calls.

    :ivar type: without ``BPF_PROG_TYPE_``
    :ivar attach: its attach type; empty where it is not known
    :ivar places: operations struct and member that it is for; empty where that is not known
    """

    type: str
    attach: str = ""
    sleepable: bool = False
    places: frozenset[tuple[str, str]] = frozenset()


def may_call(text: str, caller: Caller) -> bool:
    """Whether a condition leaves a call to a program; if in doubt, it does.

    >>> connect = Caller("CGROUP_SOCK_ADDR", "BPF_CGROUP_INET4_CONNECT")
    >>> may_call("attach=BPF_CGROUP_INET4_BIND|BPF_CGROUP_INET6_BIND", connect)
    False
    >>> may_call("attach=!BPF_CGROUP_INET4_BIND", connect), may_call("cap=CAP_PERFMON", connect)
    (True, True)
    >>> may_call("sleepable", connect), may_call("?", connect)
    (False, True)
    """
    try:
        cubes = Condition.parse(text).cubes
    except ParseError:
        return True
    views = [_known(caller, struct, member) for struct, member in caller.places] or [
        _known(caller, "", "")
    ]
    return all(
        any(all(_holds(var, *domain, view) for var, domain in cube) for cube in cubes)
        for view in views
    )


def _known(caller: Caller, struct: str, member: str) -> dict[str, str]:
    known = {"attach": caller.attach, "struct_ops": struct, "member": member}
    return {"sleepable": "x" * caller.sleepable, **{k: v for k, v in known.items() if v}}


def _holds(var: str, negated: bool, values: frozenset[str], known: dict[str, str]) -> bool:
    if var not in known:
        return True
    found = bool(known[var]) if var == "sleepable" else known[var] in values
    return found is not negated


class Pairs:
    """Looks pairs up in the relations of a timeline."""

    def __init__(self, relations: Relations) -> None:
        """Index the relations."""
        self._relations = relations
        self._types: dict[str, frozenset[str]] = {}
        self._found: dict[tuple[str, str, Caller], Life | None] = {}

    def find(self, kind: str, name: str, caller: Caller) -> Life | None:
        """Return when a program may call a helper or kfunc; None where the data does not say.

        :param kind: ``helper_use`` or ``kfunc_use``
        :return: without a release if none that was read lets it
        """
        key = kind, name, caller
        if key not in self._found:
            self._found[key] = self._find(kind, name, caller)
        return self._found[key]

    def newest(self, kind: str) -> str:
        """Return the newest release that was read; empty if none was."""
        return next(reversed(self._relations.read(kind)), "")

    def _find(self, kind: str, name: str, caller: Caller) -> Life | None:
        relations = self._relations
        if caller.type in _OTHERS or not relations:
            return None
        if caller.type == _STRUCT_OPS and not caller.places:
            return None
        if kind not in self._types:
            self._types[kind] = relations.objects(kind)
        known = f"BPF_PROG_TYPE_{caller.type}"
        if not relations.find(kind, name) or known not in self._types[kind]:
            return None
        found = relations.find(kind, name, known)
        if not found:
            return Life.of(None)
        relation = found[0]
        if relation.removed is not None:
            # Which releases have it is a question for each of them.
            return None
        since, first = None, True
        for interval in reversed(relation.intervals):
            if not may_call(interval.value, caller) or (since and interval.end != since):
                first = False
                break
            since = interval.start
        if since is None:
            return Life.of(None)
        # Where an attach type came later, the release before it was read and said no.
        return replace(
            Life.of(since),
            absent=(relation.absent or "") if first else "",
            or_earlier=first and relation.or_earlier,
        )
