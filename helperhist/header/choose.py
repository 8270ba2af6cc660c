"""Which helpers a generated header can declare, and why not the others.

What is decided here, and never guessed: a helper whose number or type the data cannot tell is left
out, and the header says so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from helperhist.errors import DatasetError, HelperhistError, ParseError
from helperhist.header.comments import comment, inside
from helperhist.header.options import HeaderOptions
from helperhist.header.prototypes import Declaration, parse_declaration
from helperhist.timeline import ENUM_KINDS, KINDS, Doc, Row, Timeline
from helperhist.version import KernelVersion

__all__ = [
    "Helper",
    "check_names",
    "chosen",
    "conflict",
    "declare",
    "for_macros",
    "known_tags",
    "renumbered",
]

_NAME = re.compile(r"bpf_(?!unspec$)\w+", re.ASCII)
#: Others, like ``__attribute__``, mean something to the compiler, and must not be defined.
_ATTRIBUTE = re.compile(r"__bpf_\w+", re.ASCII)
#: What libbpf makes of a call where the running kernel lacks the helper, so that programs with it
#: load on older kernels, too: bpf_object__sanitize_prog() in tools/lib/bpf/libbpf.c.
_REWRITTEN = {
    "bpf_probe_read_kernel": "bpf_probe_read",
    "bpf_probe_read_user": "bpf_probe_read",
    "bpf_probe_read_kernel_str": "bpf_probe_read_str",
    "bpf_probe_read_user_str": "bpf_probe_read_str",
}
#: What the macros of libbpf's bpf_helpers.h call: bpf_printk(), BPF_SEQ_PRINTF(), BPF_SNPRINTF().
_IN_MACROS = ("bpf_trace_printk", "bpf_trace_vprintk", "bpf_seq_printf", "bpf_snprintf")
_LOADS = "libbpf turns the call into {} where the running kernel lacks this helper."
_MAX_NUMBER = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Helper:
    """One helper as the template needs it.

    :ivar beside: it is declared under libbpf's bpf_helpers.h alone, for its macros
    :ivar always: it is declared, by its mainline number, also where the headers lack it
    """

    name: str
    short: str  # the name in BPF_FUNC_...
    number: int
    since: KernelVersion
    or_earlier: bool
    guarded: bool
    always: bool
    beside: bool
    declaration: Declaration
    attributes: tuple[str, ...]
    comment: tuple[str, ...]
    refused: KernelVersion | bool = False  # what Uses.refused() says

    @property
    def kernel(self) -> str:
        """The kernel it needs, as text."""
        return f"{self.since.series} or earlier" if self.or_earlier else self.since.series


def check_names(timeline: Timeline) -> None:
    """A dataset can come from anywhere, and its names become C."""
    seen: set[str] = set()
    for row in timeline.helpers:
        if not _NAME.fullmatch(row.name):
            raise DatasetError(f"{row.name[:60]!r} in this data is no name of a helper; scan again")
        if row.name in seen:
            raise DatasetError(f"this data has {row.name[:60]} twice; scan again")
        seen.add(row.name)


def known_tags(timeline: Timeline) -> dict[str, str]:
    """Return what tags of the kernel mean, as far as it is known."""
    # Kinds that are not the tag of their enum have words of their own.
    kinds = (timeline.index.kinds - KINDS.keys()) | ENUM_KINDS.keys()
    enums = dict.fromkeys(kinds, "enum")
    structs = ("bpf_map", "sk_buff", "sk_msg_buff", "xdp_buff", "__sk_buff", "sk_msg_md", "xdp_md")
    return {**enums, **dict.fromkeys(structs, "struct"), "bpf_attr": "union"}


def conflict(declaration: Declaration, tags: dict[str, str]) -> str | None:
    """Return why a declaration cannot stand beside others; note its tags if it can.

    6.7.2.3 p2: a tag means one struct, union or enum, and a second meaning ends the compilation.
    """
    named = [item.split(" ") for item in declaration.opaque]
    for kind, tag in named:
        other = tags.get(tag, kind)
        if other != kind:
            return (
                f"its type '{kind} {tag}' is {'an' if other == 'enum' else 'a'} {other} elsewhere"
            )
    if len({tag for _, tag in named}) < len(named):
        return f"its types {', '.join(declaration.opaque)} have one tag"
    tags.update((tag, kind) for kind, tag in named)
    return None


def chosen(timeline: Timeline, only: Sequence[str], kfuncs: Sequence[str]) -> tuple[Row, ...]:
    """Return the helpers that are asked for.

    :param only: names or shell patterns; empty for all
    :param kfuncs: those that are asked for
    :raises HelperhistError: one names no helper and no kfunc
    """
    if not only:
        return timeline.helpers
    names: set[str] = set()
    for pattern in only:
        found = [row.name for row in timeline.find(pattern) if row.kind == "helper"]
        if not found and not any(fnmatchcase(name, pattern) for name in kfuncs):
            known = timeline.index.names("helper")
            near = [name for name in timeline.nearest(pattern) if name in known]
            hint = f"nearest: {', '.join(near)}" if near else "see `helperhist list`"
            raise HelperhistError(f"--only {pattern}: no such helper or kfunc in this data; {hint}")
        names.update(found)
    return tuple(row for row in timeline.helpers if row.name in names)


def for_macros(timeline: Timeline, only: Sequence[Row]) -> tuple[Row, ...]:
    """Return the helpers that libbpf's bpf_helpers.h needs and that are not asked for."""
    asked = {row.name for row in only}
    return tuple(
        row for row in timeline.helpers if row.name in _IN_MACROS and row.name not in asked
    )


