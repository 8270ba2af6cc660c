"""What a map and its program need together: a helper that takes it, a type that may use it."""

from helperhist.binary import CALL, LDDW, BpfObject, Function, Map, is_jump, target_of
from helperhist.check.collect import Collector
from helperhist.check.rules import RULES

__all__ = ["MapPairs"]

_LOOKUP = 1
#: Map types to the rule of a look-up from a program.
_LOOKUPS = {
    17: "look-up in XSKMAP",
    15: "look-up in SOCKMAP",
    18: "look-up in SOCKMAP",
}
#: HASH, PERCPU_HASH and HASH_OF_MAPS. Source: check_map_prealloc() in verifier.c of 6.0.
_HASHES = (1, 5, 13)
_NO_PREALLOC = 1
#: Classes of instructions that write their destination register: LD, LDX, ALU, ALU64.
_WRITES = (0, 1, 4, 7)


class MapPairs:
    """Looks at the maps that the functions of one program use."""

    def __init__(self, obj: BpfObject, collect: Collector, program: Function) -> None:
        """Begin with nothing."""
        self._obj, self._collect = obj, collect
        self._perf = program.kind is not None and program.kind.type == "PERF_EVENT"

    def add(self, function: Function) -> None:
        """Note what the maps of a function need."""
        insns = function.insns
        if not self._obj.maps:
            return
        targets: set[int] | None = None
        for index, insn in enumerate(insns):
            if insn.code == LDDW and self._perf:
                item = self._map(function, index)
                if item is not None and _without_preallocation(item):
                    rule = RULES["perf_event, no preallocation"]
                    self._collect.rule(rule, function, index)
            elif insn.code == CALL and insn.src == 0 and insn.imm == _LOOKUP:
                if targets is None:
                    targets = {
                        target_of(other, at) for at, other in enumerate(insns) if is_jump(other)
                    }
                item = self._argument(function, index, targets)
                if item is not None and item.type in _LOOKUPS:
                    self._collect.rule(RULES[_LOOKUPS[item.type]], function, index)

    def _map(self, function: Function, index: int) -> Map | None:
        relocation = function.relocations.get(index)
        if relocation is None:
            return None
        return self._obj.map_of(relocation, function.insns[index])

    def _argument(self, function: Function, call: int, targets: set[int]) -> Map | None:
        """Return the map in r1 of a call, None where the code before it does not say."""
        insns = function.insns
        for at in range(call - 1, -1, -1):
            insn = insns[at]
            if at + 1 in targets or is_jump(insn) or insn.code == CALL:
                return None
            if insn.dst == 1 and insn.code & 7 in _WRITES and insn.code:
                return self._map(function, at) if insn.code == LDDW else None
        return None


def _without_preallocation(item: Map) -> bool:
    if item.type in _HASHES and item.flags & _NO_PREALLOC:
        return True
    return item.inner is not None and _without_preallocation(item.inner)
