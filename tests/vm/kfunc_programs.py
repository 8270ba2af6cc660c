"""Programs that call kfuncs by one name on every kernel, and the functions that they come to.

Each is built with a header of ``helperhist header --kfuncs --prog all`` and a few types of the
kernel's UAPI.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from helperhist.version import KernelVersion

__all__ = ["PROGRAMS", "KfuncProgram", "answers", "asks", "source"]

#: Answers in one program; what it returns has 32 bits.
_ANSWERS = 30

_TYPES = """
typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32;
typedef signed char __s8; typedef short __s16; typedef int __s32;
typedef unsigned long long __u64; typedef long long __s64;
typedef __u16 __be16; typedef __u32 __be32; typedef __u64 __be64; typedef __u32 __wsum;
#define SEC(name) __attribute__((section(name), used))
#define OPAQUE(name, words) \\
	struct name { __u64 __opaque[words]; } __attribute__((aligned(8)))
struct bpf_spin_lock { __u32 val; };
OPAQUE(bpf_task_work, 1);
OPAQUE(bpf_list_head, 2);
OPAQUE(bpf_list_node, 3);
OPAQUE(bpf_rb_root, 2);
OPAQUE(bpf_rb_node, 4);
OPAQUE(bpf_dynptr, 2);
OPAQUE(bpf_wq, 2);
struct __sk_buff { __u32 len; };
struct bpf_cpumask { int usage; };
struct task_struct { int pid; };
char _license[] SEC("license") = "GPL";
#define ARRAY(name, what) \\
	struct { int (*type)[2]; int (*max_entries)[1]; int *key; what *value; } name SEC(".maps")
#define LOCAL_ID(what) __builtin_btf_type_id(*(what *) 0, 0)
#define CONTAINS(what, node) __attribute__((btf_decl_tag("contains:" #what ":" #node)))
#define GLOBAL SEC(".data.A") __attribute__((visibility("hidden"), aligned(8)))
"""


@dataclass(frozen=True, slots=True)
class KfuncProgram:
    """A program.

    :ivar text: C code after the header
    :ivar calls: (first release, kfuncs that are called from it on), the newest last
    :ivar since: the first release that loads it
    :ivar returns: what it returns where it calls something and can be run
    :ivar helper: (first release, helper that is called from it on)
    """

    name: str
    text: str
    calls: tuple[tuple[str, tuple[str, ...]], ...]
    since: str = "5.10"
    returns: int | None = None
    helper: tuple[str, str] | None = None

    def expected(self, series: str) -> set[str]:
        """The kfuncs that a kernel is expected to come to."""
        release = KernelVersion.parse(series)
        found: tuple[str, ...] = ()
        for first, names in self.calls:
            if KernelVersion.parse(first) <= release:
                found = names
        return set(found)


PROGRAMS = (
    KfuncProgram(
        "cpumask",
        """
SEC("tp_btf/task_newtask") int prog(void *ctx)
{
	struct bpf_cpumask *mask;

	if (!helperhist_exists(bpf_cpumask_create))
		return 0;
	mask = bpf_cpumask_create();
	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}
""",
        (("6.3", ("bpf_cpumask_create", "bpf_cpumask_release")),),
    ),
    KfuncProgram(
        "task_work",
        """
struct element { struct bpf_task_work work; };
ARRAY(works, struct element);
static int later(struct bpf_map *map, void *key, void *value) { return 0; }

SEC("tp_btf/task_newtask") int prog(__u64 *ctx)
{
	struct element *found;
	int key = 0;

	if (!helperhist_exists(bpf_task_work_schedule_signal))
		return 0;
	found = bpf_map_lookup_elem(&works, &key);
	if (found)
		bpf_task_work_schedule_signal((struct task_struct *) ctx[0], &found->work, &works, later);
	return 0;
}
""",
        (
            ("6.18", ("bpf_task_work_schedule_signal_impl",)),
            ("7.0", ("bpf_task_work_schedule_signal",)),
        ),
        since="5.13",  # kernels before know no address of a callback
    ),
    KfuncProgram(
        "list",
        """
struct item { int value; struct bpf_list_node node; };
GLOBAL struct bpf_spin_lock lock;
GLOBAL struct bpf_list_head head CONTAINS(item, node);

SEC("tc") int prog(struct __sk_buff *skb)
{
	struct item *mine;

	if (!helperhist_exists(bpf_list_push_front))
		return 0;
	mine = bpf_obj_new(LOCAL_ID(struct item));
	if (!mine)
		return 1;
	bpf_spin_lock(&lock);
	bpf_list_push_front(&head, &mine->node);
	bpf_spin_unlock(&lock);
	mine = bpf_obj_new(LOCAL_ID(struct item));
	if (mine)
		bpf_obj_drop(mine);
	return 0;
}
""",
        (
            ("6.4", ("bpf_obj_new_impl", "bpf_list_push_front_impl", "bpf_obj_drop_impl")),
            ("7.1", ("bpf_obj_new", "bpf_list_push_front", "bpf_obj_drop")),
        ),
    ),
    KfuncProgram(
        "tree",
        """
struct item { int value; struct bpf_rb_node node; };
GLOBAL struct bpf_spin_lock lock;
GLOBAL struct bpf_rb_root root CONTAINS(item, node);
static _Bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b) { return 0; }

