"""The paths through one kernel function: which result under which condition.

Two sorts of function are read: those that choose a helper's prototype (``get_func_proto``), whose
paths also depend on the helper's id, and predicates, which judge a program. Both are run over
conditions instead of values; what a test means is in ``atoms``. Allocations succeed, and loops run
once or not at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from helperhist.errors import ParseError
from helperhist.sources.atoms import atom, compared, enum_key, guards_condition
from helperhist.sources.cexpr import And, Atom, Compare, Expr, Not, Or, Ternary, call_of, read_expr
from helperhist.sources.condition import ALWAYS, NEVER, Condition
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
from helperhist.sources.ctokens import Token, is_word, opening, split, tokenize

__all__ = ["EVERY", "Ids", "Path", "Value", "predicate_paths", "proto_paths"]

# Bounds of one function; the kernel's largest has 130 labels and 20 states at a time.
_MAX_LABELS = 1024
_MAX_STATES = 256
_MAX_TOKENS = 256
_MAX_GOTOS = 16


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


_NULL = Value("null")
_NULLS = frozenset(("NULL", "0", "false"))


@dataclass(frozen=True, slots=True)
class Path:
    """That a function returns a value for some ids under a condition."""

    ids: Ids
    condition: Condition
    value: Value


@dataclass(frozen=True, slots=True)
class _State:
    ids: Ids = EVERY
    condition: Condition = ALWAYS
    variables: frozenset[tuple[str, Value]] = frozenset()

    def get(self, name: str) -> Value | None:
        return next((value for key, value in self.variables if key == name), None)

    def set(self, name: str, value: Value) -> "_State":
        kept = (pair for pair in self.variables if pair[0] != name)
        return replace(self, variables=frozenset((*kept, (name, value))))

    def where(self, condition: Condition) -> "_State":
        return replace(self, condition=self.condition & condition)

    @property
    def possible(self) -> bool:
        return not self.condition.never and not self.ids.empty


_States = list[_State]


def proto_paths(
    body: Sequence[Statement], parameters: Sequence[Sequence[Token]]
) -> tuple[Path, ...]:
    """Return the paths of a function that chooses prototypes, but for those to NULL.

    :param parameters: the function's own; the first of type ``enum bpf_func_id`` is the id.
    :raises ParseError: when there are too many to follow.
    """
    runner = _Runner(parameters)
    runner.run_function(body)
    found: dict[tuple[bool, Condition, Value], set[str]] = {}
    for state, tokens in runner.returned:
        for end, value in runner.resolve(state, tokens):
            ids = end.ids
            names = found.setdefault((ids.others, end.condition, value), set(ids.names))
            # Complements unite by what both lack.
            if ids.others:
                names &= ids.names
            else:
                names |= ids.names
    return tuple(
        Path(Ids(frozenset(names), others), condition, value)
        for (others, condition, value), names in found.items()
        if value.kind != "null"
    )


def predicate_paths(
    body: Sequence[Statement],
    parameters: Sequence[Sequence[Token]],
    *,
    zero: bool = False,
    loose: bool = False,
    assume: str = "",
) -> tuple[Condition, ...]:
    """Return the conditions under which a function returns true, one for each path.

    :param zero: those under which it returns 0, as functions that return errors do.
    :param loose: ignore tests that are not read, instead of keeping them as such.
    :param assume: a test whose text, in lower case, has this in it is true.
    :raises ParseError: when there are too many paths to follow.
    """
    runner = _Runner(parameters, loose=loose, assume=assume)
    runner.run_function(body)
    found = []
    for state, value in runner.returned:
        if not value:
            found.append(state.condition & Condition.unread("return"))
            continue
        trues, falses = runner.test(read_expr(value), state)
        found += [end.condition for end in (falses if zero else trues)]
    return tuple(found)


@dataclass(slots=True)
class _Runner:
    parameters: Sequence[Sequence[Token]]
    loose: bool = False
    assume: str = ""
    returned: list[tuple[_State, tuple[Token, ...]]] = field(default_factory=list)
    _types: dict[str, str] = field(default_factory=dict)
    _searched: set[Token] = field(default_factory=set)
    _jumps: dict[str, _States] = field(default_factory=dict)
    _labels: int = 0
    _id: str = ""

    def run_function(self, body: Sequence[Statement]) -> None:
        """Follow all paths; ``returned`` holds their ends."""
        state = _State()
        for parameter in self.parameters:
            name = str(parameter[-1])
            if "bpf_func_id" in parameter and not self._id:
                self._id = name
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

    def _run(self, body: Sequence[Statement], states: _States) -> tuple[_States, _States]:
        """Return the states at the end, and those that left by ``break``."""
        left: _States = []
        for statement in body:
            if not states:
                break
            condition = guards_condition(statement.guards)
            skipped = [] if condition.always else _where(states, ~condition)
            if not condition.always:
                states = _where(states, condition)
            states, breaks = self._step(statement, states)
            left += breaks
            states = _merged(states + skipped)
        return states, _merged(left)

    def _step(self, statement: Statement, states: _States) -> tuple[_States, _States]:
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
            case Loop(head=head, body=inner):
                self._searched.update(head[:1])
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

    def _switch(self, statement: Switch, states: _States) -> _States:
        labels = [inner for inner in statement.body if isinstance(inner, Case)]
        self._labels += len(labels)
        if self._labels > _MAX_LABELS:
            raise ParseError("a function has more labels than this reads")
        ends: _States = []
        falling: _States = []
        rest = self._default(statement, labels, states)
        group: list[Case] = []
        for inner in statement.body:
            if isinstance(inner, Case):
                group.append(inner)
                continue
            entering = self._enter(statement, group, states, rest)
            group = []
            falling, breaks = self._run((inner,), _merged(falling + entering))
            ends += breaks
        ends += falling + self._enter(statement, group, states, rest)
        if not any(not label.value for label in labels):
            ends += rest
        return ends

    def _enter(
        self, statement: Switch, group: Sequence[Case], states: _States, rest: _States
    ) -> _States:
        """Return the states that enter at adjacent labels."""
        entering: _States = []
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
        self, value: Sequence[Token], labels: Sequence[Case], state: _State, *, other: bool = False
    ) -> _States:
        """Return the state where a value is one of the labels, or none of them."""
        tokens = self._expanded(value, state)
        if self._is_id(value):
            ids = Ids(frozenset(str(label.value[0]) for label in labels), others=other)
            return [replace(state, ids=state.ids & ids)]
        key = enum_key(tokens)
        condition = NEVER
        for label in labels:
            if key is not None:
                condition |= compared(key, label.value)
            else:
                condition |= Condition.unread("".join((*tokens, "==", *label.value)))
        if self.loose and not condition.read:
            return [state]
        return [state.where(~condition if other else condition)]

    def _default(self, statement: Switch, labels: Sequence[Case], states: _States) -> _States:
        """Return the states of no label; one under ``#ifdef`` counts only where it is compiled."""
        valued = [label for label in labels if label.value]
        rest: _States = []
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
        return _merged(rest)

    def _split(self, test: Sequence[Token], states: _States) -> tuple[_States, _States]:
        expr = read_expr(test)
        trues: _States = []
        falses: _States = []
        for state in states:
            yes, no = self.test(expr, state)
            trues += yes
            falses += no
        return _merged(trues), _merged(falses)

    def test(self, expr: Expr, state: _State) -> tuple[_States, _States]:
        """Return the states in which an expression is true, and those in which it is not."""
        match expr:
            case Not(inner):
                trues, falses = self.test(inner, state)
                return falses, trues
            case And(parts):
                trues, falses = [state], []
                for part in parts:
                    found = [self.test(part, one) for one in trues]
                    trues = _merged([one for yes, _ in found for one in yes])
                    falses += [one for _, no in found for one in no]
                return trues, falses
            case Or(parts):
                trues, falses = [], [state]
                for part in parts:
                    found = [self.test(part, one) for one in falses]
                    falses = _merged([one for _, no in found for one in no])
                    trues += [one for yes, _ in found for one in yes]
                return trues, falses
            case Ternary(test, then, other):
                yes, no = self.test(test, state)
                found = [self.test(then, one) for one in yes]
                found += [self.test(other, one) for one in no]
                trues = [one for part, _ in found for one in part]
                return trues, [one for _, part in found for one in part]
            case _:
                return self._test_one(expr, state)

    def _test_one(self, expr: Atom | Compare, state: _State) -> tuple[_States, _States]:
        if isinstance(expr, Compare):
            if expr.operator in {"==", "!="}:
                found = self._compare_id(expr, state)
                if found is None and len(expr.right) == 1 and expr.right[0] in _NULLS:
                    found = self._test_variable(expr.left, state, negated=True)
                if found is None and {*expr.left, *expr.right} & self._searched:
                    # The search of a list: what it looks for is there.
                    found = [state], []
                if found is not None:
                    return found if expr.operator == "==" else (found[1], found[0])
            expr = Compare(
                expr.operator,
                self._expanded(expr.left, state),
                self._expanded(expr.right, state),
            )
        else:
            found = self._test_variable(expr.tokens, state)
            if found is not None:
                return found
            expr = Atom(self._expanded(expr.tokens, state))
        condition = atom(expr)
        if self.assume and self.assume in _text(expr).lower():
            return [state], []
        if self.loose and not condition.read:
            return [state], [state]
        trues, falses = state.where(condition), state.where(~condition)
        return [trues] if trues.possible else [], [falses] if falses.possible else []

    def _compare_id(self, expr: Compare, state: _State) -> tuple[_States, _States] | None:
        for one, other in ((expr.left, expr.right), (expr.right, expr.left)):
            if self._is_id(one) and len(other) == 1:
                ids = Ids(frozenset((str(other[0]),)))
                yes = replace(state, ids=state.ids & ids)
                no = replace(state, ids=state.ids & Ids(ids.names, others=True))
                return [yes] if yes.possible else [], [no] if no.possible else []
        return None

    def _test_variable(
        self, tokens: Sequence[Token], state: _State, *, negated: bool = False
    ) -> tuple[_States, _States] | None:
        """Decide whether a variable, or a member that holds a function, is not NULL."""
        found: tuple[_States, _States] | None = None
        if len(tokens) == 2 and tokens[0] == "-":
            found = [state], []  # an error's number
        elif tokens[1:] == ("->", "get_func_proto") and str(tokens[0]) in self._types:
            found = [state], []
        elif len(tokens) == 1 and (value := state.get(str(tokens[0]))) is not None:
            if value.kind in {"proto", "alloc"}:
                found = [state], []
            elif value.kind == "null":
                found = [], [state]
            elif value.kind in {"call", "member"}:
                # Where the call gives one, it is returned; both ways stay open.
                found = [state], [state.set(str(tokens[0]), _NULL)]
        if found is None or not negated:
            return found
        return found[1], found[0]

    def _assign(self, tokens: Sequence[Token], states: _States) -> _States:
        """Follow declarations and assignments of whole variables."""
        for part in split(tokens, ","):
            at = next((index for index, token in enumerate(part) if token == "="), len(part))
            left = part[:at]
            if "struct" in left and len(left) > 2:
                self._types[str(left[-1])] = str(left[left.index(_STRUCT) + 1])
            names = [token for token in left if is_word(token)]
            if at == len(part) or not names or not _is_variable(left):
                continue
            found: _States = []
            for state in states:
                for end, value in self._values(read_expr(part[at + 1 :]), state):
                    found.append(end.set(str(names[-1]), value))
            states = _merged(found)
        return states

    def resolve(self, state: _State, tokens: Sequence[Token]) -> list[tuple[_State, Value]]:
        """Return the values that a return gives, with the state of each."""
        found = self._values(read_expr(tokens), state)
        return [(end, value) for end, value in found if end.possible]

    def _values(self, expr: Expr, state: _State) -> list[tuple[_State, Value]]:
        match expr:
            case Ternary(test, then, other):
                yes, no = self.test(test, state)
                found = [pair for one in yes for pair in self._values(then, one)]
                return found + [pair for one in no for pair in self._values(other, one)]
            case Atom(tokens):
                return [(state, self._value(tokens, state))]
            case _:
                return [(state, Value("tokens"))]

    def _value(self, tokens: tuple[Token, ...], state: _State) -> Value:
        if len(tokens) == 1:
            if tokens[0] in _NULLS:
                return _NULL
            return state.get(str(tokens[0])) or Value("tokens", tokens=tokens)
        if len(tokens) == 2 and tokens[0] == "&":
            return Value("proto", str(tokens[1]))
        call = call_of(tokens)
        if call is not None:
            name, arguments = call
            if "alloc" in name:
                return Value("alloc")
            if not arguments or (self._id and [self._id] in arguments):
                return Value("call", name)
        elif tokens and tokens[-1] == ")":
            start = opening(tokens, len(tokens) - 1)
            arguments = split(tokens[start + 1 : -1], ",")
            member = tokens[:start]
            if len(member) == 3 and member[1] == "->" and [self._id] in arguments:
                kind = self._types.get(str(member[0]), "")
                return Value("member", f"{kind}.{member[2]}") if kind else Value("tokens")
        return Value("tokens", tokens=self._expanded(tokens, state))

    def _expanded(self, tokens: Sequence[Token], state: _State) -> tuple[Token, ...]:
        """Put what variables stand for in their places."""
        found: list[Token] = []
        for index, token in enumerate(tokens):
            member = index > 0 and tokens[index - 1] in {"->", "."}
            value = None if member else state.get(str(token))
            found += value.tokens if value is not None and value.tokens else (token,)
        return tuple(found) if len(found) <= _MAX_TOKENS else tuple(tokens)

    def _is_id(self, tokens: Sequence[Token]) -> bool:
        return len(tokens) == 1 and tokens[0] == self._id and bool(self._id)


def _text(expr: Atom | Compare) -> str:
    if isinstance(expr, Atom):
        return " ".join(expr.tokens)
    return " ".join((*expr.left, *expr.right))


_STRUCT = tokenize("struct")[0]


def _tokens(text: str) -> Value:
    return Value("tokens", tokens=tuple(tokenize(text)))


def _is_variable(left: Sequence[Token]) -> bool:
    """Tell whether the left side of an assignment is one variable, perhaps with its type."""
    return is_word(left[-1]) and not any(token in {"->", ".", "[", "("} for token in left)


def _where(states: Iterable[_State], condition: Condition) -> _States:
    found = (state.where(condition) for state in states)
    return [state for state in found if state.possible]


def _merged(states: _States) -> _States:
    """Unite states that differ in their ids only, or in their condition only.

    :raises ParseError: when too many remain.
    """
    if len(states) < 2:
        return states
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
    return [_State(ids, condition, variables) for (ids, variables), condition in by_ids.items()]
