from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import helperhist
from helperhist import frames
from helperhist.errors import DatasetError
from helperhist.timeline import Backport, Fact, Timeline
from tests.build.growth import helpers, make_timeline, with_author_dates


@pytest.fixture(scope="module")
def embedded() -> Timeline:
    return helperhist.load("embedded")


def names_by_tag(frame: pd.DataFrame) -> dict[str, list[tuple[str, str, int | None]]]:
    found: dict[str, list[tuple[str, str, int | None]]] = {}
    for tag, kind, name, number in zip(
        frame["tag"], frame["kind"], frame["name"], frame["id"], strict=True
    ):
        value = None if pd.isna(number) else int(number)
        found.setdefault(str(tag), []).append((str(kind), str(name), value))
    return found


def test_table_has_all_fields_of_all_rows_in_their_documented_types(embedded: Timeline) -> None:
    table = frames.table(embedded)
    assert [str(dtype) for dtype in table.dtypes] == [
        "category", "string", "Int64", "category", "category", "category", "datetime64[s]",
        "category", "bool", "string", "datetime64[s, UTC]", "datetime64[s, UTC]", "string",
        "object", "object", "string", "object",
    ]  # fmt: skip
    fields = list(type(embedded.rows[0]).__dataclass_fields__)
    assert list(table.columns) == fields
    for column in ("kind", "name", "id", "since", "tag", "first_tag", "or_earlier", "commit"):
        expected = [getattr(row, column) for row in embedded.rows]
        cells = [None if pd.isna(cell) else cell for cell in table[column]]
        assert cells == expected, column
    released = [None if pd.isna(day) else day.date().isoformat() for day in table["released"]]
    assert released == [row.released for row in embedded.rows]


def test_table_orders_versions_as_kernels_do(embedded: Timeline) -> None:
    table = frames.table(embedded).set_index("name")
    old = table[table["since"] <= "4.9"]
    assert "bpf_current_task_under_cgroup" in old.index  # 4.9
    assert "bpf_xdp_adjust_head" not in old.index  # 4.10
    assert table["since"].max() == "7.3"


def test_table_keeps_lists_and_dates_of_commits() -> None:
    timeline = make_timeline(
        {
            "v4.1": helpers("a"),
            "v4.1.3": helpers("a", "b"),
            "v4.2-rc1": helpers("new_a"),
            "v4.2": helpers("new_a"),
        },
        {"v4.2": "2015-08-30"},
    )
    table = frames.table(with_author_dates(timeline, 10)).set_index("name")
    assert table.loc["bpf_new_a", "former_names"] == ("bpf_a",)
    assert table.loc["bpf_b", "backports"] == (Backport("4.1", "4.1.3"),)
    assert table.loc["bpf_new_a", "author_date"] == pd.Timestamp("2015-08-20", tz="UTC")
    assert table["since"].isna().to_dict() == {
        "bpf_a": False, "bpf_b": True, "bpf_new_a": False,
    }  # fmt: skip
    assert table.loc["bpf_a", "removed"] == "v4.2-rc1"


def test_long_frame_is_what_every_tag_of_the_embedded_data_has(embedded: Timeline) -> None:
    frame = frames.long_frame(embedded)
    assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == {
        "tag": "category", "version": "category", "released": "datetime64[s]",
        "kind": "category", "name": "category", "id": "Int64",
    }  # fmt: skip
    assert frame["tag"].is_monotonic_increasing
    expected = {
        tag.name: [(item.kind, item.name, item.id) for item in embedded.at(tag.name)]
        for tag in embedded.tags
    }
    assert names_by_tag(frame) == expected
    assert frame[frame["tag"] == "v7.3"]["released"].isna().all()
    assert (frame[frame["tag"] == "v5.8"]["released"] == pd.Timestamp("2020-08-02")).all()


