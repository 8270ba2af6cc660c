"""Prototypes with words that mean something to a compiler, and what becomes of the others."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from helperhist.errors import ParseError
from helperhist.header import HeaderOptions, render_header
from helperhist.header.prototypes import parse_declaration
from tests.build.headers import COMPILERS, Compiler, embedded, write_headers
from tests.header.test_cheader import helper, timeline
from tests.header.test_header_compile import INCLUDE, compile_text

#: Of C23, of GNU C, and of compilers' own; those of C++ are not to become names, either.
WORDS = """
    __asm __attribute __inline __int128 __auto_type __typeof __restrict __alignof __extension__
    _Bool _Float16 _Static_assert _Generic _Alignas _Atomic _Complex _Noreturn _Thread_local
    asm auto bool if int typeof nullptr constexpr linux unix __FILE__ __LINE__ __bpf__
    BPF_ANY BPF_JMP32 NULL HELPERHIST_HAS HELPERHIST_HAS_bpf_good
    class new this template namespace operator private typename co_await
""".split()


def bad_helpers() -> Mapping[str, str]:
    """Prototypes by the name of their helper."""
    shapes = ["int {}", "struct {} *a", "union {} *a"]
    return {
        f"bpf_x{index}_{number}": f"long bpf_x{index}_{number}({shape.format(word)})"
        for index, word in enumerate(WORDS)
        for number, shape in enumerate(shapes)
    }


@pytest.mark.parametrize("compiler", COMPILERS)
def test_one_bad_helper_breaks_nothing(compiler: Compiler, tmp_path: Path) -> None:
    rows = [
        helper("bpf_good", 1),
        *(
            helper(name, number, prototype=prototype)
            for number, (name, prototype) in enumerate(bad_helpers().items(), 2)
        ),
    ]
    found = render_header(timeline(*rows), HeaderOptions("none"))
    assert [name for name, _ in found.left_out] == list(bad_helpers())
    assert all("which is reserved in C" in reason for _, reason in found.left_out)
    headers = write_headers(tmp_path, "5.4")
    text = INCLUDE + found.text + "long f(void) { return bpf_good(0); }\n"
    done = compile_text(compiler, text, headers)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_macro_of_a_compiler_is_a_name(compiler: Compiler) -> None:
    done = compiler.run("-dM", "-E", "-x", "c", "/dev/null")
    names = {line.split()[1].partition("(")[0] for line in done.stdout.splitlines()}
    assert len(names) > 50
    for name in names:
        with pytest.raises(ParseError, match="reserved in C"):
            parse_declaration(f"long bpf_x(int {name})")


def test_names_of_the_kernel_stay() -> None:
    for row in embedded().helpers:
        if row.prototype is not None:
            parse_declaration(row.prototype, row.name)
    found = parse_declaration("long bpf_x(struct __sk_buff *skb, __be16 proto, u32 _len)")
    assert found.arguments == "struct __sk_buff *skb, __be16 proto, __u32 _len"


@pytest.mark.parametrize("compiler", COMPILERS)
def test_one_tag_is_one_thing(compiler: Compiler, tmp_path: Path) -> None:
    rows = [
        helper("bpf_a", 1, prototype="long bpf_a(struct path *p)"),
        helper("bpf_b", 2, prototype="long bpf_b(union path *p)"),
        helper("bpf_c", 3, prototype="struct path *bpf_c(union path *p)"),
        helper("bpf_d", 4, prototype="long bpf_d(struct bpf_map_type *p)"),
        helper("bpf_e", 5, prototype="long bpf_e(union sk_buff *p)"),
        helper("bpf_f", 6, prototype="long bpf_f(struct flag *p, struct cmd *c)"),
    ]
    found = render_header(timeline(*rows), HeaderOptions("none"))
    assert found.left_out == (
        ("bpf_b", "its type 'union path' is a struct elsewhere"),
        ("bpf_c", "its type 'union path' is a struct elsewhere"),
        ("bpf_d", "its type 'struct bpf_map_type' is an enum elsewhere"),
        ("bpf_e", "its type 'union sk_buff' is a struct elsewhere"),
    )
    text = INCLUDE + found.text
    done = compile_text(compiler, text, write_headers(tmp_path, "5.4"))
    assert (done.returncode, done.stderr) == (0, "")
