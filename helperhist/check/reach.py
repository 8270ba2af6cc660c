"""What of a program a kernel looks at: constants, branches that they decide, and the context.

A loader turns a CO-RE existence check, a weak extern and a ``.kconfig`` variable into a constant;
the kernel's verifier then does not follow the branch that the constant rules out. This module
does the same for one set of such constants. It follows values through registers, arithmetic and
static functions' bodies, but not constants through memory or through arguments, and where
branches meet with different values it takes both: so it may miss that something is guarded, and
never takes for guarded what is not.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from helperhist.binary import (
    ALU,
    ALU64,
    ATOMIC,
    CALL,
    CMPXCHG,
    EXIT,
    INDIRECT_JUMP,
    JA,
    JA32,
    JCOND,
    LD,
    LDDW,
    LDX,
    LDXDW,
    MODE,
    MOV32,
    MOV64,
    SOURCE,
    ST,
    STX,
    STXDW,
    BpfObject,
    Function,
    Insn,
    is_jump,
    load_size,
    target_of,
)
from helperhist.check.arithmetic import compare, compute
from helperhist.check.guards import Guard
from helperhist.check.replay import Answers, Replay

__all__ = ["Access", "Address", "Budget", "Exhausted", "Reach", "Word", "reach"]

#: Shifts by a number: compilers extend the sign of 4 bytes with two of them.
_SHIFTS = frozenset((0x67, 0x77, 0xC7))
#: Stands for an address: any number but zero.
_SOME_ADDRESS = 1 << 63 | 0x5EED


class _Context:
    """The value of a register that holds the program's context."""


class _Variable(NamedTuple):
    """The value of a register that holds the address of a ``.kconfig`` variable."""

    name: str


class Address(NamedTuple):
    """The value of a register that holds an address in a section of the object's data."""

    section: int
    offset: int


class Word(NamedTuple):
    """The value of a register that holds 8 bytes of the context, or a part of them."""

    offset: int


_CONTEXT = _Context()
_Value = int | _Context | _Variable | Address | Word | None
_State = list[_Value]
#: What is asked on the way: a guard, or so many bytes of the object's data.
_Question = Guard | tuple[Address, int]


class Exhausted(Exception):
    """The program is too large to follow; no error of the user's."""


@dataclass(slots=True)
class Budget:
    """How many instructions may still be followed, over all programs of an object.

    What was followed before is remembered: most functions look the same on every kernel, and from
    every program that calls them. So the instructions must stay as they are.
    """

    left: int = 2_000_000
    runs: "dict[tuple[Function, tuple[_Value, ...]], Replay[_Question, _Run]]" = field(
        default_factory=dict
    )

    _jumps: dict[Function, tuple[frozenset[int], frozenset[int]]] = field(default_factory=dict)

    def jumps(self, function: Function) -> tuple[frozenset[int], frozenset[int]]:
        """Return the indexes of a function's jumps, and those that they lead to."""
        found = self._jumps.get(function)
        if found is None:
            insns = function.insns
            jumps = [index for index, insn in enumerate(insns) if is_jump(insn)]
            ends = frozenset(target_of(insns[index], index) for index in jumps)
            found = self._jumps[function] = frozenset(jumps), ends
        return found

    def spend(self, count: int) -> None:
        """Take some.

        :raises Exhausted: there are none left
        """
        self.left -= count
        if self.left < 0:
            raise Exhausted


