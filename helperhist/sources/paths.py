"""The paths through one kernel function: which result under which condition.

Two sorts of function are read: those that choose a helper's prototype (``get_func_proto``), whose
paths also depend on the helper's id, and predicates, which judge a program.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from helperhist.sources.cexpr import read_expr
from helperhist.sources.condition import Condition
from helperhist.sources.cstatements import Statement, Switch
from helperhist.sources.ctokens import Token
from helperhist.sources.evaluate import Evaluator
from helperhist.sources.runner import Runner
from helperhist.sources.states import Ids, Value

__all__ = ["Path", "Refusal", "predicate_paths", "proto_paths", "refusals"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """That a function returns an error for some ids under a condition."""

    ids: Ids
    condition: Condition


@dataclass(frozen=True, slots=True)
class Path:
    """That a function returns a value for some ids under a condition."""

    ids: Ids
    condition: Condition
    value: Value


def proto_paths(
    body: Sequence[Statement], parameters: Sequence[Sequence[Token]]
) -> tuple[Path, ...]:
    """Return the paths of a function that chooses prototypes, but for those to NULL.

    :param parameters: the function's own; the first of type ``enum bpf_func_id`` is the id.
    :raises ParseError: when there are too many to follow.
    """
    runner = Runner(parameters)
    runner.run_function(body)
    found: dict[tuple[bool, Condition, Value], set[str]] = {}
    for state, tokens in runner.returned:
        for end, value in runner.expressions.resolve(state, tokens):
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
    expressions = Evaluator(loose=loose, assume=assume)
    runner = Runner(parameters, expressions)
    runner.run_function(body)
    found = []
    for state, value in runner.returned:
        if not value:
            found.append(state.condition & Condition.unread("return"))
            continue
        trues, falses = expressions.test(read_expr(value), state)
        found += [end.condition for end in (falses if zero else trues)]
    return tuple(found)


def refusals(body: Sequence[Statement], ident: str) -> tuple[Refusal, ...]:
    """Return for which ids a function's switches on them return an error's number.

    Only what depends on the program's type, and is read in full, is kept: other errors are those of
    one call.

    :param ident: the variable that is the helper's id.
    :raises ParseError: when there are too many paths to follow.
    """
    found = []
    for statement in body:
        if not isinstance(statement, Switch) or statement.value != (ident,):
            continue
        runner = Runner((), Evaluator(ident))
        runner.run_function((statement,))
        for state, value in runner.returned:
            condition = state.condition
            if value[:1] != ("-",) or state.ids.others or not condition.read:
                continue
            if all("type" in dict(cube) for cube in condition.cubes):
                found.append(Refusal(state.ids, condition))
    return tuple(found)
