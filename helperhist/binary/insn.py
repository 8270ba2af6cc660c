"""BPF instructions: which opcodes there are, and which of them not every kernel has.

Source: ``Documentation/bpf/standardization/instruction-set.rst``.
"""

import struct
from typing import NamedTuple

from helperhist.binary.btf import Order
from helperhist.errors import ParseError

__all__ = [
    "ALU",
    "ALU64",
    "ATOMIC",
    "CALL",
    "CMPXCHG",
    "EXIT",
    "INDIRECT_JUMP",
    "JA",
    "JA32",
    "JCOND",
    "JEQ_IMM",
    "JNE_IMM",
    "LD",
    "LDDW",
    "LDX",
    "LDXDW",
    "MODE",
    "MOV32",
    "MOV64",
    "SIZE",
    "SOURCE",
    "ST",
    "STX",
    "STXDW",
    "Insn",
    "decode",
    "feature",
    "is_jump",
    "load_size",
    "target_of",
]

SIZE = 8
#: Classes of instructions: ``code & 7``.
LD, LDX, ST, STX, ALU, ALU64 = 0x00, 0x01, 0x02, 0x03, 0x04, 0x07
#: The bit that says that the second operand is a register, and the bits of an access's mode.
SOURCE, MODE = 0x08, 0xE0
ATOMIC = 0xC0
CMPXCHG = 0x100
CALL, EXIT, LDDW = 0x85, 0x95, 0x18
JA, JA32, JCOND, INDIRECT_JUMP = 0x05, 0x06, 0xE5, 0x0D
MOV32, MOV64, LDXDW, STXDW = 0xBC, 0xBF, 0x79, 0x7B
JEQ_IMM, JNE_IMM = 0x15, 0x55

_ATOMIC_FETCH = 0x01
_ATOMICS = {0x00: "", 0x40: "BPF_ATOMIC", 0x50: "BPF_ATOMIC", 0xA0: "BPF_ATOMIC"}
_EXCHANGES = {0xE1: "BPF_XCHG", 0xF1: "BPF_CMPXCHG"}
_ORDERED = {0x100: "BPF_LOAD_ACQ", 0x110: "BPF_STORE_REL"}
_COMPARES = {0xA0: "BPF_JLT", 0xB0: "BPF_JLE", 0xC0: "BPF_JSLT", 0xD0: "BPF_JSLE"}


class Insn(NamedTuple):
    """One instruction; a 64-bit load takes two, of which the second has opcode 0."""

    code: int
    dst: int
    src: int
    off: int
    imm: int


def decode(data: bytes, order: Order) -> list[Insn]:
    """Decode the instructions of a section.

    :raises ParseError: half an instruction is left over
    """
    if len(data) % SIZE:
        raise ParseError(f"{len(data)} bytes of instructions are no multiple of {SIZE}")
    if order == "little":
        rows = struct.iter_unpack("<BBhi", data)
        return [Insn(code, regs & 15, regs >> 4, off, imm) for code, regs, off, imm in rows]
    rows = struct.iter_unpack(">BBhi", data)
    return [Insn(code, regs >> 4, regs & 15, off, imm) for code, regs, off, imm in rows]


def _plain() -> frozenset[int]:
    """Return the opcodes that every kernel with BPF has, whatever their other fields hold."""
    sizes = (0x00, 0x08, 0x10, 0x18)
    codes = {LDDW, CALL, EXIT, JA}
    codes |= {mode | size for mode in (0x20, 0x40) for size in sizes[:3]}
    codes |= {kind | 0x60 | size for kind in (1, 2, 3) for size in sizes}
    for kind in (0x04, 0x07):
        for operation in (0x00, 0x10, 0x20, 0x40, 0x50, 0x60, 0x70, 0xA0, 0xC0):
            codes |= {kind | operation, kind | operation | 0x08}
        codes |= {kind | 0x80, kind | 0xB0}
    # The verifier refused this one at first.
    codes -= {0xC4, 0xCC}
    for operation in (0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70):
        codes |= {0x05 | operation, 0x05 | operation | 0x08}
    return frozenset(codes | {0xD4, 0xDC})


PLAIN = _plain()


def feature(insn: Insn) -> str | None:
    """Return what an instruction needs beyond the first kernels with BPF.

    :return: a name of the UAPI header (``BPF_JLT``), a key of
        :data:`helperhist.check.rules.RULES` (``signed division``), empty if it needs nothing,
        None if the instruction is not known
    """
    code, _, src, off, imm = insn
    if code in PLAIN:
        return ""
    kind, operation = code & 7, code & 0xF0
    found: str | None = None
    if kind in (0x04, 0x07):
        if operation in (0x30, 0x90):
            found = {0: "", 1: "signed division"}.get(off)
        elif operation == 0xB0:
            if off in (8, 16, 32):
                found = "sign-extending move"
            else:
                found = {0: "", 1: "BPF_ADDR_SPACE_CAST" if kind == 0x07 else None}.get(off)
        elif code in (0xC4, 0xCC):
            found = "32-bit arithmetic shift"
        elif code == 0xD7:
            found = "unconditional byte swap"
    elif kind == 0x05:
        if code == JCOND:
            found = "BPF_MAY_GOTO" if src == 0 else None
        elif code == INDIRECT_JUMP:
            found = "indirect jump"
        else:
            found = _COMPARES.get(operation)
    elif kind == 0x06:
        if code == JA32:
            found = "long jump"
        elif 0x10 <= operation <= 0xD0 and operation not in (0x80, 0x90):
            found = "BPF_JMP32"
    elif kind == 0x01:
        found = "BPF_MEMSX" if code in (0x81, 0x89, 0x91) else None
    elif kind == 0x03 and operation & 0xE0 == 0xC0:
        found = _atomic(code, imm)
    return found


def _atomic(code: int, imm: int) -> str | None:
    if imm in _ORDERED:
        return _ORDERED[imm]
    if code not in (0xC3, 0xDB):
        return None
    if imm in _EXCHANGES:
        return _EXCHANGES[imm]
    if imm & _ATOMIC_FETCH and imm & ~_ATOMIC_FETCH in _ATOMICS:
        return "BPF_FETCH"
    return _ATOMICS.get(imm)


_JUMPS = frozenset(
    code
    for code in range(256)
    if code & 7 in (5, 6) and code not in (CALL, EXIT, INDIRECT_JUMP, 0x8D)
)


def is_jump(insn: Insn) -> bool:
    """Whether an instruction may go on somewhere else than at the next one."""
    return insn[0] in _JUMPS


def target_of(insn: Insn, index: int) -> int:
    """Return the index of the instruction that a jump goes to."""
    return index + 1 + (insn.imm if insn.code == JA32 else insn.off)


_LOAD_SIZES = {0x61: 4, 0x69: 2, 0x71: 1, LDXDW: 8}


def load_size(insn: Insn) -> int:
    """Return how many bytes an instruction loads without a sign; 0 if it is no such load."""
    return _LOAD_SIZES.get(insn.code, 0)
