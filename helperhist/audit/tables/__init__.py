"""Tables of names and kernel versions as people keep them: bytes in, rows out."""

import json
import re
from collections.abc import Callable, Iterator, Mapping

from helperhist.audit.tables.code import read_code
from helperhist.audit.tables.delimited import find_delimiter, read_delimited
from helperhist.audit.tables.markdown import has_list, is_rule, read_markdown
from helperhist.audit.tables.markup import (
    find_markup,
    read_asciidoc,
    read_html,
    read_org,
    read_rst,
)
from helperhist.audit.tables.model import Stated, Version
from helperhist.audit.tables.source import find_language, read_c, read_go
from helperhist.audit.tables.structured import read_json, read_yaml
from helperhist.binary import describe
from helperhist.errors import ParseError

__all__ = ["FORMATS", "MAX_TABLE_BYTES", "Stated", "Version", "decode", "read_table"]

#: Tables larger than this are refused; the largest of those in the README has 0.1 MB.
MAX_TABLE_BYTES = 4 << 20

#: Format to its reader.
FORMATS: Mapping[str, Callable[[str, str], Iterator[Stated]]] = {
    "bcc": read_markdown,
    "ebpf-docs": read_yaml,
    "csv": read_delimited,
    "json": read_json,
    "go": read_go,
    "c": read_c,
    "code": read_code,
    "rst": read_rst,
    "org": read_org,
    "asciidoc": read_asciidoc,
    "html": read_html,
}

_PACKAGE = re.compile(r"package[ \t]+\w+[ \t]*(?://.*)?\r?", re.ASCII)
_YAML = re.compile(r"[ \t]*(?:-[ \t]+)?[\w.\"'-]+[ \t]*:(?:[ \t].*)?\r?", re.ASCII)
_REMARK = re.compile(r"[ \t]*(?:#.*|//.*|/\*.*|\*.*|---)?\r?")


def decode(data: bytes, what: str) -> str:
    """Return the text of a table; bytes that are no UTF-8 survive a way there and back.

    :raises ParseError: it is too large, or no text
    """
    if len(data) > MAX_TABLE_BYTES:
        raise ParseError(
            f"{what} has more than {MAX_TABLE_BYTES >> 20} MiB, too much for a table kept by hand; "
            "cut the table out of it"
        )
    if b"\0" in data[: 1 << 16]:
        raise ParseError(f"{what} is {describe(data)}; audit reads tables and source code")
    return data.decode("utf-8", "surrogateescape")


def read_table(text: str, what: str, form: str = "auto") -> tuple[str, tuple[Stated, ...]]:
    """Return the format of a table, and its rows in the order of the file.

    :param what: names the file in errors
    :param form: one of ``FORMATS``; ``auto`` tells it from the content
    :raises ParseError: the table is malformed, or nothing in the file is one
    """
    chosen = _recognise(text, what) if form == "auto" else form
    rows = tuple(FORMATS[chosen](text, what))
    if not rows:
        raise ParseError(
            f"{what} has no row with a name and a version (read as {chosen}); "
            f"give another --input-format ({', '.join(FORMATS)})"
        )
    return chosen, rows


def _recognise(text: str, what: str) -> str:
    """Tell the format of a table from its content."""
    body = text.removeprefix("\ufeff").lstrip()
    braces = body[:1] in ("{", "[")
    if braces and _is_json(body):
        return "json"
    lines = text.removeprefix("\ufeff").split("\n")
    first = next((line for line in lines if _REMARK.fullmatch(line) is None), "")
    if _PACKAGE.fullmatch(first):
        return "go"
    if any(is_rule(line) for line in lines) or has_list(lines):
        return "bcc"
    if (markup := find_markup(text)) is not None and not _is_code(lines):
        return markup
    if find_delimiter(text) is not None:
        return "csv"
    # Before YAML: a line of Go without its file looks like one of YAML.
    language = find_language(text, what)
    if language is not None and not _is_yaml(lines):
        return language
    if braces:
        # It is refused with the line that is wrong.
        return "json"
    if _YAML.fullmatch(first):
        return "ebpf-docs"
    raise ParseError(
        f"cannot tell what {what} is; give --input-format ({', '.join(FORMATS)}) if it has a table"
    )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_code(lines: list[str]) -> bool:
    """Whether a text has lines that end as statements do; their comments may hold tables."""
    return sum(line.rstrip().endswith((";", "{", "}")) for line in lines) > len(lines) // 4


def _is_yaml(lines: list[str]) -> bool:
    """Whether each line that says something is one of YAML."""
    said = [line for line in lines if _REMARK.fullmatch(line) is None]
    return all(_YAML.fullmatch(line) for line in said)