def renumbered(timeline: Timeline) -> dict[str, str]:
    """Name the helpers that have had different numbers in releases."""
    suspects = {
        event.name
        for event in timeline.events
        if event.event == "renumbered" and event.kind == "helper"
    }
    numbers: dict[str, dict[int, str]] = {}
    for tag in timeline.releases if suspects else ():
        for name, entry in timeline.present(tag).items():
            if name in suspects and entry.id is not None:
                numbers.setdefault(name, {}).setdefault(entry.id, str(tag.version))
    return {
        name: ", ".join(f"{number} from {version} on" for number, version in found.items())
        for name, found in numbers.items()
        if len(found) > 1
    }


def declare(
    row: Row,
    options: HeaderOptions,
    doc: Doc | None,
    numbers: str | None,
    *,
    beside: bool = False,
) -> Helper | str:
    """Return a helper, or the reason why it cannot be declared."""
    if row.since is None:
        return "in no mainline release"
    if row.removed is not None:
        return f"removed from mainline in {inside(row.removed)}"
    if row.id is None:
        return "its number is not in the data"
    if not 0 < row.id <= _MAX_NUMBER:
        return "its number in the data is none of a helper"
    if numbers is not None:
        return f"releases differ in its number ({numbers}); use --ids uapi"
    if row.prototype is None:
        return "its prototype is not in the data (documented from Linux 4.18 on)"
    for attribute in row.attributes:
        if not _ATTRIBUTE.fullmatch(attribute):
            return f"its attribute {attribute[:60]!r} is unknown"
    try:
        declaration = parse_declaration(row.prototype, row.name)
    except ParseError as error:
        return str(error)
    since = KernelVersion.parse(row.since)
    guarded = options.guard != "none" and (options.min_kernel is None or since > options.min_kernel)
    loads = guarded and options.guard == "auto" and not options.undeclared
    other = _REWRITTEN.get(row.name) if loads else None
    return Helper(
        row.name,
        row.name.removeprefix("bpf_"),
        row.id,
        since,
        row.or_earlier,
        guarded,
        other is not None,
        beside,
        declaration,
        row.attributes,
        comment(row, doc, "" if other is None else f"Always declared: {_LOADS.format(other)}"),
    )
