"""Which members of which operations structs the programs of an object are for."""

from bisect import bisect_right

from helperhist.binary import BpfObject, Kind, Map, Type

__all__ = ["left_out", "members_set", "places_of"]


def _starts(obj: BpfObject, section: int) -> tuple[list[Map], list[int]]:
    here = sorted(
        (item for item in obj.maps if item.struct_ops and item.section == section),
        key=lambda item: item.offset,
    )
    return here, [item.offset for item in here]


def _variable(obj: BpfObject, item: Map) -> Type | None:
    """Return the struct of an operations variable."""
    if obj.btf is None:
        return None
    name = next(part.name for part in obj.elf.sections if part.index == item.section)
    for group in obj.btf.find(name, Kind.DATASEC):
        for member in obj.btf.type(group).members:
            variable = obj.btf.type(member.type)
            if variable.name == item.name:
                return obj.btf.strip(variable.type)
    return None


def places_of(obj: BpfObject) -> dict[str, frozenset[tuple[str, str]]]:
    """Return struct and member by the name of the program."""
    found: dict[str, set[tuple[str, str]]] = {}
    for section in {item.section for item in obj.maps if item.struct_ops}:
        here, starts = _starts(obj, section)
        structs = {item.name: _variable(obj, item) for item in here}
        for part in obj.elf.relocations(section):
            at = bisect_right(starts, part.offset) - 1
            struct = structs[here[at].name] if at >= 0 else None
            if struct is None:
                continue
            for member in struct.members:
                if here[at].offset + member.value // 8 == part.offset:
                    place = here[at].struct_ops, member.name.split("___")[0]
                    found.setdefault(part.symbol.name, set()).add(place)
    return {name: frozenset(places) for name, places in found.items()}


def members_set(obj: BpfObject, item: Map) -> frozenset[str]:
    """Return the members of an operations struct that an object sets."""
    struct = _variable(obj, item)
    if struct is None or obj.btf is None:
        return frozenset()
    data = next(part.data for part in obj.elf.sections if part.index == item.section)
    places = [part.offset for part in obj.elf.relocations(item.section)]
    used = set()
    for member in struct.members:
        start = item.offset + member.value // 8
        end = start + (obj.btf.size_of(member.type) or 0)
        if any(data[start:end]) or any(start <= place < end for place in places):
            used.add(member.name)
    return frozenset(used)


def left_out(obj: BpfObject) -> frozenset[str]:
    """Return the programs that only operations refer to which are not created."""
    used: set[str] = set()
    unused: set[str] = set()
    for section in {item.section for item in obj.maps if item.struct_ops}:
        here, starts = _starts(obj, section)
        for part in obj.elf.relocations(section):
            at = bisect_right(starts, part.offset) - 1
            if at >= 0:
                (used if here[at].autocreate else unused).add(part.symbol.name)
    return frozenset(unused - used)
