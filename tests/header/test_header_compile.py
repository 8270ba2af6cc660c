"""The generated header, compiled against the headers of every release and of others."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import ziglang

from helperhist.header import HeaderOptions, render_header
from helperhist.timeline import Doc, Timeline
from helperhist.version import KernelVersion
from tests.build.headers import (
    BPF_GCC,
    CLANGS,
    COMBINATIONS,
    COMPILERS,
    STRICT,
    ZIG_CLANG,
    Compiler,
    bpf_body,
    embedded,
    expect_has,
    header_text,
    release_helpers,
    syntax_tree,
    vmlinux_h,
    write_headers,
)

RELEASES = [str(tag.version) for tag in embedded().releases]
NEWEST = RELEASES[-1]
ALL = {row.name: row.id for row in embedded().helpers if row.id is not None}
INCLUDE = "#include <linux/bpf.h>\n"


def options(guard: str, ids: str, max_kernel: str | None = None) -> HeaderOptions:
    high = None if max_kernel is None else KernelVersion.parse(max_kernel)
    return HeaderOptions(guard=guard, ids=ids, max_kernel=high)


#: What libbpf's loader replaces on older kernels is declared under auto whatever the headers have.
REWRITTEN = {
    "bpf_probe_read_user": 112,
    "bpf_probe_read_kernel": 113,
    "bpf_probe_read_user_str": 114,
    "bpf_probe_read_kernel_str": 115,
}


def rewritten(guard: str) -> dict[str, int]:
    return REWRITTEN if guard == "auto" else {}


def has_exactly(names: object) -> str:
    assert isinstance(names, dict)
    return expect_has({name: name in names for name in ALL})


def test_the_releases_tested_are_all() -> None:
    assert len(RELEASES) >= 65
    assert len(ALL) >= 211


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_under_every_guard_and_ids(release: str, tmp_path: Path) -> None:
    headers = write_headers(tmp_path, release)
    present = dict(release_helpers(release))
    has_mapper = KernelVersion.parse(release) >= KernelVersion.parse("4.10")
    for guard, ids in COMBINATIONS:
        if guard == "mapper" and not has_mapper:
            text = header_text(options(guard, ids))
            done = compile_text(ZIG_CLANG, INCLUDE + text, headers)
            assert done.returncode
            assert "generate with --guard auto" in done.stderr
            continue
        if guard == "none" and ids == "uapi":
            if not present:
                continue
            # By the names of the headers, only what these have can be declared.
            text = header_text(options(guard, ids, max_kernel=release))
            expected, lacking = present, frozenset[str]()
        else:
            text = header_text(options(guard, ids))
            expected = ALL if guard == "none" else present
            lacking = frozenset(ALL) - set(expected)
        found = syntax_tree(INCLUDE + text + has_exactly(expected), headers)
        assert found.numbers == {**expected, **rewritten(guard)}, (guard, ids)
        assert found.unavailable == lacking - rewritten(guard).keys(), (guard, ids)


def compile_text(
    compiler: Compiler, text: str, *includes: Path, args: tuple[str, ...] = ()
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*compiler.argv, "-fsyntax-only", *STRICT, *args]
        + [word for path in includes for word in ("-isystem", str(path))]
        + ["-x", "c", "-"],
        input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("dialect", ["gnu89", "gnu99", "gnu11", "gnu23"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_warning_in_any_dialect(compiler: Compiler, dialect: str, tmp_path: Path) -> None:
    std = compiler.dialect(dialect)
    for release in ("4.9", "5.4", NEWEST):
        headers = write_headers(tmp_path / release, release)
        present = dict(release_helpers(release))
        for guard, ids in COMBINATIONS:
            if (guard == "mapper" and release == "4.9") or (guard == "none" and ids == "uapi"):
                continue
            expected = ALL if guard == "none" else present
            text = INCLUDE + header_text(options(guard, ids)) + has_exactly(expected)
            done = compile_text(compiler, text, headers, args=(std,))
            assert (done.returncode, done.stderr) == (0, ""), (release, guard, ids)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_output_of_the_preprocessor_compiles(compiler: Compiler, tmp_path: Path) -> None:
    headers = write_headers(tmp_path, "5.4")
    source, bare = tmp_path / "a.c", tmp_path / "a.i"
    source.write_text(INCLUDE + header_text(HeaderOptions()) + "int f(void) { return 0; }\n")
    done = compiler.run("-E", "-isystem", headers, source, "-o", bare)
    assert done.returncode == 0, done.stderr
    done = compiler.run("-c", *STRICT, bare, "-o", tmp_path / "a.o")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("bpf-gcc") is None, reason="bpf-gcc is not installed")
def test_a_preprocessor_that_does_not_expand_is_told(tmp_path: Path) -> None:
    """With -fdirectives-only no helper would seem to be there."""
    headers = write_headers(tmp_path, "5.4")
    text = INCLUDE + header_text(HeaderOptions())
    done = compile_text(BPF_GCC, text, headers, args=("-E", "-fdirectives-only"))
    assert done.returncode
    assert "use --guard version" in done.stderr
    text = INCLUDE + header_text(options("version", "literal"))
    done = compile_text(BPF_GCC, text, headers, args=("-E", "-fdirectives-only"))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_comments_that_end_with_a_trigraph(compiler: Compiler, tmp_path: Path) -> None:
    """GCC warns of a backslash before the end of a line also in comments."""
    row = replace(embedded().helpers[0], commit="0" * 40, subject="what??/")
    data = Timeline(
        embedded().metadata, [row], lambda: embedded().tags, tuple, tuple,
        lambda: [Doc(row.name, "v5.4", "Do what??/\nHow?????/", "")],
    )  # fmt: skip
    text = INCLUDE + render_header(data, HeaderOptions(docs=True)).text
    headers = write_headers(tmp_path, "5.4")
    for dialect in ("gnu11", "c11"):
        done = compile_text(compiler, text, headers, args=(f"-std={dialect}", "-Wtrigraphs"))
        assert (done.returncode, done.stderr) == (0, "")


def test_the_header_includes_what_it_asks(tmp_path: Path) -> None:
    headers = write_headers(tmp_path, "5.4")
    present = dict(release_helpers("5.4"))
    for guard in ("auto", "mapper"):
        text = "#include <linux/types.h>\n" + header_text(options(guard, "literal"))
        assert syntax_tree(text, headers).numbers == {**present, **rewritten(guard)}


def test_by_the_names_of_older_headers_without_a_guard(tmp_path: Path) -> None:
    headers = write_headers(tmp_path, "5.4")
    text = INCLUDE + header_text(options("none", "uapi"))
    done = compile_text(ZIG_CLANG, text, headers)
    assert done.returncode
    assert "undeclared identifier 'BPF_FUNC_skb_output'" in done.stderr


@pytest.mark.parametrize("comma", [True, False], ids=["comma", "no-comma"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_mapper_that_ends_with_a_comma_or_not(
    compiler: Compiler, comma: bool, tmp_path: Path
) -> None:
    release = KernelVersion.parse("5.4")
    names = [name.removeprefix("bpf_") for name in release_helpers("5.4")]
    headers = write_headers(tmp_path, "5.4", bpf_body(release, names, comma))
    for dialect in ("gnu89", "gnu11"):
        text = INCLUDE + header_text(HeaderOptions()) + has_exactly(dict(release_helpers("5.4")))
        done = compile_text(compiler, text, headers, args=(f"-std={dialect}",))
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("style", ["6.1", "6.2"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_helpers_that_are_newer_than_the_data(
    compiler: Compiler, style: str, tmp_path: Path
) -> None:
    names = [name.removeprefix("bpf_") for name in ALL]
    body = bpf_body(KernelVersion.parse(style), [*names, "brand_new", "another_one"])
    headers = write_headers(tmp_path, "9.9", body)
    for guard, ids in COMBINATIONS:
        text = INCLUDE + header_text(options(guard, ids)) + has_exactly(ALL)
        done = compile_text(compiler, text, headers)
        assert (done.returncode, done.stderr) == (0, ""), (guard, ids)
    unknown = "#if HELPERHIST_HAS(bpf_brand_new)\n#error unknown\n#endif\n"
    text = INCLUDE + header_text(HeaderOptions()) + unknown
    assert compile_text(compiler, text, headers, args=("-Wno-undef",)).returncode == 0
    assert "HELPERHIST_HAS_bpf_brand_new" in compile_text(compiler, text, headers).stderr


@pytest.mark.parametrize("style", ["6.1", "6.2"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_macros_of_the_program_with_names_of_the_list(
    compiler: Compiler, style: str, tmp_path: Path
) -> None:
    headers = write_headers(tmp_path, style)
    macros = "#define loop 1\n#define map_lookup_elem bpf_map_lookup_elem\n#define bind(x) x\n"
    text = INCLUDE + macros + header_text(HeaderOptions())
    done = compile_text(compiler, text + has_exactly(dict(release_helpers(style))), headers)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("ids", ["literal", "enum", "uapi"])
def test_a_distribution_with_backports_out_of_order(ids: str, tmp_path: Path) -> None:
    """Numbers were implicit before 6.2, so that such a list numbers its own way."""
    names = [name.removeprefix("bpf_") for name in release_helpers("5.4")]
    backported = ["ringbuf_output", "vendor_only", "ktime_get_boot_ns", "skb_output"]
    ordered = [*names[:60], "loop", *names[60:], *backported]
    headers = write_headers(tmp_path, "5.4", bpf_body(KernelVersion.parse("5.4"), ordered))
    known = [f"bpf_{name}" for name in ordered if f"bpf_{name}" in ALL]
    for guard in ("auto", "mapper"):
        text = INCLUDE + header_text(options(guard, ids)) + has_exactly(dict.fromkeys(known))
        found = syntax_tree(text, headers)
        assert found.numbers.keys() == {*known, *rewritten(guard)}
        assert found.unavailable == set(ALL) - set(known) - rewritten(guard).keys()
        if ids == "uapi":
            assert found.numbers["bpf_ringbuf_output"] == ordered.index("ringbuf_output") + 1
            assert found.numbers["bpf_loop"] == 61
        else:
            assert found.numbers == {name: ALL[name] for name in [*known, *rewritten(guard)]}


@pytest.mark.parametrize(("guard", "ids"), COMBINATIONS)
def test_a_small_vmlinux_h(guard: str, ids: str, tmp_path: Path) -> None:
    headers = write_headers(tmp_path, "5.4")
    (tmp_path / "vmlinux.h").write_text(vmlinux_h(name.removeprefix("bpf_") for name in ALL))
    expected = dict(release_helpers("5.4")) if guard == "version" else ALL
    text = '#include "vmlinux.h"\n' + header_text(options(guard, ids)) + has_exactly(expected)
    found = syntax_tree(text, headers)
    assert found.numbers == expected
    assert found.unavailable == set(ALL) - set(expected)


def system_headers() -> list[object]:
    """Real kernel headers: those of zig, and those that are installed (linux-libc-dev)."""
    zig = Path(ziglang.__file__).parent / "lib/libc/include"
    multiarch = sorted(Path("/usr/include").glob("*-linux-gnu"))
    return [
        pytest.param((zig / "any-linux-any", zig / "x86_64-linux-any", zig / "x86-linux-any"),
                     id="zig"),
        pytest.param((Path("/usr/include"), *multiarch), id="installed",
                     marks=pytest.mark.skipif(not Path("/usr/include/linux/bpf.h").exists(),
                                              reason="linux-libc-dev is not installed")),
    ]  # fmt: skip


@pytest.mark.parametrize("folders", system_headers())
def test_real_headers(folders: tuple[Path, ...]) -> None:
    for guard, ids in COMBINATIONS:
        if guard == "none" and ids == "uapi":
            continue
        found = syntax_tree(INCLUDE + header_text(options(guard, ids)), *folders)
        listed = {
            f"bpf_{name.removeprefix('BPF_FUNC_')}": number
            for name, number in found.enumerators.items()
            if name.startswith("BPF_FUNC_") and "___" not in name
        }
        known = {name: number for name, number in listed.items() if name in ALL}
        assert len(known) > 100
        if guard == "none":
            assert found.numbers == ALL
        elif guard != "version":
            # Headers of distributions may list more than LINUX_VERSION_CODE says.
            assert found.numbers == known
            assert found.unavailable == set(ALL) - set(known)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.skipif(
    not Path("/usr/include/linux/bpf.h").exists(), reason="linux-libc-dev is not installed"
)
def test_from_a_pipe_with_the_installed_headers(compiler: Compiler) -> None:
    folders = [Path("/usr/include"), *sorted(Path("/usr/include").glob("*-linux-gnu"))]
    done = subprocess.run(
        [*compiler.argv, *(word for path in folders for word in ("-idirafter", str(path))),
         *STRICT, "-x", "c", "-include", "linux/bpf.h", "-fsyntax-only", "-"],
        input=header_text(HeaderOptions()), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(
    not Path("/sys/kernel/btf/vmlinux").exists() or shutil.which("bpftool") is None,
    reason="needs a kernel with BTF, and bpftool",
)
@pytest.mark.parametrize("compiler", CLANGS)
def test_vmlinux_h_of_the_running_kernel(compiler: Compiler, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bpftool", "btf", "dump", "file", "/sys/kernel/btf/vmlinux", "format", "c"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode and os.geteuid():
        pytest.skip("the BTF of the kernel cannot be read without root")
    assert done.returncode == 0, done.stderr
    (tmp_path / "vmlinux.h").write_text(done.stdout)
    running = KernelVersion.parse(os.uname().release.split("-")[0]).series
    for guard, ids in COMBINATIONS:
        if guard == "version":
            continue
        high = running if ids == "uapi" and running in RELEASES else None
        expected = dict(release_helpers(running)) if high else ALL
        uses = "".join(f"\tall[{n}] = (const void *) {name};\n" for n, name in enumerate(expected))
        values = "".join(
            f'_Static_assert(BPF_FUNC_{name.removeprefix("bpf_")} == {number}, "{name}");\n'
            for name, number in expected.items()
            if ids == "uapi"
        )
        text = (
            '#include "vmlinux.h"\n'
            + header_text(options(guard, ids, high))
            + has_exactly(expected)
            + f"void f(const void **all);\nvoid f(const void **all) {{\n{uses}}}\n{values}"
        )
        # vmlinux.h is a header of the user, with its own warnings.
        done = subprocess.run(
            [*compiler.argv, "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wundef",
             "-isystem", str(tmp_path), "-x", "c", "-"],
            input=text, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), (guard, ids)


CALL = """
long f(void *ring, void *data);
long f(void *ring, void *data) { return bpf_ringbuf_output(ring, data, 8, 0); }
"""


@pytest.mark.parametrize("guard", ["auto", "mapper", "version"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_error_names_helper_and_kernel(compiler: Compiler, guard: str, tmp_path: Path) -> None:
    text = INCLUDE + header_text(options(guard, "literal")) + CALL
    done = compile_text(compiler, text, write_headers(tmp_path / "old", "5.7"))
    assert done.returncode
    (line,) = [line for line in done.stderr.splitlines() if "error:" in line]
    assert "bpf_ringbuf_output" in line
    assert "unavailable: needs Linux 5.8, the kernel headers in use lack it" in line
    done = compile_text(compiler, text, write_headers(tmp_path / "new", "5.8"))
    assert (done.returncode, done.stderr) == (0, "")


BEFORE = """
static long (*bpf_loop)(__u32 n, void *fn, void *ctx, __u64 flags) = (void *) BPF_FUNC_loop;

