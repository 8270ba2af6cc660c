"""What a booted kernel of an unread release says narrows the bounds of relations."""

import pytest

from helperhist.errors import DatasetError
from helperhist.timeline import Presence, Reading, Relation, Relations, Run
from helperhist.version import KernelVersion
from tests.build.relations import READINGS, TC, XDP, related

LIVE = (*READINGS, Reading("live", "v5.6", "Linux 5.6.3"))


def at(relations: Relations, release: str, kind: str = "helper_use", other: str = XDP) -> Presence:
    return relations.has(kind, "bpf_a", other, KernelVersion.parse(release))


def with_word(
    first: str, last: str | None, word: str, value: str = ""
) -> tuple[Relation, list[Presence]]:
    """Return a fact and what 5.5 to 5.7 have, beside what a kernel of 5.6 says of it."""
    runs = (
        Run("helper_use", "bpf_a", XDP, value, first, last),
        Run("helper_use", "bpf_a", TC, "", "v5.1", None),
        Run("seen", "bpf_a", XDP, word, "v5.6", None),
    )
    relations = related(runs, LIVE).relations
    (found,) = relations.find("helper_use", "bpf_a", XDP)
    return found, [at(relations, f"5.{n}") for n in (5, 6, 7)]


def test_seen_before_it_was_read() -> None:
    found, has = with_word("v5.7", None, "yes")
    assert (found.since, found.absent, found.removed) == ("5.6", None, None)
    assert found.presences == (("5.6", None),)
    assert has == [Presence(False), Presence(True, value=""), Presence(True, value="")]


def test_seen_and_its_condition_is_not_known_there() -> None:
    _, has = with_word("v5.7", None, "yes", "cap=CAP_BPF")
    assert has == [Presence(False), Presence(None, value="?"), Presence(True, value="cap=CAP_BPF")]


def test_not_seen_before_it_was_read() -> None:
    found, has = with_word("v5.7", None, "no")
    assert (found.since, found.absent) == ("5.7", None)
    assert has[1:] == [Presence(False), Presence(True, value="")]


def test_seen_after_it_was_read() -> None:
    found, has = with_word("v5.1", "v5.5", "yes")
    assert (found.removed, found.seen) == ("5.7", None)
    assert has == [Presence(True, value=""), Presence(True, value=""), Presence(False)]


def test_not_seen_after_it_was_read() -> None:
    found, has = with_word("v5.1", "v5.5", "no")
    assert (found.removed, found.seen) == ("5.6", None)
    assert found.presences == (("5.1", "5.6"),)
    assert has == [Presence(True, value=""), Presence(False), Presence(False)]


def test_bounds_that_stay() -> None:
    runs = (
        Run("helper_use", "bpf_a", XDP, "", "v5.7", None),
        Run("helper_use", "bpf_a", TC, "", "v5.1", None),
        Run("seen", "bpf_a", XDP, "yes", "v5.6", None),
    )
    # 5.5 was not read either.
    readings = [item for item in LIVE if (item.source, item.tag) != ("helper_use", "v5.5")]
    relations = related(runs, readings).relations
    (found,) = relations.find("helper_use", "bpf_a", XDP)
    assert (found.since, found.absent) == ("5.6", "5.4")
    assert at(relations, "5.5") == Presence(None)


def test_sightings_of_other_facts_do_not_count() -> None:
    runs = (
        Run("map_use", "bpf_a", XDP, "", "v5.1", None),
        Run("helper_use", "bpf_a", TC, "", "v5.1", None),
        Run("seen", "bpf_a", XDP, "no", "v5.6", None),
    )
    relations = related(runs, LIVE).relations
    assert at(relations, "5.1", "map_use") == Presence(True, value="")
    assert at(relations, "5.6", other=TC) == Presence(True, value="")


def test_another_word() -> None:
    runs = (Run("seen", "bpf_a", XDP, "perhaps", "v5.6", None),)
    with pytest.raises(DatasetError, match="perhaps"):
        related(runs, LIVE).relations.find("seen")
