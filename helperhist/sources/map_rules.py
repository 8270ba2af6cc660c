"""What the verifier's switches over map types say, for each helper and type of program."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import product

from helperhist.errors import ParseError
from helperhist.sources.cevaluate import evaluate
from helperhist.sources.condition import ALWAYS, NEVER, Condition
from helperhist.sources.coperators import BPF_F_NO_PREALLOC, Undecided, Value
from helperhist.sources.csmall import parse_body
from helperhist.sources.csyntax import Identifier, Switch, names_in
from helperhist.sources.ctokens import tokenize
from helperhist.sources.cworlds import Function, Program, World
from helperhist.sources.sleepers import ALWAYS_SLEEPABLE, SLEEPERS, is_own
from helperhist.sources.tree_records import Code

__all__ = ["FUNC", "PROG", "MapRules", "rules_of"]

FUNC = "check_map_func_compatibility"
PROG = "check_map_prog_compatibility"
_NO_PREALLOC = "BPF_F_NO_PREALLOC"
# A plain map has no fields of the kernel's and is on no device; a program's first is assigned.
_NOT = (
    "bpf_cgroup_storage_assign",
    "bpf_map_is_dev_bound",
    "bpf_map_is_offloaded",
    "bpf_prog_is_dev_bound",
    "bpf_prog_is_offloaded",
    "btf_record_has_field",
    "map_value_has_spin_lock",
    "map_value_has_timer",
)


class MapRules:
    """The two switches of one tree.

    :ivar gaps: functions that cannot be read
    :ivar helpers: that the switch over helpers names (``BPF_FUNC_tail_call``)
    :ivar has_programs: whether there is a switch for programs (since 4.9)
    """

    def __init__(self, code: Iterable[Code]) -> None:
        self.gaps: list[str] = []
        self._functions: dict[str, Function] = {}
        for found in code:
            try:
                body = parse_body([str(token) for token in tokenize(found.body)])
            except ParseError as error:
                self.gaps.append(f"{found.name}: {error}")
            else:
                self._functions[found.name] = Function(found.name, found.parameters, body)
        words = self._words(FUNC)
        self.helpers = {word for word in self._cases(FUNC) if word.startswith("BPF_FUNC_")}
        self.has_programs = PROG in self._functions
        self._types = [*sorted(word for word in words if word.startswith("BPF_PROG_TYPE_")), ""]
        self._attach = words | self._words(SLEEPERS)
        self._flagged = _NO_PREALLOC in self._words(PROG)
        self._sleepers: dict[str, bool] = {}
        self._decided: dict[tuple[str, str, str], Condition] = {}

    def _cases(self, name: str) -> set[str]:
        """Return the names that a function's outermost switches have cases for."""
        function = self._functions.get(name)
        switches = [
            found for found in (function.body.body if function else ()) if isinstance(found, Switch)
        ]
        labels = [label for switch in switches for some, _ in switch.body for label in some]
        return {label.name for label in labels if isinstance(label, Identifier)}

    def _words(self, name: str) -> set[str]:
        words: set[str] = set()
        ahead, done = [name], {name}
        while ahead:
            function = self._functions.get(ahead.pop())
            found = set(names_in(function.body)) if function is not None else set()
            words |= found
            called = {word[:-2] for word in found if word.endswith("()")} - done
            done |= called
            ahead += sorted(called)
        return words

    def helper(self, map_type: str, helper: str) -> Condition:
        """Return when a helper takes a type of map."""
        key = FUNC, map_type, helper
        if key not in self._decided:
            self._decided[key] = self._helper(map_type, helper)
        return self._decided[key]

    def _helper(self, map_type: str, helper: str) -> Condition:
        bound: dict[str, Value] = {"map": Program.MAP, "func_id": helper}
        found = self._decide(FUNC, bound, World("", map_type=map_type))
        if found.read:
            return found
        # Only some pairs depend on the program, which nearly all worlds have in common.
        result = NEVER
        bound["env"] = Program.ENV
        for program_type in self._types:
            own = [*sorted(word for word in self._attach if is_own(word, program_type)), ""]
            each = {
                attach: self._decide(FUNC, bound, World(program_type, attach, map_type=map_type))
                for attach in own
            }
            result |= _one_of("type", program_type, self._types) & _united("attach", each, own)
        return result

    def program(self, map_type: str, program_type: str) -> Condition:
        """Return when programs of a type may use a type of map."""
        key = PROG, map_type, program_type
        if key not in self._decided:
            self._decided[key] = self._program(map_type, program_type)
        return self._decided[key]

    def _program(self, map_type: str, program_type: str) -> Condition:
        if not self.has_programs:
            return ALWAYS
        result = NEVER
        bound: dict[str, Value] = {
            "env": Program.ENV,
            "map": Program.MAP,
            "prog": Program.PROG,
        }
        may_sleep = self._may_sleep(program_type)
        for sleeps, flagged in product((False, True), (False, True)):
            always = program_type == ALWAYS_SLEEPABLE
            if (sleeps and not may_sleep) or (always and not sleeps):
                continue
            if flagged and not self._flagged:
                continue
            world = World(program_type, sleepable=sleeps, map_type=map_type, no_prealloc=flagged)
            where = ALWAYS
            if may_sleep and not always:
                where &= Condition.of("sleepable", negated=not sleeps)
            if self._flagged:
                where &= Condition.of("flag", _NO_PREALLOC, negated=not flagged)
            result |= where & self._decide(PROG, bound, world)
        return result

    def _may_sleep(self, program_type: str) -> bool:
        if program_type not in self._sleepers:
            own = [*sorted(word for word in self._attach if is_own(word, program_type)), ""]
            worlds = [World(program_type, attach, sleepable=True) for attach in own]
            self._sleepers[program_type] = program_type == ALWAYS_SLEEPABLE or (
                SLEEPERS in self._functions
                and any(self._run(SLEEPERS, {"prog": Program.PROG}, one) == 1 for one in worlds)
            )
        return self._sleepers[program_type]

    def _run(self, name: str, bound: Mapping[str, Value], world: World) -> int | str | None:
        function = self._functions[name]
        arguments = [bound.get(parameter, "not known") for parameter in function.parameters]
        try:
            return evaluate(
                function,
                arguments,
                world,
                functions=self._functions,
                constants={_NO_PREALLOC: BPF_F_NO_PREALLOC},
                tables={},
                builtins=dict.fromkeys(_NOT, lambda _: False),
            )
        except Undecided:
            return None

    def _decide(self, name: str, bound: Mapping[str, Value], world: World) -> Condition:
        value = self._run(name, bound, world) if name in self._functions else None
        if value is None:
            return Condition.unread(name)
        return ALWAYS if value == 0 else NEVER


@lru_cache(maxsize=8)
def rules_of(code: tuple[Code, ...]) -> MapRules:
    """Return the switches of a tree: the same ones for the next tree, if they have not changed."""
    return MapRules(code)


def _one_of(key: str, value: str, values: Iterable[str]) -> Condition:
    if value:
        return Condition.of(key, value)
    named = [other for other in values if other]
    return Condition.of(key, *named, negated=True) if named else ALWAYS


def _united(key: str, each: Mapping[str, Condition], values: Iterable[str]) -> Condition:
    if len(set(each.values())) == 1:
        return next(iter(each.values()))
    result = NEVER
    for value, condition in each.items():
        result |= _one_of(key, value, values) & condition
    return result
