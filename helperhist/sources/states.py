"""States of a function that is run over conditions: the ids it is for, and what variables hold."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from helperhist.errors import ParseError
from helperhist.sources.condition import ALWAYS, NEVER, UNREAD, Condition
from helperhist.sources.ctokens import Token

__all__ = ["EVERY", "NULL", "Ids", "State", "States", "Value", "merged", "where"]

# The kernel's functions have at most 20 states at a time.
_MAX_STATES = 64
# Alternatives of a condition, and terms of one; the kernel has at most 3 and 5.
_MAX_SIZE = 8


@dataclass(frozen=True, slots=True)
class Ids:
    """A set of helper ids by name, or its complement."""

    names: frozenset[str]
    others: bool = False

    def __and__(self, other: "Ids") -> "Ids":
        match self.others, other.others:
            case True, True:
                return Ids(self.names | other.names, others=True)
            case True, False:
                return Ids(other.names - self.names)
            case False, True:
                return Ids(self.names - other.names)
            case _:
                return Ids(self.names & other.names)

    @property
    def empty(self) -> bool:
        """Whether no id is in it."""
        return not self.others and not self.names


EVERY = Ids(frozenset(), others=True)


@dataclass(frozen=True, slots=True)
class Value:
    """What a variable holds or a function returns.

    ``kind`` is ``null``, ``proto`` (an object's address), ``call`` (of a function with the same
    id), ``member`` (a call through a member: ``bpf_iter_reg.get_func_proto``), ``alloc`` (memory
    that was just allocated) or ``tokens`` (anything else).
    """

    kind: str
    name: str = ""
    tokens: tuple[Token, ...] = ()


NULL = Value("null")


@dataclass(frozen=True, slots=True)
class State:
    """Where a run stands: for which ids, under which condition, with which variables."""

    ids: Ids = EVERY
    condition: Condition = ALWAYS
    variables: frozenset[tuple[str, Value]] = frozenset()

    def get(self, name: str) -> Value | None:
        """Return what a variable holds."""
        return next((value for key, value in self.variables if key == name), None)

    def set(self, name: str, value: Value) -> "State":
        """Return the state after an assignment."""
        kept = (pair for pair in self.variables if pair[0] != name)
        return replace(self, variables=frozenset((*kept, (name, value))))

    def where(self, condition: Condition) -> "State":
        """Return the state under one more condition."""
        return replace(self, condition=self.condition & condition)

    @property
    def possible(self) -> bool:
        """Whether there is such a state."""
        return not self.condition.never and not self.ids.empty


States = list[State]


def where(states: Iterable[State], condition: Condition) -> States:
    """Return the states that are possible under one more condition."""
    found = (state.where(condition) for state in states)
    return [state for state in found if state.possible]


def merged(states: States) -> States:
    """Unite states that differ in their ids only, or in their condition only.

    :raises ParseError: when too many remain.
    """
    by_condition: dict[tuple[Condition, frozenset[tuple[str, Value]], bool], Ids] = {}
    for state in states:
        key = (state.condition, state.variables, state.ids.others)
        ids = by_condition.get(key)
        if ids is None:
            by_condition[key] = state.ids
        elif state.ids.others:
            by_condition[key] = Ids(ids.names & state.ids.names, others=True)
        else:
            by_condition[key] = Ids(ids.names | state.ids.names)
    by_ids: dict[tuple[Ids, frozenset[tuple[str, Value]]], Condition] = {}
    for (condition, variables, _), ids in by_condition.items():
        by_ids[ids, variables] = by_ids.get((ids, variables), NEVER) | condition
    if len(by_ids) > _MAX_STATES:
        raise ParseError("a function has more paths than this reads")
    return [
        State(ids, _small(condition), variables) for (ids, variables), condition in by_ids.items()
    ]


def _small(condition: Condition) -> Condition:
    """Give up a condition that is too large to be told, so that each step stays short."""
    if _is_small(condition):
        return condition
    short = condition.collapse()
    return short if _is_small(short) else UNREAD


def _is_small(condition: Condition) -> bool:
    terms = max((len(cube) for cube in condition.cubes), default=0)
    return max(len(condition.cubes), terms) <= _MAX_SIZE
