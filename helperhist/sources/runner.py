"""Runs a kernel function over conditions instead of values.

What a test means is in ``atoms``. Allocations succeed, loops run once or not at all, and what a
search of a list (``list_for_each_entry``) is for is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from helperhist.errors import ParseError
from helperhist.sources.atoms import compared, enum_key, guards_condition
from helperhist.sources.cexpr import read_expr
from helperhist.sources.condition import NEVER, Condition
from helperhist.sources.cstatements import (
    Block,
    Case,
    Expression,
    If,
    Jump,
    Label,
    Loop,
    Return,
    Statement,
    Switch,
)
from helperhist.sources.ctokens import Token, is_word, split, tokenize
from helperhist.sources.evaluate import Evaluator
from helperhist.sources.states import Ids, State, States, Value, merged, where

__all__ = ["Runner"]

# Bounds of one function; the kernel's largest has 130 labels.
_MAX_LABELS = 256
_MAX_GOTOS = 16


@dataclass(slots=True)
class Runner:
    """Follows all paths of one function; ``returned`` holds the state and value of each end."""

    parameters: Sequence[Sequence[Token]]
    expressions: Evaluator = field(default_factory=Evaluator)
    returned: list[tuple[State, tuple[Token, ...]]] = field(default_factory=list)
    _jumps: dict[str, States] = field(default_factory=dict)
    _labels: int = 0

    def run_function(self, body: Sequence[Statement]) -> None:
        """Follow all paths; ``returned`` holds their ends."""
        state = State()
        for parameter in self.parameters:
            name = str(parameter[-1])
            if "bpf_func_id" in parameter and not self.expressions.ident:
                self.expressions.ident = name
            elif "bpf_attach_type" in parameter:
                state = state.set(name, _tokens("expected_attach_type"))
            elif "bpf_prog_type" in parameter:
                state = state.set(name, _tokens("prog_type"))
        self._run(body, [state])
        labels = {
            statement.name: index
            for index, statement in enumerate(body)
            if isinstance(statement, Label)
        }
        for _ in range(_MAX_GOTOS):
            jumps, self._jumps = self._jumps, {}
            if not jumps:
                return
            for target, states in jumps.items():
                if target not in labels:
                    raise ParseError(f"a label is not where this reads it: {target}")
                self._run(body[labels[target] :], states)
        raise ParseError("jumps go round in a circle")

    def _run(self, body: Sequence[Statement], states: States) -> tuple[States, States]:
        """Return the states at the end, and those that left by ``break``."""
        left: States = []
        for statement in body:
            if not states:
                break
            condition = guards_condition(statement.guards)
            skipped = [] if condition.always else where(states, ~condition)
            if not condition.always:
                states = where(states, condition)
            states, breaks = self._step(statement, states)
            left += breaks
            states = merged(states + skipped)
        return states, merged(left)

    def _step(self, statement: Statement, states: States) -> tuple[States, States]:
        match statement:
            case Block(body=body):
                return self._run(body, states)
            case If(test=test, then=then, other=other):
                trues, falses = self._split(test, states)
                ends, breaks = self._run((then,), trues)
                if other is None:
                    return ends + falses, breaks
                others, more = self._run((other,), falses)
                return ends + others, breaks + more
            case Switch():
                return self._switch(statement, states), []
            case Loop(word=word, head=head, body=inner):
                if "for_each" in word:
                    self.expressions.searched.update(head[:1])
                ends, breaks = self._run((inner,), states)
                return states + ends + breaks, []
            case Return(value=value):
                self.returned += [(state, value) for state in states]
                return [], []
            case Jump(word="goto", target=target):
                self._jumps.setdefault(target, []).extend(states)
                return [], []
            case Jump():
                return [], states
            case Expression(tokens=tokens):
                return self._assign(tokens, states), []
            case _:
                return states, []

    def _switch(self, statement: Switch, states: States) -> States:
        labels = [inner for inner in statement.body if isinstance(inner, Case)]
        self._labels += len(labels)
        if self._labels > _MAX_LABELS:
            raise ParseError("a function has more labels than this reads")
        ends: States = []
        falling: States = []
        rest = self._default(statement, labels, states)
        group: list[Case] = []
        for inner in statement.body:
            if isinstance(inner, Case):
                group.append(inner)
                continue
            entering = self._enter(statement, group, states, rest)
            group = []
            falling, breaks = self._run((inner,), merged(falling + entering))
            ends += breaks
        ends += falling + self._enter(statement, group, states, rest)
        if not any(not label.value for label in labels):
            ends += rest
        return ends

    def _enter(
        self, statement: Switch, group: Sequence[Case], states: States, rest: States
    ) -> States:
        """Return the states that enter at adjacent labels."""
        entering: States = []
        by_guard: dict[tuple[str, ...], list[Case]] = {}
        for label in group:
            if label.value:
                by_guard.setdefault(label.guards, []).append(label)
            else:
                entering += rest
        for guards, labels in by_guard.items():
            condition = guards_condition(guards)
            for state in states:
                chosen = self._choose(statement.value, labels, state)
                entering += [found.where(condition) for found in chosen]
        return [state for state in entering if state.possible]

    def _choose(
        self, value: Sequence[Token], labels: Sequence[Case], state: State, *, other: bool = False
    ) -> States:
        """Return the state where a value is one of the labels, or none of them."""
        tokens = self.expressions.expanded(value, state)
        if self.expressions.is_id(value):
            ids = Ids(frozenset(str(label.value[0]) for label in labels), others=other)
            return [replace(state, ids=state.ids & ids)]
        key = enum_key(tokens)
        condition = NEVER
        for label in labels:
            if key is not None:
                condition |= compared(key, label.value)
            else:
                condition |= Condition.unread("".join((*tokens, "==", *label.value)))
        if self.expressions.loose and not condition.read:
            return [state]
        return [state.where(~condition if other else condition)]

    def _default(self, statement: Switch, labels: Sequence[Case], states: States) -> States:
        """Return the states of no label; one under ``#ifdef`` counts only where it is compiled."""
        valued = [label for label in labels if label.value]
        rest: States = []
        for state in states:
            rest += self._choose(statement.value, valued, state, other=True)
            by_guard: dict[tuple[str, ...], list[Case]] = {}
            for label in valued:
                if label.guards:
                    by_guard.setdefault(label.guards, []).append(label)
            for guards, group in by_guard.items():
                missing = ~guards_condition(guards)
                rest += [
                    found.where(missing) for found in self._choose(statement.value, group, state)
                ]
        return merged(rest)

    def _split(self, test: Sequence[Token], states: States) -> tuple[States, States]:
        expr = read_expr(test)
        trues: States = []
        falses: States = []
        for state in states:
            yes, no = self.expressions.test(expr, state)
            trues += yes
            falses += no
        return merged(trues), merged(falses)

    def _assign(self, tokens: Sequence[Token], states: States) -> States:
        """Follow declarations and assignments of whole variables."""
        for part in split(tokens, ","):
            at = next((index for index, token in enumerate(part) if token == "="), len(part))
            left = part[:at]
            if "struct" in left and len(left) > 2:
                self.expressions.types[str(left[-1])] = str(left[left.index(_STRUCT) + 1])
            names = [token for token in left if is_word(token)]
            if at == len(part) or not names or not _is_variable(left):
                continue
            found: States = []
            for state in states:
                for end, value in self.expressions.values(read_expr(part[at + 1 :]), state):
                    found.append(end.set(str(names[-1]), value))
            states = merged(found)
        return states


_STRUCT = tokenize("struct")[0]


def _tokens(text: str) -> Value:
    return Value("tokens", tokens=tuple(tokenize(text)))


def _is_variable(left: Sequence[Token]) -> bool:
    """Tell whether the left side of an assignment is one variable, perhaps with its type."""
    return is_word(left[-1]) and not any(token in {"->", ".", "[", "("} for token in left)
