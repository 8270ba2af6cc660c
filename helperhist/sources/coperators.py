"""Values in small C functions, and the operators on them."""

from dataclasses import dataclass

from helperhist.sources.cworlds import Program, World

__all__ = [
    "BPF_F_NO_PREALLOC",
    "Offset",
    "Undecided",
    "Value",
    "combined",
    "equal",
    "member_of",
    "signed",
]


class Undecided(Exception):
    """What the function says depends on something that is not read."""


@dataclass(frozen=True, slots=True)
class Offset:
    """The offset of a struct_ops member, or its index: they differ by a division only."""

    member: str


#: The flag of a map that all kernels have with this value (include/uapi/linux/bpf.h).
BPF_F_NO_PREALLOC = 1

#: An integer, an opaque constant ("BPF_PROG_TYPE_XDP", "&bpf_Qdisc_ops", "-EACCES"), or an object.
Value = int | str | Program | Offset


def signed(operator: str, value: Value) -> Value:
    """Return ``-value``, ``~value`` or ``+value``.

    :raises Undecided: when it is no integer, nor an error's number that is negated
    """
    if operator == "-" and isinstance(value, str) and not value.startswith(("-", "&")):
        return f"-{value}"
    if not isinstance(value, int):
        raise Undecided
    if operator == "-":
        return -value
    if operator == "~":
        return ~value
    if operator == "+":
        return value
    raise Undecided


def combined(operator: str, left: Value, right: Value) -> int:
    """Return ``left operator right``, but for ``&&`` and ``||``.

    :raises Undecided: when they are no integers, or for an operator that filters do not use
    """
    if operator in ("==", "!="):
        return int(equal(left, right) == (operator == "=="))
    if not isinstance(left, int) or not isinstance(right, int):
        raise Undecided
    match operator:
        case "|":
            return left | right
        case "&":
            return left & right
        case "<<" if 0 <= right < 64:
            return left << right
        case "+":
            return left + right
        case "-":
            return left - right
        case "<":
            return int(left < right)
        case ">":
            return int(left > right)
        case "<=":
            return int(left <= right)
        case ">=":
            return int(left >= right)
    raise Undecided


def equal(left: Value, right: Value) -> bool:
    """Tell whether two values are equal; constants are by their names.

    :raises Undecided: when that cannot be told
    """
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    if isinstance(left, int) and isinstance(right, int):
        return left == right
    for pointer, other in ((left, right), (right, left)):
        if isinstance(pointer, str) and pointer.startswith("&") and other == 0:
            return False
    raise Undecided


def member_of(world: World, base: Value, name: str) -> Value:
    """Return ``base->name`` in a world.

    :raises Undecided: when a world does not say it
    """
    match base, name:
        case Program.ENV, "prog":
            return Program.PROG
        case Program.PROG, "aux":
            return Program.AUX
        case Program.PROG, "type":
            return world.type
        case Program.PROG, "expected_attach_type":
            return world.attach or "another attach type"
        case Program.ENV, "subprog_cnt":
            return 1
        case Program.MAP, "map_type":
            return world.map_type
        case Program.MAP, "map_flags":
            return BPF_F_NO_PREALLOC * world.no_prealloc
        case Program.MAP, ("inner_map_meta" | "excl_prog_sha"):
            return 0
        case Program.AUX, "st_ops":
            return f"&{world.ops}" if world.type == "BPF_PROG_TYPE_STRUCT_OPS" else 0
        case Program.AUX, "attach_st_ops_member_off":
            return Offset(world.member)
        case ((Program.PROG | Program.AUX), "sleepable"):
            return int(world.sleepable)
    raise Undecided
