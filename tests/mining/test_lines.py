from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.mining.lines import find_spans, make_lines
from helperhist.mining.rows import build_rows
from helperhist.sources.docs import parse_prototype
from helperhist.timeline import Backport, Event, Fact, Row, Timeline, kind_key
from tests.build.timeline import helpers, make_tag, make_timeline


def row(timeline: Timeline, name: str) -> Row:
    found = timeline.since(name)
    assert found is not None
    return found


def test_lines_are_mainline_and_the_series() -> None:
    names = ["v5.10", "v5.9", "v5.10-rc1", "v5.9.2", "v5.10.1", "v5.9.10", "v4.4.1"]
    lines = make_lines(make_tag(name) for name in names)
    assert [(line.series, [tag.name for tag in line.tags]) for line in lines] == [
        ("", ["v5.9", "v5.10-rc1", "v5.10"]),
        ("4.4", ["v4.4.1"]),
        ("5.9", ["v5.9", "v5.9.2", "v5.9.10"]),
        ("5.10", ["v5.10", "v5.10.1"]),
    ]


def test_a_distributions_builds_are_one_line() -> None:
    lines = make_lines(make_tag(name) for name in ["5.4.0-42.46", "5.4.0-9.12", "5.4.3-1"])
    assert [[tag.name for tag in line.tags] for line in lines] == [
        ["5.4.0-9.12", "5.4.0-42.46", "5.4.3-1"]
    ]


@pytest.mark.parametrize(
    ("before", "first", "earlier"),
    [
        pytest.param("v4.4", "v5.0", True, id="releases of mainline lack"),
        pytest.param("v3.18", "v4.0-rc1", True, id="one release lacks"),
        pytest.param("v4.20", "v5.0", False, id="the next release"),
        pytest.param("v6.19-rc8", "v7.0-rc1", False, id="from candidate to candidate"),
        pytest.param("v6.8.0", "v7.0.0", False, id="not the kernel's numbers"),
    ],
)
def test_a_new_first_number_after_releases_that_lack(
    before: str, first: str, earlier: bool
) -> None:
    timeline = make_timeline({before: helpers("a"), first: helpers("a", "b")})
    assert row(timeline, "bpf_b").or_earlier is earlier


def test_since_is_the_release_and_first_tag_the_candidate() -> None:
    timeline = make_timeline(
        {
            "v5.0": helpers("a"),
            "v5.1-rc1": helpers("a"),
            "v5.1-rc2": helpers("a", "b"),
            "v5.1": helpers("a", "b"),
            "v5.2": helpers("a", "b"),
        }
    )
    found = row(timeline, "bpf_b")
    assert (found.since, found.tag, found.first_tag, found.released, found.removed) == (
        "5.1", "v5.1", "v5.1-rc2", "2000-04-01", None,
    )  # fmt: skip
    assert row(timeline, "bpf_a").or_earlier is False


def test_what_the_history_begins_with_may_be_older() -> None:
    timeline = make_timeline({"v5.0": helpers("a"), "v5.1": helpers("a", "b")}, complete=False)
    assert row(timeline, "bpf_a").or_earlier is True
    assert row(timeline, "bpf_b").or_earlier is False


def test_what_comes_after_a_gap_may_be_older() -> None:
    timeline = make_timeline({"v5.4": helpers("a"), "v6.1": helpers("a", "b")})
    assert (row(timeline, "bpf_b").since, row(timeline, "bpf_b").or_earlier) == ("6.1", True)
    # The candidate had it, but 5.8 is not tagged.
    timeline = make_timeline({"v5.7": [], "v5.8-rc1": helpers("a"), "v5.9": helpers("a")})
    assert (row(timeline, "bpf_a").since, row(timeline, "bpf_a").or_earlier) == ("5.9", True)


def test_no_gap_where_the_kernel_counts_on() -> None:
    timeline = make_timeline(
        {"v4.20": [], "v5.0-rc1": helpers("a"), "v5.0": helpers("a"), "v5.1": helpers("a", "b")}
    )
    assert [row(timeline, name).or_earlier for name in ("bpf_a", "bpf_b")] == [False, False]


def test_not_released_yet() -> None:
    found = row(make_timeline({"v5.0": [], "v5.1-rc3": helpers("a")}), "bpf_a")
    assert (found.since, found.tag, found.first_tag, found.released) == (
        "5.1", None, "v5.1-rc3", None,
    )  # fmt: skip