long walk(void *step, void *ctx);
long walk(void *step, void *ctx)
{
	return bpf_loop(32, step, ctx, 0);
}
"""
AFTER = """
long walk(void *step, void *ctx);
long walk(void *step, void *ctx)
{
#if HELPERHIST_HAS(bpf_loop)
	return bpf_loop(32, step, ctx, 0);
#else
	long (*once)(__u32 index, void *ctx) = (long (*)(__u32, void *)) (unsigned long) step;
	long n = 0;

	while (n < 32 && !once(n++, ctx))
		;
	return n;
#endif
}
"""


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_program_before_and_after(compiler: Compiler, tmp_path: Path) -> None:
    """The example of the README."""
    old, new = write_headers(tmp_path / "old", "5.10"), write_headers(tmp_path / "new", "5.17")
    done = compile_text(compiler, INCLUDE + BEFORE, old)
    assert done.returncode
    assert "BPF_FUNC_loop" in done.stderr
    for headers in (old, new):
        done = compile_text(compiler, INCLUDE + header_text(HeaderOptions()) + AFTER, headers)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_undeclared_on_request(compiler: Compiler, tmp_path: Path) -> None:
    headers = write_headers(tmp_path, "5.7")
    header = header_text(HeaderOptions(undeclared=True))
    done = compile_text(compiler, INCLUDE + header + CALL, headers)
    assert done.returncode
    assert "unavailable" not in done.stderr
    assert "ringbuf_output" in done.stderr
    found = syntax_tree(INCLUDE + header, headers)
    assert found.numbers == dict(release_helpers("5.7"))
    assert found.unavailable == set()
    found = syntax_tree(INCLUDE + header, write_headers(tmp_path / "5.4", "5.4"))
    assert found.numbers == dict(release_helpers("5.4"))


@pytest.mark.parametrize("compiler", COMPILERS)
def test_since_is_the_number_of_the_release(compiler: Compiler, tmp_path: Path) -> None:
    headers = write_headers(tmp_path, NEWEST)
    checks = "".join(
        f"#if HELPERHIST_SINCE({row.name}) != KERNEL_VERSION({row.since.replace('.', ', ')}, 0)\n"
        f"#error {row.name}\n#endif\n"
        for row in embedded().helpers
        if row.since is not None
    )
    below = "#if HELPERHIST_SINCE(bpf_loop) >= KERNEL_VERSION(5, 18, 0)\n#error late\n#endif\n"
    for guard in ("auto", "none"):
        text = (
            INCLUDE + "#include <linux/version.h>\n" + header_text(options(guard, "enum"))
            + checks + below
        )  # fmt: skip
        done = compile_text(compiler, text, headers)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_since_of_an_unknown_helper_is_no_small_number(compiler: Compiler, tmp_path: Path) -> None:
    """Else `LINUX_VERSION_CODE >= HELPERHIST_SINCE(bpf_typo)` would be true."""
    text = INCLUDE + header_text(HeaderOptions(max_kernel=KernelVersion.parse("5.4")))
    headers = write_headers(tmp_path, "5.4")
    known = "#if 0x050400 >= HELPERHIST_SINCE(bpf_loop)\n#error\n#endif\n"
    assert compile_text(compiler, text + known, headers).returncode == 0
    unknown = "#if 0x050400 >= HELPERHIST_SINCE(bpf_typo)\n#endif\n"
    assert compile_text(compiler, text + unknown, headers, args=("-Wno-undef",)).returncode


def test_min_and_max_kernel(tmp_path: Path) -> None:
    low, high = KernelVersion.parse("5.4"), KernelVersion.parse("5.8")
    old, new = dict(release_helpers("5.4")), dict(release_helpers("5.8"))
    for guard in ("auto", "mapper", "version"):
        text = header_text(HeaderOptions(guard=guard, min_kernel=low, max_kernel=high))
        # What 5.4 has is promised, whatever these headers say.
        headers = write_headers(tmp_path / "4.15", "4.15")
        found = syntax_tree(INCLUDE + text + has_exactly(old), headers)
        assert found.numbers == {**old, **rewritten(guard)}
        assert found.unavailable == set(new) - set(old) - rewritten(guard).keys()
        headers = write_headers(tmp_path / "newest", NEWEST)
        found = syntax_tree(INCLUDE + text + has_exactly(new), headers)
        assert found.numbers == new
        assert found.unavailable == set()
        later = expect_has({name: name in new for name in ALL})
        syntax_tree(INCLUDE + text + later, headers)


def test_only(tmp_path: Path) -> None:
    headers = write_headers(tmp_path, "5.7")
    text = header_text(HeaderOptions(only=("bpf_ringbuf_*", "BPF_FUNC_map_lookup_elem", "45")))
    found = syntax_tree(INCLUDE + text, headers)
    assert found.numbers == {"bpf_map_lookup_elem": 1, "bpf_probe_read_str": 45}
    assert found.unavailable == {name for name in ALL if name.startswith("bpf_ringbuf_")}


EXISTS = """
int f(void);
int f(void) { return helperhist_exists(bpf_loop); }
"""


@pytest.mark.parametrize("ids", ["literal", "enum", "uapi"])
@pytest.mark.parametrize("compiler", CLANGS)
def test_exists_compiles_where_the_headers_lack_the_helper(
    compiler: Compiler, ids: str, tmp_path: Path
) -> None:
    for release in ("4.9", "5.4", NEWEST):
        text = INCLUDE + header_text(options("auto", ids)) + EXISTS
        done = compile_text(
            compiler, text, write_headers(tmp_path / release, release), args=("-g", "-O2")
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("compiler", CLANGS)
def test_a_call_behind_exists_where_the_headers_lack_the_helper(
    compiler: Compiler, tmp_path: Path
) -> None:
    """Under a guard it is an error as any other call; the head of the file says what to do."""
    headers = write_headers(tmp_path, "5.4")
    (tmp_path / "vmlinux.h").write_text(vmlinux_h(name.removeprefix("bpf_") for name in ALL))
    call = (
        "long f(void);\n"
        "long f(void) { return helperhist_exists(bpf_loop) ? bpf_loop(1, 0, 0, 0) : 0; }\n"
    )
    for guard, include, error in (
        ("auto", INCLUDE, True),
        ("version", '#include "vmlinux.h"\n', True),
        ("auto", '#include "vmlinux.h"\n', False),
        ("none", INCLUDE, False),
    ):
        text = header_text(options(guard, "literal"))
        assert ("To call it where the headers lack it: --guard none" in text) == (guard != "none")
        done = compile_text(compiler, include + text + call, headers, args=("-g", "-O2"))
        assert ("'bpf_loop' is unavailable: needs Linux 5.17" in done.stderr) == error
        assert bool(done.returncode) == error


@pytest.mark.skipif(shutil.which("bpf-gcc") is None, reason="bpf-gcc is not installed")
def test_exists_with_gcc(tmp_path: Path) -> None:
    """GCC has the builtin from 14 on; before, the error says so."""
    headers = write_headers(tmp_path, "5.4")
    probe = "#if !__has_builtin(__builtin_preserve_enum_value)\n#error no\n#endif\n"
    able = compile_text(BPF_GCC, probe).returncode == 0
    text = INCLUDE + header_text(HeaderOptions()) + EXISTS
    args = ("-O2", "-gbtf", "-mco-re") if able else ()
    done = compile_text(BPF_GCC, text, headers, args=args)
    if able:
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.returncode
        assert "helperhist_exists() needs clang 12 or GCC 14" in done.stderr
