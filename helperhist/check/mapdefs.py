"""Which map definitions no kernel creates: one row for each map type.

Source: the ``map_alloc_check`` and ``map_alloc`` functions of the kernel (``kernel/bpf/`` and
``net/``), read from 4.10 to 7.2; ``parse_btf_map_def`` of libbpf; ``fixupMagicFields`` and
``canHaveValueSize`` of cilium/ebpf.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from helperhist.binary import Map
from helperhist.check.needs import Refusal

__all__ = ["MAP_RULES", "MapRule", "newer_value", "refusals", "unset"]

_NO_PREALLOC, _NO_COMMON_LRU, _MMAPABLE = 1, 2, 1024
_FLAG_NAMES = {
    _NO_PREALLOC: "BPF_F_NO_PREALLOC",
    _NO_COMMON_LRU: "BPF_F_NO_COMMON_LRU",
    _MMAPABLE: "BPF_F_MMAPABLE",
}
_FD_ARRAYS = (3, 4, 8)
_MAP_IN_MAP = (12, 13)
_PERF, _RINGBUF, _ARENA = 4, 27, 33


@dataclass(frozen=True, slots=True)
class MapRule:
    """What the kernel asks of the maps of one type.

    :ivar key: sizes of keys that it takes, in bytes; empty for any but 0, ``value`` likewise
    :ivar entries: ``some``, ``none`` where it must be 0, or ``any``
    :ivar needs: flags that must be set
    :ivar never: flags that must not be set
    :ivar types: whether it wants the BTF types of key and value
    :ivar newer: sizes of values that came later, with their release
    """

    key: tuple[int, ...] = ()
    value: tuple[int, ...] = ()
    entries: str = "some"
    needs: int = 0
    never: int = 0
    types: bool = False
    newer: tuple[tuple[int, str], ...] = ()


_ARRAY = MapRule(key=(4,))
_FDS = MapRule(key=(4,), value=(4,))
_SOCK = ((8, "5.7"),)
_HASH = MapRule(never=_NO_COMMON_LRU)
_LRU = MapRule(never=_NO_PREALLOC)
_STORAGE = MapRule(key=(4,), entries="none", needs=_NO_PREALLOC, types=True)
_CGROUP = MapRule(key=(8, 16), entries="none")
_QUEUE = MapRule(key=(0,))
_RING = MapRule(key=(0,), value=(0,))

#: By the number of the map type.
MAP_RULES: dict[int, MapRule] = {
    1: _HASH,
    2: _ARRAY,
    3: _FDS,
    # With 0 entries libbpf and cilium/ebpf make it as large as there are processors.
    4: MapRule(key=(4,), value=(4,), entries="any"),
    5: _HASH,
    6: _ARRAY,
    7: MapRule(key=(4,)),
    8: _FDS,
    9: _LRU,
    10: _LRU,
    11: MapRule(key=tuple(range(5, 261)), needs=_NO_PREALLOC),
    12: _FDS,
    13: MapRule(value=(4,), never=_NO_COMMON_LRU),
    14: MapRule(key=(4,), value=(4, 8), newer=((8, "5.8"),)),
    15: MapRule(key=(4,), value=(4, 8), newer=_SOCK),
    16: MapRule(key=(4,), value=(4, 8), newer=((8, "5.9"),)),
    17: _FDS,
    18: MapRule(value=(4, 8), newer=_SOCK),
    19: _CGROUP,
    20: MapRule(key=(4,), value=(4, 8)),
    21: _CGROUP,
    22: _QUEUE,
    23: _QUEUE,
    24: _STORAGE,
    25: MapRule(key=(4,), value=(4, 8), newer=((8, "5.8"),)),
    _RINGBUF: _RING,
    28: _STORAGE,
    29: _STORAGE,
    30: MapRule(key=(0,)),
    31: _RING,
    32: _STORAGE,
    _ARENA: MapRule(key=(0,), value=(0,), needs=_MMAPABLE),
}


def newer_value(item: Map) -> str | None:
    """Return the release that first takes values of this size, None if every release does."""
    rule = MAP_RULES.get(item.type)
    return dict(rule.newer).get(item.value_size) if rule else None


def refusals(item: Map, loader: str) -> Iterator[Refusal]:
    """Yield why no kernel creates a map as the object defines it."""
    rule = MAP_RULES.get(item.type)
    if rule is None:
        return
    mends = loader != "cilium" and _cilium_mends(item)
    others: tuple[str, ...] = ("cilium",) if mends else ()
    mended = loader == "cilium" and _cilium_mends(item)
    if not mended:
        for name, given, taken in (
            ("key size", item.key_size, rule.key),
            ("value size", item.value_size, rule.value),
        ):
            wrong = bool(taken) and given not in taken
            if wrong and (given or item.type in _FD_ARRAYS):
                wanted = f"{taken[0]} to {taken[-1]}" if len(taken) > 2 else _or(taken)
                yield Refusal(name, item.name, None, str(given), wanted, others)
    if item.type == 7 and item.value_size % 8:
        yield Refusal("value size", item.name, None, str(item.value_size), "a multiple of 8")
    if rule.entries == "none" and item.max_entries:
        yield Refusal("max_entries", item.name, None, str(item.max_entries), "0")
    for flag, name in _FLAG_NAMES.items():
        if rule.needs & flag and not item.flags & flag:
            yield Refusal("flag missing", item.name, None, "", name)
        if rule.never & flag and item.flags & flag:
            yield Refusal("flag refused", item.name, None, name)
    if rule.types and not (item.key and item.value):
        yield Refusal("types missing", item.name)


def _cilium_mends(item: Map) -> bool:
    """Whether cilium/ebpf corrects the sizes: a value type is only for people there."""
    if item.type == _PERF:
        return item.key_size in (0, 4)
    return item.type in (_RINGBUF, _ARENA) and not item.key_size and bool(item.value)


def _or(sizes: tuple[int, ...]) -> str:
    return " or ".join(map(str, sizes))


def unset(item: Map) -> Iterator[str]:
    """Yield what a map lacks and user space has to set before it is created."""
    rule = MAP_RULES.get(item.type)
    if rule is None:
        return
    if item.type in _MAP_IN_MAP and item.inner is None:
        yield "inner map"
    if item.type not in (*_FD_ARRAYS, *_MAP_IN_MAP):
        if not item.key_size and 0 not in rule.key:
            yield "key size"
        if not item.value_size and 0 not in rule.value:
            yield "value size"
    if not item.max_entries and rule.entries == "some":
        yield "max_entries"
