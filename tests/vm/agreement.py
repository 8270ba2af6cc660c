"""What a kernel's own source says of calls, beside what its verifier says."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from helperhist.sources import Condition
from helperhist.sources.condition import ALWAYS, NEVER
from tests.vm.contexts import Context

__all__ = ["EXPLAINED", "Agreement", "Reason", "compare_calls", "is_allowed"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a difference is no fault of the source's reader; patterns match the whole.

    :ivar name: of the helper or kfunc
    :ivar kernel: release of the kernel
    :ivar message: what the verifier says
    """

    why: str
    name: str
    prog_type: str = r"\w+"
    kernel: str = ".*"
    message: str = ".*"

    def explains(self, name: str, prog_type: str, kernel: str, message: str) -> bool:
        """Return whether it holds for a call."""
        asked = (name, prog_type, kernel, message)
        patterns = (self.name, self.prog_type, self.kernel, self.message)
        return all(re.fullmatch(*pair) for pair in zip(patterns, asked, strict=True))


EXPLAINED = (
    Reason(
        "the check of maps comes before the kernel notes which type an EXT program stands in for",
        r"bpf_timer_\w+",
        "BPF_PROG_TYPE_EXT",
        message="R1 type=scalar expected=map_value",
    ),
    Reason(
        "a member that takes a reference cannot tail call (Qdisc_ops.enqueue)",
        "bpf_tail_call",
        "BPF_PROG_TYPE_STRUCT_OPS",
        message="program with __ref argument cannot tail call",
    ),
    Reason(
        "kernels before 6.2 look at arguments before they refuse a program that may not sleep",
        "bpf_lookup_user_key|bpf_verify_pkcs7_signature|cgroup_rstat_flush",
        kernel=r"5\..*|6\.[01]\..*",
    ),
)


@dataclass(slots=True)
class Agreement:
    """A comparison.

    :ivar open: calls under conditions that are no property of a context, by condition
    :ivar differ: what differs without an :data:`EXPLAINED` reason, one text each
    """

    agree: int = 0
    open: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    differ: list[str] = field(default_factory=list)


def is_allowed(condition: Condition, context: Context, config: frozenset[str]) -> bool | None:
    """Return whether a condition holds in a context, None where that is not known.

    :param config: options of the kernel, empty where they are not known
    """

    def meaning(variable: str) -> Condition | None:
        key, _, value = variable.partition("=")
        if key == "config":
            return None if not config else ALWAYS if value in config else NEVER
        known = {
            # The first process has all capabilities, and nothing locks a machine of ours down.
            "cap": True,
            "lockdown": True,
            "sleepable": context.sleepable,
            "device-bound": context.target == "device",
            "target": False,
        }.get(key)
        return None if known is None else ALWAYS if known else NEVER

    # A value that no condition names stands for none.
    values = {"attach": context.attach_type or "-"}
    if context.prog_type == "BPF_PROG_TYPE_STRUCT_OPS":
        values["struct_ops"], _, values["member"] = context.target.partition(".")
    if context.attach_type == "BPF_TRACE_ITER":
        values["iter"] = context.target.removeprefix("bpf_iter_")
    rest = condition.replace(meaning)
    rest = rest.restrict({key: frozenset((value,)) for key, value in values.items()})
    return True if rest.always else False if rest.never else None


def compare_calls(
    answers: Iterable[tuple[Context, str, str, str]],
    facts: Mapping[tuple[str, str], Condition],
    config: frozenset[str],
    kernel: str,
) -> Agreement:
    """Compare answers of a kernel with what its source says.

    :param answers: context, helper or kfunc, verdict, message
    :param facts: (helper or kfunc, program type) to the condition; what is not there is refused
    :param kernel: its release
    """
    result = Agreement()
    for context, name, verdict, message in answers:
        if verdict == "other":
            continue
        # A program that replaces a function may call what the replaced program may.
        prog_type = context.prog_type
        if prog_type == "BPF_PROG_TYPE_EXT":
            prog_type = context.target
        condition = facts.get((name, prog_type), NEVER)
        allowed = is_allowed(condition, context, config)
        if allowed is None:
            result.open[str(condition)] += 1
        elif allowed == (verdict == "yes"):
            result.agree += 1
        else:
            for reason in EXPLAINED:
                if reason.explains(name, context.prog_type, kernel, message):
                    result.explained[reason.why] += 1
                    break
            else:
                said = "allowed" if allowed else "refused"
                result.differ.append(f"{name} in {context.name}: {said} by the source: {message}")
    return result
