"""Who says what of a row or relation, and whether it follows that."""

from dataclasses import replace

import pytest

from helperhist.errors import DatasetError
from helperhist.timeline import (
    Evidence,
    Reading,
    Relation,
    Row,
    Run,
    Timeline,
    Witness,
    evidence_of,
)
from helperhist.timeline import is_followed as followed
from tests.build.relations import READINGS, RUNS, TC, XDP, related

BPF_H = tuple(Reading("bpf.h", f"v5.{n}", f"copy {n}") for n in range(1, 8))
WITNESSES = tuple(Witness(by, "", 1, "") for by in ("table", "decision", "copy 3", "copy 4"))


def said(timeline: Timeline, item: Row | Relation) -> list[tuple[str, str, str, bool]]:
    return [
        (found.says, found.value, found.by, followed(timeline, item, found))
        for found in evidence_of(timeline, item)
    ]


def row(timeline: Timeline, name: str) -> Row:
    found = timeline.since(name)
    assert found is not None
    return found


def test_a_name_was_read_on_both_sides() -> None:
    timeline = related(readings=(*READINGS, *BPF_H))
    assert said(timeline, row(timeline, "bpf_c")) == [
        ("v5.3", "absent", "copy 3", True),
        ("v5.4", "present:3", "copy 4", True),
    ]


def test_without_readings_it_is_the_repository() -> None:
    timeline = related()
    (first, second) = evidence_of(timeline, row(timeline, "bpf_c"))
    assert first.by == second.by == timeline.metadata.source
    assert second.where == "include/uapi/linux/bpf.h"


def test_statements_that_are_not_followed() -> None:
    name = "helper", "bpf_c", ""
    stated = (
        Evidence(*name, "since", "5.1", "table", "table.md:12"),
        Evidence(*name, "since", "5.4", "decision", "the commit"),
        Evidence(*name, "v5.4", "absent", "copy 4", "an older copy"),
        Evidence(*name, "commit", "0123", "table", ""),
        Evidence("helper", "bpf_b", "", "since", "5.1", "table", ""),
    )
    readings = (*READINGS, *BPF_H)
    timeline = related(readings=readings, evidence=stated, witnesses=WITNESSES)
    assert said(timeline, row(timeline, "bpf_c")) == [
        ("v5.3", "absent", "copy 3", True),
        # What copy 4 has is stated.
        ("since", "5.1", "table", False),
        ("since", "5.4", "decision", True),
        ("v5.4", "absent", "copy 4", False),
        ("commit", "0123", "table", False),
    ]


def test_a_relation_at_both_sides_of_each_change() -> None:
    by = "somebody/linux@1234 (5.x)"
    timeline = related()
    (pair,) = timeline.relations.find("helper_use", "bpf_b", TC)
    assert said(timeline, pair) == [
        ("v5.2", "absent", by, True),
        ("v5.4", "present:attach=BPF_TCX_INGRESS", by, True),
        ("v5.5", "present:attach=BPF_TCX_INGRESS", by, True),
        ("v5.7", "absent", by, True),
    ]
    (old,) = timeline.relations.find("helper_use", "bpf_a", XDP)
    assert said(timeline, old) == [("v5.1", "present:", by, True)]


def test_copies_that_differ_and_a_decision() -> None:
    name = "helper_use", "bpf_c", XDP
    readings = [
        replace(item, origin="one; two") if item.source == "helper_use" else item
        for item in READINGS
    ]
    stated = (
        Evidence(*name, "v5.4", "absent", "two", ""),
        Evidence(*name, "v5.4", "present:", "decision", "two is older"),
    )
    known = (*WITNESSES, Witness("two", "", 1, ""))
    timeline = related(readings=readings, evidence=stated, witnesses=known)
    (pair,) = timeline.relations.find(*name)
    assert said(timeline, pair) == [
        ("v5.2", "absent", "one", True),
        ("v5.2", "absent", "two", True),
        ("v5.4", "present:", "one", True),
        ("v5.4", "absent", "two", False),
        ("v5.4", "present:", "decision", True),
    ]


def test_a_booted_kernel() -> None:
    runs = (*RUNS, Run("seen", "bpf_b", TC, "no", "v5.6", None))
    timeline = related(runs, (*READINGS, Reading("live", "v5.6", "Linux 5.6.3")))
    (pair,) = timeline.relations.find("helper_use", "bpf_b", TC)
    assert said(timeline, pair)[-1] == ("v5.6", "absent", "Linux 5.6.3", True)
    assert pair.removed == "5.6"


def test_somebody_who_is_not_known() -> None:
    stated = (Evidence("helper", "bpf_c", "", "since", "5.1", "nobody", ""),)
    timeline = related(evidence=stated)
    with pytest.raises(DatasetError, match="nobody is known as 'nobody'"):
        timeline.statements_of("bpf_c")
