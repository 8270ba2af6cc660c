"""Change an instruction as a loader does for a CO-RE relocation."""

from collections.abc import Sequence
from dataclasses import dataclass

from helperhist.binary import CALL, LDDW, Insn
from helperhist.kernel.core import Resolution

__all__ = ["POISON", "Patched", "patch"]

#: What takes the place of an unresolved instruction: a call of helper 0xbad2310 ("bad relo").
POISON = Insn(CALL, 0, 0, 0, 0xBAD2310)

_ALU, _LOADS = (0x04, 0x07), (0x01, 0x02, 0x03)
_SOURCE_REGISTER = 0x08
_SIZES = {8: 0x18, 4: 0x00, 2: 0x08, 1: 0x10}
_BYTES = {code: size for size, code in _SIZES.items()}
_MAX_OFFSET = 0x7FFF
_U64 = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True, slots=True)
class Patched:
    """The instruction after the change.

    :ivar insns: one, or two of a 64-bit load; :data:`POISON` if it cannot be made valid
    :ivar refused: why the loader refuses the whole object, else empty
    :ivar old: the number in the instruction before, as 64 unsigned bits; None if nothing is put in
    """

    insns: tuple[Insn, ...]
    refused: str = ""
    old: int | None = None


def patch(insns: Sequence[Insn], index: int, resolution: Resolution) -> Patched:
    """Put the value of a relocation where it belongs.

    :param insns: of the program or function
    :param index: of the instruction that the relocation names
    """
    insn = insns[index]
    second = insns[index + 1] if index + 1 < len(insns) else None
    wide = insn.code == LDDW and second is not None
    kept = (insn, second) if wide and second is not None else (insn,)
    if resolution.state == "refused":
        return Patched(kept, resolution.reason)
    if resolution.state == "unresolved":
        return Patched((POISON,) * len(kept))
    kind = insn.code & 0x07
    value = resolution.value
    if kind in _ALU:
        if insn.code & _SOURCE_REGISTER:
            return Patched(kept, "CO-RE relocation of an instruction without a number")
        old = insn.imm & _U64
        changed: tuple[Insn, ...] = (insn._replace(imm=_signed(value, 32)),)
    elif kind in _LOADS:
        old = insn.off & _U64
        if resolution.checked and old != resolution.local:
            return Patched(kept, _unexpected(old, resolution))
        if value > _MAX_OFFSET:
            return Patched(kept, f"{resolution.spec}: offset {value} is too large")
        if not resolution.resizable:
            return Patched((POISON,))
        changed = (insn._replace(off=value),)
        if resolution.size != resolution.local_size:
            size = _SIZES.get(resolution.size)
            if size is None or _BYTES[insn.code & 0x18] != resolution.local_size:
                return Patched(kept, f"{resolution.spec}: {resolution.size} bytes are no load")
            changed = (changed[0]._replace(code=insn.code & ~0x18 | size),)
    elif wide and second is not None:
        if insn.src or insn.off or second[:4] != (0, 0, 0, 0):
            return Patched(kept, "CO-RE relocation of the address of something")
        old = insn.imm & 0xFFFFFFFF | (second.imm & 0xFFFFFFFF) << 32
        changed = (
            insn._replace(imm=_signed(value, 32)),
            second._replace(imm=_signed(value >> 32, 32)),
        )
    else:
        return Patched(kept, f"CO-RE relocation of an instruction with opcode {insn.code:#x}")
    if resolution.checked and old != resolution.local:
        return Patched(kept, _unexpected(old, resolution))
    return Patched(changed, old=old)


def _unexpected(old: int, resolution: Resolution) -> str:
    return f"{resolution.spec}: the instruction has {old}, not {resolution.local}"


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value
