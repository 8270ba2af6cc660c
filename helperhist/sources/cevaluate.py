"""What a small C function returns for one program.

What depends on something that is not read is undecided, never guessed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from helperhist.sources.coperators import (
    Offset,
    Undecided,
    Value,
    combined,
    equal,
    member_of,
    signed,
)
from helperhist.sources.csyntax import (
    Assign,
    Binary,
    Block,
    Break,
    Call,
    Choice,
    Compiled,
    Expression,
    Goto,
    If,
    Index,
    Label,
    Member,
    Name,
    Number,
    Return,
    Statement,
    Switch,
    Unary,
    Unread,
)
from helperhist.sources.cworlds import Function, Program, World

__all__ = ["evaluate", "evaluate_constant"]

# Calls in each other; a filter of 7.1 has one level, and steps of one evaluation.
_MAX_CALLS = 8
_MAX_STEPS = 20_000
# In one function; the kernel's have one.
_MAX_IFS = 4


@dataclass(slots=True)
class _Run:
    functions: Mapping[str, Function]
    constants: Mapping[str, int]
    tables: Mapping[str, Mapping[str, Expression]]
    builtins: Mapping[str, Callable[[Sequence[str]], bool]]
    world: World
    steps: int = 0
    depth: int = 0
    assumed: Mapping[str, bool] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)


class _Returned(Exception):
    def __init__(self, value: Value) -> None:
        self.value = value


class _Jumped(Exception):
    def __init__(self, label: str) -> None:
        self.label = label


class _Unassumed(Exception):
    """An ``#if``, of which nobody has said which branch to take."""

    def __init__(self, test: str) -> None:
        self.test = test


class _Broken(Exception):
    """A ``break`` left its switch."""


def evaluate(
    function: Function,
    arguments: Sequence[Value],
    world: World,
    *,
    functions: Mapping[str, Function],
    constants: Mapping[str, int],
    tables: Mapping[str, Mapping[str, Expression]],
    builtins: Mapping[str, Callable[[Sequence[str]], bool]],
) -> int | str:
    """Return what a function returns in a world.

    :param functions: others that it may call
    :param constants: values of enumerators
    :param tables: of arrays: their elements by the struct_ops member of the index
    :param builtins: functions known by name; each gets its arguments' spelling
    :return: an integer, or the spelling of a constant: ``-EACCES``, ``BTF_KFUNC_HOOK_XDP``
    :raises Undecided: when that depends on something that is not read
    """
    return _agreed(_Run(functions, constants, tables, builtins, world), function, arguments)


def _agreed(run: _Run, function: Function, arguments: Sequence[Value]) -> int | str:
    """Return what a function returns whatever the branches of its ``#if`` are."""
    try:
        value = _call_function(run, function, list(arguments))
    except _Unassumed as unassumed:
        if len(run.assumed) >= _MAX_IFS:
            raise Undecided from None
        yes, no = (
            _agreed(
                replace(run, assumed={**run.assumed, unassumed.test: taken}, variables={}, depth=0),
                function,
                arguments,
            )
            for taken in (True, False)
        )
        if yes == no:
            return yes
        raise Undecided from None
    if isinstance(value, int | str):
        return value
    raise Undecided


def evaluate_constant(expression: Expression, constants: Mapping[str, int]) -> int:
    """Return the value of an integer constant expression.

    :raises Undecided: when it has a name that is not among the constants
    """
    run = _Run({}, constants, {}, {}, World(""))
    value = _value(run, expression)
    if not isinstance(value, int):
        raise Undecided
    return value


def _call_function(run: _Run, function: Function, arguments: list[Value]) -> Value:
    if len(arguments) != len(function.parameters) or run.depth >= _MAX_CALLS:
        raise Undecided
    saved, run.variables = run.variables, dict(zip(function.parameters, arguments, strict=True))
    run.depth += 1
    try:
        _execute_body(run, function.body)
    except _Returned as returned:
        return returned.value
    except _Broken:
        raise Undecided from None
    finally:
        run.variables = saved
        run.depth -= 1
    raise Undecided


def _execute_body(run: _Run, body: Block) -> None:
    """Execute a function's body, and go on behind its labels, as ``goto`` says."""
    at = 0
    while True:
        try:
            _execute(run, Block(body.body[at:]))
        except _Jumped as jump:
            if Label(jump.label) not in body.body:
                raise Undecided from None
            at = body.body.index(Label(jump.label))
        else:
            return


