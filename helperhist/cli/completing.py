"""What a shell may offer: files, names, kinds, releases, program types, datasets."""

from collections.abc import Callable, Iterable, Iterator

import click
from click.shell_completion import CompletionItem

from helperhist.dataset import datasets, load
from helperhist.errors import HelperhistError
from helperhist.timeline import KINDS, WORDS, Timeline

__all__ = [
    "complete_data",
    "complete_files",
    "complete_helpers",
    "complete_kinds",
    "complete_names",
    "complete_programs",
    "complete_releases",
    "complete_targets",
]

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

#: A shorter word fits too much to look for kfuncs, which takes longer than all else.
_LEAST = 3


def _words(found: Iterable[str], incomplete: str) -> list[CompletionItem]:
    # What a shell cannot show, it shall not insert.
    return [
        CompletionItem(word)
        for word in dict.fromkeys(found)
        if word.startswith(incomplete) and word.isprintable()
    ]


def _files(incomplete: str) -> list[CompletionItem]:
    """Tell the shell to complete the names of files itself."""
    return [CompletionItem(incomplete, type="file")]


def complete_files(ctx: click.Context, param: click.Parameter, word: str) -> list[CompletionItem]:
    """Offer files."""
    return _files(word)


def _of_data(words: Callable[[Timeline, str], Iterable[str]], *, files: bool = False) -> Complete:
    """Make a completion of words of the data; without any, of nothing or of files."""

    def complete(ctx: click.Context, param: click.Parameter, word: str) -> list[CompletionItem]:
        try:
            found = _words(words(load(ctx.params.get("data")), word), word)
        except (HelperhistError, OSError):
            found = []
        return found or (_files(word) if files else [])

    return complete


def _names(timeline: Timeline, word: str) -> Iterator[str]:
    yield from (row.name for row in timeline.rows)
    if len(word) >= _LEAST:
        yield from timeline.relations.names("kfunc")


def _kinds(timeline: Timeline, word: str) -> Iterator[str]:
    yield from sorted(timeline.index.kinds)
    yield from KINDS
    yield "all"


def _releases(timeline: Timeline, word: str) -> Iterator[str]:
    if not word or not word[0].isdigit():
        yield from WORDS
    start = "v" * word.startswith("v")
    yield from (f"{start}{tag.version}" for tag in reversed(timeline.releases))


def _programs(timeline: Timeline, word: str) -> Iterator[str]:
    for row in timeline.rows:
        if row.kind == "prog_type":
            yield row.name.removeprefix("BPF_PROG_TYPE_").lower()
    yield from (row.name for row in timeline.rows if row.kind == "prog_type" and word)


complete_names = _of_data(_names)
complete_helpers = _of_data(lambda timeline, word: (row.name for row in timeline.helpers))
complete_kinds = _of_data(_kinds)
complete_releases = _of_data(_releases)
complete_targets = _of_data(_releases, files=True)
complete_programs = _of_data(_programs)


def complete_data(ctx: click.Context, param: click.Parameter, word: str) -> list[CompletionItem]:
    """Offer the names of datasets, else files."""
    try:
        found = _words((item.name for item in datasets()), word)
    except (HelperhistError, OSError):
        found = []
    return found or _files(word)
