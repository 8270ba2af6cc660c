"""Values in small C functions, and the operators on them."""

from dataclasses import dataclass

from helperhist.sources.cworlds import Program

__all__ = ["Offset", "Undecided", "Value", "combined", "equal", "signed"]


class Undecided(Exception):
    """What the function says depends on something that is not read."""


@dataclass(frozen=True, slots=True)
class Offset:
    """The offset of a struct_ops member, or its index: they differ by a division only."""

    member: str


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
