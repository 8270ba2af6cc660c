"""Conditions under which a helper may be called, as canonical text.

    attach=BPF_CGROUP_INET4_CONNECT|BPF_CGROUP_INET6_CONNECT;cap=CAP_PERFMON or sleepable

``;`` joins what must hold together, `` or `` alternatives; no text is always, and ``?`` is what the
source's reader could not read. ``!`` negates: ``attach=!A|B`` is any but A and B, ``!sleepable``.
The keys:

    attach, type, struct_ops, member, iter   one of several values: the program's attach type and
                      type, its operations struct and their member, the target of its iterator
    cap, config       a capability of the loader, an option of the kernel
    sleepable         the program is loaded as one that may sleep
    lockdown          the kernel's lockdown permits it
    hooks             the hook is in a set of hooks, by the set's name (``x*``: by its own)
    target=prog       the program attaches to another program

A condition is a disjunction of cubes. A cube gives variables a domain: a set of values or its
complement. Equal conditions have equal text.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from helperhist.errors import ParseError
from helperhist.sources.cubes import TRUE, Cube, Domain, canonical, opposite, products

__all__ = ["ALWAYS", "NEVER", "UNREAD", "Condition"]

# Keys of which one value holds at a time; each value of the others is a variable of its own.
_ENUMS = frozenset(("attach", "struct_ops", "member", "iter", "type"))
_TERM = re.compile(r"(!?)([?]?[\w.>-]*)(?:=(!?)([\w.>*-]+(?:\|[\w.>*-]+)*))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition in canonical form; compare and hash it as a value."""

    cubes: tuple[Cube, ...]

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read a condition's text.

        :raises ParseError: when it is none.
        """
        return _parse(text)

    @classmethod
    def of(cls, key: str, *values: str, negated: bool = False) -> "Condition":
        """Return ``key``, ``key=value`` or ``key=value|value``, or what is not that."""
        if key in _ENUMS:
            return cls((((key, (negated, frozenset(values))),),))
        return cls(((("=".join((key, *values)), (negated, TRUE)),),))

    @classmethod
    def unread(cls, what: str = "") -> "Condition":
        """Return a condition that could not be read; equal ``what`` is the same condition."""
        return cls.of("?" + re.sub(r"[^\w.>-]+", "_", what, flags=re.ASCII)[:120])

    @property
    def always(self) -> bool:
        """Whether it holds under all circumstances."""
        return self.cubes == ((),)

    @property
    def never(self) -> bool:
        """Whether it cannot hold."""
        return not self.cubes

    @property
    def read(self) -> bool:
        """Whether all of it could be read."""
        return not any(var.startswith("?") for cube in self.cubes for var, _ in cube)

    def unread_names(self) -> frozenset[str]:
        """Return the variables, with ``?``, that stand for what could not be read."""
        return frozenset(var for cube in self.cubes for var, _ in cube if var.startswith("?"))

    def __and__(self, other: "Condition") -> "Condition":
        if self.always or other.never or self == other:
            return other
        if other.always or self.never:
            return self
        return _both(self, other)

    def __or__(self, other: "Condition") -> "Condition":
        if self.never or other.always or self == other:
            return other
        if other.never or self.always:
            return self
        return _either(self, other)

    def __invert__(self) -> "Condition":
        return _invert(self)

    def replace(self, meaning: Callable[[str], "Condition | None"]) -> "Condition":
        """Put conditions in the place of variables that hold or do not (``call=f``)."""
        variables = {var for cube in self.cubes for var, _ in cube}
        known = {var: found for var in variables if (found := meaning(var)) is not None}
        if not known:
            return self
        result = NEVER
        for cube in self.cubes:
            part = ALWAYS
            for var, domain in cube:
                found = known.get(var)
                if found is None:
                    part &= Condition((((var, domain),),))
                else:
                    part &= ~found if domain[0] else found
            result |= part
        return result

    def restrict(self, known: Mapping[str, frozenset[str]]) -> "Condition":
        """Return what remains where a key has one of the values that ``known`` gives.

        Values that it cannot have are dropped; a condition that all of them meet is none.
        """
        cubes = []
        for cube in self.cubes:
            kept: list[tuple[str, Domain]] = []
            for var, domain in cube:
                values = known.get(var)
                if values is None:
                    kept.append((var, domain))
                    continue
                negated, some = domain
                left = values - some if negated else values & some
                if not left:
                    break
                if left != values:
                    kept.append((var, (False, left)))
            else:
                cubes.append(tuple(kept))
        return _simplified(cubes)

    def collapse(self) -> "Condition":
        """Make all that could not be read the one ``?``."""
        if self.read:
            return self
        cubes = []
        for cube in self.cubes:
            kept = [(var, domain) for var, domain in cube if not var.startswith("?")]
            if len(kept) < len(cube):
                kept.append(("?", (False, TRUE)))
            cubes.append(tuple(sorted(kept, key=_by_variable)))
        return _simplified(cubes)

    def __str__(self) -> str:
        if self.never:
            return "never"
        return " or ".join(sorted(";".join(map(_term, cube)) for cube in self.cubes))


ALWAYS = Condition(((),))
NEVER = Condition(())
UNREAD = Condition((((("?"), (False, TRUE)),),))


def _by_variable(term: tuple[str, Domain]) -> str:
    return term[0]


def _term(term: tuple[str, Domain]) -> str:
    var, (negated, values) = term
    mark = "!" if negated else ""
    if var in _ENUMS:
        return f"{var}={mark}{'|'.join(sorted(values))}"
    key, equals, value = var.partition("=")
    return f"{key}={mark}{value}" if equals else mark + var


@lru_cache(maxsize=4096)
def _parse(text: str) -> Condition:
    if text == "never":
        return NEVER
    result = NEVER
    for alternative in text.split(" or "):
        cube = ALWAYS
        for term in alternative.split(";") if alternative else ():
            cube &= _parse_term(term)
        result |= cube
    return result


def _parse_term(text: str) -> Condition:
    found = _TERM.fullmatch(text)
    if found is None or not found[2]:
        raise ParseError(f"no condition: {text[:80]!r}")
    mark, key, negated, values = found.groups()
    if values is None:
        if key in _ENUMS:
            raise ParseError(f"a condition without a value: {text[:80]!r}")
        return Condition.of(key, negated=bool(mark))
    if mark or ("|" in values and key not in _ENUMS):
        raise ParseError(f"no condition: {text[:80]!r}")
    return Condition.of(key, *values.split("|"), negated=bool(negated))


@lru_cache(maxsize=1 << 14)
def _both(one: Condition, other: Condition) -> Condition:
    return _simplified(products(one.cubes, other.cubes))


@lru_cache(maxsize=1 << 14)
def _either(one: Condition, other: Condition) -> Condition:
    return _simplified((*one.cubes, *other.cubes))


@lru_cache(maxsize=1 << 12)
def _invert(one: Condition) -> Condition:
    result = ALWAYS
    for cube in one.cubes:
        result &= _simplified(opposite(cube))
    return result


def _simplified(cubes: Iterable[Cube]) -> Condition:
    found = canonical(cubes)
    return UNREAD if found is None else Condition(found)