TAGS = ("v4.1-rc1", "v4.1", "v4.1.1", "v4.1.2", "v4.2-rc1", "v4.2", "v4.2.1", "v4.3.1", "v4.4")


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(TAGS),
        st.dictionaries(st.sampled_from("abcde"), st.integers(1, 3), max_size=5),
        min_size=1,
    )
)
def test_long_frame_is_what_the_headers_had(headers: dict[str, dict[str, int]]) -> None:
    snapshots = {
        tag: [Fact.of("helper", f"bpf_{name}", number) for name, number in names.items()]
        for tag, names in headers.items()
    }
    found = names_by_tag(frames.long_frame(make_timeline(snapshots)))
    assert found == {
        tag: sorted(
            [("helper", entry.name, entry.id) for entry in entries],
            key=lambda item: (item[2] or 0, item[1]),
        )
        for tag, entries in snapshots.items()
        if entries
    }


def test_frames_of_an_empty_timeline_have_their_columns() -> None:
    timeline = make_timeline({"v4.1": []})
    assert list(frames.table(timeline).columns)[:3] == ["kind", "name", "id"]
    columns = list(frames.long_frame(timeline).columns)
    assert columns == [
        "tag",
        "version",
        "released",
        "kind",
        "name",
        "id",
    ]
    assert frames.long_frame(timeline).empty


def test_matrix_is_tags_by_names() -> None:
    timeline = make_timeline({"v4.1": helpers("a"), "v4.2": helpers("a", "b"), "v4.10": []})
    matrix = frames.matrix(timeline)
    assert matrix.index.tolist() == ["v4.1", "v4.2", "v4.10"]
    assert matrix.index.name == "tag"
    assert matrix.columns.tolist() == ["bpf_a", "bpf_b"]
    assert matrix.to_numpy().tolist() == [[True, False], [True, True], [False, False]]


def test_matrix_of_an_unknown_kind_names_those_that_there_are() -> None:
    with pytest.raises(DatasetError, match=r"no names of kind 'map'; there are helper"):
        frames.matrix(make_timeline({"v4.1": helpers("a")}), "map")


def test_a_number_that_is_too_large_is_an_error_and_not_another_number() -> None:
    timeline = make_timeline({"v4.1": [*helpers("a"), Fact.of("flag", "BPF_F_ALL", 2**64 - 1)]})
    with pytest.raises(DatasetError, match=str(2**64 - 1)):
        frames.table(timeline)


def test_growth_of_the_embedded_data(embedded: Timeline) -> None:
    growth = frames.growth(embedded).set_index("version")
    totals = growth["total"].to_dict()
    assert {v: totals[v] for v in ("3.18", "3.19", "4.4", "5.10", "6.1", "6.2", "7.3")} == {
        "3.18": 0, "3.19": 3, "4.4": 25, "5.10": 155, "6.1": 209, "6.2": 211, "7.3": 211,
    }  # fmt: skip
    assert growth["new"].sum() == 211
    assert growth[growth["new"] > 0].index[-1] == "6.2"
    assert growth[growth["lts"]].index.tolist() == [
        "4.4", "4.9", "4.14", "4.19", "5.4", "5.10", "5.15", "6.1", "6.6", "6.12", "6.18",
    ]  # fmt: skip
    assert growth["released"].isna().to_numpy().nonzero()[0].tolist() == [len(growth) - 1]


def test_growth_counts_numbers_and_not_names() -> None:
    run, test_run = Fact.of("cmd", "BPF_PROG_RUN", 10), Fact.of("cmd", "BPF_PROG_TEST_RUN", 10)
    timeline = make_timeline({"v4.1": [test_run], "v4.2": [run, test_run], "v4.3": [run]})
    growth = frames.growth(timeline, ("cmd", "helper"))
    commands = growth[growth["kind"] == "cmd"]
    assert commands["total"].tolist() == [1, 1, 1]
    assert commands["new"].tolist() == [1, 0, 0]
    assert growth[growth["kind"] == "helper"]["total"].tolist() == [0, 0, 0]


