"""The members of archives, one after the other, in memory; nothing is written.

Python's :mod:`tarfile` reads headers of any size that an archive claims; here is what is needed of
the format (POSIX pax, and GNU's long names), in bounds.
"""

import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from helperhist.binary.packed import Budget, Stream
from helperhist.binary.recognise import Form
from helperhist.errors import ParseError
from helperhist.printable import readable

__all__ = ["MAX_MEMBER", "Member", "members", "tar_members"]

#: Larger members are passed over: no object, and no program that carries one, is larger.
MAX_MEMBER = 256 << 20
_BLOCK = 512
_MAX_HEADER = 1 << 20
_PAX_PATH = re.compile(rb"^\d+ path=([^\n]*)\n", re.MULTILINE)
_PIECE = 1 << 20


class Member(NamedTuple):
    """One file in an archive; its name is for people only."""

    name: str
    data: bytes


def members(form: Form, file: BinaryIO, budget: Budget) -> Iterator[Member]:
    """Yield the regular files of an archive.

    :param file: at its start
    :raises ParseError: it is damaged, or has too much
    """
    if form is Form.ZIP:
        yield from _zip(file, budget)
    elif form is Form.TAR:
        yield from tar_members(Stream(iter(lambda: file.read(_PIECE), b"")), budget)
    elif form is Form.AR:
        yield from _ar(file, budget)


def tar_members(stream: Stream, budget: Budget) -> Iterator[Member]:
    """Yield the regular files of a tar archive.

    :raises ParseError: it is damaged, or has too many
    """
    long_name: bytes | None = None
    while len(head := stream.read(_BLOCK)) == _BLOCK and head.strip(b"\0"):
        budget.member()
        size, kind = _number(head[124:136]), head[156:157]
        padded = -(-size // _BLOCK) * _BLOCK
        if kind in (b"L", b"x"):
            if size > _MAX_HEADER:
                raise ParseError("tar archive: a name of more than a megabyte")
            data = stream.read(padded)[:size]
            if kind == b"L":
                long_name = data.rstrip(b"\0")
            elif (found := _PAX_PATH.search(data)) is not None:
                long_name = found[1]
            continue
        if kind in (b"0", b"\0", b"7") and size <= MAX_MEMBER:
            data = stream.read(padded)
            if len(data) < size:
                raise ParseError("tar archive: it is cut off")
            yield Member(readable(long_name or _name(head))[:4096], data[:size])
        else:
            stream.skip(padded)
        if kind != b"g":
            long_name = None


def _name(head: bytes) -> bytes:
    name = head[:100].partition(b"\0")[0]
    prefix = head[345:500].partition(b"\0")[0] if head[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _number(field: bytes) -> int:
    """Return a number: octal digits, or GNU's base 256."""
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not re.fullmatch(rb"[0-7]*", digits):
        raise ParseError("tar archive: a size that is not a number")
    return int(digits or b"0", 8)


def _ar(file: BinaryIO, budget: Budget) -> Iterator[Member]:
    """Yield the members of an ar archive: Debian's packages, and libraries."""
    file.read(8)
    while len(head := file.read(60)) == 60:
        budget.member()
        digits = head[48:58].strip()
        if not digits.isdigit() or head[58:60] != b"`\n":
            raise ParseError("ar archive: it is damaged")
        size = int(digits)
        if size > MAX_MEMBER:
            return
        data = file.read(size)
        if len(data) < size:
            raise ParseError("ar archive: it is cut off")
        budget.take(size, size)
        yield Member(readable(head[:16].rstrip(b" /")), data)
        file.read(size % 2)


def _zip(file: BinaryIO, budget: Budget) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(file) as archive:
            packed = 0
            for item in archive.infolist():
                budget.member()
                if item.is_dir() or item.file_size > MAX_MEMBER:
                    continue
                packed += item.compress_size
                with archive.open(item) as opened:
                    parts = []
                    while piece := opened.read(_PIECE):
                        budget.take(len(piece), packed)
                        parts.append(piece)
                yield Member(
                    readable(item.filename.encode(errors="replace"))[:4096], b"".join(parts)
                )
    except ParseError:
        raise
    except RuntimeError as error:
        raise ParseError(f"zip archive: {error}") from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        struct.error,
        EOFError,
        OSError,
        ValueError,
        OverflowError,
    ) as error:
        raise ParseError(f"zip archive: it is damaged: {error}") from error
