"""Sets of BTF ids in one C file, what they are part of, and where they are registered."""

import re
from collections.abc import Iterable, Iterator, Sequence

from helperhist.errors import ParseError
from helperhist.sources.cfile import Call, CFile, Define
from helperhist.sources.cguards import is_dead
from helperhist.sources.cinit import item_fields, read_fields
from helperhist.sources.ctokens import Token, closing, is_word, split, split_directive, tokenize
from helperhist.sources.kfunc_records import (
    Alias,
    Check,
    Entry,
    IdSet,
    KfuncSet,
    ListCall,
    ListUse,
    Registration,
    StructOps,
)
from helperhist.sources.source import Gap

__all__ = [
    "expand_list",
    "read_aliases",
    "read_checks",
    "read_kfunc_sets",
    "read_list_macros",
    "read_registrations",
    "read_sets",
    "read_struct_ops",
]

# BTF_SET_START: commit 5a2798ab32ba ("bpf: Add BTF_ID_LIST/BTF_ID/BTF_ID_UNUSED macros") of 5.9;
# BTF_SET8: a4703e318432 ("bpf: Switch to new kfunc flags infrastructure") of 6.0;
# BTF_KFUNCS: a05e90427ef6 ("bpf: btf: Add BTF_KFUNCS_START/END macro pair") of 6.9.
_START = re.compile(r"\bBTF_(SET|SET8|KFUNCS)_START(?:_GLOBAL)?[ \t]*\([ \t]*(\w+)[ \t]*\)")
# 5.18 and 5.19: a set for each flag, whose kernels name no flags (include/linux/btf.h).
_FLAGGED = {
    "acquire_set": "KF_ACQUIRE",
    "release_set": "KF_RELEASE",
    "ret_null_set": "KF_RET_NULL",
    "kptr_acquire_set": "KF_KPTR_GET",
}
_TYPE = re.compile(r"BPF_PROG_TYPE_\w+", re.ASCII)
_NAME = re.compile(r"&? ?(\w+)", re.ASCII)
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def read_sets(file: CFile, gaps: list[Gap]) -> Iterator[IdSet | Entry | ListUse]:
    """Iterate over the sets of BTF ids that a file defines, each followed by its entries.

    :param gaps: gets what a set has that is not known; such a set is left out
    """
    for found in _START.finditer(file.bare):
        if file.in_directive(found.start()):
            continue
        kind, name = found.groups()
        end = re.compile(rf"\bBTF_{kind}_END\s*\(\s*{name}\s*\)").search(file.bare, found.end())
        line = file.line(found.start())
        if end is None:
            gaps.append(Gap("", line, f"the set {name} has no end"))
            continue
        try:
            entries = list(_entries(file, name, file.tokens(found.end(), end.start())))
        except ParseError as error:
            gaps.append(Gap("", line, str(error)))
        else:
            yield IdSet(name)
            yield from entries


def _entries(file: CFile, name: str, tokens: Sequence[Token]) -> Iterator[Entry | ListUse]:
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


def _entry(name: str, arguments: Sequence[Sequence[str]], guards: tuple[str, ...]) -> Entry | None:
    words = [part[0] if len(part) == 1 else "" for part in arguments[:2]]
    if len(words) < 2 or not words[1] or not is_word(words[1]):
        raise ParseError(f"the set {name} has an entry without a name")
    if words[0] != "func":
        # BTF_ID(struct, task_struct): a set of types.
        return None
    flags = [token for part in arguments[2:] for token in part if token not in ("|", "(", ")", "0")]
    if not all(is_word(flag) for flag in flags):
        raise ParseError(f"the set {name} has flags of {words[1]} that are not names")
    return Entry(name, words[1], tuple(sorted({str(flag) for flag in flags})), guards)


def expand_list(use: ListUse, calls: Iterable[ListCall]) -> Iterator[Entry]:
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


def read_kfunc_sets(file: CFile) -> Iterator[KfuncSet]:
    """Iterate over the ``struct btf_kfunc_id_set`` objects of a file.

    5.16 and 5.17: ``DEFINE_KFUNC_BTF_ID_SET(&ids, name)``, commit 14f267d95fe4 ("bpf:
    btf: Introduce helpers for dynamic BTF set registration").
    """
    for item in file.objects():
        if "btf_kfunc_id_set" not in item.words or is_dead(item.guards):
            continue
        members = {}
        for field in item_fields(file, item):
            if name := _NAME.fullmatch(" ".join(field.value)):
                members[field.name] = name[1]
        flagged = [(flag, members[name]) for name, flag in _FLAGGED.items() if name in members]
        ids = members.get("set") or members.get("check_set", "")
        yield KfuncSet(item.name, ids, members.get("filter", ""), sum(flagged, ()))
    for call in file.calls(["DEFINE_KFUNC_BTF_ID_SET"]):
        if not call.directive and len(call.arguments) == 2:
            yield KfuncSet(call.arguments[1], call.arguments[0].removeprefix("& "), "")


