"""Objects against the BTF of kernels made by hand: relocations, targets, symbols."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from helperhist.binary.btf import Btf
from helperhist.binary.object import parse_object
from helperhist.check.against import Against
from helperhist.check.judge import BtfJudge
from helperhist.cli.group import cli
from helperhist.kernel.corespec import Target
from tests.binary.test_btf import sections
from tests.build.checked import GPL, HEAD, checker
from tests.build.objects import compile_bpf

#: Of the kernel: functions, a tracepoint, a hook, an iterator; task has pid, but no last.
KERNEL = """#include "common.h"
struct task { int pid; char comm[16]; };
enum state { IDLE = 4 };
int vfs_read(struct task *task) { return 0; }
int bpf_lsm_open(struct task *task) { return 0; }
int bpf_iter_task(struct task *task) { return 0; }
typedef void (*btf_trace_switch)(void *, struct task *);
int bpf_kf(struct task *task) { return 0; }
enum bpf_func_id { BPF_FUNC_unspec, BPF_FUNC_map_lookup_elem, BPF_FUNC_get_current_pid_tgid = 14,
                   BPF_FUNC_probe_read_kernel = 113 };
struct task v0; enum state v1; btf_trace_switch v2; enum bpf_func_id v3;
"""
TASK = """
struct task { int pid; int last; } __core;
enum state { IDLE, BUSY };
"""


def kernel(more: str = "") -> Path:
    return compile_bpf(KERNEL + more, "-Wno-everything")


def against(
    source: str, cpu: str = "v3", loader: str = "libbpf", more: str = "", release: str = "5.10"
) -> Against:
    path = compile_bpf(HEAD + GPL + TASK + source, "-Wno-everything", cpu=cpu)
    judge = BtfJudge(Target(Btf(sections(kernel(more))[0])), release, checker().timeline)
    return judge.judge(parse_object(path.read_bytes(), loader))


def lacks(found: Against) -> list[tuple[str, str, bool]]:
    return [(item.item.kind, item.item.name, item.certain) for item in found.lacks]


READ = "int program(struct task *t) { %s }"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("return t->pid;", [], id="there"),
        pytest.param("return t->last;", [True], id="missing"),
        pytest.param("return field_exists(t->last) ? t->last : 1;", [], id="guarded"),
        pytest.param("return field_exists(t->pid) ? t->last : 1;", [True], id="wrong guard"),
        pytest.param("if (field_exists(t->last)) return 0; return t->last;", [True], id="not"),
        pytest.param(
            "if (enum_exists(enum state, BUSY)) return t->last; return 2;", [], id="enumerator"
        ),
        pytest.param("if (t->pid > 7) return t->last; return 2;", [False], id="data decides"),
        pytest.param(
            "if (t->pid > 7) { t = t + 1; return t->last; } return t->last + 1;",
            [True, True],
            id="all ways",
        ),
        pytest.param(
            "u64 k = 0; if (CALL3(113, &k, 8, t)) return t->last; return 2;", [True], id="failure"
        ),
    ],
)
def test_a_missing_field_counts_if_the_verifier_gets_there(body: str, expected: list[bool]) -> None:
    found = against(f'SEC("raw_tp/x") {READ % body}')
    assert lacks(found) == [("core", "struct task.last", certain) for certain in expected]


def test_an_element_is_looked_at_and_null_is_not_sure() -> None:
    maps = """struct { __uint(type, 1); __uint(max_entries, 4); __type(key, u32);
    __type(value, u64); } map SEC(".maps");"""
    body = "u32 k = 0; u64 *v = (u64 *)CALL2(1, &map, &k); if (%s) return 1; return t->last + *v;"
    found = against(f'{maps} SEC("raw_tp/x") {READ % (body % "!v")}')
    assert lacks(found) == [("core", "struct task.last", True)]
    null = "u32 k = 0; if (!CALL2(1, &map, &k)) return t->last; return 1;"
    found = against(f'{maps} SEC("raw_tp/x") {READ % null}')
    assert lacks(found) == [("core", "struct task.last", False)]


def test_a_function_that_is_refused_refuses_its_callers() -> None:
    function = "__noinline static int last(struct task *t) { return t->last; }"
    found = against(f'{function} SEC("raw_tp/x") {READ % "return last(t) + 1;"}')
    assert lacks(found) == [("core", "struct task.last", True)]
    found = against(
        f'{function} SEC("raw_tp/x") {READ % "return field_exists(t->last) ? last(t) : 0;"}'
    )
    assert lacks(found) == []


def test_the_place_and_the_reason_are_told() -> None:
    (found,) = against(f'SEC("raw_tp/x") {READ % "return t->last;"}').lacks
    assert found.reason == "not in the kernel's struct task"
    assert (found.item.program, found.item.insn) == ("program", 0)
    assert (found.item.source or "").endswith("/test.bpf.c:6")


def test_a_program_that_is_not_loaded_wants_nothing() -> None:
    assert lacks(against(f'SEC("?raw_tp/x") {READ % "return t->last;"}')) == []
    assert lacks(against('SEC("?fentry/absent") int program(void *c) { return 0; }')) == []


@pytest.mark.parametrize(
    ("section", "near"),
    [
        ("fentry/vfs_read", None),
        ("fexit/vfs_reads", "vfs_read"),
        ("fmod_ret/nothing", ""),
        ("lsm/open", None),
        ("lsm/opens", "open"),
        ("iter/task", None),
        ("iter/bpf_map", ""),
        ("tp_btf/switch", None),
        ("tp_btf/swich", "switch"),
        ("fentry", None),
        ("freplace/vfs_reads", None),
    ],
)
def test_targets_are_looked_up(section: str, near: str | None) -> None:
    found = against(f'SEC("{section}") int program(void *c) {{ return 0; }}').lacks
    assert bool(found) == (near is not None)
    if near is not None:
        assert found[0].certain
        assert found[0].item.kind == "attach_target"
        assert found[0].reason.endswith(f"nearest: {near}" if near else "of a module")


def test_a_kprobe_is_only_remarked_on() -> None:
    found = against('SEC("kprobe/vfs_reads") int program(void *c) { return 0; }')
    assert lacks(found) == []
    assert found.remarks[0].startswith("kprobe/vfs_reads: vfs_reads is not in this BTF: static")
    assert "nearest: vfs_read;" in found.remarks[0]
    assert not against('SEC("kprobe/vfs_read") int program(void *c) { return 0; }').remarks


@pytest.mark.parametrize(
    ("declaration", "expected"),
    [
        ("int bpf_kf(struct task *task) __ksym;", []),
        ("int bpf_kf(struct task *task, int more) __ksym;", [("kfunc", "bpf_kf", True)]),
        ("int bpf_kf___2(struct task *task, int more) __ksym __weak;", []),
        ("int bpf_other(struct task *task) __ksym;", [("kfunc", "bpf_other", False)]),
        ("int bpf_other(struct task *task) __ksym __weak;", []),
        # It came after 5.10, which the kernel is most like: no module of it has this.
        (
            "int bpf_iter_bits_new(struct task *task) __ksym;",
            [("kfunc", "bpf_iter_bits_new", True)],
        ),
    ],
)
def test_kfuncs_are_looked_up(declaration: str, expected: list[tuple[str, str, bool]]) -> None:
    name = declaration.split("(")[0].split()[-1]
    more = ", 0" if "more" in declaration else ""
    test = f"if (!{name}) return 0; " if "__weak" in declaration else ""
    found = against(f'{declaration} SEC("raw_tp/x") {READ % f"{test} return {name}(t{more});"}')
    assert lacks(found) == expected


@pytest.mark.parametrize(
    ("section", "body", "sure"),
    [
        ("tp_btf/switch", "return ctx[0];", []),
        ("tp_btf/switch", "return ctx[1];", [True]),
        ("tp_btf/switch", "return ctx[0] ? ctx[1] : 0;", [False]),
        ("fentry/vfs_read", "return ctx[1];", [True]),
        # The result is behind the arguments.
        ("fexit/vfs_read", "return ctx[1];", []),
        ("fexit/vfs_read", "return ctx[2];", [True]),
        ("raw_tp/switch", "return ctx[5];", []),
    ],
)
def test_an_argument_that_the_function_does_not_have(
    section: str, body: str, sure: list[bool]
) -> None:
    found = against(f'SEC("{section}") int prog(u64 *ctx) {{ {body} }}')
    assert [item.certain for item in found.lacks] == sure


@pytest.mark.parametrize(
    ("release", "switch", "sure"),
    [("5.10", 0, []), ("5.10", 1, [False]), ("5.4", 0, [False])],
)
def test_a_switch_of_rodata_decides(release: str, switch: int, sure: list[bool]) -> None:
    source = f"volatile const int on = {switch};\n"
    body = "if (on) return ctx[1]; return 0;"
    found = against(
        f'{source}SEC("tp_btf/switch") int prog(u64 *ctx) {{ {body} }}', release=release
    )
    assert [item.certain for item in found.lacks] == sure


@pytest.mark.parametrize(("release", "sure"), [("5.10", []), ("5.11", [False])])
def test_the_version_of_the_kernel_decides(release: str, sure: list[bool]) -> None:
    source = "extern int LINUX_KERNEL_VERSION __kconfig;\n"
    body = "if (LINUX_KERNEL_VERSION >= 0x050b00) return ctx[1]; return 0;"
    found = against(
        f'{source}SEC("tp_btf/switch") int prog(u64 *ctx) {{ {body} }}', release=release
    )
    assert [item.certain for item in found.lacks] == sure


@pytest.mark.parametrize(
    ("body", "release", "sure"),
    [
        ("return (int)ctx[0];", "6.12", [True]),
        ("return (int)ctx[0];", "6.1", []),
        # The result of the programs before.
        ("return (int)ctx[1];", "6.12", []),
        ("return 0;", "6.12", []),
    ],
)
def test_an_lsm_program_that_returns_an_argument(body: str, release: str, sure: list[bool]) -> None:
    found = against(f'SEC("lsm/open") int prog(u64 *ctx) {{ {body} }}', release=release)
    assert [item.certain for item in found.lacks] == sure


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("bpf_other", "return %s(t);", [("kfunc", "bpf_other", False)]),
        ("bpf_other", "if (%s) return %s(t); return 0;", []),
        ("bpf_iter_bits_new", "return %s(t);", [("kfunc", "bpf_iter_bits_new", True)]),
        # With another prototype than the kernel's, the check says no.
        ("bpf_kf", "if (%s) return %s(t); return 0;", []),
        ("bpf_kf", "return %s(t);", [("kfunc", "bpf_kf", True)]),
    ],
)
def test_a_weak_kfunc_that_stays_open(
    name: str, body: str, expected: list[tuple[str, str, bool]]
) -> None:
    declared = f"int {name}(long task) __ksym __weak;"
    body = body.replace("%s", name).replace("(t)", "(5)")
    found = against(f'{declared} SEC("raw_tp/x") int prog(void *ctx) {{ {body} }}')
    assert lacks(found) == expected


def test_a_weak_kfunc_answers_its_check() -> None:
    declared = "int %s(struct task *task) __ksym __weak;"
    body = "if (%s) return t->last; return 1;"
    absent, there = (
        against(f'{declared % name} SEC("raw_tp/x") {READ % (body % name)}')
        for name in ("bpf_other", "bpf_kf")
    )
    assert lacks(absent) == []
    assert lacks(there) == [("core", "struct task.last", True)]


OPS = """
struct ops { int (*first)(void); int (*second)(void); int size; };
SEC("struct_ops/first") int first(void *c) { return 0; }
SEC("struct_ops/second") int second(struct task **c) { return (*c)->last; }
"""
KERNEL_OPS = """
struct ops { int (*first)(void); int size; };
struct bpf_struct_ops_ops { int common; struct ops data; }; struct bpf_struct_ops_ops v4;
"""


@pytest.mark.parametrize(
    ("section", "sets", "expected"),
    [
        (".struct_ops", ".first = (void *)first", []),
        (
            ".struct_ops",
            ".second = (void *)second",
            [("struct_ops", "ops.second"), ("core", "struct task.last")],
        ),
        # Nobody creates the map, so nobody loads its program.
        ("?.struct_ops", ".second = (void *)second", []),
    ],
)
def test_struct_ops_are_looked_up(section: str, sets: str, expected: list[tuple[str, str]]) -> None:
    variable = f'struct ops ops SEC("{section}") = {{ {sets} }};'
    source = OPS if "second" in sets else OPS.replace("(*c)->last", "0")
    found = against(source + variable, more=KERNEL_OPS)
    assert [(kind, name) for kind, name, _ in lacks(found)] == expected
    if expected:
        assert [kind for kind, _, _ in lacks(against(source + variable))] == ["struct_ops", "core"]


def test_without_a_loader_nothing_is_relocated() -> None:
    found = against(f'SEC("raw_tp/x") {READ % "return t->last;"}', loader="raw")
    assert lacks(found) == []
    assert found.relocations == ()


@pytest.fixture
def btf(tmp_path: Path) -> Path:
    path = tmp_path / "vmlinux.btf"
    path.write_bytes(sections(kernel())[0])
    return path


def run(btf: Path, source: str, *options: str) -> Result:
    path = compile_bpf(HEAD + GPL + TASK + source, "-Wno-everything", cpu="v2")
    arguments = ["check", str(path), "--target", str(btf), *options]
    return CliRunner().invoke(cli, arguments, catch_exceptions=False)


def test_the_command_says_no_and_names_the_field(btf: Path) -> None:
    done = run(btf, f'SEC("kprobe/x") {READ % "return t->last;"}', "--json")
    assert done.exit_code == 1
    (answer,) = json.loads(done.stdout)
    found = [item for item in answer["target"]["missing"] if item["kind"] == "core"]
    assert [(item["name"], item["certain"]) for item in found] == [("struct task.last", True)]


def test_the_command_explains_relocations(btf: Path) -> None:
    source = f'SEC("kprobe/x") {READ % "return field_exists(t->last) ? t->last : t->pid;"}'
    done = run(btf, source, "--explain-core")
    assert "3 CO-RE relocations" in done.stdout
    assert "field_exists struct task.last (0:1 @ offset 4) -> 0 (compiled: 1)" in done.stdout
    assert "unresolved: struct task.last: not in the kernel's struct task" in done.stdout
    assert "note: kprobe/x: x is not in this BTF" in done.stdout


def test_relocations_are_explained_with_btf_only(btf: Path) -> None:
    path = compile_bpf(HEAD + GPL + f'{TASK} SEC("kprobe/x") {READ % "return t->pid;"}', cpu="v2")
    done = CliRunner().invoke(cli, ["check", str(path), "--target", "5.10", "--explain-core"])
    assert done.exit_code == 2
    assert "--explain-core needs --target with BTF" in done.output
