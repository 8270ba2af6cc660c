"""What stands before the generated header: any vmlinux.h, libbpf's file, or nothing."""

from pathlib import Path

import pytest

from helperhist.header import HeaderOptions
from tests.build.headers import COMPILERS, Compiler, header_text, vmlinux_h, write_headers
from tests.header.test_header_compile import ALL

PROGRAM = "long prog(void);\nlong prog(void) { return bpf_ktime_get_ns() != 0; }\n"
GUARD = "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n"
#: libbpf's file in small: what it defines, and how it declares.
BPF_HELPERS_H = """\
#ifndef __BPF_HELPERS__
#define __BPF_HELPERS__
#include "bpf_helper_defs.h"
#define __uint(name, val) int (*name)[val]
#define SEC(name) __attribute__((section(name), used))
#endif
"""


def vmlinux(guard: str | None) -> str:
    """A vmlinux.h with another include guard, or with none."""
    whole = vmlinux_h(name.removeprefix("bpf_") for name in ALL)
    whole = whole.replace("_LINUX_TYPES_H", "CUT_BY_HAND")  # no dump has it
    if guard is None:
        return "#pragma once\n" + whole.removeprefix(GUARD).removesuffix("#endif\n")
    return whole.replace("__VMLINUX_H__", guard)


def errors(compiler: Compiler, folder: Path, *lines: str, guard: str = "auto") -> list[str]:
    """Compile includes and a program in a folder that holds the headers; return the errors."""
    headers = write_headers(folder / "kernel", "5.4")
    (folder / "helpers.h").write_text(header_text(HeaderOptions(guard)))
    (folder / "a.c").write_text("".join(f"#include {line}\n" for line in lines) + PROGRAM)
    done = compiler.run(
        "-fsyntax-only", "-Wall", "-Wextra", "-I", folder, "-isystem", headers, folder / "a.c"
    )
    found = [line for line in done.stderr.splitlines() if "error:" in line]
    assert bool(done.returncode) == bool(found), done.stderr
    assert "warning:" not in done.stderr
    return found


def needs_order(found: list[str]) -> None:
    (line,) = found
    assert "include vmlinux.h or <linux/bpf.h> before this file" in line
    assert "--guard none" in line


@pytest.mark.parametrize("macro", ["__VMLINUX_X86_H__", "_VMLINUX_H_", "__VMLINUX_H"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_vmlinux_h_with_another_guard(compiler: Compiler, macro: str, tmp_path: Path) -> None:
    (tmp_path / "vmlinux.h").write_text(vmlinux(macro))
    for guard in ("auto", "mapper", "none"):
        assert errors(compiler, tmp_path, '"vmlinux.h"', '"helpers.h"', guard=guard) == []


@pytest.mark.parametrize("macro", [None, "MY_TYPES_H"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_vmlinux_h_that_cannot_be_recognised(
    compiler: Compiler, macro: str | None, tmp_path: Path
) -> None:
    (tmp_path / "vmlinux.h").write_text(vmlinux(macro))
    for guard in ("auto", "mapper"):
        needs_order(errors(compiler, tmp_path, '"vmlinux.h"', '"helpers.h"', guard=guard))
    assert errors(compiler, tmp_path, '"vmlinux.h"', '"helpers.h"', guard="none") == []


@pytest.mark.parametrize("later", ['"vmlinux.h"', "<linux/bpf.h>", None])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_wrong_order_is_one_error(
    compiler: Compiler, later: str | None, tmp_path: Path
) -> None:
    (tmp_path / "vmlinux.h").write_text(vmlinux("__VMLINUX_H__"))
    needs_order(errors(compiler, tmp_path, '"helpers.h"', *([later] if later else [])))


@pytest.mark.parametrize("first", ['"vmlinux.h"', "<linux/bpf.h>"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_after_bpf_helpers_h_is_one_error(compiler: Compiler, first: str, tmp_path: Path) -> None:
    (tmp_path / "vmlinux.h").write_text(vmlinux("__VMLINUX_H__"))
    (tmp_path / "bpf_helpers.h").write_text(BPF_HELPERS_H)
    (tmp_path / "bpf_helper_defs.h").write_text(
        "static __u64 (* const bpf_ktime_get_ns)(void) = (void *) 5;\n"
    )
    for guard in ("auto", "version", "none"):
        (line,) = errors(compiler, tmp_path, first, '"bpf_helpers.h"', '"helpers.h"', guard=guard)
        assert "in the place of its bpf_helper_defs.h" in line
    # In that place it is not beside the file, but part of it.
    (tmp_path / "bpf_helper_defs.h").write_text(header_text(HeaderOptions()))
    assert errors(compiler, tmp_path, first, '"bpf_helpers.h"') == []
