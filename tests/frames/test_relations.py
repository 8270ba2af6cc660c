"""DataFrames of kfuncs, and of pairs of helper and program type."""

from typing import Any

import pandas as pd
import pytest

import helperhist
from helperhist import frames
from helperhist.errors import DatasetError
from helperhist.timeline import Reading, Run, Timeline
from tests.build.growth import helpers, make_timeline
from tests.build.relations import TC, XDP, related


@pytest.fixture(scope="module")
def embedded() -> Timeline:
    return helperhist.load("embedded")


#: 5.6 was not read.
READ = tuple(Reading("kfuncs", f"v5.{n}", "a tree") for n in (3, 4, 5, 7))


def with_kfuncs(*runs: Run) -> Timeline:
    return related(runs, READ)


def kfunc(
    name: str, first: str, last: str | None, proto: str = "void", flags: str = ""
) -> list[Run]:
    return [
        Run("kfunc", name, "", flags, first, last),
        Run("kfunc_proto", name, "", f"{proto} {name}(int x)", first, last),
    ]


def churn(timeline: Timeline) -> dict[str, dict[str, int]]:
    """Return what is not zero, by release."""
    frame: Any = frames.kfunc_churn(timeline).drop(columns=["released", "lts"])
    return {
        str(row["version"]): {key: row[key] for key in row.index[1:] if row[key]}
        for _, row in frame.iterrows()
    }


def test_kfuncs_have_their_documented_types(embedded: Timeline) -> None:
    lives: Any = frames.kfuncs(embedded)
    assert [str(dtype) for dtype in lives.dtypes] == [
        "string", "category", "string", "category", "string", "bool", "category", "string",
        "string", "Int64",
    ]  # fmt: skip
    growth: Any = frames.kfunc_growth(embedded)
    assert [str(dtype) for dtype in growth.dtypes] == [
        "category", "datetime64[s]", "bool", "int64", "Int64", "Int64"
    ]  # fmt: skip
    assert [str(dtype) for dtype in frames.kfunc_churn(embedded).dtypes] == [
        "category", "datetime64[s]", "bool", *["int64"] * 7
    ]  # fmt: skip


def test_a_life_of_a_kfunc_says_when_it_went_and_what_it_is_called_now() -> None:
    timeline = with_kfuncs(
        *kfunc("bpf_a_get", "v5.4", "v5.4", flags="KF_RCU"), *kfunc("bpf_a_find", "v5.5", None),
        *kfunc("bpf_b_get", "v5.4", "v5.5"), *kfunc("bpf_c_put", "v5.7", None),
    )  # fmt: skip
    lives: Any = frames.kfuncs(timeline).set_index("name").astype(object)
    lives = lives.where(lives.notna(), None)
    assert lives.loc["bpf_a_get"].to_dict() == {
        "subsystem": "bpf_a", "flags": "KF_RCU", "since": "5.4", "absent": None,
        "or_earlier": False, "removed": "5.5", "seen": None, "renamed_to": "bpf_a_find", "lived": 1,
    }  # fmt: skip
    gone = lives.loc["bpf_b_get"]
    # bpf_c_put has its parameters, but is about another thing.
    assert (gone.removed, gone.seen, gone.renamed_to) == ("5.7", "5.5", None)
    assert (lives.loc["bpf_c_put"].since, lives.loc["bpf_c_put"].absent) == ("5.7", "5.5")


@pytest.mark.parametrize("other", ["bpf_a_get_impl", "bpf_a_take"])
def test_other_parameters_are_another_kfunc_except_of_impl(other: str) -> None:
    timeline = with_kfuncs(
        *kfunc("bpf_a_get", "v5.4", "v5.4"), *kfunc(other, "v5.5", None, proto="int")
    )
    gone: Any = frames.kfuncs(timeline).set_index("name").loc["bpf_a_get"]
    found: str | None = None if pd.isna(gone.renamed_to) else gone.renamed_to
    assert found == (other if other.endswith("_impl") else None)


def test_churn_counts_what_came_and_went_and_keeps_bounds_apart() -> None:
    timeline = with_kfuncs(
        *kfunc("bpf_a_get", "v5.4", "v5.4"), *kfunc("bpf_a_find", "v5.5", None),
        *kfunc("bpf_b_get", "v5.3", "v5.5"), *kfunc("bpf_c_put", "v5.7", None),
        # It went and came back.
        *kfunc("bpf_d", "v5.4", "v5.4"), *kfunc("bpf_d", "v5.7", None),
        *kfunc("bpf_test", "v5.4", None), Run("kfunc_test", "bpf_test", "", "t.c", "v5.4", None),
    )  # fmt: skip
    assert churn(timeline) == {
        "5.3": {"older": 1},
        "5.4": {"added": 2},
        "5.5": {"added": 1, "renamed": 1, "removed": 1},
        "5.6": {},
        "5.7": {"added_by": 2, "removed_by": 1},
    }


