"""What a loader refuses whatever the kernel: parts, sections and definitions that it cannot use.

Source: libbpf 1.8, ``libbpf.c``; cilium/ebpf, ``elf_reader.go``.
"""

from collections.abc import Iterable, Iterator

from helperhist.binary import BpfObject, Map
from helperhist.binary import elf as elf_
from helperhist.check.mapdefs import refusals as map_refusals
from helperhist.check.needs import Refusal

__all__ = ["find_refusals"]

_CILIUM = ("cilium",)


def find_refusals(obj: BpfObject) -> tuple[Refusal, ...]:
    """Return why no kernel loads an object with its loader; empty if one may."""
    found = list(_maps(obj, obj.maps))
    if obj.loader == "libbpf":
        found += _sections(obj)
        found += _externs(obj)
    return tuple(dict.fromkeys(found))


def _maps(obj: BpfObject, maps: Iterable[Map]) -> Iterator[Refusal]:
    for item in maps:
        if item.struct_ops or not item.autocreate:
            continue
        legacy = item.section < len(obj.elf.sections) and item.offset >= 0
        if legacy and obj.elf.sections[item.section].name != ".maps":
            if obj.loader == "libbpf" and obj.elf.sections[item.section].name == "maps":
                yield Refusal("legacy maps", item.name, loaders=("cilium", "iproute2"))
            continue
        if item.fault and obj.loader != "raw":
            rule, given = item.fault
            yield Refusal(f"map {rule}", item.name, None, given)
            continue
        if item.static and obj.loader != "raw":
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
        for symbol in obj.elf.symbols_of(item.index):
            if symbol.type == elf_.STT_FUNC and symbol.bind == elf_.STB_LOCAL:
                yield Refusal("static program", None, symbol.name, item.name)


def _externs(obj: BpfObject) -> Iterator[Refusal]:
    """Yield what another part of the program defines: no kernel and no .kconfig has it."""
    for name in obj.unresolved:
        yield Refusal("extern", None, None, name)
