"""What the page answers is what `since --json` and `has` answer, for every name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helperhist.page import render_page
from helperhist.report.evidence import evidence_json
from helperhist.report.relations import relation_json, since_words
from helperhist.timeline import (
    Evidence,
    Introduction,
    Parts,
    Reading,
    Release,
    StableReading,
    StableRun,
    Timeline,
    Witness,
)
from helperhist.version import KernelVersion
from tests.build.relations import READINGS, RUNS, XDP, related
from tests.build.timeline import helpers, make_timeline
from tests.page.conftest import Opened

PAIRS = ("helper_use", "kfunc_use", "map_use", "map_prog", "gpl_only", "kfunc_test", "kfunc_proto")
NAMES = "() => helperhist.app.data.entries.map((entry) => helperhist.app.data.json(entry))"
RELATIONS = """(kind) => {
  const { data } = helperhist.app;
  return [...(data.groups.get(kind) || new Map()).keys()].flatMap((name) =>
    data.find(kind, name).map((relation) => data.relationJson(relation)));
}"""
HAS = """(versions) => {
  const { data } = helperhist.app;
  const rows = data.entries.filter((entry) => !entry.relation);
  return versions.map((text) => {
    const version = helperhist.parseVersion(text);
    return rows.map((entry) => data.has(entry, version));
  });
}"""
ALLOWED = """([kind, names, objects, versions]) => {
  const { data } = helperhist.app;
  return versions.map((text) => {
    const version = helperhist.parseVersion(text);
    return names.map((name) => objects.map((object) =>
      data.hasPair(kind, name, object, version).answer));
  });
}"""
VERDICTS = """() => helperhist.app.data.entries.map((entry) =>
  helperhist.verdict(helperhist.app.data, entry, null, "").querySelector("b").textContent)"""


EVIDENCE = """(names) => {
  const { data } = helperhist.app;
  return names.map(([name, kind, object]) => {
    const entry = data.byName.get(name);
    return data.evidenceOf(kind ? data.pair(kind, name, object) : entry);
  });
}"""


def assert_same_evidence(opened: Opened, timeline: Timeline, step: int = 1) -> None:
    """Compare who says what, of each step-th name and pair."""
    rows = timeline.rows[::step]
    found = timeline.relations.find("kfunc") + timeline.relations.find("helper_use")
    pairs = found[:: step * 5]
    expected = [evidence_json(timeline, row) for row in rows]
    expected += [evidence_json(timeline, pair) for pair in pairs]
    asked = [[row.name, "", ""] for row in rows]
    asked += [[pair.name, pair.kind, pair.object] for pair in pairs]
    assert opened.ask(EVIDENCE, asked) == expected


def assert_same(opened: Opened, timeline: Timeline) -> None:
    """Compare all that the page says with the timeline."""
    rows = [row.to_json() for row in timeline.rows]
    kfuncs = [relation_json(timeline, found) for found in timeline.relations.find("kfunc")]
    assert opened.ask(NAMES) == rows + kfuncs
    for kind in PAIRS:
        expected = [relation_json(timeline, found) for found in timeline.relations.find(kind)]
        assert opened.ask(RELATIONS, kind) == expected, kind


def assert_same_answers(opened: Opened, timeline: Timeline, versions: list[str]) -> None:
    """Compare what releases have."""
    asked = [Release(timeline, KernelVersion.parse(text)) for text in versions]
    expected = [[one.has(row.kind, row.name).answer for row in timeline.rows] for one in asked]
    assert opened.ask(HAS, versions) == expected


def assert_same_pairs(
    opened: Opened, timeline: Timeline, kind: str, versions: list[str], step: int = 1
) -> None:
    """Compare who may call what, for each step-th name."""
    names = list(timeline.relations.names(kind))[::step]
    objects = sorted(timeline.relations.objects(kind))
    has = timeline.relations.has
    expected = [
        [[has(kind, name, other, version).answer for other in objects] for name in names]
        for version in map(KernelVersion.parse, versions)
    ]
    assert opened.ask(ALLOWED, [kind, names, objects, versions]) == expected


def test_every_name_and_pair(show: Callable[..., Opened], embedded: Timeline) -> None:
    assert_same(show(), embedded)


def test_evidence(show: Callable[..., Opened], embedded: Timeline) -> None:
    assert_same_evidence(show(), embedded, 40)


def test_evidence_that_differs(show: Callable[..., Opened], tmp_path: Path) -> None:
    plain = make_timeline(
        {
            "v5.1": helpers("a"),
            "v5.1.3": helpers("a", "b", "late"),
            "v5.2-rc1": helpers("a", "b"),
            "v5.2": helpers("a", "b"),
            "v5.3": helpers("b", a=9),
            "v5.4": helpers("b"),
        }
    )
    said = (
        Evidence("helper", "bpf_b", "", "v5.2", "absent", "nobody's copy", "line 3"),
        Evidence("helper", "bpf_b", "", "v5.3", "present:1", "a distribution", ""),
        Evidence("helper", "bpf_b", "", "v5.3", "present:7", "a distribution", "<b>"),
        Evidence("helper", "bpf_b", "", "since", "5.2", "a distribution", ""),
        Evidence("helper", "bpf_b", "", "since", "5.1", "nobody's copy", "its docs"),
        Evidence("helper", "bpf_a", "", "removed", "v5.4", "nobody's copy", ""),
        Evidence("helper_use", "bpf_b", XDP, "v5.2", "present:", "nobody's copy", ""),
        Evidence("helper_use", "bpf_b", XDP, "v5.3", "present:?", "nobody's copy", ""),
        Evidence("helper_use", "bpf_b", XDP, "v5.4", "absent", "nobody's copy", ""),
    )
    witnesses = (Witness("nobody's copy", "1234", 1, "x"), Witness("a distribution", "", 9, "y"))
    came = [Introduction("helper_use", "bpf_b", XDP, "v5.2", "12" * 20, None, None, "bpf: <b>")]
    stable = [StableRun("5.1", "helper_use", "bpf_b", XDP, "", "v5.1.3", None)]
    readings = (*READINGS, Reading("bpf.h", "v5.1", "one; two"), Reading("bpf.h", "v5.3", "three"))
    timeline = Timeline(
        plain.metadata, plain.rows, lambda: plain.tags, lambda: plain.spans, lambda: plain.events,
        lambda: (), relations=lambda name: Parts(
            RUNS, readings, came, stable=stable, updates=[StableReading("helper_use", "v5.1.3")]
        ),
        evidence=lambda name: (said, witnesses),
    )  # fmt: skip
    path = tmp_path / "page.html"
    path.write_text(render_page([timeline]), encoding="utf-8")
    opened = show("#bpf_b", path=path)
    assert_same_evidence(opened, timeline)
    pairs = timeline.relations.find("helper_use")
    asked = [[pair.name, pair.kind, pair.object] for pair in pairs]
    assert opened.ask(EVIDENCE, asked) == [evidence_json(timeline, pair) for pair in pairs]
    assert_same(opened, timeline)
    opened.go("#bpf_b@xdp")
    assert "5.1 from 5.1.3" in opened.text(".facts")
    opened.go("#kernels=5.1.4&types=xdp")
    assert "bpf_b helper 5.2" in opened.text(".usable")
    opened.go("#kernels=5.1.2&types=xdp")
    assert "bpf_b" not in opened.text(".usable")
    opened.go("#bpf_b@xdp")
    assert "commit 121212121212 bpf: <b>" in opened.text(".facts")
    opened.go("#bpf_b")
    assert "since 5.1 (not followed) nobody's copy 1234 its docs" in opened.text(".evidence")


def test_every_verdict(show: Callable[..., Opened], embedded: Timeline) -> None:
    rows = [
        (row.since or "in no mainline release") + " or earlier" * row.or_earlier
        for row in embedded.rows
    ]
    kfuncs = [since_words(found) for found in embedded.relations.find("kfunc")]
    assert show().ask(VERDICTS) == rows + kfuncs


def test_releases_updates_and_builds(show: Callable[..., Opened], embedded: Timeline) -> None:
    versions = ["2.6.32", "3.18", "4.4", "5.8-rc3", "5.10", "5.10.42", "4.18.0-553.el8", "9.9"]
    opened = show()
    assert_same_answers(opened, embedded, versions)
    # Each eighth name: Python takes a while.
    for kind in ("helper_use", "kfunc_use", "map_prog"):
        assert_same_pairs(
            opened, embedded, kind, ["5.5", "5.10.7", "6.10", "6.15", "6.16-rc2", "6.16"], 8
        )


@pytest.mark.parametrize("complete", [False, True])
def test_bounds(show: Callable[..., Opened], tmp_path: Path, complete: bool, browser: Any) -> None:
    timeline = related(complete=complete)
    path = tmp_path / "page.html"
    path.write_text(render_page([timeline]), encoding="utf-8")
    opened = show(path=path)
    assert_same(opened, timeline)
    versions = [f"5.{n}" for n in range(9)] + ["5.3-rc1", "5.6-rc2", "5.4.3", "5.1.0-9-amd64"]
    assert_same_answers(opened, timeline, versions)
    for kind in ("helper_use", "kfunc_use", "map_use", "kfunc"):
        assert_same_pairs(opened, timeline, kind, versions)


def test_stable_updates_renames_and_removals(show: Callable[..., Opened], tmp_path: Path) -> None:
    timeline = make_timeline(
        {
            "v5.8-rc1": helpers("a"),
            "v5.8": helpers("a", "b"),
            "v5.8.1": helpers("a", "b"),
            "v5.8.4": helpers("a", "b", "c", "gone"),
            "v5.8.9": helpers("a", "b", "c"),
            "v5.9": helpers("a", "new_b", "c"),
            "v5.9.2": helpers("a", "new_b", "c", "d"),
            "v5.10-rc1": helpers("a", "new_b", "c", "d"),
            "v5.10": helpers("a", "new_b", "c", "d", "last"),
            "v5.10.0-8-custom": helpers("a", "new_b", "c", "d", "last", "own"),
            "v5.11": helpers("a", "new_b", "d", "d2"),
        }
    )
    path = tmp_path / "page.html"
    path.write_text(render_page([timeline]), encoding="utf-8")
    opened = show(path=path)
    assert_same(opened, timeline)
    versions = [
        *("5.7", "5.8-rc1", "5.8-rc2", "5.8", "5.8.1", "5.8.2", "5.8.4", "5.8.7", "5.8.9"),
        *("5.8.99", "5.9-rc1", "5.9", "5.9.1", "5.9.2", "5.9.3", "5.10-rc1", "5.10", "5.10.1"),
        *("5.10.0-8-custom", "5.10.0-9-custom", "5.11", "5.11.2", "5.12"),
    ]
    assert_same_answers(opened, timeline, versions)
