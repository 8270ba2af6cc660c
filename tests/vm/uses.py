"""What a kernel lets each kind of program call: the plan for ``uses.c``, and its answers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from helperhist.binary import Btf, Kind
from tests.vm.contexts import Context

__all__ = ["Answer", "Uses", "judge", "kfuncs", "parse_answers", "render_plan"]

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


def kfuncs(btf: Btf, names: Iterable[str]) -> dict[str, int]:
    """Return the kfuncs of a kernel, or of a module without those of the kernel: name to id.

    :param names: of what may be one; kernels before 6.9 do not say which of their functions are
    """
    tags = [btf.type(item) for item in btf.ids(Kind.DECL_TAG) if btf.name(item) == "bpf_kfunc"]
    found = {btf.name(tag.type): tag.type for tag in tags if btf.kind(tag.type) == Kind.FUNC}
    for name in names:
        for item in btf.find(name, Kind.FUNC):
            if item >= btf.first:
                found[name] = item
    return dict(sorted(found.items()))


def render_plan(
    asked: Iterable[Context],
    functions: Mapping[str, Mapping[str, int]],
    helpers: int,
    modules: Iterable[str] = (),
) -> str:
    """Return the plan for ``uses.c``.

    :param functions: kfuncs by module; ``vmlinux`` for the kernel's own
    :param helpers: number of the last helper to ask for
    :param modules: to load, in this order
    """
    lines = [f"helpers 1 {helpers}", *(f"module {name}" for name in modules)]
    lines += (
        f"kfunc {name} {btf_id} {module}"
        for module, kfuncs in functions.items()
        for name, btf_id in kfuncs.items()
    )
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
