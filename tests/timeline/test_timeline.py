from dataclasses import replace

import pytest

from helperhist.errors import DatasetError, InvalidVersion
from helperhist.timeline import SENTINEL, Fact, Timeline, canonical_name
from tests.build.timeline import helpers, make_timeline

OLD = [
    *helpers("map_lookup_elem", "probe_read", "skb_load_bytes"),
    Fact.of("map_type", "BPF_MAP_TYPE_HASH", 1),
    Fact.of(SENTINEL, "BPF_MAP_TYPE_UNSPEC"),
    Fact.of(SENTINEL, "__MAX_BPF_MAP_TYPE"),
    Fact.of("field", "__sk_buff.len"),
    Fact.of("field", "bpf_sock.family"),
    Fact.of("flag", "BPF_F_ALL", 7),
]
NEW = [
    *OLD[:-1],
    *helpers(skb_vlan_push=4),
    Fact.of("map_type", "BPF_MAP_TYPE_RINGBUF", 27),
    Fact.of("field", "__sk_buff.gso_size"),
    Fact.of("field", "bpf_attr.batch.keys"),
    Fact.of("field", "bpf_attr.keys"),
    Fact.of("flag", "BPF_F_ALL", 15),
]


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    return make_timeline({"v5.7": OLD, "v5.8-rc1": NEW, "v5.8": NEW, "v5.8.1": NEW})


def names(timeline: Timeline, pattern: str) -> list[str]:
    return [row.name for row in timeline.find(pattern)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("bpf_probe_read", "bpf_probe_read"),
        ("probe_read", "bpf_probe_read"),
        ("BPF_FUNC_probe_read", "bpf_probe_read"),
        (" bpf_probe_read\n", "bpf_probe_read"),
        ("2", "bpf_probe_read"),
        ("02", "bpf_probe_read"),
        ("BPF_MAP_TYPE_HASH", "BPF_MAP_TYPE_HASH"),
        ("__sk_buff.len", "__sk_buff.len"),
        ("__MAX_BPF_MAP_TYPE", "__MAX_BPF_MAP_TYPE"),
    ],
)
def test_since(timeline: Timeline, text: str, name: str) -> None:
    row = timeline.since(text)
    assert row is not None
    assert row.name == name
    assert timeline.find(text) == (row,)


@pytest.mark.parametrize(
    "text",
    ["", " ", "0", "99", "-1", "2.0", "\u0662", "9" * 5000, "bpf_", "BPF_FUNC_",
     "BPF_FUNC_BPF_MAP_TYPE_HASH", "bpf_BPF_MAP_TYPE_HASH", "map_type", "probe_read "[:-2]],
)  # fmt: skip
def test_since_of_no_name(timeline: Timeline, text: str) -> None:
    assert timeline.since(text) is None
    assert timeline.find(text) == ()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("bpf_skb_*", ["bpf_skb_load_bytes", "bpf_skb_vlan_push"]),
        ("skb_*", ["bpf_skb_load_bytes", "bpf_skb_vlan_push"]),
        ("BPF_FUNC_skb_*", ["bpf_skb_load_bytes", "bpf_skb_vlan_push"]),
        ("BPF_FUNC_s*", ["bpf_skb_load_bytes", "bpf_skb_vlan_push"]),
        ("*probe*", ["bpf_probe_read"]),
        ("bpf_s*", ["bpf_skb_load_bytes", "bpf_skb_vlan_push"]),
        ("bpf_sock*", ["bpf_sock.family"]),
        ("bpf_skb_[a-l]*", ["bpf_skb_load_bytes"]),
        ("bpf_skb_????_bytes", ["bpf_skb_load_bytes"]),
        ("BPF_MAP_TYPE_*", ["BPF_MAP_TYPE_HASH", "BPF_MAP_TYPE_RINGBUF"]),
        ("bpf_map_type_*", ["BPF_MAP_TYPE_HASH", "BPF_MAP_TYPE_RINGBUF"]),
        ("BPF_MAP_TYPE_U*", ["BPF_MAP_TYPE_UNSPEC"]),
        ("__MAX_*", ["__MAX_BPF_MAP_TYPE"]),
        ("__sk_buff.*", ["__sk_buff.gso_size", "__sk_buff.len"]),
        ("gso_*", ["__sk_buff.gso_size"]),
        ("*.keys", ["bpf_attr.batch.keys", "bpf_attr.keys"]),
        ("no*", []),
        ("[", []),
        ("*[", []),
    ],
)
def test_patterns(timeline: Timeline, pattern: str, expected: list[str]) -> None:
    assert names(timeline, pattern) == expected


def test_a_pattern_for_everything_means_features(timeline: Timeline) -> None:
    assert set(names(timeline, "*")) == {
        row.name for row in timeline.rows if row.kind not in ("field", SENTINEL)
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gso_size", ["__sk_buff.gso_size"]),
        ("keys", ["bpf_attr.batch.keys", "bpf_attr.keys"]),
        ("batch.keys", ["bpf_attr.batch.keys"]),
        ("size", []),
        ("attr.keys", []),
    ],
)
def test_fields_by_the_end_of_their_path(
    timeline: Timeline, text: str, expected: list[str]
) -> None:
    assert names(timeline, text) == expected
    assert timeline.since(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bpf_probe_reed", "bpf_probe_read"),
        ("probe_reed", "bpf_probe_read"),
        ("BPF_FUNC_probe_reed", "bpf_probe_read"),
        ("BPF_MAP_TYPE_RINGBUFF", "BPF_MAP_TYPE_RINGBUF"),
        ("bpf_map_type_ringbuf", "BPF_MAP_TYPE_RINGBUF"),
        ("ringbuf", "BPF_MAP_TYPE_RINGBUF"),
        ("gso_siz", "__sk_buff.gso_size"),
        ("sk_buff.gso_size", "__sk_buff.gso_size"),
    ],
)
def test_nearest(timeline: Timeline, text: str, expected: str) -> None:
    assert timeline.nearest(text)[0] == expected
    assert len(timeline.nearest(text)) <= 3


