"""The name in a BTF that is most like one that it lacks."""

import difflib
from collections.abc import Iterable

from helperhist.btf import Btf

__all__ = ["Names"]

#: Names that are compared letter by letter; the rest has too little in common.
_MAX_COMPARED = 2000
_CUTOFF = 0.75


class Names:
    """The names of some kinds of types, found out when they are first needed."""

    def __init__(self, parts: Iterable[Btf]) -> None:
        """Look in a kernel's BTF and in those of its modules."""
        self._parts = tuple(parts)
        self._by_start: dict[int, dict[str, list[str]]] = {}

    def nearest(self, name: str, kind: int, prefix: str = "") -> str:
        """Return the most similar name, without its prefix; empty if none is similar.

        :param name: without the prefix
        :param prefix: that all names of interest have, like ``bpf_lsm_``
        """
        wanted = name.lstrip("_")
        if not wanted:
            return ""
        starts = self._starts(kind)
        near = [
            item.removeprefix(prefix)
            for item in starts.get((prefix + wanted)[:4].lstrip("_"), ())
            if item.startswith(prefix)
        ]
        # Compilers and kernels put something before or behind: __x, x.isra.0, x_noprof.
        for item in near:
            if item.lstrip("_").split(".")[0] == wanted:
                return item
        found = difflib.get_close_matches(name, near[:_MAX_COMPARED], 1, _CUTOFF)
        return found[0] if found else ""

    def _starts(self, kind: int) -> dict[str, list[str]]:
        found = self._by_start.get(kind)
        if found is None:
            found = self._by_start[kind] = {}
            names = {btf.name(item) for btf in self._parts for item in btf.ids(kind)}
            for name in sorted(names):
                found.setdefault(name.lstrip("_")[:4], []).append(name)
        return found
