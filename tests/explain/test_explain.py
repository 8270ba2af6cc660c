"""``explain``: messages in all their spellings, whole answers, hostile logs."""

# ruff: noqa: RUF001 - compilers write these quotes

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import helperhist
from helperhist.cli.group import cli
from helperhist.explain.messages import MAX_FINDINGS, MAX_LINE, explain, iter_lines
from helperhist.timeline import Timeline


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    return helperhist.load("embedded")


# message, rule, kind, name, id, since
CASES = [
    # The kernel's number is beyond its list: it is older than the helper.
    ("invalid func unknown#182", "helper-missing", "helper", "bpf_strncmp", 182, "5.17"),
    ("invalid func 45", "helper-missing", "helper", "bpf_probe_read_str", 45, "4.11"),
    (
        "field P: program p: load program: invalid argument: invalid func unknown#177 (2 line(s))",
        "helper-missing", "helper", "bpf_trace_vprintk", 177, "5.16",
    ),
    ("invalid func unknown#9999", "helper-unknown", "helper", None, 9999, None),
    # It has the helper, and refuses it.
    ("unknown func bpf_loop#181", "helper-not-for-type", "helper", "bpf_loop", 181, "5.17"),
    ("unknown func 45", "helper-not-for-type", "helper", "bpf_probe_read_str", 45, "4.11"),
    (
        "program of this type cannot use helper bpf_probe_read_kernel#113",
        "helper-not-for-type", "helper", "bpf_probe_read_kernel", 113, "5.5",
    ),
    ("unknown func bpf_vendors_own#300", "helper-not-for-type", None, None, None, None),
    (
        "func bpf_get_func_ip#173 not supported for program type 5",
        "helper-not-for-type", "helper", "bpf_get_func_ip", 173, "5.15",
    ),
    (
        "func bpf_get_func_ip#173 supported only for fentry/fexit/fmod_ret programs",
        "helper-not-for-type", "helper", "bpf_get_func_ip", 173, "5.15",
    ),
    (
        "sleepable helper bpf_copy_from_user#148 in rcu_read_lock region",
        "helper-sleeps", "helper", "bpf_copy_from_user", 148, "5.10",
    ),
    # Numbers that loaders write.
    ("invalid func unknown#195896080", "core-relocation", None, None, None, None),
    ("invalid func unknown#2001000003", "map-not-created", None, None, None, None),
    ("invalid func unknown#2002000003", "kfunc-not-found", "kfunc", None, None, None),
    (f"invalid func unknown#{0xDEDC0DE}", "kfunc-not-found", "kfunc", None, None, None),
    ("invalid func unknown#-1", "call-not-resolved", None, None, None, None),
    ("invalid func -1", "call-not-resolved", None, None, None, None),
    # kfuncs
    (
        "calling kernel function bpf_task_acquire is not allowed",
        "kfunc-not-for-type", "kfunc", "bpf_task_acquire", None, "6.2",
    ),
    (
        "libbpf: extern (func ksym) 'bpf_rdonly_cast': not found in kernel or module BTFs",
        "kfunc-not-found", "kfunc", "bpf_rdonly_cast", None, "6.2",
    ),
    (
        "calling kernel function bpf_of_a_vendor is not allowed",
        "kfunc-not-for-type", "kfunc", "bpf_of_a_vendor", None, None,
    ),
    (
        "error: call to undeclared function 'bpf_rcu_read_lock'; ISO C99 and later do not",
        "headers-too-old", "kfunc", "bpf_rcu_read_lock", None, "6.2",
    ),
    ("kernel btf_id 4711 is not a function", "kfunc-not-found", "kfunc", None, None, None),
    (
        "cannot call kernel function from non-GPL compatible program",
        "gpl-only", "kfunc", None, None, None,
    ),
    (
        "calling kernel function is not supported without CONFIG_DEBUG_INFO_BTF",
        "kernel-without-btf", "kfunc", None, None, None,
    ),
    (
        "JIT is required for calling kernel function",
        "kfunc-needs-jit", "kfunc", None, None, None,
    ),
    (
        "JIT does not support calling kernel function",
        "kfunc-needs-jit", "kfunc", None, None, None,
    ),
    # compilers
    (
        "x.c:2:5: error: use of undeclared identifier 'BPF_FUNC_loop'",
        "headers-too-old", "helper", "bpf_loop", 181, "5.17",
    ),
    (
        "x.c:2:5: error: ‘BPF_FUNC_loop’ undeclared (first use in this function)",
        "headers-too-old", "helper", "bpf_loop", 181, "5.17",
    ),
    (
        "x.c:2:5: error: `BPF_FUNC_loop' undeclared (first use in this function)",
        "headers-too-old", "helper", "bpf_loop", 181, "5.17",
    ),
    (
        "x.c:2:5: error: ‘BPF_FUNC_loop’ was not declared in this scope",
        "headers-too-old", "helper", "bpf_loop", 181, "5.17",
    ),
    (
        "x.c:2:5: warning: implicit declaration of function 'bpf_loop' is invalid in C99",
        "headers-too-old", "helper", "bpf_loop", 181, "5.17",
    ),
    (
        "x.c:2:5: warning: implicit declaration of function ‘bpf_loop’; did you mean",
        "headers-too-old", "helper", "bpf_loop", 181, "5.17",
    ),
    (
        "x.c:2:5: error: call to undeclared function 'bpf_loop'; ISO C99 and later do not",
        "headers-too-old", "helper", "bpf_loop", 181, "5.17",
    ),
    (
        "x.c:2:5: error: ‘\x1b[01m\x1b[KBPF_MAP_TYPE_RINGBUF\x1b[m\x1b[K’ undeclared",
        "headers-too-old", "map_type", "BPF_MAP_TYPE_RINGBUF", 27, "5.8",
    ),
    (
        "x.c:2:5: error: no member named 'gso_size' in 'struct __sk_buff'",
        "headers-too-old", "field", "__sk_buff.gso_size", None, "5.7",
    ),
    (
        "x.c:2:5: error: no member named 'gso_size' in '__sk_buff'",
        "headers-too-old", "field", "__sk_buff.gso_size", None, "5.7",
    ),
    (
        "x.c:2:5: error: ‘struct __sk_buff’ has no member named ‘gso_size’",
        "headers-too-old", "field", "__sk_buff.gso_size", None, "5.7",
    ),
    (
        "error: use of undeclared identifier 'BPF_FUNC_no_such_helper'",
        "name-unknown", None, "BPF_FUNC_no_such_helper", None, None,
    ),
    (
        "error: no member named 'nope' in 'struct xdp_md'",
        "name-unknown", "field", "xdp_md.nope", None, None,
    ),
    # limits and features
    ("back-edge from insn 7 to 3", "loop", None, None, None, "5.3"),
    ("BPF program is too large. Processed 131073 insn", "too-complex", None, None, None, "5.2"),
    ("BPF program is too large. Processed 1000001 insn", "too-complex", None, None, None, None),
    ("unrecognized bpf_ld_imm64 insn", "address-unknown", None, None, None, None),
    ("libbpf: kernel doesn't support global data", "global-data", None, None, None, "5.2"),
    (
        "libbpf: Kernel doesn't support BTF, skipping uploading it.",
        "btf-not-loaded", None, None, None, None,
    ),
    ("libbpf: failed to find valid kernel BTF", "kernel-without-btf", None, None, None, None),
    (
        "libbpf: kernel BTF is missing at '/sys/kernel/btf/vmlinux', was CONFIG_DEBUG_INFO_BTF",
        "kernel-without-btf", None, None, None, None,
    ),
    (
        "no BTF found for kernel version 4.18.0-305.el8: not supported",
        "kernel-without-btf", None, None, None, None,
    ),
    (
        "libbpf: map 'm': failed to create: Argument list too long(-7)",
        "too-big", None, None, None, None,
    ),
    ("libbpf: prog 'p': BPF program load failed: -E2BIG", "too-big", None, None, None, None),
    (
        "failed to resolve CO-RE relocation <enumval_value> [8] enum bpf_func_id::BPF_FUNC_loop",
        "core-relocation", "helper", "bpf_loop", 181, "5.17",
    ),
    (
        "failed to resolve CO-RE relocation <byte_off> [24] struct task_struct.state (0:2 @",
        "core-relocation", None, None, None, None,
    ),
    # Instructions; what stands after the release is what the object has.
    ("BPF_STX uses reserved fields", "instruction-unknown", None, None, None, None),
    ("BPF_XADD uses reserved fields", "instruction-unknown", None, None, None, None),
    ("BPF_ALU uses reserved fields", "instruction-unknown", None, None, None, "6.6"),
    ("BPF_MOV uses reserved fields", "instruction-unknown", None, None, None, None),
    ("BPF_LDX uses reserved fields", "instruction-unknown", None, None, None, "6.6"),
    ("unknown opcode e5", "instruction-unknown", None, None, None, "6.9"),
    ("unknown opcode 06", "instruction-unknown", None, None, None, "6.6"),
    ("unknown opcode d7", "instruction-unknown", None, None, None, "6.6"),
    ("unknown opcode ad", "instruction-unknown", None, None, None, "4.14"),
    ("unknown opcode 26", "instruction-unknown", None, None, None, "5.1"),
    ("unknown opcode ff", "instruction-unknown", None, None, None, None),
    ("invalid BPF_JMP opcode a0", "instruction-unknown", None, None, None, "4.14"),
    ("unknown insn class 6", "instruction-unknown", None, None, None, "5.1"),
    (
        "BPF_ATOMIC uses invalid atomic opcode 100",
        "instruction-unknown", None, None, None, "6.15",
    ),
    (
        "number of funcs in func_info doesn't match number of subprogs",
        "callback", None, None, None, "5.13",
    ),
    (
        "Global function add() doesn't return scalar. Only those are supported.",
        "global-function-void", None, None, None, "7.1",
    ),
    (
        "arg#0 reference type('UNKNOWN ') size cannot be determined: -22",
        "function-pointer-size", None, None, None, None,
    ),
    (
        "BPF_ST stores into R1 ctx is not allowed",
        "store-to-context", None, None, None, "6.4",
    ),
    ("BPF_ARSH not supported for 32 bit ALU", "arithmetic-shift", None, None, None, "5.0"),
    (
        "Arg#0 type PTR in sub() is not supported yet.",
        "global-function-pointer", None, None, None, "5.12",
    ),
    (
        "libbpf: extern (var ksym) 'bpf_prog_active': not found in kernel BTF",
        "ksym-not-found", None, None, None, None,
    ),
    (
        "libbpf: prog 'p': failed to find kernel BTF type ID of 'md_flush_request': -3",
        "attach-target-not-found", None, None, None, None,
    ),
    (
        "libbpf: prog 'p': missing BPF prog type, check ELF section name 'uprobe.multi/x'",
        "section-unknown", None, None, None, None,
    ),
    (
        "libbpf: elf: legacy map definitions in 'maps' section are not supported by libbpf v1.0+",
        "legacy-maps", None, None, None, None,
    ),
    ("libbpf: failed to open system Kconfig", "kconfig-not-found", None, None, None, None),
    ("invalid bpf_context access off=216 size=8", "context-field", None, None, None, None),
    (
        "libbpf: map 'm': failed to create: Invalid argument(-22)",
        "map-refused", None, None, None, None,
    ),
    (
        "map create: map type RingBuf not supported (requires >= v5.8)",
        "loader-requires", None, None, None, "5.8",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "rule", "kind", "name", "number", "since"), CASES, ids=[c[0][:60] for c in CASES]
)
def test_message(
    timeline: Timeline,
    message: str,
    rule: str,
    kind: str | None,
    name: str | None,
    number: int | None,
    since: str | None,
) -> None:
    (finding,) = explain([message], timeline)
    answer = finding.answer
    assert (answer.rule, answer.kind, answer.name, answer.id, answer.since) == (
        rule, kind, name, number, since,
    )  # fmt: skip
    assert answer.meaning
    assert answer.advice
    assert "{" not in answer.meaning + answer.advice


