"""The command line: the group, and the one place where errors become exit codes.

Exit codes: 0 done; 1 a negative answer (unknown name, newer kernel needed); 2 an error that the
user can mend; 130 interrupted; 141 the reader of the output is gone. Each command lives in a
module of its own below ``helperhist.cli`` and is imported when it is run.
"""

import errno
import os
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from helperhist import __version__
from helperhist.cli.command import Examples, check_repetition
from helperhist.cli.output import echo
from helperhist.cli.streams import discard, prepare_streams
from helperhist.errors import HelperhistError
from helperhist.printable import printable

__all__ = ["cli", "main"]

#: Command to its summary in ``helperhist --help``; the module has the same name.
COMMANDS = {
    "since": "Say which kernel a name needs.",
    "list": "List the names that a kernel has.",
    "diff": "Compare two kernels.",
    "releases": "List the releases in the data.",
    "header": "Write a C header that declares the helpers.",
    "check": "Say which kernel a compiled BPF object needs.",
    "kernel": "Say what a kernel has, and which release that is.",
    "explain": "Explain a verifier's or compiler's message.",
    "audit": "Compare hand-kept tables with history.",
    "plot": "Draw how the API grew.",
    "export": "Write the timeline for other tools.",
    "page": "Write a web page that answers.",
    "scan": "Read a git history into a dataset.",
    "data": "List, choose, check and remove datasets.",
    "completion": "Print the completion for a shell.",
}


# The words of click for a value that is none of a list.
_BAD_CHOICE = re.compile(r"'([^']*)' is not one of (.*)", re.DOTALL)
_CHOICE = re.compile(r"'([^']*)'")


#: Modules that are not among the dependencies, to the extra that brings them.
_EXTRAS = {"pyarrow": "parquet", "nbclient": "notebooks", "ipykernel": "notebooks"}


class _Commands(Examples, click.Group):
    """A group that imports a command when it is needed, and turns our errors into messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        if cmd_name == "plot":
            # Where it cannot write to HOME, it says so, and works.
            import_module("logging").getLogger("matplotlib").setLevel("ERROR")
        module = import_module(f"helperhist.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one is meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"No such command {args[0][:60]!r}{_meant(args[0])}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # click would import every command for its summary.
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        check_repetition(self, ctx, args)
        return super().parse_args(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and exit; without ``standalone_mode``, errors are the caller's."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, **extra)
        words = sys.argv[1:] if args is None else list(args)
        try:
            code = self._run(words, prog_name or "helperhist", complete_var, extra)
        except (Exception, KeyboardInterrupt) as error:
            code, message = _outcome(error)
            if isinstance(error, OSError):
                # Of the answer, the part that is written is all that there will be.
                discard("stdout")
            if message:
                echo(message, err=True)
        sys.exit(code)

    def _run(
        self, words: list[str], prog_name: str, complete_var: str | None, extra: dict[str, Any]
    ) -> int:
        self._main_shell_completion(extra, prog_name, complete_var)
        if not words:
            with self.make_context(prog_name, words, resilient_parsing=True, **extra) as ctx:
                echo(self.get_help(ctx), err=True)
            return 2
        try:
            with self.make_context(prog_name, words, **extra) as ctx:
                self.invoke(ctx)
        except click.exceptions.Exit as end:
            return end.exit_code
        return 0


def _meant(word: str) -> str:
    """Return which command a word seems to mean: one like it, or the one for names or releases."""
    import difflib

    if near := difflib.get_close_matches(word.lower(), COMMANDS, 1, 0.6):
        return f"; did you mean `helperhist {near[0]}`?"
    with suppress(HelperhistError, OSError):
        version = import_module("helperhist.version").read_version
        with suppress(HelperhistError):
            return f"; did you mean `helperhist list --at {version(word).text}`?"
        if (timeline := import_module("helperhist.dataset").load()).find(word) or (
            timeline.relations_of(word).find("kfunc", word)
        ):
            return f"; did you mean `helperhist since {shlex.quote(word)}`?"
    if os.path.isfile(word):  # noqa: PTH113 (it may be too long for one)
        return f"; did you mean `helperhist check {shlex.quote(word)}`?"
    return ""


def _outcome(error: BaseException) -> tuple[int, str]:
    """Return the exit code and the message for an error; raise it if it is a bug of ours."""
    if isinstance(error, click.UsageError):
        return 2, _usage(error)
    if isinstance(error, click.ClickException):
        return 2, f"Error: {printable(error.format_message())}"
    if isinstance(error, HelperhistError):
        return 2, f"Error: {printable(str(error))}"
    if isinstance(error, ModuleNotFoundError) and (module := _foreign(error)):
        return 2, f"Error: this needs {module}, which is not installed: {_remedy(module)}"
    if isinstance(error, RecursionError):
        return 2, "Error: input nested too deep"
    if isinstance(error, KeyboardInterrupt | click.Abort):
        # click would exit with 1, which is a negative answer.
        return 130, "interrupted"
    if isinstance(error, BrokenPipeError):
        # The reader of our output is gone (`| head`). click would exit with 1, which is a
        # negative answer; 141 is what a shell shows of a program that the signal ended.
        return 141, ""
    if isinstance(error, OSError) and error.strerror:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return 2, f"Error: cannot write: {error.strerror}; make room"
        if error.filename is not None:
            name = os.fsdecode(error.filename) if not isinstance(error.filename, int) else "file"
            return 2, f"Error: cannot open {printable(name)}: {error.strerror}"
        return 2, f"Error: {error.strerror}"
    raise error


def _foreign(error: ModuleNotFoundError) -> str:
    """Return the module that is missing; nothing for one that is ours."""
    module = (error.name or "").partition(".")[0]
    return "" if module == "helperhist" or module in sys.stdlib_module_names else module


def _remedy(module: str) -> str:
    """Return how to get a module: by an extra of ours, or with all that we depend on."""
    extra = _EXTRAS.get(module)
    what = "helperhist" if extra is None else f"'helperhist[{extra}]'"
    return f"pip install {what} brings it"


def _usage(error: click.UsageError) -> str:
    message = error.format_message()
    if isinstance(error, click.MissingParameter):
        # click lists choices one below the other.
        message = " ".join(message.split())
    if match := _BAD_CHOICE.search(message):
        message += _nearest(match[1], _CHOICE.findall(match[2]))
    message = printable(message).rstrip(".")
    if error.ctx is None:
        return f"Error: {message}"
    where = f"see `{error.ctx.command_path} --help`"
    return f"Error: {message} ({where})" if message.endswith("?") else f"Error: {message}; {where}"


def _nearest(word: str, choices: Sequence[str]) -> str:
    import difflib

    near = difflib.get_close_matches(word.lower(), choices, 1, 0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Print the version, and what the data that would be asked covers."""
    if not value or ctx.resilient_parsing:
        return
    echo(f"helperhist, version {__version__}")
    dataset = import_module("helperhist.dataset")
    try:
        echo(f"data: {dataset.data_line(dataset.load())}")
    except HelperhistError as error:
        echo(f"data: {printable(str(error))}")
    ctx.exit()


@click.command(
    "helperhist",
    cls=_Commands,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "show_default": True,
    },
    examples=(
        "helperhist since bpf_probe_read_str",
        "helperhist list --at 5.4",
        "helperhist scan ~/linux",
    ),
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version, and that of the data.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Say which kernel has which BPF helper, from the history of the kernel's own bpf.h.

    Speaks of mainline: distributions backport without changing the version number.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False


def main() -> None:
    """Run the command line and exit."""
    prepare_streams()
    cli(prog_name="helperhist")
