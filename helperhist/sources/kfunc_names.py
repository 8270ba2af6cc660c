"""Names of one tree: what is static in a file is found there first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from helperhist.errors import ParseError
from helperhist.sources.kfunc_lists import expand_list
from helperhist.sources.kfunc_records import (
    Alias,
    IdSet,
    KfuncSet,
    ListCall,
    ListUse,
    Record,
    SetEntry,
)
from helperhist.sources.source import Gap
from helperhist.sources.tree_records import Code

__all__ = ["Names"]

_Any = TypeVar("_Any", bound=Record)
_Named = TypeVar("_Named", IdSet, KfuncSet, Code)
# A name for a name for a name; 5.18 has one level.
_MAX_ALIASES = 8


class Names:
    """The records of all files of a tree.

    :ivar gaps: gets what is used and not found
    """

    def __init__(self, pieces: Mapping[str, Sequence[Record]]) -> None:
        self.gaps: list[Gap] = []
        self._records: dict[object, list[tuple[str, Record]]] = {}
        self._named: dict[tuple[object, str], list[tuple[str, Record]]] = {}
        for path in sorted(pieces):
            for record in pieces[path]:
                self._records.setdefault(type(record), []).append((path, record))
                if isinstance(record, IdSet | KfuncSet | Code):
                    key = (type(record), record.name)
                    self._named.setdefault(key, []).append((path, record))
        self._aliases = {(path, alias.name): alias.other for path, alias in self.all(Alias)}
        self._listed: dict[tuple[str, str], list[SetEntry | ListUse]] = {}
        for path, entry in self.all(SetEntry):
            self._listed.setdefault((path, entry.id_set), []).append(entry)
        for path, use in self.all(ListUse):
            self._listed.setdefault((path, use.id_set), []).append(use)
        self._calls: dict[str, list[ListCall]] = {}
        for _, call in self.all(ListCall):
            self._calls.setdefault(call.macro, []).append(call)
        self._members: dict[tuple[str, str], tuple[SetEntry, ...] | None] = {}

    def all(self, kind: type[_Any]) -> Iterator[tuple[str, _Any]]:
        """Iterate over the records of a kind with the paths of their files."""
        for path, record in self._records.get(kind, ()):
            assert isinstance(record, kind)
            yield path, record

    def find(self, kind: type[_Named], path: str, name: str) -> list[tuple[str, _Named]]:
        """Return what a name in a file stands for, with its own file.

        That is the file's own, or what other files have, a C file's before a header's (which
        has a stub for other configurations); with none, that is a gap.
        """
        found: list[tuple[str, _Named]] = []
        for where, record in self._named.get((kind, name), ()):
            assert isinstance(record, kind)
            found.append((where, record))
        own = [pair for pair in found if pair[0] == path]
        sources = [pair for pair in found if pair[0].endswith(".c")]
        if not found:
            self.gaps.append(Gap(path, 0, f"{name} is used and not found"))
        return own or sources or found

    def entries(self, path: str, name: str) -> tuple[SetEntry, ...]:
        """Return the entries of the set that a name in a file stands for; none for a gap."""
        return self.members(path, name) or ()

    def members(self, path: str, name: str) -> tuple[SetEntry, ...] | None:
        """Return the entries of the set that a name in a file stands for, None for a gap."""
        key = (path, name)
        if key not in self._members:
            self._members[key] = self._read(path, name)
        return self._members[key]

    def _read(self, path: str, name: str) -> tuple[SetEntry, ...] | None:
        for _ in range(_MAX_ALIASES):
            other = self._aliases.get((path, name))
            if other is None:
                break
            name = other
        found = self.find(IdSet, path, name)
        if not found:
            return None
        entries: list[SetEntry] = []
        for where, _ in found:
            for entry in self._listed.get((where, name), ()):
                try:
                    entries += [entry] if isinstance(entry, SetEntry) else self._expanded(entry)
                except ParseError as error:
                    self.gaps.append(Gap(where, 0, f"the set {name}: {error}"))
        return tuple(entries)

    def _expanded(self, use: ListUse) -> Iterator[SetEntry]:
        calls = self._calls.get(use.macro)
        if calls is None:
            raise ParseError(f"{use.macro} is used and not found")
        return expand_list(use, calls)
