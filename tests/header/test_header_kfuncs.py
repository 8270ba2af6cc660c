"""Kfuncs in the generated header: which, how they are declared, and that they compile."""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from elftools.elf.elffile import ELFFile

from helperhist.binary import Btf, Kind
from helperhist.cli.group import cli
from helperhist.errors import HelperhistError
from helperhist.header import HeaderOptions, read_beside, render_header
from helperhist.version import KernelVersion
from tests.build.headers import (
    CLANGS,
    COMPILERS,
    STRICT,
    ZIG_CLANG,
    Compiler,
    embedded,
    expect_has,
    header_text,
    write_headers,
)
from tests.build.kfunc_headers import kfunc_vmlinux, release_kfuncs

KFUNCS = HeaderOptions(kfuncs=True)
RELEASES = ("5.10", "6.1", "6.12", "6.18", "7.0", "7.2", "7.3")
#: bpf-gcc warns of what the small vmlinux.h has, and knows no section for a function.
WARN = ("-Wall", "-Wextra", "-Wshadow", "-Werror", "-Wno-unused-macros")


def names(options: HeaderOptions) -> list[str]:
    lines = header_text(options).splitlines()
    found = [line.split() for line in lines if line.startswith("#define HELPERHIST_HAS_")]
    helpers = {row.name for row in embedded().helpers}
    kfuncs = {word[1].removeprefix("HELPERHIST_HAS_") for word in found if word[2:] == ["1"]}
    return sorted(kfuncs - helpers - {"bpf_unspec"})


