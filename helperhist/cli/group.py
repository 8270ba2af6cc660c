"""The command line: the group, and the one place where errors become exit codes.

Exit codes: 0 done; 1 a negative answer (unknown name, newer kernel needed); 2 an error that the
user can mend; 130 interrupted; 141 the reader of the output is gone. Each command lives in a
module of its own below ``helperhist.cli`` and is imported when it is run.
"""

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from helperhist import __version__
from helperhist.cli.command import check_repetition
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
    "completion": "Print the completion for a shell.",
}


class _Commands(click.Group):
    """A group that imports a command when it is needed, and turns our errors into messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"helperhist.cli.{cmd_name}")
        command: click.Command = module.command
        return command

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


def _outcome(error: BaseException) -> tuple[int, str]:
    """Return the exit code and the message for an error; raise it if it is a bug of ours."""
    if isinstance(error, click.UsageError):
        return 2, _usage(error)
    if isinstance(error, click.ClickException):
        return 2, f"Error: {printable(error.format_message())}"
    if isinstance(error, HelperhistError):
        return 2, f"Error: {printable(str(error))}"
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


def _usage(error: click.UsageError) -> str:
    message = error.format_message()
    if isinstance(error, click.MissingParameter):
        # click lists choices one below the other.
        message = " ".join(message.split())
    where = f"; see `{error.ctx.command_path} --help`" if error.ctx is not None else ""
    return f"Error: {printable(message).rstrip('.')}{where}"


@click.command(
    "helperhist",
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Examples: helperhist since bpf_probe_read_str; helperhist list --at 5.4; "
    "helperhist scan ~/linux",
)
@click.version_option(__version__, prog_name="helperhist")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Say which kernel has which BPF helper, from the history of the kernel's own bpf.h.

    Speaks of mainline: distributions backport without changing the version number.
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def main() -> None:
    """Run the command line and exit."""
    prepare_streams()
    cli(prog_name="helperhist")
