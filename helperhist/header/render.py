"""A timeline as a C header that declares the BPF helpers: selection here, layout in the template.

What is decided here, and never guessed: a helper whose number or type the data cannot tell is left
out, and the header says so.
"""

import re
import shlex
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from helperhist.errors import DatasetError, HelperhistError, ParseError
from helperhist.header.prototypes import Declaration, parse_declaration
from helperhist.sources import ENUM_KINDS
from helperhist.timeline import Doc, Row, Timeline
from helperhist.version import KernelVersion

__all__ = ["GUARDS", "IDS", "Header", "HeaderOptions", "render_header"]

#: How the header finds out which helpers to declare; see ``templates/header.h.j2``.
GUARDS = ("auto", "mapper", "version", "none")
#: Where the numbers of the helpers come from.
IDS = ("literal", "enum", "uapi")

#: Include guards of a vmlinux.h that was cut by hand or made for an architecture; bpftool's apart.
_VMLINUX_GUARDS = (
    "__VMLINUX_H", "_VMLINUX_H_", "_VMLINUX_H", "VMLINUX_H", "VMLINUX_H_",
    "__VMLINUX_X86_H__", "__VMLINUX_ARM_H__", "__VMLINUX_ARM64_H__", "__VMLINUX_CORE_H__",
    "__VMLINUX_GENERATED_X86_H__", "__VMLINUX_GENERATED_ARM_H__", "__VMLINUX_GENERATED_ARM64_H__",
)  # fmt: skip

_WIDTH = 96
_NAME = re.compile(r"bpf_(?!unspec$)\w+", re.ASCII)
#: Others, like ``__attribute__``, mean something to the compiler, and must not be defined.
_ATTRIBUTE = re.compile(r"__bpf_\w+", re.ASCII)
_MAX_NUMBER = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class HeaderOptions:
    """What to generate.

    :ivar min_kernel: helpers that this kernel has are declared without guards
    :ivar max_kernel: helpers of later kernels are left out
    :ivar only: names or shell patterns; empty for all
    :ivar docs: whether to add the documentation of the helpers
    :ivar undeclared: leave helpers that the headers lack undeclared, not ``unavailable``
    :ivar data: ``--data`` of the command that the header names as its maker
    """

    guard: str = "auto"
    ids: str = "literal"
    min_kernel: KernelVersion | None = None
    max_kernel: KernelVersion | None = None
    only: tuple[str, ...] = ()
    docs: bool = False
    undeclared: bool = False
    data: str | None = None

    @property
    def command(self) -> str:
        """The command line that means these options, without the file it writes to."""
        words = ["helperhist", "header"]
        if self.guard != "auto":
            words += ["--guard", self.guard]
        if self.ids != "literal":
            words += ["--ids", self.ids]
        if self.min_kernel is not None:
            words += ["--min-kernel", str(self.min_kernel)]
        if self.max_kernel is not None:
            words += ["--max-kernel", str(self.max_kernel)]
        for pattern in self.only:
            words += ["--only", pattern]
        words += ["--docs"] if self.docs else []
        words += ["--undeclared"] if self.undeclared else []
        if self.data is not None:
            words += ["--data", self.data]
        return shlex.join(words)


@dataclass(frozen=True, slots=True)
class Header:
    """A generated header.

    :ivar left_out: (helper, reason) of those that the data could not declare
    """

    text: str
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Helper:
    """One helper as the template needs it."""

    name: str
    short: str  # the name in BPF_FUNC_...
    number: int
    since: KernelVersion
    or_earlier: bool
    guarded: bool
    declaration: Declaration
    attributes: tuple[str, ...]
    comment: tuple[str, ...]

    @property
    def kernel(self) -> str:
        return f"{self.since.series} or earlier" if self.or_earlier else self.since.series


@dataclass(frozen=True, slots=True)
class _Release:
    """The helpers that came with one release, by number."""

    version: KernelVersion
    helpers: tuple[_Helper, ...]

    @property
    def guarded(self) -> tuple[_Helper, ...]:
        return tuple(helper for helper in self.helpers if helper.guarded)

    @property
    def unguarded(self) -> tuple[_Helper, ...]:
        return tuple(helper for helper in self.helpers if not helper.guarded)


