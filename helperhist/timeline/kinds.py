"""The kinds of fact: one table, from which each list of kinds is made."""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = [
    "BY_PROGRAM",
    "ENUM_KINDS",
    "KINDS",
    "LISTS",
    "LIVE",
    "PREFIXES",
    "SEEN",
    "SENTINEL",
    "SOURCES",
    "Kind",
    "kind_key",
    "plural",
]

#: The kind of names that begin or end a list, and are no feature.
SENTINEL = "sentinel"
#: The kind that says whether a booted kernel has a fact (``yes`` or ``no``), whatever its value,
#: and the source of that.
SEEN = "seen"
LIVE = "live"


class Kind(NamedTuple):
    """A kind of fact.

    :ivar name: as in the data
    :ivar plural: what people call several of them
    :ivar enum: the tag of the enumeration of ``bpf.h`` that lists them; empty where none does
    :ivar prefix: what all names of the list begin with
    :ivar source: the source of a whole tree that reads them; empty for those of ``bpf.h``
    :ivar object: the kind of a relation's second name; empty for what is no relation of two names
    :ivar conditional: whether the value is the text of a condition
    """

    name: str
    plural: str
    enum: str = ""
    prefix: str = ""
    source: str = ""
    object: str = ""
    conditional: bool = False


#: All kinds by name, in the order of rows; the tag of any other enum of bpf.h is a kind, too.
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("helper", "helpers", "bpf_func_id", "bpf_"),
        Kind("cmd", "commands", "bpf_cmd", "BPF_"),
        Kind("map_type", "map types", "bpf_map_type", "BPF_MAP_TYPE_"),
        Kind("prog_type", "program types", "bpf_prog_type", "BPF_PROG_TYPE_"),
        Kind("attach_type", "attach types", "bpf_attach_type", "BPF_"),
        Kind("link_type", "link types", "bpf_link_type", "BPF_LINK_TYPE_"),
        Kind("field", "fields"),
        Kind("flag", "flags"),
        Kind(SENTINEL, "ends of lists"),
        Kind("helper_use", "helpers by program type", "", "", "helper_use", "prog_type", True),
        Kind("gpl_only", "helpers for GPL programs", "", "", "helper_use", "prog_type"),
        Kind("kfunc", "kfuncs", "", "", "kfuncs"),
        Kind("kfunc_use", "kfuncs by program type", "", "", "kfuncs", "prog_type", True),
        Kind("kfunc_proto", "prototypes of kfuncs", "", "", "kfuncs"),
        Kind("kfunc_test", "kfuncs of the kernel's tests", "", "", "kfuncs"),
        Kind("map_use", "helpers by map type", "", "", "map_use", "map_type", True),
        Kind("map_prog", "map types by program type", "", "", "map_use", "prog_type", True),
        Kind("contract", "contracts of helpers", "", "", "helper_use", "prog_type"),
        Kind(SEEN, "facts that booted kernels have", "", "", LIVE, "prog_type"),
        Kind("arch_use", "JIT features by architecture", "", "", "arch_use", "arch", True),
    )
}

#: The tag of each enumeration of bpf.h that has a kind of another name, to that kind.
ENUM_KINDS: Mapping[str, str] = {kind.enum: kind.name for kind in KINDS.values() if kind.enum}

#: The numbered lists of bpf.h, kind to what people call them, in the order of figures and reports.
LISTS: Mapping[str, str] = {
    kind: KINDS[kind].plural
    for kind in ("helper", "map_type", "prog_type", "attach_type", "cmd", "link_type")
}

#: What all names of a numbered list begin with.
PREFIXES: Mapping[str, str] = {kind.name: kind.prefix for kind in KINDS.values() if kind.enum}

#: Kind of what a whole tree has, to the source that reads it.
SOURCES: Mapping[str, str] = {kind.name: kind.source for kind in KINDS.values() if kind.source}

#: The relations with a program type.
BY_PROGRAM: tuple[str, ...] = tuple(
    kind.name for kind in KINDS.values() if kind.object == "prog_type"
)

_ORDER = {kind: index for index, kind in enumerate(ENUM_KINDS.values())}


def kind_key(kind: str) -> tuple[int, str]:
    """Return what sorts kinds: the numbered lists in their order, then the others by name."""
    return _ORDER.get(kind, len(_ORDER)), kind


def plural(kind: str) -> str:
    """Return what people call several of a kind; the kind itself where that is not known."""
    known = KINDS.get(kind)
    return kind if known is None else known.plural
