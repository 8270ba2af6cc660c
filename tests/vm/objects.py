"""Programs that real kernels load or refuse: small sources, each with what it needs.

``needs`` is a name of the timeline, or a release where no name marks the feature. One that needs
nothing (``3.19``) loads everywhere, though something in it is new: that is what must not be
called a requirement.
"""

from dataclasses import dataclass
from pathlib import Path

from tests.build.objects import compile_bpf

__all__ = ["OBJECTS", "VmObject", "build"]


@dataclass(frozen=True, slots=True)
class VmObject:
    """A test object.

    :ivar needs: what decides whether it loads
    :ivar source: C, after :data:`_PRELUDE`
    """

    name: str
    needs: str
    source: str
    cpu: str = "v2"


_PRELUDE = """
typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32;
typedef unsigned long long __u64; typedef int __s32; typedef long long __s64;
#define SEC(name) __attribute__((section(name), used))
#define __noinline __attribute__((noinline))
#define __weak __attribute__((weak))
#define __ksym __attribute__((section(".ksyms")))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define MAP(id, kind, entries, k, v, ...) struct { __uint(type, kind); \\
  __uint(max_entries, entries); __type(key, k); __type(value, v); __VA_ARGS__ } id SEC(".maps")
#define HELPER(type, name, number, ...) static type (*name)(__VA_ARGS__) = (void *)number
struct bpf_spin_lock { __u32 val; };
struct bpf_timer { __u64 opaque[2]; } __attribute__((aligned(8)));
struct bpf_dynptr { __u64 opaque[2]; } __attribute__((aligned(8)));
HELPER(void *, bpf_map_lookup_elem, 1, void *, const void *);
HELPER(long, bpf_map_update_elem, 2, void *, const void *, const void *, __u64);
HELPER(__u64, bpf_ktime_get_ns, 5, void);
HELPER(long, bpf_tail_call, 12, void *, void *, __u32);
char LICENSE[] SEC("license") = "GPL";
"""


def _call(section: str, prototype: str, call: str) -> str:
    """Return a program that does one call."""
    return f'{prototype};\nSEC("{section}") int program(void *ctx) {{ return ({call}) == 12345; }}'


def _helper(name: str, number: int, section: str, arguments: str, call: str) -> VmObject:
    prototype = f"HELPER(__u64, {name}, {number}, {arguments})"
    return VmObject(f"helper_{name}", name, _call(section, prototype, f"{name}({call})"))


def _field(section: str, struct: str, field: str, offset: int, size: int = 4) -> VmObject:
    kind = {1: "__u8", 4: "__u32", 8: "__u64"}[size]
    # The context is known to the kernel by the program's type, not by a declaration of ours.
    source = (
        f"struct {struct} {{ __u8 before[{offset}]; {kind} {field}; }};\n"
        f'SEC("{section}") int program(struct {struct} *ctx)\n'
        f"{{ return *(volatile {kind} *)&ctx->{field} == 12345; }}"
    )
    return VmObject(f"field_{struct}_{field}", f"{struct}.{field}", source)


_HELPERS = (
    _helper("bpf_get_current_task", 35, "kprobe/x", "void", ""),
    _helper("bpf_jiffies64", 118, "xdp", "void", ""),
    _helper("bpf_ktime_get_boot_ns", 125, "xdp", "void", ""),
    _helper("bpf_redirect_peer", 155, "tc", "__u32, __u64", "1, 0"),
    _helper("bpf_get_current_task_btf", 158, "kprobe/x", "void", ""),
    _helper("bpf_ktime_get_coarse_ns", 160, "xdp", "void", ""),
    _helper(
        "bpf_check_mtu", 163, "xdp", "void *, __u32, __u32 *, __s32, __u64",
        "ctx, 1, &(__u32){0}, 0, 0",
    ),
    _helper("bpf_get_func_ip", 173, "kprobe/x", "void *", "ctx"),
    _helper("bpf_get_attach_cookie", 174, "kprobe/x", "void *", "ctx"),
    _helper(
        "bpf_get_branch_snapshot", 176, "kprobe/x", "void *, __u32, __u64", "&(__u64){0}, 8, 0"
    ),
    _helper("bpf_get_retval", 186, "cgroup/getsockopt", "void", ""),
    _helper("bpf_xdp_get_buff_len", 188, "xdp", "void *", "ctx"),
    _helper("bpf_skb_set_tstamp", 192, "tc", "void *, __u64, __u32", "ctx, 1, 1"),
    _helper("bpf_ktime_get_tai_ns", 208, "xdp", "void", ""),
)  # fmt: skip

