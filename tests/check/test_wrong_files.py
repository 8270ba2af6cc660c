"""Files that are not what `check` reads: what is said of each."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from helperhist.cli.group import cli
from tests.build.elf import build_btf
from tests.build.objects import compile_bpf
from tests.build.wrapped import OBJECT, PACKERS, bzimage, program, skeleton, tar

KERNEL = "helperhist kernel FILE reads it, and check OBJECT --target FILE asks it"
COMPILED = "give the compiled object (.bpf.o)"

WRONG = {
    "empty.o": (b"", "this is an empty file; build it again"),
    "a.bc": (
        b"BC\xc0\xde\0\0",
        "this is LLVM bitcode; compile it on: llc -march=bpf -filetype=obj FILE",
    ),
    "a.bpf.c": (
        b'#include "vmlinux.h"\n',
        "this is C source; compile it: clang -g -O2 -target bpf -c FILE",
    ),
    "a.h": (b"#pragma once\n", f"this is a C header; {COMPILED}"),
    "a.lskel.h": (
        b"#include <bpf/skel_internal.h>\n",
        "this is a light skeleton, which holds instructions and not an object; give the object "
        "that it was made from (.bpf.o)",
    ),
    "cut.skel.h": (
        skeleton("x", b"text"),
        "this is a skeleton header; give the object that it was made from (.bpf.o)",
    ),
    "a.go": (b"package main\n", f"this is Go source; {COMPILED}"),
    "embed.go": (
        b"package main\n\n//go:embed bpf_bpfel.o\nvar _BpfBytes []byte\n",
        "this is Go source that embeds bpf_bpfel.o: check that file",
    ),
    "orders.go": (
        b"package main\n\n//go:embed \x1b[31m.o\nvar _BpfBytes []byte\n",
        "this is Go source that embeds [31m.o: check that file",
    ),
    "text.o": (
        b"no ELF\n",
        f"this is text; {COMPILED}; for a list of objects: helperhist check - < FILE",
    ),
    "run.sh": (b"#!/bin/sh\n", f"this is a script; {COMPILED}"),
    "lfs.o": (
        b"version https://git-lfs.github.com/spec/v1\n",
        "this is a Git LFS pointer; get the file that it stands for: git lfs pull",
    ),
    "page.o": (
        b"<!DOCTYPE html>",
        "this is a web page; download the file itself, not the page that shows it",
    ),
    "vmlinuz": (bzimage(b"x"), f"this is a kernel image; {KERNEL}"),
    "vmlinux.btf": (
        build_btf((1, 1 << 24, 4, 32)),
        f"this is BTF, the types of a kernel; {KERNEL}",
    ),
    "vmlinux.h": (b"#ifndef __VMLINUX_H__\n", f"this is a vmlinux.h; {KERNEL}"),
    "config": (
        b"CONFIG_BPF=y\n",
        "this is a kernel configuration; check OBJECT --target KERNEL --config FILE asks it",
    ),
    "a.ko": (
        program(),
        f"this is an ELF file for x86-64, and no BPF object is in it; {COMPILED}, or ask a kernel "
        "or module: helperhist kernel FILE",
    ),
    "a.ko.xz": (
        PACKERS["xz"](program()),
        f"this is a file compressed with xz, and no BPF object is in it; {COMPILED}",
    ),
    "a.tar": (
        tar({"README": b"x"}),
        f"this is a tar archive, and no BPF object is in it; {COMPILED}",
    ),
    "a.o.gz": (
        PACKERS["gzip"](OBJECT)[:40],
        "it is compressed with gzip, and damaged: it is cut off",
    ),
}


def run(*args: object) -> Result:
    return CliRunner().invoke(cli, ["check", *map(str, args)], catch_exceptions=False)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_file(tmp_path: Path, name: str) -> None:
    data, message = WRONG[name]
    path = tmp_path / name
    path.write_bytes(data)
    result = run(path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"Error: {path}: {message}\n"


def test_object_without_a_machine(tmp_path: Path) -> None:
    """Compilers before LLVM 3.9 wrote 0, which libbpf, cilium/ebpf and iproute2 read."""
    path = compile_bpf('__attribute__((section("xdp"), used)) int prog(void *c) { return 2; }')
    old = tmp_path / "old.o"
    data = path.read_bytes()
    old.write_bytes(data[:18] + b"\0\0" + data[20:])
    new = run(path).stdout
    assert run(old).stdout == new.replace(str(path), str(old))
    assert run(tmp_path).stdout == run(old).stdout
