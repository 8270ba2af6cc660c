"""Where a repository says that its objects come from: foreign text, checked before git sees it."""

import os
import re
from pathlib import Path

from helperhist.errors import RepositoryError
from helperhist.printable import one_line

__all__ = ["checked_url"]

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
_USER = r"[A-Za-z0-9_.~+%](?:[A-Za-z0-9_.~+%-]*)"
_PATH = r"[!-~]*"
_REMOTE = re.compile(
    rf"(?P<scheme>https|ssh|git)://(?:{_USER}(?::[!-.0-9;-?A-~]*)?@)?{_HOST}(?::[0-9]{{1,5}})?/{_PATH}"
)
#: git@host:path, another way to write ssh.
_SCP = re.compile(rf"(?:{_USER}@)?{_HOST}:(?P<path>[!-~]+)")
_MAX = 4096


def checked_url(url: str, folder: Path) -> tuple[str, str]:
    """Return the scheme of a remote and its URL, fit to be given to git.

    :param folder: where a relative path begins
    :raises RepositoryError: it is neither https, ssh, git nor a local path
    """
    if len(url) <= _MAX and url.isprintable() and "::" not in url.split("/")[0]:
        if match := _REMOTE.fullmatch(url):
            return match["scheme"], url
        if url.startswith("file:///"):
            # As written: git takes the percent signs out.
            if re.fullmatch(r"[^\\]*", url):
                return "file", url
        elif "://" not in url and ":" not in url.split("/")[0]:
            if url:
                return "file", Path(os.path.abspath(folder / url)).as_uri()  # noqa: PTH100
        elif "://" not in url and (match := _SCP.fullmatch(url)) and match["path"][0] not in ":-":
            return "ssh", url
    raise RepositoryError(f"{one_line(url)!r} is no https, ssh, git or file URL")
