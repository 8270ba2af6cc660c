"""Datasets in folders: read, write, and what a folder must be for that."""

import os
from collections.abc import Collection
from pathlib import Path

from helperhist.dataset.files import FILES, LATER, parse_dataset, render_dataset
from helperhist.dataset.metadata import METADATA, parse_metadata
from helperhist.dataset.names import TIMELINE
from helperhist.dataset.swap import File, read_folder, replace_folder, standing_in
from helperhist.errors import DatasetError
from helperhist.timeline import Timeline

__all__ = [
    "check_folder",
    "embedded_dir",
    "has_dataset",
    "read_dataset",
    "reason_of",
    "write_dataset",
]


def embedded_dir() -> Path:
    """Return the folder of the dataset that comes with helperhist."""
    package = Path(__file__).parents[1]
    # In a wheel the data lies in the package, in a checkout beside it.
    inside = package / "data" / "mainline"
    return inside if inside.is_dir() else package.parent / "data" / "mainline"


def has_dataset(folder: Path) -> bool:
    """Whether a folder holds a dataset."""
    # A writer that cannot swap folders in one step has the old one aside for a moment.
    return _is_file(folder) or _is_file(standing_in(folder)) or _is_file(folder)


def _is_file(folder: Path) -> bool:
    return os.path.isfile(folder / METADATA)  # noqa: PTH113


def read_dataset(folder: Path) -> Timeline:
    """Read a dataset: one as a whole, also while another process writes it.

    :raises DatasetError: it is missing, damaged or of another format
    """
    try:
        files = read_folder(folder, sorted(FILES - LATER))
    except FileNotFoundError as error:
        raise DatasetError(f"no dataset at {folder}; make one with `scan`") from error
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {folder}: {reason_of(error)}") from error

    # os.path: where a folder may not be searched, pathlib raises.
    related = any(os.path.lexists(folder / name) for name in LATER)

    def later(names: Collection[str]) -> dict[str, File]:
        if not related:
            return {}
        try:
            found = read_folder(folder, sorted((*names, METADATA)))
        except (OSError, ValueError) as error:
            raise DatasetError(f"cannot read {folder}: {reason_of(error)}") from error
        # The rows are those of the dataset that was here before.
        if found.pop(METADATA) != files[METADATA]:
            raise DatasetError(f"{folder} was replaced while it was read; ask again")
        return found

    label = "embedded data: " if folder == embedded_dir() else ""
    return parse_dataset(files, folder, label, later)


def write_dataset(timeline: Timeline, folder: Path) -> None:
    """Write a dataset, all of it or nothing: it takes the place of an older one in one step.

    :raises DatasetError: the folder cannot be written, or holds something else
    """
    # The name of a folder need not be text.
    files = {
        name: text.encode("utf-8", "backslashreplace")
        for name, text in render_dataset(timeline).items()
    }
    try:
        # A link stays a link to the new dataset.
        folder = folder.resolve()
        replace_folder(folder, files, FILES, check_folder)
    except (OSError, ValueError, RuntimeError) as error:
        raise DatasetError(f"cannot write {folder}: {reason_of(error)}") from error


def check_folder(folder: Path) -> None:
    """Raise unless a dataset may be written to a folder: it is missing, empty, or holds one.

    :raises DatasetError: the folder holds something else
    """
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise DatasetError(f"{folder} is a file; give the folder of a dataset")
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise DatasetError(f"cannot write {folder}: {reason_of(error)}") from error
    if names and METADATA not in names:
        raise DatasetError(f"{folder} is no dataset and not empty; give another folder")
    if names and TIMELINE not in names:
        # Other programs call a file metadata.json, too.
        try:
            parse_metadata(read_folder(folder, [METADATA])[METADATA], folder)
        except (DatasetError, OSError) as error:
            raise DatasetError(
                f"{folder} is no dataset, its {METADATA} is of another kind; give another folder"
            ) from error


def reason_of(error: Exception) -> str:
    """Return what an error says, in one line."""
    text = error.strerror if isinstance(error, OSError) else None
    return text or " ".join(str(error).split())[:200] or type(error).__name__
