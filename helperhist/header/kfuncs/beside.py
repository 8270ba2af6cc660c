"""What a ``vmlinux.h`` has of what a generated header declares."""

import re
from dataclasses import dataclass

from helperhist.errors import ParseError
from helperhist.header.kfuncs.signature import Function, parse_signature

__all__ = ["MAX_VMLINUX", "Beside", "read_beside"]

_DEFINED = re.compile(r"^(struct|union|enum) (\w+) \{", re.MULTILINE | re.ASCII)
#: Characters; those of all kernels have 4 Mi or less.
MAX_VMLINUX = 64 << 20
#: The longest declaration of the kernel has 300 characters.
_LONGEST = 4000
_NAME = re.compile(r"(\w+)\(", re.ASCII)


@dataclass(frozen=True, slots=True)
class Beside:
    """What a ``vmlinux.h`` declares.

    :ivar functions: name to type; None where it could not be read
    :ivar defined: structs, unions and enums that it defines: ``"struct task_struct"``
    """

    functions: dict[str, Function | None]
    defined: frozenset[str]


def read_beside(text: str) -> Beside:
    """Read a ``vmlinux.h`` as bpftool writes it.

    :raises ParseError: it is longer than any
    """
    if len(text) > MAX_VMLINUX:
        raise ParseError(f"this vmlinux.h has more than {MAX_VMLINUX >> 20} MiB; is it one?")
    functions: dict[str, Function | None] = {}
    for statement in text.split(";"):
        found = statement[statement.rfind("\nextern ") + 1 :]
        if not found.startswith("extern ") or "(" not in found or len(found) > _LONGEST:
            continue
        try:
            function = parse_signature(found)
        except ParseError:
            name = _NAME.search(found.replace("__attribute__(", ""))
            if name is not None:
                functions[name[1]] = None
        else:
            functions[function.name] = function
    return Beside(functions, frozenset(f"{a} {b}" for a, b in _DEFINED.findall(text)))
