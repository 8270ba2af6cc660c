"""What older kernels take and newer ones refuse: requirements with an end."""

from collections.abc import Iterator, Mapping, Sequence

from helperhist.binary import LDDW, BpfObject, Function, Map
from helperhist.check.collect import Collector
from helperhist.check.escapes import Conditions
from helperhist.check.lives import Life, Lives
from helperhist.check.needs import Refusal, Requirement, release_key
from helperhist.check.rules import LSM_BOOL, LSM_RANGE, LSM_VOID, SHARED_ARRAY, Ending

__all__ = ["add_result", "is_refused_result", "shared_arrays"]

_PROG_ARRAY = 3
_MAX_ERRNO = 4095


def is_refused_result(hook: str, value: int) -> bool:
    """Whether newer kernels refuse that an LSM program returns a number.

    Source: ``bpf_lsm_get_retval_range()`` in ``kernel/bpf/bpf_lsm.c``.
    """
    if hook in LSM_VOID:
        return False
    signed = value & 0xFFFFFFFF
    signed -= 1 << 32 if signed >> 31 else 0
    return not (0 <= signed <= 1 if hook in LSM_BOOL else -_MAX_ERRNO <= signed <= 0)


def _life(lives: Lives, ending: Ending) -> Life | None:
    since = lives.since(ending.uapi)
    if since is None:
        return None
    start, end = release_key(since), release_key(ending.until)
    gaps = (((0, 0), start), (end, (1 << 30, 0)))
    return Life(since, "", ending.until, ending.last, False, gaps)


def add_result(collect: Collector, lives: Lives, conditions: Conditions) -> None:
    """Note that an LSM program returns what newer kernels refuse."""
    program = collect.program
    kind = program.kind
    if kind is None or kind.attach != "BPF_LSM_MAC" or not kind.target:
        return
    hook = kind.target.rpartition(":")[2]
    life = _life(lives, LSM_RANGE)
    if life is None:
        return
    for (function, index), value in sorted(
        conditions.everything.results.items(), key=lambda item: item[0][1]
    ):
        if function is program and isinstance(value, int) and is_refused_result(hook, value):
            way = conditions.way(function, index, life)
            collect.add("feature", LSM_RANGE.name, life, program, index, LSM_RANGE.source, way)


def shared_arrays(
    obj: BpfObject, lives: Lives, closures: Mapping[Function, Sequence[Function]]
) -> Iterator[Requirement | Refusal]:
    """Yield what arrays of programs need that several programs use.

    :param closures: programs that are loaded, with all their functions
    """
    users: dict[str, list[Function]] = {}
    arrays = {item.name: item for item in obj.maps if item.type == _PROG_ARRAY}
    for program, functions in closures.items():
        for name in {item.name for function in functions for item in _maps(obj, function)}:
            if name in arrays:
                users.setdefault(name, []).append(program)
    for name, programs in users.items():
        kinds = [item.kind for item in programs if item.kind is not None]
        types = sorted({kind.type for kind in kinds})
        if len(types) > 1:
            yield Refusal("prog array", name, None, " and ".join(types))
        elif len({kind.attach for kind in kinds}) > 1 and (life := _life(lives, SHARED_ARRAY)):
            yield Requirement(
                "feature",
                SHARED_ARRAY.name,
                life.since,
                map=name,
                basis=SHARED_ARRAY.source,
                until=SHARED_ARRAY.until,
                last=SHARED_ARRAY.last,
                updates=SHARED_ARRAY.updates,
                misses=life.gaps,
            )


def _maps(obj: BpfObject, function: Function) -> Iterator[Map]:
    for index, relocation in function.relocations.items():
        if function.insns[index].code == LDDW:
            item = obj.map_of(relocation, function.insns[index])
            if item is not None:
                yield item
