"""Which helper may be called from which program type, and under which condition.

``get_func_proto`` of a program type's verifier ops returns a prototype for each helper that its
programs may call, or NULL. This module reads one file; ``helper_link`` follows the calls from one
function to another. Shapes of the source from 4.4 to 7.3, each with the first and last release that
has it; find them by content, since the functions move between files:

========= ======================================================================================
releases  shape
========= ======================================================================================
4.4-4.11  ``struct bpf_prog_type_list`` names type and ops
4.12-4.14 ``BPF_PROG_TYPE(type, name_prog_ops)`` in ``include/linux/bpf_types.h``
4.15-5.4  ``BPF_PROG_TYPE(type, name)``, which names ``name_verifier_ops``; several types may share
          a name
5.5-      the same with four arguments, over two lines
4.4-      ``switch (func_id)``; the parameter may be ``which``; its default asks another function
4.4-      a prototype from a function without an id (``bpf_get_trace_printk_proto``); memory is
          allocated before a return
4.8-      ``__weak`` definitions, and stubs of a header for another configuration, that lose to the
          real one; ``#ifdef`` around cases
4.4-5.7   ``if (!capable(CAP_SYS_ADMIN)) return NULL;`` between switches
5.8-      ``bpf_capable()``, ``perfmon_capable()``; 6.9: ``bpf_token_capable(token, CAP_X)``
4.17-     ``switch (prog->expected_attach_type)``, of those that may or those that may not; the
          attach types with which a type loads: ``bpf_prog_load_check_attach``
5.1-      maps with locks, later timers, that some types may not use:
          ``check_map_prog_compatibility`` of the verifier
5.6-      ``struct bpf_struct_ops``; 5.15: without a member of the operations
5.7-5.9   prototypes that are made of others when the kernel starts
5.11-     ``sleepable ? &a : NULL``, and ``&b`` instead of NULL; 6.2: ``.might_sleep``
5.10-     ``.allowed``; sets of hooks
5.13-     ``security_locked_down(X) < 0 ? NULL : &p``
5.15-     ``check_get_func_ip`` of the verifier; ``struct bpf_iter_reg`` with a function of its own
5.17-     predicates: ``bpf_prog_has_trampoline(prog)``
6.1-      ``fn = other(func_id, prog); if (fn) return fn;`` before the switch
========= ======================================================================================

What fits no shape is a condition ``?`` and a gap, or a gap that says that facts may be lost.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from helperhist.errors import ParseError
from helperhist.sources.cfile import CFile, Item, read_file
from helperhist.sources.cinit import Field, item_fields
from helperhist.sources.condition import NEVER, Condition
from helperhist.sources.cstatements import read_body
from helperhist.sources.helper_link import link_uses
from helperhist.sources.paths import Path, predicate_paths, proto_paths, refusals
from helperhist.sources.source import Gap, Piece
from helperhist.timeline import Fact

__all__ = ["HelperUse"]

_MARKS = (
    b"bpf_func_proto",
    b"bpf_verifier_ops",
    b"bpf_prog_type_list",
    b"bpf_struct_ops",
    b"BPF_PROG_TYPE(",
    b"bpf_iter_reg",
)
# A predicate that judges a program by its type or attach type.
_JUDGES = frozenset(("bpf_prog", "bpf_prog_type"))
_JUDGED = ("expected_attach_type", "attach_btf_id", "->type", "BPF_PROG_TYPE_", "sleepable")
_LOAD_CHECK = ("bpf_prog_load_check_attach", "bpf_prog_load_check_attach_type")
# A prototype that is made of another when the kernel starts: convert_sk_func_proto (5.6 to 5.9).
_COPY = re.compile(r"\(\s*&(\w+_proto)\s*,\s*\w+\s*,\s*&(\w+_proto)\s*\)\s*;", re.ASCII)
_TRUE = frozenset(("true", "1"))
_MAP_CHECK = ("check_map_prog_compatibility",)
# What a map may hold, as its test is spelled in any release, and the helpers that need it.
_MAP_NEEDS = {
    "spin_lock": ("bpf_spin_lock", "bpf_spin_unlock"),
    "timer": ("bpf_timer_init", "bpf_timer_set_callback", "bpf_timer_start", "bpf_timer_cancel"),
}
# filter.c of 7.x has 24 functions that choose prototypes.
_MAX_CHOOSERS = 128
# The longest predicate in question has 0.6 KB.
_MAX_PREDICATE = 4096


class HelperUse:
    """The source of ``helper_use``: pairs of helper and program type."""

    name = "helper_use"
    version = 1
    roots = (
        "block/",
        "drivers/",
        "fs/",
        "include/linux/",
        "include/net/",
        "io_uring/",
        "kernel/",
        "lib/",
        "mm/",
        "net/",
        "security/",
    )

    def wants(self, path: str, data: bytes) -> bool:
        """Tell whether a file may choose helpers, or judge programs."""
        if not path.endswith((".c", ".h")) or (
            b"bpf" not in data and b"BPF_PROG_TYPE(" not in data
        ):
            return False
        return any(mark in data for mark in _MARKS)

    def parse(self, path: str, data: bytes) -> Piece:
        """Read one file."""
        file = read_file(data)
        reader = _Reader(file)
        reader.read()
        return Piece(tuple(reader.records), tuple(reader.gaps))

    def link(self, pieces: Mapping[str, Piece]) -> tuple[tuple[Fact, ...], tuple[Gap, ...]]:
        """Return a fact for each pair, and what could not be read."""
        return link_uses(pieces)


class _Reader:
    def __init__(self, file: CFile) -> None:
        self._file = file
        self._choosers = 0
        self.records: list[tuple[str, ...]] = []
        self.gaps: list[Gap] = []

    def read(self) -> None:
        for call in self._file.calls(["BPF_PROG_TYPE"]):
            if not call.directive and len(call.arguments) >= 2:
                guards = self._file.guards(call.at)
                self.records.append(("type", *call.arguments[:2], *guards))
        for found in _COPY.finditer(self._file.bare):
            self.records.append(("copy", *found.groups()))
        for item in self._file.objects():
            self._try(item, self._read_object)
        for item in self._file.functions():
            if "bpf_func_proto" in item.words:
                self._try(item, self._read_chooser)
            elif item.name in _LOAD_CHECK:
                self._try(item, self._read_load_check)
            elif item.name in _MAP_CHECK:
                self._try(item, self._read_map_check)
            elif item.name == "check_get_func_ip":
                self._try(item, self._read_func_ip)
            elif item.name == "check_helper_call":
                self._read_call_check(item)
            elif "bool" in item.words:
                self._try(item, self._read_predicate)

    def _try(self, item: Item, read: Callable[[Item], None]) -> None:
        try:
            read(item)
        except ParseError as e:
            self.records.append(("unread", item.name))
            self.gaps.append(Gap("", self._file.line(item.start), f"{item.name}: {e}", lost=True))

    def _read_object(self, item: Item) -> None:
        words = item.words
        if "bpf_func_proto" in words:
            fields = _members(item_fields(self._file, item))
            self.records.append(("proto", item.name, *_attributes(fields)))
        elif "bpf_verifier_ops" in words:
            fields = _members(item_fields(self._file, item))
            self.records.append(("ops", item.name, fields.get("get_func_proto", "")))
        elif "bpf_prog_type_list" in words:
            fields = _members(item_fields(self._file, item))
            if "type" in fields and "ops" in fields:
                guards = self._file.guards(item.body)
                self.records.append(("type", fields["type"], fields["ops"], *guards))
        elif "bpf_struct_ops" in words:
            fields = _members(item_fields(self._file, item))
            if "verifier_ops" in fields and "name" in fields:
                self.records.append(("struct_ops", fields["name"], fields["verifier_ops"]))
        elif "bpf_iter_reg" in words:
            fields = _members(item_fields(self._file, item))
            if "get_func_proto" in fields:
                target = fields.get("target", item.name)
                self.records.append(("iter", target, fields["get_func_proto"]))

    def _read_chooser(self, item: Item) -> None:
        self._choosers += 1
        if self._choosers > _MAX_CHOOSERS:
            raise ParseError("a file has more functions that choose prototypes than this reads")
        paths = proto_paths(read_body(self._file, item), item.parameters)
        weak = "weak" if "__weak" in item.words else ""
        self.records.append(("chooser", item.name, weak, *item.guards))
        for path in paths:
            names = ",".join(sorted(path.ids.names))
            ids = f"!{names}" if path.ids.others else names
            kind, name = path.value.kind, path.value.name
            if kind not in {"proto", "call", "member"}:
                kind = "unread"
                self._note(item, f"{item.name} returns {_spelled(path)}")
            self._note_unread(item, path.condition)
            self.records.append(("path", ids, str(path.condition), kind, name))

    def _read_load_check(self, item: Item) -> None:
        body = read_body(self._file, item)
        for condition in predicate_paths(body, item.parameters, zero=True, loose=True):
            self.records.append(("loads", str(condition)))

    def _read_map_check(self, item: Item) -> None:
        """Read which programs the verifier lets use a map that holds a lock, or a timer."""
        body = read_body(self._file, item)
        text = self._file.text[item.body : item.end].lower()
        for need, helpers in _MAP_NEEDS.items():
            if need not in text:
                continue
            condition = NEVER
            for path in predicate_paths(body, item.parameters, zero=True, loose=True, assume=need):
                condition |= path
            if need == "spin_lock" and "map->record" in text:
                # A lock may also be in an object of the program's own (bpf_obj_new, 6.2).
                condition |= Condition.unread("a lock outside of maps")
            self._note_unread(item, condition)
            for helper in helpers:
                self.records.append(("verifier", helper, str(condition)))

    def _read_func_ip(self, item: Item) -> None:
        condition = NEVER
        for path in predicate_paths(read_body(self._file, item), item.parameters, zero=True):
            condition |= path
        self._note_unread(item, condition)
        self.records.append(("verifier", "bpf_get_func_ip", str(condition)))

    def _read_call_check(self, item: Item) -> None:
        """Read what the verifier asks of programs that call single helpers."""
        refused: dict[str, Condition] = {}
        try:
            for refusal in refusals(read_body(self._file, item), "func_id"):
                for name in refusal.ids.names:
                    refused[name] = refused.get(name, NEVER) | refusal.condition
        except ParseError as e:
            self._note(item, f"{item.name}: {e}")
        for name, condition in sorted(refused.items()):
            helper = "bpf_" + name.removeprefix("BPF_FUNC_")
            self.records.append(("verifier", helper, str(~condition)))

    def _read_predicate(self, item: Item) -> None:
        if len(item.parameters) != 1 or not _JUDGES & set(item.parameters[0]):
            return
        if item.end - item.body > _MAX_PREDICATE:
            return
        text = self._file.text[item.body : item.end]
        if not any(mark in text for mark in _JUDGED):
            return
        condition = NEVER
        for path in predicate_paths(read_body(self._file, item), item.parameters):
            condition |= path
        self._note_unread(item, condition)
        self.records.append(("predicate", item.name, str(condition), *item.guards))

    def _note_unread(self, item: Item, condition: Condition) -> None:
        """Keep the line of each test that was not read, for the gap that it may become."""
        line = str(self._file.line(item.start))
        for variable in condition.unread_names():
            self.records.append(("test", variable, line, item.name))

    def _note(self, item: Item, what: str) -> None:
        self.gaps.append(Gap("", self._file.line(item.start), what))


def _members(fields: Sequence[Field]) -> dict[str, str]:
    """Return the members with their values as text, addresses and strings by their names."""
    return {
        field.name: "".join(token for token in field.value if token != "&").strip('"')
        for field in fields
        if field.name and not field.fields
    }


def _attributes(fields: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a prototype says: GPL only, may sleep, allowed by, and its contract.

    The contract is the return type and those of the arguments, as the source spells them.
    """
    arguments = [fields.get(f"arg{number}_type", "") for number in range(1, 6)]
    while arguments and not arguments[-1]:
        arguments.pop()
    return (
        "yes" if fields.get("gpl_only") in _TRUE else "no",
        "yes" if fields.get("might_sleep") in _TRUE else "no",
        fields.get("allowed", ""),
        f"{fields.get('ret_type', 'RET_INTEGER')}({','.join(arguments)})",
    )


def _spelled(path: Path) -> str:
    return " ".join(path.value.tokens)[:80] or "what is not read"