def _execute(run: _Run, statement: Statement) -> None:
    run.steps += 1
    if run.steps > _MAX_STEPS:
        raise Undecided
    match statement:
        case Block(body):
            for inner in body:
                _execute(run, inner)
        case Return(None) | Unread():
            raise Undecided
        case Return(value):
            assert value is not None
            raise _Returned(_value(run, value))
        case Assign(name, expression):
            try:
                run.variables[name] = _value(run, expression)
            except Undecided:
                # It matters only where the variable is used.
                run.variables.pop(name, None)
                run.variables[name] = _UNKNOWN
        case If(test, yes, no):
            if _truth(run, test):
                _execute(run, yes)
            elif no is not None:
                _execute(run, no)
        case Switch():
            _switch(run, statement)
        case Break():
            raise _Broken
        case Goto(label):
            raise _Jumped(label)
        case Compiled(test, yes, no):
            if test not in run.assumed:
                raise _Unassumed(test)
            _execute(run, yes if run.assumed[test] else no)


_UNKNOWN = "?"


def _switch(run: _Run, statement: Switch) -> None:
    value = _value(run, statement.value)
    entry: int | None = None
    for index, (labels, _) in enumerate(statement.body):
        if any(label is not None and equal(value, _value(run, label)) for label in labels):
            entry = index
            break
    else:
        for index, (labels, _) in enumerate(statement.body):
            if None in labels:
                entry = index
    if entry is None:
        return
    try:
        for _, inner in statement.body[entry:]:
            _execute(run, inner)
    except _Broken:
        return


def _value(run: _Run, expression: Expression) -> Value:
    run.steps += 1
    if run.steps > _MAX_STEPS:
        raise Undecided
    match expression:
        case Number(number):
            return number
        case Name(name):
            return _name(run, name)
        case Unary("&", Name(name)):
            return f"&{name}"
        case Unary(operator, operand):
            return _unary(run, operator, operand)
        case Binary("&&", left, right):
            return int(_truth(run, left) and _truth(run, right))
        case Binary("||", left, right):
            return int(_truth(run, left) or _truth(run, right))
        case Binary(operator, left, right):
            return _binary(operator, _value(run, left), right, run)
        case Choice(test, yes, no):
            if not _truth(run, test):
                return _value(run, no)
            return _value(run, test if yes is None else yes)
        case Member(base, name):
            return member_of(run.world, _value(run, base), name)
        case Index(Name(name), index):
            return _element(run, name, _value(run, index))
        case Call(name, arguments):
            return _call(run, name, arguments)
    raise Undecided


def _name(run: _Run, name: str) -> Value:
    if name in run.variables:
        value = run.variables[name]
        if value == _UNKNOWN:
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


def _unary(run: _Run, operator: str, operand: Expression) -> Value:
    if operator == "!":
        return int(not _truth(run, operand))
    return signed(operator, _value(run, operand))


def _binary(operator: str, left: Value, right: Expression, run: _Run) -> Value:
    if operator == "/" and isinstance(left, Offset):
        return left
    return combined(operator, left, _value(run, right))


def _truth(run: _Run, expression: Expression) -> bool:
    value = _value(run, expression)
    if isinstance(value, int):
        return value != 0
    if isinstance(value, Program) or (isinstance(value, str) and value.startswith(("&", "-"))):
        return True
    raise Undecided


def _element(run: _Run, table: str, index: Value) -> Value:
    elements = run.tables.get(table)
    if elements is None or not isinstance(index, Offset):
        raise Undecided
    # What an initialiser leaves out is zero (6.7.9 p21).
    return _value(run, elements.get(index.member, Number(0)))


def _call(run: _Run, name: str, arguments: Sequence[Expression]) -> Value:
    if name in run.builtins:
        return int(run.builtins[name](tuple(_spelling(run, argument) for argument in arguments)))
    values = [_value(run, argument) for argument in arguments]
    if name == "resolve_prog_type" and values == [Program.PROG]:
        return run.world.type
    if name == "in_sleepable" and values == [Program.ENV]:
        return int(run.world.sleepable)
    if name == "BIT" and len(values) == 1 and isinstance(values[0], int) and 0 <= values[0] < 64:
        return 1 << values[0]
    if name in run.functions:
        return _call_function(run, run.functions[name], values)
    if len(values) == 1 and isinstance(values[0], Offset) and name.isupper():
        # SCX_MOFF_IDX(moff): from the offset of a member to its index.
        return values[0]
    raise Undecided


def _spelling(run: _Run, expression: Expression) -> str:
    match expression:
        case Unary("&", Name(name)):
            return name
        case Name(name):
            return name
    return ""
