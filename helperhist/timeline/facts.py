"""What one tag, tree or kernel has: a helper, a constant, a kfunc, or a relation of two names."""

from dataclasses import dataclass
from typing import Protocol

from helperhist.timeline.kinds import kind_key

__all__ = ["Fact", "sort_key"]

#: Digits and sign of the longest value of a constant: those of 64 bits.
_MAX_DIGITS = 20


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """What one tag has: a helper, a constant, a kfunc, or a relation of two names.

    :ivar kind: ``helper``, ``cmd``, ``map_type``, ``prog_type``, ``attach_type``, ``link_type``,
        the tag of another enum (``xdp_action``), ``flag`` (a ``#define`` or the enumerator of an
        anonymous enum), ``field`` (a member of a struct or union), ``sentinel``, ``kfunc``, or a
        relation (``helper_use``)
    :ivar name: as in the header; helpers as programs call them (``bpf_map_lookup_elem``); fields
        by path (``__sk_buff.gso_size``)
    :ivar object: of a relation, the other name (``BPF_PROG_TYPE_XDP``); else empty
    :ivar value: the kind's own: the number of a helper, the value of a constant, flags, or the
        text of a condition; empty where there is none, or where it cannot be computed
    """

    kind: str
    name: str
    object: str = ""
    value: str = ""

    @classmethod
    def of(cls, kind: str, name: str, number: int | None = None) -> "Fact":
        """Return a name with its number, if it has one.

        >>> Fact.of("helper", "bpf_loop", 181)
        Fact(kind='helper', name='bpf_loop', object='', value='181')
        """
        return cls(kind, name, "", "" if number is None else str(number))

    @property
    def id(self) -> int | None:
        """The number of a helper or the value of a constant; None where there is none."""
        digits = self.value.removeprefix("-")
        if digits.isdigit() and digits.isascii() and len(digits) <= _MAX_DIGITS:
            return int(self.value)
        return None


class _Numbered(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def id(self) -> int | None: ...


def sort_key(item: _Numbered) -> tuple[int, str, bool, int, str]:
    """Return what sorts facts, rows and spans: by kind, number and name, without a number last."""
    number = item.id
    return (*kind_key(item.kind), number is None, number or 0, item.name)
