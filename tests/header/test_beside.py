"""What is read of a ``vmlinux.h``."""

from hypothesis import given
from hypothesis import strategies as st

from helperhist.header import read_beside
from helperhist.header.kfuncs.signature import parse_signature
from tests.build.kfunc_headers import kfunc_vmlinux, release_kfuncs


def test_functions_and_types() -> None:
    found = read_beside(
        "struct a;\nstruct b {\n\tint x;\n};\nunion c {\n};\nenum d {\n\tE = 0,\n};\n"
        "extern int f(struct b *p) __weak __ksym;\n"
        "extern void __attribute__((address_space(1))) *g(void *map) __weak __ksym;\n"
        "extern foo_t h(bar_t x) __weak __ksym;\nextern int number;\n"
    )
    assert found.defined == {"struct b", "union c", "enum d"}
    assert found.functions == {
        "f": parse_signature("int f(struct b *p)"),
        "g": parse_signature("void __arena *g(void *map)"),
        "h": None,
    }


def test_all_that_a_release_declares() -> None:
    kfuncs = release_kfuncs("7.3")
    found = read_beside(kfunc_vmlinux("7.3"))
    assert len(found.functions) > 300
    for name, function in found.functions.items():
        assert function is not None, name
        assert function.identity() == parse_signature(kfuncs[name]).identity()


def test_much_that_never_ends() -> None:
    for text in ("extern (" * 200_000, "extern a\n" * 200_000, "struct a {" * 200_000):
        read_beside(text)


@given(st.text(alphabet="extrnstcuv id(){};,*\n", max_size=200) | st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert all(isinstance(name, str) for name in read_beside(text).functions)
