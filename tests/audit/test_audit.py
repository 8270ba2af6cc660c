"""Verdicts on tables."""

from copy import copy
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.audit.finding import DIFFERENCES, VERDICTS, Finding
from helperhist.audit.judge import audit
from helperhist.audit.resolve import Resolver
from helperhist.audit.tables import read_table
from helperhist.audit.tables.model import Stated, Version
from helperhist.errors import HelperhistError
from helperhist.export.tables import bcc_tables, ebpf_docs_groups
from helperhist.timeline import Fact, Row, Tag, Timeline
from helperhist.version import KernelVersion
from tests.build.growth import make_timeline
from tests.build.tables import CSV, GO, JSON, MARKDOWN, TIMELINE, YAML, C, brief

LOOKUP = "d0003ec01c667b731c139e23de3306a8b328ccf5"


def judge(text: str, *kinds: str, missing: bool = False) -> list[Finding]:
    return list(audit(read_table(text, "table")[1], TIMELINE, kinds, missing))


def one(name: str, version: str, **more: object) -> Finding:
    row = replace(Stated(name, Version(version, 0, len(version)), 1), **more)  # type: ignore[arg-type]
    (finding,) = audit([row], TIMELINE, missing=False)
    return finding


def test_markdown() -> None:
    findings = judge(MARKDOWN)
    assert brief(findings) == [
        ("Some feature of the kernel", "4.11", None, "unjudged", 5),
        ("BPF_MAP_TYPE_HASH", "3.19", "3.19", "right", 11),
        ("BPF_MAP_TYPE_RINGBUF", "5.9", "5.8", "wrong", 12),
        ("bpf_csum_level", "5.7", "5.8", "wrong", 18),
        ("bpf_loop", "5.17", "5.17", "right", 19),
        ("bpf_skc_to_mctcp_sock", "5.19", None, "unknown", 20),
    ]
    assert findings[2].tag == "v5.8"
    assert findings[2].commit == "457f44363a8894135c85b7a9afd2bd8196db24ab"
    assert findings[5].note == (
        "nearest: bpf_skc_to_mptcp_sock (5.19), which this row's commit brought"
    )


def test_yaml() -> None:
    findings = judge(YAML)
    assert brief(findings) == [
        ("bpf_map_lookup_elem", "3.18", "3.19", "wrong", 3),
        ("bpf_loop", "5.17", "5.17", "right", 6),
        ("BPF_F_LINK", "6.4", "6.4", "right", 10),
        ("bpf_key_put", "6.1", None, "unjudged", 14),
    ]
    assert findings[0].note == (
        "commit 0a542a86d73b is not known here; this name came with d0003ec01c66"
    )
    assert findings[1].note == "5.17 is a number to YAML; v5.17 is none"


def test_go() -> None:
    assert brief(judge(GO)) == [
        ("bpf_map_lookup_elem", "3.18", "3.19", "wrong", 5),
        ("bpf_loop", "5.17", "5.17", "right", 6),
        ("BPF_MAP_TYPE_HASH", "3.19", "3.19", "right", 10),
        ("BPF_MAP_TYPE_CGRP_STORAGE", "4.19", "6.2", "wrong", 11),
        ("BPF_MAP_TYPE_STACK_TRACE", "4.6", "4.6", "right", 12),
    ]


def test_c() -> None:
    assert brief(judge(C)) == [
        ("bpf_map_lookup_elem", "3.18", "3.19", "wrong", 3),
        ("bpf_loop", "5.17", "5.17", "right", 4),
        ("map_peak_elem", "4.20", None, "unknown", 4),
        ("bpf_csum_level", "5.7", "5.8", "wrong", 5),
    ]


def test_csv_and_json() -> None:
    assert [f.verdict for f in judge(CSV)] == ["wrong", "right", "right"]
    assert [f.name for f in judge(CSV)][2] == "BPF_MAP_TYPE_HASH"
    assert [f.verdict for f in judge(JSON)] == ["wrong", "right"]
    assert judge(JSON)[0].note == ""


def test_missing_names_are_those_of_the_lists_that_a_table_has() -> None:
    lacks = [f for f in judge(MARKDOWN, missing=True) if f.verdict == "missing"]
    assert {f.kind for f in lacks} == {"helper", "map_type"}
    names = [f.name for f in lacks]
    assert "bpf_skc_to_mptcp_sock" in names
    assert "bpf_loop" not in names
    assert len([f for f in lacks if f.kind == "helper"]) == 211 - 2
    first = next(f for f in lacks if f.name == "bpf_map_lookup_elem")
    assert (first.stated, first.actual, first.line, first.commit) == (None, "3.19", None, LOOKUP)