def test_only_in_candidates() -> None:
    # 4.8-rc: skb_in_cgroup became skb_under_cgroup.
    timeline = make_timeline(
        {
            "v4.7": helpers("a"),
            "v4.8-rc1": helpers("a", "skb_in_cgroup"),
            "v4.8-rc5": helpers("a", "skb_under_cgroup"),
            "v4.8": helpers("a", "skb_under_cgroup"),
        }
    )
    gone = row(timeline, "bpf_skb_in_cgroup")
    assert (gone.since, gone.tag, gone.first_tag, gone.removed) == (
        None, None, "v4.8-rc1", "v4.8-rc5",
    )  # fmt: skip
    new = row(timeline, "bpf_skb_under_cgroup")
    assert (new.since, new.first_tag, new.former_names) == (
        "4.8", "v4.8-rc5", ("bpf_skb_in_cgroup",),
    )  # fmt: skip
    assert timeline.events == (
        Event("renamed", "helper", "bpf_skb_in_cgroup", "v4.8-rc5", "bpf_skb_in_cgroup",
              "bpf_skb_under_cgroup"),
    )  # fmt: skip
    # A number is that of the helper that releases have.
    assert timeline.helper(2) == new


def test_renumbered() -> None:
    # The 4.1 cycle: two branches took number 4, and the merge renumbered.
    timeline = make_timeline(
        {
            "v4.1-rc1": helpers(probe_read=4),
            "v4.1-rc2": helpers(get_prandom_u32=4, probe_read=5),
            "v4.1": helpers(get_prandom_u32=7, probe_read=4),
        }
    )
    assert row(timeline, "bpf_probe_read").id == 4
    assert row(timeline, "bpf_get_prandom_u32").id == 7
    assert timeline.events == (
        Event("renumbered", "helper", "bpf_probe_read", "v4.1-rc2", "4", "5"),
        Event("renumbered", "helper", "bpf_probe_read", "v4.1", "5", "4"),
        Event("renumbered", "helper", "bpf_get_prandom_u32", "v4.1", "4", "7"),
    )
    assert row(timeline, "bpf_probe_read").since == "4.1"
    assert row(timeline, "bpf_probe_read").first_tag == "v4.1-rc1"
    assert Fact.of("helper", "bpf_probe_read", 5) in timeline.at("4.1-rc2")


def test_removed_and_returned() -> None:
    timeline = make_timeline(
        {
            "v5.0": helpers("a"),
            "v5.1": helpers("a", "b"),
            "v5.2": helpers("a"),
            "v5.3-rc1": helpers("a", "c", "b"),
            "v5.3": helpers("a", "c", "b"),
        }
    )
    found = row(timeline, "bpf_b")
    assert (found.since, found.first_tag, found.removed, found.id) == ("5.3", "v5.3-rc1", None, 3)
    assert [(event.event, event.name, event.tag) for event in timeline.events] == [
        ("removed", "bpf_b", "v5.2"),
        ("returned", "bpf_b", "v5.3-rc1"),
    ]


def test_returned_in_candidates_only_keeps_the_release_that_had_it() -> None:
    timeline = make_timeline(
        {
            "v5.0": [],
            "v5.1": helpers("a"),
            "v5.2": [],
            "v5.3-rc1": helpers("a"),
            "v5.3": [],
        }
    )
    found = row(timeline, "bpf_a")
    assert (found.since, found.first_tag, found.removed) == ("5.1", "v5.1", "v5.2")


def test_renamed_and_renamed_back() -> None:
    timeline = make_timeline(
        {"v5.0": helpers("a"), "v5.1": helpers("b"), "v5.2": helpers("a"), "v5.3": helpers("b")}
    )
    assert row(timeline, "bpf_a").former_names == ("bpf_b",)
    assert row(timeline, "bpf_b").former_names == ("bpf_a",)


def test_a_chain_of_names() -> None:
    timeline = make_timeline({"v5.0": helpers("a"), "v5.1": helpers("b"), "v5.2": helpers("c")})
    assert row(timeline, "bpf_c").former_names == ("bpf_a", "bpf_b")


def test_flags_of_one_value_are_no_rename() -> None:
    timeline = make_timeline(
        {"v5.0": [Fact.of("flag", "BPF_F_A", 4)], "v5.1": [Fact.of("flag", "BPF_F_B", 4)]}
    )
    assert [event.event for event in timeline.events] == ["removed"]
    assert row(timeline, "BPF_F_B").former_names == ()


def test_sentinels_have_no_events() -> None:
    timeline = make_timeline({"v5.0": [Fact.of("sentinel", "__MAX_A")], "v5.1": []})
    assert timeline.events == ()


# -- stable series


def test_a_backport() -> None:
    timeline = make_timeline(
        {
            "v5.10": helpers("a"),
            "v5.10.1": helpers("a"),
            "v5.10.42": helpers("a", "b"),
            "v5.10.43": helpers("a", "b"),
            "v5.11": helpers("a"),
            "v5.12": helpers("a", "b"),
            "v5.12.1": helpers("a", "b"),
        }
    )
    assert row(timeline, "bpf_b").backports == (Backport("5.10", "5.10.42"),)
    assert row(timeline, "bpf_b").since == "5.12"
    assert row(timeline, "bpf_a").backports == ()


