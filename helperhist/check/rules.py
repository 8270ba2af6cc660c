"""What raises the minimum kernel of an object, apart from the names that the timeline knows.

One table, :data:`RULES`: signal, release, source. Where a name of the UAPI header marks a
feature, the release is the timeline's, and the row only names it.
"""

from dataclasses import dataclass

from helperhist.timeline import FEATURES

__all__ = [
    "CONST_MAPS",
    "FALLBACKS",
    "MAP_FLAGS",
    "REWRITES",
    "RULES",
    "SLEEPABLE",
    "VALUE_TYPES",
    "Rule",
    "is_gpl",
]


@dataclass(frozen=True, slots=True)
class Rule:
    """A signal in the object and what it needs.

    :ivar kind: kind of the requirement, as in the JSON output
    :ivar name: what users read
    :ivar since: the release; empty where ``uapi`` says it, or where it is not known
    :ivar uapi: the name in the UAPI header that marks the feature
    :ivar source: where the release is from: a kernel commit, or a public document
    :ivar note: what else there is to say
    """

    kind: str
    name: str
    since: str = ""
    uapi: str = ""
    source: str = ""
    note: str = ""


def _uapi(kind: str, name: str, text: str = "", note: str = "") -> Rule:
    return Rule(kind, text or name, uapi=name, source="UAPI header", note=note)


def _feature(kind: str, key: str) -> Rule:
    """Return what no name of the header marks."""
    found = FEATURES[key]
    return Rule(kind, found.name, found.since, source=found.source, note=found.note)


#: Key, as :func:`helperhist.binary.feature` and the modules beside this one name it, to its rule.
RULES: dict[str, Rule] = {
    # Instructions
    **{
        name: _uapi("instruction", name)
        for name in (
            "BPF_JLT",
            "BPF_JLE",
            "BPF_JSLT",
            "BPF_JSLE",
            "BPF_JMP32",
            "BPF_MEMSX",
            "BPF_MAY_GOTO",
            "BPF_ADDR_SPACE_CAST",
            "BPF_LOAD_ACQ",
            "BPF_STORE_REL",
        )
    },
    **{
        name: _uapi("instruction", name, note="on x86-64; other architectures followed")
        for name in ("BPF_ATOMIC", "BPF_FETCH", "BPF_XCHG", "BPF_CMPXCHG")
    },
    **{
        name: _feature("instruction", name)
        for name in (
            "sign-extending move",
            "unconditional byte swap",
            "signed division",
            "long jump",
            "32-bit arithmetic shift",
            "store to context",
        )
    },
    # Its release is not confirmed by any source, so it is reported as unknown.
    "indirect jump": Rule("instruction", "indirect jump"),
    # Shape of the program
    **{
        name: _feature("feature", name)
        for name in (
            "many instructions",
            "loop",
            "tail calls and calls",
            "packet loads and calls",
            "perf_event, no preallocation",
            "look-up in XSKMAP",
            "look-up in SOCKMAP",
            "global function",
            "global function, pointer",
            "global function, void",
            "argument tag",
            "module target",
        )
    },
    "bpf-to-bpf call": _uapi("feature", "BPF_PSEUDO_CALL", "bpf-to-bpf call"),
    "callback": _uapi("feature", "BPF_PSEUDO_FUNC", "callback function"),
    "kfunc call": _uapi("feature", "BPF_PSEUDO_KFUNC_CALL", "kfunc call"),
    "global data": _uapi("feature", "BPF_PSEUDO_MAP_VALUE", "global data"),
    "kconfig": _uapi("feature", "BPF_PSEUDO_MAP_VALUE", ".kconfig variable"),
    "typed ksym": _uapi("feature", "BPF_PSEUDO_BTF_ID", "typed .ksyms variable"),
    "map index": _uapi("feature", "BPF_PSEUDO_MAP_IDX", "map by index"),
    "map value by index": _uapi("feature", "BPF_PSEUDO_MAP_IDX_VALUE", "map value by index"),
    # Program types
    "expected attach type": _uapi(
        "field", "bpf_attr.expected_attach_type", "expected_attach_type at load"
    ),
    "sleepable": _uapi("flag", "BPF_F_SLEEPABLE", "sleepable program"),
    "frags": _uapi("flag", "BPF_F_XDP_HAS_FRAGS"),
    "struct_ops": _uapi("map_type", "BPF_MAP_TYPE_STRUCT_OPS"),
    "struct_ops link": _uapi("flag", "BPF_F_LINK", "struct_ops with a link"),
    # Maps
    "numa node": _uapi("field", "bpf_attr.numa_node"),
    "map_extra": _uapi("field", "bpf_attr.map_extra"),
    "kptr": _feature("map_value", "kptr"),
}

#: Structs of the UAPI header that a map value or global data may hold. Where nothing else in the
#: header marks the release, it is that of the first header with the struct.
VALUE_TYPES = {
    "bpf_spin_lock": _uapi("map_value", "bpf_spin_lock.val", "struct bpf_spin_lock"),
    "bpf_timer": _uapi("map_value", "bpf_timer_init", "struct bpf_timer"),
    "bpf_dynptr": _uapi("map_value", "bpf_dynptr_from_mem", "struct bpf_dynptr"),
    "bpf_wq": _uapi("map_value", "bpf_wq.__opaque", "struct bpf_wq"),
    "bpf_task_work": _uapi("map_value", "bpf_task_work.__opaque", "struct bpf_task_work"),
    **{
        name: _feature("map_value", name)
        for name in ("bpf_list_head", "bpf_list_node", "bpf_rb_root", "bpf_rb_node", "bpf_refcount")
    },
}

