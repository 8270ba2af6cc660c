"""Which row of a timeline a name means that somebody wrote in a table."""

import difflib
import re
from collections.abc import Mapping
from functools import cached_property

from helperhist.timeline import PREFIXES, Row, Timeline, canonical_name

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
_SIGNS = re.compile(r"[^a-z0-9]+")


class Resolver:
    """Look-ups of names as tables spell them."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.rows = {row.name: row for row in timeline.rows}

    @cached_property
    def _squashed(self) -> dict[str, dict[str, Row]]:
        """By kind: name without prefix, case and signs, to row. Where two agree, neither."""
        found: dict[str, dict[str, Row]] = {}
        twice: set[tuple[str, str]] = set()
        for row in self.timeline.rows:
            short = row.name.removeprefix(PREFIXES.get(row.kind, ""))
            key = _SIGNS.sub("", short.lower())
            names = found.setdefault(row.kind, {})
            if key in names:
                twice.add((row.kind, key))
            names[key] = row
        for kind, key in twice:
            del found[kind][key]
        return found

    def find(self, name: str, kind: str | None, go: bool = False) -> Row | None:
        """Return the row that a name means, None if there is none.

        :param kind: what the table says that the name is
        :param go: whether the name is an identifier of Go
        """
        name = name.rpartition(".")[2] if go else name
        if go and name in _GO and kind in (None, _GO[name][0]):
            return self.rows.get(_GO[name][1])
        row = self.rows.get(canonical_name(name)) or self.rows.get(f"bpf_{name}")
        if row is None and kind is not None and kind in PREFIXES:
            # In a table of map types, HASH and hash are as clear as BPF_MAP_TYPE_HASH.
            row = self.rows.get(PREFIXES[kind] + name.upper())
        if row is None and go:
            kind = kind or ("helper" if re.match(r"Fn[A-Z]", name) else None)
            row = self._squashed.get(kind or "", {}).get(self._key(name, kind))
        return row

    def _key(self, name: str, kind: str | None) -> str:
        return _SIGNS.sub("", name.removeprefix(_GO_BEGIN.get(kind or "", "")).lower())

    def nearest(self, name: str, kind: str | None, go: bool = False) -> Row | None:
        """Return the row whose name looks most like an unknown one, of its kind if given."""
        name = name.rpartition(".")[2] if go else canonical_name(name)
        lists = self._squashed
        choices = lists.get(kind, {}) if kind is not None else {}
        if not choices:
            others = [names for kind, names in lists.items() if kind != "field"]
            choices = {key: row for names in others for key, row in names.items()}
        short = name.removeprefix(PREFIXES.get(kind or "", ""))
        close = difflib.get_close_matches(self._key(short, kind), choices, 1, 0.75)
        return choices[close[0]] if close else None
