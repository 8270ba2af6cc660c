"""Commands as all of ours are: an option that takes a value is given once, or has room for more."""

from collections.abc import Callable, Sequence
from typing import Any

import click

__all__ = ["Command", "check_repetition", "new_command"]


class Command(click.Command):
    """A command that refuses an option given twice, where click takes the last."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        check_repetition(self, ctx, args)
        return super().parse_args(ctx, args)


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


def new_command(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a command of a function: ``click.command`` with our class."""
    return click.command(name, cls=Command, **attributes)
