"""Every row of the table of requirements: an object that triggers it, and one that must not."""

from dataclasses import dataclass

import pytest

from tests.build.checked import check_c, optional, required, unknown


@dataclass(frozen=True)
class Case:
    """``yes`` needs ``name`` from ``since`` on; ``no`` does not need it."""

    id: str
    name: str
    since: str
    yes: str
    no: str
    cpu: str = "v2"
    cpu_no: str = ""
    loader: str = "libbpf"


def prog(section: str, body: str = "return 0;", context: str = "void *ctx") -> str:
    return f'SEC("{section}") int prog({context}) {{ {body} }}\n'


def asm(text: str) -> str:
    return prog("socket", f'asm volatile("{text}" ::: "r0", "r1", "r2"); return 0;')


def map_(definition: str) -> str:
    return f'struct {{ {definition} }} m SEC(".maps");\n' + prog("socket")


def value(members: str, before: str = "") -> str:
    return (
        f"{before}\nstruct v {{ int x; {members} }};\n"
        "struct { __uint(type, 2); __uint(max_entries, 1); __type(key, u32);"
        ' __type(value, struct v); } m SEC(".maps");\n' + prog("socket")
    )


HASH = "__uint(type, 1); __uint(max_entries, 8); __type(key, u32); __type(value, u64);"
ARITH = "volatile int a, b; int c;"
FLAGS = [
    ("BPF_F_NO_PREALLOC", 1, "4.6"),
    ("BPF_F_NO_COMMON_LRU", 2, "4.10"),
    ("BPF_F_NUMA_NODE", 4, "4.14"),
    ("BPF_F_RDONLY", 8, "4.15"),
    ("BPF_F_WRONLY", 16, "4.15"),
    ("BPF_F_ZERO_SEED", 64, "5.0"),
    ("BPF_F_RDONLY_PROG", 128, "5.2"),
    ("BPF_F_WRONLY_PROG", 256, "5.2"),
    ("BPF_F_CLONE", 512, "5.4"),
    ("BPF_F_MMAPABLE", 1024, "5.5"),
    ("BPF_F_PRESERVE_ELEMS", 2048, "5.10"),
    ("BPF_F_INNER_MAP", 4096, "5.10"),
    ("BPF_F_LINK", 8192, "6.4"),
]
FIELDS = [
    ("socket", "__sk_buff.len", "4.1", 0, 4),
    ("tc", "__sk_buff.data_meta", "4.15", 140, 4),
    ("tc", "__sk_buff.tstamp", "5.0", 152, 8),
    ("tc", "__sk_buff.hwtstamp", "5.16", 184, 8),
    ("xdp", "xdp_md.rx_queue_index", "4.16", 16, 4),
    ("xdp", "xdp_md.egress_ifindex", "5.8", 20, 4),
    ("sockops", "bpf_sock_ops.skb_hwtstamp", "6.2", 216, 8),
    ("sk_msg", "sk_msg_md.sk", "5.8", 72, 8),
    ("sk_lookup", "bpf_sk_lookup.ingress_ifindex", "5.17", 64, 4),
    ("sk_reuseport", "sk_reuseport_md.migrating_sk", "5.14", 48, 8),
    ("cgroup/sock_create", "bpf_sock.rx_queue_mapping", "5.8", 76, 4),
    ("cgroup/connect4", "bpf_sock_addr.sk", "5.3", 64, 8),
    ("cgroup/getsockopt", "bpf_sockopt.retval", "5.3", 36, 4),
    ("cgroup/sysctl", "bpf_sysctl.file_pos", "5.2", 4, 4),
    ("cgroup/dev", "bpf_cgroup_dev_ctx.minor", "4.15", 8, 4),
]
VALUES = [
    ("bpf_spin_lock", "5.1"),
    ("bpf_timer", "5.15"),
    ("bpf_dynptr", "5.19"),
    ("bpf_list_head", "6.2"),
    ("bpf_rb_root", "6.3"),
    ("bpf_refcount", "6.4"),
    ("bpf_wq", "6.10"),
    ("bpf_task_work", "6.18"),
]
#: Section, the name that it needs, its release, and a section that does not need it.
SECTIONS = [
    ("socket", "BPF_PROG_TYPE_SOCKET_FILTER", "3.19", "kprobe/x"),
    ("kprobe/x", "BPF_PROG_TYPE_KPROBE", "4.1", "socket"),
    ("fentry/x", "BPF_TRACE_FENTRY", "5.5", "kprobe/x"),
    ("fexit/x", "BPF_TRACE_FEXIT", "5.5", "kretprobe/x"),
    ("tp_btf/x", "BPF_TRACE_RAW_TP", "5.5", "raw_tp/x"),
    ("freplace/x", "BPF_PROG_TYPE_EXT", "5.6", "xdp"),
    ("fmod_ret/x", "BPF_MODIFY_RETURN", "5.7", "fentry/x"),
    ("lsm/x", "BPF_LSM_MAC", "5.7", "fmod_ret/x"),
    ("iter/task", "BPF_TRACE_ITER", "5.8", "fentry/x"),
    ("fentry/mod:x", "target in a module", "5.11", "fentry/x"),
    ("fentry.s/x", "sleepable program", "5.10", "fentry/x"),
    ("fmod_ret.s/x", "sleepable program", "5.10", "fmod_ret/x"),
    ("lsm.s/x", "sleepable program", "5.10", "lsm/x"),
    ("kprobe.multi/x", "BPF_TRACE_KPROBE_MULTI", "5.18", "kprobe/x"),
    ("uprobe.multi/x:y", "BPF_TRACE_UPROBE_MULTI", "6.6", "uprobe/x:y"),
    ("kprobe.session/x", "BPF_TRACE_KPROBE_SESSION", "6.10", "kprobe.multi/x"),
    ("uprobe.session/x:y", "BPF_TRACE_UPROBE_SESSION", "6.13", "uprobe.multi/x:y"),
    ("fsession/x", "BPF_TRACE_FSESSION", "7.0", "fentry/x"),
    ("xdp.frags", "BPF_F_XDP_HAS_FRAGS", "5.18", "xdp"),
    ("xdp/devmap", "BPF_XDP_DEVMAP", "5.8", "xdp"),
    ("xdp/cpumap", "BPF_XDP_CPUMAP", "5.9", "xdp"),
    ("tcx/ingress", "BPF_TCX_INGRESS", "6.6", "tc"),
    ("netkit/primary", "BPF_NETKIT_PRIMARY", "6.7", "tc"),
    ("netfilter", "BPF_PROG_TYPE_NETFILTER", "6.4", "tc"),
    ("lsm_cgroup/x", "BPF_LSM_CGROUP", "6.0", "lsm/x"),
    ("cgroup/connect4", "expected_attach_type at load", "4.17", "cgroup_skb/egress"),
    ("tc/ingress", "expected_attach_type at load", "4.17", "tc"),
    ("sk_skb/verdict", "BPF_SK_SKB_VERDICT", "5.13", "sk_skb"),
    ("sk_reuseport/migrate", "BPF_SK_REUSEPORT_SELECT_OR_MIGRATE", "5.14", "sk_reuseport"),
    ("syscall", "BPF_PROG_TYPE_SYSCALL", "5.14", "socket"),
    ("struct_ops/x", "BPF_PROG_TYPE_STRUCT_OPS", "5.6", "socket"),
]

