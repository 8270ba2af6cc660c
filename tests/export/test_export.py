"""Exports, read back by other programs' readers."""

import csv
import io
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from helperhist import frames
from helperhist.cli.group import cli
from helperhist.dataset.store import load
from helperhist.errors import DatasetError
from helperhist.export.formats import FORMATS, render_export
from helperhist.timeline import Fact, Timeline
from tests.build.growth import helpers, make_timeline

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def embedded() -> Timeline:
    return load("embedded")


def eventful() -> Timeline:
    """A rename, a removal, a backport, a candidate, a very large number."""
    return make_timeline(
        {
            "v4.1": [*helpers("a", "gone"), Fact.of("flag", "BPF_F_ALL", 2**64 - 1)],
            "v4.1.1": [*helpers("a", "gone", "late"), Fact.of("flag", "BPF_F_ALL", 2**64 - 1)],
            "v4.2": helpers("new_a"),
            "v4.3-rc1": [*helpers("new_a"), *helpers("late", start=3)],
        },
        {"v4.1": "2015-06-21"},
        complete=False,
    )


def open_database(content: bytes) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.deserialize(content)
    return database


def test_csv_is_the_timeline_of_the_dataset(embedded: Timeline) -> None:
    stored = (ROOT / "data" / "mainline" / "timeline.csv").read_text("utf-8")
    made = render_export(embedded, "csv").decode()
    assert [*csv.DictReader(io.StringIO(made))] == [*csv.DictReader(io.StringIO(stored))]


def test_csv_has_the_columns_of_list(embedded: Timeline) -> None:
    words = ["list", "--kind", "helper", "--csv", "--data", "embedded"]
    listed = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert listed.stdout_bytes == render_export(embedded, "csv", ["helper"])


def test_csv_of_one_kind(embedded: Timeline) -> None:
    rows = list(csv.DictReader(io.StringIO(render_export(embedded, "csv", ["helper"]).decode())))
    assert [row["name"] for row in rows] == [row.name for row in embedded.helpers]


def test_csv_shows_lists_and_backports() -> None:
    rows = {
        row["name"]: row
        for row in csv.DictReader(io.StringIO(render_export(eventful(), "csv").decode()))
    }
    assert rows["bpf_new_a"]["former_names"] == "bpf_a"
    assert rows["bpf_late"]["backports"] == "4.1:4.1.1"
    assert rows["bpf_gone"]["or_earlier"] == "yes"
    assert rows["BPF_F_ALL"]["id"] == str(2**64 - 1)


def test_json_has_the_rows_and_says_where_they_come_from(embedded: Timeline) -> None:
    tree = json.loads(render_export(embedded, "json", ["helper", "cmd"]))
    assert list(tree) == ["source", "newest", "notes", "tags", "names"]
    assert tree["newest"] == "v7.3"
    assert tree["tags"][-1] == {"tag": "v7.3", "version": "7.3", "released": None}
    assert tree["names"] == [
        row.to_json() for row in embedded.rows if row.kind in ("helper", "cmd")
    ]


def test_parquet_is_the_table(embedded: Timeline) -> None:
    frame = pd.read_parquet(io.BytesIO(render_export(embedded, "parquet")), engine="pyarrow")
    table = frames.table(embedded)
    assert list(frame.columns) == list(table.columns)
    for column in ("name", "id", "commit", "prototype", "or_earlier"):
        pd.testing.assert_series_equal(frame[column], table[column], check_dtype=False)
    assert frame["since"].cat.ordered
    assert frame["since"].tolist() == table["since"].tolist()
    assert frame["released"].isna().sum() == table["released"].isna().sum()


def test_parquet_has_the_same_types_whatever_the_data(embedded: Timeline) -> None:
    backported = make_timeline({"v4.1": helpers("a"), "v4.1.1": helpers("a", "b")})
    for timeline in (embedded, backported):
        schema = pyarrow.parquet.read_schema(io.BytesIO(render_export(timeline, "parquet")))
        for column in ("former_names", "backports", "attributes"):
            kind = schema.field(column).type
            assert pyarrow.types.is_list(kind), column
            assert kind.value_type == pyarrow.string(), column


def test_parquet_of_one_kind_with_lists() -> None:
    timeline = make_timeline(
        {"v4.1": helpers("a"), "v4.1.1": helpers("a", "b"), "v4.2": helpers("c")}
    )
    frame = pd.read_parquet(io.BytesIO(render_export(timeline, "parquet", ["helper"])))
    frame = frame.set_index("name")
    assert frame["former_names"].map(list).to_dict() == {
        "bpf_a": [], "bpf_b": [], "bpf_c": ["bpf_a"],
    }  # fmt: skip
    assert frame["backports"].map(list)["bpf_b"] == ["4.1:4.1.1"]


def test_markdown_is_the_table_that_people_keep(embedded: Timeline) -> None:
    text = render_export(embedded, "markdown").decode()
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "## Helpers", "## Commands", "## Map types", "## Program types", "## Attach types",
        "## Link types",
    ]  # fmt: skip
    assert (
        "`bpf_loop` | 181 | 5.17 | 2022-03-20 | [`e6f2dd0f8067`]"
        "(https://git.kernel.org/linus/e6f2dd0f80674e9d5960337b3e9c2a242441b326)\n"
    ) in text
    assert text.startswith(f"Source: {embedded.metadata.source}.\n\n{embedded.metadata.notes[0]}\n")
    assert sum(line.startswith("`bpf_") for line in text.splitlines()) == 211


