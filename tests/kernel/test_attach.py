"""Attach targets, struct_ops and externs against BTF that a compiler made for another "kernel"."""

import os

import pytest

from helperhist.binary.btf import Btf
from helperhist.binary.btfkinds import Kind
from helperhist.binary.sections import program_kind
from helperhist.errors import ParseError
from helperhist.kernel.attach import Attach, AttachTargets
from helperhist.kernel.corespec import Target
from helperhist.kernel.ksyms import Ksym, Ksyms
from helperhist.kernel.structops import StructOps, find_struct_ops
from tests.binary.test_btf import VMLINUX, sections
from tests.build.elf import build_btf as build
from tests.build.elf import info
from tests.build.objects import compile_bpf
from tests.kernel.test_core import PRELUDE, kernel

FUNCTIONS = """
struct pair { u64 a; u64 b; };
int vfs_read(void *file, char *data, u64 size, u64 *pos) { return 1; }
void tcp_close(void *sk) {}
int __do_open(struct pair two, int one) { return one; }
int bpf_lsm_file_open(void *file) { return 0; }
void bpf_lsm_task_free(void *task) {}
int bpf_iter_task(void *meta, void *task) { return 0; }
typedef void (*btf_trace_sched_switch)(void *data, int preempt, void *from, void *to);
btf_trace_sched_switch typed;
"""


def find(section: str, target: Target | None = None) -> Attach:
    kind = program_kind(section)
    assert kind is not None
    return AttachTargets(target or kernel(FUNCTIONS)).find(kind)


@pytest.mark.parametrize(
    ("section", "what", "words"),
    [
        ("fentry/vfs_read", "function", 4),
        ("fexit/vfs_read", "function", 5),
        ("fexit/tcp_close", "function", 1),
        ("fmod_ret/vfs_read", "function", 5),
        # A struct of 16 bytes takes two words.
        ("fentry.s/__do_open", "function", 3),
        ("fentry/vmlinux:vfs_read", "function", 4),
        ("lsm/file_open", "LSM hook", 2),
        ("lsm_cgroup/file_open", "LSM hook", 2),
        ("lsm.s/task_free", "LSM hook", 1),
        ("iter/task", "iterator", 2),
        ("tp_btf/sched_switch", "tracepoint", 3),
    ],
)
def test_targets_are_found(section: str, what: str, words: int) -> None:
    found = find(section)
    assert (found.found, found.what, found.words) == (True, what, words)
    assert found.id


@pytest.mark.parametrize(
    ("section", "nearest"),
    [
        ("fentry/vfs_raed", "vfs_read"),
        ("fentry/do_open", "__do_open"),
        ("fentry/__vfs_read", "vfs_read"),
        ("fentry/file_open", ""),
        ("lsm/file_opne", "file_open"),
        ("iter/tasks", "task"),
        ("tp_btf/sched_swich", "sched_switch"),
        ("tp_btf/vfs_read", ""),
        ("fentry/____", ""),
    ],
)
def test_missing_targets_have_the_nearest_name(section: str, nearest: str) -> None:
    found = find(section)
    assert found.found is False
    assert found.nearest == nearest
    assert found.reason.startswith("not in this BTF")


def test_static_inlined_and_renamed_are_said_of_functions_only() -> None:
    assert find("fexit/missing").reason == (
        "not in this BTF: static, inlined, renamed, or of a module"
    )
    assert find("lsm/missing").reason == (
        "not in this BTF: of another release or configuration, or of a module"
    )


def test_what_user_space_or_another_program_decides() -> None:
    assert find("fentry").found is None
    assert find("freplace/subprog").found is None
    assert "another BPF program" in find("freplace/subprog").reason
    long = find("fentry/" + "x" * 200)
    assert (long.found, long.reason) == (False, "the name is too long for libbpf")


def test_a_kprobe_may_take_what_is_not_in_btf() -> None:
    targets = AttachTargets(kernel(FUNCTIONS))
    assert targets.function("vfs_read").found is True
    missing = targets.function("vfs_raed")
    assert (missing.found, missing.nearest) == (None, "vfs_read")


def module_target() -> Target:
    """Return a kernel with ``in_kernel``, and a module with ``in_module``."""
    names = b"\0in_kernel\0in_module\0"
    base = Btf(build((0, info(13), 0), (1, info(12, 1), 1), strings=names))
    module = Btf(build((11, info(12, 1), 1), strings=b""), base)
    return Target(base, [("nice", module)])