def test_churn_of_all_lives_adds_up(embedded: Timeline) -> None:
    lives: Any = frames.kfuncs(embedded)
    found: Any = frames.kfunc_churn(embedded)
    came = found[["added", "added_by", "older"]].to_numpy().sum()
    went = found[["renamed", "removed", "renamed_by", "removed_by"]].to_numpy().sum()
    assert came == len(lives)
    assert went == lives["removed"].notna().sum()
    growth: Any = frames.kfunc_growth(embedded).iloc[-1]
    assert growth.kfuncs == growth.kfuncs_most == came - went


def test_growth_has_bounds_where_a_release_was_not_read() -> None:
    timeline = with_kfuncs(
        *kfunc("bpf_a_get", "v5.4", None), *kfunc("bpf_b_get", "v5.4", "v5.5"),
        *kfunc("bpf_c_put", "v5.7", None),
    )  # fmt: skip
    growth: Any = frames.kfunc_growth(timeline).astype(object)
    growth = growth.where(growth.notna(), None)
    cells = growth[["version", "kfuncs", "kfuncs_most"]].to_numpy().tolist()
    assert cells == [
        ["5.1", None, None], ["5.2", None, None], ["5.3", 0, 0], ["5.4", 2, 2], ["5.5", 2, 2],
        ["5.6", 1, 3], ["5.7", 2, 2],
    ]  # fmt: skip


def test_pairs_have_their_documented_types(embedded: Timeline) -> None:
    assert [str(dtype) for dtype in frames.pairs(embedded).dtypes] == [
        "category", "category", "string", "category", "string", "category", "category",
        "boolean", "Int64",
    ]  # fmt: skip
    for frame in (frames.pair_growth(embedded), frames.by_prog_type(embedded)):
        assert [str(dtype) for dtype in frame.dtypes] == [
            "category", "datetime64[s]", "bool", "category", "int64", "int64", "int64"
        ]  # fmt: skip


def test_pairs_say_what_since_says_and_whether_they_are_late(embedded: Timeline) -> None:
    found: Any = frames.pairs(embedded).set_index(["helper", "prog_type"])
    late = found.loc[("bpf_get_current_pid_tgid", XDP)]
    assert (late.since, late.both, bool(late.late), late.waited) == (
        "6.10",
        "4.8",
        True,
        12 + 20 + 11,
    )
    prompt = found.loc[("bpf_xdp_load_bytes", XDP)]
    assert (prompt.since, bool(prompt.late), prompt.waited) == ("5.18", False, 0)


def test_a_pair_that_may_have_come_with_its_names_is_not_called_late() -> None:
    found: Any = frames.pairs(related(complete=True)).set_index(["helper", "prog_type"])
    assert pd.isna(found.loc[("bpf_b", TC)].waited)
    # bpf.h has bpf_b from 5.2 on, 5.2 was read and lacks the pair: late, by how much is open.
    assert bool(found.loc[("bpf_b", TC)].late)
    unread = related(
        [Run("helper_use", "bpf_b", TC, "", "v5.4", None)],
        [Reading("helper_use", tag, "a tree") for tag in ("v5.1", "v5.4")], complete=True,
    )  # fmt: skip
    assert frames.pairs(unread)["late"].isna().all()


def test_pair_growth_agrees_with_has_at_every_release() -> None:
    timeline = related()
    growth: Any = frames.pair_growth(timeline).set_index(["version", "prog_type"])
    known = timeline.relations
    for tag in timeline.releases:
        for prog in (XDP, TC):
            answers = [
                known.has("helper_use", name, prog, tag.version).answer
                for name in known.names("helper_use")
            ]
            row = growth.loc[(tag.version.text, prog)]
            expected = answers.count(True), len(answers) - answers.count(False)
            assert (row.total, row.most) == expected, (tag, prog)


def test_longterm_kernels_have_what_the_whole_table_has(embedded: Timeline) -> None:
    cells: Any = frames.by_prog_type(embedded).set_index(["version", "prog_type"])
    assert cells.loc[("5.10", XDP)].total == 48
    assert cells.loc[("4.4", XDP)].most == 0
    assert list(cells.index.get_level_values(0).categories)[-1] == "7.3"


@pytest.mark.parametrize(
    "make", [frames.kfuncs, frames.kfunc_growth, frames.kfunc_churn, frames.pairs,
             frames.pair_growth, frames.by_prog_type],
)  # fmt: skip
def test_a_history_of_headers_alone_has_none_of_these(make: object) -> None:
    timeline = make_timeline({"v5.4": helpers("a")}, {"v5.4": "2019-11-24"})
    assert callable(make)
    with pytest.raises(DatasetError, match=r"this data has no .*; use --data embedded"):
        make(timeline)


def test_kfuncs_of_tests_alone_are_none() -> None:
    runs = [
        *kfunc("bpf_test", "v5.4", None),
        Run("kfunc_test", "bpf_test", "", "t.c", "v5.4", None),
    ]
    with pytest.raises(DatasetError, match="but those of tests"):
        frames.kfuncs(with_kfuncs(*runs))
