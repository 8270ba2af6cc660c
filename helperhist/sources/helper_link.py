"""Pairs of helper and program type, from the pieces that ``helper_use`` read in the files."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from helperhist.sources.atoms import guards_condition
from helperhist.sources.condition import ALWAYS, NEVER, UNREAD, Condition
from helperhist.sources.helper_records import Chooser, ChooserPath, Proto, Tree, read_records
from helperhist.sources.source import Gap, Piece
from helperhist.timeline import Fact

__all__ = ["link_uses"]

_ID = "BPF_FUNC_"
# Stands for every helper: a function without an id (bpf_get_trace_printk_proto) returns the same
# for all, and its callers know for which.
_ANY = ""
# Options that are no condition of a pair: without them no program is loaded at all.
_GIVEN = frozenset(("config=CONFIG_BPF", "config=CONFIG_BPF_SYSCALL"))
# The verifier's check_attach_btf_id refuses an LSM program of another attach type (since 5.7, which
# brought these programs); no function that this reads says so.
_LSM = frozenset(("BPF_LSM_MAC", "BPF_LSM_CGROUP"))
# Predicates that call predicates; the kernel has two levels.
_MAX_CALLS = 8
_STRUCT_OPS = "BPF_PROG_TYPE_STRUCT_OPS"


@dataclass(frozen=True, slots=True)
class _Use:
    """When a helper may be called, and the prototypes that it may have."""

    condition: Condition
    protos: frozenset[Proto]


_Table = dict[str, _Use]


def link_uses(pieces: Mapping[str, Piece]) -> tuple[tuple[Fact, ...], tuple[Gap, ...]]:
    """Return facts of the kinds helper_use, gpl_only and contract, and what could not be read."""
    linker = _Linker(read_records(pieces))
    facts = linker.link()
    return tuple(sorted(facts)), tuple(sorted(set(linker.gaps)))


class _Linker:
    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._tables: dict[tuple[str, str], _Table] = {}
        self._open: set[tuple[str, str]] = set()
        self.gaps = list(tree.gaps)

    def link(self) -> list[Fact]:
        facts = []
        protos: dict[str, dict[str, frozenset[Proto]]] = {}
        for kind, name, guards in self._tree.types:
            if not kind.startswith("BPF_PROG_TYPE_"):
                continue
            known = self._known(kind)
            given = dict.fromkeys(_given(guards), ALWAYS).get
            for helper, use in self._type_table(kind, name).items():
                if helper == _ANY:
                    self.gaps.append(
                        Gap("", 0, f"{kind}: a prototype for helpers without a name", lost=True)
                    )
                    continue
                met = use.condition & self._verifier(helper)
                met = met.replace(given).restrict(known)
                self._note_unread(met)
                if not met.never:
                    facts.append(Fact("helper_use", helper, kind, str(met.collapse())))
                    protos.setdefault(helper, {})[kind] = use.protos
        for helper, by_type in protos.items():
            facts += _attribute(helper, by_type, "gpl_only", lambda proto: proto.gpl_only)
            facts += _attribute(helper, by_type, "contract", lambda proto: proto.contract)
        return facts

    def _known(self, kind: str) -> dict[str, frozenset[str]]:
        """Return the values that keys can have for programs of a type."""
        known = {"type": frozenset((kind,))}
        attach = self._attach_types(kind)
        if attach is not None:
            known["attach"] = attach
        if kind == _STRUCT_OPS:
            known["struct_ops"] = frozenset(name for name, _, _ in self._tree.struct_ops)
        return known

    def _attach_types(self, kind: str) -> frozenset[str] | None:
        """Return the attach types with which programs of a type load, None for any."""
        if kind == "BPF_PROG_TYPE_LSM":
            return _LSM
        values: set[str] = set()
        for loads in self._tree.loads:
            for cube in loads.restrict({"type": frozenset((kind,))}).cubes:
                negated, some = dict(cube).get("attach", (True, frozenset()))
                if negated:
                    return None
                values |= some
        return frozenset(values) or None

    def _verifier(self, helper: str) -> Condition:
        """Return what the verifier asks of all programs that call a helper."""
        asked = ALWAYS
        for path, condition in self._tree.verifier.get(helper, ()):
            asked &= self._resolved(condition, path)
        return asked

    def _type_table(self, kind: str, name: str) -> _Table:
        if kind == _STRUCT_OPS:
            table: _Table = {}
            for struct, ops, path in self._tree.struct_ops:
                where = Condition.of("struct_ops", struct)
                _unite(table, self._ops_table(ops, path), where)
            return table
        for ops in (f"{name}_verifier_ops", f"{name}_prog_ops", name):
            if ops in self._tree.ops:
                return self._ops_table(ops, "")
        self.gaps.append(
            Gap("", 0, f"{kind}: no verifier ops named after {name} were found", lost=True)
        )
        return {}

    def _ops_table(self, name: str, path: str) -> _Table:
        if name not in self._tree.ops:
            self._lose(path, f"verifier ops {name} were not found")
            return {}
        place, function = self._tree.ops[name]
        return self._table(function, place) if function else {}

    def _table(self, name: str, path: str) -> _Table:
        """Return the helpers that a function chooses, seen from a file."""
        chooser = self._tree.chooser(name, path)
        if chooser is None:
            self._lose(path, f"{name}: its definition was not found")
            return {}
        key = (chooser.name, chooser.path)
        table = self._tables.get(key)
        if table is not None:
            return table
        if key in self._open:
            self._lose(chooser.path, f"{name} calls itself")
            return {}
        self._open.add(key)
        table = {}
        compiled = guards_condition(chooser.guards)
        for one in chooser.paths:
            condition = compiled & self._resolved(one.condition, chooser.path)
            self._follow(table, one, condition, chooser)
        self._open.discard(key)
        self._tables[key] = table
        return table

    def _follow(
        self, table: _Table, one: ChooserPath, condition: Condition, chooser: Chooser
    ) -> None:
        """Add what one path of a function gives."""
        found: _Table = {}
        if one.kind == "call":
            found = self._table(one.name, chooser.path)
        elif one.kind == "member":
            if one.name != "bpf_iter_reg.get_func_proto":
                self.gaps.append(
                    Gap(chooser.path, 0, f"{chooser.name} calls {one.name}", lost=True)
                )
            for target, function, path in self._tree.iterators:
                _unite(found, self._table(function, path), Condition.of("iter", target))
        else:
            found = {_ANY: self._proto(one, chooser)}
        names = {_helper(name) for name in one.ids}
        if _ANY in found and not one.others:
            found = dict.fromkeys(names, found[_ANY])
        chosen = {name: use for name, use in found.items() if (name in names) != one.others}
        _unite(table, chosen, condition)

    def _proto(self, one: ChooserPath, chooser: Chooser) -> _Use:
        """Return what a prototype itself asks: a program that may sleep, or one that it allows."""
        if one.kind != "proto":
            return _Use(UNREAD, frozenset())
        found = self._tree.proto(one.name, chooser.path)
        if found is None:
            self.gaps.append(Gap(chooser.path, 0, f"prototype {one.name} was not found"))
            return _Use(UNREAD, frozenset())
        path, proto = found
        condition = Condition.of("sleepable") if proto.might_sleep else ALWAYS
        if proto.allowed:
            condition &= self._resolved(Condition.of("call", proto.allowed), path)
        return _Use(condition, frozenset((proto,)))

    def _resolved(self, condition: Condition, path: str, depth: int = 0) -> Condition:
        """Put the functions that judge programs in the place of calls of them."""

        def meaning(variable: str) -> Condition | None:
            key, _, name = variable.partition("=")
            if key != "call":
                return None
            found = self._tree.predicate(name, path)
            if found is None or depth > _MAX_CALLS:
                return Condition.unread(name)
            return self._resolved(found[1], found[0], depth + 1)

        return condition.replace(meaning)

    def _lose(self, path: str, what: str) -> None:
        self.gaps.append(Gap(path, 0, what, lost=True))

    def _note_unread(self, condition: Condition) -> None:
        # Where there is no more than ``?``, its own gap says what it is.
        for variable in condition.unread_names() - {"?"}:
            path, line, function = self._tree.tests.get(variable, ("", 0, "?"))
            self.gaps.append(Gap(path, line, f"{function}: not read: {variable[1:]}"))


def _given(guards: Iterable[str]) -> frozenset[str]:
    """Return the variables that hold wherever a program type exists."""
    cubes = guards_condition(tuple(guards)).cubes
    return _GIVEN | {variable for variable, _ in cubes[0]} if len(cubes) == 1 else _GIVEN


def _attribute(
    helper: str,
    by_type: Mapping[str, frozenset[Proto]],
    kind: str,
    value: Callable[[Proto], str],
) -> list[Fact]:
    """Return what a helper's prototypes say: once for all types, or for each where they differ."""
    values = {
        name: " or ".join(sorted({value(proto) for proto in protos})) or "?"
        for name, protos in by_type.items()
    }
    if len(set(values.values())) == 1:
        return [Fact(kind, helper, "", next(iter(values.values())))]
    return [Fact(kind, helper, name, text) for name, text in values.items()]


def _helper(name: str) -> str:
    return "bpf_" + name.removeprefix(_ID)


def _unite(table: _Table, more: Mapping[str, _Use], condition: Condition) -> None:
    for helper, use in more.items():
        met = use.condition & condition
        if not met.never:
            old = table.get(helper, _Use(NEVER, frozenset()))
            table[helper] = _Use(old.condition | met, old.protos | use.protos)
