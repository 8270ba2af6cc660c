"""Helpers that are kept for GPL programs, from history."""

import pytest

import helperhist
from helperhist.check.licenses import Kept, kept_for_gpl
from helperhist.timeline import Parts, Reading, Relations, Run

TAGS = ("v5.1", "v5.2", "v5.3")
STILL = Kept(None)


@pytest.mark.parametrize(
    ("helper", "prog_type", "expected"),
    [
        ("bpf_trace_printk", "XDP", STILL),
        ("bpf_probe_read_kernel", "KPROBE", STILL),
        ("bpf_skb_output", "TRACING", STILL),
        ("bpf_map_lookup_elem", "XDP", None),
        ("bpf_loop", "XDP", None),
        ("bpf_ktime_get_ns", "SOCKET_FILTER", Kept("5.8")),
        ("bpf_setsockopt", "SOCK_OPS", Kept("4.15")),
        # One helper to most programs, another to those of perf events from 5.9 on.
        ("bpf_get_stackid", "KPROBE", STILL),
        ("bpf_get_stackid", "PERF_EVENT", Kept("5.9")),
        ("bpf_get_func_ip", "TRACING", STILL),
        # Two protos of KPROBE programs say different things.
        ("bpf_get_func_ip", "KPROBE", None),
    ],
)
def test_helpers_of_the_kernel(helper: str, prog_type: str, expected: Kept | None) -> None:
    assert kept_for_gpl(helperhist.load("embedded").relations, helper, prog_type) == expected


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], None),
        ([("", "yes", "v5.1", None)], STILL),
        ([("", "yes", "v5.1", "v5.1"), ("", "no", "v5.2", None)], Kept("5.2")),
        ([("", "no", "v5.1", "v5.1"), ("", "yes", "v5.2", None)], STILL),
        ([("", "yes", "v5.1", "v5.2")], None),
        ([("BPF_PROG_TYPE_XDP", "yes", "v5.1", None)], STILL),
        ([("BPF_PROG_TYPE_LSM", "yes", "v5.1", None)], None),
        ([("", "?", "v5.1", None)], None),
    ],
)
def test_runs(runs: list[tuple[str, str, str, str | None]], expected: Kept | None) -> None:
    relations = Relations(
        Parts(
            [Run("gpl_only", "bpf_a", *run) for run in runs],
            [Reading("helper_use", tag, "a tree") for tag in TAGS],
        )
    )
    assert kept_for_gpl(relations, "bpf_a", "XDP") == expected
