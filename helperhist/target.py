"""Whether an object works on one very kernel: its findings against what that kernel has."""

from collections.abc import Mapping
from typing import Protocol

from helperhist.findings import Findings, Requirement, Unknown, release_key
from helperhist.requirements import FALLBACKS
from helperhist.verdict import TooNew, required, unknown

__all__ = ["Kernel", "judge_kernel"]


class Kernel(Protocol):
    """What one kernel has, as :func:`helperhist.kernelinfo.read_kernel` reads it."""

    @property
    def helpers(self) -> Mapping[int, str]:
        """Its helpers, by its own numbers."""

    @property
    def kfuncs(self) -> tuple[str, ...] | None:
        """Its kfuncs; None where they cannot be told."""

    def has(self, name: str, kind: str = "") -> bool | None:
        """Whether it has a name; None where that cannot be told."""


def judge_kernel(findings: Findings, kernel: Kernel, release: str | None) -> tuple[TooNew, ...]:
    """Return what a kernel lacks; nothing if the object works there.

    :param release: the release that it corresponds to by content, for what has no name
    """
    found = [
        verdict
        for item in required(findings)
        if (verdict := _requirement(item, kernel, release)) is not None
    ]
    found += [
        verdict for item in unknown(findings) if (verdict := _unknown(item, kernel)) is not None
    ]
    return tuple(found)


def _requirement(item: Requirement, kernel: Kernel, release: str | None) -> TooNew | None:
    if item.kind == "helper" and item.id is not None:
        name = kernel.helpers.get(item.id)
        if name == item.name:
            return None
        reason = (
            f"this kernel has no helper {item.id}"
            if name is None
            else f"helper {item.id} of this kernel is {name}"
        )
        return TooNew(item, True, reason, FALLBACKS.get(item.name))
    answer = None
    if item.kind == "kfunc":
        answer = kernel.has(item.name.split("___")[0], "kfunc")
        if answer is None and kernel.kfuncs is not None:
            return TooNew(item, False, "not in the kernel itself; a module may have it")
    elif item.uapi:
        # The name may be of another kind than the need (a helper marks struct bpf_timer).
        answer = kernel.has(item.uapi, _kind_of(item))
    if answer is None and release is not None:
        answer = release_key(item.since) <= release_key(release)
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


def _unknown(item: Unknown, kernel: Kernel) -> TooNew | None:
    if item.kind == "helper" and item.id is not None:
        if item.id in kernel.helpers:
            return None
        return TooNew(item, True, f"this kernel has no helper {item.id}")
    if item.kind in ("kfunc", "attach_type", "prog_type"):
        answer = kernel.has(item.name, item.kind)
        if answer is True:
            return None
        if answer is False and item.kind == "kfunc":
            return TooNew(item, True, "this kernel has no such kfunc")
    if item.kind == "prog_type" and not item.newer:
        return TooNew(item, False, item.reason)
    return TooNew(item, False, item.reason)
