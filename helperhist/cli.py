"""The command line: the group, and the one place where errors become exit codes.

Exit codes: 0 done; 1 a negative answer (unknown name, newer kernel needed); 2 an error that the
user can mend; 130 interrupted; 141 the reader of the output is gone. Each command lives in a
module of its own below ``helperhist.commands`` and is imported when it is run.
"""

import errno
import os
import sys
from importlib import import_module

import click

from helperhist import __version__
from helperhist.errors import HelperhistError

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
    "audit": "Hold tables that people keep by hand against history.",
    "plot": "Draw how the API grew.",
    "export": "Write the timeline for other tools.",
    "scan": "Read a git history into a dataset.",
    "completion": "Print the completion for a shell.",
}


class _UserError(click.ClickException):
    exit_code = 2


class _Commands(click.Group):
    """A group that imports a command when it is needed, and turns our errors into messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"helperhist.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # click would import every command for its summary.
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except HelperhistError as error:
            raise _UserError(str(error)) from error
        except RecursionError as error:
            raise _UserError("input nested too deep") from error
        except KeyboardInterrupt:
            # click would exit with 1, which is a negative answer.
            click.echo("interrupted", err=True)
            raise click.exceptions.Exit(130) from None
        except BrokenPipeError:
            # The reader of our output is gone (`| head`). click would exit with 1, which is a
            # negative answer; 141 is what a shell shows of a program that the signal ended.
            _discard_output()
            raise click.exceptions.Exit(141) from None
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise _UserError(f"cannot write: {error.strerror}; make room") from error
            if isinstance(error, PermissionError) and error.filename is not None:
                raise _UserError(f"cannot open {error.filename}: {error.strerror}") from error
            raise


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Examples: helperhist since bpf_probe_read_str; helperhist list --at 5.4; "
    "helperhist scan ~/linux",
)
@click.version_option(__version__, prog_name="helperhist")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Tell which kernel has which BPF helper, from the history of the kernel's own bpf.h.

    Speaks of mainline: distributions backport without changing the version number.
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def _discard_output() -> None:
    """Keep Python from complaining at exit of what it cannot write."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """Run the command line and exit."""
    cli(prog_name="helperhist")
