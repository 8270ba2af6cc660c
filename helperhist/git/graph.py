"""Read git's commit-graph: first parents, trees and changed paths, without reading commits.

The format: git's ``Documentation/gitformat-commit-graph.txt``. The file is foreign: whatever is
wrong with it makes :func:`open_graph` return None, and commits are read one by one as before.
"""

import hashlib
import itertools
import mmap
import re
import struct
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helperhist.git.files import read_regular

__all__ = ["NO_PARENT", "CommitGraph", "open_graph", "path_hashes"]

#: What stands for a parent that a commit has not.
NO_PARENT = 0x70000000

_NAME = re.compile(r"[0-9a-f]{40}")
_HEADER = struct.Struct(">4sBBBB")
_CHUNK = struct.Struct(">4sQ")
_BLOOM = struct.Struct(">III")
_ID = 20
_RECORD = 36
_FANOUT = 256 * 4
_MAX_LAYERS = 100
_MAX_BYTES = 2 << 30
#: Bits that each path sets in a filter.
_HASHES = 7
#: Git itself writes up to nine chunks.
_MAX_CHUNKS = 64
_PART = 1 << 20


@dataclass(frozen=True, slots=True)
class _Layer:
    """One file: where its chunks are.

    :ivar first: position of its first commit in the whole chain
    :ivar filters: offsets of their index and of the filters themselves, and the bytes of the latter
    """

    data: mmap.mmap
    first: int
    count: int
    fanout: int
    ids: int
    records: int
    filters: tuple[int, int, int] | None


class CommitGraph:
    """Commits by their position: an integer, the same as in the file's own references."""

    def __init__(self, layers: Sequence[_Layer]) -> None:
        self._layers = tuple(layers)
        self._first = [layer.first for layer in layers]
        self.count = layers[-1].first + layers[-1].count

    def find(self, oid: bytes) -> int | None:
        """Return the position of a commit; None where the graph lacks it."""
        for layer in self._layers:
            data = layer.data
            at = layer.fanout + 4 * oid[0]
            high = int.from_bytes(data[at : at + 4])
            low = int.from_bytes(data[at - 4 : at]) if oid[0] else 0
            while low < high:
                middle = (low + high) // 2
                at = layer.ids + _ID * middle
                there = data[at : at + _ID]
                if there == oid:
                    return layer.first + middle
                if there < oid:
                    low = middle + 1
                else:
                    high = middle
        return None

    def _layer(self, position: int) -> _Layer:
        return self._layers[bisect_right(self._first, position) - 1]

    def oid(self, position: int) -> bytes:
        """Return the id of a commit."""
        layer = self._layer(position)
        at = layer.ids + _ID * (position - layer.first)
        return layer.data[at : at + _ID]

    def record(self, position: int) -> tuple[bytes, int]:
        """Return the tree of a commit, and the position of its first parent or NO_PARENT.

        :raises ValueError: the parent is out of bounds
        """
        layer = self._layer(position)
        at = layer.records + _RECORD * (position - layer.first)
        parent = int.from_bytes(layer.data[at + _ID : at + _ID + 4])
        if parent >= self.count and parent != NO_PARENT:
            raise ValueError("the commit-graph refers to a commit that it lacks")
        return layer.data[at : at + _ID], parent

    def unchanged(self, position: int, paths: Sequence[Sequence[int]]) -> bool:
        """Whether a commit certainly changes none of some paths against its first parent.

        :param paths: :func:`path_hashes` of each
        """
        layer = self._layer(position)
        if layer.filters is None:
            return False
        data, (index, filters, size) = layer.data, layer.filters
        at = index + 4 * (position - layer.first)
        end = int.from_bytes(data[at : at + 4])
        begin = int.from_bytes(data[at - 4 : at]) if position > layer.first else 0
        # No filter: too many paths, or never computed.
        if not begin < end <= size:
            return False
        content = data[filters + begin : filters + end]
        bits = 8 * (end - begin)
        for hashes in paths:
            for value in hashes:
                bit = value % bits
                if not content[bit >> 3] >> (bit & 7) & 1:
                    break
            else:
                return False
        return True


def open_graph(objects: Path) -> CommitGraph | None:
    """Open the commit-graph of a folder of objects, one file or a chain of them.

    :return: None where there is none, or anything is wrong with it
    """
    try:
        single = objects / "info" / "commit-graph"
        if single.exists():
            return CommitGraph([_open_layer(single, [], "")])
        folder = objects / "info" / "commit-graphs"
        listed = read_regular(folder / "commit-graph-chain")
        chain = (listed or b"").decode("ascii").split()
        if not 0 < len(chain) <= _MAX_LAYERS:
            return None
        layers: list[_Layer] = []
        for number, name in enumerate(chain):
            if not _NAME.fullmatch(name):
                return None
            layers.append(_open_layer(folder / f"graph-{name}.graph", chain[:number], name, layers))
        return CommitGraph(layers)
    except (OSError, ValueError, struct.error):
        return None


