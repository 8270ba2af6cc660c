"""The names of one kernel out of BTF, of a ``vmlinux.h`` or of a UAPI header.

Pure. Which enumerations and structs belong to the UAPI is taken from a timeline: BTF does not
tell. What a source cannot show is not reported as missing: BTF has no ``#define``, and an
anonymous enum only where the kernel's own code uses it.
"""

import re
from collections.abc import Iterable, Iterator

from helperhist.binary import Btf, Kind, Member, Type
from helperhist.errors import ParseError
from helperhist.kernel.corespec import Target
from helperhist.kernel.info import KernelInfo, Uapi
from helperhist.sources import (
    MAX_HEADER_BYTES,
    is_sentinel,
    parse_header,
    split_pieces,
)
from helperhist.timeline import (
    SENTINEL,
    Fact,
    canonical_name,
)

__all__ = [
    "info_of_btf",
    "info_of_header",
    "info_of_vmlinux_header",
    "kfuncs_of",
]

#: The tag of kfuncs; pahole writes it where the kernel's build asks for it.
_KFUNC_TAG = "bpf_kfunc"

_MAX_DEPTH = 16
#: Far beyond what a kernel has (3,000 enums, 250 members of a UAPI struct): hostile.
_MAX_ENUMS = 100_000
_MAX_MEMBERS = 20_000
_VMLINUX_PIECE = re.compile(rb"(?:typedef\s+)?(enum|struct|union)\b\s*(\w*)\s*\{")
_KSYM = re.compile(rb"\b([A-Za-z_]\w{0,127})\s{0,8}\(")


def info_of_btf(btf: Btf, uapi: Uapi, source: str, version: str | None = None) -> KernelInfo:
    """Return what a kernel's BTF shows.

    :raises ParseError: it is not a kernel's: it has no ``enum bpf_func_id``
    """
    names: dict[str, Fact] = {}
    whole = set()
    for count, type_id in enumerate(btf.ids(Kind.ENUM, Kind.ENUM64)):
        if count > _MAX_ENUMS:
            raise ParseError(f"{source}: more than {_MAX_ENUMS} enums are no kernel's")
        tag = btf.name(type_id)
        kind = uapi.enums.get(tag)
        if kind is not None:
            whole.add(kind)
        elif tag and not tag.startswith("bpf_"):
            continue
        found = btf.type(type_id)
        # Until pahole wrote ENUM64, values of more than 32 bits were cut off.
        cut = found.kind == Kind.ENUM and found.size > 4
        for member in found.members:
            for name in _constant(member, tag, kind, uapi):
                names.setdefault(name.name, Fact(name.kind, name.name) if cut else name)
    if "helper" not in whole:
        raise ParseError(
            f"{source}: this BTF has no enum bpf_func_id, so it is not of a kernel; give "
            "/sys/kernel/btf/vmlinux or a vmlinux"
        )
    for struct in uapi.structs:
        fields = _largest(btf, struct)
        if fields is not None:
            whole.add(struct)
            for path in dict.fromkeys(fields):
                names[path] = Fact("field", path)
    kfuncs = kfuncs_of(btf)
    return KernelInfo(
        source,
        "btf",
        tuple(names.values()),
        kfuncs or None,
        version,
        frozenset(whole),
        types=Target(btf),
        renamed=uapi.renamed,
    )


def _constant(member: Member, tag: str, kind: str | None, uapi: Uapi) -> Iterator[Fact]:
    name = member.name
    if kind == "helper":
        name = canonical_name(name)
    if is_sentinel(name):
        return
    if name in uapi.flags:
        yield Fact.of("flag", name, member.value)
    elif kind is not None and tag:
        # As the timeline has it: a flag stays one, whatever enum it is in.
        yield Fact.of("flag" if name.startswith("BPF_F_") else kind, name, member.value)


def _largest(btf: Btf, tag: str) -> list[str] | None:
    """Return the fields of a struct; of the fullest, where units of the kernel have several."""
    best: list[str] | None = None
    for type_id in btf.find(tag, Kind.STRUCT, Kind.UNION)[:16]:
        fields: list[str] = []
        _add_fields(btf, btf.type(type_id), tag, 0, [0], fields)
        if best is None or len(fields) > len(best):
            best = fields
    return best


def _add_fields(
    btf: Btf, struct: Type, prefix: str, depth: int, seen: list[int], fields: list[str]
) -> None:
    """Append the paths of the members of a struct.

    :param seen: the number of members so far, those without a name included
    """
    seen[0] += len(struct.members)
    if depth > _MAX_DEPTH or seen[0] > _MAX_MEMBERS:
        raise ParseError(f"BTF: {prefix[:60]} has too many members, or nested too deep")
    for member in struct.members:
        inner = btf.type(member.type)
        for _ in range(_MAX_DEPTH):
            if inner.kind != Kind.ARRAY:
                break
            inner = btf.type(inner.type)
        # Only what is declared in place: a struct with a tag stands for itself.
        nested = inner.kind in (Kind.STRUCT, Kind.UNION) and not inner.name
        path = f"{prefix}.{member.name}" if member.name else prefix
        if member.name:
            fields.append(path)
        if nested:
            # C11 6.7.2.1 p13: members of an anonymous struct are members of what holds it.
            _add_fields(btf, inner, path, depth + 1, seen, fields)


def kfuncs_of(btf: Btf) -> tuple[str, ...]:
    """Return the functions that are marked as kfuncs, those of a base not included."""
    found = set()
    for type_id in btf.ids(Kind.DECL_TAG):
        if btf.name(type_id) == _KFUNC_TAG:
            function = btf.type(btf.type(type_id).type)
            if function.kind == Kind.FUNC:
                found.add(function.name)
    return tuple(sorted(found))


def info_of_header(data: bytes, uapi: Uapi, source: str, form: str = "header") -> KernelInfo:
    """Return what a UAPI header defines.

    :raises ParseError: it has no list of helpers
    """
    names = tuple(_names(parse_header(data, source)))
    return KernelInfo(source, form, names, renamed=uapi.renamed)


def _names(facts: Iterable[Fact]) -> Iterator[Fact]:
    return (fact for fact in facts if fact.kind != SENTINEL)


def info_of_vmlinux_header(data: bytes, uapi: Uapi, source: str) -> KernelInfo:
    """Read a header dumped from BTF: only the pieces that can matter, of thousands."""
    if len(data) > MAX_HEADER_BYTES:
        raise ParseError(f"{source} has {len(data)} bytes, more than {MAX_HEADER_BYTES}")
    kept, whole, kfuncs = [], set(), set()
    for piece in split_pieces(data).pieces:
        if piece.startswith(b"extern ") and b"__ksym" in piece:
            function = _KSYM.search(piece)
            if function is not None:
                kfuncs.add(function[1].decode("latin-1"))
            continue
        match = _VMLINUX_PIECE.match(piece)
        if match is None:
            continue
        tag = match[2].decode("latin-1")
        if match[1] == b"enum":
            if tag in uapi.enums:
                whole.add(uapi.enums[tag])
            elif tag and not tag.startswith("bpf_"):
                continue
        elif tag in uapi.structs:
            whole.add(tag)
        else:
            continue
        kept.append(piece)
    known = {*uapi.enums.values(), "field"}
    names = tuple(
        name
        for name in _names(parse_header(b"\n".join(kept), source))
        if name.name in uapi.flags or (name.kind in known and name.kind != "flag")
    )
    return KernelInfo(
        source,
        "vmlinux.h",
        names,
        tuple(sorted(kfuncs)) or None,
        whole=frozenset(whole),
        renamed=uapi.renamed,
    )
