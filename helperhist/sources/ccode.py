"""Functions of one C file, kept as text until it is known what is asked of them."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from helperhist.sources.cfile import CFile, Item
from helperhist.sources.cguards import is_dead
from helperhist.sources.tree_records import Code

__all__ = ["read_code", "source_of"]


def read_code(file: CFile, wanted: Callable[[Item], bool]) -> Iterator[Code]:
    """Iterate over the functions that are wanted, and those of the file that they call."""
    items = {item.name: item for item in file.functions() if not is_dead(item.guards)}
    ahead = [name for name, item in items.items() if wanted(item)]
    done: set[str] = set()
    while ahead:
        name = ahead.pop()
        if name in done:
            continue
        done.add(name)
        item = items[name]
        body = file.tokens(item.body, item.end)
        parameters = tuple(str(part[-1]) if part else "" for part in item.parameters)
        yield Code(name, parameters, source_of(body))
        ahead += [str(token) for token, after in pairwise(body) if after == "(" and token in items]


def source_of(tokens: Iterable[str]) -> str:
    """Return tokens as text that has the same ones."""
    return " ".join(f"\n{token}\n" if token.startswith("#") else token for token in tokens)
