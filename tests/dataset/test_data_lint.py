"""The embedded data does not contradict itself, and every statement has somebody who makes it."""

from collections import defaultdict
from functools import cache

import pytest

from helperhist import load
from helperhist.timeline import (
    ABSENT,
    KINDS,
    LIVE,
    PRESENT,
    SEEN,
    Evidence,
    Relation,
    Row,
    Statements,
    Timeline,
    evidence_of,
    is_followed,
)
from helperhist.version import KernelVersion


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    return load("embedded")


@pytest.fixture(scope="module")
def statements(timeline: Timeline) -> Statements:
    return timeline.statements_of("")


@cache
def version(text: str) -> KernelVersion:
    return KernelVersion.parse(text)


def test_rows_have_tags_and_end_after_they_begin(timeline: Timeline) -> None:
    tags = {tag.name: tag.version for tag in timeline.tags}
    for row in timeline.rows:
        assert row.since is not None
        assert row.tag in tags
        assert tags[row.tag] == version(row.since)
        assert row.removed is None or tags[row.removed] > tags[row.tag]


def test_relations_end_after_they_begin(timeline: Timeline) -> None:
    for kind in timeline.relations.kinds:
        for item in timeline.relations.find(kind):
            if item.absent is not None:
                assert version(item.absent) < version(item.since)
            if item.removed is not None:
                assert version(item.since) < version(item.removed)
            for start, end in item.presences:
                assert end is None or version(start) < version(end)


def test_both_names_exist_while_a_relation_lasts(timeline: Timeline) -> None:
    held = {tag.name: timeline.present(tag).keys() for tag in timeline.tags}
    newest = timeline.metadata.newest
    kfuncs: dict[str, list[tuple[str, str | None]]] = {
        item.name: list(item.presences) for item in timeline.relations.find("kfunc")
    }
    checked = 0
    for run in timeline.relations.runs:
        last = run.last or newest
        assert last is not None
        if run.kind in (SEEN, "arch_use"):
            continue
        if KINDS[run.kind].object and run.object:
            assert run.object in held[run.first], run
            assert run.object in held[last], run
        if run.kind.startswith("kfunc"):
            first, end = version(run.first), version(last)
            assert any(
                version(a) <= first and (b is None or end < version(b)) for a, b in kfuncs[run.name]
            ), run
        else:
            assert run.name in held[run.first], run
            assert run.name in held[last], run
        checked += 1
    assert checked > 10_000


def test_statements_are_about_what_there_is(timeline: Timeline, statements: Statements) -> None:
    tags = {tag.name for tag in timeline.tags}
    rows = {(row.kind, row.name, "") for row in timeline.rows}
    facts = {(run.kind, run.name, run.object) for run in timeline.relations.runs}
    for said in statements.evidence:
        assert said.says in tags | {"since", "removed", "commit", "subject"}
        assert said.value
        if said.says in tags:
            assert said.value == ABSENT or said.value.startswith(PRESENT)
        key = said.kind, said.name, said.object
        # A copy can have what is in no release.
        assert key in rows | facts or said.says in tags, said


def test_everybody_who_says_something_is_known_and_says_something(
    timeline: Timeline, statements: Statements
) -> None:
    copies = {by for item in timeline.relations.readings for by in item.origin.split("; ")}
    assert statements.witnesses.keys() == copies | {said.by for said in statements.evidence}
    for witness in statements.witnesses.values():
        assert witness.about
        assert 1 <= witness.trust <= 5
    read = {item.tag for item in timeline.relations.readings if item.source == "bpf.h"}
    assert read == {tag.name for tag in timeline.tags}


def test_whoever_is_trusted_most_is_of_one_mind(statements: Statements) -> None:
    """Where two of equal trust differ, somebody who is trusted more decided, with a reason."""
    about: dict[tuple[str, ...], list[Evidence]] = defaultdict(list)
    for said in statements.evidence:
        about[said.kind, said.name, said.object, said.says].append(said)
    for key, found in about.items():
        trust = {said: statements.witnesses[said.by].trust for said in found}
        most = [said for said in found if trust[said] == max(trust.values())]
        assert len({said.value for said in most}) == 1, key
    for said in statements.evidence:
        assert said.by != "decision" or len(said.where) > 10, said


def test_rows_follow_whom_is_trusted_most(timeline: Timeline, statements: Statements) -> None:
    items: dict[tuple[str, str, str], Row | Relation] = {
        (row.kind, row.name, ""): row for row in timeline.rows
    }
    for kind in timeline.relations.kinds:
        items.update(
            ((kind, item.name, item.object), item) for item in timeline.relations.find(kind)
        )
    best: dict[tuple[str, ...], Evidence] = {}
    for said in statements.evidence:
        key = said.kind, said.name, said.object, said.says
        rival = best.get(key)
        trust = statements.witnesses
        if rival is None or trust[said.by].trust > trust[rival.by].trust:
            best[key] = said
    decided = 0
    for said in best.values():
        found = items.get((said.kind, said.name, said.object))
        if said.by == "decision" and found is not None:
            assert is_followed(timeline, found, said), said
            decided += 1
    assert decided > 300


def test_copies_that_a_row_does_not_follow_are_stated(timeline: Timeline) -> None:
    """What is said to have been read in a copy, where the copies of a release differ."""
    (item,) = timeline.relations.find(
        "helper_use", "bpf_ktime_get_coarse_ns", "BPF_PROG_TYPE_CGROUP_DEVICE"
    )
    found = {
        (said.says, said.by.partition("/")[0], is_followed(timeline, item, said))
        for said in evidence_of(timeline, item)
    }
    assert ("v5.15", "tertiumndatur", False) in found
    assert ("v5.15", "decision", True) in found


def test_booted_kernels_narrow_bounds(timeline: Timeline) -> None:
    relations = timeline.relations
    assert [item.tag for item in relations.readings if item.source == LIVE] == ["v6.16"]
    (late,) = relations.find("kfunc", "bpf_strlen")
    assert (late.since, late.absent) == ("6.17", None)
    (between,) = relations.find("kfunc", "bpf_cpumask_populate")
    assert (between.since, between.absent) == ("6.16", "6.14")
    (gone,) = relations.find("kfunc", "scx_bpf_dispatch")
    assert (gone.removed, gone.seen) == ("6.17", None)


def test_commits_of_kfuncs_begin_what_they_introduce(timeline: Timeline) -> None:
    introductions = timeline.parts.introductions
    assert introductions
    for item in introductions:
        (found,) = timeline.relations.find(item.kind, item.name, item.object)
        assert found.introduction == item
        assert len(item.commit) == 40
