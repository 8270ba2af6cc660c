"""Whether a release has a name: backports, removals, and what the data does not tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist.timeline import Fact, Timeline
from helperhist.timeline.presence import Presence, Release
from helperhist.version import KernelVersion
from tests.build.timeline import helpers, make_timeline


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    """b was backported to 5.10.42, c was removed in 5.12, d and a were always there."""
    return make_timeline(
        {
            "v5.9": helpers("a", c=3),
            "v5.10": helpers("a", c=3),
            "v5.10.42": helpers("a", b=2, c=3),
            "v5.11": helpers("a", b=2, c=3),
            "v5.12": helpers("a", b=2),
            "v5.14": helpers("a", b=2, e=5),
        }
    )


@pytest.mark.parametrize(
    ("name", "version", "answer"),
    [
        ("b", "5.10", False),
        ("b", "5.10.42", True),
        ("b", "5.11", True),
        ("c", "5.11", True),
        ("c", "5.12", False),
        # Between two tags that agree.
        ("b", "5.13", True),
        ("c", "5.13", False),
        ("c", "5.10.7", True),
        # Between two that do not.
        ("b", "5.10.7", None),
        ("e", "5.13", None),
        ("e", "5.14-rc1", None),
        # Updates that were not read: there may be backports.
        ("e", "5.10.99", None),
        ("b", "5.10.99", None),
        ("a", "5.9.3", None),
        ("b", "5.9.3", None),
        # After the end, and before the beginning, of data that is complete.
        ("a", "5.15", None),
        ("c", "5.15", None),
        ("a", "5.8", False),
        ("a", "5.8.3", None),
        ("a", "5.13.2", True),
        ("e", "5.13.2", None),
        ("c", "5.13.2", None),
        ("f", "5.12", False),
    ],
)
def test_the_tag_is_asked(timeline: Timeline, name: str, version: str, answer: bool | None) -> None:
    assert timeline.kernel(version).has("helper", f"bpf_{name}").answer is answer
    assert timeline.kernel(version).has("helper", f"BPF_FUNC_{name}").answer is answer


def test_a_kind_that_the_data_does_not_have(timeline: Timeline) -> None:
    assert timeline.kernel("5.12").has("kfunc", "bpf_f").answer is None


def test_bounds(timeline: Timeline) -> None:
    asked = Release(timeline, KernelVersion.parse("5.13"))
    assert asked.has("helper", "bpf_e") == Presence(None, False, True)
    assert asked.known_from == "5.12 and 5.14"
    update = Release(timeline, KernelVersion.parse("5.10.99"))
    assert update.has("helper", "bpf_a") == Presence(None, True, None)
    assert update.known_from == "5.10.42"
    assert not update.is_newer
    assert Release(timeline, KernelVersion.parse("5.15")).is_newer


def test_data_that_begins_in_the_middle() -> None:
    cut = make_timeline({"v5.9": helpers("a"), "v5.10": helpers("a", "b")}, complete=False)
    assert cut.kernel("5.8").has("helper", "bpf_a").answer is None
    assert cut.kernel("5.8").has("helper", "bpf_b").answer is False


def test_a_build_of_a_distribution_has_backports(timeline: Timeline) -> None:
    build = Release(timeline, KernelVersion.parse("5.10.0-42.46"))
    for name in ("bpf_b", "bpf_e"):
        assert build.has("helper", name) == Presence(None, False, None)
    assert build.known_from == "5.10"


def test_a_rename_keeps_the_number() -> None:
    renamed = make_timeline({"v5.9": helpers("a", "old"), "v5.10": helpers("a", "new")})
    old, new = (Release(renamed, KernelVersion.parse(text)) for text in ("5.9", "5.10"))
    for release in (old, new):
        for name in ("bpf_old", "bpf_new"):
            assert release.has("helper", name).answer is True
            assert release.has_number("helper", name, 2).answer is True
            assert release.has_number("helper", name, 1).answer is False
    assert (old.numbered("helper", 2), new.numbered("helper", 2)) == ("bpf_old", "bpf_new")


HELD = st.lists(st.sampled_from("abcd"), unique=True).map(
    lambda names: [Fact.of("helper", f"bpf_{name}", 1 + "abcd".index(name)) for name in names]
)
TAGS = ["v5.9", "v5.10-rc1", "v5.10", "v5.10.1", "v5.10.2", "v5.11", "v5.11.4", "v5.12"]


@given(
    st.dictionaries(st.sampled_from(TAGS), HELD, min_size=1).map(
        lambda held: {tag: held[tag] for tag in TAGS if tag in held}
    )
)
def test_of_every_tag_the_answer_is_what_it_holds(held: dict[str, list[Fact]]) -> None:
    # A kind that no tag has cannot be told of.
    timeline = make_timeline({tag: [*helpers(z=9), *entries] for tag, entries in held.items()})
    for tag, entries in held.items():
        there = {entry.name for entry in entries}
        for letter in "abcd":
            name = f"bpf_{letter}"
            assert timeline.kernel(tag).has("helper", name).answer is (name in there), (tag, name)
    for tag in set(TAGS) - set(held):
        # Whatever is said of a tag that was not read is what its neighbours say.
        release = Release(timeline, KernelVersion.parse(tag))
        for letter in "abcd":
            told = release.has("helper", f"bpf_{letter}")
            if told.answer:
                assert told.before
                assert told.after
            if told.answer is False:
                assert not told.before
