"""The generated header in C++, with the front ends of clang and of GCC."""

import shutil
from pathlib import Path

import pytest

from helperhist.header import HeaderOptions
from tests.build.headers import (
    BPF_GCC,
    COMBINATIONS,
    STRICT,
    ZIG_CLANG,
    Compiler,
    expect_has,
    header_text,
    release_helpers,
    write_headers,
)
from tests.header.test_header_compile import ALL, NEWEST


def _front_end(compiler: Compiler) -> object:
    found = shutil.which(compiler.argv[0]) is not None
    return pytest.param(
        compiler, id=compiler.name,
        marks=pytest.mark.skipif(not found, reason=f"{compiler.argv[0]} is not installed"),
    )  # fmt: skip


CLANGXX = Compiler("clang++", ("clang++", "-target", "bpf", "-nostdinc"))
#: No g++ for BPF is packaged: the one of the machine has the same front end.
GXX = Compiler("g++", ("g++", "-nostdinc"))
BPF_FRONT_ENDS = [_front_end(ZIG_CLANG), _front_end(CLANGXX)]
FRONT_ENDS = [*BPF_FRONT_ENDS, _front_end(GXX)]

PROGRAM = """
extern "C" long prog(void *map);
extern "C" long prog(void *map)
{
	__u32 key = 0;
	__u64 *value = static_cast<__u64 *>(bpf_map_lookup_elem(map, &key));

	return static_cast<long>(bpf_ktime_get_ns() + (value ? *value : 0));
}
"""
EXISTS = 'extern "C" int f(void) { return helperhist_exists(bpf_loop); }\n'


def build(
    compiler: Compiler, folder: Path, headers: Path, text: str, *args: str
) -> tuple[str, str]:
    """Compile a C++ text to assembly; return what the compiler says, and the assembly."""
    (folder / "a.cc").write_text("#include <linux/bpf.h>\n" + text)
    done = compiler.run(
        "-x", "c++", *STRICT, "-Wold-style-cast", *args, "-isystem", headers,
        "-S", folder / "a.cc", "-o", folder / "a.s",
    )  # fmt: skip
    assert bool(done.returncode) == ("error:" in done.stderr), done.stderr
    return done.stderr, "" if done.returncode else (folder / "a.s").read_text()


@pytest.mark.parametrize("dialect", ["c++11", "gnu++17", "c++20"])
@pytest.mark.parametrize("compiler", FRONT_ENDS)
def test_no_warning(compiler: Compiler, dialect: str, tmp_path: Path) -> None:
    for release in ("4.9", "5.4", NEWEST):
        headers = write_headers(tmp_path / release, release)
        present = dict(release_helpers(release))
        for guard, ids in COMBINATIONS:
            if (guard == "mapper" and release == "4.9") or (guard == "none" and ids == "uapi"):
                continue
            expected = ALL if guard == "none" else present
            text = header_text(HeaderOptions(guard, ids)) + expect_has(
                {name: name in expected for name in ALL}
            )
            problems, _ = build(compiler, tmp_path, headers, text, f"-std={dialect}")
            assert problems == "", (release, guard, ids)


@pytest.mark.parametrize("ids", ["literal", "enum", "uapi"])
@pytest.mark.parametrize("compiler", BPF_FRONT_ENDS)
def test_calls_are_by_number(compiler: Compiler, ids: str, tmp_path: Path) -> None:
    headers = write_headers(tmp_path, "5.4")
    text = header_text(HeaderOptions(ids=ids)) + PROGRAM
    problems, assembly = build(compiler, tmp_path, headers, text, "-O2")
    assert problems == ""
    assert "call 1\n" in assembly
    assert "call 5\n" in assembly


@pytest.mark.parametrize("compiler", FRONT_ENDS)
def test_the_error_names_helper_and_kernel(compiler: Compiler, tmp_path: Path) -> None:
    headers = write_headers(tmp_path, "5.7")
    call = "void *f(void *ring);\nvoid *f(void *ring) { return bpf_ringbuf_reserve(ring, 8, 0); }\n"
    problems, _ = build(compiler, tmp_path, headers, header_text(HeaderOptions()) + call)
    (line,) = [line for line in problems.splitlines() if "error:" in line]
    assert "needs Linux 5.8, the kernel headers in use lack it" in line


@pytest.mark.parametrize("compiler", BPF_FRONT_ENDS)
def test_exists_is_resolved_at_load(compiler: Compiler, tmp_path: Path) -> None:
    headers = write_headers(tmp_path, "5.4")
    text = header_text(HeaderOptions()) + 'extern "C" int f(void);\n' + EXISTS
    # The builtin takes nothing but a C-style cast.
    problems, assembly = build(
        compiler, tmp_path, headers, text, "-O2", "-g", "-Wno-old-style-cast"
    )
    assert problems == ""
    # As for C: one relocation asks whether the enumerator is there (10), one for its value (11).
    _, found, relocations = assembly.partition("# FieldReloc\n")
    assert found
    kinds = [line.split()[1] for line in relocations.splitlines()[2:] if ".long" in line][3::4]
    assert kinds[:2] == ["10", "11"]


@pytest.mark.skipif(shutil.which("bpf-gcc") is None, reason="bpf-gcc is not installed")
def test_c_is_as_before(tmp_path: Path) -> None:
    """Beside C++, a helper is a void pointer with a number, as in libbpf's file."""
    headers = write_headers(tmp_path, "5.4")
    (tmp_path / "a.c").write_text("#include <linux/bpf.h>\n" + header_text(HeaderOptions()))
    done = BPF_GCC.run("-E", "-isystem", headers, tmp_path / "a.c")
    assert "(* const bpf_ktime_get_ns)(void) = (void *) 5;" in done.stdout


KFUNCS = """
extern "C" int f(struct __sk_buff *skb, struct bpf_dynptr *all);
extern "C" int f(struct __sk_buff *skb, struct bpf_dynptr *all)
{
	if (bpf_dynptr_from_skb(skb, 0, all))
		return 1;
	return bpf_dynptr_slice(all, 0, nullptr, 0) ? HELPERHIST_SINCE_IN(bpf_loop, xdp) : 0;
}
"""


@pytest.mark.parametrize("compiler", FRONT_ENDS)
@pytest.mark.parametrize("no_helpers", [True, False])
def test_kfuncs(compiler: Compiler, no_helpers: bool, tmp_path: Path) -> None:
    headers = write_headers(tmp_path / "headers", NEWEST)
    options = HeaderOptions(
        kfuncs=True, no_helpers=no_helpers, prog_types=("xdp", "sched_cls"), guard="none"
    )
    said, assembly = build(compiler, tmp_path, headers, header_text(options) + KFUNCS)
    assert said == ""
    assert "bpf_dynptr_from_skb___v1" in assembly


@pytest.mark.parametrize("compiler", BPF_FRONT_ENDS)
def test_kfuncs_can_be_asked_for(compiler: Compiler, tmp_path: Path) -> None:
    headers = write_headers(tmp_path / "headers", NEWEST)
    ask = 'extern "C" int f(void);\nextern "C" int f(void) { return '
    ask += "helperhist_exists(bpf_cpumask_create); }\n"
    text = header_text(HeaderOptions(kfuncs=True, no_helpers=True))
    said, assembly = build(compiler, tmp_path, headers, text + ask)
    assert said == ""
    assert "bpf_cpumask_create" in assembly
