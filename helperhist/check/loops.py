"""Loops in the instructions of a function."""

from collections.abc import Iterator

from helperhist.binary import EXIT, INDIRECT_JUMP, JA, JA32, LDDW, Insn, is_jump, target_of

__all__ = ["has_loop"]


def has_loop(insns: list[Insn]) -> int | None:
    """Return the index of a jump that closes a loop, None if there is no loop.

    ``may_goto`` closes loops too, but needs a newer kernel than bounded loops anyway.
    """
    jumps = [index for index, insn in enumerate(insns) if is_jump(insn)]
    if not any(target_of(insns[index], index) <= index for index in jumps):
        return None
    # Depth first; a loop is closed by an edge to an instruction that the way came through.
    state = bytearray(len(insns))
    stack: list[tuple[int, Iterator[int]]] = [(0, iter(_next(insns, 0)))]
    state[0] = 1
    while stack:
        at, rest = stack[-1]
        for target in rest:
            if not 0 <= target < len(insns):
                continue
            if state[target] == 1:
                return at
            if state[target] == 0:
                state[target] = 1
                stack.append((target, iter(_next(insns, target))))
                break
        else:
            state[at] = 2
            stack.pop()
    return None


def _next(insns: list[Insn], at: int) -> tuple[int, ...]:
    insn = insns[at]
    if insn.code == LDDW:
        return (at + 2,)
    if insn.code in (EXIT, INDIRECT_JUMP):
        return ()
    if not is_jump(insn):
        return (at + 1,)
    if insn.code in (JA, JA32):
        return (target_of(insn, at),)
    return (at + 1, target_of(insn, at))
