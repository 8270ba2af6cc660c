"""What people call program types."""

from helperhist.binary import program_kind
from helperhist.timeline import PREFIXES, Timeline

__all__ = ["program_words"]

_PREFIX = PREFIXES["prog_type"]
#: Names of ``SEC()`` that people use for a type.
_SECTIONS = (
    "action", "cgroup/bind4", "cgroup/connect4", "cgroup/dev", "cgroup/getsockopt",
    "cgroup/setsockopt", "cgroup/skb", "cgroup/sock", "cgroup/sysctl", "classifier", "fentry",
    "fexit", "fmod_ret", "freplace", "iter", "kretprobe", "ksyscall", "lsm", "raw_tp", "socket",
    "sockops", "struct_ops", "tc", "tcx/ingress", "tp", "tp_btf", "uprobe", "uretprobe", "usdt",
)  # fmt: skip


def program_words(timeline: Timeline) -> dict[str, str]:
    """Return names of ``SEC()`` and the program types of the timeline that they mean."""
    known = timeline.index.names("prog_type")
    kinds = {name: program_kind(name) for name in _SECTIONS}
    found = {name: _PREFIX + kind.type for name, kind in kinds.items() if kind is not None}
    return {name: kind for name, kind in found.items() if kind in known}
