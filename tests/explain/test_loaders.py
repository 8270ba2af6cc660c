"""Messages as loaders print and quote them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist import load
from helperhist.explain import explain
from helperhist.timeline import Timeline

MESSAGES = {
    "invalid func unknown#177": ("bpf_trace_vprintk", "5.16"),
    "invalid func unknown#130": ("bpf_ringbuf_output", "5.8"),
    "unknown opcode 5e": (None, "5.1"),
    "invalid bpf_context access off=12 size=4": (None, None),
}
REFUSED = [
    "error: could not open bpf map: buffer, error: Invalid argument",
    "Error: map events_ring: map create: invalid argument",
    "field P: program p: map direct_flows: map create without BTF: invalid argument",
    "map error: failed to create map `EVENTS`: Invalid argument (os error 22)",
    "libbpf: failed to create map (name: 'm'): Invalid argument(-22)",
    "libbpf: Error in bpf_create_map_xattr(m):Invalid argument(-22). Retrying without BTF.",
    "Map object 'm' rejected: Invalid argument (22)!",
    "libbpf: map 'm': failed to create: -EINVAL",
]


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    return load("embedded")


def quoted(text: str) -> dict[str, str]:
    """Return a text of several lines as programs write it into one."""
    once = text.replace("\n", "\\n").replace("\t", "\\t")
    return {
        "logfmt": f'level=error msg="{once}"',
        "json": json.dumps({"error": text}),
        "twice": json.dumps({"error": json.dumps(text)}),
        "rust": f'Error: LoadError {{ verifier_log: "{once}" }}',
    }


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("form", ["logfmt", "json", "twice", "rust"])
def test_quoted_logs(timeline: Timeline, message: str, form: str) -> None:
    name, since = MESSAGES[message]
    line = quoted(f"libbpf: -- BEGIN --\n0: (85) call x\n\t{message}\nprocessed 1 insns\n")[form]
    found = [item.answer for item in explain([line], timeline)]
    assert [(answer.name, answer.since) for answer in found] == [(name, since)]


@pytest.mark.parametrize("message", REFUSED)
def test_refused_maps(timeline: Timeline, message: str) -> None:
    (finding,) = explain([message], timeline)
    assert (finding.answer.rule, finding.answer.since) == ("map-refused", None)
    assert "newer than the kernel" in finding.answer.meaning


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        ("libbpf: map 'm': failed to create: ERROR: strerror_r(-524)=22(-524)", "map-refused"),
        ("libbpf: map 'm': failed to create: unknown error (-524)", "map-refused"),
        ("libbpf: map 'processes': failed to create: Cannot allocate memory(-12)", "map-memory"),
        ("map m: map create: operation not permitted (MEMLOCK may be too low)", "map-permission"),
        ("libbpf: map 'm': failed to create: Operation not permitted(-1)", "map-permission"),
    ],
)
def test_what_no_newer_kernel_mends(timeline: Timeline, message: str, rule: str) -> None:
    (finding,) = explain([message], timeline)
    assert (finding.answer.rule, finding.answer.since) == (rule, None)
    assert "newer than the kernel" not in finding.answer.meaning


@pytest.mark.parametrize(
    "message",
    [
        "map[ring1:RingBuf(keySize=0, valueSize=0)]: map create: invalid argument",
        "map ring1 (BPF_MAP_TYPE_RINGBUF): map create: invalid argument",
    ],
)
def test_the_type_of_a_refused_map(timeline: Timeline, message: str) -> None:
    (finding,) = explain([message], timeline)
    assert (finding.answer.name, finding.answer.since) == ("BPF_MAP_TYPE_RINGBUF", "5.8")


@given(st.text(max_size=200), st.integers(0, 6))
def test_quoting_hides_and_invents_nothing(timeline: Timeline, text: str, slashes: int) -> None:
    message = "invalid func unknown#177"
    line = text + " " + chr(92) * slashes + "n" + message
    explain([line], timeline)
    plain = "".join(char for char in text if char.isalnum() or char == " ")
    found = explain(
        [plain + " " + chr(92) * max(slashes, 1) + "n" + message + chr(92) + "n"], timeline
    )
    assert [item.answer.name for item in found] == ["bpf_trace_vprintk"]


PROGRAMS = [
    ("BPF_CALL uses reserved fields", "call-unknown", "4.16"),
    (
        "BPF_LD_[ABS|IND] instructions cannot be mixed with bpf-to-bpf calls",
        "ld-abs-and-calls",
        "5.10",
    ),
    (
        "tail_calls are not allowed in programs with bpf-to-bpf calls",
        "tail-calls-and-calls",
        "5.10",
    ),
    (
        "perf_event programs can only use preallocated hash map",
        "map-not-preallocated",
        "6.1",
    ),
    (
        "bpf: Argument list too long. Program  too large (113 insns), at most 4096 insns",
        "too-big",
        "5.2",
    ),
    ("libbpf: Unsupported BTF_KIND:19", "loader-too-old", None),
    ("parsing .BTF header: header contains non-zero trailer", "loader-too-old", None),
    (
        "libbpf: extern (func ksym) 'scx_bpf_create_dsq': func_proto [1864] incompatible with "
        "vmlinux [60765]",
        "kfunc-prototype",
        None,
    ),
    (
        "libbpf: prog 'do_unlinkat': failed to attach: ERROR: strerror_r(-524)=22",
        "attach-not-supported",
        None,
    ),
    (
        "libbpf: struct_ops init_kern: struct sched_ext_ops is not found in kernel BTF",
        "struct-ops-unknown",
        None,
    ),
    (
        "libbpf: Error in bpf_object__probe_loading():Operation not permitted(1). Couldn't load "
        "trivial BPF program.",
        "loading-refused",
        None,
    ),
    ("unknown opcode 8d", "indirect-call", None),
]


@pytest.mark.parametrize(("message", "rule", "since"), PROGRAMS)
def test_programs_and_loaders(
    timeline: Timeline, message: str, rule: str, since: str | None
) -> None:
    (finding,) = explain([message], timeline)
    assert (finding.answer.rule, finding.answer.since) == (rule, since)


def test_a_kernel_without_btf_is_not_a_release(timeline: Timeline) -> None:
    pointer = "Arg#0 type PTR in prog0() is not supported yet."
    found = explain(["btf_vmlinux is malformed", pointer], timeline)
    assert [item.answer.rule for item in found] == ["kernel-without-btf"]
    found = explain([pointer], timeline)
    assert [item.answer.since for item in found] == ["5.12"]