def test_modules_are_asked_as_the_section_says() -> None:
    target = module_target()
    found = find("fentry/in_module", target)
    assert (found.found, found.module, found.id) == (True, "nice", 3)
    assert find("fentry/nice:in_module", target).found is True
    assert find("fentry/vmlinux:in_module", target).found is False
    # The kernel's functions are none of its modules'.
    other = find("fentry/nice:in_kernel", target)
    assert (other.found, other.nearest) == (False, "in_kernel")
    assert other.reason == "not in the BTF of module nice"
    unknown = find("fentry/xfs:in_module", target)
    assert (unknown.found, unknown.reason) == (None, "the BTF of module xfs is not at hand")
    assert find("fentry/in_kernel", target).module == ""


def test_function_type_without_end_has_no_words() -> None:
    strings = b"\0vfs_read\0"
    loop = Btf(build((1, info(12, 1), 2), (0, info(10), 2), strings=strings))
    found = find("fentry/vfs_read", Target(loop))
    assert (found.found, found.words) == (True, None)


KFUNCS = """
struct task { int pid; }; struct other { int x; };
__tag("bpf_kfunc") int bpf_good(struct task *t, u64 flags) { return 0; }
__tag("bpf_kfunc") void bpf_changed(struct task *t) {}
int inner(int a) { return a; }
int counter; struct task init_task;
"""
EXTERNS = """
struct task { long more; };
extern int bpf_good(struct task *t, u64 flags) __ksym;
extern int bpf_good___old(struct task *t, u64 flags) __ksym __weak;
extern void bpf_changed(struct task *t, int more) __ksym __weak;
extern int inner(int a) __ksym;
extern int bpf_goood(void) __ksym;
extern const int counter __ksym;
extern const struct task *init_task __ksym __weak;
extern const struct task gone __ksym __weak;
extern const void address __ksym;
SEC("tc") int program(void *ctx) {
    return bpf_good(0, 0) + (bpf_good___old ? bpf_good___old(0, 0) : 0) + inner(1) + bpf_goood()
        + (bpf_changed != 0 ? (bpf_changed(0, 0), 1) : 0) + counter + (int)(u64)&address
        + (&init_task ? 1 : 2) + (&gone ? 1 : 2);
}
"""


@pytest.fixture(scope="module")
def ksyms() -> dict[str, Ksym]:
    local = Btf(sections(compile_bpf(PRELUDE + EXTERNS, "-Wno-everything"))[0])
    finder = Ksyms(local, kernel(KFUNCS))
    (section,) = local.find(".ksyms", Kind.DATASEC)
    ids = [member.type for member in local.type(section).members]
    return {local.name(item): finder.find(item, weak=True) for item in ids}


def test_kfuncs_are_found_without_their_flavour(ksyms: dict[str, Ksym]) -> None:
    assert ksyms["bpf_good"].found is True
    assert ksyms["bpf_good___old"].found is True
    assert ksyms["bpf_good"].id == ksyms["bpf_good___old"].id


def test_missing_kfunc_has_the_nearest_name(ksyms: dict[str, Ksym]) -> None:
    missing = ksyms["bpf_goood"]
    assert (missing.found, missing.weak, missing.nearest) == (False, True, "bpf_good")


def test_prototypes_must_fit(ksyms: dict[str, Ksym]) -> None:
    changed = ksyms["bpf_changed"]
    assert (changed.found, changed.weak) == (False, True)
    assert changed.reason == "kfunc bpf_changed has another type in this kernel"


def test_a_function_without_the_tag_is_no_kfunc(ksyms: dict[str, Ksym]) -> None:
    inner = ksyms["inner"]
    assert (inner.found, inner.weak) == (False, False)
    assert inner.reason == "a function of this kernel, but no kfunc"


def test_a_kernel_without_tags_does_not_say_which_functions_are_kfuncs() -> None:
    local = Btf(sections(compile_bpf(PRELUDE + EXTERNS, "-Wno-everything"))[0])
    untagged = kernel(KFUNCS.replace('__tag("bpf_kfunc")', ""))
    (inner,) = local.find("inner", Kind.FUNC)
    assert Ksyms(local, untagged).find(inner).found is True


