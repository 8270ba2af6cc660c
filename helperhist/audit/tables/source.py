"""Source code that maps names to versions, in Go and in C: read line by line."""

import re
from collections.abc import Iterator

from helperhist.audit.tables.code import blank_comments, read_code
from helperhist.audit.tables.model import (
    KIND_OF,
    LineIndex,
    Stated,
    Version,
    heads_versions,
    squash,
)

__all__ = ["find_language", "read_c", "read_go"]

# Two or three numbers between commas, 3, 18 or 5, 8, 0, or a version in quotes. All blanks are
# possessive: what was skipped once is not tried again.
_PARTS = r"\d{1,4}[ \t]*+,[ \t]*+\d{1,4}(?:[ \t]*+,[ \t]*+\d{1,4})?"
_QUOTED = r'"(?P<quoted>v?\d{1,4}\.\d{1,4}(?:\.\d{1,4})?(?:-rc\d{1,3})?)"'
_KEY = r'(?: "(?P<string>\w++)" | (?<![\w.]) (?P<name>[A-Za-z_][\w.]*+) )'

# asm.FnMapLookupElem: V(3, 18),  "bpf_loop": "5.17",  ebpf.Hash: {Version: "3.19"},
_GO_ROW = re.compile(
    rf"""{_KEY} [ \t]*+ : [ \t]*+
    (?: (?:\{{ [ \t]*+)? (?: Version [ \t]*+ : [ \t]*+ )? {_QUOTED}
      | [\w.]*+ [({{] [ \t]*+ (?P<parts>{_PARTS}) [ \t]*+ [)}}]
    )""",
    re.VERBOSE | re.ASCII,
)
# ebpf.StackTrace: {    whose version stands in a line below
_GO_OPEN = re.compile(rf"[ \t]*+ {_KEY} [ \t]*+ : [ \t]*+ \{{ [ \t]*+ \r?", re.VERBOSE | re.ASCII)
_GO_VERSION = re.compile(rf"[ \t]*+ \w*Version [ \t]*+ : [ \t]*+ {_QUOTED}", re.VERBOSE | re.ASCII)
# map[asm.BuiltinFunc]KernelVersion{    FeatureMatrix[ebpf.MapType]{
_GO_MAP = re.compile(r"\[(?:[A-Za-z_]\w*+\.)?([A-Za-z_]\w*+)\]", re.ASCII)

# {"map_lookup_elem", "3.19"},  [BPF_MAP_TYPE_HASH] = KERNEL_VERSION(3, 19, 0),
_C_ROW = re.compile(
    rf"""(?: \{{ [ \t]*+ (?: \.\w++ [ \t]*+ = [ \t]*+ )? {_KEY} [ \t]*+ , [ \t]*+
             (?: \.\w++ [ \t]*+ = [ \t]*+ )?
           | \[ [ \t]*+ (?P<index>[A-Za-z_]\w*+) [ \t]*+ \] [ \t]*+ = [ \t]*+
         )
    (?: {_QUOTED} | [A-Z_]\w*+ \( [ \t]*+ (?P<parts>{_PARTS}) [ \t]*+ \) )""",
    re.VERBOSE | re.ASCII,
)


def find_language(text: str, what: str) -> str | None:
    """Return the format of the initialisers of a source, None if it has none."""
    for form, rows in (("go", _go_rows), ("c", _c_rows), ("code", read_code)):
        if next(rows(text, what), None) is not None:
            return form
    return None


def read_go(text: str, what: str) -> Iterator[Stated]:
    """Read composite literals of Go, whose keys are names and whose values are versions.

    :param what: names the file in errors
    """
    return _with_others(_go_rows(text, what), text, what)


def _go_rows(text: str, what: str) -> Iterator[Stated]:
    index = LineIndex(text, what)
    table, kind = 0, None
    pending: tuple[str, bool, int] | None = None
    for number, code in enumerate(blank_comments(index.lines), 1):
        start = index.starts[number - 1]
        if code[:1].strip():
            # A statement of the file, not a line inside of one.
            table, pending = table + 1, None
            key = _GO_MAP.search(code)
            kind = KIND_OF.get(squash(key[1])) if key else None
        found = False
        for match in _GO_ROW.finditer(code):
            name = match["string"] or match["name"]
            if name.lower().endswith("version") or heads_versions(name):
                continue
            found = True
            version = _version(match, start)
            go = match["string"] is None
            yield Stated(name, version, number, kind, table, (), go)
        if found:
            pending = None
            continue
        opened = _GO_OPEN.fullmatch(code)
        if opened is not None:
            pending = (opened["string"] or opened["name"], opened["string"] is None, number)
        elif pending is not None and (below := _GO_VERSION.match(code)) is not None:
            name, go, row = pending
            yield Stated(name, _version(below, start), row, kind, table, (), go)
            pending = None


def read_c(text: str, what: str) -> Iterator[Stated]:
    """Read initialisers of C that hold a name and a version each.

    :param what: names the file in errors
    """
    return _with_others(_c_rows(text, what), text, what)


def _c_rows(text: str, what: str) -> Iterator[Stated]:
    index = LineIndex(text, what)
    table = 0
    for number, code in enumerate(blank_comments(index.lines), 1):
        if code[:1].strip("{[ \t\r"):
            table += 1
        for match in _C_ROW.finditer(code):
            name = match["string"] or match["name"] or match["index"]
            yield Stated(name, _version(match, index.starts[number - 1]), number, None, table)


def _with_others(rows: Iterator[Stated], text: str, what: str) -> Iterator[Stated]:
    """Yield rows, and those that only :func:`read_code` understands, in the order of lines."""
    known = list(rows)
    read = {(row.line, row.name.rpartition(".")[2]) for row in known}
    starts = {row.version.start for row in known}
    others = [
        row
        for row in read_code(text, what)
        if (row.line, row.name.rpartition(".")[2]) not in read
        and (row.version.start < 0 or row.version.start not in starts)
    ]
    yield from sorted([*known, *others], key=lambda row: row.line)


def _version(match: re.Match[str], start: int) -> Version:
    groups = match.groupdict()
    group = "quoted" if groups.get("quoted") is not None else "parts"
    return Version(match[group], start + match.start(group), start + match.end(group))
