"""Whether an object works on one kernel: its findings against what that kernel has.

A kernel is a very one (its BTF, its header), or a release of the timeline.
"""

from typing import Protocol

from helperhist.check.needs import Findings, Requirement, Unknown
from helperhist.check.rules import FALLBACKS
from helperhist.check.verdict import TooNew, required, unknown
from helperhist.timeline import Kernel, Presence, Release
from helperhist.version import KernelVersion

__all__ = ["KernelRead", "judge_kernel", "judge_release"]


class KernelRead(Kernel, Protocol):
    """What one kernel has, as :func:`helperhist.kernel.read.read_kernel` reads it."""

    @property
    def kfuncs(self) -> tuple[str, ...] | None:
        """Its kfuncs; None where they cannot be told."""


def judge_kernel(findings: Findings, kernel: KernelRead, release: str | None) -> tuple[TooNew, ...]:
    """Return what a kernel lacks; nothing if the object works there.

    :param release: the release that it corresponds to by content, for what has no name
    """
    found = [
        verdict
        for item in required(findings)
        if (verdict := _requirement(item, kernel, release)) is not None
    ]
    found += [
        verdict
        for item in unknown(findings)
        if (verdict := _unknown(item, kernel, release)) is not None
    ]
    return tuple(found)


def _requirement(item: Requirement, kernel: KernelRead, release: str | None) -> TooNew | None:
    if item.spares(release or "") or (item.kind == "iterator" and kernel.kfuncs is not None):
        return None
    if item.kind == "helper" and item.id is not None:
        if kernel.has_number("helper", item.name, item.id).answer:
            return None
        name = kernel.numbered("helper", item.id)
        reason = (
            f"this kernel has no helper {item.id}"
            if name is None
            else f"helper {item.id} of this kernel is {name}"
        )
        return TooNew(item, True, reason, FALLBACKS.get(item.name))
    answer = None
    if item.kind == "kfunc":
        answer = kernel.has("kfunc", item.name.split("___")[0]).answer
        if answer is None and kernel.kfuncs is not None:
            return TooNew(item, False, "not in the kernel itself; a module may have it")
    elif item.uapi:
        # The name may be of another kind than the need (a helper marks struct bpf_timer).
        answer = kernel.has(_kind_of(item), item.uapi).answer
    if answer is None and release is not None:
        return _by_release(item, KernelVersion.parse(release), False)
    if answer:
        return None
    if answer is None:
        return TooNew(item, False, f"needs {item.since}; this kernel does not tell")
    return TooNew(item, True, f"missing; mainline has it from {item.since} on", _instead(item))


def _instead(item: Requirement) -> str | None:
    return FALLBACKS.get(item.name)


def _kind_of(item: Requirement) -> str:
    if item.uapi.startswith("bpf_") and "." not in item.uapi:
        return "helper"
    if "." in item.uapi:
        return "field"
    return "flag" if item.uapi.startswith(("BPF_F_", "BPF_PSEUDO_")) else item.kind


def _unknown(item: Unknown, kernel: KernelRead, release: str | None) -> TooNew | None:
    if item.spares(release or ""):
        return None
    if item.kind == "iterator" and kernel.kfuncs is not None:
        # Its BTF has been asked for the target.
        return None
    if item.known_to and release is not None:
        certain = KernelVersion.parse(release) <= KernelVersion.parse(item.known_to)
        return TooNew(item, certain, item.reason)
    if item.kind == "helper" and item.id is not None:
        if kernel.has_number("helper", "", item.id).answer:
            return None
        return TooNew(item, True, f"this kernel has no helper {item.id}")
    if item.kind in ("kfunc", "attach_type", "prog_type"):
        answer = kernel.has(item.kind, item.name).answer
        if answer is True:
            return None
        if answer is False and item.kind == "kfunc":
            return TooNew(item, True, "this kernel has no such kfunc")
    return TooNew(item, False, item.reason)


