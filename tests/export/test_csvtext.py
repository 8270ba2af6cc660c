"""CSV that goes to spreadsheets: no cell runs, numbers stay numbers, our data stay as they are."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from helperhist.cli.group import cli
from helperhist.csvtext import render_csv
from helperhist.dataset import read_dataset, write_dataset
from helperhist.timeline import Timeline
from tests.build.timeline import helpers, make_timeline

SUBJECT = "=cmd|'/C calc'!A0"


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (SUBJECT, f"'{SUBJECT}"),
        ("+1+1", "'+1+1"),
        ("-bpf", "'-bpf"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        (-1, "-1"),
        ("-1", "-1"),
        (None, ""),
        ("", ""),
        ("a=b", "a=b"),
        ("'=1", "'=1"),
    ],
)
def test_cells(cell: object, shown: str) -> None:
    assert read(render_csv(["x", "y"], [[cell, "z"]])) == [["x", "y"], [shown, "z"]]


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2)))
def test_no_cell_is_a_formula(rows: list[list[str]]) -> None:
    found = read(render_csv(["x", "y"], rows))[1:]
    assert [[cell.removeprefix("'") for cell in row] for row in found] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
    for row in found:
        for cell in row:
            assert cell[:1] not in ("=", "@", "\t", "\r")
            assert cell[:1] not in ("+", "-") or cell[1:].replace(".", "").isdigit()


@pytest.mark.parametrize(
    "command", [["export", "--format", "csv"], ["list", "--csv"], ["since", "a", "--csv"]]
)
def test_commands(tmp_path: Path, command: list[str]) -> None:
    made = make_timeline({"v5.0": helpers("a")})
    rows = [replace(row, subject=SUBJECT) for row in made.rows]
    written = Timeline(
        made.metadata, rows, lambda: made.tags, lambda: made.spans, lambda: (), lambda: ()
    )
    write_dataset(written, tmp_path / "data")
    # The dataset itself has the subject as it is.
    assert read_dataset(tmp_path / "data").rows[0].subject == SUBJECT
    assert f",{SUBJECT}," in (tmp_path / "data" / "timeline.csv").read_text()
    done = CliRunner().invoke(
        cli, [*command, "--data", str(tmp_path / "data")], catch_exceptions=False
    )
    header, row = read(done.stdout)
    assert row[header.index("subject")] == f"'{SUBJECT}"
