"""The standard streams: ones that notice what they cannot read or write."""

import errno
import io
import os
import sys
from contextlib import suppress
from typing import TextIO

from helperhist.errors import HelperhistError

__all__ = ["discard", "prepare_streams", "read_words", "say_waiting"]


_MAX_WORDS = 100_000


class _Closed(io.RawIOBase):
    """A stream that the caller closed (``>&-``); whoever uses it learns so."""

    def __init__(self, what: str) -> None:
        self._what = what

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        raise OSError(errno.EBADF, f"standard {self._what} is closed")

    def write(self, data: object) -> int:
        raise OSError(errno.EBADF, f"standard {self._what} is closed")


def prepare_streams() -> None:
    """Replace standard streams that are closed, and outputs that would not notice short writes.

    With PYTHONUNBUFFERED set, Python writes to the descriptor as it is, and ignores what a full
    disk does not take.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Else the next file that is opened gets the number, and what is printed.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_Closed("input")), encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(_Closed("output")), encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = _nowhere()
    sys.stdout = _checked(sys.stdout)
    sys.stderr = _checked(sys.stderr)


def _checked(stream: TextIO) -> TextIO:
    """Return a stream that writes all or raises an error, and takes every character."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    encoding = stream.encoding
    raw = stream.buffer
    if isinstance(raw, io.RawIOBase):
        stream.detach()
        # A buffer of Python's writes on until all is written.
        return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace")
    stream.reconfigure(errors="backslashreplace")
    return stream


def discard(name: str) -> None:
    """Drop what a stream still holds, so that Python does not complain of it at exit.

    :param name: ``stdout`` or ``stderr``
    """
    try:
        number = getattr(sys, name).fileno()
    except (OSError, ValueError):
        setattr(sys, name, _nowhere())
        return
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)


def _nowhere() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.FileIO(os.devnull, "w"), encoding="utf-8", errors="backslashreplace")


def say_waiting(what: str) -> None:
    """Say what is waited for, where that is the keyboard.

    :param what: that is to be typed, in the plural
    """
    if sys.stdin.isatty():
        sys.stderr.write(f"reading {what} from the terminal; end with Ctrl-D\n")


def read_words(what: str) -> list[str]:
    """Return the words of the standard input.

    :raises HelperhistError: there are more than 100,000 of them
    """
    say_waiting(what)
    words: list[str] = []
    for line in sys.stdin.buffer:
        words += line.decode("utf-8", "replace").split()
        if len(words) > _MAX_WORDS:
            raise HelperhistError(f"more than {_MAX_WORDS} {what} on standard input; give less")
    return words
