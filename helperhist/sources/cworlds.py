"""What a small C function may ask of a program, and the function."""

from dataclasses import dataclass
from enum import Enum

from helperhist.sources.csyntax import Block

__all__ = ["Function", "Program", "World"]


class Program(Enum):
    """Objects of the verifier that a function's parameters stand for."""

    PROG = "struct bpf_prog"
    AUX = "struct bpf_prog_aux"
    ENV = "struct bpf_verifier_env"
    MAP = "struct bpf_map"


@dataclass(frozen=True, slots=True)
class World:
    """One program without subprograms, and a map that it uses.

    :ivar type: ``BPF_PROG_TYPE_XDP``
    :ivar attach: ``BPF_TRACE_ITER``; "" is one that no function in question names
    :ivar ops: the struct_ops object that it is part of: ``bpf_Qdisc_ops``; "" is another one
    :ivar member: of the operations struct: ``enqueue``; "" is another one
    :ivar map_type: of the map in question, which has no inner map and no fields of the kernel's
    :ivar no_prealloc: whether it has BPF_F_NO_PREALLOC
    """

    type: str
    attach: str = ""
    ops: str = ""
    member: str = ""
    sleepable: bool = False
    map_type: str = ""
    no_prealloc: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function's parameters, by name, and its body; each is equal to itself only."""

    name: str
    parameters: tuple[str, ...]
    body: Block