def render_header(timeline: Timeline, options: HeaderOptions = HeaderOptions()) -> Header:
    """Generate a header; equal timelines and options give equal texts.

    :raises DatasetError: the timeline cannot answer: it is not of a kernel history, or has no
        documentation where that is asked for
    :raises HelperhistError: the options leave no helper, or name an unknown one
    """
    timeline.require_kernel()
    if options.docs and not timeline.docs:
        raise DatasetError(
            f"this data ({timeline.label}) has no documentation; "
            "`helperhist scan` a kernel repository, or leave out --docs"
        )
    _check_range(options)
    helpers: list[_Helper] = []
    left_out: list[tuple[str, str]] = []
    later: list[_Helper] = []
    _check_names(timeline)
    docs = {doc.name: doc for doc in timeline.docs} if options.docs else {}
    renumbered = {} if options.ids == "uapi" else _renumbered(timeline)
    tags = _tags(timeline)
    for row in _chosen(timeline, options.only):
        found = _helper(row, options, docs.get(row.name), renumbered.get(row.name))
        if not isinstance(found, str):
            found = _conflict(found.declaration, tags) or found
        if isinstance(found, str):
            left_out.append((row.name, found))
        elif options.max_kernel is not None and found.since > options.max_kernel:
            later.append(found)
        else:
            helpers.append(found)
    if not helpers:
        raise HelperhistError(_why_nothing(options, left_out))
    return Header(_render(timeline, options, helpers, left_out, later), tuple(left_out))


def _check_names(timeline: Timeline) -> None:
    """A dataset can come from anywhere, and its names become C."""
    seen: set[str] = set()
    for row in timeline.helpers:
        if not _NAME.fullmatch(row.name):
            raise DatasetError(f"{row.name[:60]!r} in this data is no name of a helper; scan again")
        if row.name in seen:
            raise DatasetError(f"this data has {row.name[:60]} twice; scan again")
        seen.add(row.name)


def _tags(timeline: Timeline) -> dict[str, str]:
    """Return what tags of the kernel mean, as far as it is known."""
    # Kinds that are not the tag of their enum have words of their own.
    words = {*ENUM_KINDS.values(), "flag", "field", "sentinel"}
    kinds = ({row.kind for row in timeline.rows} - words) | ENUM_KINDS.keys()
    enums = dict.fromkeys(kinds, "enum")
    structs = ("bpf_map", "sk_buff", "sk_msg_buff", "xdp_buff", "__sk_buff", "sk_msg_md", "xdp_md")
    return {**enums, **dict.fromkeys(structs, "struct"), "bpf_attr": "union"}


def _conflict(declaration: Declaration, tags: dict[str, str]) -> str | None:
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


def _check_range(options: HeaderOptions) -> None:
    low, high = options.min_kernel, options.max_kernel
    if low is not None and high is not None and low > high:
        raise HelperhistError(f"--min-kernel {low} is newer than --max-kernel {high}; swap them")


def _why_nothing(options: HeaderOptions, left_out: Sequence[tuple[str, str]]) -> str:
    if left_out:
        name, reason = left_out[0]
        more = f" (and {len(left_out) - 1} more left out)" if len(left_out) > 1 else ""
        return f"no helper to declare: {name}: {reason}{more}"
    kernel = options.max_kernel
    if kernel is None:
        return "no helper to declare: this data has none; see `helperhist releases`"
    return f"no helper to declare: all that are asked for are newer than {kernel}; raise it"


def _chosen(timeline: Timeline, only: Sequence[str]) -> tuple[Row, ...]:
    if not only:
        return timeline.helpers
    names: set[str] = set()
    for pattern in only:
        found = [row.name for row in timeline.find(pattern) if row.kind == "helper"]
        if not found:
            known = {row.name for row in timeline.helpers}
            near = [name for name in timeline.nearest(pattern) if name in known]
            hint = f"nearest: {', '.join(near)}" if near else "see `helperhist list`"
            raise HelperhistError(f"--only {pattern}: no such helper in this data; {hint}")
        names.update(found)
    return tuple(row for row in timeline.helpers if row.name in names)


