"""The documentation comment of ``bpf.h``: prototypes, descriptions and return values of helpers.

The kernel keeps it from 4.18 on, commit 56a092c89505 ("bpf: add script and prepare bpf.h for new
helpers documentation"), and reads it with its own ``scripts/bpf_doc.py``.
"""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["HelperDoc", "Prototype", "parse_docs", "parse_prototype"]

_START = b"Start of BPF helper function descriptions"
_PROTOTYPE = re.compile(
    r"(?P<ret>[A-Za-z_][\w *]*?[ *])(?P<name>bpf_\w+)\((?P<args>[^()]*)\)", re.ASCII
)
_SECTION = re.compile(r"\s+(Description|Returns?|Attributes)\s*")
_MAX_LINE = 1000


@dataclass(frozen=True, slots=True)
class Prototype:
    """The C prototype of a helper.

    :ivar returns: the type returned: ``"void *"``
    :ivar arguments: (type, name) of each: ``("const void *", "key")``; no argument is the empty
        tuple, a variable list ends with ``("...", "")``
    """

    name: str
    returns: str
    arguments: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        arguments = ", ".join(_join(kind, name) for kind, name in self.arguments)
        return f"{_join(self.returns, self.name)}({arguments or 'void'})"


@dataclass(frozen=True, slots=True)
class HelperDoc:
    """What the header says of one helper."""

    prototype: Prototype
    description: str
    returns: str
    attributes: tuple[str, ...]


def _join(kind: str, name: str) -> str:
    return kind if not name else f"{kind}{name}" if kind.endswith("*") else f"{kind} {name}"


def parse_prototype(text: str) -> Prototype | None:
    """Parse ``void *bpf_map_lookup_elem(struct bpf_map *map, const void *key)``.

    :return: None where the text is no prototype of a helper
    """
    match = _PROTOTYPE.fullmatch(text.strip())
    if match is None:
        return None
    arguments = []
    inner = match["args"].strip()
    for argument in inner.split(",") if inner not in ("", "void") else ():
        parsed = _argument(argument)
        if parsed is None:
            return None
        arguments.append(parsed)
    return Prototype(match["name"], _spaced(match["ret"]), tuple(arguments))


def _argument(text: str) -> tuple[str, str] | None:
    text = text.strip()
    if text == "...":
        return "...", ""
    match = re.fullmatch(r"([A-Za-z_][\w *]*?[ *])(\w+)", text, re.ASCII)
    return None if match is None else (_spaced(match[1]), match[2])


def _spaced(kind: str) -> str:
    """Write a type as the kernel does: one space before the stars, none after."""
    words = kind.replace("*", " * ").split()
    text = " ".join(words)
    while "* *" in text:
        text = text.replace("* *", "**")
    return text


def parse_docs(header: bytes) -> Iterator[HelperDoc]:
    """Yield the documented helpers of a header, in its order; nothing before 4.18."""
    start = header.find(_START)
    if start < 0:
        return
    end = header.find(b"*/", start)
    block = header[start : end if end >= 0 else len(header)].decode("utf-8", "replace")
    prototype: Prototype | None = None
    sections: dict[str, list[str]] = {}
    section = ""
    for raw in block.splitlines()[1:]:
        line = raw.strip("\r").lstrip()
        if not line.startswith("*") or len(line) > _MAX_LINE:
            continue
        line = line[1:]
        if line[:1] == " " and line[1:2].strip():
            found = parse_prototype(line)
            if found is not None:
                if prototype is not None:
                    yield _doc(prototype, sections)
                prototype, sections, section = found, {}, ""
                continue
        heading = _SECTION.fullmatch(line)
        if heading is not None:
            section = "Return" if heading[1] == "Returns" else heading[1]
            sections.setdefault(section, [])
        elif section:
            sections[section].append(line.expandtabs(8))
    if prototype is not None:
        yield _doc(prototype, sections)


def _doc(prototype: Prototype, sections: dict[str, list[str]]) -> HelperDoc:
    def text(section: str) -> str:
        lines = "\n".join(line.rstrip() for line in sections.get(section, ()))
        return textwrap.dedent(lines).strip("\n")

    return HelperDoc(
        prototype, text("Description"), text("Return"), tuple(text("Attributes").split())
    )
