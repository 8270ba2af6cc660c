import pytest

from helperhist.sources import Condition
from tests.vm.agreement import Agreement, compare_calls, is_allowed
from tests.vm.contexts import Context

CONNECT = Context("BPF_PROG_TYPE_CGROUP_SOCK_ADDR", "BPF_CGROUP_INET4_CONNECT")
SLEEPING = Context("BPF_PROG_TYPE_LSM", "BPF_LSM_MAC", "file_open", sleepable=True)
RELEASE = Context("BPF_PROG_TYPE_STRUCT_OPS", "", "tcp_congestion_ops.release")
ITER = Context("BPF_PROG_TYPE_TRACING", "BPF_TRACE_ITER", "bpf_iter_tcp")
PLAIN = Context("BPF_PROG_TYPE_KPROBE")


@pytest.mark.parametrize(
    ("condition", "context", "allowed"),
    [
        ("", PLAIN, True),
        ("never", PLAIN, False),
        ("cap=CAP_PERFMON;lockdown", PLAIN, True),
        ("attach=BPF_CGROUP_INET4_CONNECT|BPF_CGROUP_INET6_CONNECT", CONNECT, True),
        ("attach=!BPF_CGROUP_INET4_CONNECT", CONNECT, False),
        ("attach=BPF_TRACE_KPROBE_SESSION", PLAIN, False),
        ("attach=!BPF_TRACE_KPROBE_SESSION", PLAIN, True),
        ("sleepable", SLEEPING, True),
        ("sleepable", CONNECT, False),
        ("struct_ops=tcp_congestion_ops;member=!release", RELEASE, False),
        ("struct_ops=!bpf_dummy_ops", RELEASE, True),
        ("iter=tcp|unix", ITER, True),
        ("iter=udp", ITER, False),
        ("config=CONFIG_NET", PLAIN, True),
        ("config=CONFIG_OFF", PLAIN, False),
        ("?", PLAIN, None),
        ("hooks=bpf_lsm_locked_sockopt_hooks", SLEEPING, None),
        ("hooks=x or sleepable", SLEEPING, True),
    ],
)
def test_is_allowed(condition: str, context: Context, allowed: bool | None) -> None:
    config = frozenset(("CONFIG_NET",))
    assert is_allowed(Condition.parse(condition), context, config) is allowed


def test_config_that_is_not_known() -> None:
    assert is_allowed(Condition.parse("config=CONFIG_NET"), PLAIN, frozenset()) is None


def test_compare_calls() -> None:
    replaced = Context("BPF_PROG_TYPE_EXT", "", "BPF_PROG_TYPE_KPROBE")
    facts = {
        ("bpf_a", "BPF_PROG_TYPE_KPROBE"): Condition.parse(""),
        ("bpf_b", "BPF_PROG_TYPE_KPROBE"): Condition.parse("?"),
        ("bpf_timer_init", "BPF_PROG_TYPE_KPROBE"): Condition.parse("never"),
    }
    found = compare_calls(
        [
            (PLAIN, "bpf_a", "yes", "R6 !read_ok"),
            (PLAIN, "bpf_b", "yes", "R6 !read_ok"),
            (PLAIN, "bpf_c", "no", "unknown func bpf_c#3"),
            (PLAIN, "bpf_c", "other", ""),
            (replaced, "bpf_a", "no", "unknown func bpf_a#1"),
            (replaced, "bpf_timer_init", "yes", "R1 type=scalar expected=map_value"),
        ],
        facts,
        frozenset(),
        "6.12.0",
    )
    assert found == Agreement(
        agree=2,
        open=found.open,
        explained=found.explained,
        differ=[f"bpf_a in {replaced.name}: allowed by the source: unknown func bpf_a#1"],
    )
    assert (found.open, found.explained.total()) == ({"?": 1}, 1)


def test_reasons_hold_for_their_kernels_only() -> None:
    sleeps = [(PLAIN, "bpf_lookup_user_key", "yes", "R1 is not a scalar")]
    for kernel, differ in (("6.1.0-56-cloud-amd64", 0), ("6.12.118+deb13-cloud-amd64", 1)):
        found = compare_calls(sleeps, {}, frozenset(), kernel)
        assert (len(found.differ), found.explained.total()) == (differ, 1 - differ)
