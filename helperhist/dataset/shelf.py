"""The datasets that a user has: list, verify, remove."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helperhist.dataset.files import FILES
from helperhist.dataset.store import (
    choose,
    chosen_folder,
    data_home,
    default_folder,
    embedded_dir,
    has_dataset,
    is_plain_name,
    read_dataset,
    shortfall,
)
from helperhist.errors import DatasetError
from helperhist.timeline import Timeline

__all__ = ["Shelved", "covers", "data_line", "datasets", "remove", "verify"]


@dataclass(frozen=True, slots=True)
class Shelved:
    """One dataset.

    :ivar name: for ``--data``
    :ivar first: its first release and its newest tag, as versions; None where it has none
    :ivar date: of the history it is made of (ISO 8601): of its HEAD, else of its newest tag
    :ivar size: of its files, in bytes
    :ivar default: whether it is read where none is named
    :ivar error: why it cannot be read; nothing else is known then
    """

    name: str
    folder: Path
    source: str = ""
    first: str | None = None
    newest: str | None = None
    tags: int = 0
    date: str | None = None
    kernel: bool = False
    size: int = 0
    default: bool = False
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON object."""
        return {
            "name": self.name,
            "folder": str(self.folder),
            "source": self.source,
            "first": self.first,
            "newest": self.newest,
            "tags": self.tags,
            "date": self.date,
            "kernel": self.kernel,
            "size": self.size,
            "default": self.default,
            "error": self.error,
        }


def datasets() -> tuple[Shelved, ...]:
    """Return the embedded dataset, those in the user's data folder, and the default elsewhere."""
    found = {embedded_dir(): "embedded"}
    home = data_home()
    try:
        names = sorted(path.name for path in home.iterdir())
    except OSError:
        names = []
    found.update({home / name: name for name in names if is_plain_name(name)})
    default = _default_or_none()
    for folder in (default, chosen_folder()):
        if folder is not None and folder not in found:
            found[folder] = str(folder)
    return tuple(
        _shelved(name, folder, folder == default)
        for folder, name in found.items()
        if has_dataset(folder)
    )


def _default_or_none() -> Path | None:
    try:
        return default_folder()
    except DatasetError:
        return None


def _shelved(name: str, folder: Path, default: bool) -> Shelved:
    size = sum(_size(folder / file) for file in FILES)
    try:
        timeline = read_dataset(folder)
        tags, releases = timeline.tags, timeline.releases
    except DatasetError as error:
        return Shelved(name, folder, size=size, default=default, error=str(error))
    return Shelved(
        name,
        folder,
        timeline.metadata.source,
        str((releases or tags)[0].version) if tags else None,
        str(tags[-1].version) if tags else None,
        len(tags),
        _date(timeline),
        timeline.metadata.kernel,
        size,
        default,
    )


def _date(timeline: Timeline) -> str | None:
    dates = [timeline.metadata.time[:10]] if timeline.metadata.time else []
    return max((tag.date for tag in timeline.tags if tag.date), default=None) or next(
        iter(dates), None
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def data_line(timeline: Timeline) -> str:
    """Name a dataset in a few words: ``mainline 3.18 to 7.3, 2026-11``."""
    releases = timeline.releases or timeline.tags
    what = "mainline" if timeline.metadata.kernel else timeline.metadata.source
    span = f" {releases[0].version} to {releases[-1].version}" if releases else " without a tag"
    date = _date(timeline)
    return f"{what}{span}" + (f", {date[:7]}" if date else "")


def verify(name: str, folder: Path) -> tuple[str, ...]:
    """Read all of a dataset, and return what is wrong with it; nothing if it is whole."""
    try:
        timeline = read_dataset(folder)
        # Each is checked when it is read: spans and events name only tags that are there.
        _ = timeline.spans, timeline.events, timeline.docs, timeline.relations
        count = len(timeline.tags)
    except DatasetError as error:
        return (str(error),)
    if count != timeline.metadata.tags:
        return (f"{name}: its metadata counts {timeline.metadata.tags} tags, and it has {count}",)
    return ()


def covers(folder: Path) -> str | None:
    """Return what a dataset lacks to be the default by itself; None if nothing."""
    return shortfall(read_dataset(folder))


def remove(name: str) -> Path:
    """Remove a dataset of the user's data folder; if it was the default, it is not any more.

    :raises DatasetError: there is none of that name, or its folder holds more than a dataset
    """
    folder = data_home() / name
    if not is_plain_name(name) or not has_dataset(folder):
        raise DatasetError(
            f"no dataset {name[:200]!r} in {data_home()}; see `helperhist data`"
            if name != "embedded"
            else "the embedded data come with helperhist, and stay"
        )
    try:
        if others := sorted({path.name for path in folder.iterdir()} - FILES):
            raise DatasetError(
                f"{folder} holds more than a dataset ({others[0]}); remove it yourself"
            )
        was_chosen = chosen_folder() == folder.resolve()
        if folder.is_symlink():
            folder.unlink()
        else:
            import shutil  # it brings all compressors

            shutil.rmtree(folder)
    except OSError as error:
        raise DatasetError(f"cannot remove {folder}: {error.strerror}") from error
    if was_chosen:
        choose("default")
    return folder
