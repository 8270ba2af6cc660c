"""Pairs of helper and program type, from the pieces that ``helper_use`` read in the files."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from helperhist.sources.atoms import guards_condition
from helperhist.sources.condition import ALWAYS, NEVER, UNREAD, Condition
from helperhist.sources.source import Fact, Gap, Piece

__all__ = ["link_uses"]

_ID = "BPF_FUNC_"
# Stands for every helper: a function without an id (bpf_get_trace_printk_proto) returns the same
# for all, and its callers know for which.
_ANY = ""
# Options that are no condition of a pair: without them no program is loaded at all.
_GIVEN = frozenset(("config=CONFIG_BPF", "config=CONFIG_BPF_SYSCALL", "config=CONFIG_NET_CORE"))
# The verifier's check_attach_btf_id (5.7, 9e4e01dfd325) refuses an LSM program of another attach
# type; no function that this reads says so.
_LSM = frozenset(("BPF_LSM_MAC", "BPF_LSM_CGROUP"))

Table = dict[str, Condition]


@dataclass(frozen=True, slots=True)
class _Path:
    ids: frozenset[str]
    others: bool
    condition: Condition
    kind: str
    name: str


@dataclass(slots=True)
class _Chooser:
    """A function that chooses prototypes, where it is defined."""

    path: str
    name: str
    weak: bool
    guards: tuple[str, ...]
    paths: list[_Path] = field(default_factory=list)


@dataclass(slots=True)
class _Tree:
    """All records of a tree, by name."""

    types: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    ops: dict[str, tuple[str, str]] = field(default_factory=dict)  # to path and function
    struct_ops: list[tuple[str, str, str]] = field(default_factory=list)  # name, ops, path
    iterators: list[tuple[str, str, str]] = field(default_factory=list)  # target, function, path
    choosers: dict[str, list[_Chooser]] = field(default_factory=dict)
    predicates: dict[str, list[tuple[str, Condition]]] = field(default_factory=dict)
    loads: Condition = ALWAYS
    tests: dict[str, tuple[str, int, str]] = field(default_factory=dict)  # path, line, function
    gaps: list[Gap] = field(default_factory=list)


def link_uses(pieces: Mapping[str, Piece]) -> tuple[tuple[Fact, ...], tuple[Gap, ...]]:
    """Return a fact for each pair, and what could not be read."""
    linker = _Linker(_read(pieces))
    linker.link()
    return tuple(sorted(linker.facts)), tuple(sorted(set(linker.gaps)))


def _read(pieces: Mapping[str, Piece]) -> _Tree:
    tree = _Tree()
    for path in sorted(pieces):
        piece = pieces[path]
        tree.gaps += [Gap(path, gap.line, gap.what) for gap in piece.gaps]
        chooser: _Chooser | None = None
        for record in piece.records:
            match record:
                case ("path", ids, condition, kind, name) if chooser is not None:
                    names = frozenset(ids.removeprefix("!").split(",")) - {""}
                    parsed = Condition.parse(condition)
                    others = ids.startswith("!")
                    chooser.paths.append(_Path(names, others, parsed, kind, name))
                case ("chooser", name, weak, *guards):
                    chooser = _Chooser(path, name, bool(weak), tuple(guards))
                    tree.choosers.setdefault(name, []).append(chooser)
                case ("unread", name):
                    unread = _Chooser(path, name, weak=False, guards=())
                    unread.paths.append(_Path(frozenset(), True, UNREAD, "unread", ""))
                    tree.choosers.setdefault(name, []).append(unread)
                case _:
                    _read_record(tree, path, record)
    return tree


def _read_record(tree: _Tree, path: str, record: tuple[str, ...]) -> None:
    match record:
        case ("type", kind, ops, *guards):
            tree.types.append((kind, ops, tuple(guards)))
        case ("ops", name, function):
            tree.ops[name] = (path, function)
        case ("struct_ops", name, ops):
            tree.struct_ops.append((name, ops, path))
        case ("iter", target, function):
            tree.iterators.append((target, function, path))
        case ("predicate", name, condition, *_):
            found = (path, Condition.parse(condition))
            tree.predicates.setdefault(name, []).append(found)
        case ("loads", condition):
            tree.loads = Condition.parse(condition)
        case ("test", variable, line, function):
            tree.tests.setdefault(variable, (path, int(line), function))


class _Linker:
    def __init__(self, tree: _Tree) -> None:
        self._tree = tree
        self._tables: dict[tuple[str, str], Table] = {}
        self._open: set[tuple[str, str]] = set()
        self.facts: list[Fact] = []
        self.gaps = list(tree.gaps)

    def link(self) -> None:
        for kind, name, guards in self._tree.types:
            if not kind.startswith("BPF_PROG_TYPE_"):
                continue
            known = {"type": frozenset((kind,))}
            attach = self._attach_types(kind)
            if attach is not None:
                known["attach"] = attach
            given = _GIVEN | {
                variable for cube in guards_condition(guards).cubes[:1] for variable, _ in cube
            }
            always = dict.fromkeys(given, ALWAYS).get
            for helper, condition in self._type_table(kind, name).items():
                met = condition.replace(always).restrict(known)
                self._note_unread(met)
                if helper == _ANY:
                    self.gaps.append(Gap("", 0, f"{kind}: a prototype for helpers without a name"))
                elif not met.never:
                    value = str(met.collapse())
                    self.facts.append(Fact("helper_use", helper, kind, value))

    def _attach_types(self, kind: str) -> frozenset[str] | None:
        """Return the attach types with which programs of a type load, None for any."""
        if kind == "BPF_PROG_TYPE_LSM":
            return _LSM
        values: set[str] = set()
        for cube in self._tree.loads.restrict({"type": frozenset((kind,))}).cubes:
            domain = dict(cube).get("attach")
            if domain is None or domain[0]:
                return None
            values |= domain[1]
        return frozenset(values) or None

    def _type_table(self, kind: str, name: str) -> Table:
        if kind == "BPF_PROG_TYPE_STRUCT_OPS":
            table: Table = {}
            for struct, ops, path in self._tree.struct_ops:
                where = Condition.of("struct_ops", struct)
                _unite(table, self._ops_table(ops, path), where)
            return table
        for ops in (f"{name}_verifier_ops", f"{name}_prog_ops", name):
            if ops in self._tree.ops:
                return self._ops_table(ops, "")
        self.gaps.append(Gap("", 0, f"{kind}: no verifier ops named after {name} were found"))
        return {}

    def _ops_table(self, name: str, path: str) -> Table:
        if name not in self._tree.ops:
            self.gaps.append(Gap(path, 0, f"verifier ops {name} were not found"))
            return {}
        place, function = self._tree.ops[name]
        return self._table(function, place) if function else {}

    def _table(self, name: str, path: str) -> Table:
        """Return the helpers that a function chooses, seen from a file."""
        chooser = self._definition(name, path)
        if chooser is None:
            self.gaps.append(Gap(path, 0, f"{name}: its definition was not found"))
            return {}
        key = (chooser.name, chooser.path)
        table = self._tables.get(key)
        if table is not None:
            return table
        if key in self._open:
            self.gaps.append(Gap(chooser.path, 0, f"{name} calls itself"))
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

    def _follow(self, table: Table, one: _Path, condition: Condition, chooser: _Chooser) -> None:
        found: Table = {}
        if one.kind == "call":
            found = self._callee(one, chooser)
        elif one.kind == "member":
            if one.name != "bpf_iter_reg.get_func_proto":
                self.gaps.append(Gap(chooser.path, 0, f"{chooser.name} calls {one.name}"))
            for target, function, path in self._tree.iterators:
                _unite(found, self._table(function, path), Condition.of("iter", target))
        else:
            result = ALWAYS if one.kind == "proto" else UNREAD
            found = {_ANY: result} if one.others else {_helper(name): result for name in one.ids}
        names = {_helper(name) for name in one.ids}
        chosen = {
            helper: callable_
            for helper, callable_ in found.items()
            if (helper in names) != one.others
        }
        _unite(table, chosen, condition)

    def _callee(self, one: _Path, chooser: _Chooser) -> Table:
        table = self._table(one.name, chooser.path)
        if _ANY in table and not one.others:
            return {_helper(name): table[_ANY] for name in one.ids}
        return table

    def _definition(self, name: str, path: str) -> _Chooser | None:
        """Choose the definition that is meant: no stub, no weak one, and the file's own first."""
        found = self._tree.choosers.get(name, [])
        for wanted in (
            [one for one in found if one.paths and not one.weak and one.path == path],
            [one for one in found if one.paths and not one.weak],
            [one for one in found if one.paths],
            found,
        ):
            if wanted:
                return wanted[0]
        return None

    def _resolved(self, condition: Condition, path: str) -> Condition:
        def meaning(variable: str) -> Condition | None:
            key, _, name = variable.partition("=")
            if key != "call":
                return None
            found = self._tree.predicates.get(name, [])
            here = [one for place, one in found if place == path] or [one for _, one in found]
            return here[0] if here else Condition.unread(name)

        return condition.replace(meaning)

    def _note_unread(self, condition: Condition) -> None:
        for variable in condition.unread_names():
            path, line, function = self._tree.tests.get(variable, ("", 0, ""))
            self.gaps.append(Gap(path, line, f"{function}: the test {variable[1:]} is not read"))


def _helper(name: str) -> str:
    return "bpf_" + name.removeprefix(_ID)


def _unite(table: Table, more: Mapping[str, Condition], condition: Condition) -> None:
    for helper, callable_ in more.items():
        met = callable_ & condition
        if not met.never:
            table[helper] = table.get(helper, NEVER) | met
