"""Values of the expressions in a small C function, for one program."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from helperhist.sources.coperators import Offset, Undecided, Value, combined, member_of, signed
from helperhist.sources.csyntax import (
    Binary,
    Call,
    Choice,
    Expression,
    Identifier,
    Index,
    Member,
    Number,
    Unary,
)
from helperhist.sources.cworlds import Function, Program, World

__all__ = ["MAX_STEPS", "UNKNOWN", "Execution", "truth_of", "value_of"]

#: Of one evaluation.
MAX_STEPS = 20_000
#: The value of a variable that was assigned what is not read.
UNKNOWN = "?"


@dataclass(slots=True)
class Execution:
    """One evaluation: what it may use, and where it stands."""

    functions: Mapping[str, Function]
    constants: Mapping[str, int]
    tables: Mapping[str, Mapping[str, Expression]]
    builtins: Mapping[str, Callable[[Sequence[str]], bool]]
    world: World
    invoke: Callable[["Execution", Function, list[Value]], Value]
    steps: int = 0
    depth: int = 0
    assumed: Mapping[str, bool] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)


def value_of(run: Execution, expression: Expression) -> Value:
    """Return the value of an expression.

    :raises Undecided: when it depends on something that is not read
    """
    run.steps += 1
    if run.steps > MAX_STEPS:
        raise Undecided
    match expression:
        case Number(number):
            return number
        case Identifier(name):
            return _name(run, name)
        case Unary("&", Identifier(name)):
            return f"&{name}"
        case Unary(operator, operand):
            return _unary(run, operator, operand)
        case Binary("&&", left, right):
            return int(truth_of(run, left) and truth_of(run, right))
        case Binary("||", left, right):
            return int(truth_of(run, left) or truth_of(run, right))
        case Binary(operator, left, right):
            return _binary(operator, value_of(run, left), right, run)
        case Choice(test, yes, no):
            if not truth_of(run, test):
                return value_of(run, no)
            return value_of(run, test if yes is None else yes)
        case Member(base, name):
            return member_of(run.world, value_of(run, base), name)
        case Index(Identifier(name), index):
            return _element(run, name, value_of(run, index))
        case Call(name, arguments):
            return _call(run, name, arguments)
    raise Undecided


def _name(run: Execution, name: str) -> Value:
    if name in run.variables:
        value = run.variables[name]
        if value == UNKNOWN:
            raise Undecided
        return value
    if name in run.constants:
        return run.constants[name]
    if name in ("true", "false"):
        return int(name == "true")
    if name == "NULL":
        return 0
    # An enumerator or macro; a variable that is not set has no such name.
    if name.isupper() or name.startswith("BPF_"):
        return name
    raise Undecided


def _unary(run: Execution, operator: str, operand: Expression) -> Value:
    if operator == "!":
        return int(not truth_of(run, operand))
    return signed(operator, value_of(run, operand))


def _binary(operator: str, left: Value, right: Expression, run: Execution) -> Value:
    if operator == "/" and isinstance(left, Offset):
        return left
    return combined(operator, left, value_of(run, right))


def truth_of(run: Execution, expression: Expression) -> bool:
    """Tell whether an expression is not zero.

    :raises Undecided: when it depends on something that is not read
    """
    value = value_of(run, expression)
    if isinstance(value, int):
        return value != 0
    if isinstance(value, Program) or (isinstance(value, str) and value.startswith(("&", "-"))):
        return True
    raise Undecided


def _element(run: Execution, table: str, index: Value) -> Value:
    elements = run.tables.get(table)
    if elements is None or not isinstance(index, Offset):
        raise Undecided
    # What an initialiser leaves out is zero (6.7.9 p21).
    return value_of(run, elements.get(index.member, Number(0)))


def _call(run: Execution, name: str, arguments: Sequence[Expression]) -> Value:
    if name in run.builtins:
        return int(run.builtins[name](tuple(_spelling(run, argument) for argument in arguments)))
    values = [value_of(run, argument) for argument in arguments]
    if name == "resolve_prog_type" and values == [Program.PROG]:
        return run.world.type
    if name == "in_sleepable" and values == [Program.ENV]:
        return int(run.world.sleepable)
    if name == "BIT" and len(values) == 1 and isinstance(values[0], int) and 0 <= values[0] < 64:
        return 1 << values[0]
    if name in run.functions:
        return run.invoke(run, run.functions[name], values)
    if len(values) == 1 and isinstance(values[0], Offset) and name.isupper():
        # SCX_MOFF_IDX(moff): from the offset of a member to its index.
        return values[0]
    raise Undecided


def _spelling(run: Execution, expression: Expression) -> str:
    match expression:
        case Unary("&", Identifier(name)):
            return name
        case Identifier(name):
            return name
    return ""
