"""Messages about an object that no other kernel mends, and kfuncs that a kernel has not."""

import pytest

from helperhist import load
from helperhist.explain import explain


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        ("libbpf: failed to find BTF for extern 'probe' [12] section: -2", "extern-not-linked"),
        ("libbpf: failed to find BTF for extern 'probe': -2", "extern-not-linked"),
        ("libbpf: sec 'tc': program 'classify' is static and not supported", "static-program"),
        ("R3 pointer arithmetic on map_value_or_null prohibited, null-check it first", "no-proof"),
        ("R2 offset is outside of the packet", "no-proof"),
        ("R2 unbounded memory access, make sure to bounds check any such access", "no-proof"),
        ("R2 unbounded memory access, use 'var &= const' or 'if (var < const)'", "no-proof"),
        ("R1 max value is outside of the allowed memory range", "no-proof"),
        ("R1 min value is outside of the allowed memory range", "no-proof"),
        ("R1 invalid mem access 'map_value_or_null'", "no-proof"),
    ],
)
def test_the_object_not_the_release(message: str, rule: str) -> None:
    (finding,) = explain([message], load("embedded"))
    assert (finding.answer.rule, finding.answer.since) == (rule, None)


def test_a_kfunc_that_was_not_resolved() -> None:
    (finding,) = explain(
        ["kfunc 'bpf_skb_ct_lookup' is referenced but wasn't resolved"], load("embedded")
    )
    answer = finding.answer
    assert (answer.rule, answer.name, answer.since) == (
        "kfunc-not-found",
        "bpf_skb_ct_lookup",
        "5.18",
    )


@pytest.mark.parametrize("number", ["17", "4294967295"])
def test_a_helper_that_takes_no_such_map(number: str) -> None:
    (finding,) = explain(
        [f"cannot pass map_type {number} into func bpf_map_lookup_elem#1"], load("embedded")
    )
    answer = finding.answer
    assert (answer.rule, answer.since) == ("map-not-for-helper", None)
    assert ("BPF_MAP_TYPE_XSKMAP (4.18)" in answer.meaning) == (number == "17")
