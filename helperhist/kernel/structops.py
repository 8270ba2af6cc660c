"""Whether a kernel takes the struct_ops of an object.

The rules are libbpf's (``bpf_map__init_kern_struct_ops``): the kernel has the struct and its
``bpf_struct_ops_x``, and each member that the object sets, of the same kind and size.
"""

from collections.abc import Collection
from dataclasses import dataclass

from helperhist.binary import Btf, Kind
from helperhist.errors import ParseError
from helperhist.kernel.compat import essential
from helperhist.kernel.corespec import Target
from helperhist.kernel.nearest import Names

__all__ = ["StructOps", "find_struct_ops"]

_PREFIX = "bpf_struct_ops_"


@dataclass(frozen=True, slots=True)
class StructOps:
    """The answer about one struct, or about one member of it.

    :ivar name: ``tcp_congestion_ops``, or ``tcp_congestion_ops.ssthresh``
    :ivar found: whether the kernel takes it
    :ivar reason: why it does not, else empty
    :ivar nearest: the most similar name that the kernel has; empty if there is none
    """

    name: str
    found: bool
    reason: str = ""
    nearest: str = ""


def find_struct_ops(
    local: Btf, type_id: int, used: Collection[str], target: Target
) -> tuple[StructOps, ...]:
    """Look up a struct_ops map.

    :param local: the BTF of the object
    :param type_id: the struct in it, as the variable in ``.struct_ops`` has it
    :param used: names of the members that the object sets to something other than zeroes
    :return: the struct, then the members that are used, in their order; the struct alone if the
        kernel has none
    :raises ParseError: the object's BTF is no struct there
    """
    mine = local.strip(type_id)
    if mine.kind != Kind.STRUCT:
        raise ParseError(f"struct_ops of {mine.name or 'no struct'}")
    name = essential(mine.name)
    for number, (_, btf) in enumerate(target.parts):
        outer = [
            item
            for item in btf.find(_PREFIX + name, Kind.STRUCT)
            if not number or item >= btf.first
        ]
        inner = btf.find(name, Kind.STRUCT)
        if not outer:
            continue
        if not inner or all(item.type != inner[0] for item in btf.type(outer[0]).members):
            reason = f"{_PREFIX}{name} of this kernel holds no struct {name}"
            return (StructOps(name, False, reason),)
        members = _members(local, mine.id, set(used), btf, inner[0], target.pointer)
        return (StructOps(name, True, ""), *members)
    near = Names(btf for _, btf in target.parts).nearest(name, Kind.STRUCT, _PREFIX)
    reason = "not in this BTF: of another release or configuration, or of a module"
    return (StructOps(name, False, reason, near),)


def _members(
    local: Btf, mine_id: int, used: set[str], btf: Btf, its_id: int, pointer: int
) -> list[StructOps]:
    mine, its = local.type(mine_id), btf.type(its_id)
    places = {item.name: item for item in reversed(its.members)}
    name = essential(mine.name)
    found = []
    for member in mine.members:
        place = places.get(member.name)
        full = f"{name}.{member.name}"
        if place is None:
            if member.name in used:
                found.append(StructOps(full, False, "not a member in this kernel"))
            continue
        one, other = local.strip(member.type), btf.strip(place.type)
        reason = ""
        if member.size or place.size:
            reason = "a bit field, which libbpf does not set"
        elif one.kind != other.kind:
            reason = "of another kind in this kernel"
        elif one.kind == Kind.PTR:
            if member.name in used and btf.strip(other.type).kind != Kind.FUNC_PROTO:
                reason = "no function in this kernel"
        elif local.size_of(one.id) != btf.size_of(other.id, pointer):
            reason = "of another size in this kernel"
        if reason or member.name in used:
            found.append(StructOps(full, not reason, reason))
    return found
