"""The kernels at which the answer about an object changes: boot these, and no others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from helperhist.check.needs import Findings
from helperhist.check.target import judge_release
from helperhist.check.verdict import TooNew, required, unknown
from helperhist.timeline import Release, Timeline
from helperhist.version import KernelVersion

__all__ = ["Stretch", "Upgrade", "boot", "compare", "plan"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Successive releases with one answer.

    :ivar first: the first of them, ``last`` the last; ``"5.8"``
    :ivar answer: ``yes``, ``no`` or ``cannot tell``
    :ivar lacks: what the first lacks, or may lack
    """

    first: str
    last: str
    answer: str
    lacks: tuple[TooNew, ...] = ()


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What becomes of an object from one release to another.

    :ivar worse: what the new release lacks, or may lack, and the old one does not
    :ivar better: what the old one lacks, or may lack, and the new one does not
    """

    worse: tuple[TooNew, ...]
    better: tuple[TooNew, ...]


def plan(findings: Findings, timeline: Timeline) -> tuple[Stretch, ...]:
    """Return the releases of mainline in stretches of one answer, oldest first.

    Asked are those only where something begins or ends that the object needs.
    """
    releases = [tag.version.text for tag in timeline.releases]
    if not releases:
        return ()
    wanted = {KernelVersion.parse(text) for text in _edges(findings)}
    # An edge that is no release of the data shows in the first one after it.
    asked = [0]
    for edge in wanted:
        at = next((i for i, text in enumerate(releases) if KernelVersion.parse(text) >= edge), None)
        if at is not None:
            asked += [at, at + 1]
    asked = sorted({at for at in asked if at < len(releases)})
    found: list[Stretch] = []
    for at, end in zip(asked, [*asked[1:], len(releases)], strict=True):
        lacks = judge_release(findings, Release(timeline, KernelVersion.parse(releases[at])))
        answer = _answer(findings, lacks)
        last = releases[end - 1]
        if found and found[-1].answer == answer:
            found[-1] = Stretch(found[-1].first, last, answer, found[-1].lacks)
        else:
            found.append(Stretch(releases[at], last, answer, lacks))
    return tuple(found)


def _answer(findings: Findings, lacks: tuple[TooNew, ...]) -> str:
    if findings.refused or any(item.certain for item in lacks):
        return "no"
    return "cannot tell" if lacks else "yes"


def _edges(findings: Findings) -> Iterator[str]:
    for item in required(findings):
        yield from filter(None, (item.since, item.earliest, item.until, item.last))
        for gap in item.misses or ():
            yield from (f"{major}.{minor}" for major, minor in gap if 0 < major < 1000)
    for question in unknown(findings):
        yield from filter(None, (question.known_to,))
        for gap in question.misses or ():
            yield from (f"{major}.{minor}" for major, minor in gap if 0 < major < 1000)


def boot(plans: Sequence[Sequence[Stretch]]) -> tuple[str, ...]:
    """Return the kernels that show all changes: those on both sides of each, oldest first."""
    found = set()
    for stretches in plans:
        for one, other in pairwise(stretches):
            found |= {one.last, other.first}
        if len(stretches) == 1:
            found.add(stretches[0].last)
    return tuple(sorted(found, key=KernelVersion.parse))


def compare(findings: Findings, old: Release, new: Release) -> Upgrade:
    """Return what becomes of an object from one release to another."""
    before, after = judge_release(findings, old), judge_release(findings, new)
    return Upgrade(_without(after, before), _without(before, after))


def _without(found: tuple[TooNew, ...], other: tuple[TooNew, ...]) -> tuple[TooNew, ...]:
    known = {(item.item, item.certain) for item in other}
    return tuple(item for item in found if (item.item, item.certain) not in known)
