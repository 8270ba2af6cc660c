"""Small C functions: what they say of a program, and what of them is not read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist.errors import ParseError
from helperhist.sources.cevaluate import evaluate, evaluate_constant
from helperhist.sources.cexpressions import parse_expression
from helperhist.sources.coperators import Undecided
from helperhist.sources.csmall import parse_body
from helperhist.sources.ctokens import tokenize
from helperhist.sources.cworlds import Function, Program, World

LSM = World("BPF_PROG_TYPE_LSM", "BPF_LSM_MAC")


def tokens(text: str) -> list[str]:
    return [str(token) for token in tokenize(text)]


def run(body: str, world: World = LSM) -> int | str:
    function = Function("f", ("prog", "env"), parse_body(tokens(body)))
    arguments = [Program.PROG, Program.ENV]
    return evaluate(
        function, arguments, world, functions={}, constants={"TWO": 2}, tables={}, builtins={}
    )


CONSTANTS = {
    "1": 1,
    "0x10UL": 16,
    "010": 8,
    "1 << 3 | 1": 9,
    "-1": -1,
    "~0 & 7": 7,
    "!5": 0,
    "+4": 4,
    "2 + 3 == 5 && !(1 > 2)": 1,
    "0 || 0": 0,
    "1 ? 2 : 3": 2,
    "0 ? 2 : 0 ? 3 : 4": 4,
    "0 ?: 7": 7,
    "BIT(4)": 16,
    "TWO | 1": 3,
    "(u32)TWO": 2,
    "likely(TWO)": 2,
    "1 <= 1 && 2 >= 3": 0,
    "3 - 1 - 1 < 2": 1,
}


@pytest.mark.parametrize(("text", "value"), CONSTANTS.items())
def test_constant_expressions(text: str, value: int) -> None:
    assert evaluate_constant(parse_expression(tokens(text)), {"TWO": 2}) == value


@pytest.mark.parametrize(
    "text",
    ["x", "f(1)", "1 2", "(1", "1 +", "sizeof(int)", "a[1]", "{ 1 }", '"text"', "1 << 99", "1 / 0"],
)
def test_expressions_that_are_not_read(text: str) -> None:
    with pytest.raises(Undecided):
        evaluate_constant(parse_expression(tokens(text)), {})


BODIES: dict[str, int | str] = {
    "return 0;": 0,
    "return -EACCES;": "-EACCES",
    "return BPF_X;": "BPF_X",
    "int a = 1, b; a = 2; return a;": 2,
    "int a = 1, b; return a;": -1,
    "int a = 1; a = 2; return a;": 2,
    "if (prog->type == BPF_PROG_TYPE_LSM) return 1; return 0;": 1,
    "if (prog->type != BPF_PROG_TYPE_LSM) return 1; else return 0;": 0,
    "if (env->prog->expected_attach_type == BPF_LSM_MAC) { return 1; } return 0;": 1,
    "switch (prog->type) { case BPF_A: return 1; case BPF_PROG_TYPE_LSM: default: return 2; }": 2,
    "switch (prog->type) { default: return 1; case BPF_PROG_TYPE_LSM: return 2; }": 2,
    "switch (prog->type) { case BPF_PROG_TYPE_LSM: break; default: return 1; } return 2;": 2,
    "switch (prog->type) { case BPF_A: return 1; } return 2;": 2,
    "switch (prog->type) { case BPF_PROG_TYPE_LSM: fallthrough; case B: return 3; } return 2;": 3,
    "goto out; return 1; out: return 2;": 2,
    "if (prog) { switch (1) { case 1: goto out; } } return 1; out: verbose(env, x); return 2;": 2,
    "goto nowhere; return 1;": -1,
    "again: goto again;": -1,
    "out: return 2;": 2,
    "if (prog->aux->st_ops) return 1; return 0;": 0,
    "if (!prog->aux->sleepable) return 1; return 0;": 1,
    "return in_sleepable(env);": 0,
    "call(); return 1;": -1,
    "return;": -1,
    "int a; return a;": -1,
    "while (x) { y; } return 1;": -1,
    "do { y; } while (x); return 1;": -1,
    "*p = 1; return 1;": -1,
    "int a = f(); return 3;": 3,
    "int a = f(); return a;": -1,
    "int a = 1; a |= 2; return a;": -1,
    "; { } return 1;": 1,
}


@pytest.mark.parametrize(("body", "value"), BODIES.items())
def test_functions(body: str, value: int | str) -> None:
    if value == -1:
        with pytest.raises(Undecided):
            run(body)
    else:
        assert run(body) == value


@pytest.mark.parametrize(
    "body",
    [
        "switch (x) {\n#ifdef A\ncase 1: return 2;\n#endif\ndefault: return 1; }",
        "switch (x) { case 1: { case 2: return 1; } }",
        "return 1;\n#endif\n",
        "#ifdef A\nreturn 1;",
        "if return 1;",
        "switch (x) return 1;",
    ],
)
def test_bodies_that_are_no_functions(body: str) -> None:
    with pytest.raises(ParseError):
        parse_body(tokens("\n" + body))


def test_a_function_that_calls_itself_is_not_read() -> None:
    function = Function("f", (), parse_body(tokens("return f();")))
    with pytest.raises(Undecided):
        evaluate(function, [], LSM, functions={"f": function}, constants={}, tables={}, builtins={})


@pytest.mark.parametrize(
    "text",
    ["return (" * 200, "{" * 200, "if (a) " * 200 + ";", "return " + "!" * 200 + "a;", "x;" * 9000],
    ids=["parentheses", "braces", "ifs", "operators", "length"],
)
def test_depth_and_length_are_bounded(text: str) -> None:
    with pytest.raises((ParseError, Undecided)):
        run(text)


PIECES = tuple(
    "( ) { } [ ] ; : ? , if else switch case default return break -> . & | ! - == = x 1".split()
)


@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_any_tokens_are_read_or_refused(words: list[str]) -> None:
    try:
        run(" ".join(words))
    except (ParseError, Undecided):
        return


@pytest.mark.parametrize("word", ["if", "while", "switch", "for"])
def test_source_that_ends_in_a_parenthesis_is_refused(word: str) -> None:
    with pytest.raises(ParseError):
        parse_body([word, "("])
