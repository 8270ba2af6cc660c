"""Find and read the objects that a user names: files, folders, and lists of them."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from helperhist.binary import EM_BPF, MAX_FILE, BpfObject, parse_object
from helperhist.check.against import Against
from helperhist.check.checker import Checker
from helperhist.check.needs import Findings
from helperhist.errors import HelperhistError, ParseError

__all__ = ["Checked", "check_file", "find_objects"]

_SUFFIXES = (".o", ".elf", ".bpf", ".obj")


@dataclass(frozen=True, slots=True)
class Checked:
    """A file with what was found in it, or with the reason why it could not be read.

    :ivar against: the answer of the BTF of a kernel, where one was asked
    """

    file: str
    findings: Findings | None
    error: str = ""
    against: Against | None = None


def find_objects(paths: Sequence[str]) -> Iterator[Path]:
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
            head = file.read(20)
    except OSError:
        # It is reported when it is read.
        return True
    if head[:4] != b"\x7fELF" or len(head) < 20:
        return False
    return EM_BPF in (int.from_bytes(head[18:20], "little"), int.from_bytes(head[18:20], "big"))


def check_file(
    checker: Checker,
    path: Path,
    loader: str,
    judge: Callable[[BpfObject], Against] | None = None,
) -> Checked:
    """Check one file; what is wrong with it is part of the answer.

    :param judge: asks the BTF of a kernel
    """
    try:
        if path.exists() and not path.is_file():
            return Checked(str(path), None, "not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
        obj = parse_object(data, loader)
        findings = checker.check(obj)
        return Checked(str(path), findings, "", judge(obj) if judge else None)
    except OSError as error:
        return Checked(str(path), None, error.strerror or str(error))
    except ParseError as error:
        return Checked(str(path), None, str(error))
