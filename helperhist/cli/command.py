"""Commands as all of ours are: an option that takes a value is given once, or has room for more."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

__all__ = ["Command", "Examples", "check_repetition", "new_command", "renamed_option"]


_RENAMED = "helperhist.renamed"
_F = TypeVar("_F", bound=Callable[..., Any])


class Examples(click.Command):
    """A command whose help ends with examples, each a line to copy, and with the exit codes."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **attributes: Any) -> None:
        """Take examples: complete command lines."""
        super().__init__(*args, **attributes)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are: a line that is wrapped cannot be copied."""
        formatter.write_paragraph()
        formatter.write("Examples:\n")
        for line in self.examples:
            formatter.write(f"  {line}\n")
        answers = isinstance(self, click.Group) or "xit code 1" in (self.help or "")
        codes = "0 yes or done, 1 a negative answer" if answers else "0 done"
        formatter.write_paragraph()
        formatter.write(f"Exit codes: {codes}, 2 an error that you can mend.\n")


class Command(Examples):
    """A command that refuses an option given twice, where click takes the last."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what the user wrote, if no option stands there twice."""
        check_repetition(self, ctx, args)
        rest = super().parse_args(ctx, args)
        _rename(ctx)
        return rest


def _rename(ctx: click.Context) -> None:
    """Give the values of options with old names to the new ones, and say so."""
    # After all are parsed: click sets those that are not given last.
    for old, new, value in ctx.meta.pop(_RENAMED, []):
        name = new.removeprefix("--").replace("-", "_")
        if ctx.params.get(name) is not None:
            raise click.UsageError(f"{old} is the old name of {new}; give one of them", ctx)
        click.echo(f"note: {old} is {new} now; the next release does not know it", err=True)
        ctx.params[name] = value


def check_repetition(command: click.Command, ctx: click.Context, args: Sequence[str]) -> None:
    """Raise an error for the second of an option that has room for one.

    A flag that is given twice says the same twice; one with an opposite may not.

    :raises click.UsageError: the message names the option
    """
    if ctx.resilient_parsing:
        return
    _, _, order = command.make_parser(ctx).parse_args(args=list(args))
    given = set()
    for item in order:
        if not isinstance(item, click.Option) or item.multiple or item.count:
            continue
        if item.is_flag and not item.secondary_opts:
            continue
        if item.name in given:
            name = " or ".join(max(names, key=len) for names in _spellings(item))
            raise click.UsageError(f"{name} is given twice; give it once", ctx)
        given.add(item.name)


def _spellings(option: click.Option) -> list[list[str]]:
    return [names for names in (option.opts, option.secondary_opts) if names]


def renamed_option(old: str, new: str, **attributes: Any) -> Callable[[_F], _F]:
    """Add the old spelling of an option, hidden, for one more release: it says the new one.

    :param new: the option whose parameter gets the value
    """

    def callback(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        if value is not None:
            ctx.meta.setdefault(_RENAMED, []).append((old, new, value))

    return click.option(
        old, f"old_{old.removeprefix('--')}", hidden=True, expose_value=False, callback=callback,
        help=f"Old name of {new}.", **attributes,
    )  # fmt: skip


def new_command(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a command of a function: ``click.command`` with our class."""
    return click.command(name, cls=Command, **attributes)
