"""Compiled BPF, byte by byte: ELF, BTF, .BTF.ext, instructions, the object they make up."""

from helperhist.binary.btf import Btf, Kind, Member, Type
from helperhist.binary.btfext import CoreRelo
from helperhist.binary.context import CONTEXTS, context_field
from helperhist.binary.elf import (
    EM_BPF,
    MAX_FILE,
    SHN_UNDEF,
    STB_LOCAL,
    STT_FUNC,
    STT_NOTYPE,
    Relocation,
)
from helperhist.binary.elfsections import read_sections
from helperhist.binary.insn import (
    CALL,
    EXIT,
    JA,
    JA32,
    JCOND,
    LDDW,
    PLAIN,
    Insn,
    feature,
    is_jump,
    target_of,
)
from helperhist.binary.maps import Map, SpecialFields
from helperhist.binary.object import BpfObject, Function, parse_object
from helperhist.binary.sections import LOADERS, ProgramKind, program_kind

__all__ = [
    "CALL",
    "CONTEXTS",
    "EM_BPF",
    "EXIT",
    "JA",
    "JA32",
    "JCOND",
    "LDDW",
    "LOADERS",
    "MAX_FILE",
    "PLAIN",
    "SHN_UNDEF",
    "STB_LOCAL",
    "STT_FUNC",
    "STT_NOTYPE",
    "BpfObject",
    "Btf",
    "CoreRelo",
    "Function",
    "Insn",
    "Kind",
    "Map",
    "Member",
    "ProgramKind",
    "Relocation",
    "SpecialFields",
    "Type",
    "context_field",
    "feature",
    "is_jump",
    "parse_object",
    "program_kind",
    "read_sections",
    "target_of",
]
