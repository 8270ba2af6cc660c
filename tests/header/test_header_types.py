"""What programs of a type may call: in the generated header, at the line of a call."""

import re
from pathlib import Path

import pytest

from helperhist.errors import HelperhistError
from helperhist.header import HeaderOptions, render_header
from helperhist.version import KernelVersion
from tests.build.headers import (
    CLANGS,
    COMPILERS,
    STRICT,
    ZIG_CLANG,
    Compiler,
    embedded,
    header_text,
    write_headers,
)

XDP = HeaderOptions(guard="none", prog_types=("xdp",))
TEST = """
#define SEC(name) __attribute__((section(name), used))
SEC("xdp") int prog(struct xdp_md *ctx)
{
	%s
	return ctx != 0;
}
"""


def build(
    compiler: Compiler, options: HeaderOptions, body: str, folder: Path, version: str = "6.12"
) -> str:
    """Compile a program, and return what the compiler says."""
    headers = write_headers(folder / "headers", version)
    source = folder / "prog.c"
    more = "struct xdp_md;\n"
    source.write_text(f"#include <linux/bpf.h>\n{more}{header_text(options)}{TEST % body}")
    done = compiler.run(
        "-O2", "-g", *STRICT, "-isystem", headers, "-c", source, "-o", folder / "prog.o"
    )
    return done.stderr


@pytest.mark.parametrize("compiler", COMPILERS)
def test_what_may_always_be_called(compiler: Compiler, tmp_path: Path) -> None:
    body = "if (bpf_ktime_get_ns()) return 2;"
    assert build(compiler, XDP, body, tmp_path) == ""


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_line_of_a_call_says_since_when(compiler: Compiler, tmp_path: Path) -> None:
    said = build(compiler, XDP, "bpf_get_current_pid_tgid();", tmp_path)
    assert re.search(r"error: .*bpf_get_current_pid_tgid", said)
    assert "not in xdp programs before Linux 6.10" in said


@pytest.mark.parametrize("compiler", CLANGS)
def test_the_line_of_a_call_says_never(compiler: Compiler, tmp_path: Path) -> None:
    said = build(compiler, XDP, "bpf_skb_vlan_pop((void *) ctx);", tmp_path)
    assert "not in xdp programs, of Linux 7.3 and before" in said
    ask = "#if HELPERHIST_HAS(bpf_skb_vlan_pop)\n#error has\n#endif\n"
    for guard in ("auto", "version", "none"):
        options = HeaderOptions(guard=guard, prog_types=("xdp",))
        assert build(compiler, options, ask, tmp_path) == ""


@pytest.mark.parametrize("compiler", CLANGS)
def test_a_newer_kernel_may(compiler: Compiler, tmp_path: Path) -> None:
    options = HeaderOptions(prog_types=("xdp",), min_kernel=KernelVersion.parse("6.10"))
    assert build(compiler, options, "bpf_get_current_pid_tgid();", tmp_path) == ""


@pytest.mark.parametrize("compiler", CLANGS)
def test_of_two_types_one_is_enough(compiler: Compiler, tmp_path: Path) -> None:
    options = HeaderOptions(guard="none", prog_types=("xdp", "BPF_PROG_TYPE_KPROBE"))
    assert build(compiler, options, "bpf_get_current_pid_tgid();", tmp_path) == ""
    said = build(compiler, options, "bpf_skb_vlan_pop((void *) ctx);", tmp_path)
    assert "not in xdp or kprobe programs, of Linux" in said


@pytest.mark.parametrize("compiler", CLANGS)
def test_a_question_at_run_time(compiler: Compiler, tmp_path: Path) -> None:
    body = """
#if HELPERHIST_SINCE_IN(bpf_get_current_pid_tgid, xdp) != HELPERHIST_KERNEL(6, 10)
#error
#endif
	if (helperhist_usable(bpf_get_current_pid_tgid, xdp))
		return HELPERHIST_ASKED(bpf_get_current_pid_tgid)() & 1;
	if (helperhist_usable(bpf_ktime_get_ns, xdp))
		return HELPERHIST_ASKED(bpf_ktime_get_ns)() & 1;
"""
    assert build(compiler, XDP, body, tmp_path) == ""


def test_a_pair_that_no_release_has_is_an_error(tmp_path: Path) -> None:
    body = "if (helperhist_usable(bpf_skb_vlan_pop, xdp)) return 2;"
    assert "HELPERHIST_IN_bpf_skb_vlan_pop__xdp" in build(ZIG_CLANG, XDP, body, tmp_path)


def test_all_types_leave_nothing_out(tmp_path: Path) -> None:
    options = HeaderOptions(guard="none", prog_types=("all",))
    body = "bpf_get_current_pid_tgid(); bpf_skb_vlan_pop((void *) ctx);"
    assert build(ZIG_CLANG, options, body, tmp_path) == ""
    text = header_text(options)
    assert "#define HELPERHIST_IN_bpf_bind__cgroup_sock_addr(pick) pick(4, 17, 0, 0)" in text
    # Taken away again.
    assert re.search(
        r"HELPERHIST_IN_bpf_ktime_get_coarse_ns__kprobe\(pick\) "
        r"pick\(5, 11, 0, HELPERHIST_KERNEL\(5, 16\)\)",
        text,
    )


def test_every_pair_of_the_data_is_there() -> None:
    text = header_text(HeaderOptions(prog_types=("all",)))
    relations = embedded().relations
    pairs = [*relations.find("helper_use"), *relations.find("kfunc_use")]
    assert text.count("#define HELPERHIST_IN_bpf_") + text.count(
        "#define HELPERHIST_IN_scx_"
    ) <= len(pairs)
    lines = re.findall(r"^#define HELPERHIST_IN_(\w+)__(\w+)\(pick\)", text, re.MULTILINE)
    assert len(lines) == len(pairs)


def test_kfuncs_of_the_type_only() -> None:
    options = HeaderOptions(kfuncs=True, prog_types=("xdp",))
    text = header_text(options)
    assert "#define HELPERHIST_HAS_bpf_xdp_metadata_rx_hash 1" in text
    assert "#define HELPERHIST_HAS_scx_bpf_dsq_insert 0" in text
    assert render_header(embedded(), options).left_out == ()


def test_an_unknown_type() -> None:
    with pytest.raises(HelperhistError, match=r"--prog foo: known are all, .*xdp"):
        render_header(embedded(), HeaderOptions(prog_types=("foo",)))