def test_a_backport_that_is_renumbered_came_with_its_first_number() -> None:
    timeline = make_timeline(
        {
            "v5.10": helpers("a"),
            "v5.10.3": helpers("a", b=2),
            "v5.10.5": helpers("a", b=3),
            "v5.11": helpers("a", b=3),
        }
    )
    assert row(timeline, "bpf_b").backports == (Backport("5.10", "5.10.3"),)


def test_a_renumbering_in_a_series_is_no_backport() -> None:
    timeline = make_timeline(
        {
            "v5.10": helpers(a=1),
            "v5.10.3": helpers(a=2),
            "v5.11": [],
            "v5.12": helpers(a=2),
        }
    )
    assert row(timeline, "bpf_a").since == "5.12"
    assert row(timeline, "bpf_a").backports == ()


def test_a_backport_that_was_reverted_is_none() -> None:
    timeline = make_timeline(
        {"v5.10": [], "v5.10.3": helpers("a"), "v5.10.5": [], "v5.11": helpers("a")}
    )
    assert row(timeline, "bpf_a").backports == ()


def test_a_name_that_mainline_removed_can_be_a_backport() -> None:
    timeline = make_timeline(
        {
            "v5.8": helpers("a"),
            "v5.9": [],
            "v5.10": [],
            "v5.10.3": helpers("a"),
        }
    )
    found = row(timeline, "bpf_a")
    assert (found.since, found.removed) == ("5.8", "v5.9")
    assert found.backports == (Backport("5.10", "5.10.3"),)


def test_a_series_without_its_release() -> None:
    # The tag v5.10 is missing; what 5.8 has is no backport, what 5.11 brought is one.
    timeline = make_timeline(
        {
            "v5.8": helpers("a"),
            "v5.10.3": helpers("a", "b"),
            "v5.11": helpers("a", "b"),
        }
    )
    assert row(timeline, "bpf_a").backports == ()
    assert row(timeline, "bpf_b").backports == (Backport("5.10", "5.10.3"),)


def test_only_in_a_stable_series() -> None:
    timeline = make_timeline({"v5.10": [], "v5.10.3": helpers("a"), "v5.11": []})
    found = row(timeline, "bpf_a")
    assert (found.since, found.tag, found.first_tag) == (None, None, "v5.10.3")
    assert found.backports == (Backport("5.10", "5.10.3"),)


def test_only_in_some_updates_of_a_stable_series() -> None:
    timeline = make_timeline({"v5.10": [], "v5.10.3": helpers("a"), "v5.10.4": []})
    found = row(timeline, "bpf_a")
    assert (found.since, found.first_tag, found.backports) == (None, "v5.10.3", ())
    assert [name.name for name in timeline.at("5.10.3")] == ["bpf_a"]


def test_kinds_and_prototypes() -> None:
    lines = make_lines([make_tag("v5.0"), make_tag("v5.1")])
    snapshots = {
        "v5.0": {"A": Fact.of("flag", "A", 1), "bpf_a": Fact.of("helper", "bpf_a", 1)},
        "v5.1": {"A": Fact.of("cmd", "A", 2), "bpf_a": Fact.of("helper", "bpf_a", 1)},
    }
    spans = {"": find_spans(lines[0], snapshots)}
    prototype = parse_prototype("long bpf_a(void)")
    assert prototype is not None
    rows = build_rows(
        lines, spans, complete=True, prototypes={"bpf_a": (prototype, ("x",)), "A": (prototype, ())}
    )
    assert [(row.kind, row.name, row.id, row.prototype, row.attributes) for row in rows] == [
        ("helper", "bpf_a", 1, "long bpf_a(void)", ("x",)),
        ("cmd", "A", 2, None, ()),
    ]


def test_rows_are_sorted_by_kind_number_and_name() -> None:
    entries = [
        Fact.of("flag", "B", 1), Fact.of("xdp_action", "C", 0), Fact.of("helper", "bpf_b", 2),
        Fact.of("helper", "bpf_a", 10), Fact.of("cmd", "D", 1), Fact.of("flag", "A", 1),
        Fact.of("flag", "E"), Fact.of("field", "s.f"), Fact.of("map_type", "M", 3),
    ]  # fmt: skip
    timeline = make_timeline({"v5.0": entries})
    assert [row.name for row in timeline.rows] == [
        "bpf_b", "bpf_a", "D", "M", "s.f", "A", "B", "E", "C",
    ]  # fmt: skip


