"""``helperhist kernel``: what a kernel has, and which release that is."""

from pathlib import Path

import click

from helperhist.cli.command import new_command
from helperhist.cli.options import data_option, echo_source
from helperhist.cli.output import echo, echo_json
from helperhist.dataset import load
from helperhist.kernel import compare, read_kernel
from helperhist.report.kernel import kernel_json, render_kernel, render_names
from helperhist.report.terminal import terminal_width

__all__ = ["command"]


@new_command(
    "kernel",
    epilog="Examples: kernel; kernel --list kfunc; kernel /boot/vmlinuz-6.1; kernel vmlinux.h; "
    "kernel /usr/include/linux/bpf.h; kernel ~/linux@v6.1; kernel --against 5.14 --json",
)
@click.argument("source", default="running")
@click.option(
    "--list",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="List the names of a kind (helper, map_type, prog_type, attach_type, link_type, cmd, "
    "field, flag, kfunc, ...; all) instead of counting them. May be given several times.",
)
@click.option(
    "--against", metavar="X.Y", help="Compare with this release, not with the one most alike."
)
@click.option(
    "--base",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="BTF of the kernel that a module belongs to.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_option
def command(
    source: str,
    kinds: tuple[str, ...],
    against: str | None,
    base: Path | None,
    as_json: bool,
    data: str | None,
) -> None:
    """Say which helpers, types, fields and kfuncs a kernel has, and how it differs from mainline.

    SOURCE is 'running' (the default; needs no root), a file with BTF (raw, vmlinux, vmlinuz,
    module; packed or not), a vmlinux.h, a UAPI bpf.h or a folder with one, or GITREPO@REV. The
    release follows from content, not by the version number: backports and helpers with other
    numbers are listed.
    """
    timeline = load(data)
    timeline.require_kernel()
    info = read_kernel(source, timeline, base)
    comparison = compare(info, timeline, against) if info.names else None
    if as_json:
        echo_json(kernel_json(info, comparison, timeline))
    elif kinds:
        echo(render_names(info, kinds), nl=False)
    else:
        echo(render_kernel(info, comparison, timeline, terminal_width()))
    if not kinds or as_json:
        echo_source(timeline, machine=as_json)
