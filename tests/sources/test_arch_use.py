"""Features of JIT compilers by architecture."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.sources.arch_use import ArchUseSource
from helperhist.sources.source import Piece, read_tree
from helperhist.timeline import Fact

JIT = b"""
static int __arch_prepare_bpf_trampoline(struct bpf_tramp_image *im)
{
        return 0;
}

int arch_prepare_bpf_trampoline(struct bpf_tramp_image *im, void *image)
{
        return __arch_prepare_bpf_trampoline(im);
}

bool bpf_jit_supports_kfunc_call(void)
{
        return true;
}

bool bpf_jit_supports_old(void)
{
        return false;
}

bool bpf_jit_supports_exceptions(void)
{
        /* We unwind by frames. */
        return IS_ENABLED(CONFIG_UNWINDER_ORC) || IS_ENABLED(CONFIG_UNWINDER_FRAME_POINTER);
}

bool bpf_jit_supports_ptr_xchg(void)
{
        return cpu_has(LSE);
}

bool bpf_jit_supports_insn(struct bpf_insn *insn, bool in_arena)
{
        if (!in_arena)
                return true;
        return false;
}

#ifdef CONFIG_SMP
bool bpf_jit_supports_percpu_insn(void)
{
        return true;
}
#endif
"""


def read(files: dict[str, bytes]) -> dict[tuple[str, str], str]:
    facts, gaps = read_tree(ArchUseSource(), files)
    assert not gaps
    assert {fact.kind for fact in facts} <= {"arch_use"}
    return {(fact.name, fact.object): fact.value for fact in facts}


def test_features_of_one_architecture() -> None:
    assert read({"arch/arm64/net/bpf_jit_comp.c": JIT}) == {
        ("trampoline", "arm64"): "",
        ("kfunc_call", "arm64"): "",
        ("exceptions", "arm64"): "config=CONFIG_UNWINDER_FRAME_POINTER"
        " or config=CONFIG_UNWINDER_ORC",
        ("ptr_xchg", "arm64"): "?",
        ("insn", "arm64"): "?",
        ("percpu_insn", "arm64"): "config=CONFIG_SMP",
    }


KFUNC = b"bool bpf_jit_supports_kfunc_call(void) { return true; }\n"


@pytest.mark.parametrize(
    ("paths", "arch", "condition"),
    [
        (["arch/x86/net/bpf_jit_comp.c"], "x86", "config=CONFIG_64BIT"),
        (["arch/x86/net/bpf_jit_comp32.c"], "x86", "config=!CONFIG_64BIT"),
        (["arch/x86/net/bpf_jit_comp.c", "arch/x86/net/bpf_jit_comp32.c"], "x86", ""),
        (["arch/sparc/net/bpf_jit_comp_64.c"], "sparc", "config=CONFIG_64BIT"),
        (["arch/powerpc/net/bpf_jit_comp.c"], "powerpc", ""),
        (["arch/arm/net/bpf_jit_32.c"], "arm", ""),
        (["arch/s390/net/bpf_jit_comp.c"], "s390", ""),
    ],
)
def test_widths(paths: list[str], arch: str, condition: str) -> None:
    assert read(dict.fromkeys(paths, KFUNC)) == {("kfunc_call", arch): condition}


@pytest.mark.parametrize("path", ["kernel/bpf/core.c", "arch/x86/kernel/jit.c", "arch/x86/net/x.h"])
def test_other_files_say_nothing(path: str) -> None:
    assert read({path: KFUNC}) == {}


def test_weak_and_dead_definitions_are_none() -> None:
    weak = KFUNC.replace(b"bool ", b"bool __weak ")
    assert read({"arch/arm64/net/a.c": weak + b"#if 0\n" + KFUNC + b"#endif\n"}) == {}


@pytest.mark.parametrize("body", [b"", b"return", b"return true", b"return 1; ;", b"return 5;"])
def test_bodies_that_are_not_read(body: bytes) -> None:
    text = b"bool bpf_jit_supports_x(void) {" + body + b"}"
    assert read({"arch/arm64/net/a.c": text}) == {("x", "arm64"): "?"}


def test_pieces_survive_their_cache() -> None:
    source = ArchUseSource()
    path = "arch/arm64/net/bpf_jit_comp.c"
    piece = source.parse(path, JIT)
    assert source.link({path: Piece.load(piece.dump())}) == source.link({path: piece})
    assert Fact("arch_use", "trampoline", "arm64", "") in source.link({path: piece})[0]


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_facts_or_gaps(data: bytes) -> None:
    text = b"bool bpf_jit_supports_x(void) {" + data
    read_tree(ArchUseSource(), {"arch/arm64/net/bpf_jit_comp.c": text})
