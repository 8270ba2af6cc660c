"""Types by name: of the 100,000 names of a kernel a question wants a few.

The strings of a table are cut apart all at once, which is ten times as fast as one after the other;
where names begin within others, as in no BTF of a kernel, they are read one by one.
"""

import re
from array import array
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import accumulate, count
from operator import add

from helperhist.printable import readable

__all__ = ["NameIndex"]


class NameIndex:
    """The names of the types of one BTF."""

    def __init__(
        self,
        strings: bytes,
        names: "array[int]",
        first: int,
        string: Callable[[int], str],
    ) -> None:
        """Hold the strings and the names; they are indexed when the first is looked up.

        :param strings: of this BTF alone
        :param names: the offset of the name of each of its types
        :param first: the offset of its first string
        :param string: reads the string at an offset
        """
        self._strings, self._names = strings, names
        self._first, self._string = first, string
        self._several: dict[int, list[int]] = {}

    def find(self, name: str) -> list[int]:
        """Return the types with a name, counted from the first of this BTF, in order.

        :raises ParseError: the name of a type is beyond the strings
        """
        plain = self._plain
        if not name:
            return []
        if plain is None or "\\" in name:
            offsets = self._decoded.get(name, [])
        else:
            at = plain.get(name.encode("utf-8", "surrogatepass"))
            offsets = self._foreign.get(name, [])
            if at is not None:
                offsets = [*offsets, at + self._first]
        return sorted(index for offset in offsets for index in self._types(offset))

    def beginning(self, pattern: bytes) -> Iterator[str]:
        """Yield the strings that begin with a pattern, those that name members among them."""
        # Each ends with the NUL that the next one begins with.
        for item in re.finditer(b"\0" + pattern + rb"[^\0]*", b"\0" + self._strings):
            yield readable(item[0][1:4097])

    def holding(self, part: bytes) -> Iterator[str]:
        """Yield the strings that hold some bytes, those that name members among them."""
        strings = self._strings
        at = strings.find(part)
        while at >= 0:
            start, end = strings.rfind(b"\0", 0, at) + 1, strings.find(b"\0", at)
            yield readable(strings[start:end][:4096])
            at = strings.find(part, end)

    def _types(self, offset: int) -> list[int]:
        """Return the types whose name is at an offset."""
        known = self._several.get(offset)
        if known is not None:
            return known
        ends, names = self._ends, self._names
        first, last = ends[0].get(offset, -1), ends[1].get(offset, -1)
        if first == last:
            return [first] if first >= 0 else []
        found = self._several[offset] = [
            index for index in range(first, last + 1) if names[index] == offset
        ]
        return found

    @cached_property
    def _ends(self) -> tuple[dict[int, int], dict[int, int]]:
        """The first and the last type with a name: mostly the same."""
        names = self._names
        size = len(names)
        first = dict(zip(reversed(names), range(size - 1, -1, -1), strict=True))
        return first, dict(zip(names, range(size), strict=True))

    @cached_property
    def _plain(self) -> dict[bytes, int] | None:
        """The offset of each string; None if a name begins within one, or is there twice."""
        parts = self._strings.split(b"\0")[:-1]
        offsets = [0, *map(add, accumulate(map(len, parts)), count(1))][: len(parts)]
        found = dict(zip(parts, offsets, strict=True))
        first = self._first
        if len(found) < len(parts):
            return None
        # What is in front of each name: the end of the one before.
        before = b"\0" + self._strings
        own = [offset - first for offset in self._ends[0] if offset >= first]
        if max(own, default=0) >= len(self._strings):
            return None
        return found if not any(map(before.__getitem__, own)) else None

    @cached_property
    def _foreign(self) -> dict[str, list[int]]:
        """The offsets of names in the strings of the base, each decoded."""
        found: dict[str, list[int]] = {}
        for offset in self._ends[0] if self._first else ():
            if 0 < offset < self._first:
                found.setdefault(self._string(offset), []).append(offset)
        return found

    @cached_property
    def _decoded(self) -> dict[str, list[int]]:
        """The offsets of the names of types, each decoded."""
        found: dict[str, list[int]] = {}
        for offset in self._ends[0]:
            if offset:
                found.setdefault(self._string(offset), []).append(offset)
        return found
