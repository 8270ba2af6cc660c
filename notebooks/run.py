"""Run notebooks in place: ``python notebooks/run.py [FILE...]``; all of them without a name.

As `jupyter execute --inplace`, without the times of the run: equal answers give equal files.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

__all__ = ["run"]


def run(path: Path) -> None:
    """Run a notebook in its own folder, and write what it shows."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    folder = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, record_timing=False, resources=folder).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    # The version of whoever ran it is nobody's.
    notebook.metadata.get("language_info", {}).pop("version", None)
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    for name in sys.argv[1:] or sorted(map(str, Path(__file__).parent.glob("*.ipynb"))):
        run(Path(name))
