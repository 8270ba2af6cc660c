"""Since which release a program type may call a helper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist.check.pairs import Caller, Pairs, may_call
from helperhist.check.target import judge_release
from helperhist.timeline import Parts, Reading, Relations, Release, Run
from helperhist.version import KernelVersion
from tests.build.checked import check_c, checker, required, unknown

TAGS = ("v5.1", "v5.2", "v5.4", "v5.5")
XDP = "BPF_PROG_TYPE_XDP"


def relations(*runs: tuple[str, str, str, str | None]) -> Relations:
    """Return relations of a helper and XDP, read at some tags; 5.3 was not."""
    found = [Run("helper_use", name, XDP, value, first, last) for name, value, first, last in runs]
    return Relations(
        Parts(
            [*found, Run("helper_use", "bpf_other", XDP, "", "v5.1", None)],
            [Reading("helper_use", tag, "a tree") for tag in TAGS],
        ),
        [KernelVersion.parse(text) for text in ("5.0", "5.1", "5.2", "5.3", "5.4", "5.5")],
    )


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        pytest.param([("bpf_x", "", "v5.2", None)], ("5.2", ""), id="exact"),
        pytest.param([("bpf_x", "", "v5.4", None)], ("5.4", "5.2"), id="between"),
        pytest.param(
            [("bpf_x", "attach=BPF_B", "v5.1", "v5.4"), ("bpf_x", "", "v5.5", None)],
            ("5.5", ""),
            id="another attach type first",
        ),
        pytest.param([("bpf_x", "attach=BPF_B", "v5.1", None)], ("", ""), id="never"),
        pytest.param([("bpf_x", "?", "v5.2", None)], ("5.2", ""), id="not read"),
        pytest.param([("bpf_x", "", "v5.1", "v5.2")], None, id="gone"),
    ],
)
def test_pair(
    runs: list[tuple[str, str, str, str | None]], expected: tuple[str, str] | None
) -> None:
    life = Pairs(relations(*runs)).find("helper_use", "bpf_x", Caller("XDP", "BPF_A"))
    assert (life and (life.since, life.absent)) == expected


def test_what_the_data_does_not_have() -> None:
    known = Pairs(relations(("bpf_x", "", "v5.2", None)))
    assert known.find("helper_use", "bpf_y", Caller("XDP")) is None
    assert known.find("helper_use", "bpf_x", Caller("SK_MSG")) is None
    assert known.find("helper_use", "bpf_x", Caller("EXT")) is None
    assert Pairs(Relations(Parts())).find("helper_use", "bpf_x", Caller("XDP")) is None


@pytest.mark.parametrize(
    ("condition", "caller", "expected"),
    [
        ("attach=BPF_A|BPF_B", Caller("XDP", "BPF_C"), False),
        ("attach=!BPF_A|BPF_B", Caller("XDP", "BPF_C"), True),
        ("attach=!BPF_A|BPF_B", Caller("XDP", "BPF_B"), False),
        ("attach=BPF_A or cap=CAP_BPF", Caller("XDP", "BPF_C"), True),
        ("sleepable", Caller("LSM", sleepable=True), True),
        ("sleepable", Caller("LSM"), False),
        ("!sleepable", Caller("LSM"), True),
        ("struct_ops=a_ops", Caller("STRUCT_OPS", places=frozenset({("a_ops", "x")})), True),
        ("struct_ops=a_ops", Caller("STRUCT_OPS", places=frozenset({("b_ops", "x")})), False),
        (
            "member=x;struct_ops=a_ops",
            Caller("STRUCT_OPS", places=frozenset({("a_ops", "x"), ("a_ops", "y")})),
            False,
        ),
        ("member=x;struct_ops=a_ops", Caller("STRUCT_OPS"), True),
    ],
)
def test_condition(condition: str, caller: Caller, expected: bool) -> None:
    assert may_call(condition, caller) is expected


@given(st.text(max_size=60), st.sampled_from(["", "BPF_A"]))
def test_any_condition_is_an_answer(condition: str, attach: str) -> None:
    assert may_call(condition, Caller("XDP", attach)) in (True, False)


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
    assert required(findings)[name] == "6.16"
    (item,) = (item for item in findings.requirements if item.name == name)
    assert item.earliest == "6.15"
    release = Release(checker().timeline, KernelVersion.parse("6.15"))
    assert [item.certain for item in judge_release(findings, release)] == [False]


def test_a_program_type_that_may_not_call_it() -> None:
    findings = check_c('SEC("socket") int prog(void *ctx) { return CALL0(44); }')
    assert unknown(findings) == {"bpf_xdp_adjust_head in SOCKET_FILTER programs": False}
    release = Release(checker().timeline, KernelVersion.parse("6.12"))
    assert [item.certain for item in judge_release(findings, release)] == [True]
    future = Release(checker().timeline, KernelVersion.parse("9.0"))
    assert [item.certain for item in judge_release(findings, future)] == [False]


def test_a_call_that_only_newer_kernels_get_to() -> None:
    source = "enum bpf_func_id { BPF_FUNC_loop = 181 };\n"
    body = "if (enum_exists(enum bpf_func_id, BPF_FUNC_loop)) return CALL0(44); return 0;"
    findings = check_c(f'{source}SEC("socket") int prog(void *ctx) {{ {body} }}')
    timeline = checker().timeline
    for version, missing in (("5.16", 0), ("5.17", 1)):
        verdicts = judge_release(findings, Release(timeline, KernelVersion.parse(version)))
        assert len(verdicts) == missing, version


def test_a_pair_is_not_missing_where_its_guard_says_no() -> None:
    source = "extern int bpf_cpumask_create(void) __ksym __weak;\n"
    body = "if (bpf_cpumask_create) return bpf_cpumask_create(); return 0;"
    findings = check_c(f'{source}SEC("tp/x/y") int prog(void *ctx) {{ {body} }}')
    # There is a kfunc from 6.3 on, but these programs may call it from 6.12 on.
    assert required(findings)["bpf_cpumask_create in TRACEPOINT programs"] == "6.12"
    timeline = checker().timeline
    for version, missing in (("5.10", 0), ("6.2", 0), ("6.3", 1), ("6.11", 1), ("6.12", 0)):
        verdicts = judge_release(findings, Release(timeline, KernelVersion.parse(version)))
        assert len(verdicts) == missing, version
