"""Datasets on disk: a folder of CSV files and one ``metadata.json``; read, write, locate.

=================  ===============================================================================
``timeline.csv``   one row per name: :class:`helperhist.timeline.Row`
``tags.csv``       the tags read, oldest version first: :class:`helperhist.timeline.Tag`
``spans.csv``      the runs of tags that have a name: :class:`helperhist.timeline.Span`
``events.csv``     renames, renumberings, removals: :class:`helperhist.timeline.Event`
``docs.csv``       documentation of the helpers: :class:`helperhist.timeline.Doc`
``metadata.json``  :class:`helperhist.timeline.Metadata`
=================  ===============================================================================

Empty cells are None; lists are separated by spaces; ``backports`` are ``series:since``.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from helperhist.errors import DatasetError, InvalidVersion
from helperhist.timeline import Backport, Doc, Event, Metadata, Row, Span, Tag, Timeline
from helperhist.version import KernelVersion

__all__ = ["FORMAT", "embedded_dir", "load", "read_dataset", "write_dataset"]

#: Format of the datasets that this version reads and writes.
FORMAT = 1

TIMELINE = "timeline.csv"
_COLUMNS: dict[str, tuple[str, ...]] = {
    TIMELINE: (
        "kind", "name", "id", "since", "tag", "first_tag", "released", "removed", "or_earlier",
        "commit", "author_date", "commit_date", "subject", "former_names", "backports",
        "prototype", "attributes",
    ),
    "tags.csv": ("tag", "version", "target", "commit", "date", "path", "blob"),
    "spans.csv": ("series", "kind", "name", "id", "first", "last"),
    "events.csv": ("event", "kind", "name", "tag", "before", "after"),
    "docs.csv": ("name", "tag", "description", "returns"),
}  # fmt: skip
_METADATA = "metadata.json"
_FILES = frozenset((*_COLUMNS, _METADATA))
_LAST = "last-kernel-scan"
# The documentation of one helper is one cell, and a header has up to 8 MB.
csv.field_size_limit(16 << 20)


def embedded_dir() -> Path:
    """Return the folder of the dataset that comes with helperhist."""
    package = Path(__file__).parent
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
        history, else the embedded dataset. ``embedded`` always means that one.
    :raises DatasetError: there is no such dataset, or it cannot be read
    """
    chosen = data if data is not None else os.environ.get("HELPERHIST_DATA") or None
    if chosen is not None:
        return read_dataset(_resolve(chosen))
    last = _last_scan()
    return read_dataset(last if last is not None else embedded_dir())


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
        raise DatasetError(f"{folder} holds no dataset (no {_METADATA}); make one with `scan`")
    raise DatasetError(
        f"no dataset {str(data)[:200]!r}, neither a folder nor a name in {data_home()}; "
        "make one with `helperhist scan`"
    )


def has_dataset(folder: Path) -> bool:
    """Whether a folder holds a dataset."""
    return os.path.isfile(folder / _METADATA)  # noqa: PTH113


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


def remember_scan(folder: Path) -> None:
    """Make a dataset the default of later questions.

    :raises OSError: the user's data folder cannot be made
    :raises FileError: nothing can be written to it
    """
    from helperhist.files import write_atomic

    home = data_home()
    home.mkdir(parents=True, exist_ok=True)
    write_atomic(home / _LAST, os.fsencode(f"{folder.resolve()}\n"))


def read_dataset(folder: Path) -> Timeline:
    """Read a dataset.

    :raises DatasetError: it is missing, damaged or of another format
    """
    metadata = _read_metadata(folder / _METADATA)
    label = metadata.source if folder != embedded_dir() else f"embedded data: {metadata.source}"
    if not metadata.kernel:
        # libbpf's 1.7 is no release of the kernel.
        label += " (its versions are not known to be the kernel's)"
    return Timeline(
        metadata,
        _read_rows(folder),
        lambda: _read_tags(folder),
        lambda: _read_spans(folder),
        lambda: (Event(*cells) for cells in _read(folder, "events.csv")),
        lambda: (Doc(*cells) for cells in _read(folder, "docs.csv", optional=True)),
        label,
    )


def _read_metadata(path: Path) -> Metadata:
    try:
        raw: dict[str, Any] = json.loads(path.read_text("utf-8"))
        found = raw["format"]
        _require(isinstance(raw["source"], str), "its source is no text")
        if found != FORMAT:
            raise DatasetError(
                f"{path} has format {found}, this helperhist reads {FORMAT}; scan again"
            )
        for key in ("paths", "notes", "shallow"):
            raw[key] = tuple(raw[key])
        raw["skipped"] = tuple(sorted(raw["skipped"].items()))
        return Metadata(**raw)
    except FileNotFoundError as error:
        raise DatasetError(f"no dataset at {path.parent}; make one with `scan`") from error
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DatasetError(f"{path} is damaged ({_reason(error)}); scan again") from error


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ValueError(what)


def _read(folder: Path, name: str, optional: bool = False) -> Iterator[list[str]]:
    path, columns = folder / name, _COLUMNS[name]
    if optional and not path.exists():
        return
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if tuple(header) != columns:
                raise DatasetError(f"{path} has other columns than expected; scan again")
            width = len(columns)
            for cells in reader:
                if len(cells) != width:
                    raise DatasetError(f"{path}:{reader.line_num} is damaged; scan again")
                yield cells
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}; scan again") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} is damaged ({error}); scan again") from error