@pytest.mark.parametrize("text", ["", "x", "qqqq", "9" * 100_000])
def test_nothing_is_near(timeline: Timeline, text: str) -> None:
    assert timeline.nearest(text) == ()


def test_a_number_is_that_of_the_helper_that_mainline_has() -> None:
    timeline = make_timeline(
        {
            "v5.0": helpers(old=1, gone=2),
            "v5.0.1": helpers(old=1, gone=2, aaa_only_stable=3),
            "v5.1": helpers(new=1),
            "v5.2-rc1": helpers(new=1, aab_candidate=3),
            "v5.2": helpers(new=1, real=3),
        }
    )
    found = {number: timeline.since(str(number)) for number in (1, 2, 3, 4)}
    assert {number: row and row.name for number, row in found.items()} == {
        1: "bpf_new", 2: "bpf_gone", 3: "bpf_real", 4: None,
    }  # fmt: skip


# -- tags


@pytest.mark.parametrize(
    ("text", "tag"),
    [("5.7", "v5.7"), ("v5.7", "v5.7"), ("5.7.0", "v5.7"), ("5.8-rc1", "v5.8-rc1"),
     ("5.8.1", "v5.8.1")],
)  # fmt: skip
def test_tag(timeline: Timeline, text: str, tag: str) -> None:
    assert timeline.tag(text).name == tag


def test_a_tag_by_its_own_name() -> None:
    timeline = make_timeline({"5.4.0-9.12": helpers("a"), "5.4.0-42.46": helpers("a", "b")})
    assert timeline.tag("5.4.0-42.46").version.build == "-42.46"
    with pytest.raises(DatasetError, match=r"no tag for 5\.4 "):
        timeline.tag("5.4")


@pytest.mark.parametrize("text", ["5.9", "5.8-rc2", "5.7.1"])
def test_no_such_tag(timeline: Timeline, text: str) -> None:
    with pytest.raises(DatasetError, match=r"no tag for .* 5\.7 to 5\.8\.1; see `helperhist rel"):
        timeline.tag(text)


def test_no_stable_updates() -> None:
    with pytest.raises(DatasetError, match="no stable updates"):
        make_timeline({"v5.7": OLD}).at("5.7.1")


def test_a_version_that_is_none(timeline: Timeline) -> None:
    with pytest.raises(InvalidVersion):
        timeline.at("latest")


def test_at_and_diff(timeline: Timeline) -> None:
    assert Fact.of("flag", "BPF_F_ALL", 7) in timeline.at("5.7")
    assert Fact.of("flag", "BPF_F_ALL", 15) in timeline.at("5.8-rc1")
    diff = timeline.diff("5.7", "5.8")
    assert [name.name for name in diff.added] == [
        "bpf_skb_vlan_push", "BPF_MAP_TYPE_RINGBUF", "__sk_buff.gso_size", "bpf_attr.batch.keys",
        "bpf_attr.keys",
    ]  # fmt: skip
    assert diff.removed == ()
    assert diff.renumbered == ((Fact.of("flag", "BPF_F_ALL", 7), Fact.of("flag", "BPF_F_ALL", 15)),)
    back = timeline.diff("5.8", "5.7")
    assert (back.added, back.removed) == (diff.removed, diff.added)
    assert timeline.diff("5.8", "5.8.1") == timeline.diff("5.7", "5.7")


def test_stable_updates_override_their_release() -> None:
    timeline = make_timeline(
        {
            "v5.10-rc1": helpers(a=1),
            "v5.10": helpers(a=1, b=2),
            "v5.10.1": helpers(a=1, b=3),
            "v5.10.2": helpers(a=1, c=2),
            "v5.11": helpers(a=1, b=2, c=3),
        }
    )
    at = {tag.name: {n.name: n.id for n in timeline.at(tag.name)} for tag in timeline.tags}
    assert at == {
        "v5.10-rc1": {"bpf_a": 1},
        "v5.10": {"bpf_a": 1, "bpf_b": 2},
        "v5.10.1": {"bpf_a": 1, "bpf_b": 3},
        "v5.10.2": {"bpf_a": 1, "bpf_c": 2},
        "v5.11": {"bpf_a": 1, "bpf_b": 2, "bpf_c": 3},
    }


def test_a_build_is_no_release_that_updates_start_from() -> None:
    # Series 5.4 has no tag of 5.4 itself: 5.4.0-1 is a distribution's.
    timeline = make_timeline({"5.4.0-1": helpers("a"), "5.4.2": helpers("b")})
    assert [name.name for name in timeline.at("5.4.2")] == ["bpf_b"]


def test_releases(timeline: Timeline) -> None:
    assert [tag.name for tag in timeline.releases] == ["v5.7", "v5.8"]


def test_canonical_name() -> None:
    assert canonical_name("BPF_FUNC_loop") == "bpf_loop"
    assert canonical_name("loop") == "loop"
    assert canonical_name("BPF_MAP_TYPE_HASH") == "BPF_MAP_TYPE_HASH"


def test_versions_of_another_project_are_no_kernels() -> None:
    timeline = make_timeline({"v5.0": helpers("a")})
    timeline.require_kernel()
    timeline.metadata = replace(timeline.metadata, source="/src/libbpf", kernel=False)
    with pytest.raises(DatasetError, match=r"/src/libbpf.*not known to be kernel releases"):
        timeline.require_kernel()
