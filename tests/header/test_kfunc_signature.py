"""The C types of kfuncs: read, and compared as a compiler and as a loader do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist.errors import ParseError
from helperhist.header.kfuncs.signature import CType, Function, parse_signature
from tests.build.headers import embedded


def test_reads_types_and_names() -> None:
    found = parse_signature("const struct cpumask *bpf_x(struct task_struct *p, u64 n, bool wait)")
    assert found.name == "bpf_x"
    assert found.returns == CType("struct cpumask", const=True, stars=1)
    assert [(item.type, item.name) for item in found.parameters] == [
        (CType("struct task_struct", stars=1), "p"),
        (CType("__u64"), "n"),
        (CType("_Bool"), "wait"),
    ]
    assert found.tags == ("struct cpumask", "struct task_struct")


@pytest.mark.parametrize(
    "callback", ["bool (less)(struct a *x, int y)", "bool (*less)(struct a *, int)"]
)
def test_reads_a_callback(callback: str) -> None:
    found = parse_signature(f"int f(void *p, {callback})").parameters[1].type
    assert isinstance(found, Function)
    assert found.returns == CType("_Bool")
    assert [item.type for item in found.parameters] == [CType("struct a", stars=1), CType("int")]


@pytest.mark.parametrize(
    ("one", "two", "compiler", "loader"),
    [
        ("int f(s32 a)", "extern s32 f(int b) __weak __ksym;", True, True),
        ("void f(size_t n)", "void f(unsigned long n)", True, True),
        ("void f(const size_t n)", "void f(size_t n)", True, True),
        ("void f(u32 n)", "void f(u64 n)", False, True),
        ("void f(char *s)", "void f(const char *s)", False, True),
        ("void f(struct a *p)", "void f(struct b *p)", False, True),
        ("void f(struct a *p)", "void f(union a *p)", False, False),
        ("void f(struct a *p)", "void f(void *p)", False, False),
        ("void f(enum a x)", "void f(int x)", False, False),
        ("void f(int x)", "int f(int x)", False, False),
        ("void f(void)", "void f(void *p)", False, False),
        ("void f(void *p)", "void f(void **p)", False, False),
        ("void f(int (g)(void *p))", "void f(int (*g)(void *q))", True, True),
        ("void f(int (g)(void *p))", "void f(int (g)(void *p, int n))", False, False),
        ("void *f(void)", "void __attribute__((address_space(1))) *f(void)", False, True),
    ],
)  # fmt: skip
def test_what_is_one_type(one: str, two: str, compiler: bool, loader: bool) -> None:
    a, b = parse_signature(one), parse_signature(two)
    assert (a.identity() == b.identity()) is compiler
    assert (a.kind() == b.kind()) is loader


@pytest.mark.parametrize(
    "text",
    ["", "int", "int f", "int f(", "int f()", "int f(void) x", "int f(void, int a)", "f(void)",
     "int f(foo_t x)", "int f(int a[3])", "int f(char *const *x)", "int f(...)", "int 1(void)",
     "int f(int a,)", "int f(int (a)(" * 5000, "int (*f)(void)", "struct f(void)", "int f(int @)"],
)  # fmt: skip
def test_what_cannot_be_read_is_said(text: str) -> None:
    with pytest.raises(ParseError):
        parse_signature(text)


@given(st.text(alphabet="int void struct bool const *(),[]_a1 ", max_size=60) | st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_signature(text)
    except ParseError:
        return
    assert found.identity() == found.identity()


def test_all_prototypes_of_the_data_are_read() -> None:
    relations = embedded().relations.find("kfunc_proto")
    assert len(relations) > 390
    for relation in relations:
        for item in relation.intervals:
            assert parse_signature(item.value).name == relation.name