SUB = '__noinline int sub(int a) { asm volatile("" : "+r"(a)); return a; }\n'
STATIC_SUB = "static " + SUB
TAIL = "CALL3(12, ctx, 0, 0);"
CALLBACK = "static int cb(void *m, void *k, void *v, void *c) { return 0; }\n"
OPS = (
    'struct tcp_congestion_ops {{ int x; }};\nstruct tcp_congestion_ops ops SEC("{}") = {{ 1 }};\n'
)

CASES = [
    Case(
        "many instructions",
        "more than 4096 instructions",
        "5.2",
        asm(".rept 4100\\nr0 = 1\\n.endr"),
        asm(".rept 4000\\nr0 = 1\\n.endr"),
    ),
    Case(
        "loop",
        "bounded loop",
        "5.3",
        asm("r0 = 8\\n1: r0 += -1\\nif r0 != 0 goto -2"),
        # A jump back that closes no loop: compilers write those too.
        asm("goto +2\\nr0 = 0\\ngoto +1\\ngoto -3\\nr0 = 0"),
    ),
    *(
        Case(name, name, "4.14", asm(f"if r1 {sign} 5 goto +1\\nr0 = 0"), asm(plain))
        for name, sign, plain in (
            ("BPF_JLT", "<", "if r1 > 5 goto +1\\nr0 = 0"),
            ("BPF_JLE", "<=", "if r1 >= 5 goto +1\\nr0 = 0"),
            ("BPF_JSLT", "s<", "if r1 s> 5 goto +1\\nr0 = 0"),
            ("BPF_JSLE", "s<=", "if r1 s>= 5 goto +1\\nr0 = 0"),
        )
    ),
    Case(
        "jmp32",
        "BPF_JMP32",
        "5.1",
        ARITH + prog("socket", "return a == b;"),
        ARITH + prog("socket", "return a == b;"),
        cpu="v3",
        cpu_no="v2",
    ),
    Case(
        "memsx",
        "BPF_MEMSX",
        "6.6",
        "volatile short a;" + prog("socket", "return a;"),
        "volatile short a;" + prog("socket", "return a;"),
        cpu="v4",
        cpu_no="v3",
    ),
    Case(
        "movsx",
        "sign-extending move",
        "6.6",
        asm("r0 = (s8)r1"),
        asm("r0 = r1"),
        cpu="v4",
    ),
    Case(
        "bswap",
        "unconditional byte swap",
        "6.6",
        asm("r0 = bswap64 r0"),
        asm("r0 = be64 r0"),
        cpu="v4",
    ),
    Case("sdiv", "signed division", "6.6", asm("r0 s/= r1"), asm("r0 /= r1"), cpu="v4"),
    Case("smod", "signed division", "6.6", asm("r0 s%%= 3"), asm("r0 %%= 3"), cpu="v4"),
    Case("gotol", "long jump", "6.6", asm("gotol +0"), asm("goto +0"), cpu="v4"),
    Case(
        "atomic or",
        "BPF_ATOMIC",
        "5.12",
        asm("*(u64 *)(r10 - 8) = r1\\nlock *(u64 *)(r10 - 8) |= r1"),
        asm("*(u64 *)(r10 - 8) = r1\\nlock *(u64 *)(r10 - 8) += r1"),
        cpu="v3",
    ),
    *(
        Case(
            name,
            name,
            "5.12",
            f"u64 v; {prog('socket', body)}",
            "u64 v; " + prog("socket", "v += 1; return 0;"),
            cpu="v3",
        )
        for name, body in (
            ("BPF_FETCH", "return __sync_fetch_and_add(&v, 3);"),
            ("BPF_XCHG", "return __sync_lock_test_and_set(&v, 3);"),
            ("BPF_CMPXCHG", "return __sync_val_compare_and_swap(&v, 3, 4);"),
        )
    ),
    Case(
        "load acquire",
        "BPF_LOAD_ACQ",
        "6.15",
        asm("*(u64 *)(r10 - 8) = r1\\nr0 = load_acquire((u64 *)(r10 - 8))"),
        asm("*(u64 *)(r10 - 8) = r1\\nr0 = *(u64 *)(r10 - 8)"),
        cpu="v4",
    ),
    Case(
        "store release",
        "BPF_STORE_REL",
        "6.15",
        asm("store_release((u64 *)(r10 - 8), r1)"),
        asm("*(u64 *)(r10 - 8) = r1"),
        cpu="v4",
    ),
    Case("may_goto", "BPF_MAY_GOTO", "6.9", asm("may_goto +0"), asm("goto +0"), cpu="v4"),
    Case(
        "addr_space_cast",
        "BPF_ADDR_SPACE_CAST",
        "6.9",
        asm("r1 = addr_space_cast(r1, 0x0, 0x1)"),
        asm("r1 = r1"),
        cpu="v4",
    ),
    Case(
        "insn array",
        "BPF_MAP_TYPE_INSN_ARRAY",
        "6.19",
        map_("__uint(type, 34); __uint(max_entries, 1); __type(key, u32); __type(value, u64);"),
        map_("__uint(type, 2); __uint(max_entries, 1); __type(key, u32); __type(value, u64);"),
    ),
    Case(
        "call",
        "bpf-to-bpf call",
        "4.16",
        STATIC_SUB + prog("socket", "return sub(1);"),
        prog("socket", "return 1;"),
    ),
    Case(
        "tail call beside call",
        "tail call beside bpf-to-bpf calls",
        "5.10",
        STATIC_SUB + prog("socket", TAIL + "return sub(1);"),
        prog("socket", TAIL + "return 1;"),
    ),
    Case(
        "calls alone",
        "tail call beside bpf-to-bpf calls",
        "5.10",
        STATIC_SUB + prog("socket", TAIL + "return sub(1);"),
        STATIC_SUB + prog("socket", "return sub(1);"),
    ),
    Case(
        "global function",
        "global function verified alone",
        "5.6",
        SUB + prog("socket", "return sub(1);"),
        STATIC_SUB + prog("socket", "return sub(1);"),
        loader="raw",
    ),
    Case(
        "global function with pointer",
        "global function with pointer argument",
        "5.12",
        "__noinline int sub(int *p) { return p ? *p : 0; }\n"
        + prog("socket", "int x = 1; return sub(&x);"),
        SUB + prog("socket", "return sub(1);"),
    ),
    Case(
        "global function with context",
        "global function with pointer argument",
        "5.12",
        "__noinline int sub(int *p) { return p ? *p : 0; }\n"
        + prog("socket", "int x = 1; return sub(&x);"),
        "struct __sk_buff { int len; };\n"
        "__noinline int sub(struct __sk_buff *p) { return p->len; }\n"
        + prog("socket", "return sub(ctx);", "struct __sk_buff *ctx"),
    ),
    Case(
        "global function with the context of another type",
        "global function with pointer argument",
        "5.12",
        "struct pt_regs { long a; };\n"
        "__noinline int sub(struct pt_regs *p) { return p ? p->a : 0; }\n"
        + prog("socket", "struct pt_regs x = {}; return sub(&x);"),
        "struct pt_regs { long a; };\n__noinline int sub(struct pt_regs *p) { return p->a; }\n"
        + prog("kprobe/x", "return sub(ctx);"),
    ),
    Case(
        "global function without a result",
        "global function without a result",
        "7.1",
        '__noinline void sub(int p) { asm volatile(""); }\n' + prog("socket", "sub(1); return 0;"),
        'static __noinline void sub(int p) { asm volatile(""); }\n'
        + prog("socket", "sub(1); return 0;"),
    ),
    Case(
        "32-bit arithmetic shift",
        "32-bit arithmetic right shift",
        "5.0",
        asm("w1 = 1; w1 s>>= 3"),
        asm("r1 = 1; r1 s>>= 3; w1 >>= 3"),
        cpu="v3",
    ),
    Case(
        "immediate store to the context",
        "immediate store to the context",
        "6.4",
        prog("tc", "*(volatile u32 *)(ctx + 8) = 5; return 0;"),
        prog("tc", "volatile u32 x = 5; return x;"),
        cpu="v4",
    ),
    Case(
        "argument tag",
        "argument tag of global function",
        "6.8",
        '__noinline int sub(int *p __tag("arg:nonnull")) { return *p; }\n'
        + prog("socket", "int x = 1; return sub(&x);"),
        "__noinline int sub(int *p) { return p ? *p : 0; }\n"
        + prog("socket", "int x = 1; return sub(&x);"),
    ),
    Case(
        "callback",
        "callback function",
        "5.13",
        CALLBACK + prog("socket", "return CALL4(164, 0, cb, 0, 0);"),
        prog("socket", "return CALL4(164, 0, 0, 0, 0);"),
    ),
    Case(
        "kfunc",
        "kfunc call",
        "5.13",
        "extern int bpf_iter_num_next(void *) __ksym;\n"
        + prog("socket", "return bpf_iter_num_next(ctx);"),
        prog("socket", "return CALL1(1, ctx);"),
    ),
    Case(
        "iterator kfunc",
        "bpf_iter_num_new",
        "6.4",
        "extern int bpf_iter_num_new(void *, int, int) __ksym;\n"
        + prog("socket", "return bpf_iter_num_new(ctx, 1, 2);"),
        "extern int bpf_ct_release(void *) __ksym;\n"
        + prog("socket", "return bpf_ct_release(ctx);"),
    ),
    Case(
        "throw",
        "bpf_throw",
        "6.7",
        "extern void bpf_throw(u64) __ksym;\n" + prog("socket", "bpf_throw(1); return 0;"),
        "extern int bpf_ct_release(void *) __ksym;\n"
        + prog("socket", "return bpf_ct_release(ctx);"),
    ),
    *(
        Case(
            f"global data {name}",
            "global data",
            "5.2",
            f"{declaration}\n{prog('socket', 'return v;')}",
            # Data that no program refers to does no harm: the loader leaves it out.
            f"{declaration}\n{prog('socket', 'return 1;')}",
        )
        for name, declaration in (
            (".data", "volatile int v = 5;"),
            (".bss", "volatile int v;"),
            (".rodata", "volatile const int v = 5;"),
        )
    ),
    Case(
        "kconfig",
        ".kconfig variable",
        "5.2",
        "extern int CONFIG_HZ __kconfig;\n" + prog("socket", "return CONFIG_HZ;"),
        prog("socket"),
    ),
    Case(
        "typed ksym",
        "typed .ksyms variable",
        "5.10",
        "extern const int bpf_prog_active __ksym;\n"
        + prog("socket", "return (u64)&bpf_prog_active;"),
        "extern const void bpf_prog_active __ksym;\n"
        + prog("socket", "return (u64)&bpf_prog_active;"),
    ),
    Case(
        "struct_ops",
        "BPF_MAP_TYPE_STRUCT_OPS",
        "5.6",
        OPS.format(".struct_ops") + prog("struct_ops"),
        prog("socket"),
    ),
    Case(
        "struct_ops link",
        "struct_ops with a link",
        "6.4",
        OPS.format(".struct_ops.link") + prog("struct_ops"),
        OPS.format(".struct_ops") + prog("struct_ops"),
    ),
    *(
        Case(
            name,
            f"struct {name}",
            since,
            value(f"struct {name} f;", f"struct {name} {{ int a; }};"),
            value(f"struct {name} *f;", f"struct {name} {{ int a; }};"),
        )
        for name, since in VALUES
    ),
    Case(
        "kptr",
        "kptr in a map value",
        "5.19",
        value('struct t __attribute__((btf_type_tag("kptr"))) *p;', "struct t { int a; };"),
        value("struct t *p;", "struct t { int a; };"),
    ),
    Case(
        "struct in global data",
        "struct bpf_spin_lock",
        "5.1",
        "struct bpf_spin_lock { u32 val; };\nstruct bpf_spin_lock lock;\n"
        + prog("socket", "return lock.val;"),
        "struct other { u32 val; };\nstruct other lock;\n" + prog("socket", "return lock.val;"),
    ),
    *(
        Case(f"{section}: {name}", name, since, prog(section), prog(other))
        for section, name, since, other in SECTIONS
    ),
    *(
        Case(
            name,
            name,
            since,
            map_(f"{HASH} __uint(map_flags, {bit});"),
            map_(f"{HASH} __uint(map_flags, {1 if bit != 1 else 2});"),
        )
        for name, bit, since in FLAGS
    ),
    Case(
        "numa node",
        "bpf_attr.numa_node",
        "4.14",
        map_(HASH + "__uint(numa_node, 0);"),
        map_(HASH),
    ),
    Case(
        "map_extra",
        "bpf_attr.map_extra",
        "5.16",
        map_("__uint(type, 30); __uint(max_entries, 8); __type(value, u64); __uint(map_extra, 3);"),
        map_("__uint(type, 30); __uint(max_entries, 8); __type(value, u64);"),
    ),
    Case(
        "map in map",
        "BPF_MAP_TYPE_ARRAY_OF_MAPS",
        "4.12",
        map_(
            "__uint(type, 12); __uint(max_entries, 1); __type(key, u32);"
            f" __array(values, struct {{ {HASH} }});"
        ),
        map_(HASH),
    ),
    Case(
        "inner map",
        "BPF_MAP_TYPE_LRU_HASH",
        "4.10",
        map_(
            "__uint(type, 12); __uint(max_entries, 1); __type(key, u32);"
            " __array(values, struct { __uint(type, 9); __uint(max_entries, 1);"
            " __type(key, u32); __type(value, u32); });"
        ),
        map_(
            "__uint(type, 12); __uint(max_entries, 1); __type(key, u32);"
            f" __array(values, struct {{ {HASH} }});"
        ),
    ),
    *(
        Case(
            name,
            name,
            since,
            prog(section, f"return *(volatile u{8 * size} *)(ctx + {offset});"),
            prog(section, "return 0;"),
        )
        for section, name, since, offset, size in FIELDS
    ),
    *(
        Case(
            name,
            name,
            since,
            prog("kprobe/x", f"return CALL1({number}, ctx);"),
            prog("kprobe/x", "return CALL1(1, ctx);"),
            loader="raw",
        )
        for name, number, since in (
            ("bpf_ringbuf_output", 130, "5.8"),
            ("bpf_loop", 181, "5.17"),
            ("bpf_probe_read_kernel", 113, "5.5"),
            ("bpf_cgrp_storage_delete", 211, "6.2"),
        )
    ),
    *(
        Case(
            name,
            name,
            since,
            map_(f"__uint(type, {number}); __uint(max_entries, 8); __type(value, u64);"),
            map_(HASH),
        )
        for name, number, since in (
            ("BPF_MAP_TYPE_QUEUE", 22, "4.20"),
            ("BPF_MAP_TYPE_RINGBUF", 27, "5.8"),
            # Two names share number 19; the older one says since when it works.
            ("BPF_MAP_TYPE_CGROUP_STORAGE", 19, "4.19"),
            ("BPF_MAP_TYPE_ARENA", 33, "6.9"),
        )
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rule(case: Case) -> None:
    yes = required(check_c(case.yes, cpu=case.cpu, loader=case.loader))
    assert yes.get(case.name) == case.since
    no = required(check_c(case.no, cpu=case.cpu_no or case.cpu, loader=case.loader))
    assert case.name not in no


@pytest.mark.parametrize("case", CASES[::7], ids=lambda case: case.id)
def test_rule_in_the_other_byte_order(case: Case) -> None:
    little = check_c(case.yes, cpu=case.cpu, loader=case.loader)
    big = check_c(case.yes, cpu=case.cpu, loader=case.loader, order="eb")
    assert required(big) == required(little)
    assert unknown(big) == unknown(little)


#: What must raise nothing: a program, and the names that are required for other reasons.
SOCKET = {"BPF_PROG_TYPE_SOCKET_FILTER": "3.19"}
NOTHING = {
    "CO-RE relocation": "struct s { int a; int b; } __core;\n"
    + prog("socket", "return ((struct s *)0)->b;"),
    "untyped ksym": "extern const void some_symbol __ksym;\n"
    + prog("socket", "return (u64)&some_symbol;"),
    "weak typed ksym": "extern const int some_symbol __ksym __weak;\n"
    + prog("socket", "return &some_symbol ? 1 : 0;"),
    "BTF of tags": '#define T __attribute__((btf_type_tag("user")))\nstruct s { int T *p; };\n'
    + prog("socket", "return (u64)((struct s *)0)->p > 1;").replace(
        "(struct s *)0", "(struct s *)8"
    ),
    "hidden function": '__attribute__((visibility("hidden"))) ' + SUB + prog("socket"),
}


@pytest.mark.parametrize("source", NOTHING.values(), ids=NOTHING)
def test_raises_nothing(source: str) -> None:
    found = check_c(source)
    assert required(found).items() <= {**SOCKET, "__sk_buff.len": "4.1"}.items()
    assert unknown(found) == {}


def test_attach_type_that_the_loader_leaves_out_is_optional() -> None:
    found = check_c(prog("xdp"))
    assert required(found) == {"BPF_PROG_TYPE_XDP": "4.8"}
    assert optional(found) == {"BPF_XDP": "5.9"}


def test_cilium_leaves_the_attach_type_out_of_xdp_only() -> None:
    found = check_c(prog("sockops"), loader="cilium")
    assert required(found)["expected_attach_type at load"] == "4.17"
    assert "expected_attach_type at load" not in required(check_c(prog("xdp"), loader="cilium"))
    assert "expected_attach_type at load" not in required(check_c(prog("sockops")))


def test_cilium_takes_exact_section_names_for_prefixes() -> None:
    assert unknown(check_c(prog("socket/2"))) == {"socket/2": False}
    found = check_c(prog("socket/2"), loader="cilium")
    assert (required(found), unknown(found)) == (SOCKET, {})


def test_attach_stage() -> None:
    stages = {item.name: item.stage for item in check_c(prog("kprobe.multi/x")).requirements}
    assert stages["BPF_TRACE_KPROBE_MULTI"] == "attach"
    assert stages["BPF_PROG_TYPE_KPROBE"] == "load"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (prog("kprobe/x", "return CALL1(9999, ctx);"), "helper 9999"),
        (asm("call 0"), "helper 0"),
        (map_("__uint(type, 99); __uint(max_entries, 1);"), "map type 99"),
        (map_("__uint(max_entries, 1);"), "map without a type"),
        (map_(HASH + "__uint(map_flags, 1 << 30);"), "map flags 0x40000000"),
        (asm(".8byte 0xff"), "opcode 0xff"),
        (asm(".8byte 0x0d"), "indirect jump"),
        (asm(".8byte 0x8d"), "opcode 0x8d"),
        (asm(".8byte 0x00000002000010e5"), "opcode 0xe5"),
        (prog("no_such_section"), "no_such_section"),
        (prog("usdt.s/x", "return CALL1(9999, ctx);"), "helper 9999"),
        (prog("xdp", "return *(volatile u32 *)(ctx + 24);"), "xdp_md at 24"),
        (
            "extern int no_such_kfunc(void) __ksym;\n" + prog("socket", "return no_such_kfunc();"),
            "no_such_kfunc",
        ),
        (
            "__noinline int sub(void *p) { return p ? 1 : 0; }\n"
            + prog("socket", "return sub(ctx);"),
            "global function with void * argument",
        ),
        (
            'struct some_ops { int x; };\nstruct some_ops ops SEC(".struct_ops") = { 1 };\n'
            + prog("struct_ops"),
            "struct some_ops",
        ),
        (
            '__noinline int sub(int *p __tag("arg:future")) { return *p; }\n'
            + prog("socket", "int x = 1; return sub(&x);"),
            "arg:future",
        ),
    ],
    ids=lambda item: item if len(item) < 30 else "",
)
def test_unknown_is_said(source: str, name: str) -> None:
    assert unknown(check_c(source)) == {name: False}
