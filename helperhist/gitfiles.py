"""What libgit2 does not tell of a repository on disk: loose objects, damaged tags, the cut."""

import hashlib
import os
import re
import zlib
from pathlib import Path

__all__ = ["check_loose", "common_dir", "damaged_tags", "loose_objects", "shallow_commits"]

_REFERENCE = re.compile(rb"[0-9a-fA-F]{40}(\s|$)|ref:\s*\S")
_REST_OF_ID = re.compile(r"[0-9a-f]{38}")


def common_dir(git_dir: Path) -> Path:
    """Return where a linked worktree, which keeps its own HEAD, has all else."""
    try:
        return git_dir / (git_dir / "commondir").read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return git_dir


def shallow_commits(git_dir: Path) -> frozenset[str]:
    """Read the commits at which a shallow clone is cut off."""
    try:
        return frozenset((common_dir(git_dir) / "shallow").read_text("ascii").split())
    except (OSError, UnicodeDecodeError):
        return frozenset()


def loose_objects(git_dir: Path) -> dict[str, Path]:
    """Return the objects that have a file of their own, those of alternates among them."""
    found: dict[str, Path] = {}
    waiting = [common_dir(git_dir) / "objects"]
    seen: set[Path] = set()
    while waiting:
        folder = waiting.pop()
        if folder in seen:
            continue
        seen.add(folder)
        for first in range(256):
            try:
                files = list((folder / f"{first:02x}").iterdir())
            except OSError:
                continue
            for file in files:
                if _REST_OF_ID.fullmatch(file.name):
                    found.setdefault(f"{first:02x}{file.name}", file)
        try:
            lines = os.fsdecode((folder / "info" / "alternates").read_bytes()).splitlines()
        except OSError:
            continue
        waiting += [(folder / line).resolve() for line in lines if line and line[0] != "#"]
    return found


def check_loose(file: Path, oid: str) -> None:
    """Raise ValueError if the file of a loose object is damaged.

    libgit2 1.9 does not come back from one that is cut off, and takes the first part of one that
    is too short for its own size.
    """
    stream, digest = zlib.decompressobj(), hashlib.sha1(usedforsecurity=False)
    try:
        with file.open("rb") as content:
            while chunk := content.read(1 << 20):
                while chunk and not stream.eof:
                    digest.update(stream.decompress(chunk, 1 << 20))
                    chunk = stream.unconsumed_tail
    except FileNotFoundError:
        # Packed meanwhile.
        return
    except (OSError, zlib.error) as error:
        raise ValueError(str(error)) from error
    if digest.hexdigest() != oid:
        raise ValueError("the content has another id")


def damaged_tags(folder: Path) -> int:
    """Count the files of references that hold neither an object id nor another reference."""
    damaged = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".lock"):
                continue
            try:
                text = (Path(parent) / name).read_bytes()[:1000]
            except OSError:
                text = b""
            damaged += _REFERENCE.match(text) is None
    return damaged
