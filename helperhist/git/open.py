"""Open a git repository, and say in the user's terms why that cannot be done."""

import re
import shlex
from pathlib import Path

import pygit2

from helperhist.errors import RepositoryError
from helperhist.git.check import check_files, check_places
from helperhist.printable import one_line

__all__ = ["open_repository", "tune_libgit2"]

_FOREIGN = re.compile(r"'([^']*)' is not owned by current user")


def open_repository(path: Path) -> pygit2.Repository:
    """Open the repository at a path, or the one that the path is in.

    :raises RepositoryError: there is none, libgit2 cannot read it, or it belongs to another user
    """
    try:
        if not path.exists():
            raise RepositoryError(f"{path} does not exist; give the folder of a git repository")
        check_places(path)
        found = pygit2.discover_repository(str(path))
        if found is None:
            raise RepositoryError(
                f"{path} is not in a git repository; give a clone of the kernel, such as ~/linux"
            )
        check_files(Path(found))
        return pygit2.Repository(found)
    except OSError as error:
        raise RepositoryError(f"cannot read {path}: {error.strerror}") from error
    except (pygit2.GitError, KeyError, ValueError) as error:
        text = one_line(str(error))
        owned = _FOREIGN.search(text)
        if owned is not None:
            folder = shlex.quote(owned[1].rstrip("/"))
            raise RepositoryError(
                f"{path} belongs to another user; if you trust it, run "
                f"`git config --global --add safe.directory {folder}`"
            ) from error
        if "object format" in text:
            raise RepositoryError(
                f"{path} stores SHA-256 objects, which libgit2 cannot read; "
                "give a repository with SHA-1 objects"
            ) from error
        if "extensions.refstorage" in text:
            raise RepositoryError(
                f"{path} stores its references as reftable, which libgit2 cannot read; run "
                f"`git -C {shlex.quote(str(path))} refs migrate --ref-format=files`"
            ) from error
        raise RepositoryError(
            f"cannot open the repository at {path}: {text}; "
            f"see `git -C {shlex.quote(str(path))} status`"
        ) from error


def tune_libgit2() -> None:
    """Set libgit2 up for a walk over millions of objects, each seen once.

    No cache of objects; and no second hash of each object read, as git itself computes none:
    zlib's checksum finds damage. This holds for the whole process, so it is for programs to call,
    not for the library.
    """
    pygit2.settings.enable_caching(False)
    pygit2.settings.enable_strict_hash_verification(False)
