"""Small kernel trees for the tests of kfuncs, in the C of several releases."""

from collections.abc import Mapping

from helperhist.sources.kfuncs import KfuncSource
from helperhist.sources.source import Gap, read_tree
from helperhist.timeline import Fact

TYPES = b"""
#ifdef CONFIG_NET
BPF_PROG_TYPE(BPF_PROG_TYPE_SCHED_CLS, tc_cls_act,
              struct __sk_buff, struct sk_buff)
BPF_PROG_TYPE(BPF_PROG_TYPE_SCHED_ACT, tc_cls_act,
              struct __sk_buff, struct sk_buff)
BPF_PROG_TYPE(BPF_PROG_TYPE_XDP, xdp,
              struct xdp_md, struct xdp_buff)
#endif
BPF_PROG_TYPE(BPF_PROG_TYPE_TRACING, tracing,
              void *, void *)
BPF_PROG_TYPE(BPF_PROG_TYPE_LSM, lsm,
               void *, void *)
BPF_PROG_TYPE(BPF_PROG_TYPE_STRUCT_OPS, bpf_struct_ops,
              void *, void *)
BPF_PROG_TYPE(BPF_PROG_TYPE_SYSCALL, bpf_syscall,
              void *, void *)
#undef BPF_PROG_TYPE
"""

HOOKS = b"""
enum btf_kfunc_hook {
        BTF_KFUNC_HOOK_COMMON,
        BTF_KFUNC_HOOK_XDP,
        BTF_KFUNC_HOOK_TC,
        BTF_KFUNC_HOOK_OPS,
        BTF_KFUNC_HOOK_TRACING,
        BTF_KFUNC_HOOK_SYSCALL,
        BTF_KFUNC_HOOK_MAX,
};

static int bpf_prog_type_to_kfunc_hook(enum bpf_prog_type prog_type)
{
        switch (prog_type) {
        case BPF_PROG_TYPE_UNSPEC:
                return BTF_KFUNC_HOOK_COMMON;
        case BPF_PROG_TYPE_XDP:
                return BTF_KFUNC_HOOK_XDP;
        case BPF_PROG_TYPE_SCHED_CLS:
                return BTF_KFUNC_HOOK_TC;
        case BPF_PROG_TYPE_STRUCT_OPS:
                return BTF_KFUNC_HOOK_OPS;
        case BPF_PROG_TYPE_TRACING:
        case BPF_PROG_TYPE_LSM:
                return BTF_KFUNC_HOOK_TRACING;
        case BPF_PROG_TYPE_SYSCALL:
                return BTF_KFUNC_HOOK_SYSCALL;
        default:
                return BTF_KFUNC_HOOK_MAX;
        }
}
"""

SLEEPABLE = b"""
static bool can_be_sleepable(struct bpf_prog *prog)
{
        if (prog->type == BPF_PROG_TYPE_TRACING) {
                switch (prog->expected_attach_type) {
                case BPF_TRACE_FENTRY:
                case BPF_TRACE_ITER:
                        return true;
                default:
                        return false;
                }
        }
        return prog->type == BPF_PROG_TYPE_LSM || /* some of them */
               prog->type == BPF_PROG_TYPE_STRUCT_OPS;
}
"""

#: All types of TYPES.
ALL = frozenset(
    ("SCHED_CLS", "SCHED_ACT", "XDP", "TRACING", "LSM", "STRUCT_OPS", "SYSCALL"),
)


def tree(sources: Mapping[str, bytes] | bytes, *, hooks: bool = True) -> dict[str, bytes]:
    """Return a tree with some files, or one named net/core/x.c, and those that all need."""
    files = dict(sources) if isinstance(sources, Mapping) else {"net/core/x.c": sources}
    files["include/linux/bpf_types.h"] = TYPES
    if hooks:
        files["kernel/bpf/btf.c"] = HOOKS
        files.setdefault("kernel/bpf/verifier.c", SLEEPABLE)
    return files


def read(
    sources: Mapping[str, bytes] | bytes, *, hooks: bool = True
) -> tuple[tuple[Fact, ...], tuple[Gap, ...]]:
    """Read such a tree."""
    return read_tree(KfuncSource(), tree(sources, hooks=hooks))


def flags(facts: tuple[Fact, ...]) -> dict[str, str]:
    """Return the flags of each kfunc."""
    return {fact.name: fact.value for fact in facts if fact.kind == "kfunc"}


def uses(facts: tuple[Fact, ...], name: str) -> dict[str, str]:
    """Return the condition of each type, without its prefix, that may call a kfunc."""
    return {
        fact.object.removeprefix("BPF_PROG_TYPE_"): fact.value
        for fact in facts
        if fact.kind == "kfunc_use" and fact.name == name
    }


def prototypes(facts: tuple[Fact, ...]) -> dict[str, str]:
    """Return the prototype of each kfunc."""
    return {fact.name: fact.value for fact in facts if fact.kind == "kfunc_proto"}
