"""Integer constant expressions of C: tokens in, the value with its type out.

The rules are those of C11 (N1570): integer constants (6.4.4.1), the usual arithmetic conversions
(6.3.1.8) and constant expressions (6.6), with the widths of LP64, the only data model in which the
kernel's UAPI is used with BPF.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["MAX_TOKENS", "Constant", "evaluate"]

#: Of an expression; more is hostile, and no value.
MAX_TOKENS = 1024
_MAX_NESTING = 64


@dataclass(frozen=True, slots=True)
class Constant:
    """The value of an integer constant expression, with its C type.

    :ivar value: as the type holds it: ``-1`` for ``-1``, ``0xffffffff`` for ``~0U``
    :ivar bits: 32 or 64
    :ivar unsigned: whether the type is unsigned
    """

    value: int
    bits: int = 32
    unsigned: bool = False


_INTEGER = re.compile(
    r"(0[xX][0-9a-fA-F]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)"
    r"((?:[uU](?:ll|LL|[lL])?|(?:ll|LL|[lL])[uU]?)?)"
)
_BINARY: tuple[tuple[str, ...], ...] = (
    ("|",),
    ("^",),
    ("&",),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
)


def evaluate(tokens: Sequence[str], names: Mapping[str, Constant]) -> Constant | None:
    """Evaluate an integer constant expression.

    :param tokens: of the expression
    :param names: values of the enumerators and macros in scope
    :return: None where the expression has a name, operator or value that is not known
    """
    if len(tokens) > MAX_TOKENS:
        return None
    try:
        value, rest = _binary(tokens, 0, names, 0, 0)
    except _Unknown:
        return None
    return value if rest == len(tokens) else None


class _Unknown(Exception):
    """An expression that cannot be evaluated."""


def _literal(token: str) -> Constant:
    match = _INTEGER.fullmatch(token)
    if match is None or len(token) > 72:
        raise _Unknown
    digits, suffix = match[1].lower(), match[2].lower()
    base = 16 if digits[:2] == "0x" else 2 if digits[:2] == "0b" else 8 if digits[0] == "0" else 10
    value = int(digits, base)
    is_long, unsigned = "l" in suffix, "u" in suffix
    # 6.4.4.1: the first type of the list that holds the value; a decimal without u has no
    # unsigned types in its list.
    for bits in (64,) if is_long else (32, 64):
        if not unsigned and value < 1 << (bits - 1):
            return Constant(value, bits, False)
        if (unsigned or base != 10) and value < 1 << bits:
            return Constant(value, bits, True)
    raise _Unknown


def _wrap(value: int, bits: int, unsigned: bool) -> Constant:
    value &= (1 << bits) - 1
    if not unsigned and value >> (bits - 1):
        value -= 1 << bits
    return Constant(value, bits, unsigned)


def _binary(
    tokens: Sequence[str], at: int, names: Mapping[str, Constant], level: int, depth: int
) -> tuple[Constant, int]:
    if level == len(_BINARY):
        return _unary(tokens, at, names, depth)
    left, at = _binary(tokens, at, names, level + 1, depth)
    while at < len(tokens) and tokens[at] in _BINARY[level]:
        operator = tokens[at]
        right, at = _binary(tokens, at + 1, names, level + 1, depth)
        left = _apply(operator, left, right)
    return left, at


def _unary(
    tokens: Sequence[str], at: int, names: Mapping[str, Constant], depth: int
) -> tuple[Constant, int]:
    if at >= len(tokens) or depth > _MAX_NESTING:
        raise _Unknown
    token = tokens[at]
    if token in ("-", "~", "+"):
        operand, at = _unary(tokens, at + 1, names, depth + 1)
        value = {"-": -operand.value, "~": ~operand.value, "+": operand.value}[token]
        return _wrap(value, operand.bits, operand.unsigned), at
    if token == "(":
        if tokens[at + 1 : at + 3] in (["__u64", ")"], ["__u32", ")"]):
            operand, end = _unary(tokens, at + 3, names, depth + 1)
            return _wrap(operand.value, int(tokens[at + 1][3:]), True), end
        value_in, at = _binary(tokens, at + 1, names, 0, depth + 1)
        if at >= len(tokens) or tokens[at] != ")":
            raise _Unknown
        return value_in, at + 1
    if token in names:
        return names[token], at + 1
    return _literal(token), at + 1


def _apply(operator: str, left: Constant, right: Constant) -> Constant:
    if operator in ("<<", ">>"):
        # 6.5.7: the type is the left operand's; a shift by the width or more is undefined.
        if not 0 <= right.value < left.bits:
            raise _Unknown
        shifted = left.value << right.value if operator == "<<" else left.value >> right.value
        return _wrap(shifted, left.bits, left.unsigned)
    bits = max(left.bits, right.bits)
    unsigned = any(side.unsigned and side.bits == bits for side in (left, right))
    a, b = (_wrap(side.value, bits, unsigned).value for side in (left, right))
    if operator in ("/", "%"):
        if b == 0:
            raise _Unknown
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        if not unsigned and quotient == 1 << (bits - 1):
            # 6.5.5 p6: the quotient of the least value by -1 has no representation.
            raise _Unknown
        return _wrap(quotient if operator == "/" else a - b * quotient, bits, unsigned)
    value = {"|": a | b, "^": a ^ b, "&": a & b, "+": a + b, "-": a - b, "*": a * b}[operator]
    return _wrap(value, bits, unsigned)
