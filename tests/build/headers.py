"""Compilers, minimal kernel headers, and what a compiler's syntax tree says of a header."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import ziglang

import helperhist
from helperhist.header import GUARDS, IDS, HeaderOptions, render_header
from helperhist.timeline import Timeline
from helperhist.version import KernelVersion

ZIG = Path(ziglang.__file__).parent / "zig"
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wundef", "-Wshadow", "-Werror")
COMBINATIONS = [(guard, ids) for guard in GUARDS for ids in IDS]

_TYPES_H = """\
#ifndef _LINUX_TYPES_H
#define _LINUX_TYPES_H
typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32;
typedef signed char __s8; typedef short __s16; typedef int __s32;
__extension__ typedef unsigned long long __u64; __extension__ typedef long long __s64;
typedef __u16 __be16; typedef __u32 __be32; typedef __u64 __be64; typedef __u32 __wsum;
#endif
"""


@dataclass(frozen=True)
class Compiler:
    """A C compiler with the BPF target."""

    name: str
    argv: tuple[str, ...]

    def run(self, *args: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*self.argv, *map(str, args)], capture_output=True, text=True, check=False
        )

    def dialect(self, name: str) -> str:
        """The option for a dialect: gnu23 has its name since clang 18 and GCC 14."""
        if name == "gnu23" and self.run("-std=gnu23", "-E", "-x", "c", "/dev/null").returncode:
            return "-std=gnu2x"
        return f"-std={name}"


# `zig clang` is the clang inside zig, without the libraries that `zig cc` would build first.
ZIG_CLANG = Compiler("zig", (str(ZIG), "clang", "-target", "bpf", "-nostdinc"))
CLANG = Compiler("clang", ("clang", "-target", "bpf", "-nostdinc"))
BPF_GCC = Compiler("bpf-gcc", ("bpf-gcc", "-nostdinc"))


def _compiler(compiler: Compiler) -> Any:
    found = shutil.which(compiler.argv[0]) is not None
    reason = f"{compiler.argv[0]} is not installed (Debian: clang, gcc-bpf)"
    return pytest.param(
        compiler, id=compiler.name, marks=pytest.mark.skipif(not found, reason=reason)
    )


CLANGS = [_compiler(ZIG_CLANG), _compiler(CLANG)]
COMPILERS = [*CLANGS, _compiler(BPF_GCC)]


@lru_cache
def embedded() -> Timeline:
    return helperhist.load("embedded")


@lru_cache
def header_text(options: HeaderOptions) -> str:
    return render_header(embedded(), options).text


@lru_cache
def release_helpers(version: str) -> Mapping[str, int]:
    """The helpers of a release with their numbers."""
    found = {e.name: e.id for e in embedded().at(version) if e.kind == "helper"}
    return {name: number for name, number in found.items() if number is not None}


def write_headers(folder: Path, version: str, bpf_h: str | None = None) -> Path:
    """Write minimal kernel headers in the style of a release; return their folder.

    :param bpf_h: the body of ``linux/bpf.h``, if it is not that of the release
    """
    linux = folder / "linux"
    linux.mkdir(parents=True, exist_ok=True)
    release = KernelVersion.parse(version)
    code = (release.major << 16) + (release.minor << 8) + release.patch
    (linux / "types.h").write_text(_TYPES_H)
    (linux / "version.h").write_text(
        f"#define LINUX_VERSION_CODE {code}\n"
        "#define KERNEL_VERSION(a,b,c) (((a) << 16) + ((b) << 8) + (c))\n"
    )
    body = bpf_h if bpf_h is not None else bpf_body(release, _short(release_helpers(version)))
    (linux / "bpf.h").write_text(
        "#ifndef __LINUX_BPF_H__\n#define __LINUX_BPF_H__\n#include <linux/types.h>\n"
        f"{body}#endif\n"
    )
    return folder


def _short(names: Iterable[str]) -> list[str]:
    return [name.removeprefix("bpf_") for name in names]


def bpf_body(release: KernelVersion, names: Sequence[str], comma: bool = True) -> str:
    """The list of helpers as ``bpf.h`` of a release writes it.

    Enumerators until 4.9; then ``FN(x)``, commit ebb676daa1a3 ("bpf: Print function name in
    addition to function id"); from 6.2 ``FN(x, n, ##ctx)``, commit 8a76145a2ec2 ("bpf: explicitly
    define BPF_FUNC_xxx integer values").
    """
    if release < KernelVersion.parse("4.10"):
        lines = "".join(f"\tBPF_FUNC_{name},\n" for name in names)
        return f"enum bpf_func_id {{\n\tBPF_FUNC_unspec,\n{lines}\t__BPF_FUNC_MAX_ID,\n}};\n"
    everything = ["unspec", *names]
    if release < KernelVersion.parse("6.2"):
        lines = ",\t\\\n".join(f"\tFN({name})" for name in everything) + ("," if comma else "")
        return (
            f"#define __BPF_FUNC_MAPPER(FN)\t\\\n{lines}\n"
            "#define __BPF_ENUM_FN(x) BPF_FUNC_ ## x\n"
            f"enum bpf_func_id {{ __BPF_FUNC_MAPPER(__BPF_ENUM_FN){'' if comma else ','} "
            "__BPF_FUNC_MAX_ID, };\n#undef __BPF_ENUM_FN\n"
        )
    lines = "\t\\\n".join(f"\tFN({name}, {n}, ##ctx)" for n, name in enumerate(everything))
    return (
        f"#define ___BPF_FUNC_MAPPER(FN, ctx...)\t\\\n{lines}\t\\\n\t/* */\n"
        "#define __BPF_FUNC_MAPPER_APPLY(name, value, FN) FN(name),\n"
        "#define __BPF_FUNC_MAPPER(FN) ___BPF_FUNC_MAPPER(__BPF_FUNC_MAPPER_APPLY, FN)\n"
        "#define __BPF_ENUM_FN(x, y) BPF_FUNC_ ## x = y,\n"
        "enum bpf_func_id { ___BPF_FUNC_MAPPER(__BPF_ENUM_FN) __BPF_FUNC_MAX_ID, };\n"
        "#undef __BPF_ENUM_FN\n"
    )


def vmlinux_h(names: Iterable[str]) -> str:
    """A small vmlinux.h with the parts that the generated header uses."""
    values = "".join(f"\tBPF_FUNC_{n} = {i},\n" for i, n in enumerate(["unspec", *names]))
    return (
        "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n"
        f"{_TYPES_H}enum bpf_func_id {{\n{values}\t__BPF_FUNC_MAX_ID,\n}};\n"
        "struct __sk_buff { __u32 len; };\n#endif\n"
    )


def expect_has(expected: Mapping[str, bool]) -> str:
    """C text that compiles only where HELPERHIST_HAS gives what is expected."""
    return "".join(
        f"#if HELPERHIST_HAS({name}) != {int(present)}\n#error HELPERHIST_HAS({name})\n#endif\n"
        for name, present in expected.items()
    )


@dataclass(frozen=True)
class Declared:
    """What a syntax tree says: helper to number, and the names that are unavailable."""

    numbers: dict[str, int]
    unavailable: frozenset[str]
    types: dict[str, str]
    enumerators: dict[str, int]


def syntax_tree(
    source: str, *includes: Path, compiler: Compiler = ZIG_CLANG, std: str = "gnu11"
) -> Declared:
    """Compile C text and collect the functions declared as numbers from the syntax tree."""
    done = subprocess.run(
        [*compiler.argv, f"-std={std}", "-fsyntax-only", *STRICT]
        + [word for path in includes for word in ("-isystem", str(path))]
        + ["-Wno-unused-macros", "-Xclang", "-ast-dump=json", "-x", "c", "-"],
        input=source, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return declared(json.loads(done.stdout))


def declared(tree: Mapping[str, Any]) -> Declared:
    numbers: dict[str, int] = {}
    unavailable: set[str] = set()
    types: dict[str, str] = {}
    enumerators: dict[str, int] = {}
    for node in tree["inner"]:
        if node["kind"] == "EnumDecl":
            value = -1
            for entry in node.get("inner", ()):
                if entry["kind"] != "EnumConstantDecl":
                    continue
                explicit = _value(entry, enumerators)
                value = value + 1 if explicit is None else explicit
                enumerators[entry["name"]] = value
        elif node["kind"] == "VarDecl" and node["name"].startswith("bpf_"):
            name, inner = node["name"], node.get("inner", ())
            assert name not in types, f"{name} is declared twice"
            types[name] = node["type"]["qualType"]
            if any(child["kind"] == "UnavailableAttr" for child in inner):
                assert node["storageClass"] == "extern"
                unavailable.add(name)
            else:
                assert node["storageClass"] == "static"
                number = _value(node, enumerators)
                assert number is not None
                numbers[name] = number
    return Declared(numbers, frozenset(unavailable), types, enumerators)


def _value(node: Mapping[str, Any], enumerators: Mapping[str, int]) -> int | None:
    """The integer in an initializer: a literal, an enumerator, or what the compiler computed."""
    if node["kind"] in ("ConstantExpr", "IntegerLiteral"):
        return int(node["value"])
    if node["kind"] == "DeclRefExpr":
        return enumerators[node["referencedDecl"]["name"]]
    children = [_value(child, enumerators) for child in node.get("inner", ())]
    found = [value for value in children if value is not None]
    assert len(found) <= 1
    return found[0] if found else None
