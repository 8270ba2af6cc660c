"""The kernel's UAPI header ``bpf.h``: bytes in, the names that it defines out.

Every list of the header is read: helpers, the other enumerations, ``#define`` and anonymous
enumerators, and the members of structs and unions. Shapes of the helper list, each with the
commit that brought it:

========= =================================================== =====================================
releases  shape                                               since commit
========= =================================================== =====================================
3.18-4.9  ``enum bpf_func_id { BPF_FUNC_unspec, ... }``       09756af46893 ("bpf: expand BPF
                                                              syscall with program load/unload")
4.10-6.1  ``#define __BPF_FUNC_MAPPER(FN) FN(unspec), ...``   ebb676daa1a3 ("bpf: Print function
                                                              name in addition to function id")
6.2-      ``#define ___BPF_FUNC_MAPPER(FN, ctx...)            8a76145a2ec2 ("bpf: explicitly define
          FN(unspec, 0, ##ctx) ...``                          BPF_FUNC_xxx integer values")
========= =================================================== =====================================
"""

from collections import Counter
from collections.abc import Iterable

from helperhist.errors import ParseError
from helperhist.sources.cconstants import Constant, evaluate
from helperhist.sources.ctext import Pieces, split_pieces
from helperhist.sources.definitions import (
    NOTHING,
    Definitions,
    Pending,
    constant_fact,
    fits_int,
    is_sentinel,
)
from helperhist.sources.header_pieces import read_piece
from helperhist.timeline import Fact

__all__ = [
    "MAX_HEADER_BYTES",
    "HeaderReader",
    "is_sentinel",
    "parse_header",
]

#: A header larger than this is refused; the kernel's own has 0.3 MB in 7.1.
MAX_HEADER_BYTES = 8 << 20


class HeaderReader:
    """Read many versions of one header, each distinct piece of them once."""

    def __init__(self) -> None:
        self._known: dict[bytes, Definitions] = {}
        self._split: Pieces | None = None
        #: The last result of read(), and what it was made from.
        self._result: tuple[tuple[Definitions, ...], tuple[Fact, ...]] | None = None
        #: What each piece of the last header defines.
        self._parsed: list[Definitions] = []

    def _load(self, data: bytes, what: str) -> None:
        """Take a header in, going over what differs from the last one only."""
        if len(data) > MAX_HEADER_BYTES:
            raise ParseError(
                f"{what} has {len(data)} bytes, more than {MAX_HEADER_BYTES}: it is not a bpf.h"
            )
        # A failure below must not leave a half-taken header behind.
        old = self._parsed
        split = split_pieces(data, self._split)
        head, tail = split.head, split.tail
        new = [self._parse(piece) for piece in split.pieces[head : len(split.pieces) - tail]]
        self._split, self._parsed = split, [*old[:head], *new, *old[len(old) - tail :]]

    def _parse(self, piece: bytes) -> Definitions:
        # A comment defines nothing and may be long: not worth keeping.
        if piece[:2] in (b"/*", b"//"):
            return NOTHING
        known = self._known.get(piece)
        if known is None:
            known = self._known[piece] = read_piece(piece)
        return known

    def read(self, data: bytes, what: str = "the header") -> tuple[Fact, ...]:
        """Return what a header defines, one entry per name, in the order of the header.

        Successive headers that define the same give the same object.

        :param what: names the header in errors
        :raises ParseError: the header is too large, or has no list of helpers in a known shape
        """
        self._load(data, what)
        pieces = tuple(piece for piece in self._parsed if piece is not NOTHING)
        if self._result is not None and self._result[0] == pieces:
            return self._result[1]
        entries: dict[str, Fact] = {}
        mapped = any(piece.mapper for piece in pieces)
        if not mapped and not any("BPF_FUNC_unspec" in piece.names for piece in pieces):
            raise ParseError(
                f"{what} has no list of helpers: neither an enum bpf_func_id with its entries "
                "nor a __BPF_FUNC_MAPPER"
            )
        for piece in pieces:
            for entry in piece.entries:
                # First definition wins, except that a value beats none
                # (#define BPF_F_LINK BPF_F_LINK stands beside the enumerator).
                old = entries.get(entry.name)
                if old is None or (not old.value and entry.value):
                    entries[entry.name] = entry
        self._close(pieces, entries)
        self._result = pieces, tuple(entries.values())
        return self._result[1]

    @staticmethod
    def _close(pieces: Iterable[Definitions], entries: dict[str, Fact]) -> None:
        """Evaluate what needs names of other pieces."""
        waiting = [item for piece in pieces for item in piece.open]
        if not waiting:
            return
        constants: dict[str, Constant] = {}
        for piece in pieces:
            for name, value in piece.constants:
                constants.setdefault(name, value)
        # The enumerators after an expression share it, the object itself.
        shared: dict[int, list[Pending]] = {}
        for item in waiting:
            shared.setdefault(id(item.tokens), []).append(item)
        groups = list(shared.values())
        # Each expression once all names that it uses have been tried, and a name has been tried
        # after the last of its definitions; those of a cycle never are.
        untried = Counter(item.name for item in waiting)
        names = untried.keys() - constants.keys()
        missing: list[int] = []
        users: dict[str, list[int]] = {}
        for index, group in enumerate(groups):
            used = names.intersection(group[0].tokens)
            missing.append(len(used))
            for name in used:
                users.setdefault(name, []).append(index)
        ready = [index for index, count in enumerate(missing) if count == 0]
        for index in ready:
            base = evaluate(groups[index][0].tokens, constants)
            for item in groups[index]:
                if base is not None:
                    _fill(item, base.value + item.offset, base, constants, entries)
                untried[item.name] -= 1
                for user in users.get(item.name, ()) if untried[item.name] == 0 else ():
                    missing[user] -= 1
                    if missing[user] == 0:
                        ready.append(user)


def parse_header(data: bytes, what: str = "the header") -> tuple[Fact, ...]:
    """Return what one header defines; see :meth:`HeaderReader.read`."""
    return HeaderReader().read(data, what)


def _fill(
    item: Pending,
    value: int,
    base: Constant,
    constants: dict[str, Constant],
    entries: dict[str, Fact],
) -> None:
    """Enter a value that was open."""
    if not -(1 << 63) <= value < 1 << 64:
        return
    if item.macro and item.operand:
        constants.setdefault(item.name, base)
    elif not item.macro and fits_int(value):
        # Of any other enumerator the type is not known, see _retyped.
        constants.setdefault(item.name, Constant(value))
    if not entries[item.name].value:
        entries[item.name] = constant_fact(item.kind, item.name, value)
