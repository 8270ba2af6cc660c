"""Since which release a program type may call a helper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist.check.pairs import Pair, find_pair, may_call
from helperhist.check.target import judge_release
from helperhist.timeline import Reading, Relations, Release, Run
from helperhist.version import KernelVersion
from tests.build.checked import check_c, checker, required, unknown

TAGS = ("v5.1", "v5.2", "v5.4", "v5.5")
XDP = "BPF_PROG_TYPE_XDP"


def relations(*runs: tuple[str, str, str, str | None]) -> Relations:
    """Return relations of a helper and XDP, read at some tags; 5.3 was not."""
    found = [Run("helper_use", name, XDP, value, first, last) for name, value, first, last in runs]
    return Relations(
        [*found, Run("helper_use", "bpf_other", XDP, "", "v5.1", None)],
        [Reading("helper_use", tag, "a tree") for tag in TAGS],
        [KernelVersion.parse(text) for text in ("5.0", "5.1", "5.2", "5.3", "5.4", "5.5")],
    )


@pytest.mark.parametrize(
    ("runs", "pair"),
    [
        pytest.param([("bpf_x", "", "v5.2", None)], Pair("5.2", False), id="exact"),
        pytest.param([("bpf_x", "", "v5.4", None)], Pair("5.4", True), id="between"),
        pytest.param(
            [("bpf_x", "attach=BPF_B", "v5.1", "v5.4"), ("bpf_x", "", "v5.5", None)],
            Pair("5.5", False),
            id="another attach type first",
        ),
        pytest.param([("bpf_x", "attach=BPF_B", "v5.1", None)], Pair(None, False), id="never"),
        pytest.param([("bpf_x", "?", "v5.2", None)], Pair("5.2", False), id="not read"),
        pytest.param([("bpf_x", "", "v5.1", "v5.2")], None, id="gone"),
    ],
)
def test_pair(runs: list[tuple[str, str, str, str | None]], pair: Pair | None) -> None:
    assert find_pair(relations(*runs), "bpf_x", "XDP", "BPF_A") == pair


def test_what_the_data_does_not_have() -> None:
    known = relations(("bpf_x", "", "v5.2", None))
    assert find_pair(known, "bpf_y", "XDP", "") is None
    assert find_pair(known, "bpf_x", "SK_MSG", "") is None
    assert find_pair(known, "bpf_x", "EXT", "") is None
    assert find_pair(Relations([], []), "bpf_x", "XDP", "") is None


@given(st.text(max_size=60), st.sampled_from(["", "BPF_A"]))
def test_any_condition_is_an_answer(condition: str, attach: str) -> None:
    assert may_call(condition, attach) in (True, False)


XDP_PID = 'SEC("xdp") int prog(void *ctx) { return CALL0(14) ? 2 : 1; }'


def test_a_helper_that_xdp_got_late() -> None:
    findings = check_c(XDP_PID)
    needs = required(findings)
    assert needs["bpf_get_current_pid_tgid"] == "4.2"
    assert needs["bpf_get_current_pid_tgid in XDP programs"] == "6.10"
    timeline = checker().timeline
    for version, missing in (("6.9", 1), ("6.10", 0)):
        release = Release(timeline, KernelVersion.parse(version))
        verdicts = judge_release(findings, release)
        assert [item.certain for item in verdicts] == [True] * missing


def test_a_release_that_was_not_read_is_between() -> None:
    findings = check_c('SEC("socket") int prog(void *ctx) { return CALL0(15); }')
    name = "bpf_get_current_uid_gid in SOCKET_FILTER programs"
    assert required(findings)[name] == "6.17"
    assert name in findings.older
    release = Release(checker().timeline, KernelVersion.parse("6.15"))
    assert [item.certain for item in judge_release(findings, release)] == [False]


def test_a_program_type_that_may_not_call_it() -> None:
    findings = check_c('SEC("socket") int prog(void *ctx) { return CALL0(44); }')
    assert unknown(findings) == {"bpf_xdp_adjust_head in SOCKET_FILTER programs": False}
