"""What one file of a kernel tree says of kfuncs, before the files are put together.

Each record is one tuple of strings in a :class:`~helperhist.sources.source.Piece`.
"""

from dataclasses import dataclass

from helperhist.sources.tree_records import Code, Constant, ProgramType, Strings

__all__ = [
    "Alias",
    "Check",
    "Definition",
    "IdSet",
    "KfuncSet",
    "ListCall",
    "ListUse",
    "Record",
    "Registration",
    "Row",
    "SetEntry",
    "StructOps",
    "Twin",
]


@dataclass(frozen=True, slots=True)
class IdSet:
    """``BTF_SET_START(name)`` ... ``BTF_SET_END(name)``, and the later spellings of it."""

    name: str


@dataclass(frozen=True, slots=True)
class SetEntry:
    """``BTF_ID_FLAGS(func, name, KF_A | KF_B)`` or ``BTF_ID(func, name)`` of a set."""

    id_set: str
    name: str
    flags: Strings
    guards: Strings


@dataclass(frozen=True, slots=True)
class ListUse:
    """A macro among the entries of a set that lists names: ``XDP_METADATA_KFUNC_xxx``.

    :ivar element: the macro that the list calls, as the set's file defines it just before, and
        its parameters and body
    """

    id_set: str
    macro: str
    element: str
    parameters: Strings
    body: str
    guards: Strings


@dataclass(frozen=True, slots=True)
class ListCall:
    """One of the calls of an element's macro that a list's macro consists of."""

    macro: str
    element: str
    arguments: Strings


@dataclass(frozen=True, slots=True)
class Alias:
    """``#define name other``."""

    name: str
    other: str


@dataclass(frozen=True, slots=True)
class KfuncSet:
    """``struct btf_kfunc_id_set name = { .set = &ids, .filter = f }``.

    :ivar flagged: of 5.18 and 5.19, which have one set for each flag, pairs of flag and set
    """

    name: str
    id_set: str
    filter: str
    flagged: Strings = ()


@dataclass(frozen=True, slots=True)
class Registration:
    """``register_btf_kfunc_id_set(program_type, &kfunc_set)``.

    5.16 and 5.17 have ``register_kfunc_btf_id_set(&list, &kfunc_set)``: then ``type`` is empty.
    """

    type: str
    kfunc_set: str
    list: str
    guards: Strings


@dataclass(frozen=True, slots=True)
class Check:
    """``struct bpf_verifier_ops ops = { .check_kfunc_call = function }`` of 5.13 to 5.17."""

    ops: str
    function: str
    guards: Strings


@dataclass(frozen=True, slots=True)
class StructOps:
    """``struct bpf_struct_ops object = { .verifier_ops = &ops, .name = "struct" }``."""

    object: str
    struct: str
    ops: str


@dataclass(frozen=True, slots=True)
class Twin:
    """That members of two operations structs have one offset, as a build of the kernel checks.

    ``#define MATCH(a, b) BUILD_BUG_ON(offsetof(struct struct, a) != offsetof(struct other, b))``
    """

    struct: str
    member: str
    other: str
    other_member: str


@dataclass(frozen=True, slots=True)
class Definition:
    """A function that may be a kfunc.

    :ivar marked: ``__bpf_kfunc``, which all kfuncs have from 6.3 on, or nothing
    """

    name: str
    returns: str
    parameters: Strings
    marked: str
    guards: Strings


@dataclass(frozen=True, slots=True)
class Row:
    """An element of an array by the struct_ops member that indexes it, and its expression."""

    table: str
    member: str
    value: str


Record = (
    IdSet
    | SetEntry
    | ListUse
    | ListCall
    | Alias
    | KfuncSet
    | Registration
    | Check
    | StructOps
    | Definition
    | Code
    | Row
    | Twin
    | Constant
    | ProgramType
)
