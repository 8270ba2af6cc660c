"""Folders that are replaced at once: readers see the old files or the new ones, never both.

The new folder is made in a work folder beside the old one, ``.NAME.scan``, and changes places with
it in one step (``renameat2`` with ``RENAME_EXCHANGE``). Where the file system cannot do that, the
old folder is first renamed to ``.NAME.scan/old``, where readers look, too. Whoever writes holds a
lock in the work folder; what a killed writer left there is cleaned by the next one.
"""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["File", "read_folder", "replace_folder", "standing_in"]

#: Content of a file, or why it cannot be read.
File = bytes | OSError

_LOCK = "lock"
_OLD = "old"
#: How often a reader begins again when the folder was replaced under its hands.
_READS = 1000
#: How long a writer waits for another one, in steps of 50 ms: they only write some files.
_WAITS = 600
#: Larger files are no part of a dataset.
_MAX_FILE = 1 << 30
_RENAME_EXCHANGE, _AT_FDCWD = 2, -100


def _work(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.scan"


def standing_in(folder: Path) -> Path:
    """Return where the old folder is while a new one takes its place, step by step."""
    with suppress(OSError, RuntimeError, ValueError):
        folder = folder.resolve()
    return _work(folder) / _OLD


# -- reading


def read_folder(folder: Path, names: Sequence[str]) -> dict[str, File]:
    """Return the files of a folder, all as they were at one moment.

    :raises OSError: there is no such folder, or it may not be opened
    """
    for _ in range(_READS):
        try:
            found, settled = _read_once(folder, folder, names)
        except FileNotFoundError:
            try:
                found, settled = _read_once(standing_in(folder), folder, names)
            except FileNotFoundError:
                # Between the two looks, the new folder may have come.
                found, settled = _read_once(folder, folder, names)
        if settled:
            return found
    raise OSError(f"it was replaced {_READS} times while it was read")


def _read_once(place: Path, folder: Path, names: Sequence[str]) -> tuple[dict[str, File], bool]:
    """Return the files of a place, and whether that is the answer.

    A folder that was opened stays the same one, wherever it is renamed to; only while it is
    deleted, files are missing from it.
    """
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = {name: _read_file(handle, name) for name in names}
        missing = any(isinstance(item, FileNotFoundError) for item in found.values())
        here = _is(folder, handle) or (_is(place, handle) and not folder.exists())
        return found, not missing or here
    finally:
        os.close(handle)


def _read_file(folder: int, name: str) -> File:
    try:
        # A FIFO without a writer would keep a reader for ever.
        handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        with open(handle, "rb") as file:  # noqa: PTH123
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                return OSError(0, "not a regular file")
            if status.st_size > _MAX_FILE:
                return OSError(0, f"larger than {_MAX_FILE} bytes")
            return file.read()
    except OSError as error:
        return error


def _is(path: Path, handle: int) -> bool:
    """Whether a path leads to an open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except OSError:
        return False


# -- writing


def replace_folder(
    folder: Path,
    files: Mapping[str, bytes],
    owned: frozenset[str],
    check: Callable[[Path], object],
) -> None:
    """Put files in the place of those of a folder, all of them at once.

    What else the folder holds (``.git``, a note of the user) moves along; it also comes back from
    where a killed writer left it.

    :param owned: all names that files may have; the ones not given are no longer there
    :param check: raises unless the folder may be replaced; called while nobody else writes
    :raises OSError: it cannot be written, and is as it was
    """
    # Not for a look-up to pay for.
    import shutil
    import tempfile

    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(_work(folder)) as work:
        old = work / _OLD
        if old.exists():
            # A killed writer got half-way: before the new folder was in its place, or after.
            old.rename(tempfile.mkdtemp(prefix="left.", dir=work) if folder.exists() else folder)
        check(folder)
        new = Path(tempfile.mkdtemp(prefix="new.", dir=work))
        try:
            for name, data in files.items():
                (new / name).write_bytes(data)
            new.chmod(_mode(folder))
            former = _put(new, folder, old)
        except BaseException:
            # Interrupted at the wrong moment, it is the old folder already.
            if owned.issuperset(path.name for path in new.iterdir()):
                shutil.rmtree(new, ignore_errors=True)
            raise
        # What lay in the folder until now has its names before what lies in leftovers.
        for left in sorted(_folders(work), key=lambda path: path != former):
            _rescue(left, folder, owned)
            shutil.rmtree(left, ignore_errors=True)


def _folders(work: Path) -> list[Path]:
    return [path for path in work.iterdir() if path.name != _LOCK]


def _mode(folder: Path) -> int:
    if folder.exists():
        return stat.S_IMODE(folder.stat().st_mode)
    # mkdtemp is private to the user; a dataset is as open as any folder.
    umask = os.umask(0)
    os.umask(umask)
    return 0o777 & ~umask


def _put(new: Path, folder: Path, old: Path) -> Path | None:
    """Put a folder in its place; return where what was there is now, None for nothing."""
    if not folder.exists():
        new.rename(folder)
        return None
    if _exchange(new, folder):
        return new
    folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    return old


def _exchange(one: Path, two: Path) -> bool:
    """Let two folders change places in one step; False where that cannot be done."""
    import ctypes

    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    call.restype = ctypes.c_int
    names = os.fsencode(one), os.fsencode(two)
    return bool(call(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)


def _rescue(left: Path, folder: Path, owned: frozenset[str]) -> None:
    """Move what is not ours to the new folder; nothing there is overwritten."""
    if not left.is_dir() or left.is_symlink():
        return
    for entry in left.iterdir():
        if entry.name in owned:
            continue
        target, count = folder / entry.name, 0
        while os.path.lexists(target):
            count += 1
            target = folder / f"{entry.name}.{count}"
        entry.rename(target)


@contextmanager
def _locked(work: Path) -> Iterator[Path]:
    """Hold a work folder: nobody else writes, and what lies in it is of the dead."""
    handle = _lock(work)
    try:
        yield work
    finally:
        # Under the lock: a writer that waits for it sees that it is gone, and makes its own.
        try:
            if not _folders(work):
                (work / _LOCK).unlink(missing_ok=True)
                work.rmdir()
        except OSError:
            pass
        os.close(handle)


def _lock(work: Path) -> int:
    import fcntl
    import time

    for _ in range(_WAITS):
        # Readers find the old folder in it.
        with suppress(FileExistsError):
            work.mkdir(mode=0o711)
        try:
            status = work.lstat()
        except FileNotFoundError:
            # Another writer was done with it just now.
            continue
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise OSError(0, f"{work} is another user's, or no folder; remove it")
        try:
            handle = os.open(
                work / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is(work / _LOCK, handle):
                return handle
        except BlockingIOError:
            time.sleep(0.05)
        except OSError:
            os.close(handle)
            raise
        os.close(handle)
    raise OSError(0, "another scan is writing to it")
