"""The wheel works by itself: a user has no checkout beside it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--no-index", "--wheel-dir", folder, ROOT),
        ],
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "helperhist", *arguments],
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_wheel_carries_the_data_and_no_tests(installed: Path) -> None:
    assert (installed / "helperhist/data/mainline/timeline.csv").is_file()
    assert not (installed / "tests").exists()
    assert [*installed.glob("*.data/data/share/man/man1/helperhist-check.1")]
    (metadata,) = installed.glob("*.dist-info/METADATA")
    assert "License-Expression: BSD-2-Clause" in metadata.read_text()


def test_wheel_answers(installed: Path) -> None:
    done = run(installed, "since", "-q", "bpf_probe_read_str", "--data", "embedded")
    assert (done.returncode, done.stdout, done.stderr) == (0, "4.11\n", "")


def test_wheel_writes_the_page(installed: Path) -> None:
    done = run(installed, "page", "--data", "embedded")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("<!DOCTYPE html>")
    assert "class Search" in done.stdout