def test_second_names_of_a_number_are_not_missing() -> None:
    text = "name,since\nBPF_PROG_TEST_RUN,4.12\n"
    names = {f.name for f in judge(text, missing=True)}
    assert "BPF_PROG_RUN" not in names
    assert "BPF_MAP_CREATE" in names


def test_a_number_that_is_missing_is_missing_once_by_its_oldest_name() -> None:
    names = {f.name for f in judge("name,since\nBPF_MAP_CREATE,3.18\n", missing=True)}
    assert "BPF_PROG_TEST_RUN" in names
    assert "BPF_PROG_RUN" not in names


def test_commits_of_other_histories_than_the_kernels_are_not_compared() -> None:
    row = Stated("bpf_loop", Version("5.17", 0, 4), 1, commits=("b00628b1c7d5",))
    assert "came with" in audit([row], TIMELINE, missing=False)[0].note
    project = copy(TIMELINE)
    project.metadata = replace(project.metadata, kernel=False)
    assert audit([row], project, missing=False)[0].note == ""


def test_kinds() -> None:
    assert [f.name for f in judge(MARKDOWN, "map_type")] == [
        "BPF_MAP_TYPE_HASH",
        "BPF_MAP_TYPE_RINGBUF",
    ]
    lacks = judge(YAML, "xdp_action", missing=True)
    assert (lacks[0].name, lacks[0].verdict) == ("XDP_ABORTED", "missing")
    with pytest.raises(HelperhistError, match=r"no names of kind 'helpers'.*helper"):
        judge(YAML, "helpers")


#: Of names at which the data begins, or that come after a gap between its releases.
_MAYBE_OLDER = "in 4.1 or earlier: the release before is not in the data"


@pytest.mark.parametrize(
    ("name", "stated", "verdict", "note"),
    [
        ("BPF_FUNC_loop", "v5.17", "right", ""),
        ("loop", "5.17.0", "right", ""),
        ("bpf_loop", "5.17.3", "wrong", ""),
        ("bpf_loop", "soon", "wrong", "states no version"),
        ("bpf_loop", "", "wrong", "states no version"),
        ("bpf_loop", "5.17-rc1", "unjudged", "the data has no release candidates"),
        ("bpf_loop", "5.18-rc1", "wrong", ""),
        # The data begins with 4.1 for these: they may be older, but are not younger.
        ("BPF_ANY", "3.19", "unjudged", _MAYBE_OLDER),
        ("BPF_ANY", "4.1", "unjudged", _MAYBE_OLDER),
        ("BPF_ANY", "4.2", "wrong", "4.1 has it already"),
    ],
)
def test_verdict_on_a_known_name(name: str, stated: str, verdict: str, note: str) -> None:
    finding = one(name, stated)
    assert (finding.verdict, finding.note) == (verdict, note)
    assert finding.actual == (None if name == "BPF_ANY" else "5.17")


def test_what_cannot_be_corrected_is_not() -> None:
    assert one("BPF_ANY", "4.2").fix is None
    assert one("bpf_loop", "5.16").fix == Version("5.16", 0, 4)
    assert one("bpf_loop", "5.17").fix is None


@pytest.mark.parametrize(
    ("name", "stated", "kind", "verdict", "note"),
    [
        ("bpf_key_put", "6.1", "kfunc", "unjudged", "a kfunc that the data does not have"),
        ("bpf_later", "9.1", "helper", "unjudged", "newer than the data, which ends with 7.3"),
        ("some_kernel_thing", "5.1", None, "unjudged", "no name of bpf.h in this table"),
        ("bpf_lop", "5.17", "helper", "unknown", "nearest: bpf_loop (5.17)"),
        ("qqqqqqqqqqqqqqqq", "5.17", "helper", "unknown", "no name of bpf.h is like it"),
        ("IFLA_STATS", "5.1", "flag", "unjudged", "not in bpf.h, but maybe in another header"),
        ("BPF_F_LINKK", "6.4", "flag", "unknown", "nearest: BPF_F_LINK (6.4)"),
        ("RINGBUFF", "5.8", "map_type", "unknown", "nearest: BPF_MAP_TYPE_RINGBUF (5.8)"),
        # Another spelling than the kernel's is wrong in a table of the kernel's names.
        ("BPF_FUNC_Loop", "5.17", "helper", "unknown", "nearest: bpf_loop (5.17)"),
    ],
)
def test_verdict_on_other_names(
    name: str, stated: str, kind: str | None, verdict: str, note: str
) -> None:
    finding = one(name, stated, kind=kind)
    assert (finding.verdict, finding.note) == (verdict, note)
    assert finding.actual is None


