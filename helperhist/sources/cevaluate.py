"""What a small C function returns for one program.

What depends on something that is not read is undecided, never guessed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from helperhist.sources.coperators import Undecided, Value, equal
from helperhist.sources.csyntax import (
    Assign,
    Block,
    Break,
    Compiled,
    Expression,
    Goto,
    If,
    Label,
    Return,
    Statement,
    Switch,
    Unread,
)
from helperhist.sources.cvalues import MAX_STEPS, UNKNOWN, Execution, truth_of, value_of
from helperhist.sources.cworlds import Function, World

__all__ = ["evaluate", "evaluate_constant"]

# Calls in each other; a filter of 7.1 has one level.
_MAX_CALLS = 8
# In one function; the kernel's have one.
_MAX_IFS = 4


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
    return _agreed(
        Execution(functions, constants, tables, builtins, world, _call_function),
        function,
        arguments,
    )


def _agreed(run: Execution, function: Function, arguments: Sequence[Value]) -> int | str:
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
    run = Execution({}, constants, {}, {}, World(""), _call_function)
    value = value_of(run, expression)
    if not isinstance(value, int):
        raise Undecided
    return value


def _call_function(run: Execution, function: Function, arguments: list[Value]) -> Value:
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


def _execute_body(run: Execution, body: Block) -> None:
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


def _execute(run: Execution, statement: Statement) -> None:
    run.steps += 1
    if run.steps > MAX_STEPS:
        raise Undecided
    match statement:
        case Block(body):
            for inner in body:
                _execute(run, inner)
        case Return(None) | Unread():
            raise Undecided
        case Return(value):
            assert value is not None
            raise _Returned(value_of(run, value))
        case Assign(name, expression):
            try:
                run.variables[name] = value_of(run, expression)
            except Undecided:
                # It matters only where the variable is used.
                run.variables.pop(name, None)
                run.variables[name] = UNKNOWN
        case If(test, yes, no):
            if truth_of(run, test):
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


def _switch(run: Execution, statement: Switch) -> None:
    value = value_of(run, statement.value)
    entry: int | None = None
    for index, (labels, _) in enumerate(statement.body):
        if any(label is not None and equal(value, value_of(run, label)) for label in labels):
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
