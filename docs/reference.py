"""Write docs/reference.md, the command line's own help: ``python docs/reference.py``."""

from pathlib import Path

import click
from click.testing import CliRunner

from helperhist.cli.group import cli

HEAD = """\
# The command line

What `helperhist --help` and `helperhist COMMAND --help` print.
`docs/reference.py` writes this page.
"""


def render() -> str:
    """Return the page: the help of the group, then of each command in the group's order."""
    commands = cli.list_commands(click.Context(cli))
    parts = [HEAD, _section("helperhist", [])]
    parts += [_section(f"helperhist {name}", [name]) for name in commands]
    return "\n".join(parts)


def _section(title: str, arguments: list[str]) -> str:
    # 80 columns wherever it runs; click reads the width from the terminal otherwise.
    result = CliRunner().invoke(
        cli,
        [*arguments, "--help"],
        prog_name="helperhist",
        terminal_width=80,
        max_content_width=80,
        catch_exceptions=False,
    )
    return f"## `{title}`\n\n```text\n{result.stdout}```\n"


if __name__ == "__main__":
    Path(__file__).with_suffix(".md").write_text(render(), encoding="utf-8")
