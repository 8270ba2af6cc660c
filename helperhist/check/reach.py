"""What of a program a kernel looks at: constants, branches that they decide, and the context.

A loader turns a CO-RE existence check, a weak extern and a ``.kconfig`` variable into a constant;
the kernel's verifier then does not follow the branch that the constant rules out. This module
does the same for one set of such constants. It follows values through registers, arithmetic and
static functions' bodies, but not constants through memory or through arguments, and where
branches meet with different values it takes both: so it may miss that something is guarded, and
never takes for guarded what is not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from helperhist.binary import BpfObject, Function
from helperhist.check.guards import Guard
from helperhist.check.replay import Answers, Replay
from helperhist.check.values import CONTEXT, Access, Address, Question, State, Word, join
from helperhist.check.walk import Budget, Exhausted, Run

__all__ = ["Access", "Address", "Budget", "Exhausted", "Reach", "Word", "reach"]


@dataclass(slots=True)
class Reach:
    """What is reached, by function: indexes of instructions; and accesses to the context."""

    insns: dict[Function, set[int]] = field(default_factory=dict)
    #: What r0 holds at the ends of functions.
    results: dict[tuple[Function, int], int | Word | None] = field(default_factory=dict)
    accesses: dict[tuple[Function, int], Access] = field(default_factory=dict)


def reach(
    obj: BpfObject,
    entry: Function,
    closure: tuple[Function, ...],
    answers: Callable[[Guard], int | None],
    guards: Mapping[Function, Mapping[int, Guard]],
    budget: Budget,
    load: Callable[[Address, int], int | None] = lambda address, size: None,
) -> Reach:
    """Return what a kernel looks at that gives some answers.

    :param closure: all functions of the program, the entry included
    :param answers: a guard to its constant, None where the kernel knows none
    :param load: what so many bytes of the object's data are to the verifier, likewise
    :raises Exhausted: the budget does not suffice
    """
    result = Reach()
    arguments: dict[Function, State] = {entry: [None, CONTEXT, None, None, None, None]}
    todo = [entry]
    # The kernel verifies global functions even where it finds no call.
    for function in closure:
        if function is not entry and function.exported and function.type:
            arguments[function] = [None] * 6
            todo.append(function)
    asked = Answers[Question](
        lambda question: answers(question) if isinstance(question, Guard) else load(*question)
    )
    while todo:
        function = todo.pop()
        key = function, tuple(arguments[function])
        before = budget.runs.get(key)
        if before is None:
            before = budget.runs[key] = Replay()
        run = before.find(asked)
        if run is None:
            budget.spend(len(function.insns))
            asked.begin()
            run = Run(obj, function, arguments[function], asked, guards.get(function, {}))
            run.go(budget)
            before.add(asked.trace, run)
        result.insns[function] = run.reached
        for index, value in run.results.items():
            result.results[function, index] = value
        for index, access in run.accesses.items():
            result.accesses[function, index] = access
        for callee, given in run.calls:
            known = arguments.get(callee)
            merged = given if known is None else join(known, given)
            if known is None or merged != known:
                arguments[callee] = merged
                todo.append(callee)
    return result
