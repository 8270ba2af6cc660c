"""Arithmetic and comparisons of BPF on numbers."""

from helperhist.binary import Insn

__all__ = ["compare", "compute"]

_M64, _M32 = (1 << 64) - 1, (1 << 32) - 1


def compute(insn: Insn, left: int | None, operand: int | None) -> int | None:
    """Return the result of an arithmetic instruction; None where it is not known.

    :param left: what its register holds
    :param operand: what its other register, or it itself, holds
    """
    wide = insn.code & 7 == 7
    operation = insn.code & 0xF0
    if operation == 0xB0:
        if insn.off or operand is None:
            return None
        return operand & (_M64 if wide else _M32)
    if operation == 0xD0:
        return None
    if operation == 0x80 and left is not None:
        return -left & (_M64 if wide else _M32)
    if left is None or operand is None:
        # What is multiplied with, or masked by, zero is zero.
        return 0 if operation in (0x20, 0x50) and 0 in (left, operand) else None
    mask, bits = (_M64, 64) if wide else (_M32, 32)
    left, right = left & mask, operand & mask
    shift = right & (bits - 1)
    signed = left - (1 << bits) if left >> (bits - 1) else left
    results = {
        0x00: left + right,
        0x10: left - right,
        0x20: left * right,
        0x40: left | right,
        0x50: left & right,
        0x60: left << shift,
        0x70: left >> shift,
        0xA0: left ^ right,
        0xC0: signed >> shift,
    }
    found = results.get(operation)
    return None if found is None else found & mask


def compare(code: int, left: int, right: int) -> bool | None:
    """Return whether a conditional jump jumps; None if its condition is not known."""
    bits = 32 if code & 7 == 6 else 64
    mask = (1 << bits) - 1
    left, right = left & mask, right & mask
    half, whole = 1 << (bits - 1), 1 << bits
    signed = (left - whole if left & half else left, right - whole if right & half else right)
    results = {
        0x10: left == right,
        0x20: left > right,
        0x30: left >= right,
        0x40: bool(left & right),
        0x50: left != right,
        0x60: signed[0] > signed[1],
        0x70: signed[0] >= signed[1],
        0xA0: left < right,
        0xB0: left <= right,
        0xC0: signed[0] < signed[1],
        0xD0: signed[0] <= signed[1],
    }
    return results.get(code & 0xF0)
