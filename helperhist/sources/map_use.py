"""Which helper takes which type of map, and which type of program may use which.

Both are switches of the verifier: ``check_map_func_compatibility()``, and since 4.9
``check_map_prog_compatibility()``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from helperhist.errors import ParseError
from helperhist.sources.ccode import read_code
from helperhist.sources.cfile import CFile, Item, read_file
from helperhist.sources.cguards import is_dead
from helperhist.sources.cinit import item_fields
from helperhist.sources.ctokens import split
from helperhist.sources.map_rules import FUNC, PROG, MapRules, rules_of
from helperhist.sources.sleepers import SLEEPERS, read_old_sleepable
from helperhist.sources.source import Gap, Piece
from helperhist.sources.tree_records import Code, pack, unpack
from helperhist.timeline import Fact

__all__ = ["MapUseSource"]

_ENUMS = frozenset(("bpf_func_id", "bpf_map_type", "bpf_prog_type"))
# The first and the last of an enum, and old names of what is listed by its new one.
_NO_NAME = re.compile(r"__|\w+_(?:UNSPEC|unspec|DEPRECATED)$", re.ASCII)
# 7.1 has 212 helpers.
_MAX_NAMES = 512
_POINTER = "ARG_CONST_MAP_PTR"
# set_map_elem_callback_state(): without it, "callback function not allowed for map".
_FOR_EACH = "BPF_FUNC_for_each_map_elem"
_CALLBACK = "map_set_for_each_callback_args"
# Came with the switch for programs, in 4.9; before, programs of any type use any map.
_FIRST_JUDGED = "BPF_PROG_TYPE_PERF_EVENT"
_TYPES = "include/linux/bpf_types.h"
_HEADER = "include/uapi/linux/bpf.h"


@dataclass(frozen=True, slots=True)
class Enumerator:
    """A name of the header's lists of helpers, map types or program types."""

    enum: str
    name: str


@dataclass(frozen=True, slots=True)
class Taker:
    """A function whose prototype has a map as first argument: ``bpf_map_lookup_elem``."""

    function: str


@dataclass(frozen=True, slots=True)
class MapType:
    """``BPF_MAP_TYPE(type, ops)``: the object with the operations of a type of map."""

    type: str
    ops: str


@dataclass(frozen=True, slots=True)
class Iterable:
    """An object of operations that lets a program iterate over a map's elements."""

    ops: str


Record = Code | Enumerator | Taker | MapType | Iterable


class MapUseSource:
    """Helpers by type of map (``map_use``), and program types by type of map (``map_prog``)."""

    name = "map_use"
    version = 1
    roots = (_HEADER, _TYPES, "kernel/bpf/", "kernel/trace/", "net/core/")

    def wants(self, path: str, data: bytes) -> bool:
        """Tell whether a file may say something of maps."""
        if path in (_HEADER, _TYPES):
            return True
        marks = (_POINTER, FUNC, _CALLBACK)
        return path.endswith(".c") and any(mark.encode() in data for mark in marks)

    def parse(self, path: str, data: bytes) -> Piece:
        """Read one file.

        :raises ParseError: when it is too large or nests too deeply to be read at all
        """
        return Piece(tuple(pack(record) for record in _records(read_file(data))))

    def link(self, pieces: Mapping[str, Piece]) -> tuple[tuple[Fact, ...], tuple[Gap, ...]]:
        """Unite the pieces of one tree into facts."""
        code: dict[str, Code] = {}
        names: dict[str, set[str]] = {enum: set() for enum in _ENUMS}
        takers = set()
        ops = {}
        iterable = set()
        where = ""
        for path in sorted(pieces):
            for record in unpack(pieces[path].records, *get_args(Record)):
                match record:
                    case Code(name):
                        code[name] = record
                        where = path
                    case Enumerator(enum, name):
                        names[enum].add(name)
                    case Taker(function):
                        takers.add(function)
                    case MapType(map_type, found):
                        ops[map_type] = found
                    case Iterable(found):
                        iterable.add(found)
        gaps = [Gap(path, gap.line, gap.what) for path in pieces for gap in pieces[path].gaps]
        if FUNC not in code or not names["bpf_map_type"]:
            return (), tuple(sorted(gaps))
        if any(len(found) > _MAX_NAMES for found in names.values()):
            raise ParseError("the header has more names of maps or helpers than this reads")
        rules = rules_of(tuple(code.values()))
        facts = [
            fact
            for fact in _facts(rules, names, takers)
            if fact.name != _FOR_EACH.replace("BPF_FUNC_", "bpf_")
            or ops.get(fact.object) in iterable
        ]
        gaps += [Gap(where, 0, what) for what in rules.gaps]
        if not rules.has_programs and _FIRST_JUDGED in names["bpf_prog_type"]:
            gaps.append(Gap(where, 0, f"{PROG} was not found", lost=True))
            facts = [fact for fact in facts if fact.kind != "map_prog"]
        return tuple(sorted(facts)), tuple(sorted(gaps))


def _facts(rules: MapRules, names: Mapping[str, set[str]], takers: set[str]) -> Iterator[Fact]:
    helpers = rules.helpers | {
        f"BPF_FUNC_{taker.removeprefix('bpf_')}"
        for taker in takers
        if f"BPF_FUNC_{taker.removeprefix('bpf_')}" in names["bpf_func_id"]
    }
    types = sorted(names["bpf_prog_type"])
    for map_type in sorted(names["bpf_map_type"]):
        usable = False
        for program_type in types:
            condition = rules.program(map_type, program_type)
            usable = usable or not condition.never
            if not condition.never:
                yield Fact("map_prog", map_type, program_type, str(condition.collapse()))
        for helper in sorted(helpers & names["bpf_func_id"]) if usable else ():
            condition = rules.helper(map_type, helper)
            if not condition.never:
                name = helper.replace("BPF_FUNC_", "bpf_")
                yield Fact("map_use", name, map_type, str(condition.collapse()))


def _records(file: CFile) -> Iterator[Record]:
    for item in file.items:
        if item.kind == "type" and item.name in _ENUMS and "enum" in item.words:
            for part in split(file.tokens(item.body, item.end), ","):
                words = [str(token) for token in part if not token.startswith("#")]
                if words and not _NO_NAME.match(words[0]):
                    yield Enumerator(item.name, words[0])
        elif item.kind == "object" and not is_dead(item.guards):
            yield from _object(file, item)
    for call in file.calls(["BPF_MAP_TYPE", "FN"]):
        if call.name == "FN" and call.directive and call.arguments:
            yield Enumerator("bpf_func_id", f"BPF_FUNC_{call.arguments[0]}")
        elif call.name == "BPF_MAP_TYPE" and not call.directive and len(call.arguments) == 2:
            yield MapType(*call.arguments)
    if FUNC in file.bare:
        yield from read_code(file, lambda item: item.name in (FUNC, PROG, SLEEPERS))
        yield from read_old_sleepable(file)


def _object(file: CFile, item: Item) -> Iterator[Record]:
    """Read a helper's prototype, or the operations of a type of map."""
    if "bpf_func_proto" in item.words:
        members = {field.name: " ".join(field.value) for field in item_fields(file, item)}
        if members.get("arg1_type", "").startswith(_POINTER) and "func" in members:
            yield Taker(members["func"])
    elif "bpf_map_ops" in item.words:
        members = {field.name: "" for field in item_fields(file, item)}
        if _CALLBACK in members:
            yield Iterable(item.name)
