"""The kfuncs of one tree: sets, registrations, hooks and filters of all its files, united."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from helperhist.errors import ParseError
from helperhist.sources.atoms import guards_condition
from helperhist.sources.condition import ALWAYS, NEVER, Condition
from helperhist.sources.kfunc_names import Names
from helperhist.sources.kfunc_records import (
    Check,
    Definition,
    KfuncSet,
    Record,
    Registration,
    SetEntry,
    StructOps,
)
from helperhist.sources.kfunc_rules import STRUCT_OPS, Rules
from helperhist.sources.source import Gap
from helperhist.sources.tree_records import ProgramType
from helperhist.timeline import Fact

__all__ = ["link_kfuncs"]

# 7.1 has 33.
_MAX_TYPES = 256
_UNSPEC = "BPF_PROG_TYPE_UNSPEC"
# With KF_IMPLICIT_ARGS, programs see the parameters before the first of these types only
# (is_kf_implicit_arg() of tools/bpf/resolve_btfids/main.c).
_IMPLICIT = ("struct bpf_prog_aux *", "struct btf_struct_meta *")


# Where kfuncs are that only the kernel's own tests call.
_TESTS = ("net/bpf/test_run.c", "tools/")


@dataclass(frozen=True, slots=True)
class _Listed:
    """A kfunc in the sets of one hook: its flags there, and the configurations that have it."""

    flags: frozenset[str]
    configured: Condition
    path: str


class _Linker:
    def __init__(self, pieces: Mapping[str, Sequence[Record]]) -> None:
        self.names = Names(pieces)
        self.gaps = self.names.gaps
        self.rules = Rules(self.names)
        self.types = sorted({found.type for _, found in self.names.all(ProgramType)})
        if len(self.types) > _MAX_TYPES:
            raise ParseError(f"{len(self.types)} program types are more than this reads")
        self._defined: dict[str, list[tuple[str, Definition]]] = {}
        for path, definition in self.names.all(Definition):
            self._defined.setdefault(definition.name, []).append((path, definition))
        self.flags: dict[str, set[str]] = {}
        self.paths: dict[str, str] = {}
        self.uses: dict[tuple[str, str], Condition] = {}

    def run(self) -> list[Fact]:
        self._registered()
        self._checked()
        facts = []
        for name, flags in self.flags.items():
            facts.append(Fact("kfunc", name, "", " ".join(sorted(flags))))
            path, definition = self._definition(name)
            if definition is not None:
                text = _prototype(definition, "KF_IMPLICIT_ARGS" in flags)
                facts.append(Fact("kfunc_proto", name, "", text))
                if path.startswith(_TESTS):
                    facts.append(Fact("kfunc_test", name, "", path))
        for (name, program_type), condition in self.uses.items():
            if not condition.never:
                facts.append(Fact("kfunc_use", name, program_type, str(condition.collapse())))
        return facts

    def _definition(self, name: str) -> tuple[str, Definition | None]:
        """Return the definition of a kfunc with its file: a marked one, one beside its set."""
        best: tuple[str, Definition | None] = ("", None)
        rank = (False, False, False)
        for path, found in self._defined.get(name, ()):
            own = (bool(found.marked), path == self.paths[name], path.endswith(".c"))
            if best[1] is None or own > rank:
                best, rank = (path, found), own
        return best

    def _registered(self) -> None:
        hooks: dict[str, dict[str, _Listed]] = {}
        filters: dict[str, set[tuple[str, str]]] = {}
        for path, found in self.names.all(Registration):
            if found.list:
                continue
            hook = self.rules.hook(found.type)
            if hook is None:
                self.gaps.append(Gap(path, 0, f"{found.type} has no hook for {found.kfunc_set}"))
                continue
            configured = guards_condition(found.guards)
            for where, kfunc_set in self.names.find(KfuncSet, path, found.kfunc_set):
                if kfunc_set.filter:
                    filters.setdefault(hook, set()).add((where, kfunc_set.filter))
                listed = hooks.setdefault(hook, {})
                for entry in self._entries(where, kfunc_set):
                    _add(listed, entry, configured, where)
        for hook, listed in hooks.items():
            for program_type in self.types:
                if hook in (self.rules.hook(_UNSPEC), self.rules.hook(program_type)):
                    self._use(program_type, listed, sorted(filters.get(hook, ())))
            for name, one in listed.items():
                self._exists(name, one)

    def _use(
        self, program_type: str, listed: Mapping[str, _Listed], filters: Sequence[tuple[str, str]]
    ) -> None:
        for name, entry in listed.items():
            allowed = self.rules.allowed(name, entry.flags, program_type, filters)
            self._allow(name, program_type, entry.configured & allowed)

    def _allow(self, name: str, program_type: str, condition: Condition) -> None:
        key = (name, program_type)
        self.uses[key] = self.uses.get(key, NEVER) | condition

    def _exists(self, name: str, entry: _Listed) -> None:
        self.flags.setdefault(name, set()).update(entry.flags)
        self.paths.setdefault(name, entry.path)

    def _checked(self) -> None:
        """Apply the ``check_kfunc_call`` of verifier ops, as 5.13 to 5.17 have it."""
        stems = list(self.names.all(ProgramType))
        for path, check in self.names.all(Check):
            targets = [
                (found.type, ALWAYS)
                for _, found in stems
                if f"{found.stem}_verifier_ops" == check.ops
            ]
            for where, ops in self.names.all(StructOps):
                if ops.ops == check.ops and where == path:
                    targets.append((STRUCT_OPS, Condition.of("struct_ops", ops.struct)))
            configured = guards_condition(check.guards)
            for name, entry in self._candidates().items():
                if self.rules.check(path, check.function, name, self._lists()):
                    self._exists(name, entry)
                    for program_type, condition in targets:
                        self._allow(name, program_type, configured & entry.configured & condition)

    def _candidates(self) -> dict[str, _Listed]:
        found: dict[str, _Listed] = {}
        for path, entry in self.names.all(SetEntry):
            _add(found, entry, ALWAYS, path)
        return found

    def _lists(self) -> dict[str, set[str]]:
        """Return the names on each list of 5.16 and 5.17."""
        lists: dict[str, set[str]] = {}
        for path, found in self.names.all(Registration):
            if found.list:
                names = lists.setdefault(found.list, set())
                for where, kfunc_set in self.names.find(KfuncSet, path, found.kfunc_set):
                    names.update(entry.name for entry in self._entries(where, kfunc_set))
        return lists

    def _entries(self, path: str, kfunc_set: KfuncSet) -> Iterator[SetEntry]:
        """Iterate over the entries of a kfunc set, with the flags that other sets give them."""
        flags: dict[str, list[str]] = {}
        for flag, ids in zip(kfunc_set.flagged[::2], kfunc_set.flagged[1::2], strict=True):
            for entry in self.names.entries(path, ids):
                flags.setdefault(entry.name, []).append(flag)
        for entry in self.names.entries(path, kfunc_set.id_set):
            more = flags.get(entry.name)
            if more is None:
                yield entry
            else:
                yield SetEntry(entry.id_set, entry.name, (*entry.flags, *more), entry.guards)


def _prototype(definition: Definition, implicit: bool) -> str:
    """Return the prototype that programs see."""
    parameters = definition.parameters
    if implicit:
        parameters = tuple(takewhile(_is_explicit, parameters))
    space = "" if definition.returns.endswith("*") else " "
    return f"{definition.returns}{space}{definition.name}({', '.join(parameters) or 'void'})"


def _is_explicit(parameter: str) -> bool:
    return not parameter.removeprefix("const ").startswith(_IMPLICIT)


def _add(listed: dict[str, _Listed], entry: SetEntry, configured: Condition, path: str) -> None:
    condition = configured & guards_condition(entry.guards)
    flags = frozenset(entry.flags)
    before = listed.get(entry.name)
    if before is not None:
        condition |= before.configured
        flags |= before.flags
        path = before.path
    listed[entry.name] = _Listed(flags, condition, path)


def link_kfuncs(
    pieces: Mapping[str, Sequence[Record]],
) -> tuple[list[Fact], list[Gap]]:
    """Return what the files of one tree, by path, say of its kfuncs, and what they leave open."""
    linker = _Linker(pieces)
    facts = linker.run()
    return facts, linker.gaps