def test_commits_are_compared() -> None:
    assert one("bpf_map_lookup_elem", "3.19", commits=("fffffff1", LOOKUP[:9])).note == ""
    assert one("bpf_loop", "5.17", commits=(LOOKUP,)).note == (
        "commit d0003ec01c66 brought bpf_map_lookup_elem, bpf_map_update_elem, ...; "
        "this name came with e6f2dd0f8067"
    )
    assert one("bpf_loop", "5.17", commits=(LOOKUP,)).verdict == "right"


def test_names_listed_twice() -> None:
    text = "name,since\nbpf_loop,5.17\nBPF_FUNC_loop,5.17\n"
    assert [f.note for f in judge(text)] == ["", "listed twice, first in line 2"]


def test_names_of_other_lists() -> None:
    assert one("BPF_MAP_TYPE_HASH", "3.19", kind="helper").note == "is a map_type"


def test_candidates_and_removals() -> None:
    tags = [
        Tag(name, KernelVersion.parse(name), "", "", None, "", "")
        for name in ("v5.0", "v5.1-rc1", "v5.1", "v5.2-rc1")
    ]
    rows = [
        Row("helper", "bpf_a", 1, "5.0", "v5.0", "v5.0", or_earlier=True),
        Row("helper", "bpf_b", 2, "5.1", "v5.1", "v5.1-rc1"),
        Row("helper", "bpf_gone", 3, None, None, "v5.1-rc1", removed="v5.1"),
        Row("helper", "bpf_new", 4, "5.2", None, "v5.2-rc1"),
        Row("helper", "bpf_old", 5, "5.0", "v5.0", "v5.0", removed="v5.1-rc1"),
    ]
    timeline = Timeline(replace(TIMELINE.metadata), rows, lambda: tags, tuple, tuple, tuple)

    def verdict(name: str, version: str) -> tuple[str, str | None, str]:
        stated = Stated(name, Version(version, 0, 1), 1, "helper")
        (finding,) = audit([stated], timeline, missing=False)
        return finding.verdict, finding.actual, finding.note

    assert verdict("bpf_b", "5.1-rc1") == ("right", "5.1", "")
    assert verdict("bpf_b", "5.1-rc2") == ("wrong", "5.1", "first in v5.1-rc1")
    assert verdict("bpf_gone", "5.1") == (
        "wrong", None, "in no mainline release; first tag v5.1-rc1",
    )  # fmt: skip
    assert verdict("bpf_new", "5.2") == ("right", "5.2", "not released yet")
    assert verdict("bpf_a", "4.9")[0] == "unjudged"
    stated = Stated("bpf_b", Version("5.1", 0, 1), 1, "helper")
    # Neither what is gone nor what is not released is missing from a table.
    assert [f.name for f in audit([stated], timeline)] == ["bpf_b", "bpf_a"]


def test_verdicts_are_all_listed() -> None:
    assert set(VERDICTS) > DIFFERENCES


@pytest.mark.parametrize("kind", ["helper", "map_type", "prog_type", "attach_type"])
def test_go_spellings_mean_one_name_each(kind: str) -> None:
    resolver = Resolver(TIMELINE)
    prefixes = {"helper": ("bpf_", "Fn"), "attach_type": ("BPF_", "Attach")}
    kernel, go = prefixes.get(kind, (f"BPF_{kind.upper()}_", ""))
    numbers: dict[int | None, set[str]] = {}
    for row in TIMELINE.rows:
        if row.kind == kind:
            camel = "".join(part.title() for part in row.name.removeprefix(kernel).split("_"))
            found = resolver.find(f"ebpf.{go}{camel}", kind, go=True)
            assert found is not None
            # CgroupStorage of cilium/ebpf is the newer of two such lists: see resolve.py.
            if camel != "CgroupStorage":
                assert found.name == row.name
            numbers.setdefault(row.id, set()).add(row.name)
    assert numbers


