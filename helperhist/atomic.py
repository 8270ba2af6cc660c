"""Write files whole or not at all."""

import os
import tempfile
from pathlib import Path

from helperhist.errors import HelperhistError

__all__ = ["FileError", "write_atomic"]


class FileError(HelperhistError):
    """A file that cannot be written."""


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file, all of it or nothing; a link stays a link, a device is written as it is.

    :raises FileError: it cannot be written
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            # Before resolve(): /dev/stdout leads to a pipe, which has no path.
            path.write_bytes(data)
            return
        target = path.resolve()
        if target.is_dir():
            raise FileError(f"{path} is a folder; give the name of a file")
        handle, aside = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            # mkstemp is private to the user; a file that was there keeps its mode.
            umask = os.umask(0)
            os.umask(umask)
            old = target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~umask
            Path(aside).chmod(old)
            Path(aside).replace(target)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
    except FileNotFoundError as error:
        raise FileError(f"cannot write {path}: there is no folder {path.parent}") from error
    except (OSError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise FileError(f"cannot write {path}: {reason}") from error
