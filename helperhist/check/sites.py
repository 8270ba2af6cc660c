"""What a function's instructions need: one site for each that needs something."""

from typing import NamedTuple

from helperhist.binary import (
    CALL,
    LDDW,
    PLAIN,
    SHN_UNDEF,
    BpfObject,
    Function,
    Insn,
    Relocation,
    context_field,
    feature,
)
from helperhist.check.guards import field_name
from helperhist.check.loops import has_loop

__all__ = ["Site", "context_site", "scan"]

_ARENA = ".addr_space.1"

#: ``BPF_PSEUDO_*`` of a 64-bit load to the key of its rule; empty where it needs nothing.
_PSEUDO_LOADS = {
    0: "",
    1: "",
    2: "global data",
    3: "typed ksym",
    4: "callback",
    5: "map index",
    6: "map value by index",
}


class Site(NamedTuple):
    """Something that an instruction needs.

    :ivar at: index of the instruction in its function
    :ivar kind: ``helper`` (``name`` is its number), ``kfunc``, ``rule`` (``name`` is a key of the
        rules), ``field``, or ``unknown``
    :ivar reason: of what is unknown, in words
    :ivar weak: whether it may be missing
    :ivar callee: the function that is called, or whose address is taken
    """

    at: int
    kind: str
    name: str
    reason: str = ""
    weak: bool = False
    callee: Function | None = None


def scan(obj: BpfObject, function: Function) -> list[Site]:
    """Return the sites of a function, in the order of its instructions."""
    found: list[Site] = []
    skip = -1
    for index, insn in enumerate(function.insns):
        if index == skip:
            continue
        code = insn.code
        if code == LDDW:
            skip = index + 1
            found += _load(obj, function, index, insn)
        elif code == CALL:
            found += _call(obj, function, index, insn)
        elif index in function.relocations:
            symbol = function.relocations[index].symbol.name
            found.append(
                _unknown(index, "relocation", f"relocation of opcode {code:#04x} {symbol}")
            )
        elif code not in PLAIN:
            name = feature(insn)
            if name is None:
                found.append(_unknown(index, "instruction", f"opcode {code:#04x}"))
            elif name:
                found.append(Site(index, "rule", name))
    if (loop := has_loop(function.insns)) is not None:
        found.append(Site(loop, "rule", "loop"))
    return found


def _unknown(index: int, kind: str, name: str) -> Site:
    return Site(index, "unknown", name, kind)


def _load(obj: BpfObject, function: Function, index: int, insn: Insn) -> list[Site]:
    relocation = function.relocations.get(index)
    if relocation is None:
        rule = _PSEUDO_LOADS.get(insn.src)
        if rule is None:
            return [_unknown(index, "instruction", f"64-bit load with source {insn.src}")]
        return [Site(index, "rule", rule)] if rule else []
    section = relocation.symbol.section
    if section == SHN_UNDEF:
        return _extern(obj, index, relocation)
    if section in obj.data_sections or _name(obj, section) == _ARENA:
        return [Site(index, "rule", "global data")]
    if obj.map_of(relocation, insn) is not None:
        return []
    callee = obj.callee(function, index, insn)
    if callee is not None:
        return [Site(index, "rule", "callback", callee=callee)]
    return [_unknown(index, "relocation", f"relocation to {relocation.symbol.name or section}")]


def _name(obj: BpfObject, section: int) -> str:
    return obj.elf.sections[section].name if section < len(obj.elf.sections) else ""


def _extern(obj: BpfObject, index: int, relocation: Relocation) -> list[Site]:
    extern = obj.extern(relocation)
    if extern is None or not extern.kind:
        return [_unknown(index, "relocation", f"extern {relocation.symbol.name} without BTF")]
    if extern.kind == "kconfig":
        return [Site(index, "rule", "kconfig", weak=False)]
    if extern.kind == "typed ksym":
        return [Site(index, "rule", "typed ksym", weak=extern.weak)]
    return []


def _call(obj: BpfObject, function: Function, index: int, insn: Insn) -> list[Site]:
    relocation = function.relocations.get(index)
    if relocation is not None and relocation.symbol.section == SHN_UNDEF:
        extern = obj.extern(relocation)
        weak = extern is not None and extern.weak
        return [
            Site(index, "rule", "kfunc call", weak=weak),
            Site(index, "kfunc", relocation.symbol.name, weak=weak),
        ]
    if relocation is None and insn.src == 0:
        return [Site(index, "helper", str(insn.imm))]
    if relocation is None and insn.src == 2:
        return [
            Site(index, "rule", "kfunc call"),
            _unknown(index, "kfunc", f"kfunc by BTF id {insn.imm}"),
        ]
    callee = obj.callee(function, index, insn)
    if callee is None or (relocation is None and insn.src != 1):
        return [_unknown(index, "instruction", f"call with source {insn.src} to {insn.imm}")]
    return [Site(index, "rule", "bpf-to-bpf call", callee=callee)]


def context_site(
    obj: BpfObject, function: Function, index: int, struct: str, offset: int
) -> Site | None:
    """Return the site of an access to the context, None if it reads no field of the struct.

    :param struct: the context of the program's type
    """
    relo = function.relos.get(index)
    if relo is not None and obj.btf is not None:
        if relo.kind != 0:
            return None
        return Site(index, "field", field_name(obj, relo.type, relo.access))
    name = context_field(struct, offset)
    if name is None:
        return _unknown(index, "field", f"{struct} at {offset}")
    return Site(index, "field", f"{struct}.{name}")
