"""``helperhist completion``: shell completion."""

import click
from click.shell_completion import get_completion_class

from helperhist.cli.command import new_command
from helperhist.cli.output import echo

__all__ = ["command"]


@new_command(
    "completion",
    examples=(
        'eval "$(helperhist completion bash)"   # in ~/.bashrc',
        'eval "$(helperhist completion zsh)"    # in ~/.zshrc',
        "helperhist completion fish > ~/.config/fish/completions/helperhist.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what makes SHELL complete the commands, options and names of helperhist."""
    root = ctx.find_root()
    completion = get_completion_class(shell)
    assert completion is not None
    echo(completion(root.command, {}, "helperhist", "_HELPERHIST_COMPLETE").source())
