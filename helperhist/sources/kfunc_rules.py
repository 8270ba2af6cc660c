"""Who may call a kfunc of a hook: the hooks of program types, filters, and the verifier's rules."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from helperhist.sources.condition import ALWAYS, NEVER, Condition
from helperhist.sources.coperators import Undecided
from helperhist.sources.cworlds import Function, Program, World
from helperhist.sources.kfunc_code import Functions
from helperhist.sources.kfunc_names import Names
from helperhist.sources.sleepers import ALWAYS_SLEEPABLE, SLEEPERS, is_own
from helperhist.sources.source import Gap

__all__ = ["STRUCT_OPS", "Rules"]

STRUCT_OPS = "BPF_PROG_TYPE_STRUCT_OPS"
# check_kfunc_args(): "css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs".
_CSS_TASK_ITER = "bpf_iter_css_task_new"

# Of attach type, struct_ops and member; 7.1 has 160 for struct_ops.
_MAX_WORLDS = 4096

Filter = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Test:
    """A function that says whether a program may make a call, and what it returns if so."""

    path: str
    function: Function
    arguments: tuple[Program | str, ...]
    yes: int


class Rules:
    """What the functions of one tree decide."""

    def __init__(self, names: Names) -> None:
        self._gaps = names.gaps
        self._functions = Functions(names)
        self._found: dict[Filter, tuple[_Test, ...]] = {}
        self._sleepable = self._tests("", SLEEPERS, (Program.PROG,), 1)
        self._hooks: dict[str, str | None] = {}
        self._devices: dict[str, bool] = {}
        self._conditions = _conditions_of(self._functions.fingerprint)

    def hook(self, program_type: str) -> str | None:
        """Return the hook of a program type, as ``bpf_prog_type_to_kfunc_hook()`` has it.

        Commit dee872e124e8 ("bpf: Populate kfunc BTF ID sets in struct btf") of 5.18.
        """
        if program_type not in self._hooks:
            self._hooks[program_type] = self._hook(program_type)
        return self._hooks[program_type]

    def _hook(self, program_type: str) -> str | None:
        for path, function in self._functions.find("", "bpf_prog_type_to_kfunc_hook"):
            try:
                hook = self._functions.run(path, function, [program_type], World(program_type))
            except Undecided:
                self._gaps.append(Gap(path, 0, f"the hook of {program_type} is not read"))
                return None
            none = "BTF_KFUNC_HOOK_MAX"
            return None if hook in (none, self._functions.constants.get(none)) else str(hook)
        return None

    def check(self, path: str, name: str, kfunc: str, lists: Mapping[str, set[str]]) -> bool:
        """Tell whether the ``check_kfunc_call`` of 5.13 to 5.17 allows a kfunc.

        :param name: of the function, as a file names it
        :param lists: kfuncs on each list that modules register sets on
        """
        for where, function in self._functions.find(path, name):
            arguments = ["kfunc", "owner"][: len(function.parameters)]
            try:
                value = self._functions.run(where, function, arguments, World(""), kfunc, lists)
            except Undecided:
                self._gaps.append(Gap(where, 0, f"{name} is not read"))
                return False
            return value == 1
        return False

    def allowed(
        self, kfunc: str, flags: Iterable[str], program_type: str, filters: Sequence[Filter]
    ) -> Condition:
        """Return when programs of a type may call a kfunc.

        :param flags: of the kfunc in the sets of the hook
        :param filters: of the hook: the file that names each, and its name
        """
        tests: list[_Test] = []
        unread = ALWAYS
        for path, name in filters:
            found = self._tests(path, name, (Program.PROG, "kfunc"), 0)
            tests += found
            if not found:
                unread &= Condition.unread(name)
        if kfunc == _CSS_TASK_ITER:
            rule = "check_css_task_iter_allowlist"
            tests += self._tests("", rule, (Program.ENV,), 1)
        known = frozenset(flags)
        condition = self._cached(kfunc, "KF_SLEEPABLE" in known, program_type, tuple(tests))
        condition &= unread
        if "KF_DESTRUCTIVE" in known:
            # check_kfunc_call(): "destructive kfunc calls require CAP_SYS_BOOT capability".
            condition &= Condition.of("cap", "CAP_SYS_BOOT")
        if self._needs_device(kfunc):
            # add_kfunc_call(): "metadata kfuncs require device-bound program".
            condition &= Condition.of("device-bound")
        return condition

    def _tests(
        self, path: str, name: str, arguments: tuple[Program | str, ...], yes: int
    ) -> tuple[_Test, ...]:
        key = (path, name)
        if key not in self._found:
            self._found[key] = tuple(
                _Test(where, function, arguments, yes)
                for where, function in self._functions.find(path, name)
            )
        return self._found[key]

    def _needs_device(self, kfunc: str) -> bool:
        if kfunc not in self._devices:
            self._devices[kfunc] = self._is_for_devices(kfunc)
        return self._devices[kfunc]

    def _is_for_devices(self, kfunc: str) -> bool:
        for where, function in self._functions.find("", "bpf_dev_bound_kfunc_id"):
            try:
                return self._functions.run(where, function, ["kfunc"], World(""), kfunc) == 1
            except Undecided:
                return False
        return False

    def _cached(
        self, kfunc: str, sleepable: bool, program_type: str, tests: tuple[_Test, ...]
    ) -> Condition:
        """Return a condition, the same one for kfuncs that are in the same sets."""
        words = {test: self._functions.words(test.path, test.function) for test in tests}
        sets = frozenset(
            (test.path, word, self._functions.contains(test.path, word[1:], kfunc))
            for test, found in words.items()
            for word in found
            if word.startswith("&")
        ) | frozenset(
            (test.path, word, self._functions.contains(test.path, word[1:], ""))
            for test in self._sleepable
            for word in self._functions.words(test.path, test.function)
            if word.startswith("&")
        )
        # What the functions are is the same in all trees that share these conditions.
        named = tuple((test.path, test.function.name, test.arguments, test.yes) for test in tests)
        key = (sets, sleepable, program_type, named)
        if key not in self._conditions:
            everything = frozenset[str]().union(*words.values())
            self._conditions[key] = self._condition(
                kfunc, sleepable, program_type, tests, everything
            )
        return self._conditions[key]

    def _condition(
        self,
        kfunc: str,
        sleepable: bool,
        program_type: str,
        tests: Sequence[_Test],
        words: frozenset[str],
    ) -> Condition:
        """Try all worlds that the functions can tell apart, and unite those that may call."""
        for test in self._sleepable:
            words |= self._functions.words(test.path, test.function)
        attach = _named(word for word in words if is_own(word, program_type))
        places = [("", "")]
        shown: dict[str, dict[str, str]] = {"": {}}
        if program_type == STRUCT_OPS:
            for one in words:
                if one[1:] in self._functions.structs:
                    shown[one[1:]] = self._functions.members(words, one[1:])
            places = [(ops, slot) for ops in sorted(shown) for slot in (*shown[ops], "")]
        if len(attach) * len(places) > _MAX_WORLDS:
            return Condition.unread("filters")
        result = NEVER
        may_sleep = any(self._is_possible(World(program_type, one), True) for one in attach)
        for sleeps, (ops, slot) in product((False, True), places):
            chosen: dict[str, Condition] = {}
            for one in attach:
                world = World(program_type, one, ops, slot, sleeps)
                if self._is_possible(world, sleeps):
                    chosen[one] = self._decide(kfunc, sleepable, world, tests)
            where = _one_of("struct_ops", ops, sorted(shown), self._functions.structs)
            if ops:
                where &= _one_of("member", slot, [*shown[ops], ""], shown[ops])
            if may_sleep and program_type != ALWAYS_SLEEPABLE:
                where &= Condition.of("sleepable", negated=not sleeps)
            result |= where & _united(chosen, attach)
        return result

    def _is_possible(self, world: World, sleeps: bool) -> bool:
        if not sleeps:
            return world.type != ALWAYS_SLEEPABLE
        if world.type == ALWAYS_SLEEPABLE:
            return True
        asleep = World(world.type, world.attach, world.ops, world.member, True)
        return all(self._passes(test, "", asleep) is not False for test in self._sleepable)

    def _passes(self, test: _Test, kfunc: str, world: World) -> bool | None:
        try:
            value = self._functions.run(test.path, test.function, test.arguments, world, kfunc)
        except Undecided:
            return None
        return value == test.yes

    def _decide(
        self, kfunc: str, sleepable: bool, world: World, tests: Iterable[_Test]
    ) -> Condition:
        if sleepable and not world.sleepable:
            return NEVER
        result = ALWAYS
        for test in tests:
            passes = self._passes(test, kfunc, world)
            if passes is False:
                return NEVER
            if passes is None:
                result &= Condition.unread(test.function.name)
        return result


@lru_cache(maxsize=8)
def _conditions_of(fingerprint: Hashable) -> dict[Hashable, Condition]:
    """Return the conditions found so far for trees with the same functions."""
    return {}


def _named(words: Iterable[str]) -> list[str]:
    """Return the names in order, and "" for one that nobody names."""
    return [*sorted(words), ""]


def _one_of(key: str, value: str, values: Sequence[str], spelled: Mapping[str, str]) -> Condition:
    if value:
        return Condition.of(key, spelled.get(value, value))
    named = [spelled.get(other, other) for other in values if other]
    return Condition.of(key, *named, negated=True) if named else ALWAYS


def _united(chosen: Mapping[str, Condition], attach: Sequence[str]) -> Condition:
    """Unite what holds for some attach types; without a difference, they are not named."""
    if len(set(chosen.values())) == 1:
        return next(iter(chosen.values()))
    result = NEVER
    for one, condition in chosen.items():
        result |= _one_of("attach", one, attach, {}) & condition
    return result
