"""The answers of ``explain`` about instructions that a kernel does not know."""

import re
from collections.abc import Callable

from helperhist.explain.names import Answer, Names

__all__ = ["atomic_opcode", "instruction", "old_opcode", "opcode"]

_V4 = "instructions of the set v4"
#: What an instruction that a kernel does not know is, the name in bpf.h that came with it, and
#: the compiler's -mcpu without it.
_INSTRUCTIONS = {
    "jump": ("less-than jumps, instructions of the set v2", "BPF_JLT", "v1"),
    "jump32": ("32-bit jumps, instructions of the set v3", "BPF_JMP32", "v2"),
    "atomic": ("atomic operations beyond a plain add", "BPF_FETCH", ""),
    "divide": (f"signed division or remainder, {_V4}", "BPF_MEMSX", "v3"),
    "move": (f"sign-extending moves, {_V4}", "BPF_MEMSX", "v3"),
    "cast": ("casts between address spaces", "BPF_ADDR_SPACE_CAST", ""),
    "load": (f"sign-extending loads, {_V4}", "BPF_MEMSX", "v3"),
    "swap": (f"byte swaps, {_V4}", "BPF_MEMSX", "v3"),
    "goto": (f"long jumps, {_V4}", "BPF_MEMSX", "v3"),
    "may_goto": ("may_goto", "BPF_JCOND", ""),
    "acquire": ("load-acquire or store-release", "BPF_LOAD_ACQ", ""),
}
_OPCODES = {
    **dict.fromkeys((0xA5, 0xAD, 0xB5, 0xBD, 0xC5, 0xCD, 0xD5, 0xDD), "jump"),
    **dict.fromkeys((0x81, 0x89, 0x91), "load"),
    0x06: "goto",
    0xD7: "swap",
    0xE5: "may_goto",
}


def _instruction(key: str, names: Names) -> Answer:
    what, marker, cpu = _INSTRUCTIONS[key]
    row = names.exact(marker)
    since = None if row is None else row.since
    release = since or "a release that this data has not"
    return Answer(
        "instruction-unknown",
        f"If the program is in order, the kernel does not know an instruction of it: {what}, "
        f"which came with {release} (on x86-64; elsewhere maybe later).",
        f"Run a kernel from {release} on, "
        + (f"or compile with -mcpu={cpu}." if cpu else "or do without it in the source."),
        since=since,
    )


def _either(*keys: str) -> Callable[[Names], Answer]:
    """Make an answer where a message means one of several instructions: no single release."""

    def answer(names: Names) -> Answer:
        parts = [
            f"{what} ({row.since if row is not None else 'not in this data'})"
            for what, marker, _ in (_INSTRUCTIONS[key] for key in keys)
            for row in (names.exact(marker),)
        ]
        return Answer(
            "instruction-unknown",
            "If the program is in order, the kernel does not know an instruction of it, one of: "
            f"{'; '.join(parts)}; in parentheses the release that brought it on x86-64.",
            "See with `helperhist check` which of them the object has.",
        )

    return answer


_CLASSES: dict[str, Callable[[Names], Answer]] = {
    "STX": _either("atomic", "acquire"),
    "XADD": _either("atomic", "acquire"),
    "MOV": _either("move", "cast"),
    "ALU": lambda names: _instruction("divide", names),
    "LDX": lambda names: _instruction("load", names),
}


def instruction(match: re.Match[str], names: Names) -> Answer | None:
    """Explain an instruction that a kernel refuses, by the verifier's word for its class."""
    return _CLASSES[match[1]](names)


def opcode(match: re.Match[str], names: Names) -> Answer | None:
    """Explain an instruction that a kernel refuses, by its first byte."""
    code = int(match[1], 16)
    if code in _OPCODES:
        return _instruction(_OPCODES[code], names)
    if code == 0x8D:
        return Answer(
            "indirect-call",
            "0x8d is an indirect call (callx), through a function pointer: no kernel takes it.",
            "Call the function by its name, and compile with -O2: without it, clang makes such "
            "calls of plain ones.",
        )
    if code & 7 == 6:
        return _instruction("jump32", names)
    return Answer(
        "instruction-unknown",
        f"The kernel does not know the instruction 0x{code:02x}: the program is newer than it, or "
        "damaged.",
        "See what the object uses with `helperhist check`.",
    )


def old_opcode(match: re.Match[str], names: Names) -> Answer | None:
    """Explain how kernels before 4.18 refuse jumps and classes."""
    return _instruction("jump" if match[1] is not None else "jump32", names)


def atomic_opcode(match: re.Match[str], names: Names) -> Answer | None:
    """Explain an atomic operation that a kernel refuses, by its number."""
    return _instruction("acquire" if match[1] in ("100", "110") else "atomic", names)
