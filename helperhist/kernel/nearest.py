"""The name in a BTF that is most like one that it lacks."""

import difflib
import re
from collections.abc import Iterable

from helperhist.binary import Btf

__all__ = ["Names"]

#: Names that are compared letter by letter; the rest has too little in common.
_MAX_COMPARED = 2000
_CUTOFF = 0.8


class Names:
    """The names in a kernel's BTF and in those of its modules."""

    def __init__(self, parts: Iterable[Btf]) -> None:
        """Find the names out when they are first needed."""
        self._parts = tuple(parts)
        #: Whether anybody wants to know; it takes a hundredth of a second each time.
        self.wanted = True
        self._by_start: dict[str, list[str]] = {}

    def _beginning(self, start: str) -> list[str]:
        """Return the names that begin with some letters, underscores before them left out."""
        found = self._by_start.get(start)
        if found is None:
            pattern = b"_*" + re.escape(start.encode("utf-8", "surrogatepass"))
            names = {name for btf in self._parts for name in btf.strings_beginning(pattern)}
            found = self._by_start[start] = sorted(names)
        return found

    def nearest(self, name: str, kind: int, prefix: str = "") -> str:
        """Return the most similar name, without its prefix; empty if none is similar.

        :param name: without the prefix
        :param kind: that the type of this name must have
        :param prefix: that all names of interest have, like ``bpf_lsm_``
        """
        if not self.wanted:
            return ""
        wanted = name.lstrip("_")
        near = [
            item.removeprefix(prefix)
            for item in self._beginning(_start(prefix + wanted))
            if item.startswith(prefix) and any(btf.find(item, kind) for btf in self._parts)
        ]
        # Compilers and kernels put something before or behind: __x, x.isra.0, x_noprof.
        for item in near:
            if wanted and item.lstrip("_").split(".")[0] == wanted:
                return item
        found = difflib.get_close_matches(name, near[:_MAX_COMPARED], 1, _CUTOFF)
        return found[0] if found else ""


def _start(name: str) -> str:
    return name.lstrip("_")[:4]
