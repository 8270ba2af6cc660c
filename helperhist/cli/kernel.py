"""``helperhist kernel``: what a kernel has, and which release that is."""

import os
from pathlib import Path

import click

from helperhist.cli.command import new_command, renamed_option
from helperhist.cli.completing import complete_files, complete_kinds, complete_releases
from helperhist.cli.options import data_option, echo_doubt, echo_source, quiet_option, with_doubt
from helperhist.cli.output import echo, echo_json
from helperhist.dataset import load
from helperhist.errors import HelperhistError, InvalidVersion
from helperhist.kernel import compare, read_kernel
from helperhist.report.kernel import kernel_json, render_kernel, render_names
from helperhist.report.terminal import terminal_width
from helperhist.timeline import WORDS, ask, known_names
from helperhist.version import read_version

__all__ = ["command"]


@new_command(
    "kernel",
    examples=(
        "helperhist kernel",
        "helperhist kernel --list kfunc",
        "helperhist kernel /boot/vmlinuz-6.1",
        "helperhist kernel vmlinux.h",
        "helperhist kernel /usr/include/linux/bpf.h",
        "helperhist kernel ~/linux@v6.1",
        "helperhist kernel --at 5.14 --json",
    ),
)
@click.argument("source", default="running", shell_complete=complete_files)
@click.option(
    "--list",
    "kinds",
    multiple=True,
    metavar="KIND",
    shell_complete=complete_kinds,
    help="List the names of a kind (helper, map_type, prog_type, attach_type, link_type, cmd, "
    "field, flag, kfunc, ...; all) instead of counting them. May be given several times.",
)
@click.option(
    "--at",
    metavar="VERSION",
    shell_complete=complete_releases,
    help="Compare with this release, not with the one most alike.",
)
@renamed_option("--against", "--at")
@click.option(
    "--base",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="BTF of the kernel that a module belongs to.",
)
@quiet_option("Print the release that it is most like alone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_option
def command(
    source: str,
    kinds: tuple[str, ...],
    at: str | None,
    base: Path | None,
    quiet: bool,
    as_json: bool,
    data: str | None,
) -> None:
    """Say which helpers, types, fields and kfuncs a kernel has, and how it differs from mainline.

    SOURCE is 'running' (the default; needs no root), a file with BTF (raw, vmlinux, vmlinuz,
    module; packed or not), a vmlinux.h, a UAPI bpf.h or a folder with one, or GITREPO@REV. The
    release follows from content, not by the version number: backports and helpers with other
    numbers are listed.
    """
    if quiet and (as_json or kinds):
        raise click.UsageError("-q excludes --json and --list")
    timeline = load(data)
    timeline.require_kernel()
    _require_source(source)
    asked = None if at is None else ask(timeline, at)
    doubt = None if asked is None else asked.doubt
    if asked is not None:
        known_names(timeline, asked)  # an error where nobody can tell
    info = read_kernel(source, timeline, base)
    floor = None if asked is None else str(asked.floor)
    comparison = compare(info, timeline, floor) if info.names else None
    echo_doubt(doubt)
    if quiet:
        echo("none" if comparison is None else comparison.release)
    elif as_json:
        echo_json(with_doubt(kernel_json(info, comparison, timeline), doubt))
    elif kinds:
        echo(render_names(info, kinds), nl=False)
    else:
        echo(render_kernel(info, comparison, timeline, terminal_width()))
    if not quiet and (not kinds or as_json):
        echo_source(timeline, machine=as_json)


def _require_source(source: str) -> None:
    """Raise an error for a release, of which there is no file to read.

    :raises HelperhistError: the message has the command that answers for a release
    """
    # Not pathlib: a word of a command line need not be text.
    if source == "running" or os.path.exists(source):  # noqa: PTH110
        return
    try:
        known = source in WORDS or bool(read_version(source))
    except InvalidVersion:
        known = False
    if known:
        raise HelperhistError(
            f"{source} is a release, and `kernel` reads a kernel: give a file, or "
            f"`helperhist list --at {source}`"
        )