@pytest.mark.parametrize("write", [bcc_tables, ebpf_docs_groups])
def test_what_we_export_is_right_and_complete(write: object) -> None:
    kinds = {"helper", "map_type", "prog_type", "cmd", "attach_type", "link_type"}
    rows = [row for row in TIMELINE.rows if row.kind in kinds]
    text = write(TIMELINE, rows).decode()  # type: ignore[operator]
    assert {f.verdict for f in judge(text, missing=True)} == {"right"}
    assert {f.note for f in judge(text)} == {""}


def test_a_second_name_is_not_exported_for_a_number_that_may_be_older() -> None:
    first = Fact.of("map_type", "BPF_MAP_TYPE_CGROUP_STORAGE", 19)
    second = Fact.of("map_type", "BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED", 19)
    arena = Fact.of("map_type", "BPF_MAP_TYPE_ARENA", 33)
    snapshots = {"v6.1": [first], "v6.2": [first, second], "v6.3": [first, second, arena]}
    timeline = make_timeline(snapshots, complete=False)
    assert "ARENA" in bcc_tables(timeline, timeline.rows).decode()
    assert "DEPRECATED" not in bcc_tables(timeline, timeline.rows).decode()


def test_bcc_export() -> None:
    rows = [row for row in TIMELINE.rows if row.name in ("bpf_loop", "bpf_find_vma")]
    link = "https://github.com/torvalds/linux/commit"
    assert bcc_tables(TIMELINE, rows).decode() == (
        "## Helpers\n\n"
        "Helper | Kernel version | License | Commit |\n"
        "-------|----------------|---------|--------|\n"
        "`BPF_FUNC_find_vma()` | 5.17 | ? | "
        f"[`7c7e3d31e785`]({link}/7c7e3d31e7856a8260a254f8c71db416f7f9f5a1)\n"
        "`BPF_FUNC_loop()` | 5.17 | ? | "
        f"[`e6f2dd0f8067`]({link}/e6f2dd0f80674e9d5960337b3e9c2a242441b326)\n"
    )
    fields = [row for row in TIMELINE.rows if row.kind == "field"]
    with pytest.raises(HelperhistError, match="bcc has no table of field"):
        bcc_tables(TIMELINE, fields)


def test_ebpf_docs_export() -> None:
    names = ("BPF_MAP_TYPE_ARENA", "BPF_LINK_TYPE_TCX", "BPF_ANY", "BPF_F_LINK")
    rows = [row for row in TIMELINE.rows if row.name in names]
    assert ebpf_docs_groups(TIMELINE, rows).decode() == (
        "- name: map_types\n  features:\n    - name: BPF_MAP_TYPE_ARENA\n      version: v6.9\n"
        "      commit: 317460317a02a1af512697e6e964298dedd8a163\n"
        "- name: link_type\n  features:\n    - name: BPF_LINK_TYPE_TCX\n      version: v6.6\n"
        "- name: flags\n  features:\n    - name: BPF_F_LINK\n      version: v6.4\n"
        "      commit: 68b04864ca425d1894c96b8141d4fba1181f11cb\n"
    )


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([row.name for row in TIMELINE.rows] + ["bpf_none", "x y"]),
            st.sampled_from(["3.18", "v4.1", "5.8", "6.10", "99.1", "", "x"]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_every_row_gets_one_verdict(pairs: list[tuple[str, str]]) -> None:
    text = "name,since\n" + "".join(f"{name},{version}\n" for name, version in pairs)
    findings = judge(text)
    assert [f.line for f in findings] == list(range(2, len(pairs) + 2))
    for (name, version), finding in zip(pairs, findings, strict=True):
        row = TIMELINE.since(name)
        if finding.verdict == "right":
            assert row is not None
            assert row.since == version.removeprefix("v")
            assert not row.or_earlier
        if finding.verdict == "wrong":
            assert row is not None
            assert row.since != version.removeprefix("v")


def test_a_table_of_several_kinds() -> None:
    text = "name,since\nBPF_F_LINK,6.4\nXDP_PASSS,4.8\nBTF_KIND_INT,4.18\n"
    assert [(f.verdict, f.note) for f in judge(text)] == [
        ("right", ""),
        ("unknown", "nearest: XDP_PASS (4.8)"),
        ("unjudged", "not in bpf.h, but maybe in another header"),
    ]
