"""Tables of strings that end with NUL, as ELF and BTF have them.

Whoever makes a file decides where its names begin. A thousand of them may begin in one string of
a megabyte, so that a small file stands for any amount of text: names have bounds, each alone and
all together.
"""

from helperhist.errors import ParseError

__all__ = ["MAX_NAME", "StringTable", "readable"]

#: The longest path is as long; of names, kernels take 511 bytes (``KSYM_NAME_LEN``).
MAX_NAME = 4096

#: How many times the bytes of a table its names may have together. Linkers let names share their
#: ends, ``b`` that of ``a_b``, so that real tables can have a little more than once.
_SHARING = 8
_AT_LEAST = 1 << 16


class StringTable:
    """The strings of a table by offset, each decoded once."""

    __slots__ = ("_data", "_known", "_left", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        """Hold a table.

        :param what: names the table in errors
        """
        self._data = data
        self._what = what
        self._known: dict[int, str] = {}
        self._left = max(_SHARING * len(data), _AT_LEAST)

    def __len__(self) -> int:
        """Count the bytes of the table."""
        return len(self._data)

    def at(self, offset: int) -> str:
        """Return the string that begins at an offset.

        :raises ParseError: it is beyond the table or has no end, is longer than
            :data:`MAX_NAME`, or the strings asked for share more of the table than real ones do
        """
        found = self._known.get(offset)
        if found is not None:
            return found
        end = self._data.find(b"\0", offset, offset + MAX_NAME + 1) if offset >= 0 else -1
        if end < 0:
            if 0 <= offset < len(self._data) - MAX_NAME:
                raise ParseError(f"{self._what}: a name of more than {MAX_NAME} bytes")
            raise ParseError(f"{self._what}: string at {offset} is beyond the strings")
        self._left -= end - offset
        if self._left < 0:
            raise ParseError(f"{self._what}: the names are one within the other")
        found = self._known[offset] = readable(self._data[offset:end])
        return found


def readable(data: bytes) -> str:
    """Decode a name; what is no text, and control characters, are written as escapes."""
    text = data.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
