"""Write docs/man/, the manual pages, from ``--help``: ``python docs/manpages.py``."""

import inspect
from pathlib import Path

import click

from helperhist import __version__
from helperhist.cli.command import Examples
from helperhist.cli.group import COMMANDS, cli

FOLDER = Path(__file__).with_name("man")
EXIT = (
    ("0", "The answer is positive, or the work is done."),
    ("1", "The answer is negative: an unknown name, a newer kernel needed, a wrong table."),
    ("2", "An error that you can mend; one line on the standard error names it."),
)


def render_all() -> dict[str, str]:
    """Return each page by the name of its file: the group's, and one for each command."""
    group = cli.make_context("helperhist", [], resilient_parsing=True)
    pages = {"helperhist.1": _page(cli, group, "Say which kernel has which BPF helper")}
    for name, summary in COMMANDS.items():
        command = cli.get_command(group, name)
        assert command is not None
        context = command.make_context(name, [], parent=group, resilient_parsing=True)
        pages[f"helperhist-{name}.1"] = _page(command, context, summary.rstrip("."))
    return pages


def _page(command: click.Command, context: click.Context, summary: str) -> str:
    words = context.command_path
    title = words.replace(" ", "-")
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [
        # No date: equal help gives equal bytes.
        f'.TH "{_text(title.upper())}" "1" "" "helperhist {__version__}"',
        ".SH NAME",
        f"{_text(title)} \\- {_text(summary[0].lower() + summary[1:])}",
        ".SH SYNOPSIS",
        f".B {_text(words)}",
        _line(usage),
        ".SH DESCRIPTION",
        *_paragraphs(inspect.cleandoc(command.help or "")),
        ".SH OPTIONS",
    ]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        # What an argument is stands in the description.
        if record is not None and isinstance(parameter, click.Option):
            lines += [".TP", f".B {_text(record[0])}", _line(record[1])]
    if command is cli:
        lines.append(".SH COMMANDS")
        for name, text in COMMANDS.items():
            lines += [".TP", f".BR helperhist\\-{_text(name)} (1)", _line(text)]
    lines.append(".SH EXIT STATUS")
    for code, text in EXIT:
        lines += [".TP", f".B {code}", _line(text)]
    if isinstance(command, Examples):
        lines += [".SH EXAMPLES", ".nf", *map(_line, command.examples), ".fi"]
    others = COMMANDS if command is cli else ["helperhist"]
    names = [f"helperhist-{name}" if command is cli else name for name in others]
    lines.append(".SH SEE ALSO")
    lines += [f".BR {_text(name)} (1){',' * (name != names[-1])}" for name in names]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> list[str]:
    lines: list[str] = []
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            lines.append(".PP")
        if paragraph.startswith("\b"):
            # click keeps the lines of such a paragraph as they are.
            lines += [".nf", *map(_line, paragraph.splitlines()[1:]), ".fi"]
        else:
            lines.append(_line(" ".join(paragraph.split())))
    return lines


def _line(text: str) -> str:
    """Escape a line of text, which must not begin as a request does."""
    escaped = _text(text)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _text(text: str) -> str:
    """Escape what troff reads otherwise; a hyphen stays one that can be copied."""
    for plain, escaped in (
        ("\\", "\\e"),
        ("-", "\\-"),
        ("'", "\\(aq"),
        ("`", "\\(ga"),
        ("^", "\\(ha"),
        ("~", "\\(ti"),
    ):
        text = text.replace(plain, escaped)
    return text


def write_all(folder: Path) -> None:
    """Write the pages, and remove those of commands that are gone."""
    folder.mkdir(exist_ok=True)
    pages = render_all()
    for old in folder.glob("*.1"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_all(FOLDER)
