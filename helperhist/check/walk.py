"""One walk through a function, with the constants that one kernel gives it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

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
from helperhist.check.values import (
    CONTEXT,
    SOME_ADDRESS,
    Access,
    Address,
    Question,
    State,
    Value,
    Variable,
    Word,
    join,
)

__all__ = ["Budget", "Exhausted", "Run"]

#: Shifts by a number: compilers extend the sign of 4 bytes with two of them.
_SHIFTS = frozenset((0x67, 0x77, 0xC7))


class Exhausted(Exception):
    """The program is too large to follow; no error of the user's."""


@dataclass(slots=True)
class Budget:
    """How many instructions may still be followed, over all programs of an object.

    What was followed before is remembered: most functions look the same on every kernel, and from
    every program that calls them. So the instructions must stay as they are.
    """

    left: int = 2_000_000
    runs: "dict[tuple[Function, tuple[Value, ...]], Replay[Question, Run]]" = field(
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


class Run:
    """One walk through a function."""

    def __init__(
        self,
        obj: BpfObject,
        function: Function,
        arguments: State,
        asked: Answers[Question],
        guards: Mapping[int, Guard],
    ) -> None:
        self.obj, self.function = obj, function
        self.insns = function.insns
        self.asked, self.guards = asked, guards
        self.reached: set[int] = set()
        self.accesses: dict[int, Access] = {}
        self.results: dict[int, int | Word | None] = {}
        self.calls: list[tuple[Function, State]] = []
        # Registers 0 to 9 and where the context is kept on the stack.
        start: State = [*arguments, None, None, None, None, None]
        self.states: dict[int, tuple[State, frozenset[int]]] = {0: (start, frozenset())}
        self.todo = [0]
        self.jumps: frozenset[int] = frozenset()
        self.joins: frozenset[int] = frozenset()

    def go(self, budget: Budget) -> None:
        """Follow all ways.

        :raises Exhausted: the budget does not suffice
        """
        self.jumps, self.joins = budget.jumps(self.function)
        while self.todo:
            budget.spend(self._block(self.todo.pop()))
        # It is remembered, without the way.
        self.states.clear()

    def _flow(self, target: int, state: State, stack: frozenset[int]) -> None:
        """Go on at a target, with what is known there on all ways."""
        if not 0 <= target < len(self.insns):
            return
        known = self.states.get(target)
        if known is None:
            self.states[target] = (list(state), stack)
        else:
            merged = join(known[0], state), known[1] & stack
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

    def _branches(self, insn: Insn, at: int, state: State) -> Iterator[int]:
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
    def _operand(insn: Insn, state: State) -> Value:
        if not insn.code & SOURCE:
            return insn.imm
        return state[insn.src] if insn.src < 10 else None

    def _call(self, insn: Insn, at: int, state: State) -> None:
        callee = self.obj.callee(self.function, at, insn)
        if callee is not None:
            self.calls.append((callee, [None, *state[1:6]]))
        state[0:6] = [None] * 6

    def _step(self, insn: Insn, at: int, state: State, stack: frozenset[int]) -> frozenset[int]:
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
                if code == STXDW and src < 10 and state[src] is CONTEXT:
                    stack |= {off}
            elif dst < 10 and state[dst] is CONTEXT:
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

    def _compute(self, insn: Insn, state: State) -> Value:
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

    def _answer(self, at: int) -> Value:
        return self.asked.get(self.guards[at])

    def _load_constant(self, insn: Insn, at: int, state: State) -> None:
        value: Value = None
        guard = self.guards.get(at)
        relocation = self.function.relocations.get(at)
        if guard is not None and guard.kind == "kconfig":
            value = Variable(guard.name)
        elif guard is not None:
            value = self._answer(at)
            if value and guard.kind == "extern":
                value = SOME_ADDRESS
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

    def _load(self, insn: Insn, at: int, state: State, stack: frozenset[int]) -> Value:
        if insn.src == 10:
            return CONTEXT if insn.code == LDXDW and insn.off in stack else None
        base = state[insn.src] if insn.src < 10 else None
        if base is CONTEXT:
            self.accesses[at] = Access(insn.off, False)
            return Word(insn.off) if insn.code == LDXDW else None
        if isinstance(base, Variable) and insn.off == 0:
            return self.asked.get(Guard("kconfig", base.name))
        if isinstance(base, Address) and (size := load_size(insn)):
            return self.asked.get((base._replace(offset=base.offset + insn.off), size))
        return None
