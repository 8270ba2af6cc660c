"""Maps that a kernel refused, in the words of the loaders: libbpf, bcc, cilium/ebpf, aya, iproute2.

The message mostly has only the error number, which ``bpf_map_create`` gives for several reasons
(``kernel/bpf/syscall.c``, ``map_create``).
"""

import re
from collections.abc import Callable, Iterator

from helperhist.explain.names import Answer, Names
from helperhist.timeline import FEATURES, Row

__all__ = ["MAP_MESSAGES", "map_for_helper"]

#: What stands for an error number in a message.
_ERRORS = {
    "EINVAL": r"[Ii]nvalid argument|EINVAL|\(-?22\)|\bcode -22\b|os error 22\b",
    "ENOTSUPP": r"ENOTSUPP|-524\b|\b524\b",
    "ENOMEM": r"[Cc]annot allocate memory|ENOMEM|\(-?12\)|os error 12\b",
    "EPERM": r"[Oo]peration not permitted|EPERM|\(-?1\)|os error 1\b",
}
_ERROR = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _ERRORS.items()))

_MAP = r"[^'\"`,\s\x00-\x1f]{1,64}"
#: ``map[events:RingBuf(keySize=0, ...)]``, or a name of the list itself.
_TYPE = re.compile(r"\[[^\[\]:\s]{1,64}:(\w{1,40})\(|\b(BPF_MAP_TYPE_\w{1,40})")

_CGROUP = FEATURES["memory of the cgroup"].since
_NOT_SUPPORTED = Answer(
    "map-refused",
    "ENOTSUPP: the kernel knows the type of the map, but not together with its flags or its other "
    "properties (an LRU map with BPF_F_NO_PREALLOC, for example). A newer kernel does not help.",
    "Change the flags of the map; `helperhist check` says what the map needs.",
)
_NO_MEMORY = Answer(
    "map-memory",
    "ENOMEM: the kernel has no memory for the map, or the limit of locked memory is too low. "
    f"Kernels before {_CGROUP} count maps against RLIMIT_MEMLOCK. It is not the release that lacks "
    "something.",
    "Raise the limit (ulimit -l unlimited; LimitMEMLOCK=infinity in a service), or make the map "
    "smaller.",
)
_NOT_PERMITTED = Answer(
    "map-permission",
    f"EPERM: the loader lacks the privilege to create the map, or, before {_CGROUP}, the limit of "
    "locked memory (RLIMIT_MEMLOCK) is too low. It is not the release that lacks something.",
    f"Run as root or with CAP_BPF (before {FEATURES['CAP_BPF'].since}: CAP_SYS_ADMIN), and raise "
    "the limit of locked memory.",
)
_REFUSED = (
    "The kernel refused the map: its type or one of its flags is newer than the kernel, or its "
    "sizes do not fit. The message does not say which."
)
_ADVICE = "See with `helperhist check` which kernel the map needs."


def _type_of(text: str, names: Names) -> Row | None:
    """Return the map type that a message names."""
    for found in _TYPE.finditer(text):
        row = names.timeline.index.spelled("map_type", found[1] or found[2])
        if row is not None:
            return row
    return None


def _refused(match: re.Match[str], names: Names) -> Answer | None:
    error = _ERROR.search(match["why"])
    if error is None:
        return None
    if error["EINVAL"] is None:
        if error["ENOTSUPP"] is not None:
            return _NOT_SUPPORTED
        return _NO_MEMORY if error["ENOMEM"] is not None else _NOT_PERMITTED
    row = _type_of(match.string[max(match.start() - 200, 0) : match.end()], names)
    if row is None or row.since is None:
        return Answer("map-refused", _REFUSED, _ADVICE)
    return Answer(
        "map-refused",
        f"The kernel refused the map. Its type, {row.name}, is in mainline since {row.since}"
        f"{' or earlier' if row.or_earlier else ''}; on a newer kernel its flags or sizes do not "
        "fit.",
        f"Run a kernel from {row.since} on, or use another type of map. {_ADVICE}",
        row.kind,
        row.name,
        row.id,
        row.since,
    )


def _patterns() -> Iterator[tuple[str, str]]:
    why = r"(?P<why>[^\x00-\x1f]{0,120})"
    # libbpf, now and before 1.0 (src/libbpf.c, bpf_object__create_map).
    yield "failed to create", rf"\bmap '[^'\x00-\x1f]{{1,64}}': failed to create: {why}"
    yield "failed to create", rf"\bfailed to create map \(name: '[^'\x00-\x1f]{{1,64}}'\): {why}"
    # aya and redbpf.
    yield "failed to create map ", rf"\bfailed to create map [`'\"]{_MAP}[`'\"]:? {why}"
    yield "bpf_create_map_xattr", rf"\bError in bpf_create_map_xattr\({_MAP}\): ?{why}"
    # bcc (src/cc/libbpf.c and the loader's own words).
    yield "could not open bpf map", rf"\bcould not open bpf map: {_MAP}, error: {why}"
    # cilium/ebpf (map.go).
    yield "map create", rf"\bmap create(?: without BTF)?: {why}"
    # iproute2 (lib/bpf_legacy.c).
    yield "rejected: ", rf"\bMap object '[^'\x00-\x1f]{{1,64}}' rejected: {why}"


#: Mark, pattern and answer of each message.
MAP_MESSAGES: tuple[tuple[str, str, Callable[[re.Match[str], Names], Answer | None]], ...] = tuple(
    (mark, pattern, _refused) for mark, pattern in _patterns()
)


def map_for_helper(match: re.Match[str], names: Names) -> Answer:
    """Explain a map that a helper does not take (``check_map_func_compatibility``)."""
    number = int(match[1])
    row = names.timeline.index.numbered("map_type", number)
    shown = f"map type {number}" if row is None else f"{row.name} ({row.since or 'no release'})"
    helper = match[2] or f"helper {match[3]}"
    return Answer(
        "map-not-for-helper",
        f"The kernel has {shown} and {helper}, but not together. Some pairs came later than both, "
        "others are in no kernel; the message does not say which.",
        "See with `helperhist check` which kernel the pair needs, or use another type of map.",
    )