def _read_rows(folder: Path) -> Iterator[Row]:
    try:
        for cells in _read(folder, TIMELINE):
            kind, name, number, since, tag, first, released, removed, earlier = cells[:9]
            commit, author_date, commit_date, subject, former, backports = cells[9:15]
            yield Row(
                kind, name, int(number) if number else None, since or None, tag or None,
                first or None, released or None, removed or None, earlier == "yes",
                commit or None, author_date or None, commit_date or None, subject or None,
                tuple(former.split()),
                tuple(Backport(*item.split(":")) for item in backports.split()),
                cells[15] or None, tuple(cells[16].split()),
            )  # fmt: skip
    except (ValueError, TypeError) as error:
        raise DatasetError(f"{folder / TIMELINE} is damaged ({error}); scan again") from error


def _read_tags(folder: Path) -> Iterator[Tag]:
    try:
        for tag, version, target, commit, date, path, blob in _read(folder, "tags.csv"):
            yield Tag(tag, KernelVersion.parse(version), target, commit, date or None, path, blob)
    except InvalidVersion as error:
        raise DatasetError(f"{folder / 'tags.csv'} is damaged ({error}); scan again") from error


def _read_spans(folder: Path) -> Iterator[Span]:
    tags = {tag.name for tag in _read_tags(folder)}
    try:
        for series, kind, name, number, first, last in _read(folder, "spans.csv"):
            known = first in tags and (not last or last in tags)
            _require(known, f"{name[:60]} has a tag that is not in tags.csv")
            yield Span(series, kind, name, int(number) if number else None, first, last or None)
    except ValueError as error:
        raise DatasetError(f"{folder / 'spans.csv'} is damaged ({error}); scan again") from error


def write_dataset(timeline: Timeline, folder: Path) -> None:
    """Write a dataset, all of it or nothing: an older one is replaced at the end.

    :raises DatasetError: the folder cannot be written, or holds something else
    """
    # Not for a look-up to pay for.
    import shutil
    import tempfile

    texts = render_dataset(timeline)
    aside: Path | None = None
    try:
        # A link stays a link to the new dataset.
        folder = folder.resolve()
        check_folder(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        for name, text in texts.items():
            # The name of a folder need not be text.
            (aside / name).write_bytes(text.encode("utf-8", "backslashreplace"))
        # mkdtemp is private to the user; a dataset is as open as any folder.
        umask = os.umask(0)
        os.umask(umask)
        aside.chmod(0o777 & ~umask)
        _swap(aside, folder)
        aside = None
    except (OSError, ValueError, RuntimeError) as error:
        raise DatasetError(f"cannot write {folder}: {_reason(error)}") from error
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)


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
    if names and _METADATA not in names:
        raise DatasetError(f"{folder} is no dataset and not empty; give another folder")
    if names and TIMELINE not in names:
        # Other programs call a file metadata.json, too.
        try:
            _read_metadata(folder / _METADATA)
        except DatasetError as error:
            raise DatasetError(
                f"{folder} is no dataset, its {_METADATA} is of another kind; give another folder"
            ) from error


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return text or " ".join(str(error).split())[:200] or type(error).__name__


def _swap(aside: Path, folder: Path) -> None:
    """Put a finished folder in the place of another.

    What else the other one holds (``.git``, a note of the user) moves into the new one.
    """
    import shutil
    import tempfile

    if not folder.exists():
        aside.rename(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
    backup = old / "dataset"
    try:
        folder.rename(backup)
        aside.rename(folder)
    except BaseException:
        if backup.exists() and not folder.exists():
            backup.rename(folder)
        # Not with what is in it: where it cannot be put back, it must not be lost.
        if not backup.exists():
            old.rmdir()
        raise
    for entry in backup.iterdir():
        if entry.name not in _FILES:
            entry.rename(folder / entry.name)
    shutil.rmtree(old, ignore_errors=True)


def render_dataset(timeline: Timeline) -> dict[str, str]:
    """Return the files of a dataset, name to text; equal timelines give equal texts."""
    files = {
        TIMELINE: _render(TIMELINE, (_row_cells(row) for row in timeline.rows)),
        "tags.csv": _render(
            "tags.csv",
            (
                (t.name, str(t.version), t.target, t.commit, t.date or "", t.path, t.blob)
                for t in timeline.tags
            ),
        ),
        "spans.csv": _render(
            "spans.csv",
            (
                (s.series, s.kind, s.name, _number(s.id), s.first, s.last or "")
                for s in timeline.spans
            ),
        ),
        "events.csv": _render(
            "events.csv",
            ((e.event, e.kind, e.name, e.tag, e.before, e.after) for e in timeline.events),
        ),
    }
    if timeline.docs:
        files["docs.csv"] = _render(
            "docs.csv", ((d.name, d.tag, d.description, d.returns) for d in timeline.docs)
        )
    metadata = asdict(timeline.metadata)
    metadata["skipped"] = dict(timeline.metadata.skipped)
    files[_METADATA] = json.dumps(metadata, indent=2, ensure_ascii=False) + "\n"
    return files


def _row_cells(row: Row) -> Sequence[str]:
    return (
        row.kind, row.name, _number(row.id), row.since or "", row.tag or "", row.first_tag or "",
        row.released or "", row.removed or "", "yes" if row.or_earlier else "", row.commit or "",
        row.author_date or "", row.commit_date or "", row.subject or "",
        " ".join(row.former_names),
        " ".join(f"{item.series}:{item.since}" for item in row.backports),
        row.prototype or "", " ".join(row.attributes),
    )  # fmt: skip


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _render(name: str, rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    # csv quotes a line feed, but not a carriage return, at which it ends a row when it reads.
    careful = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(_COLUMNS[name])
    for row in rows:
        (careful if any("\r" in cell for cell in row) else writer).writerow(row)
    return buffer.getvalue()
