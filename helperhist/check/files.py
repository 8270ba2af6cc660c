"""Find and read the objects that a user names: files, folders, and lists of them."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from helperhist.binary import HEAD, BpfObject, Form, find_objects, parse_object, recognise
from helperhist.check.checker import Checker
from helperhist.check.needs import Findings
from helperhist.check.wrongfile import no_object
from helperhist.errors import HelperhistError, ParseError

__all__ = ["Checked", "Place", "check_file", "find_files", "read_again"]

_SUFFIXES = (".o", ".elf", ".bpf", ".obj")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file an object is.

    :ivar member: names in the archives that it is in, joined by ``!``; empty if it is in none
    :ivar offset: of its first byte in the file or member; None if it is the whole of it
    :ivar symbol: the variable that holds it; empty where that is not known
    """

    member: str = ""
    offset: int | None = None
    symbol: str = ""

    def __str__(self) -> str:
        member = f"!{self.member}" if self.member else ""
        offset = "" if self.offset is None else f"@{self.offset:#x}"
        return member + offset + (f" ({self.symbol})" if self.symbol else "")

    def to_json(self) -> dict[str, str | int | None]:
        """Return the documented members of an object's JSON."""
        return {"member": self.member, "offset": self.offset, "symbol": self.symbol}


@dataclass(frozen=True, slots=True)
class Checked:
    """An object with what was found in it, or a file with the reason why it could not be read.

    :ivar place: where in the file the object is
    :ivar number: of the object among those of its file
    """

    file: str
    findings: Findings | None
    error: str = ""
    place: Place = Place()
    number: int = 0

    @property
    def label(self) -> str:
        """The file, and the place in it where it is not the whole file."""
        return f"{self.file}{self.place}"


def find_files(paths: Sequence[str]) -> Iterator[Path]:
    """Yield the files to check; of folders, the BPF objects in them and below, sorted.

    :raises HelperhistError: a path does not exist, or a folder has no objects
    """
    for text in paths:
        path = Path(text)
        if path.is_dir():
            found = sorted(_below(path))
            if not found:
                raise HelperhistError(f"{path}: no BPF objects in this folder; name the files")
            yield from found
        else:
            yield path


def _below(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root) / name
            if name.endswith(_SUFFIXES) and path.is_file() and _is_bpf(path):
                yield path


def _is_bpf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return recognise(file.read(64)) is Form.OBJECT
    except OSError:
        # It is reported when it is read.
        return True


def check_file(
    checker: Checker, path: Path, loader: str
) -> Iterator[tuple[Checked, BpfObject | None]]:
    """Check the objects of one file; what is wrong with it is part of the answer.

    :return: each with the object itself, None where it could not be read
    """
    name = str(path)
    try:
        if path.exists() and not path.is_file():
            yield Checked(name, None, "not a regular file"), None
            return
        with path.open("rb") as file:
            none = True
            for number, found in enumerate(find_objects(file, path.name)):
                none = False
                place = Place(found.member, found.offset, found.symbol)
                try:
                    obj = parse_object(found.data, loader)
                    yield Checked(name, checker.check(obj), "", place, number), obj
                except ParseError as error:
                    yield Checked(name, None, str(error), place, number), None
            if none:
                file.seek(0)
                yield Checked(name, None, no_object(file.read(HEAD), path.name)), None
    except OSError as error:
        yield Checked(name, None, error.strerror or str(error)), None
    except ParseError as error:
        yield Checked(name, None, str(error)), None


def read_again(item: Checked, loader: str) -> tuple[BpfObject, int]:
    """Read an object that was checked, with its number of bytes.

    :raises HelperhistError: the file has changed
    """
    try:
        with Path(item.file).open("rb") as file:
            found = next(islice(find_objects(file, Path(item.file).name), item.number, None))
        return parse_object(found.data, loader), len(found.data)
    except (OSError, ParseError, StopIteration) as error:
        raise HelperhistError(f"{item.label} has changed while it was checked") from error
