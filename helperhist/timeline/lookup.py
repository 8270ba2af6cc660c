"""Names as people write them: which rows a word, a number, a struct or a pattern means."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator

from helperhist.timeline.index import Index, canonical_name
from helperhist.timeline.kinds import KINDS, PREFIXES, SENTINEL
from helperhist.timeline.records import Row

__all__ = ["find", "is_pattern", "nearest", "one_answer", "spelled"]

#: ``#182`` and ``func#182``, as verifiers and BTF dumps print it; ``bpf_loop()``, as text has it;
#: ``struct xdp_md``, as C has it.
_NUMBER = re.compile(r"(?:func|unknown|helper)?[ ]?#([0-9]{1,9})", re.ASCII)
_CALL = re.compile(r"(\w+)\s*\([^()]*\)", re.ASCII)
_TAGGED = re.compile(r"(?:struct|union|enum)\s+(\w+)", re.ASCII)

#: Kinds that a bare word means first, in this order, and how their names begin.
_TYPES = {kind: PREFIXES[kind] for kind in ("prog_type", "map_type", "attach_type", "link_type")}


def spelled(text: str) -> str:
    """Return the name alone, from ``bpf_loop()``, ``func#182`` or ``struct xdp_md``.

    >>> [spelled(text) for text in ("bpf_loop()", "#182", "struct xdp_md", "bpf_loop")]
    ['bpf_loop', '182', 'xdp_md', 'bpf_loop']
    """
    text = text.strip()
    match = _NUMBER.fullmatch(text) or _CALL.fullmatch(text) or _TAGGED.fullmatch(text)
    return match[1] if match else text


def is_pattern(text: str) -> bool:
    """Whether a text is a shell pattern, and no name."""
    return any(char in text for char in "*?[")


def find(index: Index, text: str) -> tuple[Row, ...]:
    """Return the rows that a name or a pattern means: see :meth:`Timeline.find`."""
    text = spelled(text)
    if is_pattern(text):
        return _patterned(index, text)
    row = index.meant(text)
    if row is not None:
        return (row,)
    for fold in (_as_it_is, str.lower):
        found = (
            _folded(index, text, fold)
            or tuple(_typed(index.rows, text))
            or tuple(_members(index.rows, text, fold))
        )
        if found:
            return found
    return ()


def one_answer(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Return the rows that a word means if one answer is wanted; several if it is not clear.

    A program type comes before other types of that name, a type before what is no type.
    """
    for kinds in (("prog_type", "map_type"), ("attach_type",)):
        if types := tuple(row for row in rows if row.kind in kinds):
            rows = types
            break
    return rows[:1] if len({(row.since, row.or_earlier) for row in rows}) == 1 else rows


def _as_it_is(text: str) -> str:
    return text


def _folded(index: Index, text: str, fold: Callable[[str], str]) -> tuple[Row, ...]:
    """Return the rows of that very name, in any case."""
    if fold is _as_it_is:
        return ()
    wanted = fold(text)
    if wanted.startswith("bpf_func_"):
        wanted = "bpf_" + wanted.removeprefix("bpf_func_")
    rows = tuple(row for row in index.rows if fold(row.name) == wanted)
    return rows or tuple(
        row for row in index.rows if row.kind == "helper" and row.name == f"bpf_{wanted}"
    )


def _typed(rows: Iterable[Row], word: str) -> Iterator[Row]:
    """Yield the types of that name, program types first, and then the fields."""
    wanted = {kind: prefix + word.upper() for kind, prefix in _TYPES.items()}
    rows = tuple(rows)
    types = [
        row for kind in _TYPES for row in rows if row.kind == kind and row.name == wanted[kind]
    ]
    yield from types
    if types:
        yield from _fields(rows, word, _as_it_is)


def _members(rows: Iterable[Row], word: str, fold: Callable[[str], str]) -> Iterator[Row]:
    """Yield the fields of a struct, the values of an enum, or the fields of that name."""
    rows, wanted = tuple(rows), fold(word)
    own = [
        row
        for row in rows
        if (row.kind == "field" and fold(row.name).startswith(f"{wanted}."))
        or (row.kind == wanted and row.kind not in KINDS)
    ]
    yield from own or _fields(rows, word, fold)


def _fields(rows: Iterable[Row], word: str, fold: Callable[[str], str]) -> Iterator[Row]:
    end = f".{fold(word)}"
    return (row for row in rows if row.kind == "field" and fold(row.name).endswith(end))


def _patterned(index: Index, pattern: str) -> tuple[Row, ...]:
    prefix = "BPF_FUNC_"
    if pattern.startswith(prefix):
        helpers = [row for row in index.rows if row.kind == "helper"]
        return _match(f"bpf_{pattern.removeprefix(prefix)}", helpers)
    if "." in pattern:
        return _match(pattern, index.rows)
    groups: tuple[list[Row], list[Row], list[Row]] = ([], [], [])
    for row in index.rows:
        groups[(row.kind == "field") + 2 * (row.kind == SENTINEL)].append(row)
    names, fields, sentinels = groups
    for flags in (0, re.IGNORECASE):
        for rows in (names, sentinels, fields):
            if found := _match(pattern, rows, flags):
                return found
    return ()


def _match(pattern: str, rows: Iterable[Row], flags: int = 0) -> tuple[Row, ...]:
    match = re.compile(fnmatch.translate(pattern), flags).match
    return tuple(
        row
        for row in rows
        if match(row.name)
        or (row.kind == "helper" and match(row.name.removeprefix("bpf_")))
        or (row.kind == "field" and match(row.name.rpartition(".")[2]))
    )


def nearest(index: Index, name: str, count: int = 3) -> tuple[str, ...]:
    """Return the known names that look most like an unknown one, else that contain it."""
    import difflib

    name = canonical_name(spelled(name)).lower()
    choices: dict[str, str] = {}
    for row in index.rows:
        choices.setdefault(row.name.lower(), row.name)
        if row.kind == "field":
            choices.setdefault(row.name.rpartition(".")[2].lower(), row.name)
    close: list[str] = []
    for spelling in (name, f"bpf_{name}"):
        close += difflib.get_close_matches(spelling, choices, count, 0.75)
    if not close and len(name) > 2:
        close = sorted((text for text in choices if name in text), key=len)[:count]
    return tuple(dict.fromkeys(choices[found] for found in close))[:count]