def compile_text(
    compiler: Compiler, text: str, folder: Path, *flags: str, headers: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    source = folder / "prog.c"
    source.write_text(text)
    include = ("-isystem", headers) if headers else ()
    return compiler.run(
        "-O2", "-g", *(flags or WARN), *include, "-c", source, "-o", folder / "prog.o"
    )


def beside(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "vmlinux.h").write_text(text)
    return folder


def test_without_kfuncs_none_is_declared() -> None:
    assert names(HeaderOptions()) == []
    assert "Kfuncs" not in header_text(HeaderOptions())


def test_all_kfuncs_but_those_for_tests_and_compilers() -> None:
    relations = embedded().relations
    tests = {*relations.names("kfunc_test"), "__bpf_trap"}
    assert names(KFUNCS) == sorted(set(relations.names("kfunc")) - tests)
    assert render_header(embedded(), KFUNCS).left_out == ()


def test_only_names_kfuncs() -> None:
    found = names(HeaderOptions(only=("bpf_cpumask_*", "bpf_loop")))
    assert "bpf_cpumask_create" in found
    assert all(name.startswith("bpf_cpumask_") for name in found)
    text = header_text(HeaderOptions(only=("bpf_cpumask_*", "bpf_loop")))
    assert "(* const bpf_loop)" in text
    assert "bpf_map_lookup_elem)" not in text


def test_a_pattern_that_helpers_have_means_helpers() -> None:
    assert names(HeaderOptions(only=("bpf_skb_*",))) == []
    assert "bpf_skb_get_xfrm_info" in names(HeaderOptions(only=("bpf_skb_*",), kfuncs=True))


def test_a_kfunc_for_tests_by_its_name() -> None:
    assert names(HeaderOptions(only=("bpf_kfunc_call_test1",))) == ["bpf_kfunc_call_test1"]


@pytest.mark.parametrize("of", ["xdp", "XDP", "BPF_PROG_TYPE_XDP"])
def test_kfuncs_of_a_program_type(of: str) -> None:
    found = names(HeaderOptions(kfuncs_of=(of,)))
    assert "bpf_xdp_metadata_rx_hash" in found
    assert "scx_bpf_dsq_insert" not in found


@pytest.mark.parametrize("of", ["sched_ext", "sched_ext_ops"])
def test_kfuncs_of_struct_ops(of: str) -> None:
    found = names(HeaderOptions(kfuncs_of=(of,)))
    assert "scx_bpf_dsq_insert" in found
    assert "bpf_xdp_metadata_rx_hash" not in found


ALONE = HeaderOptions(kfuncs=True, no_helpers=True)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("options", [ALONE, HeaderOptions(only=("bpf_cpumask_create",))])
def test_a_file_of_kfuncs_beside_one_of_helpers(
    compiler: Compiler, options: HeaderOptions, tmp_path: Path
) -> None:
    headers = write_headers(tmp_path / "headers", "6.1")
    text = header_text(options)
    assert "for them Linux 4.4 to 7.3 were read." in text
    assert "bpf_map_lookup_elem" not in text
    ask = expect_has({"bpf_cpumask_create": True})
    for both in (text, text + header_text(HeaderOptions()), header_text(HeaderOptions()) + text,
                 header_text(KFUNCS) + text, text + text):  # fmt: skip
        done = compile_text(
            compiler, f"#include <linux/bpf.h>\n{both}{ask}", tmp_path, headers=headers
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_types_of_the_uapi_that_a_vmlinux_lacks(tmp_path: Path) -> None:
    """Programs have them in maps, which needs their size."""
    text = kfunc_vmlinux("6.12")
    folder = beside(tmp_path / "headers", text)
    use = "struct element { struct bpf_task_work work; }; struct element all;\n"
    header = render_header(embedded(), ALONE, read_beside(text)).text
    done = compile_text(ZIG_CLANG, f'#include "vmlinux.h"\n{header}{use}', tmp_path, headers=folder)
    assert (done.returncode, done.stderr) == (0, "")


def kfunc_text(name: str, low: str = "", high: str = "") -> str:
    return header_text(
        HeaderOptions(
            only=(name,),
            min_kernel=KernelVersion.parse(low) if low else None,
            max_kernel=KernelVersion.parse(high) if high else None,
        )
    )


def test_forms_that_were_gone_by_the_oldest_kernel_are_not_called() -> None:
    name, old = "bpf_task_work_schedule_signal", "bpf_task_work_schedule_signal_impl___v1("
    assert old in kfunc_text(name)
    assert old in kfunc_text(name, low="6.19")
    assert old not in kfunc_text(name, low="7.0")


def test_the_prototype_is_right_for_the_oldest_kernel() -> None:
    """No call of the form of 7.3, which has two parameters more, is right on 7.2."""
    name = "scx_bpf_cid_override"
    assert f"helperhist_{name}(const __s32 *cpu_to_cid, __u32 cpu_to_cid__sz)" in kfunc_text(
        name, low="7.2"
    )
    newest = kfunc_text(name)
    assert f"helperhist_{name}(const __s32 *cpu_to_cid__arena, __u32" in newest.replace(
        " HELPERHIST_ARENA", ""
    )
    assert f"{name}___v1 from 7.2 until 7.3: not called by this name" in newest
    assert f"{name}___v1(" in newest


def test_a_newer_form_is_not_called_before_its_release() -> None:
    name = "bpf_session_cookie"
    assert "HELPERHIST_FOUND(bpf_session_cookie___v2)" in kfunc_text(name)
    assert "bpf_session_cookie___v2(" not in kfunc_text(name, high="6.19")


def test_the_command(tmp_path: Path) -> None:
    file = tmp_path / "a*" / "vmlinux.h"
    file.parent.mkdir()
    file.write_text(kfunc_vmlinux("6.18"))
    out = tmp_path / "kfuncs.h"
    words = ["header", "--data", "embedded", "--kfuncs-of", "sched_ext", "--no-helpers"]
    done = CliRunner().invoke(cli, [*words, "--beside", str(file), "-o", str(out)])
    assert (done.exit_code, done.output) == (0, "")
    text = out.read_text()
    assert "helperhist header --no-helpers --kfuncs-of sched_ext --beside" in text
    assert "a* /vmlinux.h" in text  # not the end of a comment
    assert "scx_bpf_dsq_insert" in text
    with file.open("ab") as big:
        big.truncate(65 << 20)
    done = CliRunner().invoke(cli, [*words, "--beside", str(file)])
    assert done.exit_code == 2
    assert "more than 64 MiB" in done.output
    done = CliRunner().invoke(cli, [*words, "--beside", str(tmp_path / "none")])
    assert done.exit_code == 2


def test_errors() -> None:
    with pytest.raises(HelperhistError, match=r"--kfuncs-of foo: .*known are .*sched_ext.*xdp"):
        render_header(embedded(), HeaderOptions(kfuncs_of=("foo",)))
    with pytest.raises(HelperhistError, match="__bpf_trap: it is for compilers"):
        render_header(embedded(), HeaderOptions(only=("__bpf_trap",)))
    with pytest.raises(HelperhistError, match="no kfunc to declare: add --kfuncs"):
        render_header(embedded(), HeaderOptions(no_helpers=True))
    with pytest.raises(HelperhistError, match="no such helper or kfunc"):
        render_header(embedded(), HeaderOptions(only=("bpf_cpumask_nonesuch",)))


def test_comment_release_and_range() -> None:
    text = header_text(HeaderOptions(only=("bpf_cpumask_create",)))
    commit = "516f4d3397c9e90f4da04f59986c856016269aa1"
    assert f" * bpf_cpumask_create: Linux 6.3\n * Commit {commit}\n */" in text
    gone = header_text(HeaderOptions(only=("scx_bpf_dispatch",)))
    assert "Removed in Linux 6.17" in gone
    late = HeaderOptions(only=("bpf_cpumask_*", "bpf_loop"), max_kernel=KernelVersion.parse("6.2"))
    assert "#define HELPERHIST_HAS_bpf_cpumask_create 0" in header_text(late)
    assert names(late) == []
    old = HeaderOptions(kfuncs=True, min_kernel=KernelVersion.parse("7.0"))
    assert ("scx_bpf_dispatch", "removed in Linux 6.17") in render_header(embedded(), old).left_out


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("std", ["gnu89", "c99", "c11", "gnu23"])
def test_without_vmlinux(compiler: Compiler, std: str, tmp_path: Path) -> None:
    headers = write_headers(tmp_path / "headers", "6.1")
    expected = expect_has({"bpf_cpumask_create": True, "bpf_nonesuch": False})
    text = f"#include <linux/bpf.h>\n{header_text(KFUNCS)}{expected}"
    flags = tuple(flag for flag in STRICT if flag != "-Wundef")
    done = compile_text(
        compiler, text, tmp_path, compiler.dialect(std), *flags, headers=headers
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("declared", ["all", "some", "none"])
def test_beside_any_vmlinux(
    compiler: Compiler, version: str, declared: str, tmp_path: Path
) -> None:
    some = set(sorted(release_kfuncs(version))[::2])
    listed = {"all": None, "some": some, "none": set[str]()}[declared]
    folder = beside(tmp_path / "headers", kfunc_vmlinux(version, listed))
    text = f'#include "vmlinux.h"\n{header_text(KFUNCS)}'
    done = compile_text(compiler, text, tmp_path, headers=folder)
    assert (done.returncode, done.stderr) == (0, "")


USE = """
#define SEC(name) __attribute__((section(name), used))
struct task_struct;
SEC("tp_btf/task_newtask") int prog(void *ctx)
{
	struct bpf_cpumask *mask;

	if (!helperhist_exists(bpf_cpumask_create))
		return HELPERHIST_SINCE(bpf_cpumask_create) == 0x060300 ? 0 : 1;
	mask = bpf_cpumask_create();
	if (mask)
		bpf_cpumask_release(mask);
	if (helperhist_exists(scx_bpf_dsq_insert))
		scx_bpf_dsq_insert((struct task_struct *) ctx, 0, 0, 0);
	if (helperhist_exists(bpf_ktime_get_tai_ns))
		return 2;
	return 0;
}
"""


@pytest.mark.parametrize("compiler", CLANGS)
@pytest.mark.parametrize("version", ["6.12", "7.3"])
def test_a_program_that_calls(compiler: Compiler, version: str, tmp_path: Path) -> None:
    folder = beside(tmp_path / "headers", kfunc_vmlinux(version))
    text = f'#include "vmlinux.h"\n{header_text(KFUNCS)}{USE}'
    done = compile_text(compiler, text, tmp_path, headers=folder)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_type_that_vmlinux_lacks_is_no_silent_no(tmp_path: Path) -> None:
    """Loaders take a struct that is only declared for another one than the kernel's."""
    folder = beside(tmp_path / "headers", kfunc_vmlinux("5.10"))
    text = f'#include "vmlinux.h"\n{header_text(KFUNCS)}{USE}'
    done = compile_text(ZIG_CLANG, text, tmp_path, headers=folder)
    assert done.returncode != 0
    assert "incomplete type 'struct bpf_cpumask'" in done.stderr
    assert "--beside" in done.stderr
    there = read_beside((folder / "vmlinux.h").read_text())
    header = render_header(embedded(), KFUNCS, there).text
    done = compile_text(ZIG_CLANG, f'#include "vmlinux.h"\n{header}{USE}', tmp_path, headers=folder)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("compiler", CLANGS)
def test_beside_a_vmlinux_that_declares_otherwise(compiler: Compiler, tmp_path: Path) -> None:
    changed = kfunc_vmlinux("7.3").replace(
        "bpf_cpumask_create(void)", "bpf_cpumask_create(void *more)"
    )
    folder = beside(tmp_path / "headers", changed)
    plain = f'#include "vmlinux.h"\n{header_text(KFUNCS)}{USE}'
    assert compile_text(compiler, plain, tmp_path, headers=folder).returncode != 0
    header = render_header(embedded(), KFUNCS, read_beside(changed)).text
    assert "Your vmlinux.h declares it with other types." in header
    text = f'#include "vmlinux.h"\n{header}{USE}'
    done = compile_text(compiler, text, tmp_path, headers=folder)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("compiler", CLANGS)
def test_types_that_only_pointers_name_are_whole_for_loaders(
    compiler: Compiler, tmp_path: Path
) -> None:
    """Clang before 15 leaves them out of BTF; a loader then takes them for others."""
    text = kfunc_vmlinux("6.18").replace(
        "struct task_struct { int x; };", "struct cgroup; struct task_struct { struct cgroup *c; };"
    )
    assert "struct cgroup *c;" in text
    folder = beside(tmp_path / "headers", text)
    use = """
__attribute__((section("tc"), used)) int prog(void *ctx)
{
	return ctx && helperhist_exists(bpf_task_acquire) && helperhist_exists(bpf_cgroup_release);
}
"""
    for header in (header_text(ALONE), render_header(embedded(), ALONE, read_beside(text)).text):
        done = compile_text(
            compiler, f'#include "vmlinux.h"\n{header}{use}', tmp_path, headers=folder
        )
        assert (done.returncode, done.stderr) == (0, "")
        with (tmp_path / "prog.o").open("rb") as file:
            section = ELFFile(file).get_section_by_name(".BTF")
            assert section is not None
            btf = Btf(section.data())
        kinds = {btf.name(i): btf.kind(i) for i in btf.ids(Kind.STRUCT)}
        assert kinds.keys() >= {"task_struct", "cgroup"}
        assert "cgroup" not in {btf.name(i) for i in btf.ids(Kind.FWD)}


@pytest.mark.parametrize("compiler", CLANGS)
def test_beside_pointers_into_an_arena(compiler: Compiler, tmp_path: Path) -> None:
    arena = "void __attribute__((address_space(1)))"
    text = kfunc_vmlinux("7.3").removesuffix("#endif\n") + (
        f"extern {arena} *bpf_arena_alloc_pages(void *p__map, {arena} *addr__ign, u32 page_cnt, "
        "int node_id, u64 flags) __weak __ksym;\n#endif\n"
    )
    folder = beside(tmp_path / "headers", text)
    for header in (header_text(ALONE), render_header(embedded(), ALONE, read_beside(text)).text):
        done = compile_text(compiler, f'#include "vmlinux.h"\n{header}', tmp_path, headers=folder)
        assert (done.returncode, done.stderr) == (0, "")
