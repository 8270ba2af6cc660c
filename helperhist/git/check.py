"""Look at the files of a repository before libgit2 reads them.

libgit2 waits for ever for a pipe in place of a file, and ends its list of references in silence
where a link leads in a circle. Whoever can change the repository while it is read is not held off.
"""

import os
import re
import stat
from pathlib import Path

from helperhist.errors import RepositoryError
from helperhist.git.files import common_dir, is_regular, object_folders, read_regular
from helperhist.printable import one_line

__all__ = ["check_files", "check_places"]

_OWN = ("HEAD", "config", "config.worktree", "gitdir", "commondir", "shallow")
_COMMON = ("HEAD", "config", "packed-refs", "shallow", "info/grafts")
#: Of a kernel, these have more bytes than any other file beside the packs.
_INDEXES = ("info/commit-graph", "pack/multi-pack-index")
_PACK = (".pack", ".idx", ".rev", ".keep", ".bitmap", ".mtimes", ".promisor")
_INCLUDE = re.compile(rb"\[\s*include(if)?\b", re.IGNORECASE)
#: Whatever may be a path in it: one too many does no harm.
_VALUE = re.compile(rb"\bpath[ \t]*=[ \t]*([^\r\n]*)", re.IGNORECASE)
_MAX_REFERENCES = 2_000_000


def check_places(path: Path) -> None:
    """Look at the files that are read to find the repository that a path is in.

    :raises RepositoryError: one of them is not a regular file
    """
    start = Path(os.path.abspath(path))  # noqa: PTH100 - links stay as the user wrote them
    for folder in (start, *start.parents):
        dot_git = folder / ".git"
        # Elsewhere these may be the names of other things.
        if (folder / "objects").is_dir():
            _check_place(folder)
        if dot_git.is_dir():
            _check_place(dot_git)
            return
        if is_regular(dot_git):
            target = (read_regular(dot_git) or b"").removeprefix(b"gitdir:").strip()
            if target and b"\0" not in target:
                _check_place(folder / os.fsdecode(target))
            return


def _check_place(folder: Path) -> None:
    for name in ("commondir", "gitdir", "HEAD"):
        is_regular(folder / name)
    common_dir(folder)


def check_files(git_dir: Path) -> None:
    """Look at the files that libgit2 reads of a repository, but for loose objects.

    :raises RepositoryError: one is not a regular file, or the list of references has no end
    """
    common = common_dir(git_dir)
    for folder, names in ((git_dir, _OWN), (common, _COMMON)):
        for name in names:
            is_regular(folder / name)
    seen: set[str] = set()
    for config in (common / "config", git_dir / "config", git_dir / "config.worktree"):
        _check_config(config, seen)
    for folder in object_folders(git_dir):
        is_regular(folder / "info" / "alternates")
        for name in _INDEXES:
            if _check_kind(folder / name):
                raise _not_regular(folder / name)
        _check_packs(folder / "pack")
        _check_packs(folder / "info" / "commit-graphs")
    for folder in {common, git_dir}:
        _check_references(folder / "refs")


def _check_config(config: Path, seen: set[str]) -> None:
    """Look at the files that a configuration includes, which libgit2 reads as well."""
    real = os.path.realpath(config)
    if real in seen:
        return
    seen.add(real)
    data = read_regular(config) or b""
    if not _INCLUDE.search(data):
        return
    for value in _VALUE.findall(data):
        if b"\\" in value or b"\0" in value or (b'"' in value and re.search(rb"[#;]", value)):
            raise RepositoryError(
                f"{one_line(str(config))} includes a file by a path that is not read; "
                "remove its include.path"
            )
        text = os.fsdecode(re.split(rb"[#;]", value)[0].replace(b'"', b"").strip())
        if text:
            _check_config(config.parent / Path(text).expanduser(), seen)


def _check_packs(folder: Path) -> None:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names only, of what may be many
    except OSError:
        return
    for name in names:
        if name.endswith((*_PACK, ".graph")) or name == "commit-graph-chain":
            path = folder / name
            if _check_kind(path):
                raise _not_regular(path)


def _not_regular(path: Path) -> RepositoryError:
    return RepositoryError(f"{one_line(str(path))} is not a regular file; give an intact clone")


def _check_kind(path: Path) -> bool:
    """Whether something is a folder; packs may have any size."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise RepositoryError(f"cannot read {one_line(str(path))}: {error.strerror}") from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise _not_regular(path)
    return stat.S_ISDIR(mode)


def _check_references(folder: Path) -> None:
    waiting = [folder]
    seen: set[tuple[int, int]] = set()
    count = 0
    while waiting:
        folder = waiting.pop()
        try:
            found = folder.stat()
            names = os.listdir(folder)  # noqa: PTH208
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise RepositoryError(
                f"cannot list the references in {one_line(str(folder))}: {error.strerror}"
            ) from error
        if (found.st_dev, found.st_ino) in seen:
            raise RepositoryError(
                f"cannot list the references: {one_line(str(folder))} is a link to a folder that "
                "they are in already; remove it"
            )
        seen.add((found.st_dev, found.st_ino))
        count += len(names)
        if count > _MAX_REFERENCES:
            raise RepositoryError(f"{one_line(str(folder))} has too many references")
        for name in names:
            path = folder / name
            if _check_kind(path):
                waiting.append(path)
            elif not is_regular(path) and path.is_symlink():
                # libgit2 ends its list here, as if there were no more.
                raise RepositoryError(
                    f"cannot list the references: {one_line(str(path))} is a link that leads "
                    "nowhere; remove it"
                )
