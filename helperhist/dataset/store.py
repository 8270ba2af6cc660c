"""Datasets on disk: locate, read, write, and which one is the default."""

import os
from collections.abc import Collection
from pathlib import Path

from helperhist.dataset.files import FILES, LATER, parse_dataset, render_dataset
from helperhist.dataset.metadata import FORMAT, METADATA, parse_metadata
from helperhist.dataset.names import TIMELINE
from helperhist.dataset.swap import File, read_folder, replace_folder, standing_in
from helperhist.errors import DatasetError, InvalidVersion
from helperhist.timeline import Metadata, Timeline
from helperhist.version import KernelVersion

__all__ = ["FORMAT", "embedded_dir", "load", "read_dataset", "write_dataset"]

_LAST = "last-kernel-scan"


def embedded_dir() -> Path:
    """Return the folder of the dataset that comes with helperhist."""
    package = Path(__file__).parents[1]
    # In a wheel the data lies in the package, in a checkout beside it.
    inside = package / "data" / "mainline"
    return inside if inside.is_dir() else package.parent / "data" / "mainline"


def data_home() -> Path:
    """Return the user's folder for datasets (``$XDG_DATA_HOME/helperhist`` on Linux)."""
    from platformdirs import user_data_path

    return user_data_path("helperhist", appauthor=False)


def load(data: str | Path | None = None) -> Timeline:
    """Load a timeline.

    :param data: a dataset's folder, or the name of one in the user's data folder. Without it:
        what the environment variable ``HELPERHIST_DATA`` names, else the last scan of a kernel
        history that covers what the embedded dataset covers, else that one. ``embedded`` always
        means that one.
    :raises DatasetError: there is no such dataset, or it cannot be read
    """
    chosen = data if data is not None else os.environ.get("HELPERHIST_DATA") or None
    if chosen is not None:
        return read_dataset(_resolve(chosen))
    return _default() or read_dataset(embedded_dir())


def _resolve(data: str | Path) -> Path:
    if str(data) == "embedded":
        return embedded_dir()
    folder = Path(data)
    if has_dataset(folder):
        return folder
    if isinstance(data, str) and is_plain_name(data):
        named = data_home() / data
        if has_dataset(named):
            return named
    # os.path: where a folder may not be searched, or a name is too long, pathlib raises.
    if os.path.isdir(folder):  # noqa: PTH112
        raise DatasetError(f"{folder} holds no dataset (no {METADATA}); make one with `scan`")
    raise DatasetError(
        f"no dataset {str(data)[:200]!r}, neither a folder nor a name in {data_home()}; "
        "make one with `helperhist scan`"
    )


def has_dataset(folder: Path) -> bool:
    """Whether a folder holds a dataset."""
    # A writer that cannot swap folders in one step has the old one aside for a moment.
    return _is_file(folder) or _is_file(standing_in(folder)) or _is_file(folder)


def _is_file(folder: Path) -> bool:
    return os.path.isfile(folder / METADATA)  # noqa: PTH113


def is_plain_name(name: str) -> bool:
    """Whether a text can be the name of a dataset: one component of a path, not hidden."""
    plain = bool(name) and name[0] != "." and not any(char in name for char in "/\\\0")
    return plain and name not in ("embedded", _LAST)


def _last_scan() -> Path | None:
    try:
        # The name of a folder need not be text.
        folder = Path(os.fsdecode((data_home() / _LAST).read_bytes().removesuffix(b"\n")))
        return folder if folder.is_absolute() and has_dataset(folder) else None
    except OSError:
        return None


def _default() -> Timeline | None:
    """Return the scan that is the default, None where that is the embedded dataset."""
    folder = _last_scan()
    if folder is None:
        return None
    found = read_dataset(folder)
    embedded = parse_metadata(read_folder(embedded_dir(), [METADATA])[METADATA], embedded_dir())
    # A newer helperhist has newer data, and anybody may have written to the folder since.
    return found if _is_as_new(found.metadata, embedded) else None


def _is_as_new(found: Metadata, embedded: Metadata) -> bool:
    try:
        versions = [KernelVersion.parse(item.newest or "") for item in (found, embedded)]
    except InvalidVersion:
        return False
    return found.kernel and found.paths == embedded.paths and versions[0] >= versions[1]


def default_source() -> str:
    """Name the default dataset in a few words: a folder, or the embedded data."""
    folder = _last_scan()
    if folder is None or _default() is None:
        return f"the embedded data ({read_dataset(embedded_dir()).metadata.source})"
    return str(folder)


def shortfall(timeline: Timeline) -> str | None:
    """Return what keeps a scan from being the default, None if nothing does.

    It has to have the kernel's own header, every release that the embedded dataset has, and every
    helper that a release has there: a project that carries the header and takes the kernel's
    numbers for its tags has older ones.
    """
    embedded = read_dataset(embedded_dir())
    if not timeline.metadata.kernel:
        return "its tags are not named as the kernel's"
    if timeline.metadata.paths != embedded.metadata.paths:
        return "it was read with --path"
    own = {tag.version: tag for tag in timeline.releases}
    missing = [tag.version for tag in embedded.releases if tag.version not in own]
    if missing:
        more = f" and {len(missing) - 1} more releases" if missing[1:] else ""
        return f"it lacks {missing[-1]}{more}"
    for tag in embedded.releases:
        has = timeline.present(own[tag.version])
        for name, item in embedded.present(tag).items():
            if item.kind == "helper" and name not in has:
                return f"its {tag.version} lacks {name}"
    return None


def remember_scan(folder: Path, timeline: Timeline) -> str | None:
    """Make a scan the default of later questions, if it covers what the embedded dataset covers.

    :return: what keeps it from that; it is not the default then, even if it was
    :raises OSError: the user's data folder cannot be made
    :raises FileError: nothing can be written to it
    """
    from helperhist.atomic import write_atomic

    home = data_home()
    reason = shortfall(timeline)
    if reason is None:
        home.mkdir(parents=True, exist_ok=True)
        write_atomic(home / _LAST, os.fsencode(f"{folder.resolve()}\n"))
    elif _last_scan() == folder.resolve():
        (home / _LAST).unlink(missing_ok=True)
    return reason


def read_dataset(folder: Path) -> Timeline:
    """Read a dataset: one as a whole, also while another process writes it.

    :raises DatasetError: it is missing, damaged or of another format
    """
    try:
        files = read_folder(folder, sorted(FILES - LATER))
    except FileNotFoundError as error:
        raise DatasetError(f"no dataset at {folder}; make one with `scan`") from error
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {folder}: {_reason(error)}") from error

    # os.path: where a folder may not be searched, pathlib raises.
    related = any(os.path.lexists(folder / name) for name in LATER)

    def later(names: Collection[str]) -> dict[str, File]:
        if not related:
            return {}
        try:
            found = read_folder(folder, sorted((*names, METADATA)))
        except (OSError, ValueError) as error:
            raise DatasetError(f"cannot read {folder}: {_reason(error)}") from error
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
        raise DatasetError(f"cannot write {folder}: {_reason(error)}") from error


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
        raise DatasetError(f"cannot write {folder}: {_reason(error)}") from error
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


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return text or " ".join(str(error).split())[:200] or type(error).__name__