_FIELDS = (
    _field("tc", "__sk_buff", "mark", 8),
    _field("tc", "__sk_buff", "gso_size", 176),
    _field("tc", "__sk_buff", "tstamp_type", 180, 1),
    _field("tc", "__sk_buff", "hwtstamp", 184, 8),
    _field("sk_lookup", "bpf_sk_lookup", "ingress_ifindex", 64),
    _field("sockops", "bpf_sock_ops", "skb_hwtstamp", 216, 8),
)

_CALLBACK = """
static __noinline long each(void *map, void *key, void *value, void *data) { return 0; }
static __noinline long step(__u64 index, void *data) { return 0; }
"""

OBJECTS: tuple[VmObject, ...] = (
    VmObject("plain", "3.19", 'SEC("socket") int program(void *ctx) { return 0; }'),
    VmObject("no_helper", "99.0", _call("kprobe/x", "HELPER(int, none, 9999, void)", "none()")),
    *_HELPERS,
    *_FIELDS,
    VmObject(
        "map_ringbuf", "BPF_MAP_TYPE_RINGBUF",
        """struct { __uint(type, 27); __uint(max_entries, 4096); } m SEC(".maps");
        HELPER(long, bpf_ringbuf_output, 130, void *, void *, __u64, __u64);
        SEC("kprobe/x") int program(void *ctx)
        { __u64 v = 1; return bpf_ringbuf_output(&m, &v, sizeof(v), 0); }""",
    ),
    VmObject(
        "map_bloom_filter", "BPF_MAP_TYPE_BLOOM_FILTER",
        """struct { __uint(type, 30); __uint(max_entries, 8); __type(value, __u32); } m
        SEC(".maps");
        HELPER(long, bpf_map_peek_elem, 89, void *, void *);
        SEC("xdp") int program(void *ctx)
        { __u32 v = 1; return bpf_map_peek_elem(&m, &v) ? 1 : 2; }""",
    ),
    VmObject(
        "map_task_storage", "BPF_MAP_TYPE_TASK_STORAGE",
        """MAP(m, 29, 0, int, __u64, __uint(map_flags, 1););
        SEC("socket") int program(void *ctx) { return (long)&m == 5; }""",
    ),
    VmObject(
        "map_cgrp_storage", "BPF_MAP_TYPE_CGRP_STORAGE",
        """MAP(m, 32, 0, int, __u64, __uint(map_flags, 1););
        SEC("socket") int program(void *ctx) { return (long)&m == 5; }""",
    ),
    VmObject(
        "map_arena", "BPF_MAP_TYPE_ARENA",
        """struct { __uint(type, 33); __uint(map_flags, 1024); __uint(max_entries, 1); } m
        SEC(".maps");
        SEC("socket") int program(void *ctx) { return (long)&m == 5; }""",
    ),
    VmObject(
        "map_mmapable", "5.5",
        """MAP(m, 2, 1, __u32, __u64, __uint(map_flags, 1024););
        SEC("xdp") int program(void *ctx)
        { __u32 k = 0; return bpf_map_lookup_elem(&m, &k) ? 1 : 2; }""",
    ),
    VmObject(
        "loop", "bpf_loop",
        _CALLBACK + """HELPER(long, bpf_loop, 181, __u32, void *, void *, __u64);
        SEC("xdp") int program(void *ctx) { return bpf_loop(3, step, 0, 0); }""",
    ),
    VmObject(
        "for_each", "bpf_for_each_map_elem",
        _CALLBACK + """HELPER(long, bpf_for_each_map_elem, 164, void *, void *, void *, __u64);
        MAP(m, 2, 1, __u32, __u64);
        SEC("xdp") int program(void *ctx) { return bpf_for_each_map_elem(&m, each, 0, 0); }""",
    ),
    VmObject(
        "strncmp", "bpf_strncmp",
        """HELPER(long, bpf_strncmp, 182, const char *, __u32, const char *);
        static const char word[8] = "word";
        SEC("kprobe/x") int program(void *ctx)
        { char s[8] = "words"; return bpf_strncmp(s, 8, word); }""",
    ),
    VmObject(
        "snprintf", "bpf_snprintf",
        """HELPER(long, bpf_snprintf, 165, char *, __u32, const char *, __u64 *, __u32);
        static const char format[4] = "%d";
        SEC("kprobe/x") int program(void *ctx)
        { char s[8]; __u64 v = 7; return bpf_snprintf(s, 8, format, &v, 8); }""",
    ),
    VmObject(
        "timer", "bpf_timer_init",
        """struct value { struct bpf_timer timer; };
        MAP(m, 2, 1, __u32, struct value);
        HELPER(long, bpf_timer_init, 169, struct bpf_timer *, void *, __u64);
        SEC("tc") int program(void *ctx) { __u32 k = 0; struct value *v;
        v = bpf_map_lookup_elem(&m, &k); return v ? bpf_timer_init(&v->timer, &m, 1) : 0; }""",
    ),
    VmObject(
        "dynptr", "bpf_dynptr_from_mem",
        """MAP(m, 2, 1, __u32, __u64);
        HELPER(long, bpf_dynptr_from_mem, 197, void *, __u32, __u64, struct bpf_dynptr *);
        SEC("kprobe/x") int program(void *ctx) { __u32 k = 0; struct bpf_dynptr p; void *v;
        v = bpf_map_lookup_elem(&m, &k); return v ? bpf_dynptr_from_mem(v, 8, 0, &p) : 0; }""",
    ),
    VmObject(
        "user_ringbuf", "bpf_user_ringbuf_drain",
        """struct { __uint(type, 31); __uint(max_entries, 4096); } m SEC(".maps");
        static __noinline long one(struct bpf_dynptr *p, void *data) { return 0; }
        HELPER(long, bpf_user_ringbuf_drain, 209, void *, void *, void *, __u64);
        SEC("kprobe/x") int program(void *ctx)
        { return bpf_user_ringbuf_drain(&m, one, 0, 0); }""",
    ),
    VmObject(
        "spin_lock", "bpf_spin_lock",
        """struct value { struct bpf_spin_lock lock; int n; };
        MAP(m, 2, 1, __u32, struct value);
        HELPER(long, bpf_spin_lock, 93, struct bpf_spin_lock *);
        HELPER(long, bpf_spin_unlock, 94, struct bpf_spin_lock *);
        SEC("tc") int program(void *ctx) { __u32 k = 0; struct value *v;
        v = bpf_map_lookup_elem(&m, &k); if (!v) return 0;
        bpf_spin_lock(&v->lock); v->n++; bpf_spin_unlock(&v->lock); return 0; }""",
    ),
    VmObject(
        "global_data", "BPF_PSEUDO_MAP_VALUE",
        'int counter = 3;\nSEC("xdp") int program(void *ctx) { return counter++ ? 1 : 2; }',
    ),
    VmObject(
        "kconfig", "5.2",
        """extern int LINUX_KERNEL_VERSION __attribute__((section(".kconfig")));
        SEC("xdp") int program(void *ctx) { return LINUX_KERNEL_VERSION ? 1 : 2; }""",
    ),
    VmObject(
        "global_function", "5.6",
        """__noinline int twice(int n) { return n * 2; }
        SEC("xdp") int program(void *ctx) { return twice(1); }""",
    ),
    VmObject(
        "global_function_void", "7.1",
        """int sum; __noinline void add(int n) { sum += n; }
        SEC("xdp") int program(void *ctx) { add(1); return sum ? 1 : 2; }""",
    ),
    VmObject(
        "global_function_void_pointer", "99.0",
        """__noinline int set(void *p) { return p ? 1 : 2; }
        SEC("xdp") int program(void *ctx) { int n = 1; return set(&n); }""",
    ),
    VmObject(
        "global_function_other_context", "5.12",
        """struct bpf_raw_tracepoint_args { __u64 args[1]; };
        __noinline int first(struct bpf_raw_tracepoint_args *p) { return p ? p->args[0] : 0; }
        SEC("kprobe/x") int program(void *ctx)
        { struct bpf_raw_tracepoint_args a = {}; return first(&a); }""",
    ),
    VmObject(
        "store_to_context", "6.4",
        'SEC("tc") int program(void *ctx) { *(volatile __u32 *)(ctx + 8) = 5; return 0; }',
        cpu="v4",
    ),
    VmObject(
        "arithmetic_shift", "5.0",
        'SEC("tc") int program(void *ctx) { return *(volatile __s32 *)(ctx + 8) >> 3; }',
        cpu="v3",
    ),
    VmObject(
        "bounded_loop", "5.3",
        """SEC("xdp") int program(void *ctx) { volatile int sum = 0;
        _Pragma("clang loop unroll(disable)") for (int i = 0; i < 50; i++) sum += i;
        return sum ? 1 : 2; }""",
    ),
    VmObject(
        "calls_and_tail_calls", "5.10",
        """MAP(m, 3, 1, __u32, __u32);
        static __noinline int other(void *ctx) { bpf_tail_call(ctx, &m, 0); return 1; }
        SEC("xdp") int program(void *ctx) { return other(ctx); }""",
    ),
    VmObject(
        "cpu_v3", "5.1",
        """SEC("xdp") int program(void *ctx)
        { __u32 n = bpf_ktime_get_ns(); return n > 4096 ? 1 : 2; }""",
        cpu="v3",
    ),
    VmObject(
        "atomic_fetch", "BPF_FETCH",
        """MAP(m, 2, 1, __u32, __u64);
        SEC("xdp") int program(void *ctx) { __u32 k = 0; __u64 *v = bpf_map_lookup_elem(&m, &k);
        return v && __sync_fetch_and_add(v, 1) ? 1 : 2; }""",
        cpu="v3",
    ),
    VmObject(
        "cpu_v4_divide", "6.6",
        """SEC("xdp") int program(void *ctx)
        { volatile long n = bpf_ktime_get_ns(), by = -7; return n / by == 5 ? 1 : 2; }""",
        cpu="v4",
    ),
    VmObject(
        "cpu_v4_load", "6.6",
        """MAP(m, 2, 1, __u32, __u64);
        SEC("xdp") int program(void *ctx) { __u32 k = 0; __u64 *v = bpf_map_lookup_elem(&m, &k);
        if (!v) return 0; volatile long n = *(volatile __s32 *)v; return n ? 1 : 2; }""",
        cpu="v4",
    ),
    VmObject(
        "may_goto", "6.9",
        """SEC("xdp") int program(void *ctx) { volatile long n = 0;
        asm volatile goto("may_goto %l[end]" :::: end); n = 1; end: return n ? 1 : 2; }""",
        cpu="v4",
    ),
    VmObject(
        "load_acquire", "6.15",
        """MAP(m, 2, 1, __u32, __u64);
        SEC("xdp") int program(void *ctx) { __u32 k = 0; __u64 *v = bpf_map_lookup_elem(&m, &k);
        return v && __atomic_load_n(v, __ATOMIC_ACQUIRE) ? 1 : 2; }""",
        cpu="v4",
    ),
    VmObject(
        "prog_sk_lookup", "BPF_PROG_TYPE_SK_LOOKUP",
        'SEC("sk_lookup") int program(void *ctx) { return 1; }',
    ),
    VmObject(
        "prog_syscall", "BPF_PROG_TYPE_SYSCALL",
        'SEC("syscall") int program(void *ctx) { return 0; }',
    ),
    VmObject(
        "prog_netfilter", "BPF_PROG_TYPE_NETFILTER",
        'SEC("netfilter") int program(void *ctx) { return 1; }',
    ),
    VmObject("xdp_frags", "5.18", 'SEC("xdp.frags") int program(void *ctx) { return 2; }'),
    VmObject("fentry", "5.5", 'SEC("fentry/vfs_read") int program(void *ctx) { return 0; }'),
    VmObject("lsm", "5.7", 'SEC("lsm/file_open") int program(void *ctx) { return 0; }'),
    VmObject(
        "lsm_sleepable", "5.10",
        'SEC("lsm.s/bprm_committed_creds") int program(void *ctx) { return 0; }',
    ),
    VmObject(
        "lsm_cgroup", "6.0", 'SEC("lsm_cgroup/socket_bind") int program(void *ctx) { return 1; }'
    ),
    VmObject("iter_task", "5.8", 'SEC("iter/task") int program(void *ctx) { return 0; }'),
    VmObject(
        "kfunc", "6.2",
        """extern void bpf_rcu_read_lock(void) __ksym;
        extern void bpf_rcu_read_unlock(void) __ksym;
        SEC("tc") int program(void *ctx)
        { bpf_rcu_read_lock(); bpf_rcu_read_unlock(); return 0; }""",
    ),
    VmObject(
        "kfunc_iterator", "6.4",
        """struct bpf_iter_num { __u64 opaque; } __attribute__((aligned(8)));
        extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
        extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
        SEC("tc") int program(void *ctx) { struct bpf_iter_num it;
        bpf_iter_num_new(&it, 0, 3); bpf_iter_num_destroy(&it); return 0; }""",
    ),
    VmObject(
        "kfunc_weak", "3.19",
        """extern void bpf_rcu_read_lock(void) __ksym __weak;
        extern void bpf_rcu_read_unlock(void) __ksym __weak;
        SEC("tc") int program(void *ctx)
        { if (bpf_rcu_read_lock) { bpf_rcu_read_lock(); bpf_rcu_read_unlock(); } return 0; }""",
    ),
    VmObject(
        "guarded_by_core", "3.19",
        _CALLBACK + """enum bpf_func_id___x { BPF_FUNC_loop___x = 181 };
        HELPER(long, bpf_loop, 181, __u32, void *, void *, __u64);
        HELPER(long, bpf_ktime_get_tai_ns, 208, void);
        enum bpf_func_id___y { BPF_FUNC_ktime_get_tai_ns___y = 208 };
        SEC("xdp") int program(void *ctx) {
        if (__builtin_preserve_enum_value(
            *(typeof(enum bpf_func_id___y) *)BPF_FUNC_ktime_get_tai_ns___y, 0))
          return bpf_ktime_get_tai_ns() ? 1 : 2;
        return 2; }""",
    ),
    VmObject(
        "not_loaded_by_default", "3.19",
        """HELPER(long, bpf_ktime_get_tai_ns, 208, void);
        SEC("?xdp") int later(void *ctx) { return bpf_ktime_get_tai_ns() ? 1 : 2; }
        SEC("xdp") int program(void *ctx) { return 2; }""",
    ),
    VmObject(
        "probe_read_kernel", "3.19",
        """HELPER(long, bpf_probe_read_kernel, 113, void *, __u32, const void *);
        SEC("kprobe/x") int program(void *ctx)
        { __u64 v; return bpf_probe_read_kernel(&v, 8, (void *)8); }""",
    ),
    VmObject("attach_kprobe", "4.1", 'SEC("kprobe/vfs_read") int program(void *ctx) { return 0; }'),
    VmObject(
        "attach_kprobe_multi", "BPF_TRACE_KPROBE_MULTI",
        'SEC("kprobe.multi/vfs_read") int program(void *ctx) { return 0; }',
    ),
    VmObject(
        "attach_raw_tracepoint", "4.17",
        'SEC("raw_tp/sched_switch") int program(void *ctx) { return 0; }',
    ),
    VmObject(
        "attach_tp_btf", "5.5", 'SEC("tp_btf/sched_switch") int program(void *ctx) { return 0; }'
    ),
    VmObject("attach_fentry", "5.5", 'SEC("fentry/vfs_read") int program(void *ctx) { return 0; }'),
    VmObject("attach_fexit", "5.5", 'SEC("fexit/vfs_read") int program(void *ctx) { return 0; }'),
    VmObject("attach_iter", "5.8", 'SEC("iter/task") int program(void *ctx) { return 0; }'),
    VmObject(
        "guarded_by_constant", "3.19",
        """const volatile int precise = 0;
        HELPER(long, bpf_ktime_get_tai_ns, 208, void);
        SEC("xdp") int program(void *ctx)
        { return precise && bpf_ktime_get_tai_ns() ? 1 : 2; }""",
    ),
    VmObject(
        "timer_not_used", "3.19",
        """struct value { struct bpf_timer timer; };
        MAP(m, 2, 1, __u32, struct value);
        SEC("xdp") int program(void *ctx)
        { __u32 k = 0; return bpf_map_lookup_elem(&m, &k) ? 1 : 2; }""",
    ),
    VmObject(
        "gpl_helper_not_gpl", "99.0",
        """HELPER(long, bpf_probe_read_kernel, 113, void *, __u32, const void *);
        SEC("kprobe/x") int program(void *ctx)
        { __u64 v; return bpf_probe_read_kernel(&v, 8, (void *)8); }""",
    ),
)  # fmt: skip


def build(folder: Path) -> dict[str, Path]:
    """Compile all objects into a folder; name to file."""
    files = {}
    for item in OBJECTS:
        source = _PRELUDE + item.source
        if item.name == "gpl_helper_not_gpl":
            source = source.replace('"GPL"', '"Proprietary"')
        built = compile_bpf(source, "-Wno-everything", cpu=item.cpu)
        files[item.name] = folder / f"{item.name}.bpf.o"
        files[item.name].write_bytes(built.read_bytes())
    return files
