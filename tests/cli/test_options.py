"""Options given twice: each has room for more, or is refused the second time."""

from collections.abc import Iterator
from typing import Any

import click
import pytest
from click.testing import CliRunner

from helperhist.cli.command import Command
from helperhist.cli.group import COMMANDS, cli


def command(name: str) -> click.Command:
    assert isinstance(cli, click.Group)
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def options() -> Iterator[tuple[str, click.Option]]:
    for name in COMMANDS:
        for item in command(name).params:
            if isinstance(item, click.Option):
                yield name, item


def has_room(option: click.Option) -> bool:
    """Whether an option says more where it is given again, or the same."""
    return bool(option.multiple) or (option.is_flag and not option.secondary_opts)


def cases(room: bool) -> list[Any]:
    return [
        pytest.param(name, option, id=f"{name} {option.name}")
        for name, option in options()
        if has_room(option) == room
    ]


def given(option: click.Option, name: str | None = None) -> list[str]:
    """Return an option as it is given once, with values if it takes some."""
    words = [] if option.is_flag else ["x"] * option.nargs
    return [name or option.opts[-1], *words]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_of_the_class_that_refuses(name: str) -> None:
    assert isinstance(command(name), Command)


@pytest.mark.parametrize(("name", "option"), cases(room=False))
def test_an_option_given_twice(name: str, option: click.Option) -> None:
    for first in [*option.opts, *option.secondary_opts]:
        for second in [*option.opts, *option.secondary_opts]:
            words = [name, *given(option, first), *given(option, second)]
            result = CliRunner().invoke(cli, words, catch_exceptions=False)
            assert (result.exit_code, result.stdout) == (2, "")
            (line,) = result.stderr.splitlines()
            assert f"{max(option.opts, key=len)}" in line
            assert line.endswith(f" is given twice; give it once; see `helperhist {name} --help`")


@pytest.mark.parametrize(("name", "option"), cases(room=True))
def test_an_option_is_parsed_to_all_that_was_given(name: str, option: click.Option) -> None:
    # What is not refused is not lost either.
    words = [*given(option), *given(option)]
    if option.multiple:
        context = click.Context(command(name), resilient_parsing=True)
        opts, _, _ = command(name).make_parser(context).parse_args(words)
        assert opts[option.name] == ["x", "x"]
    else:
        assert _outcome(name, words) == _outcome(name, given(option))


def _outcome(name: str, words: list[str]) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, [name, *words, "--data", "/none"], catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("check", "x.o", "--target=6.1", "--target=6.1"),
        ("list", "--kind", "helper", "--kind", "cmd"),
        ("diff", "5.4", "5.10", "--kind", "helper", "--kind", "cmd"),
        ("scan", "x", "--commits", "--no-commits"),
        ("header", "--docs", "--no-docs"),
        ("export", "--format", "csv", "-o", "a", "--output", "b"),
    ],
    ids=" ".join,
)
def test_examples(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert result.exit_code == 2
    assert "is given twice" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("check", "--diff", "a.o", "b.o", "--target", "5.4"),
        ("check", "a.o", "--json", "--format", "github"),
    ],
    ids=" ".join,
)
def test_options_of_which_one_would_be_ignored(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert result.exit_code == 2
    assert "exclude each other" in result.stderr


def test_words_after_the_options_are_no_options() -> None:
    words = ("since", "--data", "embedded", "--", "--data", "--data")
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert result.exit_code == 1
    assert "--data: unknown" in result.stderr
