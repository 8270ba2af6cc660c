"""Whether a repository is the kernel's own, or a project's that takes the kernel's numbers."""

import re
from collections.abc import Iterable

from helperhist.errors import RepositoryError
from helperhist.git import Repository
from helperhist.timeline import Tag

__all__ = ["is_kernel"]

#: How the Makefile at the root of a kernel tree begins.
_STATED = (rb"^VERSION = ([0-9]{1,9})$", rb"^PATCHLEVEL = ([0-9]{1,9})$")


def is_kernel(repository: Repository, found: Iterable[Tag]) -> bool:
    """Whether a history is the kernel's own: its newest release has the Makefile of that release.

    Projects that carry the header take the kernel's numbers for their tags, too.
    """
    newest = max(
        (tag for tag in found if _is_kernel_tag(tag)), key=lambda tag: tag.version, default=None
    )
    if newest is None:
        return False
    makefile = repository.blob(newest.commit, "Makefile")
    if makefile is None:
        return False
    try:
        text = repository.read(makefile, f"Makefile at {newest.name}")
    except RepositoryError:
        # A partial clone has the name of the file, and not the file.
        return True
    stated = (re.search(line, text, re.MULTILINE) for line in _STATED)
    wanted = (newest.version.major, newest.version.minor)
    return tuple(int(match[1]) for match in stated if match) == wanted


def _is_kernel_tag(tag: Tag) -> bool:
    """Whether a tag is named as the kernel names a release: v5.10, not v5.10.0 as iproute2."""
    version = tag.version
    return version.rc is None and tag.name == f"v{version.series}" and version.major >= 3
