"""Places in a context that a kernel refuses: which fields are there, and since when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist import load
from helperhist.explain import explain
from helperhist.timeline import Timeline


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    return load("embedded")


def meaning(timeline: Timeline, offset: int, size: int) -> str:
    (finding,) = explain([f"invalid bpf_context access off={offset} size={size}"], timeline)
    assert (finding.answer.rule, finding.answer.since) == ("context-field", None)
    return finding.answer.meaning


def test_the_fields_of_each_context_with_their_releases(timeline: Timeline) -> None:
    told = meaning(timeline, 12, 4)
    assert "xdp_md.ingress_ifindex (4.16)" in told
    assert "__sk_buff.queue_mapping" in told


def test_a_place_that_few_contexts_have(timeline: Timeline) -> None:
    told = meaning(timeline, 76, 4)
    assert "__sk_buff.data (4.7)" in told
    assert "xdp_md" not in told


@pytest.mark.parametrize(("offset", "size"), [(2, 4), (9000, 4), (12, 64)])
def test_a_place_that_is_no_field(timeline: Timeline, offset: int, size: int) -> None:
    assert "No context of bpf.h has a field" in meaning(timeline, offset, size)


def test_the_width_counts(timeline: Timeline) -> None:
    told = meaning(timeline, 4, 8)
    assert "xdp_md" not in told
    assert "__sk_buff" not in told


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**9 - 1))
def test_any_place_has_an_answer(timeline: Timeline, offset: int, size: int) -> None:
    assert str(offset) in meaning(timeline, offset, size)


@pytest.mark.parametrize("word", ["JA", "END"])
def test_reserved_fields_of_the_set_v4(timeline: Timeline, word: str) -> None:
    (finding,) = explain([f"BPF_{word} uses reserved fields"], timeline)
    assert (finding.answer.rule, finding.answer.since) == ("instruction-unknown", "6.6")


def test_arguments_of_functions_are_no_fields(timeline: Timeline) -> None:
    lines = [
        "func 'unix_find_other' doesn't have 6-th argument",
        "invalid bpf_context access off=40 size=8",
        "invalid bpf_context access off=12 size=4",
    ]
    found = [item.answer for item in explain(lines, timeline)]
    assert [answer.rule for answer in found] == ["attach-target-arguments", "context-field"]
    assert "sk_reuseport_md" not in found[0].meaning
