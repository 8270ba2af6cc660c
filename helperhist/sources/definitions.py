"""What a header defines: entries, and the pieces of a header that define them."""

import re
from dataclasses import dataclass

from helperhist.errors import ParseError
from helperhist.sources.cconstants import Constant
from helperhist.timeline import SENTINEL, Fact

__all__ = [
    "NOTHING",
    "Definitions",
    "Pending",
    "bounded",
    "constant_fact",
    "fits_int",
    "is_name",
    "is_sentinel",
]

_SENTINEL = re.compile(r"_*MAX_.+|__.+|.+_UNSPEC|BPF_FUNC_unspec|bpf_unspec")


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: Of a name, and of the path of a member; the longest of the kernel's own has 60.
_MAX_NAME = 512


def is_name(text: str) -> bool:
    r"""Whether a text is an identifier of C.

    >>> [is_name(text) for text in ("bpf_loop", "0x10", "caf\xe9", "")]
    [True, False, False, False]
    """
    return _NAME.fullmatch(text) is not None


def bounded(name: str) -> str:
    """Return a name, or the path of a member.

    :raises ParseError: it is longer than any real one
    """
    if len(name) > _MAX_NAME:
        raise ParseError(f"a name of {len(name)} bytes begins with {name[:60]}")
    return name


def is_sentinel(name: str) -> bool:
    """Whether a name only marks the begin or end of a list, or is internal to the header.

    >>> [is_sentinel(name) for name in ("__MAX_BPF_CMD", "BPF_MAP_TYPE_UNSPEC", "BPF_MAP_CREATE")]
    [True, True, False]
    """
    return _SENTINEL.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Pending:
    """A constant whose value needs names from elsewhere in the header."""

    kind: str
    name: str
    tokens: tuple[str, ...]
    #: Enumerators after the one that has the expression: added to its value.
    offset: int = 0
    #: Whether it is a macro, and then whether other expressions can use it as one operand.
    macro: bool = False
    operand: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Definitions:
    """What one top-level piece defines."""

    entries: tuple[Fact, ...] = ()
    #: Typed values, for expressions elsewhere.
    constants: tuple[tuple[str, Constant], ...] = ()
    open: tuple[Pending, ...] = ()
    #: Every name defined, with its kind.
    names: frozenset[str] = frozenset()
    mapper: bool = False


NOTHING = Definitions()


def fits_int(value: int) -> bool:
    """Whether a value fits the type of an enumerator, 6.7.2.2 p2."""
    return -(1 << 31) <= value < 1 << 31


def constant_fact(kind: str, name: str, value: int) -> Fact:
    """Return a name with the value under which it is known."""
    # The value of a sentinel changes with every release and says nothing.
    return Fact(kind, name) if kind == SENTINEL else Fact(kind, name, "", str(value))
