"""C files cut into directives, definitions, tokens and calls."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist.errors import ParseError
from helperhist.sources.cfile import CFile, Item
from helperhist.sources.cguards import is_dead
from helperhist.sources.cinit import item_fields
from helperhist.sources.cstatements import read_body
from helperhist.sources.ctokens import closing, split, tokenize
from tests.build.kernel_c import steps


def tokens(text: str) -> list[str]:
    return [str(token) for token in CFile(text.encode()).tokens()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a->b /* c */ d // e\nf", "a -> b d f"),
        ("a /* b\n * c */ d", "a d"),
        ("a // b \\\n c\nd", "a d"),
        ('"/* no */" \'"\' "a\\"b"', '"/* no */" \'"\' "a\\"b"'),
        ("x <<= 0x1fULL + 1e-5", "x <<= 0x1fULL + 1e-5"),
        ("a\\\nb", "a b"),
        ("#  ifdef   A\nb", "#ifdef A b"),
        ("#define A(x) \\\n\tb x\nc", "#define A(x) b x c"),
        ("#define A /* b\n c */ d\ne", "#define A d e"),
        ("/* a */ #define B\nc", "#define B c"),
        ("#error don't\na", "#error don't a"),
        ("a /* never closed", "a"),
        ('a "never closed\nb', 'a " never closed b'),
        ("caf\xe9", "caf \xc3 \xa9"),
        ("a\r\nb", "a b"),
        ("", ""),
    ],
)
def test_tokens(text: str, expected: str) -> None:
    assert " ".join(tokens(text)) == expected


def test_lines() -> None:
    file = CFile(b"a /* b\nc */ d\n#define X \\\n y\nz")
    lines = {str(token): file.line(token.at) for token in file.tokens()}
    assert lines == {"a": 1, "d": 2, "#define X y": 3, "z": 5}


GUARDED = """#ifndef A_H
#define A_H
one
#ifdef A
two
#if B  &&  defined(C)
three
#else
four
#endif
#elif D
five
#else
six
#endif
#ifndef E
seven
#endif
#if 0
eight
#endif
#endif
"""


def test_guards() -> None:
    file = CFile(GUARDED.encode())
    found = {str(t): file.guards(t.at) for t in file.tokens() if not t.startswith("#")}
    assert found == {
        "one": (),
        "two": ("defined(A)",),
        "three": ("defined(A)", "B && defined(C)"),
        "four": ("defined(A)", "!(B && defined(C))"),
        "five": ("!(defined(A)) && (D)",),
        "six": ("!(defined(A)) && !(D)",),
        "seven": ("!defined(E)",),
        "eight": ("0",),
    }
    assert is_dead(found["eight"])
    assert not is_dead(found["seven"])


def test_a_condition_at_the_top_is_no_include_guard() -> None:
    file = CFile(b"#ifndef CONFIG_X\nint f(void) { return 0; }\n#endif\n")
    (function,) = file.functions()
    assert function.guards == ("!defined(CONFIG_X)",)


def described(item: Item) -> tuple[str, str, str, list[str]]:
    parameters = [" ".join(parameter) for parameter in item.parameters]
    return item.kind, item.name, " ".join(item.words), parameters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int f(void)\n{ }", ("function", "f", "int", ["void"])),
        ("static struct a *\nf(int a, u8 (*b)(int, int)) { }",
         ("function", "f", "static struct a *", ["int a", "u8 ( * b ) ( int , int )"])),
        ("const struct a * __weak f() { }", ("function", "f", "const struct a * __weak", [])),
        ("__bpf_kfunc noinline int f(int a__ign) __releases(x) { }",
         ("function", "f", "__bpf_kfunc noinline int", ["int a__ign"])),
        ("static __printf(1, 2) int f(int a) { }",
         ("function", "f", "static __printf int", ["int a"])),
        ("BPF_CALL_2(bpf_f, u64, a, int, b)\n{ }",
         ("function", "BPF_CALL_2", "", ["bpf_f", "u64", "a", "int", "b"])),
        ("EXPORT(g);\nBTF_SET_END(s)\n\nstatic int f(int a)\n{ if (a) { } }",
         ("function", "f", "static int", ["int a"])),
        ("struct a b = { 1, };", ("object", "b", "struct a", [])),
        ("static struct a b[2] __aligned(8) = { { 1 } };", ("object", "b", "static struct a", [])),
        ("struct a b __read_mostly = { };", ("object", "b", "struct a", [])),
        ("struct a { int b; };", ("type", "a", "struct", [])),
        ("enum { A, };", ("type", "", "", [])),
    ],
)  # fmt: skip
def test_item(text: str, expected: tuple[str, str, str, list[str]]) -> None:
    (item,) = CFile(text.encode()).items
    assert described(item) == expected


def test_items_in_order_with_their_bodies() -> None:
    text = (
        'int a; int f(void) { return "}"[0]; /* } */ }\nstruct b c = { .d = { 1 } };\nint g(x) {;}'
    )
    file = CFile(text.encode())
    bodies = [(item.name, file.text[item.body : item.end].strip()) for item in file.items]
    assert bodies == [("f", 'return "}"[0];'), ("c", ".d = { 1 }"), ("g", ";")]


def test_branches_that_open_and_close_differently() -> None:
    text = """
