"""Files that users ask for: written whole or not at all."""

import os
import tempfile
from pathlib import Path

from helperhist.errors import HelperhistError

__all__ = ["write_text"]


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8, its lines as they are; an older one is replaced at the end.

    :raises HelperhistError: it cannot be written
    """
    aside: str | None = None
    try:
        if path.exists() and not path.is_file():
            # A device or a pipe (/dev/stdout) cannot be replaced, and must not be.
            path.write_text(text, "utf-8", newline="")
            return
        # A link stays a link: what it leads to is replaced.
        path = path.resolve()
        handle, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        # mkstemp is private to the user; a file that was there keeps its mode.
        umask = os.umask(0)
        os.umask(umask)
        mode = path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~umask
        Path(aside).chmod(mode)
        Path(aside).replace(path)
        aside = None
    except OSError as error:
        raise HelperhistError(f"cannot write {path}: {error.strerror}") from error
    finally:
        if aside is not None:
            Path(aside).unlink(missing_ok=True)
