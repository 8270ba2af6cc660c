"""Releases as people ask for them, and what the data cannot say of each."""

import platform

import pytest

import helperhist
from helperhist.errors import DatasetError, InvalidVersion
from helperhist.timeline import Timeline, ask, known_names
from tests.build.timeline import helpers, make_timeline


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    """Return a history with a candidate, updates, longterm kernels and a gap (no 5.9)."""
    return make_timeline(
        {
            "v4.19": helpers("a"),
            "v4.20": helpers("a"),
            "v5.0": helpers("a"),
            "v5.7": helpers("a", "b"),
            "v5.8-rc5": helpers("a", "b", "late"),
            "v5.8": helpers("a", "b", "c"),
            "v5.8.3": helpers("a", "b", "c", "ported"),
            "v5.10": helpers("a", "b", "c", "d"),
        }
    )


#: What is asked for; the release it means, where its answers begin, the kind of doubt, the family.
ASKED = [
    ("v5.8", "5.8", "5.8", None, None),
    ("linux-5.8", "5.8", "5.8", None, None),
    ("5.8.3", "5.8.3", "5.8.3", None, None),
    ("5.8-rc5", "5.8-rc5", "5.8-rc5", None, None),
    ("5.8-rc5+", "5.8-rc5", "5.8-rc5", None, None),
    ("latest", "5.10", "5.10", None, None),
    ("lts", "5.10", "5.10", None, None),
    ("5.8-rc7", "5.8-rc7", "5.8-rc5", "candidate", None),
    ("5.8.7", "5.8.7", "5.8.3", "unread", None),
    ("5.9", "5.9", "5.8", "unread", None),
    ("5.8.0-33-generic", "5.8.0-33-generic", "5.8", "distribution", "Ubuntu"),
    ("5.8.5-mine", "5.8.5-mine", "5.8.3", "distribution", "a build of its own"),
    ("5.11", "5.11", "5.10", "newer", None),
    ("5.11-rc1", "5.11-rc1", "5.10", "newer", None),
    ("99.9", "99.9", "5.10", "newer", None),
    ("99.0-1.el99", "99.0-1.el99", "5.10", "newer", "RHEL, or a distribution made from it"),
    ("5.10.99", "5.10.99", "5.10", "unread", None),
]


@pytest.mark.parametrize(("text", "version", "floor", "doubt", "family"), ASKED)
def test_what_is_asked_for(
    timeline: Timeline, text: str, version: str, floor: str, doubt: str | None, family: str | None
) -> None:
    asked = ask(timeline, text)
    assert (str(asked.version), str(asked.floor)) == (version, floor)
    found = None if asked.doubt is None else (asked.doubt.kind, asked.doubt.family)
    assert found == (None if doubt is None else (doubt, family))
    if asked.doubt is not None:
        assert "\n" not in asked.doubt.text
        assert asked.doubt.to_json() == {
            "kind": doubt, "family": family, "text": asked.doubt.text,
        }  # fmt: skip


def test_a_distributions_kernel_says_how_to_get_the_truth(timeline: Timeline) -> None:
    doubt = ask(timeline, "5.8.0-33-generic").doubt
    assert doubt is not None
    assert doubt.text == (
        "5.8.0-33-generic is a kernel of Ubuntu, which may have more than its number says: 5.8 is "
        "a lower bound only; give its BTF (cp /sys/kernel/btf/vmlinux FILE) or its headers for "
        "the truth"
    )


def test_the_running_kernel_by_its_name(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "release", lambda: "5.8.0-33-generic")
    asked = ask(timeline, "running")
    assert asked.doubt is not None
    assert asked.doubt.family == "Ubuntu"
    assert asked.name == "running (5.8.0-33-generic)"


def test_the_oldest_longterm_kernel_is_one_that_gets_updates() -> None:
    embedded = helperhist.load("embedded")
    # Its newest date is of 2026, when 5.4 was not maintained any more.
    assert str(ask(embedded, "lts-oldest").version) == "5.10"
    assert str(ask(embedded, "lts").version) == "6.18"
    assert ask(embedded, "lts").name == "lts (6.18)"


@pytest.mark.parametrize("text", ["", "  ", "newest", "5", "LTS"])
def test_what_is_not_a_release(timeline: Timeline, text: str) -> None:
    with pytest.raises(InvalidVersion, match="not a kernel version"):
        ask(timeline, text)


@pytest.mark.parametrize("text", ["4.25", "4.21-rc1", "4.99.3", "4.30.0-1.el8"])
def test_a_release_that_mainline_never_made(timeline: Timeline, text: str) -> None:
    with pytest.raises(InvalidVersion, match=r"there is no Linux 4\.\d+: after 4.20 came 5.0"):
        ask(timeline, text)


@pytest.mark.parametrize(
    ("text", "names", "unsure"),
    [
        ("5.8", "abc", ()),
        ("5.8-rc7", "ab", ("bpf_c", "bpf_late")),
        ("5.8.7", ("bpf_a", "bpf_b", "bpf_c", "bpf_ported"), ()),
        ("5.8.1", "abc", ("bpf_ported",)),
        ("5.9", "abc", ("bpf_d",)),
        ("5.8.0-33-generic", "abc", ()),
    ],
)
def test_names_that_a_release_has_for_sure(
    timeline: Timeline, text: str, names: str | tuple[str, ...], unsure: tuple[str, ...]
) -> None:
    found, maybe = known_names(timeline, ask(timeline, text))
    wanted = [f"bpf_{name}" for name in names] if isinstance(names, str) else list(names)
    assert sorted(found) == wanted
    assert sorted(maybe) == list(unsure)


@pytest.mark.parametrize("text", ["4.9", "99.9"])
def test_nobody_can_tell_outside_of_the_data(timeline: Timeline, text: str) -> None:
    with pytest.raises(DatasetError, match=f"no tag for {text} in this data .*nobody can tell"):
        known_names(timeline, ask(timeline, text))
