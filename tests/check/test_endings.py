"""What newer kernels refuse: requirements with an end."""

import pytest

from helperhist.check.endings import is_refused_result
from helperhist.check.needs import Findings
from helperhist.check.target import judge_release
from helperhist.check.verdict import minimum
from helperhist.timeline import Release
from helperhist.version import KernelVersion
from tests.build.checked import HEAD, check, check_c, checker
from tests.build.objects import compile_bpf

ARRAY = (
    "struct { __uint(type, 3); __uint(max_entries, 2); __uint(key_size, 4); "
    '__uint(value_size, 4); } jt SEC(".maps");\n'
)


def tail(section: str, name: str) -> str:
    return f'SEC("{section}") int {name}(void *ctx) {{ CALL3(12, ctx, &jt, 0); return 1; }}\n'


def certain(found: Findings, version: str) -> list[bool]:
    release = Release(checker().timeline, KernelVersion.parse(version))
    return [item.certain for item in judge_release(found, release)]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("5.10", []),
        ("6.12", []),
        ("6.12.52", []),
        ("6.12.53", [True]),
        ("6.17", []),
        ("6.17.3", [False]),
        ("6.17.8", [True]),
        ("6.18", [True]),
        ("7.2", [True]),
    ],
)
def test_array_of_two_attach_types(version: str, expected: list[bool]) -> None:
    found = check_c(ARRAY + tail("cgroup/sendmsg4", "a") + tail("cgroup/recvmsg4", "b"))
    assert str(minimum(found)) == "5.2 up to 6.17"
    assert certain(found, version) == expected


@pytest.mark.parametrize(
    ("target", "minimum_"),
    [
        ("bpf_map", "5.8"),
        ("bpf_map_elem", "5.9"),
        ("sockmap", "at least 5.10, certainly from 5.11"),
        ("dmabuf", "at least 6.15, certainly from 6.16"),
        ("future", "at least 5.8"),
    ],
)
def test_iterator(target: str, minimum_: str) -> None:
    found = check_c(f'SEC("iter/{target}") int prog(void *ctx) {{ return 0; }}')
    assert str(minimum(found)) == minimum_


def test_a_weak_kfunc_under_another_license() -> None:
    source = (
        f'{HEAD}LICENSE("Proprietary")\nextern int bpf_ct_release(void *p) __ksym __weak;\n'
        'SEC("tc") int prog(void *c) { return bpf_ct_release ? bpf_ct_release(c) : 0; }\n'
    )
    found = check(compile_bpf(source))
    # Kernels that do not have it do not look at its license.
    assert certain(found, "5.17") == []
    assert certain(found, "5.18") == [True]
    assert found.refused == ()


def test_array_of_one_attach_type() -> None:
    found = check_c(ARRAY + tail("cgroup/sendmsg4", "a") + tail("cgroup/sendmsg4", "b"))
    assert str(minimum(found)) == "4.18"


def test_array_of_two_types_is_for_no_kernel() -> None:
    found = check_c(ARRAY + tail("xdp", "a") + tail("tc", "b"))
    (refused,) = found.refused
    assert (refused.rule, refused.map, refused.given) == ("prog array", "jt", "SCHED_CLS and XDP")


def test_programs_that_are_not_loaded_do_not_share() -> None:
    assert check_c(ARRAY + tail("xdp", "a") + tail("?tc", "b")).refused == ()


@pytest.mark.parametrize(
    ("hook", "value", "expected"),
    [
        ("file_open", 0, False),
        ("file_open", -1, False),
        ("file_open", 0xFFFFFFFF, False),
        ("file_open", 1, True),
        ("file_open", -4096, True),
        ("task_free", 1, False),
        ("inode_xattr_skipcap", 1, False),
        ("inode_xattr_skipcap", 2, True),
    ],
)
def test_result(hook: str, value: int, expected: bool) -> None:
    assert is_refused_result(hook, value) is expected


@pytest.mark.parametrize(
    ("body", "version", "expected"),
    [
        ("return 1;", "6.10", []),
        ("return 1;", "6.11", [False]),
        ("return 1;", "6.12", [True]),
        ("return 0;", "6.12", []),
        ("return -1;", "6.12", []),
        ("return CALL0(5);", "6.12", []),
    ],
)
def test_lsm_program(body: str, version: str, expected: list[bool]) -> None:
    found = check_c(f'SEC("lsm/file_open") int prog(void *ctx) {{ {body} }}')
    assert certain(found, version) == expected