def _renumbered(timeline: Timeline) -> dict[str, str]:
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


def _helper(
    row: Row, options: HeaderOptions, doc: Doc | None, numbers: str | None
) -> _Helper | str:
    """Return a helper, or the reason why it cannot be declared."""
    if row.since is None:
        return "in no mainline release"
    if row.removed is not None:
        return f"removed from mainline in {_inside(row.removed)}"
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
    return _Helper(
        row.name,
        row.name.removeprefix("bpf_"),
        row.id,
        since,
        row.or_earlier,
        options.guard != "none" and (options.min_kernel is None or since > options.min_kernel),
        declaration,
        row.attributes,
        _comment(row, doc),
    )


def _comment(row: Row, doc: Doc | None) -> tuple[str, ...]:
    """Return the lines of a helper's comment."""
    since = f"Linux {row.since}" + (
        " or earlier: the data lacks what came before" if row.or_earlier else ""
    )
    text = f"{row.name}: {since}"
    if row.tag is None:
        text += ", not released yet"
    if row.commit:
        text += f", commit {row.commit[:12]}"
    if row.commit and row.subject:
        text += f' ("{row.subject}")'
    lines = _wrap(text)
    if row.backports:
        ported = ", ".join(f"{item.series} from {item.since}" for item in row.backports)
        lines += _wrap(f"In stable kernels: {ported}")
    if doc is not None:
        lines += _section("", doc.description) + _section("Returns", doc.returns)
    return tuple(lines)


def _section(title: str, text: str) -> list[str]:
    if not text.strip():
        return []
    body = [_inside(line) for line in text.expandtabs(8).splitlines()]
    if not title:
        return ["", *body]
    return ["", title, *(f"    {line}".rstrip() for line in body)]


def _wrap(text: str) -> list[str]:
    text = _inside(text)
    if len(text) <= _WIDTH:
        return [text]  # the usual case: wrapping every line of a header takes a while
    return textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _inside(text: str) -> str:
    """Make a text safe inside a C comment: it neither ends it nor seems to begin another.

    Nor does it end with a trigraph of a backslash, of which GCC warns also in comments.
    """
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return re.sub(r"(?<=\*)(?=/)|(?<=/)(?=\*)|(?<=\?\?)(?=/)", " ", text.rstrip())


def _releases(helpers: Iterable[_Helper]) -> tuple[_Release, ...]:
    ordered = sorted(helpers, key=lambda helper: (helper.since, helper.number, helper.name))
    return tuple(
        _Release(version, tuple(group))
        for version, group in groupby(ordered, key=lambda helper: helper.since)
    )


def _render(
    timeline: Timeline,
    options: HeaderOptions,
    helpers: Sequence[_Helper],
    left_out: Sequence[tuple[str, str]],
    later: Sequence[_Helper],
) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    releases = _releases(helpers)
    tags = timeline.releases
    guarded = any(helper.guarded for helper in helpers)
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        optimized=False,  # of no use for a template that is rendered once
    )
    return environment.get_template("header.h.j2").render(
        command=_inside(options.command),
        source=_wrap(f"Source: {timeline.label}"),
        count=len(helpers),
        oldest=releases[0].version.series,
        newest=releases[-1].version.series,
        first=str(tags[0].version) if tags else "",
        last=str(tags[-1].version) if tags else "",
        guard=options.guard if guarded else "none",
        ids=options.ids,
        vmlinux_guards=_VMLINUX_GUARDS,
        unavailable=guarded and not options.undeclared,
        min_kernel=options.min_kernel,
        max_kernel=options.max_kernel,
        earliest=max((h.since for h in helpers if h.or_earlier and h.guarded), default=None),
        releases=releases,
        opaque=sorted({name for helper in helpers for name in helper.declaration.opaque}),
        attributes=sorted({name for helper in helpers for name in helper.attributes}),
        left_out=[(name, _wrap(f"{name}: {reason}")) for name, reason in left_out],
        later=later,
    )
