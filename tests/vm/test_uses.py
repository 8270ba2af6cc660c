"""The plan that is made of a kernel's BTF, and how its answers are read; no kernel is booted."""

import pytest
from elftools.elf.elffile import ELFFile

from helperhist.binary import Btf
from tests.build.objects import compile_bpf
from tests.vm.contexts import Context, contexts
from tests.vm.uses import Answer, functions, judge, kfuncs, parse_answers, render_plan

#: A small kernel: what contexts are made of, and what only looks like it.
KERNEL = """
enum bpf_prog_type {
    BPF_PROG_TYPE_UNSPEC, BPF_PROG_TYPE_SOCKET_FILTER, BPF_PROG_TYPE_KPROBE,
    BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP = 6, BPF_PROG_TYPE_CGROUP_SOCKOPT = 25,
    BPF_PROG_TYPE_TRACING, BPF_PROG_TYPE_STRUCT_OPS, BPF_PROG_TYPE_EXT, BPF_PROG_TYPE_LSM,
    __MAX_BPF_PROG_TYPE,
};
enum bpf_attach_type {
    BPF_CGROUP_GETSOCKOPT = 21, BPF_CGROUP_SETSOCKOPT, BPF_TRACE_RAW_TP, BPF_TRACE_FENTRY,
    BPF_LSM_MAC = 27, BPF_TRACE_ITER, BPF_XDP = 37, BPF_TRACE_KPROBE_MULTI = 42,
    __MAX_BPF_ATTACH_TYPE,
};
enum bpf_prog_type t; enum bpf_attach_type a;
struct bpf_iter_meta; struct task;
typedef void (*btf_trace_sched_switch)(void *);
btf_trace_sched_switch tracepoint;
struct tcp_ops { int flags; void (*init)(struct task *); void (*release)(struct task *); };
struct common { int state; };
struct bpf_struct_ops_tcp_ops { struct common common; struct tcp_ops data; } wrapped;
struct bpf_struct_ops_desc { struct tcp_ops *data; } other;
int bpf_iter_task(struct bpf_iter_meta *meta, struct task *task) { return meta != 0; }
int bpf_iter_task_new(struct task *task) { return task != 0; }
int bpf_lsm_file_open(struct task *task) { return task != 0; }
int bpf_fentry_test1(int a) { return a; }
int __x64_sys_openat(int a) { return a; }
__attribute__((btf_decl_tag("bpf_kfunc"))) int tagged(int a) { return a; }
int named(int a) { return a; }
"""


@pytest.fixture(scope="module")
def btf() -> Btf:
    with compile_bpf(KERNEL).open("rb") as file:
        section = ELFFile(file).get_section_by_name(".BTF")
        assert section is not None
        return Btf(section.data())


def test_contexts(btf: Btf) -> None:
    found = [item for item in contexts(btf) if not item.sleepable]
    shown = [(item.prog_type[14:], item.attach_type, item.target) for item in found]
    assert shown == [
        ("SOCKET_FILTER", "", ""),
        ("KPROBE", "", ""),
        ("KPROBE", "BPF_TRACE_KPROBE_MULTI", ""),
        ("SCHED_CLS", "", ""),
        ("XDP", "", ""),
        ("XDP", "BPF_XDP", ""),
        ("XDP", "BPF_XDP", "device"),
        ("CGROUP_SOCKOPT", "BPF_CGROUP_GETSOCKOPT", ""),
        ("CGROUP_SOCKOPT", "BPF_CGROUP_SETSOCKOPT", ""),
        ("TRACING", "BPF_TRACE_RAW_TP", "btf_trace_sched_switch"),
        ("TRACING", "BPF_TRACE_FENTRY", "bpf_fentry_test1"),
        ("TRACING", "BPF_TRACE_FENTRY", "__x64_sys_openat"),
        ("TRACING", "BPF_TRACE_ITER", "bpf_iter_task"),
        ("STRUCT_OPS", "", "tcp_ops.init"),
        ("STRUCT_OPS", "", "tcp_ops.release"),
        ("EXT", "", "BPF_PROG_TYPE_XDP"),
        ("EXT", "", "BPF_PROG_TYPE_SCHED_CLS"),
        ("EXT", "", "BPF_PROG_TYPE_KPROBE"),
        ("LSM", "BPF_LSM_MAC", "file_open"),
    ]
    asleep = [item for item in contexts(btf) if item.sleepable]
    assert [item.numbers[2] & ~(1 << 4) for item in asleep] == [item.numbers[2] for item in found]
    (struct,) = btf.find("tcp_ops")
    release = next(item for item in found if item.target == "tcp_ops.release")
    assert release.numbers == (27, 2, 0, struct)


