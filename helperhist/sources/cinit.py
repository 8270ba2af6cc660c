"""Initialisers of C objects: ``{ .func = bpf_bind, .ops = { [BPF_X] = &y, z } }``.

Rules are those of C11 (N1570), 6.7.9.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from helperhist.errors import ParseError
from helperhist.sources.cfile import CFile, Item
from helperhist.sources.ctokens import Token, closing

__all__ = ["Field", "item_fields", "read_fields"]

# The kernel has at most 4 levels.
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Field:
    """One member or element of an initialiser.

    ``name`` is the designator without its first dot (``func``, ``[BPF_X]``, ``a.b``) and empty for
    none; ``value`` holds the tokens of its value, and ``fields`` what is in the value's braces.
    """

    name: str
    at: int
    value: tuple[Token, ...]
    fields: tuple["Field", ...] = ()


def item_fields(file: CFile, item: Item) -> tuple[Field, ...]:
    """Return the fields of an object's initialiser.

    :raises ParseError: when it nests too deeply.
    """
    return read_fields(file.tokens(item.body, item.end))


def read_fields(tokens: Sequence[Token], depth: int = 0) -> tuple[Field, ...]:
    """Return the fields that the tokens inside of an initialiser's braces are.

    Directives among them are dropped: ask the file for the guards of a field's ``at``.

    :raises ParseError: when it nests too deeply.
    """
    if depth > _MAX_DEPTH:
        raise ParseError("an initialiser nests too deeply to read")
    fields = []
    start = at = 0
    tokens = [token for token in tokens if not token.startswith("#")]
    while at <= len(tokens):
        if at == len(tokens) or tokens[at] == ",":
            if at > start:
                fields.append(_field(tokens[start:at], depth))
            start = at = at + 1
        elif tokens[at] in {"(", "[", "{"}:
            at = min(closing(tokens, at) + 1, len(tokens))
        else:
            at += 1
    return tuple(fields)


def _field(tokens: list[Token], depth: int) -> Field:
    value = 0
    if tokens[0] in {".", "["}:
        while value < len(tokens) and tokens[value] != "=":
            value = closing(tokens, value) + 1 if tokens[value] == "[" else value + 1
        name = "".join(tokens[:value]).removeprefix(".")
        value = min(value + 1, len(tokens))
    else:
        name = ""
    rest = tokens[value:]
    brace = next((at for at, token in enumerate(rest) if token == "{"), -1)
    # A compound literal is a value in braces too: (struct x){ ... }
    fields: tuple[Field, ...] = ()
    if brace == 0 or (brace > 0 and rest[brace - 1] == ")"):
        fields = read_fields(rest[brace + 1 : closing(rest, brace)], depth + 1)
    return Field(name, tokens[0].at, tuple(rest), fields)
