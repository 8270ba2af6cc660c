import re

import pytest

import helperhist
from helperhist.errors import DatasetError
from helperhist.frames.families import FAMILIES, OTHER, family
from helperhist.timeline import Fact, Timeline, analysis
from helperhist.version import KernelVersion
from tests.build.growth import helpers, make_timeline


@pytest.fixture(scope="module")
def embedded() -> Timeline:
    return helperhist.load("embedded")


def test_minimum_is_that_of_the_newest_name(embedded: Timeline) -> None:
    need = analysis.minimum(embedded, ["BPF_FUNC_loop", "bpf_ringbuf_output", "map_lookup_elem"])
    assert need.since == "5.17"
    assert [row.name for row in need.decisive] == ["bpf_loop"]
    assert [row.since for row in need.rows] == ["5.17", "5.8", "3.19"]
    assert not need.or_earlier


def test_minimum_compares_versions_as_numbers(embedded: Timeline) -> None:
    # As text, 4.9 is greater than 4.10.
    assert analysis.minimum(embedded, ["skb_pull_data", "xdp_adjust_head"]).since == "4.10"


def test_minimum_says_where_an_older_kernel_may_do() -> None:
    timeline = make_timeline({"v5.4": helpers("a"), "v5.5": helpers("a", "b")}, complete=False)
    need = analysis.minimum(timeline, ["a"])
    assert (need.since, need.or_earlier) == ("5.4", True)
    assert not analysis.minimum(timeline, ["a", "b"]).or_earlier


def test_first_names_are_the_oldest_of_a_number() -> None:
    older, newer = Fact.of("cmd", "BPF_Z", 1), Fact.of("cmd", "BPF_A", 1)
    unknown = [Fact.of("cmd", "BPF_M"), Fact.of("cmd", "BPF_N")]
    timeline = make_timeline({"v4.1": [older], "v4.2": [older, newer, *unknown]})
    names = {row.name for row in analysis.first_names(timeline.rows)}
    assert names == {"BPF_Z", "BPF_M", "BPF_N"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["ringbuf_outptu"], "ringbuf_outptu: unknown in this data; nearest: bpf_ringbuf_output"),
        (["zzzzzzzz"], "zzzzzzzz: unknown in this data"),
        ([], "no names given; name the helpers that the program calls"),
    ],
    ids=["near", "far", "none"],
)
def test_minimum_of_what_is_not_known_is_an_error(
    embedded: Timeline, names: list[str], message: str
) -> None:
    with pytest.raises(DatasetError, match=f"^{re.escape(message)}"):
        analysis.minimum(embedded, names)


def test_no_release_has_a_name_that_is_gone_or_only_in_a_stable_series() -> None:
    timeline = make_timeline(
        {
            "v4.1": helpers("a", "gone"),
            "v4.1.1": helpers("a", "gone", "ported"),
            "v4.2": helpers("a"),
        }
    )
    need = analysis.minimum(timeline, ["a", "gone", "ported"])
    assert need.since is None
    assert [row.name for row in need.decisive] == ["bpf_gone", "bpf_ported"]


def test_together_groups_by_commit(embedded: Timeline) -> None:
    groups = analysis.together(embedded)
    assert [row.name for row in groups[0]] == [
        "bpf_ringbuf_output", "bpf_ringbuf_reserve", "bpf_ringbuf_submit", "bpf_ringbuf_discard",
        "bpf_ringbuf_query",
    ]  # fmt: skip
    assert all(len({row.commit for row in group}) == 1 < len(group) for group in groups)
    assert all(len({row.since for row in group}) == 1 for group in groups)


def test_the_list_of_helpers_has_not_grown_since_the_release_that_we_name(
    embedded: Timeline,
) -> None:
    newest = analysis.newest_additions(embedded)
    assert newest["helper"].since == analysis.LAST_GROWTH
    assert newest["helper"].name == "bpf_cgrp_storage_delete"
    assert newest["cmd"].since == "7.2"


def test_longterm_kernels_are_releases_of_the_data(embedded: Timeline) -> None:
    tags = analysis.lts_tags(embedded)
    assert [tag.version.text for tag in tags] == [*analysis.LTS, "7.3"]
    assert list(analysis.LTS) == sorted(analysis.LTS, key=KernelVersion.parse)


def test_each_family_has_helpers_and_few_have_none_of_their_own(embedded: Timeline) -> None:
    counts = dict.fromkeys((item.name for item in FAMILIES), 0)
    for row in embedded.helpers:
        counts[family(row.name)] += 1
    assert sum(counts.values()) == 211
    assert min(counts.values()) > 0
    assert counts[OTHER.name] < 20
    assert FAMILIES[-1] is OTHER


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bpf_map_lookup_elem", "map"),
        ("bpf_ringbuf_reserve_dynptr", "ringbuf"),
        ("bpf_dynptr_read", "dynptr"),
        ("bpf_skb_cgroup_id", "cgroup"),
        ("bpf_cgrp_storage_get", "storage"),
        ("bpf_sk_redirect_map", "sockmap"),
        ("bpf_tcp_gen_syncookie", "socket"),
        ("bpf_probe_read_user_str", "trace"),
        ("bpf_xdp_adjust_tail", "xdp"),
        ("bpf_timer_init", "timer"),
        ("bpf_tail_call", "other"),
    ],
)
def test_families_follow_the_table_from_top_to_bottom(name: str, expected: str) -> None:
    assert family(name) == expected