def read_registrations(file: CFile, gaps: list[Gap]) -> Iterator[Registration]:
    """Iterate over the registrations of sets for a program type or, in 5.16, on a list.

    :param gaps: gets those of which the type or the set cannot be told
    """
    for call in file.calls(["register_btf_kfunc_id_set", "register_kfunc_btf_id_set"]):
        guards = file.guards(call.at)
        first = call.arguments[0] if call.arguments else ""
        if call.directive or is_dead(guards) or first.startswith(("enum ", "struct ")):
            # The function itself, and its declaration.
            continue
        try:
            yield from _registrations(file, call, guards)
        except ParseError as error:
            gaps.append(Gap("", file.line(call.at), str(error)))


def _registrations(file: CFile, call: Call, guards: tuple[str, ...]) -> Iterator[Registration]:
    if len(call.arguments) != 2:
        raise ParseError(f"{call.name} with {len(call.arguments)} arguments is not known")
    if call.name == "register_btf_kfunc_id_set":
        for program_type, name in list(_registered(file, *call.arguments)):
            yield Registration(program_type, name, "", guards)
        return
    names = [_NAME.fullmatch(argument) for argument in call.arguments]
    if names[0] is None or names[1] is None:
        raise ParseError(f"{call.name} of {call.arguments[1][:60]} is not known")
    yield Registration("", names[1][1], names[0][1], guards)


def _registered(file: CFile, of_type: str, of_set: str) -> Iterator[tuple[str, str]]:
    """Iterate over the pairs that a call registers; in a loop, those of its arrays."""
    array, pair = _array(of_type), _array(of_set)
    if array is not None and array == pair:
        for row in _rows(file, array):
            types, names = _values(row, types=True), _values(row, types=False)
            if len(types) != 1 or len(names) != 1:
                raise ParseError(f"a row of {array} has not one type and one set")
            yield types[0], names[0]
        return
    types = _choices(file, of_type, array, types=True)
    names = _choices(file, of_set, pair, types=False)
    if array is not None and pair is not None:
        if len(types) != len(names):
            raise ParseError(f"{array} and {pair} have different lengths")
        yield from zip(types, names, strict=True)
        return
    yield from ((program_type, name) for program_type in types for name in names)


def _array(argument: str) -> str | None:
    """Return the array that an argument takes an element of: ``sets [ i ] . set``."""
    found = re.fullmatch(r"&? ?(\w+) \[.*", argument, re.DOTALL)
    return None if found is None else found[1]


def _choices(file: CFile, argument: str, array: str | None, *, types: bool) -> list[str]:
    if array is not None:
        return [value for row in _rows(file, array) for value in _values(row, types=types)]
    if types and _TYPE.fullmatch(argument):
        return [argument]
    found = _NAME.fullmatch(argument)
    if types or found is None:
        raise ParseError(f"a registration for {argument[:60]} is not known")
    return [found[1]]


def _rows(file: CFile, array: str) -> list[tuple[Token, ...]]:
    found = re.compile(rf"\b{array}\s*\[[^\]]*\]\s*=\s*\{{").search(file.bare)
    if found is None:
        raise ParseError(f"the array {array} of a registration is not in its file")
    tokens = file.tokens(found.end() - 1)
    fields = read_fields(tokens[1 : closing(tokens, 0)])
    return [field.value for field in fields]


def _values(row: Sequence[str], *, types: bool) -> list[str]:
    if types:
        return [str(token) for token in row if _TYPE.fullmatch(token)]
    return [
        str(token)
        for before, token in zip(("", *row), row, strict=False)
        if _WORD.fullmatch(token) and not _TYPE.fullmatch(token) and before != "."
    ]


def read_checks(file: CFile) -> Iterator[Check]:
    """Iterate over the verifier ops of 5.13 to 5.17 that have a function to check kfuncs.

    Commit e6ac2450d6de ("bpf: Support bpf program calling kernel function").
    """
    for item in file.objects():
        if "bpf_verifier_ops" in item.words:
            for field in item_fields(file, item):
                if field.name == "check_kfunc_call" and len(field.value) == 1:
                    yield Check(item.name, str(field.value[0]), file.guards(field.at))


def read_struct_ops(file: CFile) -> Iterator[StructOps]:
    """Iterate over the ``struct bpf_struct_ops`` objects of a file."""
    for item in file.objects():
        if "bpf_struct_ops" in item.words:
            members = {field.name: " ".join(field.value) for field in item_fields(file, item)}
            struct = members.get("name", "").strip('"')
            if _WORD.fullmatch(struct):
                ops = members.get("verifier_ops", "").removeprefix("& ")
                yield StructOps(item.name, struct, ops)
