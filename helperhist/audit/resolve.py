"""Which row of a timeline a name means that somebody wrote in a table."""

import difflib
import re
from collections.abc import Mapping

from helperhist.timeline import PREFIXES, Row, Timeline, canonical_name, squash

__all__ = ["Resolver"]

#: Identifiers of cilium/ebpf that are more than another spelling. The numbers there tell what
#: they mean: CGroupStorage is 19, BPF_MAP_TYPE_CGROUP_STORAGE, but CgroupStorage is 32.
_GO: Mapping[str, tuple[str, str]] = {
    "ProgramArray": ("map_type", "BPF_MAP_TYPE_PROG_ARRAY"),
    "LRUCPUHash": ("map_type", "BPF_MAP_TYPE_LRU_PERCPU_HASH"),
    "StructOpsMap": ("map_type", "BPF_MAP_TYPE_STRUCT_OPS"),
    "CgroupStorage": ("map_type", "BPF_MAP_TYPE_CGRP_STORAGE"),
    "Extension": ("prog_type", "BPF_PROG_TYPE_EXT"),
}
_GO_BEGIN = {"helper": "Fn", "attach_type": "Attach"}


class Resolver:
    """Look-ups of names as tables spell them."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.index = timeline.index

    def find(self, name: str, kind: str | None, go: bool = False) -> Row | None:
        """Return the row that a name means, None if there is none.

        :param kind: what the table says that the name is
        :param go: whether the name is an identifier of Go
        """
        name = name.rpartition(".")[2] if go else name
        if go and name in _GO and kind in (None, _GO[name][0]):
            return self.index.named(_GO[name][1])
        row = self.index.named(name) or self.index.named(f"bpf_{name}")
        if row is None and kind is not None and kind in PREFIXES:
            # In a table of map types, HASH and hash are as clear as BPF_MAP_TYPE_HASH.
            row = self.index.named(PREFIXES[kind] + name.upper())
        if row is None and kind in ("map_type", "prog_type"):
            row = self.spelled(kind, name)
        if row is None and name.isupper() and kind in (None, "helper"):
            # BPF_LOOP; the list of helpers has no name in capitals.
            row = self.index.spellings_of("helper").get(squash(name.lower(), "helper"))
            row = row if name.startswith("BPF_") else None
        if row is None and go:
            kind = kind or ("helper" if re.match(r"Fn[A-Z]", name) else None)
            row = self.index.spellings_of(kind or "").get(self._key(name, kind))
        return row

    def spelled(self, kind: str, text: str) -> Row | None:
        """Return the type that a text spells, whatever its case and signs: ``Per-CPU array``."""
        text = text.strip().strip("`*'\"")
        row = self.index.named(text)
        return row if row is not None and row.kind == kind else self.index.spelled(kind, text)

    def _key(self, name: str, kind: str | None) -> str:
        return squash(name.removeprefix(_GO_BEGIN.get(kind or "", "")))

    def nearest(self, name: str, kind: str | None, go: bool = False) -> Row | None:
        """Return the row whose name looks most like an unknown one, of its kind if given."""
        name = name.rpartition(".")[2] if go else canonical_name(name)
        choices = self.index.spellings_of(kind or "")
        if not choices:
            others = [self.index.spellings_of(kind) for kind in self.index.kinds - {"field"}]
            choices = {key: row for names in others for key, row in names.items()}
        short = name.removeprefix(PREFIXES.get(kind or "", ""))
        close = difflib.get_close_matches(self._key(short, kind), choices, 1, 0.75)
        return choices[close[0]] if close else None