#ifdef A
int f(int a) {
#else
int f(void) {
#endif
    if (x) {
#if B
    }
#else
    y(); }
#endif
}
int g(void) { }
"""
    assert [item.name for item in CFile(text.encode()).functions()] == ["f", "g"]


def test_fields() -> None:
    text = """static const struct a b = {
    .one = f, .two.three = "x{",
    [BPF_A] = &ops[1], { 1, 2 },
#ifdef C
    .four = { .five = A | B },
#endif
    .six = (struct c){ .seven = 7 },
};"""
    file = CFile(text.encode())
    (item,) = file.objects()
    fields = item_fields(file, item)
    assert [(field.name, "".join(field.value)) for field in fields] == [
        ("one", "f"),
        ("two.three", '"x{"'),
        ("[BPF_A]", "&ops[1]"),
        ("", "{1,2}"),
        ("four", "{.five=A|B}"),
        ("six", "(structc){.seven=7}"),
    ]
    assert [(inner.name, inner.value) for inner in fields[4].fields] == [("five", ("A", "|", "B"))]
    assert [inner.name for inner in fields[5].fields] == ["seven"]
    assert file.guards(fields[4].at) == ("defined(C)",)


def test_calls() -> None:
    text = """
#define BTF_ID_FLAGS(kind, name, ...) x
#define BOTH(f) BTF_ID_FLAGS(func, name)
BTF_ID_FLAGS(func, bpf_a)
#ifdef C
BTF_ID_FLAGS ( func,
    bpf_b, KF_A | KF_B(1, 2)) // BTF_ID_FLAGS(func, bpf_c)
