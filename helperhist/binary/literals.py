r"""BPF objects written out in source: the strings and lists of bytes that generators write.

``bpftool gen skeleton`` writes ``"\x7f\x45\x4c\x46..."``, bpf2go wrote ``"\x7fELF..."``, go-bindata
and ``xxd -i`` write ``0x7f, 0x45, ...``, Rust's generators ``127, 69, ...``. Only these are read;
nothing of the language around them is.
"""

import re
from collections.abc import Iterator

from helperhist.binary.embedded import Embedded
from helperhist.errors import ParseError

__all__ = ["find_literals"]

#: An ELF header's first four bytes as a string, and as a list.
_STRING = re.compile(
    rb'"(?:\\\r?\n)?(?=(?:\\x7f|\\177)(?:E|\\x45|\\105)(?:L|\\x4c|\\114))', re.IGNORECASE
)
_LIST = re.compile(
    rb"[\[{(,]\s*(?=(?:0x7f|127)(?:u8)?\s*,\s*(?:0x45|69)\s*,\s*(?:0x4c|76)\s*,)", re.IGNORECASE
)
#: What a string is made of; ``\<newline>`` joins lines, ``"<newline>"`` goes on.
_TOKEN = re.compile(
    rb"(?P<plain>[^\"\\\r\n]+)|\\x(?P<hex>[0-9a-fA-F]{2})|\\(?P<octal>[0-7]{1,3})"
    rb"|\\(?P<joined>\r?\n)|\\(?P<escape>.)|(?P<next>\"\s*\+?\s*\")"
)
_ESCAPES = {
    b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v",
}  # fmt: skip
_NUMBER = re.compile(rb"\s*(?:0x([0-9a-fA-F]{1,2})|([0-9]{1,3}))(?:u8)?\s*,?")
_MAX_BYTES = 64 << 20
_MAX_FOUND = 4096


def find_literals(text: bytes) -> Iterator[Embedded]:
    """Yield what begins like an ELF file in the literals of a source file.

    :return: where the literal begins in the text, and its bytes
    :raises ParseError: there are too many
    """
    past = found = 0
    starts = sorted(
        [(item.end(), True) for item in _STRING.finditer(text)]
        + [(item.end(), False) for item in _LIST.finditer(text)]
    )
    for start, is_string in starts:
        if start < past:
            continue
        found += 1
        if found > _MAX_FOUND:
            raise ParseError("too much in it looks like a BPF object")
        data, past = (_string if is_string else _list)(text, start)
        yield Embedded(start, data)


def _string(text: bytes, at: int) -> tuple[bytes, int]:
    found = bytearray()
    while (item := _TOKEN.match(text, at)) is not None and len(found) <= _MAX_BYTES:
        at = item.end()
        if item["hex"] is not None:
            found.append(int(item["hex"], 16))
        elif item["octal"] is not None:
            found.append(int(item["octal"], 8) & 0xFF)
        elif item["plain"] is not None:
            found += item["plain"]
        elif item["escape"] is not None:
            found += _ESCAPES.get(item["escape"], item["escape"])
    return bytes(found), at


def _list(text: bytes, at: int) -> tuple[bytes, int]:
    found = bytearray()
    while (item := _NUMBER.match(text, at)) is not None and len(found) <= _MAX_BYTES:
        value = int(item[1], 16) if item[1] is not None else int(item[2])
        if value > 0xFF:
            break
        found.append(value)
        at = item.end()
    return bytes(found), at
