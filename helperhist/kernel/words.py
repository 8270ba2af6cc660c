"""Which words of its context a program of BTF reads: the arguments of what it is attached to."""

from collections.abc import Sequence

from helperhist.binary import CALL, EXIT, JA, JA32, LDDW, Insn, is_jump, target_of

__all__ = ["words_read"]

_MOV64 = 0xBF
_INDIRECT_CALL, _INDIRECT_JUMP = 0x8D, 0x0D
_PLAIN_LOAD, _ATOMIC = 0x61, 0xC3
_WRITERS = (0x00, 0x01, 0x04, 0x07)
_WORD = 8
#: Steps of the analysis; programs of the size that kernels take need fewer.
_MAX_STEPS = 1 << 21


def words_read(insns: Sequence[Insn]) -> dict[int, int]:
    """Return the words of the context that a program surely reads: instruction to word.

    A register holds the context only if it does so on every way to the instruction; what is
    stored on the stack and read back is left out. Whether a program gets to the instruction on
    a kernel is another question.

    :param insns: of the program
    """
    held: dict[int, frozenset[int]] = {0: frozenset({1})} if insns else {}
    pending, steps = list(held), 0
    while pending:
        at = pending.pop()
        steps += 1
        if steps > _MAX_STEPS:
            return {}
        after = _after(insns[at], held[at])
        for following in _next(insns, at):
            known = held.get(following)
            merged = after if known is None else known & after
            if merged != known:
                held[following] = merged
                pending.append(following)
    found = {}
    for at, registers in held.items():
        insn = insns[at]
        if insn.code & 0xE7 == _PLAIN_LOAD and insn.src in registers and insn.off >= 0:
            found[at] = insn.off // _WORD
    return dict(sorted(found.items()))


def _after(insn: Insn, held: frozenset[int]) -> frozenset[int]:
    if insn.code in (CALL, _INDIRECT_CALL):
        return held - {1, 2, 3, 4, 5}
    if insn.code == _MOV64 and insn.off == 0:
        return held | {insn.dst} if insn.src in held else held - {insn.dst}
    if insn.code & 7 in _WRITERS:
        return held - {insn.dst}
    if insn.code & 0xE7 == _ATOMIC:
        # An atomic operation may fetch into its source or into r0.
        return held - {insn.src, 0}
    return held


def _next(insns: Sequence[Insn], at: int) -> list[int]:
    insn = insns[at]
    if insn.code in (EXIT, _INDIRECT_JUMP):
        return []
    following = [target_of(insn, at)] if is_jump(insn) else []
    if not is_jump(insn) or insn.code not in (JA, JA32):
        following.append(at + (2 if insn.code == LDDW else 1))
    return [item for item in following if 0 <= item < len(insns)]
