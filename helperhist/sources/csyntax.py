"""What small C functions consist of: the filters and switches that decide what may be called.

Only declarations, assignments, ``if``, ``switch``, ``return`` and expressions without side effects
have nodes (C11, N1570, 6.5 and 6.8). Anything else is :class:`Unread`, which matters only where it
decides.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = [
    "Assign",
    "Binary",
    "Block",
    "Break",
    "Call",
    "Choice",
    "Compiled",
    "Expression",
    "Goto",
    "Identifier",
    "If",
    "Index",
    "Label",
    "Member",
    "Number",
    "Return",
    "Statement",
    "Switch",
    "Unary",
    "Unread",
    "names_in",
]


@dataclass(frozen=True, slots=True)
class Number:
    """An integer constant."""

    value: int


@dataclass(frozen=True, slots=True)
class Identifier:
    """A variable, enumerator or macro."""

    name: str


@dataclass(frozen=True, slots=True)
class Unary:
    """``-x``, ``!x``, ``~x``, ``&x``, ``*x``."""

    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """``a && b`` and the other operators of two operands."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Choice:
    """``test ? yes : no``; ``yes`` is None for ``test ?: no``."""

    test: "Expression"
    yes: "Expression | None"
    no: "Expression"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function or macro by its name."""

    name: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Member:
    """``base->name`` or ``base.name``."""

    base: "Expression"
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """``base[index]``."""

    base: "Expression"
    index: "Expression"


@dataclass(frozen=True, slots=True)
class Unread:
    """Tokens that are none of these."""


Expression = Number | Identifier | Unary | Binary | Choice | Call | Member | Index | Unread


@dataclass(frozen=True, slots=True)
class Return:
    """``return value;``; None without a value."""

    value: Expression | None


@dataclass(frozen=True, slots=True)
class Assign:
    """``name = value;``, or a declaration with an initialiser; Unread for ``|=`` and others."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class If:
    """``if (test) yes else no``."""

    test: Expression
    yes: "Statement"
    no: "Statement | None"


@dataclass(frozen=True, slots=True)
class Switch:
    """``switch (value) {...}``.

    :ivar body: pairs of labels that stand before a statement (None is ``default``), and it
    """

    value: Expression
    body: tuple[tuple[tuple[Expression | None, ...], "Statement"], ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Statements in order."""

    body: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Break:
    """``break;``."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """``#if test``, what stands under it, and what under its ``#else``.

    :ivar test: the directive's text: ``ifdef CONFIG_NET``
    """

    test: str
    yes: "Block"
    no: "Block"


@dataclass(frozen=True, slots=True)
class Goto:
    """``goto label;``."""

    label: str


@dataclass(frozen=True, slots=True)
class Label:
    """``name:``."""

    name: str


Statement = Return | Assign | If | Switch | Block | Break | Compiled | Goto | Label | Unread


def names_in(node: Statement | Expression) -> Iterator[str]:
    """Iterate over the names in a statement or expression, and the objects as ``&name``."""
    match node:
        case Identifier(name):
            yield name
        case Unary("&", Identifier(name)):
            yield f"&{name}"
        case Unary(_, operand):
            yield from names_in(operand)
        case Binary(_, left, right):
            yield from names_in(left)
            yield from names_in(right)
        case Choice(test, yes, no):
            yield from _all(part for part in (test, yes, no) if part is not None)
        case Call(name, arguments):
            yield f"{name}()"
            yield from _all(arguments)
        case Member(base, _):
            yield from names_in(base)
        case Index(base, index):
            yield from names_in(base)
            yield from names_in(index)
        case Block(body):
            yield from _all(body)
        case Return(value):
            if value is not None:
                yield from names_in(value)
        case Assign(_, value):
            yield from names_in(value)
        case Compiled(_, yes, no):
            yield from _all((yes, no))
        case If(test, then, other):
            yield from _all((test, then) if other is None else (test, then, other))
        case Switch(value, pairs):
            yield from names_in(value)
            for labels, inner in pairs:
                yield from _all(label for label in labels if label is not None)
                yield from names_in(inner)


def _all(nodes: Iterable[Statement | Expression]) -> Iterator[str]:
    for node in nodes:
        yield from names_in(node)
