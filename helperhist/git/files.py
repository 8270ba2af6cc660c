"""What libgit2 does not tell of a repository on disk: loose objects, damaged tags, the cut.

All of it is foreign: a file may be a pipe that nobody writes to, or of any size.
"""

import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

from helperhist.errors import RepositoryError
from helperhist.printable import one_line

__all__ = [
    "MAX_OBJECT_BYTES",
    "ObjectTooLarge",
    "check_loose",
    "common_dir",
    "damaged_tags",
    "is_regular",
    "loose_objects",
    "object_folders",
    "read_regular",
    "shallow_commits",
]

#: No commit, tag, folder or header of a kernel comes near it.
MAX_OBJECT_BYTES = 8 << 20

#: Of a file beside the objects: packed-refs of a million references has less.
_MAX_FILE = 64 << 20
_MAX_ALTERNATES = 1000
_REFERENCE = re.compile(rb"[0-9a-fA-F]{40}(\s|$)|ref:\s*\S")
_REST_OF_ID = re.compile(r"[0-9a-f]{38}")
_LOOSE = re.compile(rb"(?:blob|tree|commit|tag) ([0-9]{1,20})\0")
_CHUNK = 1 << 20


class ObjectTooLarge(RepositoryError):
    """An object that has more bytes than any that is asked for; it was not read.

    :ivar size: its bytes
    """

    def __init__(self, what: str, size: int) -> None:
        super().__init__(f"{what} has {size} bytes, more than {MAX_OBJECT_BYTES}: it is not read")
        self.size = size


def is_regular(path: Path) -> bool:
    """Whether a file is one that can be read to its end; False where there is none.

    :raises RepositoryError: it is a pipe, socket, device or folder, is a loop of symbolic links,
        or larger than any of a repository
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RepositoryError(f"cannot read {one_line(str(path))}: {reason}") from error
    if not stat.S_ISREG(found.st_mode):
        raise RepositoryError(f"{one_line(str(path))} is not a regular file; give an intact clone")
    if found.st_size > _MAX_FILE:
        raise RepositoryError(
            f"{one_line(str(path))} has {found.st_size} bytes, more than {_MAX_FILE}; "
            "give an intact clone"
        )
    return True


def read_regular(path: Path) -> bytes | None:
    """Return the content of a file of a repository; None where there is none.

    :raises RepositoryError: it is not a regular file, or cannot be read
    """
    if not is_regular(path):
        return None
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE)
    except OSError as error:
        raise RepositoryError(f"cannot read {one_line(str(path))}: {error.strerror}") from error


def common_dir(git_dir: Path) -> Path:
    """Return where a linked worktree, which keeps its own HEAD, has all else.

    :raises RepositoryError: the file that says so is none
    """
    data = read_regular(git_dir / "commondir")
    return git_dir / _path(data.strip(), git_dir / "commondir") if data is not None else git_dir


def _path(data: bytes, source: Path) -> str:
    if b"\0" in data:
        raise RepositoryError(f"{one_line(str(source))} is damaged: it holds a NUL byte")
    return os.fsdecode(data)


def shallow_commits(git_dir: Path) -> frozenset[str]:
    """Read the commits at which a shallow clone is cut off."""
    data = read_regular(common_dir(git_dir) / "shallow") or b""
    return frozenset(data.decode("ascii", "replace").split())


def object_folders(git_dir: Path) -> Iterator[Path]:
    """Yield the folders of objects: the repository's own, and its alternates.

    :raises RepositoryError: a list of alternates cannot be read
    """
    waiting = [common_dir(git_dir) / "objects"]
    seen: set[str] = set()
    while waiting:
        folder = waiting.pop()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        if len(seen) > _MAX_ALTERNATES:
            raise RepositoryError(f"{one_line(str(git_dir))} has too many alternates")
        yield folder
        source = folder / "info" / "alternates"
        lines = (read_regular(source) or b"").splitlines()
        waiting += [folder / _path(line, source) for line in lines if line and line[:1] != b"#"]


def loose_objects(git_dir: Path) -> dict[str, Path]:
    """Return the objects that have a file of their own, those of alternates among them."""
    found: dict[str, Path] = {}
    for folder in object_folders(git_dir):
        for first in range(256):
            try:
                files = list((folder / f"{first:02x}").iterdir())
            except OSError:
                continue
            for file in files:
                if _REST_OF_ID.fullmatch(file.name):
                    found.setdefault(f"{first:02x}{file.name}", file)
    return found


def check_loose(file: Path, oid: str) -> None:
    """Raise ValueError if the file of a loose object is damaged.

    libgit2 1.9 does not come back from one that is cut off, and takes the first part of one that
    is too short for its own size.

    :raises ObjectTooLarge: its first bytes say so; no more of it is read
    """
    stream, digest = zlib.decompressobj(), hashlib.sha1(usedforsecurity=False)
    try:
        if not is_regular(file):
            # Packed meanwhile.
            return
        with file.open("rb") as content:
            chunk = content.read(_CHUNK)
            start = stream.decompress(chunk, 32)
            size = _LOOSE.match(start)
            if size is None:
                raise ValueError("it does not begin as an object")
            left = int(size[1]) + size.end() - len(start)
            if int(size[1]) > MAX_OBJECT_BYTES:
                raise ObjectTooLarge(f"object {oid[:12]}", int(size[1]))
            digest.update(start)
            chunk = stream.unconsumed_tail
            while not stream.eof and left >= 0:
                part = stream.decompress(chunk, _CHUNK)
                digest.update(part)
                left -= len(part)
                chunk = stream.unconsumed_tail
                if not chunk and not (chunk := content.read(_CHUNK)) and not part:
                    break
    except FileNotFoundError:
        return
    except (OSError, zlib.error) as error:
        raise ValueError(str(error)) from error
    if not stream.eof:
        # Also where only zlib's checksum is lacking: libgit2 would wait for it.
        raise ValueError("it is cut off")
    if left or digest.hexdigest() != oid:
        raise ValueError("the content has another id")


def damaged_tags(folder: Path) -> int:
    """Count the files of references that hold neither an object id nor another reference."""
    damaged = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            if not name.endswith(".lock"):
                text = read_regular(Path(parent) / name) or b""
                damaged += _REFERENCE.match(text[:1000]) is None
    return damaged
