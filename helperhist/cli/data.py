"""``helperhist data``: the datasets that there are."""

import click

from helperhist.atomic import FileError
from helperhist.cli.command import new_command
from helperhist.cli.completing import complete_data
from helperhist.cli.output import complain, echo, echo_json
from helperhist.dataset import Shelved, choose, covers, data_line, datasets, load, remove, verify
from helperhist.errors import DatasetError
from helperhist.printable import utf8
from helperhist.report.terminal import table, terminal_width

__all__ = ["command"]

_ACTIONS = ("list", "use", "verify", "remove")


@new_command(
    "data",
    examples=(
        "helperhist data",
        "helperhist data list --json",
        "helperhist data use linux",
        "helperhist data use default",
        "helperhist data verify",
        "helperhist data remove linux",
    ),
)
@click.argument("action", type=click.Choice(_ACTIONS), default="list")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_data)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(ctx: click.Context, action: str, names: tuple[str, ...], as_json: bool) -> None:
    r"""List datasets, choose the default, check or remove some.

    \b
    list           where each comes from, what it covers, its age and size
    use NAME       make it the default: a name, a folder, 'embedded', or
                   'default' to take a choice back
    verify [NAME]  read all of each, and say what is wrong
    remove NAME    delete it from your data folder

    Without a choice, the default is the last scan of a kernel that covers at least what the
    embedded data covers, else the embedded data; newer data win. Exit code 1 if `verify` finds
    something wrong.
    """
    if action in ("use", "remove") and len(names) != 1 and not (action == "remove" and names):
        raise click.UsageError(f"give the name of a dataset: `helperhist data {action} NAME`")
    if action == "list" and names:
        raise click.UsageError("`data list` takes no name; --data NAME asks one dataset")
    if action == "use":
        _use(names[0])
    elif action == "remove":
        for name in names:
            complain(f"removed {utf8(str(remove(name)))}")
    elif action == "verify":
        ctx.exit(_verify(names, as_json))
    if action != "list":
        if as_json:
            echo_json([item.to_json() for item in datasets()])
        return
    found = datasets()
    if as_json:
        echo_json([item.to_json() for item in found])
        return
    cells = [_cells(item) for item in found]
    echo(table(("name", "covers", "newest", "size", "source"), cells, terminal_width(), cut=False))
    echo("* the default: read where --data and $HELPERHIST_DATA name none")


def _cells(item: Shelved) -> tuple[str, ...]:
    name = utf8(item.name) + (" *" if item.default else "")
    size = f"{item.size / 1e6:.1f} MB"
    if item.error is not None:
        return name, "cannot be read", "", size, utf8(item.error)
    span = f"{item.first} to {item.newest}" if item.newest else "nothing"
    what = item.source if item.kernel else f"{item.source} (not a kernel's)"
    return name, span, item.date or "", size, utf8(what)


def _use(name: str) -> None:
    try:
        folder = choose(name)
    except (OSError, FileError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DatasetError(f"cannot remember the choice: {reason}") from error
    complain(f"default: {data_line(load())}")
    if folder is not None and (reason := covers(folder)) is not None:
        complain(f"note: it covers less than the embedded data: {reason}")


def _verify(names: tuple[str, ...], as_json: bool) -> int:
    found = {item.name: item for item in datasets()}
    for name in names:
        if name not in found:
            raise DatasetError(f"no dataset {name[:200]!r}; see `helperhist data`")
    checked = {
        name: verify(name, item.folder)
        for name, item in found.items()
        if not names or name in names
    }
    if as_json:
        echo_json([{"name": name, "wrong": list(wrong)} for name, wrong in checked.items()])
    else:
        for name, wrong in checked.items():
            echo(f"{utf8(name)}: {'; '.join(wrong) if wrong else 'whole'}")
    return int(any(checked.values()))
