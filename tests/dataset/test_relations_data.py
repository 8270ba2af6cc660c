"""The embedded relations: which helper, kfunc and map goes with which type, at which release."""

import csv
import re
from collections import defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

import helperhist
from helperhist.dataset.relations import parse_runs
from helperhist.mining.trees import KINDS
from helperhist.sources import Condition
from helperhist.timeline import Run
from helperhist.version import KernelVersion

DATA = Path(__file__).parents[2] / "data"
FOLDER = DATA / "mainline"
TYPE = "BPF_PROG_TYPE_"


@cache
def runs_in(name: str) -> tuple[Run, ...]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return tuple(parse_runs(list(csv.reader(file))[1:]))


@cache
def runs() -> tuple[Run, ...]:
    return runs_in("relations.csv") + runs_in("details.csv")


@cache
def readings() -> dict[str, tuple[str, ...]]:
    """Return the tags read of each source, in the file's order."""
    found: dict[str, list[str]] = defaultdict(list)
    with (FOLDER / "readings.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert row["origin"]
            found[row["source"]].append(row["tag"])
    return {source: tuple(tags) for source, tags in found.items()}


def source_of(kind: str) -> str:
    return next(source for source, kinds in KINDS.items() if kind in kinds)


def span(run: Run) -> tuple[KernelVersion, KernelVersion | None]:
    return (
        KernelVersion.parse(run.first),
        KernelVersion.parse(run.last) if run.last else None,
    )


def holds(run: Run, release: str) -> bool:
    first, last = span(run)
    at = KernelVersion.parse(release)
    return first <= at and (last is None or at <= last)


def at(release: str, kind: str, name: str = "", other: str = "") -> list[Run]:
    return [
        run
        for run in runs()
        if run.kind == kind
        and (not name or run.name == name)
        and (not other or run.object == other)
        and holds(run, release)
    ]


def intervals(kind: str, name: str, other: str = "") -> list[tuple[str, str | None]]:
    return [
        (run.first, run.last)
        for run in runs()
        if (run.kind, run.name, run.object) == (kind, name, other)
    ]


def test_every_kind_has_rows_and_every_source_was_read() -> None:
    kinds = {kind for name in readings() for kind in KINDS.get(name, ())}
    assert {run.kind for run in runs()} == kinds
    assert readings().keys() == {
        "bpf.h", "helper_use", "kfuncs", "map_use", "arch_use", "live",
    }  # fmt: skip
    for source, tags in readings().items():
        assert tags[0] == {"bpf.h": "v3.18", "live": "v6.16"}.get(source, "v4.4")
        assert tags[-1] == ("v6.16" if source == "live" else "v7.3")
        assert all(KernelVersion.parse(a) < KernelVersion.parse(b) for a, b in pairwise(tags))


def test_rows_are_sorted_and_runs_end_at_readings() -> None:
    for name in ("relations.csv", "details.csv"):
        keys = [
            (run.kind, run.name, run.object, KernelVersion.parse(run.first))
            for run in runs_in(name)
        ]
        assert keys == sorted(set(keys))
    for run in runs():
        tags = readings()[source_of(run.kind)]
        assert run.first in tags
        assert not run.last or run.last in tags
        # Of a run to the newest tag, the end is empty.
        assert run.last != tags[-1]


def test_runs_of_a_fact_do_not_overlap_nor_repeat() -> None:
    for before, after in pairwise(runs()):
        if (before.kind, before.name, before.object) != (after.kind, after.name, after.object):
            continue
        assert before.last, before
        tags = readings()[source_of(before.kind)]
        gap = tags.index(after.first) - tags.index(before.last)
        assert gap >= 1, after
        # Equal values of neighbours would be one run.
        assert gap > 1 or before.value != after.value, after


def test_values_are_conditions() -> None:
    for value in {run.value for run in runs() if run.kind in {"helper_use", "kfunc_use"}}:
        assert str(Condition.parse(value)) == value


@pytest.mark.parametrize("kind", ["helper_use", "kfunc_use", "map_prog", "map_use"])
def test_names_exist_where_a_relation_says_so(kind: str) -> None:
    timeline = helperhist.load()
    newest = KernelVersion.parse(timeline.metadata.newest or "")
    kinds = {"helper_use": "helper", "map_prog": "map_type", "map_use": "helper"}
    for run in runs():
        first, _ = span(run)
        if run.kind != kind or first > newest:
            continue
        names = [(run.object, "")] + ([(run.name, kinds[kind])] if kind in kinds else [])
        for name, expected in names:
            row = timeline.since(name)
            assert row is not None, run
            assert expected in {"", row.kind}
            assert row.since is not None
            assert KernelVersion.parse(row.since) <= first, run


def test_a_kfunc_that_may_be_called_is_one() -> None:
    known = {run.name for run in runs() if run.kind == "kfunc"}
    for run in runs():
        if run.kind in {"kfunc_use", "kfunc_proto", "kfunc_test"}:
            assert run.name in known
            assert at(run.first, "kfunc", run.name), run


def test_attach_types_of_conditions_exist() -> None:
    timeline = helperhist.load()
    newest = KernelVersion.parse(timeline.metadata.newest or "")
    for run in runs():
        if run.kind not in {"helper_use", "kfunc_use"} or span(run)[0] > newest:
            continue
        for name in re.findall(r"attach=!?([\w|]+)", run.value, re.ASCII):
            for one in name.split("|"):
                row = timeline.since(one)
                assert row is not None, run
                assert row.since is not None
                assert KernelVersion.parse(row.since) <= span(run)[0], run


def test_decisions_are_taken_and_have_evidence() -> None:
    with (DATA / "relation_decisions.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert row["evidence"]
            found = at(row["release"], row["kind"], row["name"])
            values = [run.value for run in found if run.object == row["object"]]
            word, _, value = row["decision"].partition(":")
            assert values == ([value] if word == "present" else [])


def test_helpers_opened_to_a_program_type() -> None:
    ((first, last),) = intervals("helper_use", "bpf_get_current_pid_tgid", TYPE + "XDP")
    assert (first, last) == ("v6.10", None)
    storage = intervals("helper_use", "bpf_sk_storage_get", TYPE + "TRACING")
    assert storage[0][0] == "v5.11"


def test_a_condition_names_the_attach_types() -> None:
    (run,) = at("5.8", "helper_use", "bpf_setsockopt", TYPE + "CGROUP_SOCK_ADDR")
    assert "BPF_CGROUP_INET4_CONNECT" in run.value
    assert not at("5.7", "helper_use", "bpf_setsockopt", TYPE + "CGROUP_SOCK_ADDR")


def test_a_pair_that_was_taken_away_again() -> None:
    key = ("helper_use", "bpf_ktime_get_coarse_ns")
    assert at("5.15", *key, TYPE + "KPROBE")
    assert not at("5.16", *key, TYPE + "KPROBE")
    assert at("7.1", *key, TYPE + "XDP")


def test_operations_of_the_kernels_own_tests_call_no_helper() -> None:
    for run in runs():
        if run.kind == "helper_use" and run.object == TYPE + "STRUCT_OPS":
            assert not holds(run, "6.6") or "struct_ops=tcp_congestion_ops" in run.value, run


@pytest.mark.parametrize(
    ("name", "since"),
    [("bpf_dynptr_is_rdonly", "v6.5"), ("bpf_sk_assign_tcp_reqsk", "v6.9")],
)
def test_kfuncs_by_release(name: str, since: str) -> None:
    assert intervals("kfunc", name)[0][0] == since
    assert at("7.3", "kfunc", name)


def test_kfuncs_that_were_removed_or_have_a_hole() -> None:
    assert intervals("kfunc", "bpf_cpumask_any")[0][0] == "v6.3"
    assert intervals("kfunc", "bpf_cpumask_any")[-1][1] == "v6.4"
    held = [
        bool(at(release, "kfunc", "bpf_stream_vprintk"))
        for release in ("6.14", "6.17", "6.18", "6.19", "7.0", "7.1")
    ]
    assert held == [False, True, False, False, True, True]


def test_kfuncs_of_the_kernels_own_tests_are_marked() -> None:
    tests = {run.name for run in runs() if run.kind == "kfunc_test"}
    assert "bpf_kfunc_call_test1" in tests
    assert "bpf_dynptr_is_rdonly" not in tests


def test_counts() -> None:
    assert 2798 <= len(at("7.1", "helper_use")) <= 2806
    assert len(at("7.1", "kfunc")) == 314
    assert not at("5.12", "kfunc")
