"""Whether a kernel has the functions and variables that an object calls by name.

The rules are libbpf's (``bpf_object__resolve_ksym_*_btf_id``). That a function may be called at
all is the kernel's to say: newer ones mark their kfuncs with a tag in BTF.
"""

from dataclasses import dataclass

from helperhist.binary import Btf, Kind
from helperhist.errors import ParseError
from helperhist.kernel.compat import Compat, essential
from helperhist.kernel.corespec import Target
from helperhist.kernel.nearest import Names

__all__ = ["Ksym", "Ksyms"]

_TAG = "bpf_kfunc"


@dataclass(frozen=True, slots=True)
class Ksym:
    """The answer about one extern.

    :ivar what: ``kfunc`` or ``variable``
    :ivar found: whether a loader finds it, and it fits; None if this BTF cannot tell
    :ivar weak: whether the object loads without it: its address is 0 then
    :ivar reason: why it is not found, else empty
    :ivar nearest: the most similar name that the kernel has; empty if there is none
    :ivar id: of the type in the BTF of the kernel or module
    :ivar module: that has it; empty for the kernel itself
    """

    what: str
    name: str
    found: bool | None
    weak: bool = False
    reason: str = ""
    nearest: str = ""
    id: int = 0
    module: str = ""


class Ksyms:
    """Look up the externs of one object in one kernel."""

    def __init__(self, local: Btf, target: Target) -> None:
        """Look in a kernel and its modules.

        :param local: the BTF of the object
        """
        self._local = local
        self._target = target
        self._names = Names(btf for _, btf in target.parts)
        self._compat = [Compat(local, btf) for _, btf in target.parts]
        self._tagged: dict[int, frozenset[int]] = {}

    def find(self, type_id: int, weak: bool = False) -> Ksym:
        """Look up an extern of the section ``.ksyms``.

        :param type_id: its FUNC or VAR in the object's BTF
        :raises ParseError: the object's BTF goes on without end
        """
        local = self._local.type(type_id)
        if local.kind == Kind.FUNC:
            return self._find(local.name, essential(local.name), Kind.FUNC, local.type, weak)
        inner = self._local.strip(local.type)
        if inner.kind == Kind.VOID:
            reason = "an address in /proc/kallsyms, which BTF does not tell"
            return Ksym("variable", local.name, None, weak, reason)
        return self._find(local.name, local.name, Kind.VAR, inner.id, weak)

    def _find(self, name: str, wanted: str, kind: int, local_id: int, weak: bool) -> Ksym:
        what = "kfunc" if kind == Kind.FUNC else "variable"
        for number, (module, btf) in enumerate(self._target.parts):
            ids = [item for item in btf.find(wanted, kind) if not number or item >= btf.first]
            if not ids:
                continue
            found = ids[0]
            inner = btf.strip(btf.type(found).type).id
            try:
                fits = self._compat[number].types(local_id, inner)
            except ParseError:
                fits = False
            if not fits:
                reason = f"{what} {wanted} has another type in this kernel"
                # libbpf forgives a weak function, but no variable.
                left_out = weak and kind == Kind.FUNC
                return Ksym(what, name, False, left_out, reason, "", found, module)
            if kind == Kind.FUNC and not self._callable(number, found):
                reason = "a function of this kernel, but no kfunc"
                return Ksym(what, name, False, False, reason, "", found, module)
            return Ksym(what, name, True, weak, "", "", found, module)
        near = self._names.nearest(wanted, kind)
        reason = "not in this BTF: of another release or configuration, or of a module"
        return Ksym(what, name, False, weak, reason, near)

    def _callable(self, number: int, function: int) -> bool:
        """Whether a function is marked as kfunc, where this BTF marks them."""
        tagged = self._tagged.get(number)
        if tagged is None:
            btf = self._target.parts[number][1]
            tags = btf.find(_TAG, Kind.DECL_TAG)
            tagged = self._tagged[number] = frozenset(btf.type(item).type for item in tags)
        return not tagged or function in tagged
