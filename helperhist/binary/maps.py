"""Maps of a BPF object: from BTF (``.maps``), from the older ``maps`` sections, and struct_ops.

Source: ``parse_btf_map_def`` of libbpf; ``struct bpf_elf_map`` of iproute2, which begins like
libbpf's older ``struct bpf_map_def``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from helperhist.binary.btf import Btf
from helperhist.binary.btfkinds import Kind, Type
from helperhist.binary.elf import Elf, Section
from helperhist.errors import ParseError

__all__ = ["Map", "SpecialFields", "read_maps"]

#: Definitions without BTF; the second is Android's.
_LEGACY = ("maps", ".android_maps")
_STRUCT_OPS = ("struct_ops", "?.struct_ops", ".struct_ops", ".struct_ops.link", "?.struct_ops.link")
#: Members of a definition that are numbers.
_NUMBERS = frozenset(
    "type max_entries map_flags map_extra numa_node key_size value_size pinning".split()
)
_MAX_MAPS = 4096
_MAX_MEMBERS = 64
_MAX_STEPS = 300_000
_MAX_DEPTH = 32
_POINTERS = frozenset({"kptr", "kptr_ref", "kptr_untrusted", "percpu_kptr", "uptr"})


@dataclass(frozen=True, slots=True)
class Map:
    """A map of the object.

    :ivar section: index of the ELF section; ``offset`` bytes into it
    :ivar type: number of the map type, 0 if user space sets it
    :ivar flags: of its creation
    :ivar extra: ``map_extra``, ``numa`` the node if it is given
    :ivar inner: the template of a map in a map
    :ivar value: id of the BTF type of its values, 0 if it has none; ``key`` likewise
    :ivar key_size: in bytes, 0 if it is not given; ``value_size`` and ``max_entries`` likewise
    :ivar programs: whether its values are declared as programs
    :ivar static: whether its variable is static
    :ivar fault: what a loader cannot read in the definition: ``number``, ``field``, ``pinning``,
        ``type`` or ``inner``, and of which member; empty if it can
    :ivar struct_ops: name of the struct that it implements
    :ivar autocreate: whether the loader creates it by default
    :ivar link: whether it is attached by a link
    """

    name: str
    section: int
    offset: int
    type: int
    flags: int = 0
    extra: int = 0
    numa: int | None = None
    inner: "Map | None" = None
    value: int = 0
    struct_ops: str = ""
    autocreate: bool = True
    link: bool = False
    key: int = 0
    key_size: int = 0
    value_size: int = 0
    max_entries: int = 0
    programs: bool = False
    static: bool = False
    fault: tuple[str, str] | tuple[()] = ()


def read_maps(elf: Elf, btf: Btf | None) -> tuple[Map, ...]:
    """Return the maps of an object, in the order of its sections.

    :raises ParseError: a definition is no map
    """
    found: list[Map] = []
    seen: set[str] = set()
    for section in elf.sections:
        if section.name in seen:
            continue
        seen.add(section.name)
        if section.name == ".maps" and btf is not None:
            maps = _from_btf(elf, section, btf)
        elif section.name in _LEGACY or section.name.startswith("maps/"):
            maps = _from_symbols(elf, section)
        elif section.name in _STRUCT_OPS and btf is not None and not section.executable:
            maps = _from_struct_ops(elf, section, btf)
        else:
            continue
        for item in maps:
            if len(found) == _MAX_MAPS:
                raise ParseError(f"more than {_MAX_MAPS} maps")
            found.append(item)
    if elf.section(".maps") is not None and btf is None:
        raise ParseError("section .maps without .BTF: the maps cannot be read")
    return tuple(found)


def _variables(elf: Elf, section: Section, btf: Btf) -> Iterator[tuple[Type, int, Type]]:
    """Yield variable, offset and type of the variables of a section."""
    # Compilers leave the offsets in BTF to the linker; the symbols have them.
    offsets = {item.name: item.value for item in elf.symbols_of(section.index)}
    for item in btf.find(section.name, Kind.DATASEC):
        for member in btf.type(item).members:
            variable = btf.type(member.type)
            offset = offsets.get(variable.name, member.value)
            yield variable, offset, btf.strip(variable.type)


def _from_btf(elf: Elf, section: Section, btf: Btf) -> Iterator[Map]:
    for variable, offset, definition in _variables(elf, section, btf):
        name = variable.name
        if definition.kind != Kind.STRUCT:
            raise ParseError(f"map {name[:60]}: its definition is no struct")
        item = _map(btf, name, section.index, offset, definition, 0)
        yield replace(item, static=_is_static(variable))


def _map(btf: Btf, name: str, section: int, offset: int, definition: Type, depth: int) -> Map:
    if depth > 1:
        raise ParseError(f"map {name[:60]}: maps in maps in maps")
    if len(definition.members) > _MAX_MEMBERS:
        raise ParseError(f"map {name[:60]}: its definition has {len(definition.members)} members")
    numbers: dict[str, int] = {}
    sizes: dict[str, int] = {}
    key, value, inner, programs = 0, 0, None, False
    fault: tuple[str, str] | tuple[()] = ()
    for member in definition.members:
        kind = btf.strip(member.type)
        if member.name in ("key", "value") and kind.kind == Kind.PTR:
            sizes[member.name] = btf.size_of(kind.type) or 0
            key, value = (kind.type, value) if member.name == "key" else (key, kind.type)
        elif member.name == "values" and kind.kind == Kind.ARRAY:
            inner = _inner(btf, name, section, kind, depth)
            programs = inner is None
            sizes["value"] = 4
        elif member.name in _NUMBERS:
            number = _number(btf, kind)
            if number is None:
                fault = fault or ("number", member.name)
            else:
                numbers[member.name] = number
        elif member.name not in ("key", "value", "values"):
            fault = fault or ("field", member.name)
    if numbers.get("pinning", 0) > 1:
        fault = fault or ("pinning", str(numbers["pinning"]))
    return Map(
        name,
        section,
        offset,
        numbers.get("type", 0),
        flags=numbers.get("map_flags", 0),
        extra=numbers.get("map_extra", 0),
        numa=numbers.get("numa_node"),
        inner=inner,
        value=value,
        key=key,
        key_size=numbers.get("key_size", sizes.get("key", 0)),
        value_size=numbers.get("value_size", sizes.get("value", 0)),
        max_entries=numbers.get("max_entries", 0),
        programs=programs,
        fault=fault,
    )


def _is_static(variable: Type) -> bool:
    """Whether a variable is static: ``BTF_VAR_STATIC``."""
    return variable.kind == Kind.VAR and variable.count == 0


def _number(btf: Btf, kind: Type) -> int | None:
    """Return a number as the macros __uint (length of an array) and __ulong (enum) write it."""
    if kind.kind == Kind.PTR:
        target = btf.strip(kind.type)
        if target.kind == Kind.ARRAY:
            return target.count
    if kind.kind in (Kind.ENUM, Kind.ENUM64) and kind.members:
        return kind.members[0].value
    return None


def _inner(btf: Btf, name: str, section: int, array: Type, depth: int) -> Map | None:
    """Return the inner map of ``__array(values, ...)``; None for an array of programs."""
    pointer = btf.strip(array.type)
    if pointer.kind != Kind.PTR:
        raise ParseError(f"map {name[:60]}: its values are no pointers")
    target = btf.strip(pointer.type)
    if target.kind != Kind.STRUCT:
        return None
    return _map(btf, f"{name}.inner", section, -1, target, depth + 1)


def _from_symbols(elf: Elf, section: Section) -> Iterator[Map]:
    symbols = sorted(
        (item for item in elf.symbols_of(section.index) if item.name),
        key=lambda item: item.value,
    )
    order = elf.order
    for symbol in symbols:
        at = symbol.value
        if at + 16 > len(section.data):
            raise ParseError(f"map {symbol.name[:60]} is cut off")
        words = [
            int.from_bytes(section.data[start : start + 4], order)
            for start in range(at, min(at + 20, len(section.data)), 4)
        ]
        yield Map(
            symbol.name,
            section.index,
            at,
            words[0],
            key_size=words[1],
            value_size=words[2],
            max_entries=words[3],
            flags=words[4] if len(words) == 5 and symbol.size != 16 else 0,
        )


def _from_struct_ops(elf: Elf, section: Section, btf: Btf) -> Iterator[Map]:
    for variable, offset, definition in _variables(elf, section, btf):
        yield Map(
            variable.name,
            section.index,
            offset,
            26,
            struct_ops=definition.name.split("___")[0],
            autocreate=not section.name.startswith("?"),
            link=section.name.endswith(".link"),
        )


class SpecialFields:
    """Finds kernel structs and pointers in types; counts its steps over all of them."""

    def __init__(self, btf: Btf, names: frozenset[str]) -> None:
        """Look for structs of these names, and for ``kptr``."""
        self._btf, self._names, self._steps = btf, names, 0

    def of(self, type_id: int) -> frozenset[str]:
        """Return what a type holds, however deep.

        :raises ParseError: it is larger or nested deeper than any real one
        """
        found: set[str] = set()
        seen: set[int] = set()
        todo = [(type_id, 0)]
        while todo:
            at, depth = todo.pop()
            self._steps += 1
            if depth > _MAX_DEPTH or self._steps > _MAX_STEPS:
                raise ParseError(f"BTF: type {type_id} is nested too deep")
            kind = self._btf.strip(at)
            if kind.kind == Kind.PTR:
                if self._is_kernel_pointer(kind.type):
                    found.add("kptr")
            elif kind.id not in seen:
                seen.add(kind.id)
                if kind.kind == Kind.STRUCT and kind.name in self._names:
                    found.add(kind.name)
                elif kind.kind in (Kind.STRUCT, Kind.UNION):
                    todo += [(member.type, depth + 1) for member in kind.members]
                elif kind.kind in (Kind.ARRAY, Kind.VAR):
                    todo.append((kind.type, depth + 1))
        return frozenset(found)

    def _is_kernel_pointer(self, type_id: int) -> bool:
        for _ in range(_MAX_DEPTH):
            target = self._btf.type(type_id)
            if target.kind == Kind.TYPE_TAG and target.name in _POINTERS:
                return True
            if target.kind not in (Kind.TYPE_TAG, Kind.CONST, Kind.VOLATILE):
                return False
            type_id = target.type
        return False
