"""Whether a kernel has what programs are attached to by its BTF.

The lookup is libbpf's (``libbpf_find_attach_btf_id``): a function, a typedef ``btf_trace_x``, a
function ``bpf_lsm_x`` or ``bpf_iter_x``, in the kernel and then in its modules.
"""

from dataclasses import dataclass

from helperhist.binary import Btf, Kind, ProgramKind
from helperhist.errors import ParseError
from helperhist.kernel.corespec import Target
from helperhist.kernel.nearest import Names

__all__ = ["Attach", "AttachTargets"]

#: Attach type to the prefix of the name in BTF, and what to call it. All others: a function.
_PREFIXES = {
    "BPF_TRACE_RAW_TP": ("btf_trace_", "tracepoint"),
    "BPF_LSM_MAC": ("bpf_lsm_", "LSM hook"),
    "BPF_LSM_CGROUP": ("bpf_lsm_", "LSM hook"),
    "BPF_TRACE_ITER": ("bpf_iter_", "iterator"),
}
#: Attach types whose context holds the result of the function behind its arguments.
_WITH_RESULT = {
    "BPF_TRACE_FEXIT",
    "BPF_MODIFY_RETURN",
    "BPF_TRACE_FSESSION",
    "BPF_LSM_MAC",
    "BPF_LSM_CGROUP",
}
#: Bytes of a name that libbpf looks up, the NUL included (``BTF_MAX_NAME_SIZE``).
_MAX_NAME = 128
_WORD = 8


@dataclass(frozen=True, slots=True)
class Attach:
    """The answer about one target.

    :ivar what: ``function``, ``tracepoint``, ``LSM hook`` or ``iterator``
    :ivar name: as the section says it
    :ivar found: None if this BTF cannot tell
    :ivar reason: why it is not found, else empty
    :ivar nearest: the most similar name that the kernel has; empty if there is none
    :ivar id: of the type in the BTF of the kernel or module
    :ivar module: that has it; empty for the kernel itself
    :ivar words: 8-byte words of the context that a program may read; None if not known
    """

    what: str
    name: str
    found: bool | None
    reason: str = ""
    nearest: str = ""
    id: int = 0
    module: str = ""
    words: int | None = None


class AttachTargets:
    """Look up targets in one kernel."""

    def __init__(self, target: Target) -> None:
        """Look in a kernel and its modules."""
        self._target = target
        self._names = Names(btf for _, btf in target.parts)

    def find(self, kind: ProgramKind) -> Attach:
        """Look up the target of a program whose section needs one in BTF.

        :param kind: of a section with :attr:`ProgramKind.btf`
        """
        prefix, what = _PREFIXES.get(kind.attach, ("", "function"))
        if kind.type == "EXT":
            reason = "a function of another BPF program, not of the kernel"
            return Attach(what, kind.target, None, reason)
        module, colon, name = kind.target.rpartition(":")
        if not name:
            return Attach(what, kind.target, None, "user space names the target")
        if len(prefix + name) >= _MAX_NAME:
            return Attach(what, kind.target, False, "the name is too long for libbpf")
        wanted = Kind.TYPEDEF if prefix == "btf_trace_" else Kind.FUNC
        # libbpf compares as many letters of the module's name as the section has.
        parts = [
            (number, own, btf)
            for number, (own, btf) in enumerate(self._target.parts)
            if not colon or (own or "vmlinux").startswith(module)
        ]
        if not parts:
            return Attach(what, kind.target, None, f"the BTF of module {module} is not at hand")
        for number, own, btf in parts:
            ids = btf.find(prefix + name, wanted)
            found = [item for item in ids if not number or item >= btf.first]
            if found:
                words = _words(btf, found[0], kind.attach)
                return Attach(what, kind.target, True, "", "", found[0], own, words)
        near = self._names.nearest(name, wanted, prefix)
        reason = _missing(what)
        if colon and parts[0][1]:
            reason = f"not in the BTF of module {parts[0][1]}"
        return Attach(what, kind.target, False, reason, near)

    def function(self, name: str) -> Attach:
        """Look up a function that a kprobe wants; without BTF it may exist as well."""
        for own, btf in self._target.parts:
            if found := btf.find(name, Kind.FUNC):
                return Attach("function", name, True, "", "", found[0], own)
        near = self._names.nearest(name, Kind.FUNC)
        return Attach("function", name, None, _missing("function"), near)


def _missing(what: str) -> str:
    if what == "function":
        return "not in this BTF: static, inlined, renamed, or of a module"
    return "not in this BTF: of another release or configuration, or of a module"


def _words(btf: Btf, type_id: int, attach: str) -> int | None:
    """Return how many words of its context a program may read (``btf_ctx_access``)."""
    try:
        proto = btf.strip(type_id)
        if proto.kind == Kind.FUNC or proto.kind == Kind.PTR:
            proto = btf.strip(proto.type)
        if proto.kind != Kind.FUNC_PROTO:
            return None
        members = proto.members[1:] if attach == "BPF_TRACE_RAW_TP" else proto.members
        sizes = [btf.size_of(member.type) or _WORD for member in members]
        words = sum((size + _WORD - 1) // _WORD for size in sizes)
        result = attach in _WITH_RESULT and btf.strip(proto.type).kind != Kind.VOID
    except ParseError:
        return None
    return words + result
