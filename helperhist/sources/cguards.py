"""Preprocessor lines, and the conditions under which what stands between them is compiled."""

from collections.abc import Sequence
from dataclasses import dataclass

from helperhist.errors import ParseError

__all__ = ["Directive", "brace_depth", "guarded", "is_dead"]

# Conditions in each other, and branches of one; the kernel has at most 6 and 20.
_MAX_GUARDS = 64


@dataclass(frozen=True, slots=True)
class Directive:
    """A preprocessor line: its word (``ifdef``), the rest, and where it stands."""

    word: str
    text: str
    start: int
    end: int


def guarded(directives: Sequence[Directive]) -> tuple[list[int], list[tuple[str, ...]]]:
    """Return the offsets at which the enclosing conditions change, and the conditions there."""
    guard = _include_guard(directives)
    starts: list[int] = []
    stacks: list[tuple[str, ...]] = []
    stack: list[tuple[list[str], str]] = []  # tests of the branches so far, the present condition
    for index, directive in enumerate(directives):
        word = directive.word
        if word in {"if", "ifdef", "ifndef"}:
            test = _test(directive)
            stack.append(([test], "" if index == guard else test))
            if len(stack) > _MAX_GUARDS:
                raise ParseError("conditions of the preprocessor nest too deeply to read")
        elif word in {"elif", "elifdef", "elifndef", "else"} and stack:
            tests, _ = stack[-1]
            if len(tests) > _MAX_GUARDS:
                raise ParseError("an #if has more branches than this reads")
            current = " && ".join(f"!({test})" for test in tests)
            if word != "else":
                tests = [*tests, _test(directive)]
                current += f" && ({tests[-1]})"
            stack[-1] = (tests, current)
        elif word == "endif" and stack:
            stack.pop()
        else:
            continue
        starts.append(directive.end)
        stacks.append(tuple(current for _, current in stack if current))
    return starts, stacks


def _test(directive: Directive) -> str:
    name = directive.text.split(" ")[0]
    if directive.word in {"ifdef", "elifdef"}:
        return f"defined({name})"
    if directive.word in {"ifndef", "elifndef"}:
        return f"!defined({name})"
    return directive.text


def _include_guard(directives: Sequence[Directive]) -> int | None:
    """Return the index of the ``#ifndef`` that guards a header against a second inclusion."""
    for index, directive in enumerate(directives[:-1]):
        if directive.word in {"if", "ifdef", "ifndef"}:
            name = _test(directive).removeprefix("!defined(").removeprefix("!defined (").rstrip(")")
            after = directives[index + 1]
            return index if (after.word, after.text.split(" ")[0]) == ("define", name) else None
    return None


def is_dead(guards: Sequence[str]) -> bool:
    """Tell whether no configuration compiles what stands under these conditions (``#if 0``)."""
    return any(guard in {"0", "!(1)"} for guard in guards)


def brace_depth(line: str, depth: int, saved: list[tuple[int, int | None]]) -> int:
    """Return the depth of braces after a directive; ``saved`` holds one pair for each ``#if``."""
    word = line.lstrip().removeprefix("#").lstrip()[:5]
    if word.startswith("if"):
        saved.append((depth, None))
    elif word.startswith("el") and saved:
        before, first = saved[-1]
        saved[-1] = (before, depth if first is None else first)
        return before
    elif word == "endif" and saved:
        _, first = saved.pop()
        return depth if first is None else first
    return depth
