"""Compressed files, unpacked in memory and in bounds.

A small file can stand for any amount of data: whoever unpacks has a :class:`Budget`, which all
layers of a file share, and which ends in a :class:`ParseError`.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, BinaryIO, Protocol

from helperhist.binary.recognise import Form
from helperhist.errors import ParseError

__all__ = ["Budget", "Stream", "chunks", "unpack"]

_PIECE = 1 << 20
#: Of xz and lzma; the kernel's own images want 128 MiB for their dictionary.
_LZMA_MEMORY = 256 << 20
_ZSTD_WINDOW = 128 << 20
_ZSTD_PIECE = 1 << 10
#: A block of the kernel's lz4 format, unpacked.
_LZ4_BLOCK = 8 << 20
#: Unpacked bytes for one packed one, beyond the first 64 MiB: text and kernels have ten.
_RATIO = 200
_RATIO_FROM = 64 << 20


class Budget:
    """How much may be unpacked, and looked at, for one file that a user names."""

    def __init__(self, most: int = 1 << 30, members: int = 100_000, depth: int = 4) -> None:
        """Begin.

        :param most: bytes in all
        :param members: of archives, in all
        :param depth: of files in files
        """
        self._most, self._left, self._members, self.depth = most, most, members, depth

    def take(self, count: int, packed: int) -> None:
        """Take note of bytes that were unpacked.

        :param packed: from how many packed ones, so far
        :raises ParseError: they are too many
        """
        self._left -= count
        used = self._most - self._left
        if self._left < 0:
            raise ParseError(f"it unpacks to more than {self._most >> 20} MiB")
        if used > _RATIO_FROM and used > _RATIO * max(packed, 1):
            raise ParseError(f"it unpacks to more than {_RATIO} times its size")

    def member(self) -> None:
        """Take note of a member of an archive.

        :raises ParseError: they are too many
        """
        self._members -= 1
        if self._members < 0:
            raise ParseError("it has too many members")


class _Decompressor(Protocol):
    """What the decompressors of Python's library have in common; see :mod:`bz2`."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """:mod:`zlib` in the form of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max(max_length, 0))


def _xz() -> _Decompressor:
    return lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)


def _lz4() -> _Decompressor:
    made: _Decompressor = _module("lz4.frame", "lz4").LZ4FrameDecompressor()
    return made


_DECOMPRESSORS: dict[Form, Callable[[], _Decompressor]] = {
    Form.GZIP: _Gzip,
    Form.BZIP2: bz2.BZ2Decompressor,
    Form.XZ: _xz,
    Form.LZMA: _xz,
    Form.LZ4: _lz4,
}


def _module(name: str, what: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ParseError(
            f"it is compressed with {what}: pip install 'helperhist[images]', or unpack it first"
        ) from error


def chunks(form: Form, file: BinaryIO, budget: Budget) -> Iterator[bytes]:
    """Yield the unpacked bytes of a compressed file; what comes behind its end is left alone.

    :param file: at the start of the compressed data
    :raises ParseError: it is damaged, unpacks to too much, or wants a module that is not there
    """
    if form not in (Form.ZSTD, Form.LZ4_LEGACY, *_DECOMPRESSORS):
        raise ParseError(f"it is {form.value}: unpack it first")
    try:
        if form is Form.ZSTD:
            yield from _zstd(file, budget)
        elif form is Form.LZ4_LEGACY:
            yield from _lz4_legacy(file, budget)
        else:
            yield from _plain(_DECOMPRESSORS[form], file, budget)
    except ParseError:
        raise
    except (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError) as error:
        raise ParseError(f"it is {form.value}, and damaged: {error}") from error


def _plain(make: Callable[[], _Decompressor], file: BinaryIO, budget: Budget) -> Iterator[bytes]:
    inner, data, packed, whole = make(), b"", 0, False
    while True:
        if inner.eof:
            whole = True
            data = inner.unused_data or file.read(_PIECE)
            # Of several streams, as parallel packers write them, or of padding.
            inner = make()
            if not data.strip(b"\0"):
                return
        elif inner.needs_input or not data:
            data = file.read(_PIECE) if inner.needs_input else b""
            if inner.needs_input and not data:
                if whole:
                    return
                raise EOFError("it is cut off")
        packed += len(data)
        try:
            found = inner.decompress(data, _PIECE)
        except (zlib.error, lzma.LZMAError, OSError, RuntimeError):
            if whole:
                return
            raise
        data = b""
        budget.take(len(found), packed)
        if found:
            yield found


def _zstd(file: BinaryIO, budget: Budget) -> Iterator[bytes]:
    zstandard = _module("zstandard", "zstd")
    try:
        yield from _zstd_frames(
            zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW), file, budget
        )
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error


def _zstd_frames(made: Any, file: BinaryIO, budget: Budget) -> Iterator[bytes]:
    inner, packed, whole, rest = made.decompressobj(), 0, False, b""
    while True:
        # It takes no bound for what it returns. Three bytes can stand for 128 KiB, so that what
        # it is given has to be short.
        data = rest or file.read(_ZSTD_PIECE)
        rest = b""
        if not data:
            if not whole:
                raise EOFError("it is cut off")
            return
        if whole and not data.startswith(b"(\xb5/\xfd"[: len(data)]):
            return
        whole = False
        found = inner.decompress(data)
        packed += len(data)
        budget.take(len(found), packed)
        if found:
            yield found
        if inner.eof:
            whole, rest = True, inner.unused_data
            inner = made.decompressobj()


def _lz4_legacy(file: BinaryIO, budget: Budget) -> Iterator[bytes]:
    """Unpack what ``lz4 -l`` writes: blocks with their packed sizes, and no end."""
    block = _module("lz4.block", "lz4")
    file.read(4)
    packed = 4
    while len(size := file.read(4)) == 4:
        count = int.from_bytes(size, "little")
        data = file.read(count) if count <= 2 * _LZ4_BLOCK else b""
        packed += 4 + len(data)
        if not data and packed > 8:
            # The kernel appends the size of what is unpacked, which is not that of a block.
            return
        if not 0 < len(data) == count:
            raise EOFError("it is cut off")
        try:
            found = block.decompress(data, uncompressed_size=_LZ4_BLOCK)
        except block.LZ4BlockError as error:
            raise ValueError(str(error)) from error
        budget.take(len(found), packed)
        yield found
        if len(found) < _LZ4_BLOCK:
            return


def unpack(form: Form, file: BinaryIO, budget: Budget, most: int) -> bytes:
    """Return the unpacked bytes of a compressed file.

    :param most: how many they may be
    :raises ParseError: see :func:`chunks`
    """
    found = bytearray()
    for piece in chunks(form, file, budget):
        found += piece
        if len(found) > most:
            raise ParseError(f"it unpacks to more than {most >> 20} MiB")
    return bytes(found)


class Stream:
    """Bytes that come in pieces, read in other pieces, forwards only."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """Begin at the first."""
        self._pieces, self._left = pieces, b""

    def read(self, count: int) -> bytes:
        """Return the next bytes; fewer at the end."""
        parts, wanted = [], count
        while wanted > 0:
            if not self._left:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._left = piece
            taken, self._left = self._left[:wanted], self._left[wanted:]
            wanted -= len(taken)
            parts.append(taken)
        return b"".join(parts)

    def skip(self, count: int) -> None:
        """Pass over bytes."""
        while count > 0 and (piece := self.read(min(count, _PIECE))):
            count -= len(piece)
