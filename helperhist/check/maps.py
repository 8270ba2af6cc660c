"""What the maps of an object need, and its global data."""

from helperhist.binary import BpfObject, Kind, Map, SpecialFields
from helperhist.check.mapdefs import newer_value, unset
from helperhist.check.names import Names
from helperhist.check.needs import Requirement, Unknown
from helperhist.check.rules import MAP_FLAGS, RULES, VALUE_TYPES
from helperhist.timeline import STRUCT_OPS

__all__ = ["MapNeeds"]


class MapNeeds:
    """Collects the requirements of maps."""

    def __init__(self, obj: BpfObject, names: Names) -> None:
        """Begin with nothing."""
        self._obj, self._rows, self._types = obj, names.lives.rows, names.map_types
        self._requirements: list[Requirement] = []
        self._unknown: list[Unknown] = []

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """What was found."""
        return tuple(self._requirements)

    @property
    def unknowns(self) -> tuple[Unknown, ...]:
        """What was found and is not known."""
        return tuple(self._unknown)

    def _since(self, name: str) -> str | None:
        row = self._rows.get(name)
        return None if row is None else row.since

    def add(self, item: Map, name: str, optional: bool) -> None:
        """Note the needs of a map, and of the map in it."""
        if item.struct_ops:
            self._struct_ops(item, optional)
            return
        row = self._types.get(item.type)
        if row is not None and row.since is not None:
            self._need("map_type", row.name, row.since, name, "UAPI header", optional, row.name)
        elif item.type == 0:
            self._unknown_map("map_type", "map without a type", "user space sets it", name)
        else:
            reason = "no release in the data has it"
            shown = f"map type {item.type}"
            self._unknown_map("map_type", shown, reason, name, newer=True, number=item.type)
        flags = item.flags
        for flag in MAP_FLAGS:
            value = self._rows[flag].id if flag in self._rows else None
            since = self._since(flag)
            if value and since and flags & value:
                flags &= ~value
                self._need("flag", flag, since, name, "map_flags", optional, flag)
        if flags:
            reason = "no release in the data has it"
            self._unknown_map("flag", f"map flags {flags:#x}", reason, name, newer=True)
        for key, given in (("numa node", item.numa is not None), ("map_extra", bool(item.extra))):
            since = self._since(RULES[key].uapi)
            if given and since:
                uapi = RULES[key].uapi
                self._need("field", uapi, since, name, "map definition", optional, uapi)
        if item.value and self._obj.btf is not None:
            self._values((item.value,), name, optional)
        for lacking in unset(item) if self._obj.relocates else ():
            reason = "unless user space sets it, no kernel creates the map"
            self._unknown_map("unset", lacking, reason, name, optional=optional)
        if (release := newer_value(item)) is not None:
            size = f"values of {item.value_size} bytes in {row.name if row else item.type}"
            source = "map_alloc_check of the kernel"
            self._need("map_value", size, release, name, source, optional)
        if item.inner is not None:
            self.add(item.inner, item.inner.name, optional)

    def _struct_ops(self, item: Map, optional: bool) -> None:
        rules = [RULES["struct_ops"]] + ([RULES["struct_ops link"]] if item.link else [])
        for rule in rules:
            if since := self._since(rule.uapi):
                evidence = f"section of {item.name}"
                self._need(rule.kind, rule.name, since, item.name, evidence, optional, rule.uapi)
        known = STRUCT_OPS.get(item.struct_ops)
        name = f"struct {item.struct_ops}"
        if known:
            self._need("struct_ops", name, known, item.name, "ebpf-docs", optional)
        else:
            reason = "the data does not say when the kernel accepts it"
            self._unknown_map("struct_ops", name, reason, item.name, optional=optional)

    def _values(self, types: tuple[int, ...], name: str, optional: bool = False) -> None:
        assert self._obj.btf is not None
        fields = SpecialFields(self._obj.btf, frozenset(VALUE_TYPES))
        for found in sorted({special for item in types for special in fields.of(item)}):
            rule = RULES["kptr"] if found == "kptr" else VALUE_TYPES[found]
            since = rule.since or self._since(rule.uapi)
            if since:
                self._need(rule.kind, rule.name, since, name, rule.source, optional, rule.uapi)

    def add_data(self) -> None:
        """Note the kernel structs in global variables."""
        btf = self._obj.btf
        if btf is None:
            return
        for name in sorted({self._obj.elf.sections[at].name for at in self._obj.data_sections}):
            types = tuple(
                member.type
                for item in btf.find(name, Kind.DATASEC)
                for member in btf.type(item).members
            )
            self._values(types, name)

    def _need(
        self,
        kind: str,
        name: str,
        since: str,
        map_: str,
        basis: str,
        optional: bool,
        uapi: str = "",
    ) -> None:
        causes = ("not created",) if optional else ()
        self._requirements.append(
            Requirement(
                kind, name, since, optional, map=map_, basis=basis, uapi=uapi, causes=causes
            )
        )

    def _unknown_map(
        self,
        kind: str,
        name: str,
        reason: str,
        map_: str,
        newer: bool = False,
        optional: bool = False,
        number: int | None = None,
    ) -> None:
        self._unknown.append(Unknown(kind, name, reason, newer, optional, map=map_, id=number))
