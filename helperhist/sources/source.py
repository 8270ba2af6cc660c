"""What a source is: files of a kernel tree, read one by one into pieces, and linked into facts."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from helperhist.errors import ParseError
from helperhist.timeline import Fact

__all__ = ["Gap", "Piece", "Source", "parse_file", "read_tree"]


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """What a source met and could not read: the file, the line or 0, and what stands there.

    ``lost`` says that facts may be missing for it: what a tag with such a gap does not have, it may
    have all the same. Other gaps show in a fact, as ``?`` in its condition.
    """

    path: str
    line: int
    what: str
    lost: bool = False

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.what}" if place else self.what


@dataclass(frozen=True, slots=True)
class Piece:
    """What one source read in one file: records of strings, and gaps, whose path is empty.

    It depends on the file's bytes only, so that one is kept for each blob.
    """

    records: tuple[tuple[str, ...], ...] = ()
    gaps: tuple[Gap, ...] = ()

    def dump(self) -> str:
        """Return the piece as one line of JSON."""
        gaps = [(gap.line, gap.what, gap.lost) for gap in self.gaps]
        return json.dumps([self.records, gaps], separators=(",", ":"), ensure_ascii=True)

    @classmethod
    def load(cls, text: str) -> "Piece":
        """Read what ``dump`` wrote.

        :raises ParseError: when the text is something else.
        """
        try:
            records, gaps = json.loads(text)
            return cls(
                tuple(tuple(_string(field) for field in record) for record in records),
                tuple(Gap("", int(line), _string(what), bool(lost)) for line, what, lost in gaps),
            )
        except (ValueError, TypeError, RecursionError) as e:
            raise ParseError("a cached piece is damaged: scan again without the cache") from e


class Source(Protocol):
    """Files of a kernel tree, read into facts of some kinds."""

    @property
    def name(self) -> str:
        """The kind of fact, or the first of several."""

    @property
    def version(self) -> int:
        """Raised when the parser changes, so that old pieces are read again."""

    @property
    def roots(self) -> tuple[str, ...]:
        """Files and folders (ending in a slash) that can change the facts."""

    def wants(self, path: str, data: bytes) -> bool:
        """Tell, cheaply, whether a file of these roots can hold anything of the source."""

    def parse(self, path: str, data: bytes) -> Piece:
        """Read one file; what cannot be read is a gap, never an exception but ParseError."""

    def link(self, pieces: Mapping[str, Piece]) -> tuple[tuple[Fact, ...], tuple[Gap, ...]]:
        """Unite the pieces of one tree, by path, into sorted facts and gaps."""


def read_tree(
    source: Source, files: Mapping[str, bytes] | Iterable[tuple[str, bytes]]
) -> tuple[tuple[Fact, ...], tuple[Gap, ...]]:
    """Read all files of one tree that a source wants.

    :param files: the bytes of each file by its path in the tree.
    :return: sorted facts, and sorted gaps.
    """
    items = files.items() if isinstance(files, Mapping) else files
    pieces = {}
    for path, data in items:
        if path.startswith(source.roots) and source.wants(path, data):
            pieces[path] = parse_file(source.parse, path, data)
    return source.link(pieces)


def parse_file(parse: Callable[[str, bytes], Piece], path: str, data: bytes) -> Piece:
    """Read one file; one that cannot be read at all is one gap."""
    try:
        return parse(path, data)
    except ParseError as e:
        return Piece(gaps=(Gap("", 0, str(e), lost=True),))


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
