"""Source code of any language: a name, and behind it a version, in all the ways to write one.

``"bpf_loop": Version("5.17")``, ``("bpf_loop", (5, 17))``, ``{Major: 5, Minor: 17}``,
``Helper::Loop => KernelVersion::new(5, 17, 0)``, ``{ BPF_FUNC_loop, 0x051100 }``.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from helperhist.audit.tables.model import (
    KIND_OF,
    LineIndex,
    Stated,
    Version,
    heads_versions,
    squash,
)

__all__ = ["blank_comments", "read_code"]

_TOKEN = re.compile(
    r"""
    (?P<name> (?<![\w.]) (?:bpf|BPF|XDP)_\w+ (?![\w(]) )
  | (?P<go> (?<![\w.]) \w{1,40} \. Fn[A-Z]\w* )
  | (?<![\w.]) (?P<list> [A-Za-z]\w{0,40} ) (?:::|\.) (?P<member> [A-Za-z]\w{0,60} ) (?![\w(])
  | (?P<quote> ["'] ) (?P<quoted> v?\d{1,2}\.\d{1,3}(?:\.\d{1,3})?(?:-rc\d{1,2})? ) \+? (?P=quote)
  | [({[] [ \t]*+ (?P<parts> \d{1,2} [ \t]*+,[ \t]*+ \d{1,3} (?:[ \t]*+,[ \t]*+\d{1,3})? )
    [ \t]*+ [])}]
  | (?P<hex> \b0x0[0-9a-fA-F]{5}\b )
  | \b (?P<first> [Mm]ajor | [Kk]ernel ) \b ["']? [ \t]*+ [:=] [ \t]*+ (?P<one> \d{1,2} )
    [ \t]*+ , [ \t]*+ [."']? (?P<second> [Mm]inor | [Mm]ajor ) \b ["']?
    [ \t]*+ [:=] [ \t]*+ (?P<two> \d{1,3} )
  | (?P<number> (?<![\w.\-"'/]) \d{1,2}\.\d{1,3} (?![\w.]) )
    """,
    re.VERBOSE | re.ASCII,
)
_COMMENT = re.compile(r"//|/\*")
_HASH = re.compile(r"(?:^|\s)#(?:[ \t].*)?$")
_ARROW = re.compile(r"=>|->|::")
#: What may stand between a name and its version: punctuation and words, no operation.
_BETWEEN = re.compile(r"[\w\s:=,(){}\[\].\"']{0,160}", re.ASCII)
#: Between a name and the version that a patch may write: signs, a field or a function.
_SURE = re.compile(r"[\s\"':=,({\[]*+(?:\.?\w++[\s.({\[:=]*+){0,2}", re.ASCII)
_OTHER = re.compile(
    r"==|(?<![a-z])(?:until|before|max|remov|deprecat|not|less|last|end|test|libbpf|llvm|clang|"
    r"rhel|ubuntu|centos|debian|distro)",
    re.IGNORECASE,
)
_COMPARED = re.compile(r"[\s)]{0,9}(?:[<>]|[=!]=)", re.ASCII)
_KEY = re.compile(r"[ \t.,]*[\"']?(\w{1,60})[\"']?[ \t]*[:=]", re.ASCII)
_SECTION = re.compile(r"[ \t]*\[[ \t]*[\"']?([\w-]{1,60})[\"']?[ \t]*\][ \t]*\r?", re.ASCII)
_ENTRY = re.compile(
    r"[ \t]*[\"']?([A-Za-z][\w-]{0,80})[\"']?[ \t]*=[ \t]*[\"'](v?\d+\.\d+)[\"'][ \t]*\r?", re.ASCII
)
#: The last release of each major version, since there is the header.
_LAST = {3: 19, 4: 20, 5: 19, 6: 19}
#: Lines below a name in which its version may stand.
_BELOW = 8


@dataclass(frozen=True, slots=True)
class _Name:
    text: str
    kind: str | None
    go: bool
    end: int


def read_code(text: str, what: str) -> Iterator[Stated]:
    """Read the names of a source that have a version behind them, or in a line below.

    :param what: names the file in errors
    """
    index = LineIndex(text, what)
    rows: list[Stated] = []
    bare: list[int] = []
    plausible = True
    pending: tuple[_Name, int] | None = None
    section = None
    for number, code in enumerate(blank_comments(index.lines, hashes=True), 1):
        start = index.starts[number - 1]
        if opened := _SECTION.fullmatch(code):
            section = KIND_OF.get(squash(opened[1]))
        entry = _ENTRY.fullmatch(code) if section else None
        if entry is not None and not heads_versions(entry[1]):
            version = Version(entry[2], start + entry.start(2), start + entry.end(2))
            rows.append(Stated(entry[1], version, number, section))
            continue
        names, pairs = _pairs(code, start)
        for name, version, match, doubt in pairs:
            if match["parts"] or match["number"]:
                bare.append(len(rows))
                plausible = plausible and _is_release(version.text)
            rows.append(_row(name, version, number, doubt))
        if names:
            left = names[-1] if len(names) == 1 and not pairs else None
            pending = (left, number) if left is not None else None
        elif pending is not None:
            below = _below(code, start)
            if below is not None:
                rows.append(_row(pending[0], below, pending[1], ""))
            if below is not None or not code.strip() or number - pending[1] >= _BELOW:
                pending = None
    if not plausible:
        # Pairs of numbers that are something else: sizes, offsets.
        for at in bare:
            rows[at] = replace(rows[at], doubt="a pair of numbers that may be no version")
    yield from rows


def _pairs(
    code: str, start: int
) -> tuple[list[_Name], list[tuple[_Name, Version, re.Match[str], str]]]:
    """Return the names of a line, and those with a version behind them."""
    names: list[_Name] = []
    pairs: list[tuple[_Name, Version, re.Match[str], str]] = []
    name: _Name | None = None
    fresh = False
    for match in _TOKEN.finditer(code):
        if (found := _name(match)) is not None:
            name, fresh = found, True
            names.append(found)
        elif match["list"]:
            continue
        elif name is not None and (version := _version(match, start)) is not None:
            between = code[name.end : match.start()]
            compared = _COMPARED.match(code, match.end()) is not None
            if fresh and not compared and _is_link(between):
                if _SURE.fullmatch(_ARROW.sub(" ", between)) is None:
                    version = replace(version, start=-1, end=-1)
                pairs.append((name, version, match, ""))
            elif not fresh and pairs and pairs[-1][0] is name:
                pairs[-1] = (*pairs[-1][:3], "more than one version behind the name")
            fresh = False
    return names, pairs


def _is_link(between: str) -> bool:
    return (
        _BETWEEN.fullmatch(_ARROW.sub(" ", between)) is not None
        and _OTHER.search(between) is None
        and len(between) <= 160
    )


def _name(match: re.Match[str]) -> _Name | None:
    if match["name"]:
        return _Name(match["name"], None, False, match.end())
    if match["go"]:
        return _Name(match["go"], "helper", True, match.end())
    if match["list"] and (kind := KIND_OF.get(squash(match["list"]))):
        return _Name(f"{match['list']}.{match['member']}", kind, True, match.end())
    return None


def _version(match: re.Match[str], start: int) -> Version | None:
    if match["hex"]:
        number = int(match["hex"], 16)
        return Version(f"{number >> 16}.{number >> 8 & 255}", -1, -1)
    if match["first"]:
        kernel = match["first"].lower() == "kernel"
        if kernel is not (match["second"].lower() == "major"):
            return None
        return Version(f"{int(match['one'])}.{int(match['two'])}", -1, -1)
    group = next((name for name in ("quoted", "parts", "number") if match[name]), None)
    if group is None:
        return None
    quoted = '"{}"' if group == "number" else ""
    return Version(match[group], start + match.start(group), start + match.end(group), quoted)


def _below(code: str, start: int) -> Version | None:
    """Return the version of a line that says of what it is, as ``min_kernel: "5.17"`` does."""
    key = _KEY.match(code)
    if key is None or not heads_versions(key[1]):
        return None
    token = _TOKEN.search(code, key.end())
    return _version(token, start) if token is not None and _name(token) is None else None


def _row(name: _Name, version: Version, number: int, doubt: str) -> Stated:
    text = re.sub(r"^\w+\.", "", name.text) if name.kind != "helper" else name.text
    return Stated(text, version, number, name.kind, 0, (), name.go, "", doubt)


def _is_release(text: str) -> bool:
    major, minor = (int(part) for part in re.split(r"[ \t]*[.,][ \t]*", text)[:2])
    return minor <= _LAST.get(major, 30 if 2 <= major < 10 else -1)


def blank_comments(lines: Sequence[str], hashes: bool = False) -> Iterator[str]:
    """Yield the lines of a source with their comments blanked, so that offsets stay.

    :param hashes: whether a hash and a space begin a comment, too
    """
    inside = False
    for line in lines:
        parts: list[str] = []
        offset = 0
        while offset < len(line):
            if inside:
                end = line.find("*/", offset)
                inside = end < 0
                end = len(line) if inside else end + 2
                parts.append(" " * (end - offset))
            else:
                opened = _COMMENT.search(line, offset)
                end = len(line) if opened is None else opened.start()
                parts.append(line[offset:end])
                if opened is None or opened[0] == "//":
                    break
                inside = True
                parts.append("  ")
                end += 2
            offset = end
        code = "".join(parts)
        yield _HASH.sub("", code) if hashes else code