SEC("tc") int prog(struct __sk_buff *skb)
{
	struct item *mine;

	if (!helperhist_exists(bpf_rbtree_add))
		return 0;
	mine = bpf_obj_new(LOCAL_ID(struct item));
	if (!mine)
		return 1;
	bpf_spin_lock(&lock);
	bpf_rbtree_add(&root, &mine->node, less);
	bpf_spin_unlock(&lock);
	return 0;
}
""",
        (
            ("6.4", ("bpf_obj_new_impl", "bpf_rbtree_add_impl")),
            ("7.1", ("bpf_obj_new", "bpf_rbtree_add")),
        ),
        since="5.13",  # kernels before know no address of a callback
    ),
    KfuncProgram(
        "queue",
        """
struct element { struct bpf_wq queue; };
ARRAY(queues, struct element);
static int later(void *map, int *key, void *value) { return 0; }

SEC("tc") int prog(struct __sk_buff *skb)
{
	struct element *found;
	int key = 0;

	if (!helperhist_exists(bpf_wq_set_callback))
		return 0;
	found = bpf_map_lookup_elem(&queues, &key);
	if (!found || bpf_wq_init(&found->queue, &queues, 0))
		return 1;
	bpf_wq_set_callback(&found->queue, later, 0);
	return 0;
}
""",
        (
            ("6.10", ("bpf_wq_init", "bpf_wq_set_callback_impl")),
            ("7.0", ("bpf_wq_init", "bpf_wq_set_callback")),
        ),
        since="5.13",  # kernels before know no address of a callback
    ),
    KfuncProgram(
        "stream",
        """
static const char text[] = "hello";

SEC("syscall") int prog(void *ctx)
{
	__u64 nothing = 0;

	if (!helperhist_exists(bpf_stream_vprintk))
		return 0;
	return bpf_stream_vprintk(1, text, &nothing, 0) < 0 ? 1 : 42;
}
""",
        (
            ("6.17", ("bpf_stream_vprintk",)),
            ("6.18", ("bpf_stream_vprintk_impl",)),
            ("7.0", ("bpf_stream_vprintk",)),
        ),
        since="5.14",
        returns=42,
    ),
    KfuncProgram(
        "session",
        """
SEC("kprobe.session/do_nanosleep") int prog(void *ctx)
{
	__u64 *cookie;

	if (!helperhist_exists(bpf_session_cookie))
		return 0;
	cookie = bpf_session_cookie(ctx);
	if (cookie && !bpf_session_is_return(ctx))
		*cookie = 1;
	return 0;
}
""",
        (("6.10", ("bpf_session_cookie", "bpf_session_is_return")),),
        since="6.10",
    ),
    KfuncProgram(
        "dynptr",
        """
SEC("tc") int prog(struct __sk_buff *skb)
{
	struct bpf_dynptr all;
	char bytes[4], *found;

	if (!helperhist_exists(bpf_dynptr_from_skb) || bpf_dynptr_from_skb(skb, 0, &all))
		return 0;
	found = bpf_dynptr_slice(&all, 0, bytes, sizeof(bytes));
	return found ? *found : 0;
}
""",
        (("6.4", ("bpf_dynptr_from_skb", "bpf_dynptr_slice")),),
    ),
    KfuncProgram(
        "pair",
        """
SEC("xdp") int prog(struct xdp_md *ctx)
{
	if (helperhist_usable(bpf_get_current_pid_tgid, xdp))
		return bpf_get_current_pid_tgid() & 1;
	return 2;
}
""",
        (),
        helper=("6.10", "bpf_get_current_pid_tgid"),
    ),
    KfuncProgram(
        "scheduler",
        """
struct sched_ext_ops { void (*enqueue)(struct task_struct *p, __u64 flags); char name[128]; };

SEC("struct_ops/enqueue") int enqueue(__u64 *ctx)
{
	scx_bpf_dsq_insert((struct task_struct *) ctx[0], 0, 0, ctx[1]);
	return 0;
}
SEC(".struct_ops.link") struct sched_ext_ops ops = { .enqueue = (void *) enqueue, .name = "mine" };
""",
        (("6.12", ("scx_bpf_dispatch",)), ("6.13", ("scx_bpf_dsq_insert",))),
        since="6.12",
    ),
)


def source(program: KfuncProgram, header: str, *, vmlinux: bool) -> str:
    """Return the C text of a program.

    :param vmlinux: whether the types are said to be those of a vmlinux.h
    """
    guard = "#define __VMLINUX_H__\n" if vmlinux else ""
    return f"{guard}{_TYPES}{header}{program.text}"


def asks(names: Sequence[str], header: str, vmlinux: str = "") -> str:
    """Return the C text of programs that ask for kfuncs, 30 each: a bit of what they return.

    :param vmlinux: a vmlinux.h to stand beside; empty for none
    """
    text = ""
    for at in range(0, len(names), _ANSWERS):
        body = "".join(
            f"\tif (helperhist_exists({name}))\n\t\tbits |= 1u << {bit};\n"
            for bit, name in enumerate(names[at : at + _ANSWERS])
        )
        text += f'SEC("syscall") int p{at}(void *ctx)\n{{\n\tunsigned int bits = 0;\n\n{body}'
        text += "\treturn bits;\n}\n"
    own = f"{_TYPES}OPAQUE(bpf_iter_num, 1);\n"
    ends = '\nchar _license[] SEC("license") = "GPL";\n'
    section = "#define SEC(name) __attribute__((section(name), used))\n"
    return f"{vmlinux}{section}{header}{text}{ends}" if vmlinux else f"{own}{header}{text}"


def answers(names: Sequence[str], returns: Sequence[int]) -> set[str]:
    """Return the kfuncs that the programs of :func:`asks` found."""
    return {name for at, name in enumerate(names) if returns[at // _ANSWERS] >> (at % _ANSWERS) & 1}