def judge_release(findings: Findings, release: Release) -> tuple[TooNew, ...]:
    """Return what a release or an update of one lacks, or may lack; nothing if the object works.

    What the last tag before a release has that was not read is taken to be there still: its
    :class:`helperhist.timeline.Doubt` says so to users.
    """
    found = [
        verdict
        for item in required(findings)
        if (verdict := _release_lacks(item, release, item.name in findings.older)) is not None
    ]
    found += [
        verdict
        for item in unknown(findings)
        if (verdict := _release_unknown(item, release)) is not None
    ]
    return tuple(found)


def _release_lacks(item: Requirement, release: Release, older: bool) -> TooNew | None:
    if not item.updates and item.spares(release.version.series):
        return None
    if item.kind == "helper" and item.id is not None:
        told = release.has_number("helper", item.name, item.id)
    elif item.uapi:
        told = release.has(_kind_of(item), item.uapi)
    else:
        return _by_release(item, release.version, older)
    # Nobody removes a name from the API between two updates, but one may come.
    if told.answer or (told.answer is None and told.before and told.after is None):
        return None
    certain = told.answer is False
    return TooNew(item, certain, _why_lacking(item, release, told, older), _instead(item))


def _why_lacking(item: Requirement, release: Release, told: Presence, older: bool) -> str:
    needs = f"needs {item.since}" + (" or earlier" if older else "")
    if told.answer is None:
        return f"{needs}; {_bounds(release, told)}" if release.before else needs
    if KernelVersion.parse(item.since) > release.version:
        return needs
    if item.id is not None and (other := release.numbered(item.kind, item.id)) is not None:
        return f"helper {item.id} of {release.version} is {other}"
    return f"not in {release.version}"


def _bounds(release: Release, told: Presence) -> str:
    sides = [
        f"{tag.version} {'has' if there else 'lacks'} it"
        for tag, there in ((release.before, told.before), (release.after, told.after))
        if tag is not None
    ]
    return f"{', '.join(sides)}, {release.version} was not read"


def _by_release(item: Requirement, version: KernelVersion, older: bool) -> TooNew | None:
    """Judge what has no name in the header by the releases that have it.

    :param older: whether it may be older than the data
    """
    # Of an update nobody read whether it has what its release has not, and of a candidate
    # whether it has what its release has.
    exact = not (version.is_stable or version.build)
    if version.rc is not None and item.since:
        exact = KernelVersion.parse(item.since).series != version.series
    if item.since and KernelVersion.parse(item.since) > version:
        if item.earliest and KernelVersion.parse(item.earliest) <= version:
            reason = f"between {item.earliest} and {item.since}; {version} was not read"
            return TooNew(item, False, reason, _instead(item))
        reason = f"needs {item.since}" + (" or earlier" if older else "")
        return TooNew(item, exact and not older, reason, _instead(item))
    for good, bad in item.updates:
        first = KernelVersion.parse(bad)
        if version.series == first.series and KernelVersion.parse(good) < version:
            certain = first <= version
            words = f"not from {bad} on" if certain else f"{good} has it, {bad} does not"
            return TooNew(item, certain, words)
    if not item.until:
        return None
    if KernelVersion.parse(item.until) <= version:
        return TooNew(item, True, f"not from {item.until} on")
    if version.series != item.last and KernelVersion.parse(item.last) < version:
        reason = f"{item.last} has it, {item.until} does not; {version} was not read"
        return TooNew(item, False, reason)
    return None


def _release_unknown(item: Unknown, release: Release) -> TooNew | None:
    if item.spares(release.version.series):
        return None
    if item.known_to:
        certain = release.version <= KernelVersion.parse(item.known_to)
        return TooNew(item, certain, item.reason)
    if item.id is not None:
        # What only updates of a release have has a number, and no release of mainline.
        told = release.has_number(item.kind, "", item.id)
    else:
        told = release.has(item.kind, item.name)
    if told.answer or (told.answer is None and told.before and told.after is None):
        return None
    certain = item.newer and (release.tag is not None or told.answer is not None)
    reason = f"newer than {release.newest}" if item.newer else item.reason
    return TooNew(item, certain, reason)
