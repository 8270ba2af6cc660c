"""What a register holds, as far as it can be followed."""

from typing import NamedTuple

from helperhist.check.guards import Guard

__all__ = [
    "CONTEXT",
    "SOME_ADDRESS",
    "Access",
    "Address",
    "Question",
    "State",
    "Value",
    "Variable",
    "Word",
    "join",
]

#: Stands for an address: any number but zero.
SOME_ADDRESS = 1 << 63 | 0x5EED


class Context:
    """The value of a register that holds the program's context."""


class Variable(NamedTuple):
    """The value of a register that holds the address of a ``.kconfig`` variable."""

    name: str


class Address(NamedTuple):
    """The value of a register that holds an address in a section of the object's data."""

    section: int
    offset: int


class Word(NamedTuple):
    """The value of a register that holds 8 bytes of the context, or a part of them."""

    offset: int


CONTEXT = Context()
Value = int | Context | Variable | Address | Word | None
State = list[Value]
#: What is asked on the way: a guard, or so many bytes of the object's data.
Question = Guard | tuple[Address, int]


class Access(NamedTuple):
    """An access to the context; a store of an ``immediate`` value is not for all kernels."""

    offset: int
    immediate: bool


def join(one: State, other: State) -> State:
    """Return what is known where two ways meet."""
    return [a if a == b else None for a, b in zip(one, other, strict=True)]
