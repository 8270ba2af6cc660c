"""Cubes, of which conditions are disjunctions: each gives some variables a domain.

The canonical form of a disjunction is an irredundant choice, in a fixed order, of all its prime
implicants (the Blake canonical form, by iterated consensus).
"""

from collections.abc import Iterable, Iterator

__all__ = ["TRUE", "Cube", "Domain", "canonical", "opposite", "products"]

# A disjunction of more cubes, terms or values says nothing to a reader; the kernel's have at most
# 21, 12 and 65, and take 150 steps.
_MAX_CUBES = 32
_MAX_TERMS = 32
_MAX_VALUES = 96
_MAX_STEPS = 512

Domain = tuple[bool, frozenset[str]]  # negated, values
Cube = tuple[tuple[str, Domain], ...]  # sorted by variable

# The one value of a variable that holds or does not.
TRUE = frozenset(("",))


def opposite(cube: Cube) -> list[Cube]:
    """Return the cubes of all that is not in one."""
    return [((var, (not negated, values)),) for var, (negated, values) in cube]


def canonical(cubes: Iterable[Cube]) -> tuple[Cube, ...] | None:
    """Return the canonical form of a disjunction, None where it is too large."""
    primes: list[Cube] = []
    waiting = list(cubes)
    steps = 0
    while waiting:
        steps += 1
        cube = waiting.pop()
        if not cube:
            return ((),)
        if any(_within(cube, prime) for prime in primes):
            continue
        primes = [prime for prime in primes if not _within(prime, cube)]
        for prime in primes:
            waiting.extend(_consensus(cube, prime))
        primes.append(cube)
        if len(primes) > _MAX_CUBES or steps > _MAX_STEPS or _is_large(cube):
            return None
    # Long ones go first, where the others say the same.
    primes.sort(key=lambda cube: (-len(cube), _order(cube)))
    for prime in tuple(primes):
        others = [other for other in primes if other != prime]
        if _covered(prime, others):
            primes = others
    return tuple(sorted(primes, key=_order))


def _is_large(cube: Cube) -> bool:
    return len(cube) > _MAX_TERMS or any(len(domain[1]) > _MAX_VALUES for _, domain in cube)


def _order(cube: Cube) -> list[tuple[str, bool, list[str]]]:
    return [(variable, negated, sorted(values)) for variable, (negated, values) in cube]


def products(some: Iterable[Cube], others: Iterable[Cube]) -> Iterator[Cube]:
    """Iterate over what is in a cube of each side."""
    others = tuple(others)
    for one in some:
        for other in others:
            if (cube := _product(one, other)) is not None:
                yield cube


def _product(one: Cube, other: Cube) -> Cube | None:
    """Return the cube of what is in both, None when nothing is."""
    terms = dict(one)
    for var, domain in other:
        mine = terms.get(var)
        if mine is None:
            terms[var] = domain
            continue
        common = _intersection(mine, domain)
        if common == (False, frozenset()):
            return None
        terms[var] = common
    return tuple(sorted(terms.items(), key=_by_variable))


def _intersection(one: Domain, other: Domain) -> Domain:
    (some, values), (none, others) = one, other
    if some:
        return (True, values | others) if none else (False, others - values)
    return (False, values - others) if none else (False, values & others)


def _union(one: Domain, other: Domain) -> Domain:
    negated, values = _intersection((not one[0], one[1]), (not other[0], other[1]))
    return not negated, values


def _within(one: Cube, other: Cube) -> bool:
    """Tell whether all of one cube is in another."""
    mine = dict(one)
    for var, domain in other:
        if var not in mine or _intersection(mine[var], domain) != mine[var]:
            return False
    return True


def _consensus(one: Cube, other: Cube) -> Iterator[Cube]:
    """Iterate over the cubes that both together cover, one for each variable that both have."""
    mine, yours = dict(one), dict(other)
    for var in mine.keys() & yours.keys():
        domain = _union(mine[var], yours[var])
        rest = _product(
            tuple(term for term in one if term[0] != var),
            tuple(term for term in other if term[0] != var),
        )
        if rest is None:
            continue
        if domain == (True, frozenset()):
            yield rest
        else:
            yield tuple(sorted((*rest, (var, domain)), key=_by_variable))


def _covered(cube: Cube, others: Iterable[Cube]) -> bool:
    left = [cube]
    for other in others:
        left = list(products(left, opposite(other)))
        if not left:
            return True
        if len(left) > _MAX_CUBES:
            return False
    return False


def _by_variable(term: tuple[str, Domain]) -> str:
    return term[0]