def _open_layer(
    path: Path, below: Sequence[str], name: str, layers: Sequence[_Layer] = ()
) -> _Layer:
    """Map one file, and look at all that reading it relies on.

    :raises ValueError: it is damaged, or of a format that is not read
    """
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        size = len(data) - _ID
        if not _HEADER.size < size <= _MAX_BYTES:
            raise ValueError("size")
        # Not through the map, of which few pages are needed later.
        digest = hashlib.sha1(usedforsecurity=False)
        left = size
        while left and (part := file.read(min(left, _PART))):
            digest.update(part)
            left -= len(part)
    if digest.digest() != data[size:] or (name and digest.hexdigest() != name):
        raise ValueError("checksum")
    magic, version, hashing, count, bases = _HEADER.unpack_from(data)
    if (magic, version, hashing, bases) != (b"CGPH", 1, 1, len(below)) or count > _MAX_CHUNKS:
        raise ValueError("format")
    chunks = _chunks(data, count, size)
    if below and _bytes(data, chunks, b"BASE") != b"".join(map(bytes.fromhex, below)):
        raise ValueError("base")
    fanout = struct.unpack(">256I", _bytes(data, chunks, b"OIDF"))
    commits = fanout[-1]
    if list(fanout) != sorted(fanout):
        raise ValueError("fanout")
    for kind, each in ((b"OIDL", _ID), (b"CDAT", _RECORD)):
        begin, end = chunks[kind]
        if end - begin != each * commits:
            raise ValueError("length")
    first = layers[-1].first + layers[-1].count if layers else 0
    if not 0 < first + commits < NO_PARENT:
        raise ValueError("count")
    return _Layer(
        data,
        first,
        commits,
        chunks[b"OIDF"][0],
        chunks[b"OIDL"][0],
        chunks[b"CDAT"][0],
        _filters(data, chunks, commits),
    )


def _chunks(data: mmap.mmap, count: int, size: int) -> dict[bytes, tuple[int, int]]:
    """Return where each chunk begins and ends."""
    table = [_CHUNK.unpack_from(data, _HEADER.size + _CHUNK.size * n) for n in range(count + 1)]
    end_of_table = _HEADER.size + _CHUNK.size * len(table)
    chunks: dict[bytes, tuple[int, int]] = {}
    for (kind, begin), (_, end) in itertools.pairwise(table):
        if not end_of_table <= begin <= end <= size or kind in chunks:
            raise ValueError("chunk")
        chunks[kind] = begin, end
    if table[-1][0] != bytes(4) or not {b"OIDF", b"OIDL", b"CDAT"} <= chunks.keys():
        raise ValueError("chunks")
    return chunks


def _bytes(data: mmap.mmap, chunks: dict[bytes, tuple[int, int]], kind: bytes) -> bytes:
    begin, end = chunks.get(kind, (0, 0))
    return data[begin : min(end, begin + _FANOUT + _ID * _MAX_LAYERS)]


def _filters(
    data: mmap.mmap, chunks: dict[bytes, tuple[int, int]], commits: int
) -> tuple[int, int, int] | None:
    """Return where the filters of changed paths are; None where there are none."""
    if b"BIDX" not in chunks or b"BDAT" not in chunks:
        return None
    (index, end), (begin, last) = chunks[b"BIDX"], chunks[b"BDAT"]
    if end - index != 4 * commits or last - begin < _BLOOM.size:
        raise ValueError("filters")
    version, hashes, _ = _BLOOM.unpack_from(data, begin)
    # Versions differ only in paths with bytes above 127.
    if version not in (1, 2) or hashes != _HASHES:
        return None
    return index, begin + _BLOOM.size, last - begin - _BLOOM.size


def path_hashes(path: str) -> tuple[int, ...] | None:
    """Return the numbers of the bits that a changed path sets; None of a path that is not ASCII.

    A filter has those of each folder above it, too.
    """
    if not path.isascii():
        return None
    parts = path.split("/")
    data = ["/".join(parts[:depth]).encode() for depth in range(1, len(parts) + 1)]
    pairs = [(_murmur3(0x293AE76F, name), _murmur3(0x7E646E2C, name)) for name in data]
    return tuple(one + number * two & 0xFFFFFFFF for number in range(_HASHES) for one, two in pairs)


def _murmur3(seed: int, data: bytes) -> int:
    """Return the 32-bit hash that git's ``bloom.c`` takes of a path."""
    mask = 0xFFFFFFFF

    def mix(word: int) -> int:
        word = word * 0xCC9E2D51 & mask
        word = (word << 15 | word >> 17) & mask
        return word * 0x1B873593 & mask

    value = seed
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        value ^= mix(int.from_bytes(data[at : at + 4], "little"))
        value = (value << 13 | value >> 19) & mask
        value = (value * 5 + 0xE6546B64) & mask
    value ^= mix(int.from_bytes(data[whole:], "little"))
    value ^= len(data)
    value = (value ^ value >> 16) * 0x85EBCA6B & mask
    value = (value ^ value >> 13) * 0xC2B2AE35 & mask
    return value ^ value >> 16
