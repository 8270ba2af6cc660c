"""``helperhist scan``: read a git history into a dataset."""

import os
import re
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from helperhist.atomic import FileError
from helperhist.cli.command import new_command
from helperhist.cli.output import complain, echo, echo_json
from helperhist.dataset import (
    check_folder,
    data_home,
    default_source,
    has_dataset,
    is_plain_name,
    read_dataset,
    remember_scan,
    write_dataset,
)
from helperhist.errors import DatasetError, RepositoryError
from helperhist.git import DEFAULT_TAGS, Repository, limited_memory, tune_libgit2
from helperhist.mining import SOURCE_NAMES, Progress, scan_with_summary
from helperhist.printable import utf8
from helperhist.report.scan import scan_json, scan_text
from helperhist.report.terminal import terminal_width
from helperhist.timeline import Timeline

__all__ = ["command"]

# https://..., git@host:..., ssh://...
_REMOTE = re.compile(r"(?:https?|git|ssh|file):/|[\w.-]+@[\w.-]+:")

#: Where each stage of a scan begins and ends, in thousandths of the work, roughly.
_STAGES = {
    "headers": (0, 100),
    "introducing commits": (100, 300),
    "kernel trees": (300, 600),
    "commits of relations": (600, 1000),
}


@new_command(
    "scan",
    examples=(
        "helperhist scan ~/linux",
        "helperhist scan ~/linux --no-commits -o mainline",
        "helperhist scan ~/ubuntu --name focal --tags 'Ubuntu-(?P<version>5\\.4.+)'",
    ),
)
@click.argument("repo", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the dataset."
)
@click.option(
    "--name",
    help="Name of the dataset in the user's data folder. Default: the repository's folder name.",
)
@click.option(
    "--tags",
    default=DEFAULT_TAGS,
    show_default=False,
    metavar="REGEX",
    help="Tags to read: an expression for their whole names, the version in a group named "
    "version. Default: v5.8, v5.8-rc7 and v5.10.42.",
)
@click.option(
    "--path",
    "paths",
    multiple=True,
    metavar="PATH",
    help="Where else the header may be in the repository; can be given again.",
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    type=click.Choice(SOURCE_NAMES),
    metavar="NAME",
    help=f"What to read: {', '.join(SOURCE_NAMES)}; can be given again. Default: all.",
)
@click.option(
    "--strict", is_flag=True, help="Fail where a source cannot read a file, and do not go on."
)
@click.option(
    "--commits/--no-commits",
    default=True,
    show_default=False,
    help="Find the introducing commits (default: yes).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    repo: Path,
    output: Path | None,
    name: str | None,
    tags: str,
    paths: tuple[str, ...],
    sources: tuple[str, ...],
    strict: bool,
    commits: bool,
    as_json: bool,
) -> None:
    """Read bpf.h and the kernel's sources at the tags of REPO into a dataset.

    REPO is a clone of the kernel or of a project that carries the header; nothing in it is
    changed. The kernel's sources say which program type may call what. A second scan reads only
    what is new. The dataset of a kernel becomes the default of the other commands if it covers
    what the embedded data covers.
    """
    _require_local(str(repo))
    begun = time.monotonic()
    tune_libgit2()
    folder = _folder(repo, output, name)
    check_folder(folder)
    previous = _previous(folder)
    with limited_memory(), _bar(sys.stderr.isatty()) as progress:
        timeline, summary = scan_with_summary(
            repo,
            tags=tags,
            paths=paths,
            commits=commits,
            sources=sources or SOURCE_NAMES,
            strict=strict,
            previous=previous,
            progress=progress,
        )
    write_dataset(timeline, folder)
    reason = _remember(folder, timeline)
    seconds = time.monotonic() - begun
    if as_json:
        echo_json(scan_json(timeline, summary, folder, seconds, reason))
    else:
        default = _default(folder, reason)
        echo(scan_text(timeline, summary, folder, seconds, default, terminal_width()))


def _default(folder: Path, reason: str | None) -> str:
    """Say what a scan is to the other commands."""
    if reason is None:
        return "of the other commands from now on"
    name = folder.name if folder.parent == data_home() else str(folder)
    stays = utf8(default_source())
    return f"stays {stays}: {reason}; use this one with --data {utf8(name)}"


def _require_local(repo: str) -> None:
    """Raise an error for the address of a repository that is not here.

    :raises RepositoryError: the message has the command that brings it
    """
    if _REMOTE.match(repo) and not os.path.exists(repo):  # noqa: PTH110
        # A Path has one slash of two.
        address = re.sub(r"^(\w+):/+", r"\1://", repo)
        raise RepositoryError(
            f"{address} is not on this machine; clone it first: git clone --filter=blob:none "
            f"{shlex.quote(address)} linux && helperhist scan linux"
        )


def _remember(folder: Path, timeline: Timeline) -> str | None:
    """Make the dataset the default; return what keeps it from that."""
    try:
        return remember_scan(folder, timeline)
    except (OSError, FileError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        complain(
            f"cannot make this the default of other commands in {data_home()} ({reason}); "
            "name it with --data"
        )
        return "it cannot be remembered"


def _folder(repo: Path, output: Path | None, name: str | None) -> Path:
    """Return where the dataset goes."""
    if output is not None:
        if name is not None:
            raise click.UsageError("--output and --name exclude each other")
        return output
    chosen = name if name is not None else Repository(repo).name
    if not is_plain_name(chosen):
        raise DatasetError(f"{chosen!r} cannot name a dataset; choose another with --name")
    return data_home() / chosen


def _previous(folder: Path) -> Timeline | None:
    """Return the dataset that is there; None where it cannot be read: it is made anew."""
    if not has_dataset(folder):
        return None
    try:
        previous = read_dataset(folder)
        # Read on demand, but here all of it is used.
        _ = previous.tags, previous.spans, previous.events, previous.docs, previous.parts
    except DatasetError:
        return None
    return previous


@contextmanager
def _bar(shown: bool) -> Iterator[Progress]:
    """Show progress on stderr, on a terminal only."""
    with click.progressbar(
        length=1000, file=sys.stderr, hidden=not shown, item_show_func=lambda item: item
    ) as bar:
        at = 0

        def progress(what: str, done: int, total: int) -> None:
            nonlocal at
            first, last = _STAGES[what]
            now = first + (last - first) * done // max(total, 1)
            if now > at:
                bar.update(now - at, what)
                at = now

        yield progress
