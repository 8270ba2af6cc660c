"""``helperhist audit`` and the formats of ``export`` that it reads."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from helperhist.cli.group import cli
from tests.build.tables import CSV, MARKDOWN, YAML


def run(*args: object) -> Result:
    command = [*map(str, args), "--data", "embedded"]
    return CliRunner().invoke(cli, command, catch_exceptions=False)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "table"
    file.write_text(MARKDOWN, "utf-8")
    return file


def test_report(table: Path) -> None:
    result = run("audit", table, "--no-missing")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[1:-1] == [
        "wrong",
        "  line  name                  stated  actual  commit",
        "  12    BPF_MAP_TYPE_RINGBUF  5.9     5.8     457f44363a88",
        "  18    bpf_csum_level        5.7     5.8     7cdec54f9713",
        "unknown",
        "  line 20: bpf_skc_to_mctcp_sock: nearest: bpf_skc_to_mptcp_sock (5.19), which",
        "    this row's commit brought",
        "not judged",
        "  1: no name of bpf.h",
        "2 right, 2 wrong, 1 unknown, 0 missing, 1 not judged",
    ]
    assert result.stdout.splitlines()[-1].startswith("source: embedded data: ")


def test_json(table: Path) -> None:
    result = run("audit", table, "--json", "--kind", "map_type", "--no-missing")
    assert result.exit_code == 1
    assert json.loads(result.stdout)[1] == {
        "file": str(table),
        "name": "BPF_MAP_TYPE_RINGBUF",
        "kind": "map_type",
        "stated": "5.9",
        "actual": "5.8",
        "verdict": "wrong",
        "line": 12,
        "tag": "v5.8",
        "commit": "457f44363a8894135c85b7a9afd2bd8196db24ab",
        "note": None,
        "program_type": None,
    }
    missing = json.loads(run("audit", table, "--json").stdout)[-1]
    assert (missing["verdict"], missing["stated"], missing["line"]) == ("missing", None, None)


def test_exit_codes(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    for text, code in (
        ("name,since\nbpf_loop,5.17\n", 0),
        ("name,since\nbpf_loop,5.16\n", 1),
        ("name,since\nbpf_loop,5.17\nbpf_lop,5.17\n", 1),
        ("name,since\nsomething,5.17\n", 2),
        ("nothing\n", 2),
        ("name,since\nbpf_loop\n", 2),
    ):
        file.write_text(text, "utf-8")
        assert run("audit", file, "--no-missing").exit_code == code, text
    file.write_text("name,since\nbpf_loop,5.17\n", "utf-8")
    result = run("audit", file)
    assert result.exit_code == 1
    assert "  helper: bpf_map_lookup_elem (3.19), bpf_map_update_elem (3.19)," in result.stdout


def test_several_files(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(CSV, "utf-8")
    found = json.loads(run("audit", table, other, "--json", "--no-missing").stdout)
    assert {finding["file"] for finding in found} == {str(table), str(other)}


def test_errors_are_one_line(table: Path, tmp_path: Path) -> None:
    for args in (
        ("audit", table, "--format", "json"),
        ("audit", table, "--kind", "helpers"),
        ("audit", table, "--json", "--patch"),
        ("audit", tmp_path / "none"),
        ("audit", tmp_path),
        ("export", "--format", "bcc", "--kind", "field"),
    ):
        result = run(*args)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert len([line for line in result.stderr.splitlines() if "Error: " in line]) == 1


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as stream:
        stream.truncate(100 << 20)
    result = run("audit", file)
    assert result.exit_code == 2
    assert "has more than 4 MiB" in result.stderr


@pytest.mark.parametrize("form", ["bcc", "ebpf-docs", "csv", "json"])
def test_exports_can_be_audited(form: str, tmp_path: Path) -> None:
    file = tmp_path / "out"
    assert run("export", "--format", form, "-o", file).exit_code == 0
    result = run("audit", file)
    assert result.exit_code == 0
    assert f"({form})" in result.stdout


def test_yaml_is_named_in_the_report(tmp_path: Path) -> None:
    file = tmp_path / "feature-versions.yaml"
    file.write_text(YAML, "utf-8")
    result = run("audit", file, "--no-missing")
    assert f"{file}  (ebpf-docs)" in result.stdout
    assert "bpf_loop: 5.17 is a number to YAML; v5.17 is none" in result.stdout


def test_a_file_without_a_table_hides_no_other(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.md"
    other.write_text("no table here\n")
    result = run("audit", "--json", other, table)
    assert result.exit_code == 2
    assert {row["file"] for row in json.loads(result.stdout)} == {str(table)}
    assert result.stderr.startswith("Error: ")
