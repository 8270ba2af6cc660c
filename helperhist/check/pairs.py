"""Since which release programs of a type may call a helper, which is often later than both.

The facts are the timeline's relations of kind ``helper_use``, read from the kernel's own
``get_func_proto`` functions. Of their conditions only the attach type can rule a call out here;
capabilities, configuration and lockdown are for whoever loads the program, and what was not read
rules nothing out.
"""

from dataclasses import dataclass

from helperhist.timeline import Relations

__all__ = ["Pair", "find_pair", "may_call"]

#: The functions of these programs are those of what they stand in for, or of one struct of many.
_OTHERS = frozenset(("EXT", "STRUCT_OPS", "UNSPEC"))


@dataclass(frozen=True, slots=True)
class Pair:
    """That a program type may call a helper.

    :ivar since: the first release read from which on it may; None if none that was read lets it
    :ivar or_earlier: whether a release that was not read may let it already
    """

    since: str | None
    or_earlier: bool


def may_call(condition: str, attach: str) -> bool:
    """Whether a condition leaves a call to programs of an attach type; if in doubt, it does.

    >>> may_call("attach=BPF_CGROUP_INET4_BIND|BPF_CGROUP_INET6_BIND", "BPF_CGROUP_INET4_CONNECT")
    False
    >>> may_call("cap=CAP_PERFMON", "BPF_XDP"), may_call("?", "BPF_XDP")
    (True, True)
    """
    return not attach or not all(
        any(_rules_out(part, attach) for part in alternative.split(";"))
        for alternative in condition.split(" or ")
    )


def _rules_out(part: str, attach: str) -> bool:
    key, sign, values = part.partition("=")
    if not sign or key.strip("! ") != "attach":
        return False
    listed = attach in values.split("|")
    return listed if key.startswith("!") else not listed


def find_pair(relations: Relations, helper: str, prog_type: str, attach: str) -> Pair | None:
    """Return since when programs may call a helper; None where the data does not say.

    :param prog_type: without ``BPF_PROG_TYPE_``
    :param attach: the attach type; empty where it is not known
    """
    if prog_type in _OTHERS or not relations:
        return None
    known = f"BPF_PROG_TYPE_{prog_type}"
    if not relations.find("helper_use", helper) or known not in relations.objects("helper_use"):
        return None
    found = relations.find("helper_use", helper, known)
    if not found:
        return Pair(None, False)
    relation = found[0]
    if relation.removed is not None:
        # Which releases have it is a question for each of them.
        return None
    since, first = None, True
    for interval in reversed(relation.intervals):
        if not may_call(interval.value, attach) or (since and interval.end != since):
            first = False
            break
        since = interval.start
    if since is None:
        return Pair(None, False)
    # Where an attach type came later, the release before it was read and said no.
    bounded = first and (relation.absent is not None or relation.or_earlier)
    return Pair(since, bounded)