def test_markdown_of_fields_has_no_numbers(embedded: Timeline) -> None:
    text = render_export(embedded, "markdown", ["field"]).decode()
    assert "`xdp_md.egress_ifindex` |  | 5.8 | 2020-08-02 |" in text


def test_markdown_says_what_is_gone_or_not_released() -> None:
    text = render_export(eventful(), "markdown").decode()
    assert "`bpf_gone` | 2 | 4.1 or earlier, until v4.2 | 2015-06-21 |\n" in text
    assert "`bpf_late` | 3 | 4.3 (not released yet) |  |\n" in text


def test_sqlite_answers_questions_by_position(embedded: Timeline) -> None:
    database = open_database(render_export(embedded, "sqlite"))
    count = database.execute(
        "SELECT count(*) FROM names WHERE kind = 'helper' AND since_position <= "
        "(SELECT position FROM tags WHERE version = '5.10')"
    ).fetchone()
    assert count == (155,)
    present = database.execute("SELECT kind, name, id FROM presence WHERE tag = 'v5.4'").fetchall()
    assert sorted(present, key=str) == sorted(
        ((item.kind, item.name, item.id) for item in embedded.at("5.4")), key=str
    )
    assert database.execute("SELECT count(*) FROM presence").fetchone() == (
        len(frames.long_frame(embedded)),
    )
    database.close()


def test_sqlite_keeps_renames_backports_and_large_numbers() -> None:
    timeline = eventful()
    database = open_database(render_export(timeline, "sqlite"))
    assert database.execute("SELECT * FROM former_names").fetchall() == [("bpf_new_a", "bpf_a")]
    assert database.execute("SELECT * FROM backports").fetchall() == [("bpf_late", "4.1", "4.1.1")]
    assert database.execute("SELECT id FROM names WHERE name = 'BPF_F_ALL'").fetchone() == (
        str(2**64 - 1),
    )
    assert database.execute(
        "SELECT tag, stable, candidate FROM tags ORDER BY position"
    ).fetchall() == [("v4.1", 0, 0), ("v4.1.1", 1, 0), ("v4.2", 0, 0), ("v4.3-rc1", 0, 1)]
    assert database.execute("SELECT name FROM presence WHERE tag = 'v4.3-rc1'").fetchall() == [
        ("bpf_late",),
        ("bpf_new_a",),
    ]
    assert database.execute("SELECT count(*) FROM events").fetchone() == (len(timeline.events),)
    database.close()


@pytest.mark.parametrize("name", FORMATS)
def test_equal_timelines_give_equal_files(name: str) -> None:
    one = render_export(load("embedded"), name, ["helper"])
    assert one == render_export(load("embedded"), name, ["helper"])


def test_an_unknown_kind_is_named_with_those_that_there_are() -> None:
    with pytest.raises(
        DatasetError,
        match=r"no names of kind 'helpers'.*did you mean helper\? There are flag, helper",
    ):
        render_export(eventful(), "csv", ["helpers"])


@pytest.mark.parametrize("name", FORMATS)
def test_command_prints_or_writes_the_same(name: str, tmp_path: Path, embedded: Timeline) -> None:
    arguments = ["export", "--format", name, "--kind", "helper", "--data", "embedded"]
    printed = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert printed.exit_code == 0
    expected = render_export(embedded, name, ["helper"])
    assert printed.stdout_bytes == expected
    path = tmp_path / "out"
    written = CliRunner().invoke(cli, [*arguments, "-o", str(path)], catch_exceptions=False)
    assert (written.exit_code, written.stdout) == (0, "")
    assert written.stderr.startswith(f"wrote {path}\n")
    assert path.read_bytes() == expected


def test_a_file_is_replaced_whole_or_kept(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("old")
    arguments = ["export", "--data", "embedded", "-o", str(path)]
    failed = CliRunner().invoke(cli, [*arguments, "--format", "csv", "--kind", "no such"])
    assert failed.exit_code == 2
    assert failed.stderr.startswith("Error: no names of kind 'no such'")
    assert path.read_text() == "old"
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    done = CliRunner().invoke(cli, [*arguments[:-1], str(link), "--format", "csv"])
    assert done.exit_code == 0
    assert link.is_symlink()
    assert path.read_text().startswith("name,kind,id,since")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["link.csv", "names.csv"]


def test_a_file_cannot_be_a_folder(tmp_path: Path) -> None:
    arguments = [
        "export",
        "--format",
        "csv",
        "--data",
        "embedded",
        "-o",
        str(tmp_path / "no" / "x"),
    ]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 2
    assert "there is no folder" in result.stderr


def test_parquet_without_pyarrow_names_the_remedy(tmp_path: Path) -> None:
    program = (
        "import sys, importlib.util as util; sys.modules['pyarrow'] = None\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'pyarrow' else find(name, *rest)\n"
        "from helperhist.cli.group import main; main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "export", "--format", "parquet", "--data", "embedded"],
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'helperhist[parquet]'" in done.stderr
