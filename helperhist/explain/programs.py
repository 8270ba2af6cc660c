"""Messages about a whole program or loader, each with one answer: a table.

The verifier's are of ``kernel/bpf/verifier.c``; the commits that ended a refusal stand in the
rules of ``check``.
"""

__all__ = ["PROGRAM_MESSAGES"]

#: Mark, pattern, rule, meaning, advice, and the feature or name whose release mends it; empty
#: where none does.
PROGRAM_MESSAGES: tuple[tuple[str, str, str, str, str, str], ...] = (
    (
        "BPF_CALL uses reserved fields",
        r"\bBPF_CALL uses reserved fields",
        "call-unknown",
        "The kernel knows calls of helpers only. The object calls a function of its own (a "
        "bpf-to-bpf call, from {BPF_PSEUDO_CALL} on), or one of the kernel (a kfunc, from "
        "{BPF_PSEUDO_KFUNC_CALL} on).",
        "Run a kernel from {BPF_PSEUDO_CALL} on ({BPF_PSEUDO_KFUNC_CALL} for kfuncs), or let the "
        "compiler inline the function (__always_inline).",
        "BPF_PSEUDO_CALL",
    ),
    (
        "cannot be mixed with bpf-to-bpf calls",
        r"\bBPF_LD_\[ABS\|IND\] instructions cannot be mixed with bpf-to-bpf calls",
        "ld-abs-and-calls",
        "The program reads a packet with BPF_LD_ABS or BPF_LD_IND beside bpf-to-bpf calls. Kernels "
        "take both from {packet loads and calls} on.",
        "Run a kernel from {packet loads and calls} on, read with bpf_skb_load_bytes, or inline "
        "the functions.",
        "packet loads and calls",
    ),
    (
        "tail_calls are not allowed in",
        r"\btail_calls are not allowed in (?:programs with bpf-to-bpf calls|non-JITed programs)",
        "tail-calls-and-calls",
        "The program makes tail calls beside bpf-to-bpf calls. Kernels take both from "
        "{tail calls and calls} on, on x86-64 and with the JIT; other architectures followed.",
        "Run a kernel from {tail calls and calls} on, or inline the functions (__always_inline).",
        "tail calls and calls",
    ),
    (
        "can only use preallocated hash map",
        r"\bperf_event programs can only use preallocated hash map",
        "map-not-preallocated",
        "The program is of type perf_event and uses a hash map with BPF_F_NO_PREALLOC. Kernels "
        "take both from {perf_event, no preallocation} on.",
        "Run a kernel from {perf_event, no preallocation} on, or create the map without "
        "BPF_F_NO_PREALLOC.",
        "perf_event, no preallocation",
    ),
    (
        "at most 4096 insns",
        r"\btoo large \([0-9]{1,9} insns\), at most 4096 insns",
        "too-big",
        "The kernel refused the program as too large. Before {many instructions} a program has at "
        "most 4096 instructions; if this one has fewer, it is too complex for the verifier.",
        "Run a kernel from {many instructions} on, or make the program smaller.",
        "many instructions",
    ),
    (
        "Unsupported BTF_KIND:",
        r"\bUnsupported BTF_KIND:[0-9]{1,3}",
        "loader-too-old",
        "The loader is too old for this BTF: it does not know one of its kinds of types (19 is "
        "ENUM64, known to libbpf from 1.0 on). The kernel is not at fault.",
        "Use a newer libbpf, or what is built with it.",
        "",
    ),
    (
        "header contains non-zero trailer",
        r"\bparsing \.?BTF header: header contains non-zero trailer",
        "loader-too-old",
        "The loader is too old for this BTF, whose header is longer than it knows (kernels from "
        "7.1 on). The kernel is not at fault.",
        "Use a newer cilium/ebpf, and rebuild the program with it.",
        "",
    ),
    (
        "incompatible with vmlinux",
        r"\bextern \(func ksym\) '\w{1,128}': func_proto \[[0-9]{1,9}\] incompatible with vmlinux",
        "kfunc-prototype",
        "The kernel has this kfunc, with another prototype than the object declares. It changed "
        "between releases, or the kernel's BTF was made with an old pahole.",
        "Declare the kfunc as this kernel has it (bpftool btf dump), or both forms with ___ "
        "flavours.",
        "",
    ),
    (
        "failed to attach: ",
        r"\bfailed to attach: (?:ERROR: strerror_r\(-524\)|unknown error \(-524\)|-ENOTSUPP)",
        "attach-not-supported",
        "ENOTSUPP: the kernel cannot attach this kind of program here. For fentry, fexit, fmod_ret "
        "and lsm the architecture must have trampolines: x86-64 from {trampoline} on, arm64 from "
        "{trampoline of arm64} on.",
        "Use a kprobe, or a kernel that has trampolines on this architecture.",
        "",
    ),
    (
        "is not found in kernel BTF",
        r"\bstruct_ops init_kern: struct \w{1,128} is not found in kernel BTF",
        "struct-ops-unknown",
        "The kernel has no struct_ops of this name: it is older, was built without the option "
        "(CONFIG_SCHED_CLASS_EXT for sched_ext_ops, from {sched_ext_ops} on), or a module has it.",
        "Run a kernel that has it; see with `helperhist kernel running`.",
        "",
    ),
    (
        "probe_loading",
        r"\bError in bpf_object__probe_loading\(\):[^\x00-\x1f]{0,60}\([0-9]{1,3}\)",
        "loading-refused",
        "libbpf could not load a program of two instructions: it lacks the privilege, the limit of "
        "locked memory is too low, or the kernel has no bpf(). The object is not at fault.",
        "Run as root or with CAP_BPF, raise RLIMIT_MEMLOCK (before {memory of the cgroup}), and "
        "check CONFIG_BPF_SYSCALL=y and /proc/sys/kernel/unprivileged_bpf_disabled.",
        "",
    ),
)
