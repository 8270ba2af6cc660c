"""Conditions of the preprocessor as conditions on a kernel's configuration."""

import re
from collections.abc import Sequence
from functools import lru_cache

from helperhist.errors import ParseError
from helperhist.sources.cexpressions import parse_expression
from helperhist.sources.condition import ALWAYS, NEVER, Condition
from helperhist.sources.csyntax import Binary, Call, Expression, Name, Number, Unary
from helperhist.sources.ctokens import tokenize

__all__ = ["configuration"]

_TESTS = frozenset(("defined", "IS_ENABLED", "IS_BUILTIN", "IS_MODULE", "IS_REACHABLE"))
_BARE = re.compile(r"\bdefined\s+(\w+)", re.ASCII)


def configuration(guards: Sequence[str]) -> Condition:
    """Return when a kernel is compiled with what stands under all of some conditions.

    :param guards: as :meth:`CFile.guards` gives them; what asks for something else than
        ``CONFIG_*`` (an architecture's macro, a number) is not read
    """
    result = ALWAYS
    for guard in guards:
        result &= _one(guard)
    return result


@lru_cache(maxsize=4096)
def _one(guard: str) -> Condition:
    try:
        expression = parse_expression([str(t) for t in tokenize(_BARE.sub(r"defined(\1)", guard))])
    except ParseError:
        return Condition.unread(guard)
    return _condition(expression, guard)


def _condition(expression: Expression, guard: str) -> Condition:
    match expression:
        case Number(value):
            return ALWAYS if value else NEVER
        case Call(name, (Name(config),)) if name in _TESTS and config.startswith("CONFIG_"):
            return Condition.of("config", config)
        case Unary("!", operand):
            return ~_condition(operand, guard)
        case Binary("&&", left, right):
            return _condition(left, guard) & _condition(right, guard)
        case Binary("||", left, right):
            return _condition(left, guard) | _condition(right, guard)
    return Condition.unread(guard)
