"""Which dataset is meant: by a name, by a choice, or as the default."""

import os
from contextlib import suppress
from pathlib import Path

from helperhist.dataset.files import LATER
from helperhist.dataset.folders import (
    check_folder,
    embedded_dir,
    has_dataset,
    read_dataset,
    reason_of,
    write_dataset,
)
from helperhist.dataset.metadata import FORMAT, METADATA, parse_metadata
from helperhist.dataset.swap import read_folder
from helperhist.errors import DatasetError, InvalidVersion
from helperhist.timeline import SENTINEL, Metadata, Timeline, plural
from helperhist.version import KernelVersion

__all__ = [
    "FORMAT",
    "check_folder",
    "choose",
    "chosen_folder",
    "data_home",
    "default_folder",
    "default_source",
    "embedded_dir",
    "has_dataset",
    "is_plain_name",
    "load",
    "read_dataset",
    "remember_scan",
    "shortfall",
    "write_dataset",
]

_LAST = "last-kernel-scan"
#: Holds what `helperhist data use` chose: a folder, or "embedded".
_CHOSEN = "chosen-dataset"


def data_home() -> Path:
    """Return the user's folder for datasets (``$XDG_DATA_HOME/helperhist`` on Linux)."""
    try:
        from platformdirs import user_data_path
    except ModuleNotFoundError:
        # An installation without dependencies: what it says on Linux.
        home = os.environ.get("XDG_DATA_HOME", "").strip()
        return (Path(home) if home else Path.home() / ".local" / "share") / "helperhist"
    return user_data_path("helperhist", appauthor=False)


def load(data: str | Path | None = None) -> Timeline:
    """Load a timeline.

    :param data: a dataset's folder, or the name of one in the user's data folder. Without it:
        what the environment variable ``HELPERHIST_DATA`` names, else what :func:`choose` set, else
        the last scan of a kernel history that covers what the embedded dataset covers, else that
        one. ``embedded`` always means that one.
    :raises DatasetError: there is no such dataset, or it cannot be read
    """
    chosen = data if data is not None else os.environ.get("HELPERHIST_DATA") or None
    if chosen is not None:
        return read_dataset(_resolve(chosen))
    return read_dataset(default_folder())


def default_folder() -> Path:
    """Return the folder of the dataset that is read where none is named.

    :raises DatasetError: it was chosen, and is gone; or it cannot be read
    """
    chosen = chosen_folder()
    if chosen is None:
        return _default() or embedded_dir()
    if not has_dataset(chosen):
        raise DatasetError(
            f"the dataset that was chosen is gone: {chosen}; choose another with `helperhist data "
            "use NAME`, or none with `helperhist data use default`"
        )
    return chosen


def chosen_folder() -> Path | None:
    """Return the folder of the dataset that the user chose as the default, None if none was."""
    folder = _remembered(_CHOSEN)
    return embedded_dir() if folder == Path("embedded") else folder


def choose(data: str) -> Path | None:
    """Make a dataset the default, whatever it covers.

    :param data: a folder, a name, ``embedded``, or ``default``: what there is without a choice
    :return: its folder; None for ``default``
    :raises DatasetError: there is no such dataset, or it cannot be read
    :raises OSError: the user's data folder cannot be made
    :raises FileError: nothing can be written to it
    """
    from helperhist.atomic import write_atomic

    home = data_home()
    if data == "default":
        with suppress(FileNotFoundError):
            (home / _CHOSEN).unlink()
        return None
    folder = _resolve(data)
    read_dataset(folder)
    home.mkdir(parents=True, exist_ok=True)
    name = "embedded" if folder == embedded_dir() else str(folder.resolve())
    write_atomic(home / _CHOSEN, os.fsencode(f"{name}\n"))
    return folder


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


