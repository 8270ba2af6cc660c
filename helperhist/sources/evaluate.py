"""What C expressions are, in a state: true or false, a prototype, or a call that gives one."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from helperhist.sources.atoms import atom
from helperhist.sources.cexpr import And, Atom, Compare, Expr, Not, Or, Ternary, call_of, read_expr
from helperhist.sources.ctokens import Token, opening, split
from helperhist.sources.states import NULL, Ids, State, States, Value, merged

__all__ = ["Evaluator"]

# Bound of one expression whose variables are put in their places.
_MAX_TOKENS = 256

_NULLS = frozenset(("NULL", "0", "false"))


@dataclass(slots=True)
class Evaluator:
    """Evaluates expressions of one function.

    :param ident: the name of the parameter that is the helper's id, or nothing.
    :param loose: a test that is not read is true as well as false, instead of kept as such.
    :param assume: a test whose text, in lower case, has this in it is true.
    """

    ident: str = ""
    loose: bool = False
    assume: str = ""
    types: dict[str, str] = field(default_factory=dict)  # of local pointers to structs
    searched: set[Token] = field(default_factory=set)  # variables of loops

    def test(self, expr: Expr, state: State) -> tuple[States, States]:
        """Return the states in which an expression is true, and those in which it is not."""
        match expr:
            case Not(inner):
                trues, falses = self.test(inner, state)
                return falses, trues
            case And(parts):
                trues, falses = [state], []
                for part in parts:
                    found = [self.test(part, one) for one in trues]
                    trues = merged([one for yes, _ in found for one in yes])
                    falses += [one for _, no in found for one in no]
                return trues, falses
            case Or(parts):
                trues, falses = [], [state]
                for part in parts:
                    found = [self.test(part, one) for one in falses]
                    falses = merged([one for _, no in found for one in no])
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

    def _test_one(self, expr: Atom | Compare, state: State) -> tuple[States, States]:
        if isinstance(expr, Compare):
            if expr.operator in {"==", "!="}:
                found = self._compare_id(expr, state)
                if found is None and len(expr.right) == 1 and expr.right[0] in _NULLS:
                    found = self._test_variable(expr.left, state, negated=True)
                if found is None and {*expr.left, *expr.right} & self.searched:
                    # The search of a list: what it looks for is there.
                    found = [state], []
                if found is not None:
                    return found if expr.operator == "==" else (found[1], found[0])
            expr = Compare(
                expr.operator,
                self.expanded(expr.left, state),
                self.expanded(expr.right, state),
            )
        else:
            found = self._test_variable(expr.tokens, state)
            if found is not None:
                return found
            expr = Atom(self.expanded(expr.tokens, state))
        condition = atom(expr)
        if self.assume and self.assume in _text(expr).lower():
            return [state], []
        if self.loose and not condition.read:
            return [state], [state]
        trues, falses = state.where(condition), state.where(~condition)
        return [trues] if trues.possible else [], [falses] if falses.possible else []

    def _compare_id(self, expr: Compare, state: State) -> tuple[States, States] | None:
        for one, other in ((expr.left, expr.right), (expr.right, expr.left)):
            if self.is_id(one) and len(other) == 1:
                ids = Ids(frozenset((str(other[0]),)))
                yes = replace(state, ids=state.ids & ids)
                no = replace(state, ids=state.ids & Ids(ids.names, others=True))
                return [yes] if yes.possible else [], [no] if no.possible else []
        return None

    def _test_variable(
        self, tokens: Sequence[Token], state: State, *, negated: bool = False
    ) -> tuple[States, States] | None:
        """Decide whether a variable, or a member that holds a function, is not NULL."""
        found: tuple[States, States] | None = None
        if len(tokens) == 2 and tokens[0] == "-":
            found = [state], []  # an error's number
        elif tokens[1:] == ("->", "get_func_proto") and str(tokens[0]) in self.types:
            found = [state], []
        elif len(tokens) == 1 and (value := state.get(str(tokens[0]))) is not None:
            if value.kind in {"proto", "alloc"}:
                found = [state], []
            elif value.kind == "null":
                found = [], [state]
            elif value.kind in {"call", "member"}:
                # Where the call gives one, it is returned; both ways stay open.
                found = [state], [state.set(str(tokens[0]), NULL)]
        if found is None or not negated:
            return found
        return found[1], found[0]

    def resolve(self, state: State, tokens: Sequence[Token]) -> list[tuple[State, Value]]:
        """Return the values that a return gives, with the state of each."""
        found = self.values(read_expr(tokens), state)
        return [(end, value) for end, value in found if end.possible]

    def values(self, expr: Expr, state: State) -> list[tuple[State, Value]]:
        """Return the values that an expression may have, with the state of each."""
        match expr:
            case Ternary(test, then, other):
                yes, no = self.test(test, state)
                found = [pair for one in yes for pair in self.values(then, one)]
                return found + [pair for one in no for pair in self.values(other, one)]
            case Atom(tokens):
                return [(state, self._value(tokens, state))]
            case _:
                return [(state, Value("tokens"))]

    def _value(self, tokens: tuple[Token, ...], state: State) -> Value:
        if len(tokens) == 1:
            if tokens[0] in _NULLS:
                return NULL
            return state.get(str(tokens[0])) or Value("tokens", tokens=tokens)
        if len(tokens) == 2 and tokens[0] == "&":
            return Value("proto", str(tokens[1]))
        call = call_of(tokens)
        if call is not None:
            name, arguments = call
            if "alloc" in name:
                return Value("alloc")
            if not arguments or (self.ident and [self.ident] in arguments):
                return Value("call", name)
        elif tokens and tokens[-1] == ")":
            start = opening(tokens, len(tokens) - 1)
            arguments = split(tokens[start + 1 : -1], ",")
            member = tokens[:start]
            if len(member) == 3 and member[1] == "->" and [self.ident] in arguments:
                kind = self.types.get(str(member[0]), "")
                return Value("member", f"{kind}.{member[2]}") if kind else Value("tokens")
        return Value("tokens", tokens=self.expanded(tokens, state))

    def expanded(self, tokens: Sequence[Token], state: State) -> tuple[Token, ...]:
        """Put what variables stand for in their places."""
        found: list[Token] = []
        for index, token in enumerate(tokens):
            member = index > 0 and tokens[index - 1] in {"->", "."}
            value = None if member else state.get(str(token))
            found += value.tokens if value is not None and value.tokens else (token,)
        return tuple(found) if len(found) <= _MAX_TOKENS else tuple(tokens)

    def is_id(self, tokens: Sequence[Token]) -> bool:
        """Tell whether an expression is the helper's id."""
        return len(tokens) == 1 and tokens[0] == self.ident and bool(self.ident)


def _text(expr: Atom | Compare) -> str:
    if isinstance(expr, Atom):
        return " ".join(expr.tokens)
    return " ".join((*expr.left, *expr.right))
