"""What a loader refuses whatever the kernel: parts, sections and definitions that it cannot use.

Source: libbpf 1.8, ``libbpf.c``; cilium/ebpf, ``elf_reader.go``.
"""

from collections.abc import Iterable, Iterator

from helperhist.binary import STB_LOCAL, STT_FUNC, STT_NOTYPE, BpfObject, Function, Map
from helperhist.check.mapdefs import refusals as map_refusals
from helperhist.check.needs import Refusal

__all__ = ["find_refusals", "refused_access", "refused_type"]

#: Types of programs that the kernel takes only under a GPL-compatible license. Source:
#: bpf_lsm_verify_prog(), in every release that has the type.
_GPL_TYPES = {"LSM": "the program type LSM"}

#: Fields of the context that no kernel lets programs of a type read. Source:
#: sk_filter_is_valid_access() and xdp_is_valid_access() in net/core/filter.c.
_REFUSED_FIELDS = {
    ("SOCKET_FILTER", "__sk_buff.tc_classid"),
    ("SOCKET_FILTER", "__sk_buff.data"),
    ("SOCKET_FILTER", "__sk_buff.data_meta"),
    ("SOCKET_FILTER", "__sk_buff.data_end"),
}
_LDX_DW = 0x79
#: Section of the variables in an arena, and the type of its map.
_ARENA, _ARENA_MAP = ".addr_space.1", 33
#: Fields of `bpf_sock_ops` that are read with 8 bytes; sock_ops_is_valid_access() refuses that of
#: all others.
_LONG_SOCK_OPS = frozenset(
    f"bpf_sock_ops.{name}"
    for name in "bytes_received bytes_acked sk skb_data skb_data_end skb_hwtstamp".split()
)


def find_refusals(obj: BpfObject) -> tuple[Refusal, ...]:
    """Return why no kernel loads an object with its loader; empty if one may."""
    found = list(_maps(obj, obj.maps))
    if obj.loader == "libbpf":
        found += _sections(obj)
        found += _externs(obj)
    return tuple(dict.fromkeys(found))


def refused_type(program: Function) -> str:
    """Return what the kernel keeps for GPL-compatible licenses in a program's type, if any."""
    return _GPL_TYPES.get(program.kind.type, "") if program.kind else ""


def refused_access(program: Function, field: str, code: int) -> Refusal | None:
    """Return why no kernel lets a program access a field of its context, None if one may.

    :param field: as `__sk_buff.data`
    :param code: of the instruction
    """
    kind = program.kind
    if kind is None:
        return None
    if (kind.type, field) in _REFUSED_FIELDS:
        return Refusal("context field", None, program.name, field, kind.type)
    if (kind.type, kind.attach, field) == ("XDP", "BPF_XDP", "xdp_md.egress_ifindex"):
        return Refusal("context field", None, program.name, field, "XDP outside of xdp/devmap")
    if kind.type == "SOCK_OPS" and code == _LDX_DW and field not in _LONG_SOCK_OPS:
        return Refusal("context width", None, program.name, field, "4")
    return None


def _maps(obj: BpfObject, maps: Iterable[Map]) -> Iterator[Refusal]:
    for item in maps:
        if item.struct_ops or not item.autocreate:
            continue
        legacy = item.section < len(obj.elf.sections) and item.offset >= 0
        if legacy and obj.elf.sections[item.section].name != ".maps":
            if obj.loader == "libbpf" and obj.elf.sections[item.section].name == "maps":
                yield Refusal("legacy maps", item.name, loaders=("cilium", "iproute2"))
            continue
        if item.fault and obj.relocates:
            rule, given = item.fault
            yield Refusal(f"map {rule}", item.name, None, given)
            continue
        if item.static and obj.relocates:
            yield Refusal("static map", item.name)
        if not item.type and obj.loader == "libbpf":
            yield Refusal("map type missing", item.name)
        yield from map_refusals(item, obj.loader)
        if item.inner is not None:
            yield from _maps(obj, (item.inner,))


def _sections(obj: BpfObject) -> Iterator[Refusal]:
    """Yield sections and functions that libbpf refuses when it opens the object."""
    section = obj.elf.section("maps")
    if section is not None and not any(item.section == section.index for item in obj.maps):
        yield Refusal("legacy maps", loaders=("cilium", "iproute2"))
    for item in obj.elf.sections:
        if not item.executable or item.name == ".text":
            continue
        symbols = obj.elf.symbols_of(item.index)
        named = [symbol for symbol in symbols if symbol.name and symbol.bind != STB_LOCAL]
        if named and all(symbol.type == STT_NOTYPE for symbol in named):
            yield Refusal("untyped program", None, named[0].name, item.name, "", ("cilium",))
        for symbol in symbols:
            if symbol.type == STT_FUNC and symbol.bind == STB_LOCAL:
                yield Refusal("static program", None, symbol.name, item.name)


def _externs(obj: BpfObject) -> Iterator[Refusal]:
    """Yield what another part of the program defines: no kernel and no .kconfig has it."""
    for name in obj.unresolved:
        yield Refusal("extern", None, None, name)
    arena = obj.elf.section(_ARENA)
    if arena is None or any(item.type == _ARENA_MAP for item in obj.maps):
        return
    for function in obj.functions:
        if any(item.symbol.section == arena.index for item in function.relocations.values()):
            yield Refusal("arena missing", None, function.name)
