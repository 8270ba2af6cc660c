"""What a kernel lets each kind of program call: the plan for ``uses.c``, and its answers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from helperhist.binary import Btf, Kind
from tests.vm.contexts import Context

__all__ = ["Answer", "Uses", "functions", "judge", "kfuncs", "parse_answers", "render_plan"]

#: What the verifier says where the call as such is refused, and nothing that an argument could
#: change; the rest of what it says about the call is about its arguments.
_REFUSED = re.compile(
    r"unknown func|invalid func|cannot use helper|is not allowed|not allowed in probe"
    r"|might sleep|must be sleepable|is sleepable within|^sleepable (helper|kfunc)"
    r"|not supported for program type|supported only for|is only allowed in"
    r"|can't modify return value|cannot tail call|uses reserved fields"
    r"|progs cannot use bpf_"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the verifier said.

    :ivar function: number of the helper, or name of the kfunc
    :ivar verdict: ``yes``: the call is allowed, if its arguments are right; ``no``; ``other``
    """

    context: Context
    function: str
    verdict: str
    message: str


@dataclass(slots=True)
class Uses:
    """All that a kernel said.

    :ivar unavailable: contexts that it has not, and why
    """

    helpers: list[Answer] = field(default_factory=list)
    kfuncs: list[Answer] = field(default_factory=list)
    unavailable: list[tuple[Context, str]] = field(default_factory=list)


def kfuncs(btf: Btf) -> dict[str, int]:
    """Return what is tagged as a kfunc, name to id; kernels before 6.9 tag nothing.

    :param btf: of the kernel, or of a module, whose base is left out
    """
    tags = [btf.type(item) for item in btf.ids(Kind.DECL_TAG) if btf.name(item) == "bpf_kfunc"]
    found = {btf.name(tag.type): tag.type for tag in tags if btf.kind(tag.type) == Kind.FUNC}
    return dict(sorted(found.items()))


def functions(btf: Btf) -> dict[str, int]:
    """Return all functions, name to id."""
    return {btf.name(item): item for item in btf.ids(Kind.FUNC)}


def render_plan(
    asked: Iterable[Context],
    calls: Mapping[str, Mapping[str, int]],
    helpers: int,
    modules: Iterable[str] = (),
) -> str:
    """Return the plan for ``uses.c``.

    :param calls: kfuncs by module; ``vmlinux`` for the kernel's own
    :param helpers: number of the last helper to ask for, 0 for none
    :param modules: to load, in this order
    """
    lines = [f"helpers 1 {helpers}", *(f"module {name}" for name in modules)]
    for module, found in calls.items():
        lines += (f"kfunc {name} {btf_id} {module}" for name, btf_id in found.items())
    lines += (f"context {item.name} {' '.join(map(str, item.numbers))}" for item in asked)
    return "\n".join(lines) + "\n"


def judge(message: str, seen: bool) -> str:
    """Return what a message says of a call: ``yes``, ``no`` or ``other``.

    :param seen: the verifier came to the call; what it refuses before may be about anything
    """
    if _REFUSED.search(message):
        return "no"
    return "yes" if seen and message else "other"


def parse_answers(text: str, asked: Iterable[Context]) -> Uses:
    """Read the answers of ``uses.c``.

    :param asked: what the plan was made from
    """
    by_key = {(item.name, item.numbers[3]): item for item in asked}
    uses, refused = Uses(), dict[str, tuple[Context, str]]()
    context: Context | None = None
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        words = rest.split(" ", 3 if kind == "context" else 2)
        if kind == "context":
            name, btf_id, errno, message = words
            context = by_key[name, int(btf_id)]
            if errno == "0":
                refused.pop(name, None)
            else:
                refused[name] = (context, f"errno {errno}: {message}")
            continue
        assert context is not None, line
        function, seen, message = words
        answer = Answer(context, function, judge(message, seen == "1"), message)
        (uses.helpers if kind == "helper" else uses.kfuncs).append(answer)
    uses.unavailable = list(refused.values())
    return uses
