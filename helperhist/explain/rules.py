"""The messages that ``explain`` knows: one row per message, with all its spellings.

The verifier's are those of ``kernel/bpf/verifier.c`` since 3.18; where a spelling changed:

* ``invalid func 182`` and ``unknown func 181`` until 4.9, ``unknown#182`` and ``bpf_loop#181``
  since ebb676daa1a3 ("bpf: Print function name in addition to function id") (4.10)
* ``unknown func bpf_loop#181`` in 6.1, ``program of this type cannot use helper bpf_loop#181``
  in 6.12
* ``cannot call GPL only function from proprietary program`` in early kernels, later
  ``cannot call GPL-restricted function from non-GPL compatible program``
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from helperhist.explain.answers import (
    about_called,
    about_kfunc,
    about_named,
    callbacks,
    core_relocation,
    global_pointer,
    invalid_func,
    loader_requires,
    loop,
    no_member,
    not_for_type,
    plain,
    too_big,
    too_complex,
    undeclared,
    unknown_address,
)
from helperhist.explain.contexts import context_access
from helperhist.explain.insns import atomic_opcode, instruction, old_opcode, opcode
from helperhist.explain.maps import MAP_MESSAGES, map_for_helper
from helperhist.explain.names import Answer, Names
from helperhist.explain.objects import OBJECT_MESSAGES
from helperhist.explain.programs import PROGRAM_MESSAGES

__all__ = ["RULES", "Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A message.

    :ivar mark: a text that each line with the message has
    :ivar answer: None where the match turns out to be something else
    """

    mark: str
    pattern: re.Pattern[str]
    answer: Callable[[re.Match[str], Names], Answer | None]


_NAME = r"[A-Za-z_]\w{0,127}"
_QUOTE = "['\"`\u2018\u2019\u201c\u201d]"
_FUNC = rf"(?:({_NAME})#)?(-?[0-9]{{1,10}})(?![0-9#\w])"


def _rule(mark: str, pattern: str, answer: Callable[..., Answer | None]) -> Rule:
    return Rule(mark, re.compile(pattern), answer)


