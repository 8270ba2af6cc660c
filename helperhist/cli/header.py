"""``helperhist header``: a C header that declares the BPF helpers."""

from pathlib import Path

import click

from helperhist.atomic import write_atomic
from helperhist.cli.command import new_command
from helperhist.cli.completing import complete_helpers, complete_programs, complete_releases
from helperhist.cli.options import data_option, echo_doubt
from helperhist.cli.output import complain, write
from helperhist.dataset import load
from helperhist.errors import HelperhistError
from helperhist.header import GUARDS, IDS, MAX_VMLINUX, HeaderOptions, read_beside, render_header
from helperhist.timeline import Timeline, ask
from helperhist.version import KernelVersion

__all__ = ["command"]


@new_command(
    "header",
    examples=(
        "helperhist header -o bpf_helper_defs.h",
        "helperhist header --guard version --min-kernel 5.4",
        "helperhist header --ids uapi --only 'bpf_ringbuf_*' --only bpf_loop",
        "helperhist header --docs --data my-scan",
        "helperhist header --kfuncs --no-helpers --beside vmlinux.h -o kfuncs.h",
        "helperhist header --prog xdp",
    ),
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write to FILE, whole or not at all. Default: standard output.")  # fmt: skip
@click.option("--guard", type=click.Choice(GUARDS), default="auto", show_default=True,
              help="Declare what the included headers list in __BPF_FUNC_MAPPER (mapper), what "
              "their LINUX_VERSION_CODE promises (version), or all (none). auto: mapper, version "
              "where the headers predate the macro, all where vmlinux.h is included.")  # fmt: skip
@click.option("--ids", type=click.Choice(IDS), default="literal", show_default=True,
              help="Call helpers by their numbers, by an enum of this header, or by the "
              "BPF_FUNC_... of the headers in use.")  # fmt: skip
@click.option("--min-kernel", metavar="VERSION", shell_complete=complete_releases,
              help="Declare what this kernel has without guards.")  # fmt: skip
@click.option(
    "--max-kernel",
    metavar="VERSION",
    shell_complete=complete_releases,
    help="Leave out what is newer.",
)
@click.option("--only", multiple=True, metavar="NAME|PATTERN",
              shell_complete=complete_helpers,
              help="Declare just these; can be given several times.")  # fmt: skip
@click.option("--kfuncs", is_flag=True,
              help="Declare the kfuncs too; with --only, those that it names.")  # fmt: skip
@click.option("--kfuncs-of", multiple=True, metavar="TYPE",
              help="Declare the kfuncs of a program type (xdp) or of a struct of functions "
              "(sched_ext); can be given several times.")  # fmt: skip
@click.option("--no-helpers", is_flag=True,
              help="Declare kfuncs only: a file to include beside libbpf's.")  # fmt: skip
@click.option("--beside", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              metavar="VMLINUX.H",
              help="Make the kfuncs for this vmlinux.h, whatever it declares.")  # fmt: skip
@click.option("--prog", "--prog-type", "prog_types", multiple=True, metavar="TYPE",
              shell_complete=complete_programs,
              help="Declare what programs of a type (xdp) may call, say of the rest since when "
              "they may, and add HELPERHIST_SINCE_IN() and helperhist_usable(). 'all': add just "
              "these, for all types. Can be given several times.")  # fmt: skip
@click.option("--docs/--no-docs", default=False,
              help="Add the documentation of the helpers, from a scan of your own.")  # fmt: skip
@click.option("--undeclared", is_flag=True,
              help="Leave helpers that the headers lack undeclared, instead of declaring them "
              "as unavailable.")  # fmt: skip
@data_option
def command(
    output: Path | None,
    guard: str,
    ids: str,
    min_kernel: str | None,
    max_kernel: str | None,
    only: tuple[str, ...],
    kfuncs: bool,
    kfuncs_of: tuple[str, ...],
    no_helpers: bool,
    beside: Path | None,
    prog_types: tuple[str, ...],
    docs: bool,
    undeclared: bool,
    data: str | None,
) -> None:
    """Write a C header that declares the BPF helpers for BPF programs.

    It takes the place of libbpf's bpf_helper_defs.h, and compiles with older and newer kernel
    headers than its data. In programs, HELPERHIST_HAS(bpf_x) says in #if whether the headers have
    a helper, HELPERHIST_SINCE(bpf_x) is its first kernel, and helperhist_exists(bpf_x) asks the
    running kernel.

    With --kfuncs it declares kfuncs, too, beside any vmlinux.h. One that was renamed, or has
    another prototype, is one call, which comes to what the running kernel has.
    """
    timeline = load(data)
    timeline.require_kernel()
    options = HeaderOptions(
        guard,
        ids,
        None if min_kernel is None else _lowest(timeline, min_kernel),
        None if max_kernel is None else _highest(timeline, max_kernel),
        only,
        docs,
        undeclared,
        data,
        kfuncs,
        kfuncs_of,
        None if beside is None else str(beside),
        prog_types,
        no_helpers,
    )
    there = None if beside is None else read_beside(_read(beside))
    header = render_header(timeline, options, there)
    for name, reason in header.left_out:
        complain(f"left out: {name}: {reason}")
    text = header.text.encode()
    if output is None or str(output) == "-":
        write(text)  # the same bytes as in a file, in any locale
    else:
        write_atomic(output, text)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MAX_VMLINUX + 1).decode("utf-8", "replace")


def _lowest(timeline: Timeline, text: str) -> KernelVersion:
    """Return the release that the oldest kernel has all of.

    :raises HelperhistError: nobody can tell what that kernel has
    """
    asked = ask(timeline, text)
    if asked.doubt is not None and asked.doubt.kind == "newer":
        raise HelperhistError(f"--min-kernel: {asked.doubt.text}")
    echo_doubt(asked.doubt)
    # A candidate or a distribution's kernel has what the release before has.
    return asked.version if asked.version.is_stable else asked.floor


def _highest(timeline: Timeline, text: str) -> KernelVersion:
    """Return the release of which the newest kernel may have all."""
    asked = ask(timeline, text)
    echo_doubt(asked.doubt)
    return KernelVersion.parse(asked.version.series) if asked.doubt is not None else asked.version
