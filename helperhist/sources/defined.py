"""Which of some names a header defines: what a search through many versions of it asks.

The answer is that of :class:`~helperhist.sources.uapi.HeaderReader`. For each name the piece of
the header that defines it is kept; as long as that piece stands in the next version, nothing is
parsed.
"""

import re

from helperhist.errors import ParseError
from helperhist.sources.ctext import Pieces, split_pieces
from helperhist.sources.header_pieces import names_of
from helperhist.sources.uapi import MAX_HEADER_BYTES

__all__ = ["DefinedNames"]

#: A word that goes on in the next line.
_SPLICED_WORD = re.compile(rb"(?<=\w)\\\r?\n\w")


class DefinedNames:
    """Ask many versions of one header which names they define."""

    def __init__(self) -> None:
        self._split: Pieces | None = None
        #: The piece that defined a name in the last header asked.
        self._witness: dict[str, bytes] = {}
        self._names: dict[bytes, frozenset[str]] = {}

    def present(
        self, data: bytes, names: frozenset[str], what: str = "the header"
    ) -> frozenset[str]:
        """Return those of some names that a header defines; it need not have any list.

        :raises ParseError: the header is too large, or has a piece that cannot be read
        """
        if len(data) > MAX_HEADER_BYTES:
            raise ParseError(
                f"{what} has {len(data)} bytes, more than {MAX_HEADER_BYTES}: it is not a bpf.h"
            )
        self._split = split_pieces(data, self._split)
        pieces = set(self._split.pieces)
        witness = {name: piece for name, piece in self._witness.items() if piece in pieces}
        left = names - witness.keys()
        if left:
            # A comment defines nothing, and the one of the helpers is half of the header.
            code = [piece for piece in self._split.pieces if piece[:2] not in (b"/*", b"//")]
            for name in left:
                if (found := self._find(name, code)) is not None:
                    witness[name] = found
        self._witness = witness
        return names & witness.keys()

    def _find(self, name: str, pieces: list[bytes]) -> bytes | None:
        # Helpers stand in the list without bpf_, members without the path.
        word = name.rpartition(".")[2].removeprefix("bpf_").encode("latin-1", "replace")
        for piece in pieces:
            may = word in piece or (b"\\" in piece and _SPLICED_WORD.search(piece))
            if may and name in self._defined(piece):
                return piece
        return None

    def _defined(self, piece: bytes) -> frozenset[str]:
        known = self._names.get(piece)
        if known is None:
            known = self._names[piece] = names_of(piece)
        return known
