"""Why something is needed, or is optional, in words."""

from helperhist.check import Requirement, Unknown

__all__ = ["LOADER_NAMES", "because", "evidence", "shown_name"]

#: Loaders as their people call them.
LOADER_NAMES = {
    "libbpf": "libbpf",
    "libbpf0": "libbpf before 1.0",
    "cilium": "cilium/ebpf",
    "aya": "aya",
    "android": "Android's bpfloader",
    "iproute2": "iproute2",
}
_CAUSES = {
    "weak": "a weak extern",
    "attach": "older kernels load it, but cannot attach it",
    "left out": "left out for kernels that do not know it",
    "ignored": "older kernels take no notice of it",
    "not loaded": "the program is not loaded by default",
    "not created": "not created by default",
}


def shown_name(item: Requirement | Unknown) -> str:
    """Return the name that users read."""
    return f"way around {item.name}" if item.kind == "check" else item.name


def because(item: Requirement, loader: str) -> tuple[str, ...]:
    """Say why the object does without it on older kernels, or how it is needed."""
    words = []
    for cause in item.causes:
        if cause == "rewritten":
            who = LOADER_NAMES.get(loader, loader)
            words.append(f"{who} replaces it by {item.other} where it is missing")
        elif cause in _CAUSES:
            words.append(_CAUSES[cause])
        elif cause == "check":
            words.append(f"behind a check of {', '.join(item.checks)}")
    if item.switches:
        words.append(f"switched off by {', '.join(item.switches)} of .rodata")
    return tuple(words)


def evidence(item: Requirement, loader: str) -> str:
    """Say where the release is from, and why it is optional."""
    first = item.basis
    if item.kind == "check":
        first = f"older kernels get to {item.name} ({item.other})"
        if not item.since:
            first = f"newer kernels get to {item.name}, which is gone"
    elif "replaces" in item.causes:
        first = f"for {item.other} on kernels without it"
    return "; ".join((first, *because(item, loader)))