#: Flags of map creation, by bit; other flags of the header share their values.
MAP_FLAGS = (
    "BPF_F_NO_PREALLOC",
    "BPF_F_NO_COMMON_LRU",
    "BPF_F_NUMA_NODE",
    "BPF_F_RDONLY",
    "BPF_F_WRONLY",
    "BPF_F_STACK_BUILD_ID",
    "BPF_F_ZERO_SEED",
    "BPF_F_RDONLY_PROG",
    "BPF_F_WRONLY_PROG",
    "BPF_F_CLONE",
    "BPF_F_MMAPABLE",
    "BPF_F_PRESERVE_ELEMS",
    "BPF_F_INNER_MAP",
    "BPF_F_LINK",
    "BPF_F_PATH_FD",
    "BPF_F_VTYPE_BTF_OBJ_FD",
    "BPF_F_TOKEN_FD",
    "BPF_F_SEGV_ON_FAULT",
    "BPF_F_NO_USER_CONV",
    "BPF_F_RB_OVERWRITE",
)

#: Helpers that libbpf and cilium/ebpf replace on kernels without them, by what.
#: Source: bpf_object__sanitize_prog of libbpf; fixupProbeReadKernel of cilium/ebpf.
REWRITES = {
    "bpf_probe_read_kernel": "bpf_probe_read",
    "bpf_probe_read_user": "bpf_probe_read",
    "bpf_probe_read_kernel_str": "bpf_probe_read_str",
    "bpf_probe_read_user_str": "bpf_probe_read_str",
}

#: What programs for older kernels use instead.
FALLBACKS = {
    **REWRITES,
    "bpf_ringbuf_output": "bpf_perf_event_output",
    "bpf_ringbuf_reserve": "bpf_perf_event_output",
    "bpf_ringbuf_submit": "bpf_perf_event_output",
    "BPF_MAP_TYPE_RINGBUF": "BPF_MAP_TYPE_PERF_EVENT_ARRAY",
    "bpf_get_current_task_btf": "bpf_get_current_task",
    "bpf_ktime_get_boot_ns": "bpf_ktime_get_ns",
    "bpf_ktime_get_coarse_ns": "bpf_ktime_get_ns",
    "bpf_trace_vprintk": "bpf_trace_printk",
    "bpf_map_lookup_percpu_elem": "bpf_map_lookup_elem",
    "BPF_JMP32": "compile with -mcpu=v2",
    "BPF_JLT": "compile with -mcpu=v1",
    "BPF_JLE": "compile with -mcpu=v1",
    "BPF_JSLT": "compile with -mcpu=v1",
    "BPF_JSLE": "compile with -mcpu=v1",
    "BPF_FETCH": "compile with -mcpu=v2, if no result is used",
    "BPF_MEMSX": "compile with -mcpu=v3",
    "sign-extending move": "compile with -mcpu=v3",
    "unconditional byte swap": "compile with -mcpu=v3",
    "signed division": "compile with -mcpu=v3",
    "long jump": "compile with -mcpu=v3",
    "immediate store to the context": "compile with -mcpu=v3",
    "32-bit arithmetic right shift": "compile with -mcpu=v2",
    "global function without a result": "return an int, or make the function static",
    "bounded loop": "unroll the loop",
    "callback function": "unroll the loop",
}

_SLEEPABLE = "can_be_sleepable() or check_attach_btf_id() in verifier.c"

#: Program type and attach type (or any) to what sleepable ones need beyond ``BPF_F_SLEEPABLE``.
SLEEPABLE = {
    ("TRACING", "BPF_TRACE_FENTRY"): Rule("feature", "sleepable fentry program"),
    ("TRACING", "BPF_TRACE_FEXIT"): Rule("feature", "sleepable fexit program"),
    ("TRACING", "BPF_MODIFY_RETURN"): Rule("feature", "sleepable fmod_ret program"),
    ("LSM", "BPF_LSM_MAC"): Rule("feature", "sleepable LSM program"),
    ("KPROBE", ""): Rule("feature", "sleepable uprobe program", "6.0", source=_SLEEPABLE),
    ("TRACING", "BPF_TRACE_ITER"): Rule("feature", "sleepable iterator", "6.3", source=_SLEEPABLE),
    ("STRUCT_OPS", ""): Rule("feature", "sleepable struct_ops program", "6.3", source=_SLEEPABLE),
    ("TRACING", "BPF_TRACE_FSESSION"): Rule(
        "feature", "sleepable fsession program", "7.0", source=_SLEEPABLE
    ),
    ("TRACING", "BPF_TRACE_RAW_TP"): Rule(
        "feature", "sleepable tp_btf program", "7.2", source=_SLEEPABLE
    ),
    ("RAW_TRACEPOINT", ""): Rule(
        "feature", "sleepable raw tracepoint program", "7.2", source=_SLEEPABLE
    ),
    ("TRACEPOINT", ""): Rule("feature", "sleepable tracepoint program", "7.2", source=_SLEEPABLE),
}

#: Kernels from here on know the contents of read-only maps when they verify, and so do not look
#: at what a .kconfig variable rules out.
CONST_MAPS = FEATURES["constant maps"].since

#: Source: license_is_gpl_compatible() in include/linux/license.h.
_GPL = frozenset(
    {
        "GPL",
        "GPL v2",
        "GPL and additional rights",
        "Dual BSD/GPL",
        "Dual MIT/GPL",
        "Dual MPL/GPL",
    }
)


def is_gpl(text: str) -> bool:
    """Whether the kernel takes a license for compatible with the GPL."""
    return text in _GPL