class Access(NamedTuple):
    """An access to the context; a store of an ``immediate`` value is not for all kernels."""

    offset: int
    immediate: bool


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
    arguments: dict[Function, _State] = {entry: [None, _CONTEXT, None, None, None, None]}
    todo = [entry]
    # The kernel verifies global functions even where it finds no call.
    for function in closure:
        if function is not entry and function.exported and function.type:
            arguments[function] = [None] * 6
            todo.append(function)
    asked = Answers[_Question](
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
            run = _Run(obj, function, arguments[function], asked, guards.get(function, {}))
            run.go(budget)
            before.add(asked.trace, run)
        result.insns[function] = run.reached
        for index, value in run.results.items():
            result.results[function, index] = value
        for index, access in run.accesses.items():
            result.accesses[function, index] = access
        for callee, given in run.calls:
            known = arguments.get(callee)
            merged = given if known is None else _join(known, given)
            if known is None or merged != known:
                arguments[callee] = merged
                todo.append(callee)
    return result


def _join(one: _State, other: _State) -> _State:
    return [a if a == b else None for a, b in zip(one, other, strict=True)]


class _Run:
    """One walk through a function."""

    def __init__(
        self,
        obj: BpfObject,
        function: Function,
        arguments: _State,
        asked: Answers["_Question"],
        guards: Mapping[int, Guard],
    ) -> None:
        self.obj, self.function = obj, function
        self.insns = function.insns
        self.asked, self.guards = asked, guards
        self.reached: set[int] = set()
        self.accesses: dict[int, Access] = {}
        self.results: dict[int, int | Word | None] = {}
        self.calls: list[tuple[Function, _State]] = []
        # Registers 0 to 9 and where the context is kept on the stack.
        start: _State = [*arguments, None, None, None, None, None]
        self.states: dict[int, tuple[_State, frozenset[int]]] = {0: (start, frozenset())}
        self.todo = [0]
        self.jumps: frozenset[int] = frozenset()
        self.joins: frozenset[int] = frozenset()

    def go(self, budget: Budget) -> None:
        self.jumps, self.joins = budget.jumps(self.function)
        while self.todo:
            budget.spend(self._block(self.todo.pop()))
        # It is remembered, without the way.
        self.states.clear()

    def _flow(self, target: int, state: _State, stack: frozenset[int]) -> None:
        """Go on at a target, with what is known there on all ways."""
        if not 0 <= target < len(self.insns):
            return
        known = self.states.get(target)
        if known is None:
            self.states[target] = (list(state), stack)
        else:
            merged = _join(known[0], state), known[1] & stack
            if merged == known:
                return
            self.states[target] = merged
        self.todo.append(target)

    def _block(self, at: int) -> int:
        """Follow the instructions up to the next jump; return how many these were."""
        start = at
        state, stack = list(self.states[at][0]), self.states[at][1]
        insns, reached = self.insns, self.reached
        while at < len(insns):
            reached.add(at)
            insn = insns[at]
            code = insn.code
            if code in (EXIT, INDIRECT_JUMP):
                result = state[0]
                self.results[at] = result if isinstance(result, int | Word) else None
                break
            if at in self.jumps:
                for target in self._branches(insn, at, state):
                    self._flow(target, state, stack)
                break
            following = at + (2 if code == LDDW else 1)
            if code == CALL:
                self._call(insn, at, state)
            else:
                stack = self._step(insn, at, state, stack)
            at = following
            if at in self.joins:
                self._flow(at, state, stack)
                break
        return at - start + 1

    def _branches(self, insn: Insn, at: int, state: _State) -> Iterator[int]:
        if insn.code in (JA, JA32):
            yield target_of(insn, at)
            return
        decided = None
        if insn.code != JCOND and insn.dst < 10:
            left, right = state[insn.dst], self._operand(insn, state)
            if isinstance(left, int) and isinstance(right, int):
                decided = compare(insn.code, left, right)
        if decided is not True:
            yield at + 1
        if decided is not False:
            yield target_of(insn, at)

    @staticmethod
    def _operand(insn: Insn, state: _State) -> _Value:
        if not insn.code & SOURCE:
            return insn.imm
        return state[insn.src] if insn.src < 10 else None

    def _call(self, insn: Insn, at: int, state: _State) -> None:
        callee = self.obj.callee(self.function, at, insn)
        if callee is not None:
            self.calls.append((callee, [None, *state[1:6]]))
        state[0:6] = [None] * 6

    def _step(self, insn: Insn, at: int, state: _State, stack: frozenset[int]) -> frozenset[int]:
        code, dst, src, off, _ = insn
        kind = code & 7
        if kind in (ALU, ALU64):
            if dst < 10:
                state[dst] = self._answer(at) if at in self.guards else self._compute(insn, state)
        elif code == LDDW:
            self._load_constant(insn, at, state)
        elif kind == LDX:
            if dst < 10:
                state[dst] = self._load(insn, at, state, stack)
        elif kind in (ST, STX):
            if dst == 10:
                # The context is kept in a slot of its own; any other write there ends that.
                stack = frozenset(slot for slot in stack if not off - 8 < slot < off + 8)
                if code == STXDW and src < 10 and state[src] is _CONTEXT:
                    stack |= {off}
            elif dst < 10 and state[dst] is _CONTEXT:
                self.accesses[at] = Access(off, kind == ST)
            if kind == STX and code & MODE == ATOMIC:
                # An atomic operation may leave the old value in a register.
                state[0] = None
                for register in (src, dst if insn.imm == CMPXCHG else src):
                    if register < 10:
                        state[register] = None
        elif kind == LD:
            state[0:6] = [None] * 6
        return stack

    def _compute(self, insn: Insn, state: _State) -> _Value:
        left, right = state[insn.dst], self._operand(insn, state)
        if insn.code == MOV64 and insn.off == 0 and not isinstance(right, int):
            return right
        if insn.code == MOV32 and insn.off == 0 and isinstance(right, Word):
            return right
        if isinstance(left, Word):
            return left if insn.code in _SHIFTS else None
        if isinstance(left, Address):
            moved = isinstance(right, int) and insn.code & ~SOURCE == ALU64
            return left._replace(offset=left.offset + right) if moved else None  # type: ignore[operator]
        return compute(
            insn,
            left if isinstance(left, int) else None,
            right if isinstance(right, int) else None,
        )

    def _answer(self, at: int) -> _Value:
        return self.asked.get(self.guards[at])

    def _load_constant(self, insn: Insn, at: int, state: _State) -> None:
        value: _Value = None
        guard = self.guards.get(at)
        relocation = self.function.relocations.get(at)
        if guard is not None and guard.kind == "kconfig":
            value = _Variable(guard.name)
        elif guard is not None:
            value = self._answer(at)
            if value and guard.kind == "extern":
                value = _SOME_ADDRESS
        elif relocation is None and insn.src == 0 and at + 1 < len(self.insns):
            value = (self.insns[at + 1].imm & 0xFFFFFFFF) << 32 | insn.imm & 0xFFFFFFFF
        elif relocation is not None and relocation.symbol.section in self.obj.data_sections:
            offset = relocation.symbol.value + relocation.addend + insn.imm
            value = Address(relocation.symbol.section, offset)
        elif (callee := self.obj.callee(self.function, at, insn)) is not None:
            # A callback is called with what the helper gives it.
            self.calls.append((callee, [None] * 6))
        if insn.dst < 10:
            state[insn.dst] = value

    def _load(self, insn: Insn, at: int, state: _State, stack: frozenset[int]) -> _Value:
        if insn.src == 10:
            return _CONTEXT if insn.code == LDXDW and insn.off in stack else None
        base = state[insn.src] if insn.src < 10 else None
        if base is _CONTEXT:
            self.accesses[at] = Access(insn.off, False)
            return Word(insn.off) if insn.code == LDXDW else None
        if isinstance(base, _Variable) and insn.off == 0:
            return self.asked.get(Guard("kconfig", base.name))
        if isinstance(base, Address) and (size := load_size(insn)):
            return self.asked.get((base._replace(offset=base.offset + insn.off), size))
        return None
