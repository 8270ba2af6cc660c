"""Sets of BTF ids in one C file: the names that they list, themselves or by a macro."""

import re
from collections.abc import Iterable, Iterator, Sequence

from helperhist.errors import ParseError
from helperhist.sources.cfile import CFile, Define
from helperhist.sources.cguards import is_dead
from helperhist.sources.ctokens import Token, closing, is_word, split, split_directive, tokenize
from helperhist.sources.kfunc_records import Alias, IdSet, ListCall, ListUse, SetEntry
from helperhist.sources.source import Gap

__all__ = ["expand_list", "read_aliases", "read_list_macros", "read_sets"]

# BTF_SET_START: commit eae2e83e6263 ("bpf: Add BTF_SET_START/END macros") of 5.10;
# BTF_SET8: ab21d6063c01 ("bpf: Introduce 8-byte BTF set") of 6.0;
# BTF_KFUNCS: a05e90427ef6 ("bpf: btf: Add BTF_KFUNCS_START/END macro pair") of 6.9.
_MARK = re.compile(
    r"\bBTF_(SET|SET8|KFUNCS)_(START|END)(?:_GLOBAL)?[ \t]*\([ \t]*(\w+)[ \t]*\)", re.ASCII
)
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def read_sets(file: CFile, gaps: list[Gap]) -> Iterator[IdSet | SetEntry | ListUse]:
    """Iterate over the sets of BTF ids that a file defines, each followed by its entries.

    :param gaps: gets what a set has that is not known; such a set is left out
    """
    for name, start, end in _spans(file, gaps):
        try:
            entries = list(_entries(file, name, file.tokens(start, end)))
        except ParseError as error:
            gaps.append(Gap("", file.line(start - 1), str(error)))
        else:
            yield IdSet(name)
            yield from entries


def _spans(file: CFile, gaps: list[Gap]) -> Iterator[tuple[str, int, int]]:
    """Iterate over the sets: their names, and where their entries start and end."""
    opened: re.Match[str] | None = None
    for found in _MARK.finditer(file.bare):
        if file.in_directive(found.start()):
            continue
        if opened is not None:
            kind, _, name = opened.groups()
            if found.groups() == (kind, "END", name):
                yield name, opened.end(), found.start()
            else:
                gaps.append(Gap("", file.line(opened.start()), f"the set {name} has no end"))
        opened = found if found[2] == "START" else None
    if opened is not None:
        gaps.append(Gap("", file.line(opened.start()), f"the set {opened[3]} has no end"))


def _entries(file: CFile, name: str, tokens: Sequence[Token]) -> Iterator[SetEntry | ListUse]:
    defined: dict[str, tuple[tuple[str, ...], str]] = {}
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.startswith("#"):
            _local_define(token, defined)
            at += 1
            continue
        if token == ";":
            # Behind the entries of bpf_strcmp() and others, since 6.17.
            at += 1
            continue
        if not is_word(token):
            raise ParseError(f"the set {name} has {token!r}, which is not known there")
        arguments: list[list[Token]] = []
        called = at + 1 < len(tokens) and tokens[at + 1] == "("
        end = at
        if called:
            end = closing(tokens, at + 1)
            arguments = split(tokens[at + 2 : end], ",")
        at = end + 1
        guards = file.guards(token.at)
        if is_dead(guards) or token == "BTF_ID_UNUSED":
            continue
        if token in ("BTF_ID", "BTF_ID_FLAGS") and called:
            entry = _entry(name, arguments, guards)
            if entry is not None:
                yield entry
        elif not called and len(defined) == 1:
            ((element, (parameters, body)),) = defined.items()
            yield ListUse(name, str(token), element, parameters, body, guards)
        else:
            raise ParseError(f"the set {name} uses {token}, which is not known there")


def _local_define(line: str, defined: dict[str, tuple[tuple[str, ...], str]]) -> None:
    word, text = split_directive(line)
    if word == "undef":
        defined.pop(text, None)
    elif word == "define":
        found = re.fullmatch(r"(\w+)\(([^()]*)\)\s*(.*)", text, re.DOTALL | re.ASCII)
        if found is not None:
            parameters = tuple(part.strip() for part in found[2].split(","))
            defined[found[1]] = (parameters, found[3])


def _entry(
    name: str, arguments: Sequence[Sequence[str]], guards: tuple[str, ...]
) -> SetEntry | None:
    words = [part[0] if len(part) == 1 else "" for part in arguments[:2]]
    if len(words) < 2 or not words[1] or not is_word(words[1]):
        raise ParseError(f"the set {name} has an entry without a name")
    if words[0] != "func":
        # BTF_ID(struct, task_struct): a set of types.
        return None
    flags = [token for part in arguments[2:] for token in part if token not in ("|", "(", ")", "0")]
    if not all(is_word(flag) for flag in flags):
        raise ParseError(f"the set {name} has flags of {words[1]} that are not names")
    return SetEntry(name, words[1], tuple(sorted({str(flag) for flag in flags})), guards)


def expand_list(use: ListUse, calls: Iterable[ListCall]) -> Iterator[SetEntry]:
    """Iterate over the entries that a list's macro stands for.

    :param calls: that the macro consists of
    :raises ParseError: when it calls another macro than the set defines
    """
    body = tokenize(use.body)
    for call in calls:
        if call.element != use.element or len(call.arguments) != len(use.parameters):
            raise ParseError(f"{use.macro} calls {call.element} in a way that is not known")
        values = dict(zip(use.parameters, call.arguments, strict=True))
        tokens = [values.get(token, str(token)) for token in body]
        if tokens[:2] not in (["BTF_ID_FLAGS", "("], ["BTF_ID", "("]) or tokens[-1] != ")":
            raise ParseError(f"{use.element} is no entry of a set")
        parts: list[list[str]] = [[]]
        for token in tokens[2:-1]:
            if token == ",":
                parts.append([])
            else:
                parts[-1].append(token)
        entry = _entry(use.id_set, parts, use.guards)
        if entry is not None:
            yield entry


def read_list_macros(file: CFile) -> Iterator[ListCall]:
    """Iterate over the calls in the macros of a file whose bodies are calls of one other.

    Those of kfuncs say so in their names; a file has many that define numbers.
    """
    for define in file.defines:
        if define.parameters is None and "KFUNC" in define.name and "(" in define.body:
            yield from _calls_of_one(define)


def _calls_of_one(define: Define) -> list[ListCall]:
    tokens = tokenize(define.body)
    at = 0
    calls = []
    while at < len(tokens):
        if tokens[at] != tokens[0] or not is_word(tokens[at]) or tokens[at + 1 : at + 2] != ["("]:
            return []
        end = closing(tokens, at + 1)
        arguments = tuple(" ".join(part) for part in split(tokens[at + 2 : end], ","))
        calls.append(ListCall(define.name, str(tokens[0]), arguments))
        at = end + 1
    return calls


def read_aliases(file: CFile) -> Iterator[Alias]:
    """Iterate over the macros of a file that stand for one other name."""
    for define in file.defines:
        if define.parameters is None and _WORD.fullmatch(define.body):
            yield Alias(define.name, define.body)