#endif
"""
    file = CFile(text.encode())
    found = [
        (call.arguments, call.directive, file.line(call.at), file.guards(call.at))
        for call in file.calls(["BTF_ID_FLAGS"])
    ]
    assert found == [
        (("func", "name"), True, 3, ()),
        (("func", "bpf_a"), False, 4, ()),
        (("func", "bpf_b", "KF_A | KF_B ( 1 , 2 )"), False, 6, ("defined(C)",)),
    ]


def test_a_call_that_is_not_closed_is_an_error() -> None:
    with pytest.raises(ParseError, match="a use of X in line 2 is not closed"):
        list(CFile(b"a\nX(b").calls(["X"]))


def test_defines() -> None:
    file = CFile(b"#define A\n#define B(x, ...) \\\n  f(x) \\\n  g\n#define C() 1\n#define D (1)\n")
    found = [(define.name, define.parameters, define.body) for define in file.defines]
    assert found == [
        ("A", None, ""),
        ("B", ("x", "..."), "f(x) g"),
        ("C", (), "1"),
        ("D", None, "(1)"),
    ]


def test_brackets() -> None:
    found = tokenize("f(a, (b, c)[d], e) + g")
    assert closing(found, 1) == len(found) - 3
    assert closing(tokenize("(a"), 0) == 2
    assert [" ".join(part) for part in split(found[2:-3], ",")] == ["a", "( b , c ) [ d ]", "e"]


@pytest.mark.parametrize(
    "text",
    ["#if A\n" * 100, "#if A\n" + "#elif B\n" * 100, "a" * ((1 << 24) + 1)],
    ids=["nested", "branches", "size"],
)
def test_too_much_is_our_error(text: str) -> None:
    with pytest.raises(ParseError):
        CFile(text.encode()).guards(0)


def test_deep_initialisers_and_statements_are_our_error() -> None:
    file = CFile(b"struct a b = {" + b"{" * 99 + b"}" * 99 + b"};")
    with pytest.raises(ParseError):
        item_fields(file, next(file.objects()))
    file = CFile(b"int f(void) {" + b"if (a) " * 99 + b";}")
    with pytest.raises(ParseError):
        read_body(file, next(file.functions()))


def read_all(data: bytes) -> None:
    """Do all that can be done with a file."""
    file = CFile(data)
    file.tokens()
    _ = file.defines
    for item in file.items:
        with suppress(ParseError):
            read_body(file, item)
        with suppress(ParseError):
            item_fields(file, item)
    with suppress(ParseError):
        list(file.calls(["f", "BTF_ID_FLAGS"]))


PARTS = (
    "{", "}", "(", ")", "[", "]", ";", ",", "=", ":", "?", "\n", "\\", "\\\n", '"', "'", "/*", "*/",
    "//", "#", "\n#if A\n", "\n#else\n", "\n#elif B\n", "\n#endif\n", "\n#define f(",
    "struct a b = ",
    "int f(int a)", "case A:", "default:", "if (a)", "else", "switch (b)", "return", "goto c;",
    "do", "while (1)", "BTF_ID_FLAGS(", "f(", ".a =", "\xff", "\0",
)  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=60))
def test_any_order_of_parts_gives_a_result_or_our_error(parts: list[str]) -> None:
    with suppress(ParseError):
        read_all("".join(parts).encode("latin-1"))


@given(st.binary(max_size=300))
def test_any_bytes_give_a_result_or_our_error(data: bytes) -> None:
    with suppress(ParseError):
        read_all(data)


@given(st.lists(st.sampled_from(PARTS), max_size=60))
def test_offsets_of_tokens_are_where_they_stand(parts: list[str]) -> None:
    file = CFile("".join(parts).encode("latin-1"))
    assert len(file.text) == len(file.bare)
    for token in file.tokens():
        if not token.startswith("#"):
            assert file.text.startswith(token, token.at)


@pytest.mark.parametrize(
    "unit",
    [
        "int f(int a) { if (a) { b(); } else return c ? d : e; }\n",
        "struct a b = { .c = { 1, 2 }, };\n",
        "#ifdef A\nint a;\n#endif\n",
        "BTF_ID_FLAGS(func, a, B)\n",
        "x\n#define A b\n",
        "'\\'\\'\"\\\"",
        "/* a */ /*",
        "{", "}", "(", "f(", "{;", "a b ", "int f(", ") ", "case A: ", "if (a) ; ",
        "#else\n",
    ],
)  # fmt: skip
def test_steps_grow_with_size_only(unit: str) -> None:
    def reading(times: int) -> Callable[[], None]:
        def action() -> None:
            with suppress(ParseError):
                read_all(f"int f(void) {{ {unit * times} }}".encode())
                read_all((unit * times).encode())

        return action

    small, large = steps(reading(200)), steps(reading(800))
    assert large < 6 * small
