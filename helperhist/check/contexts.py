"""What the verifier refuses of a program by the function that it is attached to."""

from weakref import WeakKeyDictionary

from helperhist.binary import BpfObject, Function
from helperhist.check.doom import Refused, closure_of
from helperhist.check.endings import LSM_RANGE
from helperhist.check.needs import release_key
from helperhist.check.reach import Budget, Exhausted, Reach, Word, reach
from helperhist.kernel import Attach

__all__ = ["refused_by_target"]

_WORD = 8
#: It is the same for all kernels.
_KNOWN: WeakKeyDictionary[BpfObject, dict[Function, Reach | None]] = WeakKeyDictionary()
_LSM = "BPF_LSM_MAC"


def refused_by_target(
    obj: BpfObject, program: Function, found: Attach, release: str | None
) -> dict[int, Refused]:
    """Return the refused instructions of a program itself, by index.

    Arguments that the function does not have (``btf_ctx_access()``), and arguments that an LSM
    program returns as they are.

    :param found: what it is attached to
    :param release: that the kernel is most like
    """
    if found.words is None or program.kind is None:
        return {}
    seen = _seen(obj, program)
    if seen is None:
        return {}
    marks = {}
    for (function, index), access in seen.accesses.items():
        if function is program and access.offset // _WORD >= found.words:
            reason = f"reads argument {access.offset // _WORD} of {found.words} there"
            marks[index] = Refused("attach_target", found.name, reason)
    ranged = release is not None and release_key(release) >= release_key(LSM_RANGE.until)
    if program.kind.attach == _LSM and ranged:
        for (function, index), value in seen.results.items():
            # Behind the arguments is the result of the programs before.
            if (
                function is program
                and isinstance(value, Word)
                and value.offset // _WORD < found.words - 1
            ):
                reason = "returns an argument, which is not known to be 0 or -errno"
                marks[index] = Refused("attach_target", found.name, reason)
    return marks


def _seen(obj: BpfObject, program: Function) -> Reach | None:
    """Return what a program does as it was compiled; None if it is too large to follow."""
    known = _KNOWN.setdefault(obj, {})
    if program not in known:
        try:
            closure = closure_of(obj, program)
            known[program] = reach(obj, program, closure, lambda _: None, {}, Budget())
        except Exhausted:
            known[program] = None
    return known[program]
