"""The records that ``helper_use`` makes of files, of one whole tree, by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from helperhist.sources.condition import UNREAD, Condition
from helperhist.sources.source import Gap, Piece

__all__ = ["Chooser", "ChooserPath", "Proto", "Tree", "read_records"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Proto:
    """What an object of type ``struct bpf_func_proto`` says."""

    gpl_only: str  # yes or no
    might_sleep: bool
    allowed: str  # a function that judges programs, or nothing
    contract: str  # RET_INTEGER(ARG_PTR_TO_CTX,ARG_ANYTHING)


@dataclass(frozen=True, slots=True)
class ChooserPath:
    """For some helpers, under a condition: a prototype, or the function that is asked next."""

    ids: frozenset[str]
    others: bool  # for all but the ids
    condition: Condition
    kind: str  # proto, call, member or unread
    name: str


@dataclass(slots=True)
class Chooser:
    """A function that chooses prototypes, where it is defined."""

    path: str
    name: str
    weak: bool
    guards: tuple[str, ...]
    paths: list[ChooserPath] = field(default_factory=list)


@dataclass(slots=True)
class Tree:
    """All records; places are paths of files."""

    types: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    ops: dict[str, tuple[str, str]] = field(default_factory=dict)  # to place and function
    struct_ops: list[tuple[str, str, str]] = field(default_factory=list)  # name, ops, place
    iterators: list[tuple[str, str, str]] = field(default_factory=list)  # target, function, place
    choosers: dict[str, list[Chooser]] = field(default_factory=dict)
    protos: dict[str, list[tuple[str, Proto]]] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)  # to the prototype that one starts from
    predicates: dict[str, list[tuple[str, Condition]]] = field(default_factory=dict)
    loads: list[Condition] = field(default_factory=list)
    verifier: dict[str, list[tuple[str, Condition]]] = field(default_factory=dict)
    tests: dict[str, tuple[str, int, str]] = field(default_factory=dict)  # place, line, function
    gaps: list[Gap] = field(default_factory=list)

    def chooser(self, name: str, path: str) -> Chooser | None:
        """Return the definition that is meant: no stub, no weak one, and the file's own first."""
        found = self.choosers.get(name, [])
        real = [one for one in found if one.paths] or found
        strong = [one for one in real if not one.weak] or real
        return next((one for one in strong if one.path == path), strong[0] if strong else None)

    def proto(self, name: str, path: str) -> tuple[str, Proto] | None:
        """Return a prototype and its place, seen from a file."""
        found = _nearest(self.protos.get(name, []), path)
        original = self.copies.get(name, "")
        if found is None and original in self.protos:
            place, proto = self.protos[original][0]
            return place, replace(proto, contract="?")
        return found

    def predicate(self, name: str, path: str) -> tuple[str, Condition] | None:
        """Return a predicate's condition and its place, seen from a file."""
        return _nearest(self.predicates.get(name, []), path)


def read_records(pieces: Mapping[str, Piece]) -> Tree:
    """Unite the pieces of one tree, by path."""
    tree = Tree()
    for path in sorted(pieces):
        tree.gaps += [replace(gap, path=path) for gap in pieces[path].gaps]
        chooser = Chooser(path, "", weak=False, guards=())
        for record in pieces[path].records:
            match record:
                case ("path", ids, condition, kind, name):
                    names = frozenset(ids.removeprefix("!").split(",")) - {""}
                    parsed = Condition.parse(condition)
                    others = ids.startswith("!")
                    chooser.paths.append(ChooserPath(names, others, parsed, kind, name))
                case ("chooser", name, weak, *guards):
                    chooser = Chooser(path, name, bool(weak), tuple(guards))
                    tree.choosers.setdefault(name, []).append(chooser)
                case ("unread", name):
                    whole = ChooserPath(frozenset(), True, UNREAD, "unread", "")
                    unread = Chooser(path, name, weak=False, guards=(), paths=[whole])
                    tree.choosers.setdefault(name, []).append(unread)
                case ("proto", name, gpl_only, might_sleep, allowed, contract):
                    proto = Proto(gpl_only, might_sleep == "yes", allowed, contract)
                    tree.protos.setdefault(name, []).append((path, proto))
                case _:
                    _read_other(tree, path, record)
    return tree


def _read_other(tree: Tree, path: str, record: tuple[str, ...]) -> None:
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
            tree.loads.append(Condition.parse(condition))
        case ("copy", name, original):
            tree.copies[name] = original
        case ("verifier", helper, condition):
            asked = (path, Condition.parse(condition))
            tree.verifier.setdefault(helper, []).append(asked)
        case ("test", variable, line, function):
            tree.tests.setdefault(variable, (path, int(line), function))


def _nearest(found: Iterable[tuple[str, _T]], path: str) -> tuple[str, _T] | None:
    """Return the definition in a file itself, else the first of all."""
    found = list(found)
    return next((one for one in found if one[0] == path), found[0] if found else None)
