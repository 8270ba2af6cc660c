"""What a kernel offers: headers and BTF with the names of a release."""

from collections.abc import Iterable
from pathlib import Path

from helperhist.binary.btf import Btf
from helperhist.timeline import ENUM_KINDS, Fact
from tests.build.objects import compile_bpf

_TAGS = {kind: tag for tag, kind in ENUM_KINDS.items()}


def header(names: Iterable[Fact]) -> str:
    """Write a header with some names, in the shape of bpf.h, that a compiler takes."""
    enums: dict[str, list[str]] = {}
    structs: dict[str, list[str]] = {}
    flags = []
    for name in names:
        if name.kind == "field":
            struct, _, member = name.name.partition(".")
            if "." not in member:
                structs.setdefault(struct, []).append(f"\tint {member};")
        elif name.kind == "flag":
            if name.id is not None:
                flags.append(f"\t{name.name} = {name.id},")
        elif name.kind != "sentinel":
            tag = _TAGS.get(name.kind, name.kind)
            shown = name.name
            if tag == "bpf_func_id":
                shown = "BPF_FUNC_" + shown.removeprefix("bpf_")
            enums.setdefault(tag, []).append(f"\t{shown} = {name.id},")
    text = []
    for tag, lines in enums.items():
        if tag == "bpf_func_id":
            lines = ["\tBPF_FUNC_unspec,", *lines, "\t__BPF_FUNC_MAX_ID,"]
        text.append(f"enum {tag} {{\n" + "\n".join(lines) + "\n};\n")
    text.append("enum {\n" + "\n".join(flags) + "\n};\n")
    text += [f"struct {tag} {{\n" + "\n".join(lines) + "\n};\n" for tag, lines in structs.items()]
    return "\n".join(text)


def plain(names: Iterable[Fact]) -> list[Fact]:
    """Leave out what :func:`header` cannot write: members of members, macros without a value."""
    return [
        n
        for n in names
        if n.name.count(".") < 2 and (n.kind != "flag" or n.id is not None) and n.kind != "sentinel"
    ]


def vmlinux(names: Iterable[Fact]) -> Path:
    """Compile an ELF file whose BTF has what a kernel's has."""
    names = list(names)
    text = header(names)
    tags = {_TAGS.get(n.kind, n.kind) for n in names} - {"field", "flag", "sentinel"}
    text += "".join(f"enum {tag} v_{tag};\n" for tag in sorted(tags))
    structs = {n.name.partition(".")[0] for n in names if n.kind == "field"}
    text += "".join(f"struct {tag} s_{tag};\n" for tag in sorted(structs))
    return compile_bpf(text, "-Wno-everything")


def module_btf(below: Btf, path: Path) -> Path:
    """Write the BTF of a module with one kfunc: types and strings go on where its base ends."""
    strings = b"bpf_mod_kfunc\0bpf_kfunc\0"
    first, start = len(below), below.end_of_strings

    def words(*numbers: int) -> bytes:
        return b"".join((number & 0xFFFFFFFF).to_bytes(4, "little") for number in numbers)

    types = words(0, 13 << 24, 0)  # a prototype: void f(void)
    types += words(start, 12 << 24 | 1, first)  # the function
    types += words(start + 14, 17 << 24, first + 1, -1)  # its tag
    sections = (24, 0, len(types), len(types), len(strings))
    path.write_bytes(b"\x9f\xeb\x01\x00" + words(*sections) + types + strings)
    return path


def section(path: Path) -> bytes:
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        found = ELFFile(file).get_section_by_name(".BTF")
        assert found is not None
        return bytes(found.data())