RULES: tuple[Rule, ...] = (
    _rule("invalid func ", rf"\binvalid func {_FUNC}", invalid_func),
    _rule("unknown func ", rf"\bunknown func {_FUNC}", not_for_type),
    _rule(
        "cannot use helper ",
        rf"\bprogram of this type cannot use helper {_FUNC}",
        not_for_type,
    ),
    _rule(
        "cannot call GPL",
        r"\bcannot call GPL(?: only function from proprietary program"
        r"|-restricted function from non-GPL compatible program)",
        about_called(
            "gpl-only",
            "{} may be called only by programs whose license is compatible with the GPL.",
            'Give the object such a license (char LICENSE[] SEC("license") = "GPL" or '
            '"Dual BSD/GPL"), if its terms allow it, or do without {}.',
        ),
    ),
    _rule(
        "helper call is not allowed in probe",
        r"\bhelper call is not allowed in probe",
        about_called(
            "helper-not-at-hook",
            "{} may be called only at the hooks of a list in the kernel, and this is none of them.",
            "Attach the program to another function, or do without {}.",
        ),
    ),
    _rule(
        "helper call might sleep",
        r"\bhelper call might sleep in a non-sleepable prog",
        about_called(
            "helper-sleeps",
            "{} may sleep, and the program is not sleepable.",
            'Make the program sleepable: SEC("lsm.s/..."), SEC("fentry.s/..."), '
            'SEC("uprobe.s/...") or another section with .s.',
        ),
    ),
    _rule(
        "sleepable helper ",
        rf"\bsleepable helper {_FUNC} in (?:rcu_read_lock|non-preemptible|IRQ-disabled) region",
        about_named(
            "helper-sleeps",
            "{} may sleep, and the code around the call must not.",
            "Move the call out of the region.",
        ),
    ),
    _rule(
        "func ",
        rf"\bfunc {_FUNC} (?:supported only for fentry/fexit/fmod_ret programs"
        r"|not supported for program type [0-9]{1,5})",
        about_named(
            "helper-not-for-type",
            "The kernel has {}, but not for this program type or attach type.",
            "Use a program type that may call {}.",
        ),
    ),
    _rule(
        "calling kernel function ",
        rf"\bcalling kernel function ({_NAME}) is not allowed",
        about_kfunc(
            "kfunc-not-for-type",
            "The kernel has the kfunc {}, but not for a program of this type or at this hook.",
            "Use a program type that the kfunc is registered for, or a kernel that allows it; "
            "`helperhist kernel` lists the kfuncs of a kernel.",
        ),
    ),
    _rule(
        "calling kernel function is not supported",
        r"\bcalling kernel function is not supported without CONFIG_DEBUG_INFO_BTF",
        about_kfunc(
            "kernel-without-btf",
            "The kernel was built without BTF, so it has no kfuncs for programs.",
            "Run a kernel built with CONFIG_DEBUG_INFO_BTF=y.",
        ),
    ),
    _rule(
        "calling kernel function",
        r"\bJIT (?:is required for|does not support) calling kernel function",
        about_kfunc(
            "kfunc-needs-jit",
            "Kfuncs need the JIT, and it is off or cannot call them on this architecture.",
            "Switch it on with `sysctl net.core.bpf_jit_enable=1`, or run a newer kernel.",
        ),
    ),
    _rule(
        "cannot call kernel function",
        r"\bcannot call kernel function from non-GPL compatible program",
        about_kfunc(
            "gpl-only",
            "Kfuncs may be called only by programs whose license is compatible with the GPL.",
            'Give the object such a license (char LICENSE[] SEC("license") = "GPL"), if its '
            "terms allow it.",
        ),
    ),
    _rule(
        "extern (func ksym) ",
        rf"\bextern \(func ksym\) '({_NAME})': not found in kernel or module BTFs",
        about_kfunc(
            "kfunc-not-found",
            "Neither the running kernel nor a loaded module has the kfunc {}.",
            "Load the module that has it, run a kernel that has it (`helperhist kernel` lists its "
            "kfuncs), or declare it __weak and test it with bpf_ksym_exists().",
        ),
    ),
    _rule(
        "referenced but wasn't resolved",
        rf"\bkfunc '({_NAME})' is referenced but wasn't resolved",
        about_kfunc(
            "kfunc-not-found",
            "Neither the running kernel nor a loaded module has the kfunc {}, and code that needs "
            "it was reached.",
            "Call it only behind `if (bpf_ksym_exists(name))`, load the module that has it, or run "
            "a kernel that has it.",
        ),
    ),
    _rule(
        "is not a function",
        r"\bkernel btf_id [0-9]{1,10} is not a function",
        about_kfunc(
            "kfunc-not-found",
            "The call of a kfunc was resolved with the BTF of another kernel.",
            "Let the loader resolve it on the machine that runs the program.",
        ),
    ),
    _rule(
        "undeclared",
        rf"\buse of undeclared identifier {_QUOTE}({_NAME}){_QUOTE}"
        rf"|{_QUOTE}({_NAME}){_QUOTE} undeclared\b"
        rf"|\bcall to undeclared (?:library )?function {_QUOTE}({_NAME}){_QUOTE}",
        undeclared,
    ),
    _rule(
        "was not declared in this scope",
        rf"{_QUOTE}({_NAME}){_QUOTE} was not declared in this scope",
        undeclared,
    ),
    _rule(
        "implicit declaration of function",
        rf"\bimplicit declaration of function {_QUOTE}({_NAME}){_QUOTE}",
        undeclared,
    ),
    _rule(
        "no member named",
        rf"\bno member named {_QUOTE}(?P<member>{_NAME}){_QUOTE} in "
        rf"{_QUOTE}(?:struct |union )?(?P<struct>{_NAME}){_QUOTE}"
        rf"|{_QUOTE}(?:struct |union )?(?P<struct2>{_NAME}){_QUOTE} has no member named "
        rf"{_QUOTE}(?P<member2>{_NAME}){_QUOTE}",
        no_member,
    ),
    _rule("back-edge from insn", r"\bback-edge from insn [0-9]{1,9} to [0-9]{1,9}", loop),
    _rule(
        "BPF program is too ",
        r"\bBPF program is too (?:large|complex)\. Processed ([0-9]{1,9}) insns?",
        too_complex,
    ),
    _rule(
        "uses reserved fields",
        r"\bBPF_(STX|XADD|ALU|MOV|LDX|JA|END) uses reserved fields",
        instruction,
    ),
    _rule(
        "btf_vmlinux is malformed",
        r"\bbtf_vmlinux is malformed",
        plain(
            "kernel-without-btf",
            "The kernel has no BTF of its own that it can use, so that it does not recognise the "
            "context of a program in BTF. Its configuration decides, not its release.",
            "Run a kernel with CONFIG_DEBUG_INFO_BTF=y, built with pahole.",
        ),
    ),
    _rule("unknown opcode ", r"\bunknown opcode ([0-9a-f]{2})\b", opcode),
    _rule("invalid BPF_JMP opcode ", r"\binvalid BPF_JMP opcode ([abcd]0)\b", old_opcode),
    _rule("unknown insn class 6", r"\bunknown insn class 6(x)?(?!\w)", old_opcode),
    _rule(
        "invalid atomic opcode ",
        r"\bBPF_ATOMIC uses invalid atomic opcode ([0-9a-f]{1,8})\b",
        atomic_opcode,
    ),
    _rule(
        "number of funcs in func_info",
        r"\bnumber of funcs in func_info doesn't match number of subprogs",
        callbacks,
    ),
    _rule(
        "is not supported yet",
        rf"\bArg#[0-9] type PTR in {_NAME}\(\) is not supported yet",
        global_pointer,
    ),
    _rule(
        "size cannot be determined",
        r"\barg#[0-9] reference type\('[^'\x00-\x1f]{1,80}'\) size cannot be determined",
        plain(
            "function-pointer-size",
            "A function that is verified by itself, or a kfunc, gets a pointer to something whose "
            "size its type does not tell, such as void *.",
            "Give the argument the type of a whole struct, or make the function static.",
        ),
    ),
    _rule(
        "doesn't return scalar",
        rf"\bGlobal function {_NAME}\(\) doesn't return scalar",
        plain(
            "global-function-void",
            "The kernel takes only global functions that return a number; without a result they "
            "came with {global function, void}.",
            "Return an int, make the function static, or run a kernel from {global function, void} "
            "on.",
            "global function, void",
        ),
    ),
    _rule(
        "BPF_ST stores into R",
        r"\bBPF_ST stores into R[0-9] (?:ctx|context)\b is not allowed",
        plain(
            "store-to-context",
            "The program stores a constant in its context by one instruction, as compilers do for "
            "-mcpu=v4; kernels take it from {store to context} on.",
            "Compile with -mcpu=v3, or run a kernel from {store to context} on.",
            "store to context",
        ),
    ),
    _rule(
        "BPF_ARSH not supported",
        r"\bBPF_ARSH not supported for 32 bit ALU",
        plain(
            "arithmetic-shift",
            "The program shifts a 32-bit register arithmetically, as compilers do for -mcpu=v3; "
            "kernels take it from {32-bit arithmetic shift} on.",
            "Compile with -mcpu=v2, or run a kernel from {32-bit arithmetic shift} on.",
            "32-bit arithmetic shift",
        ),
    ),
    _rule(
        "not found in kernel BTF",
        rf"\bextern \(var ksym\) '{_NAME}': not found in kernel BTF",
        plain(
            "ksym-not-found",
            "The running kernel has no such variable. The kernel's variables are no UAPI: no "
            "release promises them.",
            "Declare it __weak and test its address, or run a kernel that has it.",
        ),
    ),
    _rule(
        "failed to find kernel BTF type ID",
        rf"\bfailed to find kernel BTF type ID of '{_NAME}'",
        plain(
            "attach-target-not-found",
            "The running kernel has no such function to attach to: it was inlined, renamed, or is "
            "in a module that is not loaded. The kernel's functions are no UAPI: no release "
            "promises them.",
            "See `grep NAME /proc/kallsyms`; choose another function, or switch the program off "
            "with bpf_program__set_autoload().",
        ),
    ),
    _rule(
        "missing BPF prog type",
        r"\bmissing BPF prog type, check ELF section name '[^'\x00-\x1f]{1,64}'",
        plain(
            "section-unknown",
            "This libbpf does not know the section's name: the name is misspelt, or this libbpf is "
            "older than it. The kernel was not asked.",
            "Check the name in SEC(), or link a newer libbpf.",
        ),
    ),
    _rule(
        "legacy map definitions",
        r"\blegacy map definitions in 'maps' section are not supported by libbpf v1\.0\+",
        plain(
            "legacy-maps",
            "libbpf from 1.0 on does not read the section 'maps'. The kernel was not asked.",
            'Define the maps in SEC(".maps"), or link libbpf 0.x.',
        ),
    ),
    _rule(
        "failed to open system Kconfig",
        r"\bfailed to open system Kconfig",
        plain(
            "kconfig-not-found",
            "An extern in .kconfig needs the kernel's configuration, and neither /proc/config.gz "
            "nor /boot/config-$(uname -r) is there.",
            "Give it with bpf_object_open_opts.kconfig, declare the extern __weak, or run a kernel "
            "with CONFIG_IKCONFIG_PROC=y.",
        ),
    ),
    _rule(
        "invalid bpf_context access",
        r"\binvalid bpf_context access off=([0-9]{1,9}) size=([0-9]{1,9})",
        context_access,
    ),
    _rule(
        "cannot pass map_type ",
        rf"\bcannot pass map_type ([0-9]{{1,10}}) into func {_FUNC}",
        map_for_helper,
    ),
    *(_rule(*message) for message in MAP_MESSAGES),
    *(
        _rule(mark, text, plain(name, meaning, advice, feature))
        for mark, text, name, meaning, advice, feature in (*PROGRAM_MESSAGES, *OBJECT_MESSAGES)
    ),
    _rule("unrecognized bpf_ld_imm64", r"\bunrecognized bpf_ld_imm64 insn", unknown_address),
    _rule(
        "kernel doesn't support global data",
        r"\bkernel doesn't support global data",
        plain(
            "global-data",
            "The kernel has no global variables in programs (.data, .bss, .rodata): they came "
            "with {BPF_PSEUDO_MAP_VALUE}.",
            "Run a kernel from {BPF_PSEUDO_MAP_VALUE} on, or keep the values in a map.",
            "BPF_PSEUDO_MAP_VALUE",
        ),
    ),
    _rule(
        "Kernel doesn't support BTF",
        r"\bKernel doesn't support BTF, skipping uploading it",
        plain(
            "btf-not-loaded",
            "Harmless by itself: the kernel takes no BTF with programs, so libbpf loads the object "
            "without. What needs it (global functions, spin locks, fentry, ...) fails later.",
            "Read on in the log for the error proper.",
        ),
    ),
    _rule(
        "failed",
        r"\b(map|prog) '[^'\x00-\x1f]{1,64}': (?:failed to create|BPF program load failed): "
        r"(?:Argument list too long|-?E2BIG)",
        too_big,
    ),
    _rule(
        "failed to resolve CO-RE relocation",
        r"\bfailed to resolve CO-RE relocation <\w{1,32}> \[[0-9]{1,9}\] "
        rf"((?:struct|union|enum|typedef) {_NAME}(?:(?:\.|::){_NAME}){{0,16}})",
        core_relocation,
    ),
    _rule(
        "kernel BTF",
        r"\bfailed to find valid kernel BTF|\bkernel BTF is missing at\b",
        plain(
            "kernel-without-btf",
            "The kernel gives no BTF of its own, which CO-RE, fentry, tp_btf, lsm and kfuncs need. "
            "Its configuration decides (CONFIG_DEBUG_INFO_BTF), not its release; none before 5.2 "
            "can have it, and /sys/kernel/btf/vmlinux is there since 5.4.",
            "Run a kernel with CONFIG_DEBUG_INFO_BTF=y, or give the loader a BTF file of this "
            "kernel (libbpf: btf_custom_path; BTFHub has many).",
        ),
    ),
    _rule(
        "no BTF found for kernel version",
        r"\bno BTF found for kernel version [\w.+~-]{1,100}",
        plain(
            "kernel-without-btf",
            "cilium/ebpf found no BTF of the running kernel, which CO-RE, fentry, tp_btf, lsm and "
            "kfuncs need.",
            "Run a kernel with CONFIG_DEBUG_INFO_BTF=y, or give the loader a BTF file of this "
            "kernel (ProgramOptions.KernelTypes).",
        ),
    ),
    _rule(
        "not supported (requires >= v",
        r"([\w ./()-]{1,80}?) not supported \(requires >= v([0-9]{1,4})\.([0-9]{1,4})[\w.]{0,20}\)",
        loader_requires,
    ),
)
