"""What stands before the braces of a definition: its kind, name, words and parameters."""

from collections.abc import Sequence

from helperhist.sources.ctokens import Token, is_word, opening, split

__all__ = ["head_kind", "read_head"]

_TYPES = frozenset(("struct", "union", "enum"))


def head_kind(head: str) -> str:
    """Tell by what stands before its brace what a definition is."""
    head = head.rstrip("\\ \t\n")
    if head.endswith("="):
        return "object"
    last = head.rsplit(None, 2)[-2:]
    if _TYPES & set(last) or ")" not in head:
        return "type"
    return "function"


def read_head(
    kind: str, tokens: list[Token]
) -> tuple[str, tuple[str, ...], tuple[tuple[Token, ...], ...]]:
    """Return name, words before it, and parameters of a definition."""
    if kind == "function":
        return _function_head(tokens)
    if kind == "object":
        end = len(tokens) - 1
        while end > 0 and tokens[end - 1] in {"]", ")"}:
            # An array's bounds, or an attribute behind the name (__aligned(8)).
            end = opening(tokens, end - 1)
            if tokens[end] == "(":
                end -= 1
        while end > 1 and tokens[end - 1].startswith("__") and is_word(tokens[end - 2]):
            end -= 1
        if end < 1:
            return "", (), ()
        return str(tokens[end - 1]), _words(tokens, end - 1), ()
    name = str(tokens[-1]) if len(tokens) > 1 and is_word(tokens[-1]) else ""
    return name, _words(tokens, max(len(tokens) - 1, 0)), ()


def _function_head(
    tokens: list[Token],
) -> tuple[str, tuple[str, ...], tuple[tuple[Token, ...], ...]]:
    end = len(tokens)
    while end > 0:
        if tokens[end - 1] != ")":
            end -= 1
            continue
        start = opening(tokens, end - 1)
        name = start - 1
        if name < 0 or not is_word(tokens[name]):
            end = start
            continue
        if name > 0 and tokens[name - 1] == ")" and tokens[name].startswith("__"):
            end = name  # an attribute behind the parameters: __releases(lock)
            continue
        inside = tokens[start + 1 : end - 1]
        parameters = tuple(tuple(part) for part in split(inside, ",")) if inside else ()
        return str(tokens[name]), _words(tokens, name), parameters
    return "", (), ()


def _words(tokens: Sequence[Token], end: int) -> tuple[str, ...]:
    """Return the words and asterisks before a name, back to the previous statement."""
    words: list[str] = []
    at = end - 1
    while at >= 0:
        token = tokens[at]
        if is_word(token) or token == "*":
            words.append(str(token))
        elif token == ")":
            # An attribute among the words: __printf(1, 2), __attribute__((x)).
            at = opening(tokens, at) - 1
            if at < 0 or not tokens[at].startswith("__"):
                break
            words.append(str(tokens[at]))
        else:
            break
        at -= 1
    return tuple(reversed(words))
