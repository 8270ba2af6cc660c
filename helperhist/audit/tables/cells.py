"""What one cell states: a version, how surely it is meant, and why it may not be."""

import re
from dataclasses import dataclass, replace

from helperhist.audit.tables.model import Columns, Stated, Version

__all__ = ["Cell", "make_row", "read_cell", "split_versions"]

_VERSION = re.compile(
    r"(?<![\w.])v?[0-9]{1,4}(?:\.[0-9]{1,4}){1,2}(?:-rc[0-9]{1,3})?(?!\w|\.\d)", re.ASCII
)
#: What no reader sees: targets of links, tags of HTML, footnotes.
_HIDDEN = re.compile(r"(?<=\])\([^()]{0,500}\)|</?\w[^<>]{0,200}>|\[\^[^][]{0,50}\]", re.ASCII)
_MARKUP = "`*_~\"'[](){} \t\r"
#: Words around a version that leave it the first release.
_BEFORE = re.compile(
    r"(?:(?:(?:since|from|added in|introduced in|>=|=>|≥|mainline|upstream|linux|kernel|version|in)"
    r"[\s:]*){0,4})",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:\+|(?:and|or)\s+(?:later|newer|above|up|higher|upwards|onwards?))?[.;,]?", re.IGNORECASE
)
#: Words that make it another thing than the first release.
_NEGATION = re.compile(
    r"(?<!\w)(?:before|until|till|up\s+to|through|removed|dropped|deprecated|not?|except|prior|"
    r"older|earlier|below|after|than)(?!\w)|[<>≤](?!=)|<=",
    re.IGNORECASE,
)
_VENDOR = re.compile(
    r"(?<![a-z])(?:rhel|red\s*hat|centos|fedora|rocky|alma\w*|oracle|uek\w*|ubuntu|debian|suse|"
    r"sles|opensuse|leap|amazon\w*|al20\w\w|android|cos|bottlerocket|photon|mariner|gke|aks|eks|"
    r"wsl\w*|windows|libbpf|bcc|llvm|clang|gcc|iproute2|bpftool|go)(?![a-z])|\.(?:el|fc|amzn)\d",
    re.IGNORECASE,
)
_MAINLINE = re.compile(r"(?:mainline|upstream|vanilla|linux|kernel\.org)[\s:]*(?:kernel)?[\s:]*v?$")
_RANGE = re.compile(r"\s*(?:-|\u2013|\u2014|~|\.\.+|to)\s*", re.IGNORECASE)
#: More than that is no cell that anybody reads.
_MAX_VERSIONS = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """The reading of a cell.

    :ivar version: its ``start`` is -1 where a patch must not write
    :ivar note: what of the cell was read, empty if all
    :ivar doubt: why the version is not judged; empty if it is
    """

    version: Version
    note: str = ""
    doubt: str = ""


def read_cell(cell: str, start: int) -> Cell:
    """Read the cell of a version.

    :param start: offset of the cell in the file

    >>> read_cell("5.8+", 0).version.start, read_cell("RHEL 8.4", 0).version.start
    (0, -1)
    """
    text = _HIDDEN.sub(lambda match: " " * len(match[0]), cell)
    text = text.replace("&lt;", "   <").replace("&gt;", "   >")
    found = []
    for match in _VERSION.finditer(text):
        found.append(match)
        if len(found) > _MAX_VERSIONS:
            break
    shown = repr(" ".join(cell.split())[:100])
    if not found:
        return _without_version(cell, start)
    if len(found) > 1:
        return _several(text, found, shown)
    match = found[0]
    bare = text.strip(_MARKUP) == match[0]
    before, after = _around(text, match)
    note = "" if bare else f"only {match[0]} is read of {shown}"
    if bare or (_BEFORE.fullmatch(before) and _AFTER.fullmatch(after)):
        return Cell(Version(match[0], start + match.start(), start + match.end()), note)
    unsure = Version(match[0], -1, -1)
    if _VENDOR.search(text) and not _MAINLINE.search(before.lower()):
        return Cell(unsure, doubt=f"{shown} speaks of something else than mainline")
    if _NEGATION.search(before) or _NEGATION.match(after) or re.match(r"(?:and|or)\s", after):
        return Cell(unsure, doubt=f"{shown} states no first release")
    return Cell(unsure, note)


def make_row(
    columns: Columns,
    read: Cell,
    name: str,
    line: int,
    kind: str | None,
    table: int,
    commits: tuple[str, ...],
    program: str = "",
) -> Stated:
    """Return the row of a table: what its cell says, as far as its columns leave no doubt."""
    version = read.version if columns.sure else replace(read.version, start=-1, end=-1)
    doubt = columns.doubt or read.doubt
    return Stated(
        name, version, line, kind, table, commits, False, read.note, doubt, program, columns.loose
    )


def split_versions(cell: str, count: int) -> tuple[Cell, ...]:
    """Return the versions of a cell that has one for each of several names, else nothing.

    >>> [cell.version.text for cell in split_versions("4.1 / 4.9", 2)]
    ['4.1', '4.9']
    """
    parts = re.split(r"[/,;+&、\n]|<br ?/?>", _HIDDEN.sub(" ", cell))
    cells = [read_cell(part, 0) for part in parts]
    if len(cells) != count or any(c.doubt or not c.version.text for c in cells):
        return ()
    return tuple(replace(c, version=replace(c.version, start=-1, end=-1)) for c in cells)


def _without_version(cell: str, start: int) -> Cell:
    bare = cell.strip()
    if bare:
        # A word is not overwritten; "5,8" is read by those who judge.
        if not re.fullmatch(r"[0-9]+[ \t]*,[ \t]*[0-9]+(?:[ \t]*,[ \t]*[0-9]+)?", bare):
            return Cell(Version(bare, -1, -1))
        start += cell.index(bare)
    return Cell(Version(bare, start, start + len(bare)))


def _several(text: str, found: list[re.Match[str]], shown: str) -> Cell:
    """Read a cell with more than one number that may be a version; no patch writes there."""
    marked = [match for match in found if _MAINLINE.search(_left(text, match))]
    chosen = marked[0] if len(marked) == 1 else None
    first, second = found[:2]
    if chosen is None and _BEFORE.fullmatch(_around(text, first)[0]):
        beside = re.fullmatch(r"[`*]*\s*\([^()]*\)[\s`*]*", text[first.end() :])
        range_ = len(found) == 2 and _RANGE.fullmatch(text[first.end() : second.start()])
        same = len({match[0] for match in found}) == 1
        chosen = first if beside or range_ or same else None
    if chosen is None:
        return Cell(Version(first[0], -1, -1), doubt=f"{shown} has more than one version")
    return Cell(Version(chosen[0], -1, -1), f"only {chosen[0]} is read of {shown}")


def _left(text: str, match: re.Match[str]) -> str:
    return text[max(0, match.start() - 40) : match.start()].lower()


def _around(text: str, match: re.Match[str]) -> tuple[str, str]:
    return text[: match.start()].strip(_MARKUP), text[match.end() :].strip(_MARKUP)