def test_only_alternatives_share_a_name(btf: Btf) -> None:
    names: dict[str, list[str]] = {}
    for item in contexts(btf):
        names.setdefault(item.name, []).append(item.target)
    shared = {name: targets for name, targets in names.items() if len(targets) > 1}
    both = ["bpf_fentry_test1", "__x64_sys_openat"]
    fentry = "BPF_PROG_TYPE_TRACING/BPF_TRACE_FENTRY//"
    assert shared == {fentry: both, f"{fentry}s": both}


def test_kfuncs_are_tagged(btf: Btf) -> None:
    assert list(kfuncs(btf)) == ["tagged"]
    found = functions(btf)
    assert {"tagged", "named", "bpf_iter_task"} < found.keys()
    assert found["tagged"] == kfuncs(btf)["tagged"]


def test_plan(btf: Btf) -> None:
    asked = Context("BPF_PROG_TYPE_XDP", "BPF_XDP", "device", numbers=(6, 37, 64, 0))
    plan = render_plan([asked], {"vmlinux": {"tagged": 7}, "fou": {"other": 9}}, 211, ["fou"])
    assert plan == (
        "helpers 1 211\nmodule fou\nkfunc tagged 7 vmlinux\nkfunc other 9 fou\n"
        "context BPF_PROG_TYPE_XDP/BPF_XDP/device/ 6 37 64 0\n"
    )


def test_answers() -> None:
    first = Context("BPF_PROG_TYPE_TRACING", "BPF_TRACE_FENTRY", "security_file_open")
    second = Context(
        "BPF_PROG_TYPE_TRACING", "BPF_TRACE_FENTRY", "bpf_fentry_test1", numbers=(26, 24, 0, 5)
    )
    never = Context("BPF_PROG_TYPE_LIRC_MODE2", "BPF_LIRC_MODE2")
    uses = parse_answers(
        f"context {first.name} 0 22 security_file_open is not there\n"
        f"context {second.name} 5 0 R6 !read_ok\n"
        "helper 5 1 R6 !read_ok\n"
        "helper 12 1 unknown func bpf_tail_call#12\n"
        "kfunc bpf_task_acquire 1 calling kernel function bpf_task_acquire is not allowed\n"
        "kfunc bpf_xdp_metadata_rx_hash 0 metadata kfuncs require device-bound program\n"
        f"context {never.name} 0 22 \n",
        [first, second, never],
    )
    assert uses.helpers == [
        Answer(second, "5", "yes", "R6 !read_ok"),
        Answer(second, "12", "no", "unknown func bpf_tail_call#12"),
    ]
    assert [(item.function, item.verdict) for item in uses.kfuncs] == [
        ("bpf_task_acquire", "no"),
        ("bpf_xdp_metadata_rx_hash", "other"),
    ]
    assert uses.unavailable == [(never, "errno 22: ")]


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        # As kernels of 5.10 to 7.3 print them.
        ("R6 !read_ok", "yes"),
        ("R1 type=ctx expected=map_ptr", "yes"),
        ("R1 type=inv expected=fp, pkt, pkt_meta, map_value, mem, rdonly_buf, rdwr_buf", "yes"),
        (
            "arg#0 pointer type STRUCT task_struct must point to scalar, or struct with scalar",
            "yes",
        ),
        ("unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)", "yes"),
        ("release kernel function bpf_dynptr_file_discard expects refcounted PTR_TO_BTF_ID", "yes"),
        ("unknown func bpf_probe_read#4", "no"),
        ("invalid func unknown#212", "no"),
        ("program of this type cannot use helper bpf_redirect#23", "no"),
        ("calling kernel function bpf_cpumask_create is not allowed", "no"),
        ("helper call is not allowed in probe", "no"),
        ("helper call might sleep in a non-sleepable prog", "no"),
        ("sleepable helper bpf_copy_from_user#148 in non-sleepable prog", "no"),
        ("program must be sleepable to call sleepable kfunc bpf_get_file_xattr", "no"),
        ("func bpf_get_func_ip#173 not supported for program type 5", "no"),
        ("func bpf_get_func_ip#173 supported only for fentry/fexit/fmod_ret programs", "no"),
        ("css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs", "no"),
        ("BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!", "no"),
        ("program with __ref argument cannot tail call", "no"),
        ("BPF_CALL uses reserved fields", "no"),
        ("", "other"),
    ],
)
def test_judge(message: str, verdict: str) -> None:
    assert judge(message, seen=True) == verdict


def test_judge_of_what_is_refused_before_the_call() -> None:
    assert judge("Extension program changes packet data, while original does not", False) == "other"
    assert judge("cannot find address for kernel function bpf_lsm_file_open", False) == "other"
    assert judge("tracing progs cannot use bpf_timer yet", False) == "no"
    # Kernels of 5.13 to 5.15 look for the kfunc first.
    assert judge("calling kernel function tcp_slow_start is not allowed", False) == "no"
