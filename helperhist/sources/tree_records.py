"""Records of a piece, each one tuple of strings, and those that several sources have."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import Field, astuple, dataclass
from dataclasses import fields as fields_of
from typing import Any, ClassVar, Protocol, TypeVar

from helperhist.errors import ParseError

__all__ = ["Code", "Constant", "ProgramType", "Strings", "pack", "unpack"]

Strings = tuple[str, ...]


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


_Record = TypeVar("_Record", bound=_Dataclass)


@dataclass(frozen=True, slots=True)
class Code:
    """A function that decides who may call a kfunc: the names of its parameters, its body."""

    name: str
    parameters: Strings
    body: str


@dataclass(frozen=True, slots=True)
class Constant:
    """An enumerator, and its value in decimal."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ProgramType:
    """``BPF_PROG_TYPE(type, stem, ...)``: the verifier's ops are ``stem_verifier_ops``."""

    type: str
    stem: str


def pack(record: _Dataclass) -> Strings:
    """Return a record as strings: its class, and its fields, tuples of strings as JSON."""
    fields = astuple(record)
    return type(record).__name__, *(
        field if isinstance(field, str) else json.dumps(field) for field in fields
    )


def unpack(records: Iterable[Strings], *classes: type[_Record]) -> Iterator[_Record]:
    """Iterate over the records of a piece.

    :param classes: those that it may have
    :raises ParseError: when one is not what :func:`pack` returns
    """
    known = {cls.__name__: cls for cls in classes}
    for kind, *fields in records:
        try:
            cls: Callable[..., _Record] = known[kind]
            values = [
                field if description.type is str else tuple(json.loads(field))
                for description, field in zip(fields_of(known[kind]), fields, strict=True)
            ]
        except (KeyError, TypeError, ValueError, RecursionError) as e:
            raise ParseError("a cached piece is damaged: scan again without the cache") from e
        yield cls(*values)
