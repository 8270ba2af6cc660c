from dataclasses import replace

import pytest

from helperhist.errors import DatasetError, InvalidVersion
from helperhist.timeline import (
    Interval,
    Parts,
    Presence,
    Reading,
    Relation,
    Relations,
    Run,
    Timeline,
)
from tests.build.relations import READINGS, TC, TRACING, XDP, related


@pytest.fixture
def timeline() -> Timeline:
    return related()


def one(timeline: Timeline, kind: str, name: str, other: str = "") -> Relation:
    (found,) = timeline.relations.find(kind, name, other)
    return found


def test_an_exact_release(timeline: Timeline) -> None:
    assert one(timeline, "helper_use", "bpf_b", XDP) == Relation(
        "helper_use", "bpf_b", XDP, "", "5.2",
        intervals=(Interval("5.2", "5.5", "cap=CAP_PERFMON"), Interval("5.5", None, "")),
    )  # fmt: skip
    assert one(timeline, "helper_use", "bpf_b", XDP).presences == (("5.2", None),)


def test_bounds_where_releases_were_not_read(timeline: Timeline) -> None:
    found = one(timeline, "helper_use", "bpf_b", TC)
    assert (found.absent, found.since, found.seen, found.removed) == ("5.2", "5.4", "5.5", "5.7")


def test_a_hole_ends_what_came_before(timeline: Timeline) -> None:
    found = one(timeline, "helper_use", "bpf_a", TC)
    assert (found.since, found.absent, found.value) == ("5.5", None, "?")
    assert found.presences == (("5.1", "5.2"), ("5.5", None))


def test_nothing_is_older_than_its_names(timeline: Timeline) -> None:
    # 5.3 was not read, but bpf.h of it has no bpf_c.
    found = one(timeline, "helper_use", "bpf_c", XDP)
    assert (found.since, found.absent, found.or_earlier) == ("5.4", None, False)


def test_what_the_first_release_has_may_be_older(timeline: Timeline) -> None:
    found = one(timeline, "helper_use", "bpf_a", XDP)
    assert (found.since, found.absent, found.or_earlier) == ("5.1", None, True)


def test_a_kfunc_before_whose_release_nothing_was_read() -> None:
    readings = [item for item in READINGS if item != READINGS[5]]
    found = one(related(readings=readings), "kfunc", "bpf_k_new")
    assert (found.since, found.absent, found.or_earlier) == ("5.5", None, True)


@pytest.mark.parametrize(
    ("kind", "name", "other", "version", "expected"),
    [
        ("helper_use", "bpf_b", XDP, "5.1", Presence(False)),
        ("helper_use", "bpf_b", XDP, "5.2", Presence(True, value="cap=CAP_PERFMON")),
        ("helper_use", "BPF_FUNC_b", XDP, "v5.5", Presence(True, value="")),
        ("helper_use", "bpf_b", XDP, "5.3", Presence(True, value="cap=CAP_PERFMON")),
        # Read on both sides, with other conditions.
        ("helper_use", "bpf_b", XDP, "5.5-rc1", Presence(None, value="?")),
        # The pair came between 5.2 and 5.4, and went after 5.5.
        ("helper_use", "bpf_b", TC, "5.3", Presence(None)),
        ("helper_use", "bpf_b", TC, "5.6", Presence(None)),
        ("helper_use", "bpf_b", TC, "5.7", Presence(False)),
        ("helper_use", "bpf_c", XDP, "5.3", Presence(False)),
        ("helper_use", "bpf_c", XDP, "5.4-rc1", Presence(None)),
        # A condition that was not read is no yes.
        ("helper_use", "bpf_a", TC, "5.5", Presence(None, value="?")),
        # A pair that no release has, of names that have others.
        ("helper_use", "bpf_c", TC, "5.5", Presence(False)),
        # Updates have changes of their own; what is newer may have lost it.
        ("helper_use", "bpf_a", XDP, "5.5.3", Presence(None)),
        ("helper_use", "bpf_a", XDP, "5.8", Presence(None)),
        ("helper_use", "bpf_a", XDP, "5.0", Presence(None)),
        # Names that nobody knows.
        ("helper_use", "bpf_none", XDP, "5.5", Presence(None)),
        ("helper_use", "bpf_a", "BPF_PROG_TYPE_NONE", "5.5", Presence(None)),
        ("other", "bpf_a", XDP, "5.5", Presence(None)),
        ("kfunc", "bpf_k_new", "", "5.7", Presence(True, value="KF_ACQUIRE KF_RCU")),
        ("kfunc_use", "bpf_k_new", TRACING, "5.4", Presence(False)),
    ],
)
def test_whether_a_release_has_it(
    timeline: Timeline, kind: str, name: str, other: str, version: str, expected: Presence
) -> None:
    assert timeline.kernel(version).has(kind, name, other) == expected


def test_a_version_that_is_none(timeline: Timeline) -> None:
    with pytest.raises(InvalidVersion):
        timeline.kernel("new").has("helper_use", "bpf_a", XDP)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (Run("helper_use", "bpf_x", XDP, "", "v5.3", None), "was not read"),
        (Run("helper_use", "bpf_x", XDP, "", "v5.2", "v5.3"), "was not read"),
        (Run("helper_use", "bpf_x", XDP, "", "v5.5", "v5.2"), "ends before it begins"),
        (Run("helper_use", "bpf_a", XDP, "?", "v5.2", "v5.4"), "overlap"),
        (Run("unknown", "bpf_x", XDP, "", "v5.2", None), "was not read"),
    ],
)
def test_runs_that_contradict(run: Run, message: str) -> None:
    with pytest.raises(DatasetError, match=rf"damaged \(.*{message}.*\); scan again"):
        assert related([*related().relations.runs, run]).relations


def test_a_timeline_without_relations() -> None:
    plain = related((), ())
    assert not plain.relations
    assert plain.relations.find("helper_use") == ()
    assert plain.kernel("5.5").has("helper_use", "bpf_a", XDP) == Presence(None)


def test_what_there_is(timeline: Timeline) -> None:
    relations = timeline.relations
    assert relations.kinds == ("helper_use", "kfunc", "kfunc_proto", "kfunc_use", "map_use")
    assert relations.names("helper_use") == ("bpf_a", "bpf_b", "bpf_c")
    assert relations.objects("kfunc_use") == {TRACING, XDP}
    assert relations.read("kfunc") == ("5.4", "5.5", "5.7")
    assert relations.read("unknown") == ()


def test_the_numbers_say_which_release_was_not_read() -> None:
    # 5.8 is in no list of releases.
    run = replace(related().relations.runs[0], first="v5.9", last="v5.9")
    tags = ("v5.7", "v5.9", "v5.11")
    (found,) = Relations(Parts([run], [Reading("helper_use", tag, "") for tag in tags])).find(
        "helper_use"
    )
    assert (found.absent, found.since, found.seen, found.removed) == ("5.7", "5.9", "5.9", "5.11")
