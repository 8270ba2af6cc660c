"""Which helpers the kernel keeps for programs under a license compatible with the GPL.

The facts are the timeline's relations of kind ``gpl_only``, read from each ``bpf_func_proto``.
"""

from typing import NamedTuple

from helperhist.timeline import Interval, Relations

__all__ = ["Kept", "kept_for_gpl"]


class Kept(NamedTuple):
    """That a helper is, or was, kept for such programs.

    :ivar until: the first release from which on it is for all; None where it is still kept
    """

    until: str | None


def kept_for_gpl(relations: Relations, helper: str, prog_type: str) -> Kept | None:
    """Return whether a helper is kept; None where it never was, or where nobody can tell.

    :param prog_type: of the program, without ``BPF_PROG_TYPE_``; ``bpf_get_stackid`` is one helper
        to most programs and another, for all licenses, to those of perf events from 5.9 on
    """
    intervals: list[Interval] = []
    for other in (f"BPF_PROG_TYPE_{prog_type}", ""):
        for relation in relations.find("gpl_only", helper, other):
            intervals += relation.intervals
    newest = [item for item in intervals if item.end is None]
    if len(newest) != 1 or newest[0].value not in ("yes", "no"):
        return None
    if newest[0].value == "yes":
        return Kept(None)
    before = any(item.value == "yes" and item.end == newest[0].start for item in intervals)
    return Kept(newest[0].start) if before else None
