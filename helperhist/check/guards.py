"""The checks for existence that a program makes, and that its loader answers."""

from typing import NamedTuple

from helperhist.binary import LDDW, SHN_UNDEF, BpfObject, Function

__all__ = ["Guard", "field_name", "guards_of"]

#: ``enum bpf_core_relo_kind``: what asks whether something exists.
_FIELD_EXISTS, _TYPE_EXISTS, _ENUM_EXISTS, _TYPE_MATCHES = 2, 8, 10, 12
_EXISTENCE = {_FIELD_EXISTS, _TYPE_EXISTS, _ENUM_EXISTS, _TYPE_MATCHES}


class Guard(NamedTuple):
    """Something whose existence a program asks for.

    :ivar kind: ``enum``, ``field``, ``type``, ``extern`` or ``kconfig``
    :ivar name: of the enumerator, ``struct.field``, type, extern or variable
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return self.name if self.kind == "enum" else f"{self.kind} {self.name}"


def guards_of(obj: BpfObject, function: Function) -> dict[int, Guard]:
    """Return the guards by the index of the instruction that gets the answer."""
    found: dict[int, Guard] = {}
    btf = obj.btf
    for index, relo in function.relos.items():
        if relo.kind not in _EXISTENCE or btf is None:
            continue
        local = btf.strip(relo.type)
        # A name may end in ___something, so that an object can have several views of a type.
        name = local.name.split("___")[0]
        if relo.kind == _ENUM_EXISTS:
            at = int(relo.access) if relo.access.isdigit() and len(relo.access) < 9 else -1
            if 0 <= at < len(local.members):
                found[index] = Guard("enum", local.members[at].name.split("___")[0])
        elif relo.kind == _FIELD_EXISTS:
            found[index] = Guard("field", f"{name}.{_path(obj, relo.type, relo.access)}")
        else:
            found[index] = Guard("type", name)
    for index, relocation in function.relocations.items():
        if relocation.symbol.section != SHN_UNDEF or function.insns[index].code != LDDW:
            continue
        extern = obj.extern(relocation)
        if extern is not None and extern.kind == "kconfig":
            found[index] = Guard("kconfig", extern.name)
        elif extern is not None and extern.weak:
            found[index] = Guard("extern", extern.name)
    return found


def _path(obj: BpfObject, type_id: int, access: str) -> str:
    """Return the names of the fields that an access string like ``0:1:2`` goes through."""
    names: list[str] = []
    if obj.btf is None:
        return ""
    found = obj.btf.strip(type_id)
    for part in access.split(":")[1:]:
        if not part.isdigit() or len(part) > 8:
            break
        if found.members and int(part) < len(found.members):
            member = found.members[int(part)]
            if member.name:
                names.append(member.name.split("___")[0])
            found = obj.btf.strip(member.type)
        else:
            found = obj.btf.strip(found.type)
    return ".".join(names)


def field_name(obj: BpfObject, type_id: int, access: str) -> str:
    """Return ``struct.field`` of a CO-RE relocation."""
    struct = "" if obj.btf is None else obj.btf.strip(type_id).name.split("___")[0]
    return f"{struct}.{_path(obj, type_id, access)}"