def test_growth_counts_flags_by_name() -> None:
    flags = [Fact.of("flag", "BPF_ANY", 0), Fact.of("flag", "BPF_F_NONE", 0)]
    growth = frames.growth(make_timeline({"v4.1": flags[:1], "v4.2": flags}), ("flag",))
    assert growth["total"].tolist() == [1, 2]


def test_growth_of_an_unknown_kind_is_an_error_and_not_zero() -> None:
    timeline = make_timeline({"v4.1": helpers("a")})
    assert frames.growth(timeline, ("link_type",))["total"].tolist() == [0]
    with pytest.raises(DatasetError, match="no names of kind 'helpers'"):
        frames.growth(timeline, ("helpers",))


def test_growth_calls_nothing_new_that_the_data_begins_with() -> None:
    snapshots = {
        "v5.4-rc1": helpers("a", "b"),
        "v5.4": helpers("a", "b", "c"),
        "v5.5": helpers("a", "b", "c", "d"),
    }
    growth = frames.growth(make_timeline(snapshots, complete=False))
    assert growth["total"].tolist() == [3, 4]
    assert growth["new"].tolist() == [1, 1]
    assert frames.growth(make_timeline(snapshots))["new"].tolist() == [3, 1]


def test_growth_looks_at_releases_only() -> None:
    timeline = make_timeline(
        {"v4.1": helpers("a"), "v4.1.1": helpers("a", "x"), "v4.2-rc1": helpers("a", "b")}
    )
    assert frames.growth(timeline)["total"].tolist() == [1]
    with pytest.raises(DatasetError, match="no release"):
        frames.growth(make_timeline({"v4.2-rc1": helpers("a")}))


def test_families_add_up_to_the_helpers(embedded: Timeline) -> None:
    by_family = frames.family_growth(embedded)
    assert (
        by_family.groupby("version", observed=True)["total"].sum().tolist()
        == frames.growth(embedded)["total"].tolist()
    )
    newest = by_family[by_family["version"] == "7.3"].set_index("family")["total"]
    assert newest["ringbuf"] == 9
    assert newest["timer"] == 4


def test_by_lts_ends_with_the_newest_release(embedded: Timeline) -> None:
    cells = frames.by_lts(embedded)
    assert cells.columns.tolist()[-3:] == ["6.12", "6.18", "7.3"]
    assert cells.shape == (211, 12)
    row = cells.T["bpf_ringbuf_output"].tolist()
    assert cells.columns[row.index(True)] == "5.10"  # since 5.8
    types = frames.by_lts(embedded, "map_type")
    assert not types.loc["BPF_MAP_TYPE_ARENA", "6.6"]
    assert types.loc["BPF_MAP_TYPE_ARENA", "6.12"]  # since 6.9


def test_lead_times_leave_out_what_the_data_begins_with() -> None:
    snapshots = {"v5.4": helpers("a"), "v5.5": helpers("a", "b")}
    dates = {"v5.4": "2019-11-24", "v5.5": "2020-01-26"}
    timeline = with_author_dates(make_timeline(snapshots, dates, complete=False), 100)
    assert frames.lead_times(timeline)["name"].tolist() == ["bpf_b"]


def test_lead_times_need_both_dates(embedded: Timeline) -> None:
    known = [row for row in embedded.helpers if row.author_date and row.released]
    assert frames.lead_times(embedded)["name"].tolist() == [row.name for row in known]
    assert (frames.lead_times(embedded)["days"] > 0).all()
    timeline = make_timeline(
        {"v4.1": helpers("a"), "v4.2": helpers("a", "b")}, {"v4.1": "2015-06-21"}
    )
    lead = frames.lead_times(with_author_dates(timeline, 100))
    assert lead["name"].tolist() == ["bpf_a"]
    assert lead["days"].tolist() == [100.0]
    assert lead["released"].dt.date.tolist() == [date(2015, 6, 21)]
