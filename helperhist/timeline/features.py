"""Since which release kernels can do what no name of ``bpf.h`` marks: one table.

What a name of the header marks is not here: its release is the timeline's.
"""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["FEATURES", "ITERATORS", "STRUCT_OPS", "Feature"]


class Feature(NamedTuple):
    """Something that kernels from a release on can do.

    :ivar name: what users read
    :ivar since: the release, ``"5.3"``
    :ivar source: where the release is from: a kernel commit, a file of two releases, a document
    :ivar note: what else there is to say
    """

    name: str
    since: str
    source: str
    note: str = ""


_V4 = "cilium/ebpf, HaveV4ISA"
_FIRST_HEADER = "first UAPI header with it"

#: Key to feature.
FEATURES: Mapping[str, Feature] = {
    # Instructions
    "sign-extending move": Feature("sign-extending move", "6.6", _V4),
    "unconditional byte swap": Feature("unconditional byte swap", "6.6", _V4),
    "signed division": Feature("signed division", "6.6", _V4),
    "long jump": Feature("long jump", "6.6", _V4),
    "32-bit arithmetic shift": Feature(
        "32-bit arithmetic right shift", "5.0", "kernel commit c099f3f413f3, its test"
    ),
    "store to context": Feature(
        "immediate store to the context", "6.4", "kernel commit 0d80a619c113"
    ),
    # The shape of programs
    "many instructions": Feature(
        "more than 4096 instructions", "5.2", "kernel commit c04c0d2b968a"
    ),
    "loop": Feature("bounded loop", "5.3", "kernel commit 2589726d12a1"),
    "tail calls and calls": Feature(
        "tail call beside bpf-to-bpf calls",
        "5.10",
        "kernel commit e411901c0b77",
        "on x86-64; arm64 6.0, s390 6.3, LoongArch 6.4",
    ),
    "packet loads and calls": Feature(
        "BPF_LD_ABS or BPF_LD_IND beside bpf-to-bpf calls", "5.10", "verifier.c of 5.9 and 5.10"
    ),
    "global function": Feature(
        "global function verified alone", "5.6", "kernel commit 51c39bb1d5d1"
    ),
    "global function, pointer": Feature(
        "global function with pointer argument", "5.12", "kernel commit e5069b9c23b3"
    ),
    "global function, void": Feature(
        "global function without a result", "7.1", "kernel commit 8446ded1e1a0"
    ),
    "argument tag": Feature("argument tag of global function", "6.8", "kernel commit 94e1c70a3452"),
    # Program types
    "module target": Feature("target in a module", "5.11", "kernel commit 290248a5b7d8"),
    "trampoline": Feature(
        "trampoline of x86-64",
        "5.5",
        "arch_prepare_bpf_trampoline() in arch/x86/net of 5.4 and 5.6",
    ),
    "trampoline of arm64": Feature(
        "trampoline of arm64", "6.0", "arch_prepare_bpf_trampoline() of arch/arm64/net"
    ),
    # Maps
    "perf_event, no preallocation": Feature(
        "BPF_F_NO_PREALLOC map in a perf_event program", "6.1", "verifier.c of 6.0 and 6.1"
    ),
    "look-up in XSKMAP": Feature("look-up in an XSKMAP", "5.3", "kernel commit fada7fdc83c0"),
    "look-up in SOCKMAP": Feature(
        "look-up in a SOCKMAP or SOCKHASH", "5.8", "verifier.c of 5.7 and 5.8"
    ),
    "constant maps": Feature(
        "contents of read-only maps known to the verifier", "5.5", "kernel commit a23740ec43ba"
    ),
    "kptr": Feature("kptr in a map value", "5.19", "ebpf-docs"),
    "bpf_list_head": Feature("struct bpf_list_head", "6.2", _FIRST_HEADER),
    "bpf_list_node": Feature("struct bpf_list_node", "6.2", _FIRST_HEADER),
    "bpf_rb_root": Feature("struct bpf_rb_root", "6.3", _FIRST_HEADER),
    "bpf_rb_node": Feature("struct bpf_rb_node", "6.3", _FIRST_HEADER),
    "bpf_refcount": Feature("struct bpf_refcount", "6.4", _FIRST_HEADER),
    # What the loader needs
    "CAP_BPF": Feature("CAP_BPF", "5.8", "include/uapi/linux/capability.h of 5.7 and 5.8"),
    "memory of the cgroup": Feature(
        "maps counted against the cgroup, not RLIMIT_MEMLOCK",
        "5.11",
        "bpf_map_charge_init() in kernel/bpf/syscall.c of 5.10 and 5.11",
    ),
}

#: Structs of kernel operations that BPF can implement. Source: ebpf-docs, program type STRUCT_OPS;
#: the `struct bpf_struct_ops` of the kernel's sources of 5.16, 6.19, 7.1, 7.2 and 7.3.
STRUCT_OPS: Mapping[str, str] = {
    "tcp_congestion_ops": "5.6",
    "bpf_dummy_ops": "5.16",
    "hid_bpf_ops": "6.11",
    "sched_ext_ops": "6.12",
    "Qdisc_ops": "6.16",
    "smc_hs_ctrl": "6.19",
    "io_uring_bpf_ops": "7.1",
    "sched_ext_ops_cid": "7.2",
    "binfmt_misc_ops": "7.3",
}

#: Targets of iterators to the first release known to have them, and the newest known not to.
#: Source: ``DEFINE_BPF_ITER_FUNC`` and ``.target`` in the kernel's sources.
ITERATORS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("bpf_map", "ipv6_route", "netlink", "task", "task_file"), ("5.8", "5.7")),
    **dict.fromkeys(
        ("bpf_map_elem", "bpf_prog", "bpf_sk_storage_map", "tcp", "udp"), ("5.9", "5.8")
    ),
    "sockmap": ("5.11", "5.9"),
    "task_vma": ("5.12", "5.11"),
    "unix": ("5.15", "5.14"),
    "bpf_link": ("5.19", "5.18"),
    "ksym": ("6.0", "5.19"),
    "cgroup": ("6.1", "6.0"),
    "kmem_cache": ("6.13", "6.12"),
    "dmabuf": ("6.16", "6.14"),
}
