"""Small headers as bpftool writes them, with the kfuncs of a release, from the embedded data."""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from helperhist.version import KernelVersion
from tests.build.headers import embedded, release_helpers, vmlinux_h

_TYPES = """\
typedef __u8 u8; typedef __u16 u16; typedef __u32 u32; typedef __u64 u64;
typedef __s8 s8; typedef __s16 s16; typedef __s32 s32; typedef __s64 s64;
typedef _Bool bool; typedef unsigned long size_t;
"""
_CALLBACK = """\
typedef int (*bpf_task_work_callback_t)(struct bpf_map *, void *, void *);
"""
_ARENA = {"bpf_arena_alloc_pages", "bpf_arena_free_pages", "bpf_arena_reserve_pages"}


@lru_cache
def release_kfuncs(version: str) -> dict[str, str]:
    """The kfuncs of a release with their prototypes."""
    wanted = KernelVersion.parse(version)
    found = {}
    for relation in embedded().relations.find("kfunc_proto"):
        for item in relation.intervals:
            start = KernelVersion.parse(item.start)
            if start <= wanted and (item.end is None or wanted < KernelVersion.parse(item.end)):
                found[relation.name] = item.value
    return found


def _tags(prototypes: Collection[str]) -> Iterator[str]:
    tags = {tag for text in prototypes for tag in re.findall(r"(?:struct|union|enum) \w+", text)}
    return iter(sorted(tags))


def kfunc_vmlinux(version: str, declared: Collection[str] | None = None) -> str:
    """A vmlinux.h of a release: it defines the types of its kfuncs, and declares kfuncs.

    :param declared: the kfuncs that it declares; None for all
    """
    kfuncs = release_kfuncs(version)
    # The tags of the data end before its relations do.
    newest = max(tag.version for tag in embedded().releases)
    helpers = release_helpers(str(min(newest, KernelVersion.parse(version))))
    short = [name.removeprefix("bpf_") for name in helpers]
    head = vmlinux_h(short).removesuffix("#endif\n")
    types = ""
    for tag in [*_tags(kfuncs.values()), "struct bpf_map"]:
        kind, _, name = tag.partition(" ")
        if f"{tag} {{" not in head + types:
            types += f"{tag} {{ {name}_0 }};\n" if kind == "enum" else f"{tag} {{ int x; }};\n"
    names = kfuncs if declared is None else [name for name in kfuncs if name in declared]
    lines = "".join(
        f"extern {_as_bpftool(kfuncs[name])} __weak __ksym;\n"
        for name in names
        if name not in _ARENA and "__arena" not in kfuncs[name]
    )
    return (
        f"{head}{_TYPES}{types}{_CALLBACK}"
        '#define __ksym __attribute__((section(".ksyms")))\n'
        "#define __weak __attribute__((weak))\n"
        f"#ifndef BPF_NO_KFUNC_PROTOTYPES\n{lines}#endif\n#endif\n"
    )


def _as_bpftool(prototype: str) -> str:
    """A function as a parameter is written as a pointer in BTF."""
    return re.sub(r" \((\w+)\)\(", r" (*\1)(", prototype)
