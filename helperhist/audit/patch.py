"""Correct the versions of a table in place: a unified diff that ``git apply`` takes."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from helperhist.audit.finding import Finding
from helperhist.audit.tables.model import Version

__all__ = ["correct", "patch_path", "render_patch", "respell"]

_CONTEXT = 3
_SPELLED = re.compile(
    r"(v?)(\d+)([ \t]*[.,][ \t]*)(\d+)(?:([ \t]*,[ \t]*)\d+|\.\d+)?(?:-rc\d+)?", re.ASCII
)


def respell(old: Version, new: str) -> str:
    """Return a release spelled as a table spells versions.

    >>> respell(Version("v5.7", 0, 0), "5.8"), respell(Version("3, 18, 0", 0, 0), "3.19")
    ('v5.8', '3, 19, 0')
    """
    match = _SPELLED.fullmatch(old.text)
    if match is None:
        spelled = new
    else:
        major, _, minor = new.partition(".")
        patch = f"{match[5]}0" if match[5] else ""
        spelled = f"{match[1]}{major}{match[3]}{minor}{patch}"
    # As a number, 6.10 would be read as 6.1.
    return old.number.format(new) if old.number and new.endswith("0") else spelled


def correct(text: str, findings: Iterable[Finding]) -> str:
    """Return a table with the right release in each wrong row; all else stays as it is."""
    fixes = {
        (finding.fix.start, finding.fix.end): respell(finding.fix, finding.actual)
        for finding in findings
        if finding.fix is not None and finding.actual is not None
    }
    parts, offset = [], 0
    for (start, end), new in sorted(fixes.items()):
        parts += [text[offset:start], new]
        offset = end
    return "".join([*parts, text[offset:]])


def render_patch(path: str, before: str, after: str) -> str:
    """Return the unified diff of two texts that have the same number of lines.

    :param path: of the file, below the root of its repository
    """
    old, new = before.split("\n"), after.split("\n")
    changed = [index for index, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
    if not changed:
        return ""
    # What follows the last newline is a line only if there is something.
    count = len(old) - (old[-1] == "")
    parts = [f"--- {_quote(f'a/{path}')}\n+++ {_quote(f'b/{path}')}\n"]
    for first, last in _hunks(changed, count):
        parts.append(f"@@ -{first + 1},{last - first} +{first + 1},{last - first} @@\n")
        parts += _hunk(old, new, first, last)
    return "".join(parts)


def _hunks(changed: Sequence[int], count: int) -> list[tuple[int, int]]:
    """Return the ranges of lines that the hunks show."""
    hunks: list[tuple[int, int]] = []
    for index in changed:
        first, last = max(0, index - _CONTEXT), min(count, index + _CONTEXT + 1)
        if hunks and first <= hunks[-1][1]:
            hunks[-1] = (hunks[-1][0], last)
        else:
            hunks.append((first, last))
    return hunks


def _hunk(old: Sequence[str], new: Sequence[str], first: int, last: int) -> list[str]:
    parts: list[str] = []
    index = first
    while index < last:
        end = index
        while end < last and old[end] != new[end]:
            end += 1
        if end == index:
            parts.append(_line(" ", old, index))
            index += 1
            continue
        parts += [_line("-", old, number) for number in range(index, end)]
        parts += [_line("+", new, number) for number in range(index, end)]
        index = end
    return parts


def _line(sign: str, lines: Sequence[str], index: int) -> str:
    end = "\n" if index + 1 < len(lines) else "\n\\ No newline at end of file\n"
    return f"{sign}{lines[index]}{end}"


def _quote(path: str) -> str:
    """Quote a path as git does where it must be; one with spaces ends with a tab."""
    if any(char in '"\\' or ord(char) < 32 for char in path):
        escaped = path.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if ord(c) >= 32 else f"\\{ord(c):03o}" for c in escaped) + '"'
    return f"{path}\t" if " " in path else path


def patch_path(file: Path) -> str:
    """Return the path of a file for a patch: from the root of its git repository, if it has one."""
    whole = file.resolve()
    for folder in whole.parents:
        if (folder / ".git").exists():
            return whole.relative_to(folder).as_posix()
    here = Path.cwd()
    return (whole.relative_to(here) if whole.is_relative_to(here) else Path(whole.name)).as_posix()
