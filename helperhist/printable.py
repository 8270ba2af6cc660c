"""Other people's text, fit for a terminal, a log and a file."""

import os

__all__ = ["one_line", "printable", "readable", "utf8"]


def printable(text: str, keep: str = "") -> str:
    r"""Return other people's text as it may be printed: what would act on a terminal is escaped.

    That is what Unicode has no picture for: control characters, overrides of the direction of
    writing, separators of lines and paragraphs, lone surrogates (bytes of a file name that are not
    UTF-8). All become escapes of Python's.

    :param keep: characters that stay: the line feeds of a text of several lines

    >>> print(printable("bpf_\x1b[31mloop\n"))
    bpf_\x1b[31mloop\n
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep else ascii(char)[1:-1] for char in text
    )


def readable(data: bytes) -> str:
    """Decode a name; bytes that are not text, and control characters, are written as escapes."""
    return printable(data.decode("utf-8", "backslashreplace"))


def one_line(text: str, most: int = 300) -> str:
    """Return text as one line of at most so many characters."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(shown.split())[:most]


def utf8(text: str) -> str:
    """Return a file name as text that can be written as UTF-8."""
    return os.fsencode(text).decode("utf-8", "replace")