NOTHING = [
    "",
    "processed 12 insns (limit 1000000) max_states_per_insn 0 total_states 1",
    "8: (85) call bpf_get_stackid#27",
    "error: use of undeclared identifier 'loop'",
    "error: use of undeclared identifier 'foo'",
    "error: no member named 'x' in 'struct mine'",
    "invalid func",
    "invalid func unknown#",
    "invalid func unknown#12345678901234567890",
    "prog 'p': BPF program load failed: Permission denied",
]


@pytest.mark.parametrize("message", NOTHING)
def test_nothing_recognised(timeline: Timeline, message: str) -> None:
    assert explain([message], timeline) == ()


# The helper stands in the line of the instruction, not in the message.
CONTEXT = [
    (
        "8: (85) call bpf_get_stackid#27",
        "cannot call GPL only function from proprietary program",
        "gpl-only", "bpf_get_stackid",
    ),
    (
        "8: (85) call 27",
        "cannot call GPL-restricted function from non-GPL compatible program",
        "gpl-only", "bpf_get_stackid",
    ),
    (
        "3: (85) call bpf_d_path#147",
        "helper call is not allowed in probe",
        "helper-not-at-hook", "bpf_d_path",
    ),
    (
        "3: (85) call bpf_copy_from_user#148",
        "helper call might sleep in a non-sleepable prog",
        "helper-sleeps", "bpf_copy_from_user",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message", "rule", "name"), CONTEXT)
def test_helper_of_the_line_before(
    timeline: Timeline, call: str, message: str, rule: str, name: str
) -> None:
    (finding,) = explain(["1: (85) call bpf_map_lookup_elem#1", call, message], timeline)
    assert (finding.line, finding.answer.rule, finding.answer.name) == (3, rule, name)
    (without,) = explain([message], timeline)
    assert (without.answer.rule, without.answer.name) == (rule, None)


def test_other_numbers_of_a_vendor(timeline: Timeline) -> None:
    (finding,) = explain(["unknown func bpf_loop#190"], timeline)
    assert "number 181" in finding.answer.meaning
    assert "numbers its helpers differently" in finding.answer.meaning


def test_messages_that_mean_one_of_several(timeline: Timeline) -> None:
    """One verifier's word for two instructions names both releases, and promises none."""
    for message, releases in (
        ("BPF_STX uses reserved fields", ("5.12", "6.15")),
        ("BPF_MOV uses reserved fields", ("6.6", "6.9")),
    ):
        (finding,) = explain([message], timeline)
        assert all(f"({release})" in finding.answer.meaning for release in releases)


def test_repeated_messages_are_counted(timeline: Timeline) -> None:
    lines = ["x", "invalid func unknown#182", "y", "invalid func unknown#182"]
    (finding,) = explain(lines, timeline)
    assert (finding.line, finding.count) == (2, 2)


def test_several_messages_in_a_line(timeline: Timeline) -> None:
    found = explain(["invalid func unknown#182; unknown func bpf_loop#181"], timeline)
    assert [f.answer.name for f in found] == ["bpf_strncmp", "bpf_loop"]


def test_every_helper_of_the_data(timeline: Timeline) -> None:
    for row in timeline.helpers:
        if row.removed is not None:
            continue
        for message in (f"invalid func unknown#{row.id}", f"unknown func {row.name}#{row.id}"):
            (finding,) = explain([message], timeline)
            assert (finding.answer.name, finding.answer.since) == (row.name, row.since)


def test_findings_are_bounded(timeline: Timeline) -> None:
    lines = (f"error: use of undeclared identifier 'bpf_x{n}'" for n in range(MAX_FINDINGS * 3))
    assert len(explain(lines, timeline)) == MAX_FINDINGS


def test_long_line_comes_in_pieces(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * (MAX_LINE * 3) + b"\ninvalid func unknown#182\n\xff\xfe")
    with log.open("rb") as stream:
        lines = list(iter_lines(stream))
    assert max(map(len, lines)) == MAX_LINE
    assert lines[-2] == "invalid func unknown#182\n"


@given(
    st.lists(
        st.sampled_from(["invalid func ", "unknown#", "'", "undeclared", "bpf_x", "#1", " " * 99])
        | st.text(max_size=20),
        max_size=30,
    )
)
def test_any_text(timeline: Timeline, parts: list[str]) -> None:
    for finding in explain(["".join(parts)], timeline):
        assert finding.message.isprintable()


def run(*args: str, text: str = "") -> tuple[int, str, str]:
    result = CliRunner().invoke(
        cli, ["explain", *args, "--data", "embedded"], text, catch_exceptions=False
    )
    return result.exit_code, result.stdout, result.stderr


def test_command_text() -> None:
    code, out, err = run("invalid func unknown#182")
    assert (code, err) == (0, "")
    assert "bpf_strncmp 182" in out
    assert "5.17" in out
    assert all(len(line) <= 80 for line in out.splitlines() if not line.startswith("source:"))


def test_command_words_need_no_quotes() -> None:
    assert run("invalid", "func", "unknown#182") == run("invalid func unknown#182")


def test_command_stdin() -> None:
    for args in ((), ("-",)):
        code, out, _ = run(*args, text="one\ninvalid func unknown#182\n")
        assert code == 0
        assert "invalid func unknown#182  line 2" in out


def test_command_recognises_nothing() -> None:
    code, out, err = run("all is well")
    assert (code, out) == (1, "")
    assert err.startswith("nothing recognised")


def test_command_json() -> None:
    code, out, _ = run("--json", "unknown func bpf_loop#181")
    (finding,) = json.loads(out)
    assert code == 0
    assert list(finding) == [
        "line", "count", "message", "rule", "kind", "name", "id", "since", "meaning", "advice",
    ]  # fmt: skip
    assert finding | {"meaning": "", "advice": ""} == {
        "line": 1, "count": 1, "message": "unknown func bpf_loop#181",
        "rule": "helper-not-for-type", "kind": "helper", "name": "bpf_loop", "id": 181,
        "since": "5.17", "meaning": "", "advice": "",
    }  # fmt: skip
    code, out, _ = run("--json", "all is well")
    assert (code, json.loads(out)) == (1, [])


def test_no_heavy_imports() -> None:
    program = (
        "import sys; from helperhist.cli.group import cli; "
        "cli(['explain', 'invalid func unknown#182', '--data', 'embedded'], "
        "standalone_mode=False); print(*sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {"pandas", "numpy", "matplotlib", "pygit2", "elftools", "jinja2", "yaml"}
    assert heavy & set(result.stdout.split()) == set()


def test_real_compilers(tmp_path: Path, timeline: Timeline) -> None:
    """Messages of the compilers that are here, for headers that lack the names."""
    source = tmp_path / "x.c"
    source.write_text(
        "struct __sk_buff { int len; };\n"
        "int f(struct __sk_buff *s) { return bpf_loop(1) + BPF_FUNC_snprintf + s->gso_size"
        " + BPF_MAP_TYPE_RINGBUF; }\n"
    )
    clang = [sys.executable, "-m", "ziglang", "cc", "-target", "bpfel-freestanding"]
    result = subprocess.run(
        [*clang, "-c", str(source), "-o", str(tmp_path / "x.o")],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert result.returncode
    names = {f.answer.name for f in explain(result.stderr.splitlines(), timeline)}
    assert names == {
        "bpf_loop", "bpf_snprintf", "__sk_buff.gso_size", "BPF_MAP_TYPE_RINGBUF",
    }, result.stderr  # fmt: skip
