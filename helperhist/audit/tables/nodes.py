"""YAML and JSON as trees that know where in the file each scalar stands."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from helperhist.errors import ParseError

if TYPE_CHECKING:
    import yaml

__all__ = ["Node", "parse_json", "parse_yaml"]

_TOKEN = re.compile(
    r"""[ \t\r\n]*
    (?: (?P<string> "(?:[^"\\]|\\.)*+" )
      | (?P<bare> [-+.0-9A-Za-z]+ )
      | (?P<sign> [][{},:] )
    )""",
    re.VERBOSE | re.DOTALL,
)
_MAX_DEPTH = 64


@dataclass(slots=True)
class Node:
    """A scalar (``text``), a list (``items``) or a mapping (``pairs``).

    :ivar start: offset of the scalar's text in the file, without quotes; ``end`` that after it
    :ivar number: for a number that is not quoted, how to write it as a text: see ``Version``
    """

    line: int
    start: int = 0
    end: int = 0
    text: str | None = None
    number: str = ""
    items: "list[Node]" = field(default_factory=list)
    pairs: "list[tuple[Node, Node]]" = field(default_factory=list)

    def get(self, *keys: str) -> "Node | None":
        """Return the value of the first of some keys that a mapping has."""
        return next((value for key in keys for name, value in self.pairs if name.text == key), None)


def parse_yaml(text: str, what: str) -> Node:
    """Parse one YAML document. Scalars keep their text: ``6.10`` stays that, and is no 6.1.

    :raises ParseError: it is no YAML, or holds more than one document
    """
    import yaml  # only such tables need it

    # The C parser is several times faster; a wheel of pyyaml has it, a build without libyaml not.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # The two loaders count a byte order mark differently.
    body = text.removeprefix("\ufeff")
    try:
        _check_depth(body, what, loader)
        root = yaml.compose(body, loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f":{mark.line + 1}"
        raise ParseError(f"{what}{line}: no YAML: {error.problem or error.context}") from error
    except UnicodeEncodeError as error:
        number = body.count("\n", 0, error.start) + 1
        raise ParseError(f"{what}:{number}: no UTF-8; YAML is") from error
    except yaml.YAMLError as error:
        raise ParseError(f"{what}: no YAML: {str(error).splitlines()[0]}") from error
    if root is None:
        raise ParseError(f"{what}: an empty document; nothing to audit")
    return _from_yaml(root, body, len(text) - len(body), {})


def _check_depth(text: str, what: str, loader: type) -> None:
    import yaml  # only such tables need it

    # Composing is recursive, in C without a guard.
    depth = 0
    for event in yaml.parse(text, loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise ParseError(f"{what}:{line}: nested more than {_MAX_DEPTH} deep; no table is")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _from_yaml(node: "yaml.Node", text: str, shift: int, done: dict[int, Node]) -> Node:
    """Convert a node; what aliases repeat is one object, converted once."""
    import yaml  # only such tables need it

    known = done.get(id(node))
    if known is not None:
        return known
    start, end = node.start_mark.index, node.end_mark.index
    result = Node(node.start_mark.line + 1)
    done[id(node)] = result
    if isinstance(node, yaml.ScalarNode):
        result.text = node.value
        if node.style in ("'", '"'):
            start, end = start + 1, end - 1
        elif node.tag == "tag:yaml.org,2002:float":
            result.number = "v{}"
        # Folded, escaped or tagged, it does not stand there as it reads: leave it alone.
        as_read = text[start:end] == node.value
        result.start, result.end = (start + shift, end + shift) if as_read else (-1, -1)
    elif isinstance(node, yaml.SequenceNode):
        result.items = [_from_yaml(item, text, shift, done) for item in node.value]
    elif isinstance(node, yaml.MappingNode):
        result.pairs = [
            (_from_yaml(key, text, shift, done), _from_yaml(value, text, shift, done))
            for key, value in node.value
        ]
    return result


def parse_json(text: str, what: str) -> Node:
    """Parse JSON.

    :raises ParseError: it is no JSON
    """
    body = text.removeprefix("\ufeff")
    try:
        json.loads(body)
    except json.JSONDecodeError as error:
        raise ParseError(f"{what}:{error.lineno}: no JSON: {error.msg}") from error
    except RecursionError as error:
        raise ParseError(f"{what}: nested too deep; no table is") from error
    except ValueError as error:
        raise ParseError(f"{what}: no JSON: {error}") from error
    return _from_tokens(_tokens(body, len(text) - len(body)), what)


def _tokens(text: str, shift: int) -> Iterator[tuple[str, Node]]:
    """Yield the signs and scalars of valid JSON."""
    offset, line = 0, 1
    while (match := _TOKEN.match(text, offset)) is not None:
        kind = match.lastgroup or ""
        line += text.count("\n", offset, match.start(kind))
        start, end = match.span(kind)
        offset = match.end()
        if kind == "sign":
            yield match[kind], Node(line)
        elif kind == "string":
            node = Node(line, start + 1 + shift, end - 1 + shift, json.loads(match[kind]))
            if node.text != text[start + 1 : end - 1]:
                node.start = node.end = -1
            yield "scalar", node
        else:
            number = '"{}"' if match[kind][0] in "-0123456789" else ""
            yield "scalar", Node(line, start + shift, end + shift, match[kind], number)


def _from_tokens(tokens: Iterator[tuple[str, Node]], what: str) -> Node:
    root = Node(1)
    stack = [root]
    keys: list[Node | None] = [None]

    def add(node: Node) -> None:
        key = keys[-1]
        if key is None:
            stack[-1].items.append(node)
        else:
            stack[-1].pairs.append((key, node))
            keys[-1] = None

    pending: Node | None = None
    for sign, node in tokens:
        if sign == ":":
            keys[-1], pending = pending, None
        elif sign == "scalar":
            if pending is not None:
                add(pending)
            pending = node
        else:
            if pending is not None:
                add(pending)
                pending = None
            if sign in "[{":
                if len(stack) > _MAX_DEPTH:
                    raise ParseError(
                        f"{what}:{node.line}: nested more than {_MAX_DEPTH} deep; no table is"
                    )
                add(node)
                stack.append(node)
                keys.append(None)
            elif sign in "]}":
                stack.pop()
                keys.pop()
    if pending is not None:
        add(pending)
    return root.items[0]
