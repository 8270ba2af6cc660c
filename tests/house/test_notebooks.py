"""The notebooks run from a clean kernel and show in substance what is stored in them."""

import base64
import io
import json
import os
from pathlib import Path
from typing import Any

import matplotlib.image
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import helperhist
from helperhist.dataset.store import write_dataset
from helperhist.timeline import Fact
from tests.build.growth import make_timeline, with_author_dates

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LOAD = 'helperhist.load("embedded")'


def read(path: Path) -> Any:
    return nbformat.reads(path.read_text("utf-8"), as_version=4)  # type: ignore[no-untyped-call]


def execute(notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    # The kernel is a process of its own: it finds this checkout, and nobody's settings or scans.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    for name in ("IPYTHONDIR", "MPLCONFIGDIR", "XDG_DATA_HOME", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(ROOT / "notebooks")}},
    )
    client.execute()
    return notebook


def code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def substance(output: Any) -> tuple[str, str]:
    """Return what an output says, without its spaces; of a figure, that it is one."""
    if output.output_type == "stream":
        return output.name, " ".join(output.text.split())
    if "image/png" in output.data:
        return "figure", ""
    return "table", " ".join(output.data["text/plain"].split())


def picture(output: Any) -> Any:
    """Return a figure as a grid of grey means, 24 by 24: coarser than an edge or a letter."""
    pixels = matplotlib.image.imread(io.BytesIO(base64.b64decode(output.data["image/png"])))
    grey = pixels[..., :3].mean(axis=2)
    rows = np.array_split(grey, 24, axis=0)
    return np.array([[part.mean() for part in np.array_split(row, 24, axis=1)] for row in rows])


def test_there_are_three_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS] == [
        "after-the-helpers.ipynb",
        "api-growth.ipynb",
        "which-kernel.ipynb",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_those_of_a_clean_run(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, fresh = read(path), execute(read(path), tmp_path, monkeypatch)
    remedy = "run `python notebooks/run.py`"
    for old, new in zip(code(stored), code(fresh), strict=True):
        assert [substance(item) for item in old.outputs] == [
            substance(item) for item in new.outputs
        ], remedy
        for one, other in zip(old.outputs, new.outputs, strict=True):
            if substance(one)[0] == "figure":
                difference = np.abs(picture(one) - picture(other))
                assert difference.mean() < 0.03, f"{old.source}: {remedy}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stored_as_run_from_top_to_bottom(path: Path) -> None:
    cells = code(read(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells)
    assert all(output.output_type != "error" for cell in cells for output in cell.outputs)
    # What is long belongs into the library.
    assert all(len(cell.source.splitlines()) <= 12 for cell in cells)
    assert path.read_text("utf-8").count(json.dumps(LOAD)[1:-1]) == 1


def test_another_scan_is_one_line_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "scan"
    write_dataset(with_author_dates(helperhist.load("embedded"), 120), folder)
    notebook = read(ROOT / "notebooks" / "which-kernel.ipynb")
    for cell in code(notebook):
        cell.source = cell.source.replace(LOAD, f"helperhist.load({str(folder)!r})")
    said = [substance(item) for cell in code(execute(notebook, tmp_path, monkeypatch))[-2:]
            for item in cell.outputs]  # fmt: skip
    assert said[0] == (
        "stdout",
        "211 of 211 helpers have an author's date and a release date in this data",
    )
    assert [kind for kind, _ in said] == ["stdout", "figure", "table"]
    assert "2020" in said[2][1]
    assert "120.0" in said[2][1]


def test_growth_of_a_history_that_ends_before_the_list_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [Fact.of("helper", "bpf_loop", 1), Fact.of("map_type", "BPF_MAP_TYPE_HASH", 1)]
    folder = tmp_path / "scan"
    dates = {"v5.4": "2019-11-24", "v5.5": "2020-01-26"}
    write_dataset(make_timeline({"v5.4": both[:1], "v5.5": both}, dates), folder)
    notebook = read(ROOT / "notebooks" / "api-growth.ipynb")
    for cell in code(notebook):
        cell.source = cell.source.replace(LOAD, f"helperhist.load({str(folder)!r})")
    said = [
        substance(item)[1] for cell in code(execute(notebook, tmp_path, monkeypatch))
        for item in cell.outputs
    ]  # fmt: skip
    assert "This data does not have both 6.2 and a newer release." in said
