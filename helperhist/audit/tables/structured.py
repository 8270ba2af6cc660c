"""Tables in YAML and JSON: lists of objects with a name and a version, or name to version.

The groups of ebpf-docs' ``data/feature-versions.yaml`` are such objects whose ``features`` hold
the rows; the group's name says what they are.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from helperhist.audit.tables.cells import make_row, read_cell
from helperhist.audit.tables.model import (
    KIND_OF,
    Columns,
    Stated,
    find_columns,
    find_commits,
    is_heading,
    is_version,
    squash,
)
from helperhist.audit.tables.names import is_name
from helperhist.audit.tables.nodes import Node, parse_json, parse_yaml
from helperhist.errors import ParseError

__all__ = ["read_json", "read_yaml"]

#: Of a mapping of names to versions: it has no columns that could leave doubt.
_MAPPING = Columns(None, None, None, None, None)


def read_yaml(text: str, what: str) -> Iterator[Stated]:
    """Read a table in YAML.

    :param what: names the file in errors
    :raises ParseError: it is no YAML, or a row has no name or no version
    """
    return _Walk(what, yaml=True).rows(parse_yaml(text, what))


def read_json(text: str, what: str) -> Iterator[Stated]:
    """Read a table in JSON.

    :param what: names the file in errors
    :raises ParseError: it is no JSON, or a row has no name or no version
    """
    return _Walk(what, yaml=False).rows(parse_json(text, what))


class _Walk:
    """One pass over a tree; aliases of YAML are read where they come first."""

    def __init__(self, what: str, yaml: bool) -> None:
        self.what = what
        self.yaml = yaml
        self.table = 0
        self.seen: set[int] = set()
        #: The line of the first object in a list that has versions and no names at all.
        self.nameless: int | None = None

    def rows(self, root: Node) -> Iterator[Stated]:
        _fold(root, set())
        found = False
        for row in self.walk(root, None):
            found = True
            yield row
        if not found and self.nameless is not None:
            raise self._no_name(self.nameless)

    def walk(self, node: Node, kind: str | None) -> Iterator[Stated]:
        if id(node) in self.seen:
            return
        self.seen.add(id(node))
        if node.items:
            self.table += 1
            table = self.table
            items = [(item, _columns(item)) for item in node.items]
            named = any(columns is not None and columns.name is not None for _, columns in items)
            for item, columns in items:
                if columns is not None and not named:
                    # A list of other things, as the tags in `export --format json`.
                    self.nameless = self.nameless or item.line
                elif columns is not None and id(item) not in self.seen:
                    self.seen.add(id(item))
                    yield self._row(item, columns, kind, table)
                else:
                    yield from self.walk(item, kind)
        elif node.pairs:
            columns = _columns(node)
            if columns is not None and None not in (columns.name, columns.version):
                yield self._row(node, columns, kind, self.table)
            else:
                yield from self._mapping(node, kind)

    def _mapping(self, node: Node, kind: str | None) -> Iterator[Stated]:
        named = node.get("name")
        kind = _kind(named, kind)
        self.table += 1
        table = self.table
        for key, value in node.pairs:
            if value.items and is_version((key.text or "").strip()):
                # {"5.8": ["bpf_ringbuf_output", ...]}
                yield from self._listed(key, value, kind, table)
            elif value.text is None:
                # {"helpers": [...]}, or {"bpf_loop": {"since": "5.17"}}
                columns = _columns(value)
                if columns is not None and columns.version is not None and columns.name is None:
                    self.seen.add(id(value))
                    yield self._row(value, columns, kind, table, key)
                else:
                    yield from self.walk(value, _kind(key, kind))
            elif is_version(value.text.strip()) and not is_heading(key.text or ""):
                yield self._stated(key, value, kind, table, ())

    def _listed(self, key: Node, value: Node, kind: str | None, table: int) -> Iterator[Stated]:
        """Read the names that a release has, of which older ones may be some."""
        self.seen.add(id(value))
        stated = read_cell(key.text or "", max(key.start, 0))
        columns = replace(_MAPPING, sure=False)
        for item in value.items:
            name = (item.text or "").strip().removesuffix("()")
            if is_name(name) or (kind is not None and name):
                row = make_row(columns, stated, name, item.line, kind, table, ())
                yield replace(row, listed=True)
            else:
                yield from self.walk(item, kind)

    def _row(
        self, node: Node, columns: Columns, kind: str | None, table: int, key: Node | None = None
    ) -> Stated:
        values = [value for _, value in node.pairs]
        name = key if columns.name is None else values[columns.name]
        if name is None:
            # Whatever it is called: {"id": "bpf_loop", "since": "5.17"}
            name = next((value for value in values if is_name(value.text or "")), None)
        if name is None or not name.text:
            raise self._no_name(node.line)
        if columns.version is None:
            raise ParseError(
                f"{self.what}:{name.line}: {name.text} has no version; add one or remove the row"
            )
        if columns.kind is not None and values[columns.kind].text:
            word = values[columns.kind].text or ""
            kind = KIND_OF.get(squash(word), word)
        commits: tuple[str, ...] = ()
        if columns.commit is not None:
            commits = find_commits(values[columns.commit].text or "")
        kind = kind or columns.of_kind
        program = "" if columns.program is None else values[columns.program].text or ""
        row = self._stated(name, values[columns.version], kind, table, commits, columns)
        return replace(row, program=program, loose=columns.loose)

    def _no_name(self, line: int) -> ParseError:
        return ParseError(f"{self.what}:{line}: a row without a name")

    def _stated(
        self,
        name: Node,
        value: Node,
        kind: str | None,
        table: int,
        commits: tuple[str, ...],
        columns: Columns = _MAPPING,
    ) -> Stated:
        read = read_cell(value.text or "", max(value.start, 0))
        if value.start < 0:
            read = replace(read, version=replace(read.version, start=-1, end=-1))
        if value.number:
            version = replace(read.version, number=value.number)
            read = replace(
                read, version=version, note=self._number_note(version.text, value.number)
            )
        bare = (name.text or "").strip().removesuffix("()")
        return make_row(columns, read, bare, name.line, kind, table, commits)

    def _number_note(self, text: str, quoted: str) -> str:
        """Say what readers get who take a number for a number."""
        language = "YAML" if self.yaml else "JSON"
        lost = text.endswith("0") and not text.endswith(".0")
        taken = f"that {language} reads as {text.rstrip('0')}" if lost else f"to {language}"
        return f"{text} is a number {taken}; {quoted.format(text)} is none"


def _fold(node: Node, done: set[int]) -> None:
    """Make one version of the parts that versions have: {major: 5, minor: 17}, [5, 17]."""
    if id(node) in done:
        return
    done.add(id(node))
    parts = {key.text.lower(): value.text for key, value in node.pairs if key.text and value.text}
    numbers = [item.text or "" for item in node.items]
    if {"major", "minor"} <= {*parts} and len(node.pairs) <= 4:
        version = f"{parts['major']}.{parts['minor']}"
    elif 2 <= len(numbers) <= 3 and all(re.fullmatch(r"[0-9]{1,3}", text) for text in numbers):
        version = ".".join(numbers)
    else:
        version = ""
    if is_version(version):
        node.text, node.start, node.end, node.pairs, node.items = version, -1, -1, [], []
        return
    for child in (*node.items, *(value for _, value in node.pairs)):
        _fold(child, done)


def _columns(node: Node) -> Columns | None:
    """Return the columns of an object that is a row; None of one that is none."""
    if not node.pairs:
        return None
    # What is nested is no cell.
    keys = ["" if value.text is None else key.text or "" for key, value in node.pairs]
    columns = find_columns(keys)
    if any(value.items or value.pairs for _, value in node.pairs) and columns.version is None:
        return None
    if columns.name is None and columns.version is None:
        return None
    return columns


def _kind(node: Node | None, kind: str | None) -> str | None:
    return kind if node is None or not node.text else KIND_OF.get(squash(node.text), kind)
