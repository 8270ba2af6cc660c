"""A timeline as a C header that declares the BPF helpers: layout is in the template."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from helperhist.errors import DatasetError, HelperhistError
from helperhist.header.choose import (
    Helper,
    check_names,
    chosen,
    conflict,
    declare,
    for_macros,
    known_tags,
    renumbered,
)
from helperhist.header.comments import inside, wrap
from helperhist.header.kfuncs import Beside, Section, make_section
from helperhist.header.options import HeaderOptions
from helperhist.header.uses import Uses, read_uses
from helperhist.timeline import Timeline
from helperhist.version import KernelVersion

__all__ = ["Header", "render_header"]

#: Include guards of a vmlinux.h that was cut by hand or made for an architecture; bpftool's apart.
_VMLINUX_GUARDS = (
    "__VMLINUX_H", "_VMLINUX_H_", "_VMLINUX_H", "VMLINUX_H", "VMLINUX_H_",
    "__VMLINUX_X86_H__", "__VMLINUX_ARM_H__", "__VMLINUX_ARM64_H__", "__VMLINUX_CORE_H__",
    "__VMLINUX_GENERATED_X86_H__", "__VMLINUX_GENERATED_ARM_H__", "__VMLINUX_GENERATED_ARM64_H__",
)  # fmt: skip

_DEFAULT = HeaderOptions()


@dataclass(frozen=True, slots=True)
class Header:
    """A generated header.

    :ivar left_out: (helper, reason) of those that the data could not declare
    """

    text: str
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Release:
    """The helpers that came with one release, by number."""

    version: KernelVersion
    helpers: tuple[Helper, ...]

    @property
    def guarded(self) -> tuple[Helper, ...]:
        return tuple(helper for helper in self.helpers if helper.guarded)

    @property
    def unguarded(self) -> tuple[Helper, ...]:
        return tuple(helper for helper in self.helpers if not helper.guarded)


def render_header(
    timeline: Timeline, options: HeaderOptions = _DEFAULT, beside: Beside | None = None
) -> Header:
    """Generate a header; equal timelines and options give equal texts.

    :param beside: what the ``vmlinux.h`` has beside which the header is to stand
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
    helpers: list[Helper] = []
    left_out: list[tuple[str, str]] = []
    later: list[Helper] = []
    check_names(timeline)
    docs = {doc.name: doc for doc in timeline.docs} if options.docs else {}
    numbers = {} if options.ids == "uapi" else renumbered(timeline)
    tags = known_tags(timeline)
    uses = read_uses(timeline, options.prog_types)
    section = make_section(timeline, options, uses, beside)
    rows = chosen(timeline, options.only, section.names)
    rows = () if options.no_helpers else rows
    for row in rows:
        found = declare(row, options, docs.get(row.name), numbers.get(row.name))
        if not isinstance(found, str):
            found = conflict(found.declaration, tags) or found
        if isinstance(found, str):
            left_out.append((row.name, found))
        elif options.max_kernel is not None and found.since > options.max_kernel:
            later.append(found)
        else:
            helpers.append(replace(found, refused=uses.refused(row.name, options.min_kernel)))
    left_out += section.left_out
    if not helpers and not section.kfuncs:
        raise HelperhistError(_why_nothing(options, left_out))
    for row in for_macros(timeline, rows) if helpers else ():
        found = declare(row, options, docs.get(row.name), numbers.get(row.name), beside=True)
        if (
            not isinstance(found, str)
            and (options.max_kernel is None or found.since <= options.max_kernel)
            # Its number would have to be in the headers, which nobody has asked for.
            and (found.guarded or options.ids != "uapi")
            and conflict(found.declaration, tags) is None
        ):
            helpers.append(found)
    return Header(
        _render(timeline, options, helpers, left_out, later, section, uses), tuple(left_out)
    )


def _check_range(options: HeaderOptions) -> None:
    low, high = options.min_kernel, options.max_kernel
    if low is not None and high is not None and low > high:
        raise HelperhistError(f"--min-kernel {low} is newer than --max-kernel {high}; swap them")


def _why_nothing(options: HeaderOptions, left_out: Sequence[tuple[str, str]]) -> str:
    if options.no_helpers and not left_out:
        return "no kfunc to declare: add --kfuncs, --kfuncs-of or --only"
    if left_out:
        name, reason = left_out[0]
        more = f" (and {len(left_out) - 1} more left out)" if len(left_out) > 1 else ""
        return f"no helper to declare: {name}: {reason}{more}"
    kernel = options.max_kernel
    if kernel is None:
        return "no helper to declare: this data has none; see `helperhist releases`"
    return f"no helper to declare: all that are asked for are newer than {kernel}; raise it"


def _releases(helpers: Iterable[Helper]) -> tuple[_Release, ...]:
    ordered = sorted(helpers, key=lambda helper: (helper.since, helper.number, helper.name))
    return tuple(
        _Release(version, tuple(group))
        for version, group in groupby(ordered, key=lambda helper: helper.since)
    )


def _render(
    timeline: Timeline,
    options: HeaderOptions,
    helpers: Sequence[Helper],
    left_out: Sequence[tuple[str, str]],
    later: Sequence[Helper],
    section: Section,
    uses: Uses,
) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    releases = _releases(helpers)
    asked = _releases(helper for helper in helpers if not helper.beside)
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
    template = "header.h.j2" if helpers else "only_kfuncs.h.j2"
    return environment.get_template(template).render(
        command=inside(options.command),
        source=wrap(f"Source: {timeline.label}"),
        count=sum(len(release.helpers) for release in asked),
        oldest=asked[0].version.series if asked else "",
        newest=asked[-1].version.series if asked else "",
        first=str(tags[0].version) if tags else "",
        last=str(tags[-1].version) if tags else "",
        guard=options.guard if guarded else "none",
        ids=options.ids,
        vmlinux_guards=_VMLINUX_GUARDS,
        unavailable=guarded and not options.undeclared,
        min_kernel=options.min_kernel,
        max_kernel=options.max_kernel,
        earliest=max(
            (r.version for r in asked for h in r.helpers if h.or_earlier and h.guarded),
            default=None,
        ),
        releases=releases,
        rewritten=any(helper.always for helper in helpers),
        beside=[helper.name for helper in helpers if helper.beside],
        opaque=sorted({name for helper in helpers for name in helper.declaration.opaque}),
        section=section,
        uses=uses,
        undeclared=options.undeclared,
        never=[helper.name for helper in helpers if helper.refused is True],
        vmlinux=inside(options.beside or ""),
        attributes=sorted({name for helper in helpers for name in helper.attributes}),
        left_out=[(name, wrap(f"{name}: {reason}")) for name, reason in left_out],
        later=later,
    )