def test_variables(ksyms: dict[str, Ksym]) -> None:
    assert ksyms["counter"].found is True
    assert ksyms["gone"].found is False
    assert ksyms["address"].found is None
    # No loader forgives a variable of another type, not even a weak one.
    assert (ksyms["init_task"].found, ksyms["init_task"].weak) == (False, False)


OPS = """struct tcp_ops { u64 (*undo)(void *sk); void (*init)(void *sk); int (*gone)(void);
    int flags; u64 size; char name[16]; int no_pointer; };"""


def struct_ops(kernels: str, *used: str, local: str = OPS) -> tuple[StructOps, ...]:
    mine = Btf(sections(compile_bpf(f'#include "common.h"\n{local} struct tcp_ops v;'))[0])
    (found,) = mine.find("tcp_ops", Kind.STRUCT)
    target = kernel(f"{kernels}", "struct bpf_struct_ops_tcp_ops")
    return find_struct_ops(mine, found, used, target)


THEIRS = """struct tcp_ops { void (*init)(void *sk); u64 (*undo)(void *sk); u64 flags; u64 size;
    char name[16]; int *no_pointer; };
    struct bpf_struct_ops_tcp_ops { u64 common; struct tcp_ops data; };"""


def test_struct_ops_members() -> None:
    theirs = THEIRS.replace("u64 flags", "int flags").replace("int *no", "int no")
    assert struct_ops(theirs, "undo", "name") == (
        StructOps("tcp_ops", True),
        StructOps("tcp_ops.undo", True),
        StructOps("tcp_ops.name", True),
    )
    # What the object does not set, the kernel may lack.
    assert struct_ops(theirs, "gone")[1:] == (
        StructOps("tcp_ops.gone", False, "not a member in this kernel"),
    )


def test_struct_ops_members_of_other_types_are_refused_even_if_not_set() -> None:
    assert struct_ops(THEIRS)[1:] == (
        StructOps("tcp_ops.flags", False, "of another size in this kernel"),
        StructOps("tcp_ops.no_pointer", False, "of another kind in this kernel"),
    )


def test_struct_ops_operation_that_is_no_function_in_the_kernel() -> None:
    theirs = """struct tcp_ops { int *undo; };
    struct bpf_struct_ops_tcp_ops { struct tcp_ops data; };"""
    assert struct_ops(theirs, "undo")[1:] == (
        StructOps("tcp_ops.undo", False, "no function in this kernel"),
    )


def test_struct_ops_bit_fields_are_not_set() -> None:
    theirs = """struct tcp_ops { int flags : 3; };
    struct bpf_struct_ops_tcp_ops { struct tcp_ops data; };"""
    assert struct_ops(theirs)[1:] == (
        StructOps("tcp_ops.flags", False, "a bit field, which libbpf does not set"),
    )


def test_struct_ops_that_the_kernel_lacks() -> None:
    other = THEIRS.replace("tcp_ops", "tcp_opz")
    near = struct_ops(other + "struct bpf_struct_ops_tcp_ops { int none; };")
    assert near == (
        StructOps(
            "tcp_ops", False, "bpf_struct_ops_tcp_ops of this kernel holds no struct tcp_ops"
        ),
    )
    local = Btf(sections(compile_bpf(f'#include "common.h"\n{OPS} struct tcp_ops v;'))[0])
    (mine,) = local.find("tcp_ops", Kind.STRUCT)
    theirs = kernel(other, "struct bpf_struct_ops_tcp_opz")
    (found,) = find_struct_ops(local, mine, (), theirs)
    assert (found.found, found.nearest) == (False, "tcp_opz")
    (number,) = local.find("int", Kind.INT)
    with pytest.raises(ParseError, match="struct_ops of int"):
        find_struct_ops(local, number, (), theirs)


@pytest.mark.skipif(
    os.environ.get("HELPERHIST_TEST_LIVE_KERNEL") != "1",
    reason="asks the running kernel: set HELPERHIST_TEST_LIVE_KERNEL=1",
)
def test_running_kernel_has_what_every_kernel_has() -> None:
    target = Target(Btf(VMLINUX.read_bytes()))
    assert find("fentry/vfs_read", target).words == 4
    assert find("tp_btf/sched_switch", target).found is True
    assert find("iter/task", target).found is True