def is_plain_name(name: str) -> bool:
    """Whether a text can be the name of a dataset: one component of a path, not hidden."""
    plain = bool(name) and name[0] != "." and not any(char in name for char in "/\\\0")
    return plain and name not in ("embedded", "default", _LAST, _CHOSEN)


def _remembered(name: str) -> Path | None:
    """Return the folder that a file in the user's data folder holds, None if it holds none."""
    try:
        # The name of a folder need not be text.
        folder = Path(os.fsdecode((data_home() / name).read_bytes().removesuffix(b"\n")))
    except OSError:
        return None
    return folder if folder.is_absolute() or str(folder) == "embedded" else None


def _last_scan() -> Path | None:
    folder = _remembered(_LAST)
    try:
        return folder if folder is not None and has_dataset(folder) else None
    except OSError:
        return None


def _default() -> Path | None:
    """Return the scan that is the default, None where that is the embedded dataset."""
    folder = _last_scan()
    if folder is None:
        return None
    found, embedded = (_metadata(item) for item in (folder, embedded_dir()))
    # A newer helperhist has newer data, and anybody may have written to the folder since.
    return folder if _is_as_new(found, embedded) and _has_all_files(folder) else None


def _metadata(folder: Path) -> Metadata:
    try:
        return parse_metadata(read_folder(folder, [METADATA])[METADATA], folder)
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {folder}: {reason_of(error)}") from error


def _is_as_new(found: Metadata, embedded: Metadata) -> bool:
    try:
        versions = [KernelVersion.parse(item.newest or "") for item in (found, embedded)]
    except InvalidVersion:
        return False
    return found.kernel and found.paths == embedded.paths and versions[0] >= versions[1]


def _has_all_files(folder: Path) -> bool:
    """Whether a dataset has every part that the embedded one has, but documentation."""
    # os.path: where a folder may not be searched, pathlib raises.
    return all(
        os.path.lexists(folder / name) for name in LATER if os.path.lexists(embedded_dir() / name)
    )


def default_source() -> str:
    """Name the default dataset in a few words: a folder, or the embedded data."""
    folder = default_folder()
    if folder == embedded_dir():
        return f"the embedded data ({read_dataset(folder).metadata.source})"
    return str(folder)


def shortfall(timeline: Timeline) -> str | None:
    """Return what keeps a scan from being the default, None if nothing does.

    It has to have the kernel's own header, every release that the embedded dataset has, every
    name that a release has there, and what else is known of each release: a project that carries
    the header and takes the kernel's numbers for its tags has older ones.
    """
    embedded = read_dataset(embedded_dir())
    if timeline.metadata.paths != embedded.metadata.paths:
        return "it was read with --path"
    if not timeline.metadata.kernel:
        return "its tags are not the kernel's"
    own = {tag.version: tag for tag in timeline.releases}
    missing = [tag.version for tag in embedded.releases if tag.version not in own]
    if missing:
        more = f" and {len(missing) - 1} more releases" if missing[1:] else ""
        return f"it lacks {missing[-1]}{more}"
    for tag in embedded.releases:
        has = timeline.present(own[tag.version])
        for name, item in embedded.present(tag).items():
            if item.kind != SENTINEL and name not in has:
                return f"its {tag.version} lacks {name}"
    for kind in embedded.relations.kinds:
        known, own_read = (data.relations.read(kind) for data in (embedded, timeline))
        if lacks := [release for release in known if release not in own_read]:
            return f"it does not say what {plural(kind)} its {lacks[-1]} has"
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
    if reason is None and (chosen := chosen_folder()) not in (None, folder.resolve()):
        name = "embedded" if chosen == embedded_dir() else chosen
        return f"`helperhist data use` chose {name}"
    if reason is None:
        home.mkdir(parents=True, exist_ok=True)
        write_atomic(home / _LAST, os.fsencode(f"{folder.resolve()}\n"))
    elif _last_scan() == folder.resolve():
        (home / _LAST).unlink(missing_ok=True)
    return reason