# -- any history

TAGS = [
    "v5.8", "v5.9-rc1", "v5.9-rc2", "v5.9", "v5.9.1", "v5.9.2", "v5.10-rc1", "v5.10", "v5.10.1",
    "v5.10.2", "v5.10.3", "v5.11-rc1", "v5.11", "v5.12-rc1",
]  # fmt: skip
ENTRY = st.builds(
    Fact.of,
    st.sampled_from(["helper", "flag", "sentinel"]),
    st.sampled_from(["a", "b", "c", "d"]),
    st.none() | st.integers(0, 3),
)
HELD = st.lists(ENTRY, max_size=4, unique_by=lambda entry: entry.name)


@st.composite
def histories(draw: st.DrawFn) -> dict[str, list[Fact]]:
    tags = draw(st.lists(st.sampled_from(TAGS), min_size=1, unique=True))
    held: dict[str, list[Fact]] = {}
    last: list[Fact] = []
    for tag in tags:
        # Successive tags mostly have the same.
        last = held[tag] = draw(HELD) if draw(st.booleans()) else last
    # One name has one kind in a dataset.
    return {
        tag: [
            Fact.of({"d": "flag"}.get(entry.name, "helper"), entry.name, entry.id) for entry in has
        ]
        for tag, has in held.items()
    }


@settings(max_examples=300)
@given(histories())
def test_spans_give_back_every_snapshot(held: dict[str, list[Fact]]) -> None:
    timeline = make_timeline(held)
    for tag in timeline.tags:
        found = {(name.kind, name.name, name.id) for name in timeline.present(tag).values()}
        assert found == {(entry.kind, entry.name, entry.id) for entry in held[tag.name]}, tag.name
        assert list(timeline.at(tag.name)) == sorted(
            timeline.present(tag).values(),
            key=lambda name: (*kind_key(name.kind), name.id is None, name.id or 0, name.name),
        )


@settings(max_examples=300)
@given(histories())
def test_rows_say_what_the_tags_have(held: dict[str, list[Fact]]) -> None:
    timeline = make_timeline(held)
    has = {tag: {entry.name for entry in entries} for tag, entries in held.items()}
    assert {row.name for row in timeline.rows} == set().union(*has.values())
    mainline = [tag for tag in timeline.tags if not tag.version.is_stable]
    releases = [tag for tag in mainline if tag.version.rc is None]
    for found in timeline.rows:
        held_by = [tag for tag in releases if found.name in has[tag.name]]
        if found.tag is None:
            # Never in a release, or again in candidates of the next one.
            newest = mainline and found.name in has[mainline[-1].name]
            assert not held_by or newest
            continue
        begin = next(tag for tag in releases if tag.name == found.tag)
        assert found.since == begin.version.text
        assert found.released == begin.date
        last = [tag for tag in held_by if tag.version >= begin.version]
        assert last[0] == begin
        after = mainline[mainline.index(begin) :]
        absent = [tag.name for tag in after if found.name not in has[tag.name]]
        assert found.removed == (absent[0] if absent else None)
        if absent:
            assert not [t for t in held_by if t.version > timeline.tag(absent[0]).version]
        first = timeline.tag(found.first_tag or "")
        between = [tag for tag in mainline if first.version <= tag.version <= begin.version]
        assert all(found.name in has[tag.name] for tag in between)
        before = [tag for tag in mainline if tag.version < first.version]
        assert not before or found.name not in has[before[-1].name]


@given(histories())
def test_backports_are_what_the_series_has_and_its_release_has_not(
    held: dict[str, list[Fact]],
) -> None:
    timeline = make_timeline(held)
    has = {tag: {entry.name for entry in entries} for tag, entries in held.items()}
    for found in timeline.rows:
        for port in found.backports:
            tags = [
                tag
                for tag in timeline.tags
                if tag.version.is_stable and tag.version.series == port.series
            ]
            since = [tag for tag in tags if tag.version >= timeline.tag(port.since).version]
            assert all(found.name in has[tag.name] for tag in since)
            assert found.name not in has.get(f"v{port.series}", set())


@given(histories())
def test_diffs_add_up(held: dict[str, list[Fact]]) -> None:
    timeline = make_timeline(held)
    for old, new in pairwise(timeline.tags):
        diff = timeline.diff(old.name, new.name)
        names = {name.name: name for name in timeline.at(old.name)}
        for gone in diff.removed:
            del names[gone.name]
        for before, after in diff.renumbered:
            assert names[before.name] == before
            names[after.name] = after
        names |= {name.name: name for name in diff.added}
        assert {(n.name, n.id) for n in names.values()} == {
            (n.name, n.id) for n in timeline.at(new.name)
        }
