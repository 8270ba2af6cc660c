"""The BPF objects of any file: the file itself, or what it carries, however it is packed."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, NamedTuple

from helperhist.binary.archives import members, tar_members
from helperhist.binary.embedded import find_embedded
from helperhist.binary.filesymbols import FileSymbols
from helperhist.binary.literals import find_literals
from helperhist.binary.packed import Budget, Stream, chunks
from helperhist.binary.recognise import COMPRESSED, CONTAINERS, HEAD, Form, recognise
from helperhist.errors import ParseError

__all__ = ["Found", "find_objects"]

_SOURCES = frozenset(
    {Form.SKELETON, Form.C_HEADER, Form.C_SOURCE, Form.GO, Form.RUST, Form.SCRIPT, Form.TEXT}
)
#: A skeleton's function, or a variable: ``char x[]``, ``var x =``, ``const X: &[u8]``.
_VARIABLE = re.compile(
    rb"\b(\w{1,200})__elf_bytes\(|\b(?:var|const|static|char)\s+(?!data\[)(\w{1,200})\s*(?=[\[:=])",
    re.ASCII,
)
#: Source files with an object written out in them may be five times as large as that.
_MAX_TEXT = 256 << 20
#: What is unpacked from a single compressed file.
_MAX_UNPACKED = 256 << 20


class Found(NamedTuple):
    """An object, and where it was.

    :ivar member: names in the archives that it is in, joined by ``!``; empty if it is in none
    :ivar offset: of its first byte in the file or member; None if it is the whole of it
    :ivar symbol: the variable that holds it, where the file says so
    """

    data: bytes
    member: str = ""
    offset: int | None = None
    symbol: str = ""


def find_objects(
    file: BinaryIO, name: str, budget: Budget | None = None, most: int = 64 << 20
) -> Iterator[Found]:
    """Yield the BPF objects of a file.

    :param file: one that can seek
    :param name: of the file, to tell source from source
    :param most: bytes that are read of an object
    :raises ParseError: it is damaged, or unpacks to too much
    """
    budget = budget or Budget()
    file.seek(0)
    form = recognise(file.read(HEAD), name)
    file.seek(0)
    if form is Form.OBJECT:
        yield Found(file.read(most + 1))
    else:
        yield from _inside(file, name, form, budget, 0)


def _inside(file: BinaryIO, name: str, form: Form, budget: Budget, depth: int) -> Iterator[Found]:
    file.seek(0)
    if form in COMPRESSED:
        yield from _unpacked(file, name, form, budget, depth)
    elif form in CONTAINERS:
        if depth < budget.depth:
            for member in members(form, file, budget):
                yield from _member(member.name, member.data, budget, depth)
    elif form in _SOURCES:
        yield from _written(file)
    elif form in (Form.ELF, Form.OTHER, Form.KERNEL_IMAGE):
        symbols: FileSymbols | None = None
        for item in find_embedded(file):
            symbols = symbols or FileSymbols(file)
            yield Found(item.data, "", item.offset, symbols.name(item.offset))


def _unpacked(file: BinaryIO, name: str, form: Form, budget: Budget, depth: int) -> Iterator[Found]:
    if depth >= budget.depth:
        return
    stream = Stream(chunks(form, file, budget))
    head = stream.read(HEAD)
    inner = name.rpartition(".")[0] or name
    if recognise(head, inner) is Form.TAR:
        for member in tar_members(Stream(_again(head, stream)), budget):
            yield from _member(member.name, member.data, budget, depth + 1)
        return
    data = bytearray(head)
    for piece in _again(b"", stream):
        data += piece
        if len(data) > _MAX_UNPACKED:
            raise ParseError(f"it unpacks to more than {_MAX_UNPACKED >> 20} MiB")
    yield from _member("", bytes(data), budget, depth, inner)


def _again(head: bytes, stream: Stream) -> Iterator[bytes]:
    if head:
        yield head
    while piece := stream.read(1 << 20):
        yield piece


def _member(label: str, data: bytes, budget: Budget, depth: int, name: str = "") -> Iterator[Found]:
    """Yield the objects of a file in another, labelled with its name."""
    form = recognise(data[:HEAD], name or label)
    if form is Form.OBJECT:
        yield Found(data, label)
        return
    for item in _inside(BytesIO(data), name or label, form, budget, depth + 1):
        yield item._replace(member="!".join(part for part in (label, item.member) if part))


def _written(file: BinaryIO) -> Iterator[Found]:
    text = file.read(_MAX_TEXT)
    for item in find_literals(text):
        if recognise(item.data[:HEAD]) is Form.OBJECT:
            yield Found(item.data, "", item.offset, _variable(text, item.offset))


def _variable(text: bytes, offset: int) -> str:
    """Return the name of the variable that a literal in a source file is of, as far as it shows."""
    names = [item[1] or item[2] for item in _VARIABLE.finditer(text, max(offset - 400, 0), offset)]
    return names[-1].decode("ascii")[:200] if names else ""
