"""Whether a kernel's verifier gets to instructions that it refuses.

Two answers, each on its safe side: what the verifier may look at (:mod:`helperhist.check.reach`),
and whether it surely comes to a refused instruction. That is so where every way to the end goes
through one, or where a way to one hangs on nothing but what no verifier can know: whether a helper
failed. All other branches count as decided the other way.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from helperhist.binary import (
    ALU,
    ALU64,
    ATOMIC,
    CALL,
    EXIT,
    INDIRECT_JUMP,
    JA,
    JA32,
    JEQ_IMM,
    JNE_IMM,
    LD,
    LDDW,
    LDX,
    MODE,
    MOV64,
    STX,
    BpfObject,
    Function,
    Insn,
    is_jump,
    target_of,
)
from helperhist.check.guards import Guard
from helperhist.check.reach import Address, Budget, Exhausted, reach

__all__ = ["Doom", "Refused", "closure_of", "doom"]

#: Helpers that may fail or not for all that the verifier knows: it looks at both branches of a
#: test for 0. Those that read memory or return numbers: ``bpf_probe_read`` and its kin,
#: ``bpf_get_current_pid_tgid``, ``bpf_get_current_uid_gid``; ``bpf_ringbuf_reserve``.
_BOTH = frozenset({4, 14, 15, 45, 112, 113, 114, 115, 131})
#: ``bpf_map_lookup_elem``: newer kernels rule NULL out for arrays, but no kernel an element.
_NOT_NULL = frozenset({1})
#: Instructions between a call and the test of its result.
_NEAR = 32


class Refused(NamedTuple):
    """Why the verifier refuses an instruction."""

    kind: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Doom:
    """What a verifier does with a program.

    :ivar maybe: refused instructions that it may look at, by function and index
    :ivar surely: whether it looks at one for sure
    """

    maybe: tuple[tuple[Function, int], ...]
    surely: bool


def closure_of(obj: BpfObject, program: Function) -> tuple[Function, ...]:
    """Return a program and all functions that it calls or takes the address of."""
    found = {program: None}
    todo = [program]
    while todo:
        function = todo.pop()
        for index, insn in enumerate(function.insns):
            if insn.code not in (CALL, LDDW):
                continue
            callee = obj.callee(function, index, insn)
            if callee is not None and callee not in found:
                found[callee] = None
                todo.append(callee)
    return tuple(found)


def doom(
    obj: BpfObject,
    program: Function,
    refused: Mapping[Function, Iterable[int]],
    answers: Callable[[Guard], int | None],
    guards: Mapping[Function, Mapping[int, Guard]],
    budget: Budget,
    load: Callable[[Address, int], int | None] = lambda address, size: None,
) -> Doom:
    """Return whether the verifier gets to refused instructions of a program.

    :param refused: indexes by function; an end of the program stands there. All others are the
        instructions that the kernel gets
    :param answers: what the kernel says to a guard, None if that is not known
    :param guards: those that the instructions do not hold the answer of
    :param load: what so many bytes of the object's data are to the verifier, None if not known
    """
    closure = closure_of(obj, program)
    marks = {item: set(refused.get(item, ())) for item in closure}
    try:
        reached = reach(obj, program, closure, answers, guards, budget, load).insns
    except Exhausted:
        every = tuple((item, index) for item in closure for index in sorted(marks[item]))
        return Doom(every, False)
    maybe = tuple(
        (item, index)
        for item in closure
        for index in sorted(marks[item] & reached.get(item, set()))
    )
    if not maybe:
        return Doom((), False)
    try:
        return Doom(maybe, program in _doomed(obj, closure, reached, marks, budget))
    except Exhausted:
        return Doom(maybe, False)


def _doomed(
    obj: BpfObject,
    closure: tuple[Function, ...],
    reached: Mapping[Function, set[int]],
    marks: Mapping[Function, set[int]],
    budget: Budget,
) -> set[Function]:
    """Return the functions that cannot be looked at without a refusal.

    :param marks: refused instructions; calls of such functions are added
    :raises Exhausted: the budget does not suffice
    """
    calls: dict[Function, list[tuple[Function, int]]] = {}
    for caller in closure:
        for index in reached.get(caller, ()):
            insn = caller.insns[index]
            callee = obj.callee(caller, index, insn) if insn.code == CALL else None
            if callee is not None:
                calls.setdefault(callee, []).append((caller, index))
    flows = {item: _Flow(item.insns, reached.get(item, set()), budget) for item in closure}
    doomed: set[Function] = set()
    todo = [item for item in closure if marks[item]]
    while todo:
        function = todo.pop()
        if function in doomed or not flows[function].is_doomed(marks[function]):
            continue
        doomed.add(function)
        for caller, index in calls.get(function, ()):
            marks[caller].add(index)
            todo.append(caller)
    return doomed


class _Flow:
    """The ways through one function."""

    def __init__(self, insns: list[Insn], reached: set[int], budget: Budget) -> None:
        self._insns, self._reached, self._budget = insns, reached, budget
        budget.spend(len(reached))
        self._back: dict[int, list[int]] = {index: [] for index in reached}
        self._ends: list[int] = []
        self._joins: set[int] = set()
        self._branches: list[int] = []
        for index in reached:
            following = self._next(index)
            self._joins.update(following[:1] if is_jump(insns[index]) else ())
            for item in following:
                if item in reached:
                    self._back[item].append(index)
            if not following or (insns[index].code == CALL and insns[index].src == 2):
                # A kfunc may end the program (bpf_throw).
                self._ends.append(index)
            if insns[index].code in (JEQ_IMM, JNE_IMM) and insns[index].imm == 0:
                self._branches.append(index)

    def _next(self, index: int) -> list[int]:
        """Return what follows, a jump's target first."""
        insn = self._insns[index]
        if insn.code in (EXIT, INDIRECT_JUMP):
            return []
        if is_jump(insn):
            target = target_of(insn, index)
            return [target] if insn.code in (JA, JA32) else [target, index + 1]
        return [index + (2 if insn.code == LDDW else 1)]

    def is_doomed(self, marks: set[int]) -> bool:
        """Whether a verifier that looks at this function surely comes to a mark."""
        marks = marks & self._reached
        if not marks:
            return False
        while True:
            doomed = self._inevitable(marks)
            if 0 in doomed:
                return True
            more = {
                index
                for index in self._branches
                if index not in doomed and any(item in doomed for item in self._sure(index))
            }
            if not more:
                return False
            marks = marks | more

    def _inevitable(self, marks: set[int]) -> set[int]:
        """Return the instructions from which every way goes through a mark."""
        self._budget.spend(len(self._reached))
        free = {index for index in self._ends if index not in marks}
        todo = list(free)
        while todo:
            for before in self._back[todo.pop()]:
                if before not in free and before not in marks:
                    free.add(before)
                    todo.append(before)
        return self._reached - free

    def _sure(self, index: int) -> list[int]:
        """Return where a test for 0 surely leads: on some way through it, the verifier goes there.

        What is tested is looked for in the instructions right before.
        """
        insn = self._insns[index]
        register, at = insn.dst, index
        while (
            index - at < _NEAR
            and at not in self._joins
            and at - 1 in self._reached
            and self._next(at - 1) == [at]
        ):
            at -= 1
            before = self._insns[at]
            if before.code == CALL:
                if register != 0 or before.src or before.dst:
                    return []
                if before.imm in _BOTH:
                    return [target_of(insn, index), index + 1]
                if before.imm in _NOT_NULL:
                    return [target_of(insn, index) if insn.code == JNE_IMM else index + 1]
                return []
            if before.code & 7 in (LD, LDX, STX, ALU, ALU64) and before.dst == register:
                if before.code != MOV64 or before.off:
                    return []
                register = before.src
            elif before.code & 7 == STX and before.code & MODE == ATOMIC:
                return []
        return []
