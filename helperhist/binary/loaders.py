"""Loaders of BPF objects, and which of them an object was made for.

Source: ``section_defs`` and ``find_sec_def`` of libbpf (before 1.0 a prefix was enough);
``getProgType`` of cilium/ebpf; ``ProgramSection`` of aya-obj; ``sectionTypes`` of Android's
bpfloader; ``bpf_fetch_maps_begin`` of iproute2's ``lib/bpf_legacy.c``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from helperhist.binary.elf import Elf
from helperhist.binary.sections import program_kind

__all__ = ["LOADERS", "RELOCATING", "Choice", "choose_loader"]

LOADERS = ("auto", "libbpf", "libbpf0", "cilium", "aya", "android", "iproute2", "raw")
#: Those that resolve CO-RE relocations and answer the checks for existence.
RELOCATING = frozenset(("libbpf", "libbpf0", "cilium", "aya"))

_ANDROID = ("critical", "bpfloader_min_ver", "bpfloader_max_ver", ".android_maps")
#: Bytes of one definition in the section ``maps``: ``struct bpf_elf_map`` of iproute2, and
#: ``bpf_map_def`` of aya.
_SIZES = {36: "iproute2", 28: "aya"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A loader for an object.

    :ivar because: names of the sections that libbpf 1.x refuses, or does not know; empty if it
        takes the object
    """

    loader: str
    because: tuple[str, ...] = ()


def choose_loader(elf: Elf, programs: Iterable[str]) -> Choice:
    """Return the loader for which an object makes sense; libbpf if it does for that.

    :param programs: names of the sections with programs
    """
    sections = sorted(set(programs))
    marks = tuple(name for name in _ANDROID if elf.section(name) is not None)
    if marks:
        return Choice("android", marks)
    legacy = elf.section("maps")
    unknown = tuple(name for name in sections if program_kind(name) is None)
    because = (*(("maps",) if legacy is not None else ()), *unknown)
    if not because:
        return Choice("libbpf")
    others = ["cilium", "libbpf0", "aya", "android"]
    if legacy is not None:
        named = [item for item in elf.symbols_of(legacy.index) if item.name]
        each = len(legacy.data) // len(named) if named else 0
        others = [_SIZES[each]] if each in _SIZES else ["cilium", "libbpf0"]
    for other in others:
        if other == "iproute2" or all(program_kind(name, other) for name in sections):
            return Choice(other, because)
    # Nobody knows a type for some section: user space gives it.
    return Choice("libbpf")
