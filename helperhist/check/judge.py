"""Judge objects by the BTF of one kernel: attach targets, struct_ops, symbols, relocations."""

from collections.abc import Mapping

from helperhist.binary import BpfObject, Function, Kind, Map
from helperhist.check.against import Against
from helperhist.check.contexts import refused_by_target
from helperhist.check.doom import Refused
from helperhist.check.kconfig import kconfig_values
from helperhist.check.lives import Lives
from helperhist.check.needs import Unknown, release_key
from helperhist.check.relocate import relocate
from helperhist.check.structops import left_out, members_set
from helperhist.check.verdict import TooNew
from helperhist.errors import ParseError
from helperhist.kernel import (
    AttachTargets,
    Ksym,
    Ksyms,
    Target,
    find_struct_ops,
)
from helperhist.timeline import Timeline

__all__ = ["BtfJudge"]

_SECTIONS_OF_SYMBOLS = ".ksyms"
_PROBES = ("kprobe/", "kretprobe/")


class BtfJudge:
    """Judges objects by one kernel, whose BTF is read once."""

    def __init__(
        self,
        target: Target,
        release: str | None,
        timeline: Timeline,
        config: Mapping[str, str] | None = None,
        explain: bool = True,
    ) -> None:
        """Index the kernel.

        :param release: that it is most like, to tell kfuncs of modules from those to come
        :param config: its configuration, where that is known
        :param explain: whether to say of each relocation what became of it
        """
        self._target, self._release = target, release
        self._config, self._explain = config, explain
        self._lives = Lives(timeline)
        self._attach = AttachTargets(target)

    def judge(self, obj: BpfObject) -> Against:
        """Return what the kernel lacks of what an object asks of its BTF.

        The object's instructions are changed as its loader changes them for this kernel, and put
        back: another kernel may be asked next.
        """
        compiled = [(item, list(item.insns)) for item in obj.functions]
        try:
            judge = _Judge(obj, self._target, self._attach, self._release, self._lives)
            return judge.answer(self._config, self._explain)
        finally:
            for function, insns in compiled:
                function.insns = insns


class _Judge:
    """One object."""

    def __init__(
        self,
        obj: BpfObject,
        target: Target,
        attach: AttachTargets,
        release: str | None,
        lives: Lives,
    ) -> None:
        self._obj, self._target, self._attach = obj, target, attach
        self._release, self._lives = release, lives
        self._lacks: list[TooNew] = []
        self._symbols: dict[str, Ksym] = {}
        self._marks: dict[Function, dict[int, Refused]] = {}
        off = left_out(obj)
        self._programs = [
            item
            for item in obj.functions
            if item.program and item.name not in off and (item.kind is None or item.kind.autoload)
        ]

    def answer(self, config: Mapping[str, str] | None, explain: bool) -> Against:
        remarks = []
        for program in self._programs:
            self._attached(program)
            if remark := self._probe(program):
                remarks.append(remark)
        for item in self._obj.maps:
            if item.struct_ops and item.autocreate:
                self._struct_ops(item)
        self._find_symbols()
        known = {name: int(bool(item.found)) for name, item in self._symbols.items()}
        if config is not None:
            known.update(kconfig_values(self._obj, config))
        if self._release is not None and "LINUX_KERNEL_VERSION" not in known:
            major, minor = release_key(self._release)
            known["LINUX_KERNEL_VERSION"] = major << 16 | minor << 8
        elsewhere = {
            name
            for name, item in self._symbols.items()
            if not item.found and not self._is_nowhere(name, item)
        }
        relocations, core = relocate(
            self._obj,
            self._target,
            self._programs,
            known,
            elsewhere,
            self._marks,
            explain,
        )
        return Against(
            (*self._lacks, *core),
            frozenset(self._symbols),
            relocations,
            tuple(dict.fromkeys(remarks)),
        )

    def _attached(self, program: Function) -> None:
        kind = program.kind
        if kind is None or not kind.btf or not kind.target:
            return
        found = self._attach.find(kind)
        if found.found is False:
            reason = found.reason + (f"; nearest: {found.nearest}" if found.nearest else "")
            self._lack("attach_target", found.name, f"{found.what} {reason}", True, program)
        self._marks[program] = refused_by_target(self._obj, program, found, self._release)

    def _probe(self, program: Function) -> str:
        kind = program.kind
        section = program.section.removeprefix("?")
        if kind is None or not section.startswith(_PROBES):
            return ""
        found = self._attach.function(kind.target.partition("+")[0])
        if found.found or not found.name or "*" in found.name:
            return ""
        near = f"; nearest: {found.nearest}" if found.nearest else ""
        return f"{section}: {found.name} is {found.reason}{near}; a kprobe may find it all the same"

    def _struct_ops(self, item: Map) -> None:
        btf = self._obj.btf
        if btf is None:
            return
        section = next(part for part in self._obj.elf.sections if part.index == item.section)
        for group in btf.find(section.name, Kind.DATASEC):
            for member in btf.type(group).members:
                variable = btf.type(member.type)
                if variable.name != item.name:
                    continue
                try:
                    used = set(members_set(self._obj, item))
                    found = find_struct_ops(btf, variable.type, used, self._target)
                except ParseError:
                    return
                for answer in found:
                    if not answer.found:
                        near = f"; nearest: {answer.nearest}" if answer.nearest else ""
                        self._lack(
                            "struct_ops", answer.name, answer.reason + near, True, None, item.name
                        )

    # Symbols

    def _find_symbols(self) -> None:
        obj = self._obj
        if obj.btf is None or not obj.relocates:
            return
        symbols = Ksyms(obj.btf, self._target)
        weak = {item.name: item.bind == 2 for item in obj.elf.symbols_of(0)}
        for group in obj.btf.find(_SECTIONS_OF_SYMBOLS, Kind.DATASEC):
            for member in obj.btf.type(group).members:
                name = obj.btf.type(member.type).name
                if name not in weak:
                    continue
                try:
                    found = symbols.find(member.type, weak[name])
                except ParseError:
                    continue
                if found.found is None:
                    continue
                self._symbols[name] = found
                if not found.found and not found.weak:
                    self._missing(name, found)

    def _missing(self, name: str, found: Ksym) -> None:
        near = f"; nearest: {found.nearest}" if found.nearest else ""
        kind = "kfunc" if found.what == "kfunc" else "ksym"
        certain = self._is_nowhere(name, found)
        self._lack(kind, name, found.reason + near, certain, self._user(name))

    def _is_nowhere(self, name: str, found: Ksym) -> bool:
        """Whether no module of this kernel has a symbol either."""
        if found.id or found.what != "kfunc" or len(self._target.parts) > 1:
            return True
        life = self._lives.kfunc(name)
        # One that came later, or went earlier, is in none.
        return (
            life is not None
            and self._release is not None
            and not life.has(release_key(self._release))
        )

    def _user(self, name: str) -> Function | None:
        for function in self._obj.functions:
            if any(item.symbol.name == name for item in function.relocations.values()):
                return function
        return None

    def _lack(
        self,
        kind: str,
        name: str,
        reason: str,
        certain: bool,
        program: Function | None,
        map_name: str | None = None,
    ) -> None:
        shown = None if program is None else program.name
        item = Unknown(kind, name, reason, program=shown, map=map_name, function=shown)
        self._lacks.append(TooNew(item, certain, reason))
