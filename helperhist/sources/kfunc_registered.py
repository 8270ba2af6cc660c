"""Where sets of BTF ids are registered in one C file, and what they become part of."""

import re
from collections.abc import Iterator, Sequence

from helperhist.errors import ParseError
from helperhist.sources.cfile import Call, CFile
from helperhist.sources.cguards import is_dead
from helperhist.sources.cinit import item_fields, read_fields
from helperhist.sources.ctokens import Token, closing
from helperhist.sources.kfunc_records import Check, KfuncSet, Registration, StructOps, Twin
from helperhist.sources.source import Gap

__all__ = ["read_checks", "read_kfunc_sets", "read_registrations", "read_struct_ops", "read_twins"]

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
# The kernel's files have at most 20 registrations, and arrays of none.
_MAX_REGISTRATIONS = 512
_MAX_ARRAY = 1 << 12
_OFFSET = r"offsetof\(struct (\w+), ?(\w+)\)"
_MATCH = re.compile(rf"BUILD_BUG_ON\({_OFFSET} ?!= ?{_OFFSET}\)", re.ASCII)


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
    calls = file.calls(["register_btf_kfunc_id_set", "register_kfunc_btf_id_set"])
    for count, call in enumerate(calls):
        if count == _MAX_REGISTRATIONS:
            gaps.append(Gap("", file.line(call.at), "more registrations than this reads"))
            return
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
        for program_type, name in list(_registered(file, call)):
            yield Registration(program_type, name, "", guards)
        return
    names = [_NAME.fullmatch(argument) for argument in call.arguments]
    if names[0] is None or names[1] is None:
        raise ParseError(f"{call.name} of {call.arguments[1][:60]} is not known")
    yield Registration("", names[1][1], names[0][1], guards)


def _registered(file: CFile, call: Call) -> Iterator[tuple[str, str]]:
    """Iterate over the pairs that a call registers; in a loop, those of its arrays."""
    of_type, of_set = call.arguments
    array, pair = _array(of_type), _array(of_set)
    if array is not None and array == pair:
        for row in _rows(file, array, call.at):
            types, names = _values(row, types=True), _values(row, types=False)
            if len(types) != 1 or len(names) != 1:
                raise ParseError(f"a row of {array} has not one type and one set")
            yield types[0], names[0]
        return
    types = _choices(file, call, of_type, array, types=True)
    names = _choices(file, call, of_set, pair, types=False)
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


def _choices(
    file: CFile, call: Call, argument: str, array: str | None, *, types: bool
) -> list[str]:
    if array is not None:
        return [value for row in _rows(file, array, call.at) for value in _values(row, types=types)]
    if types and _TYPE.fullmatch(argument):
        return [argument]
    found = _NAME.fullmatch(argument)
    if types or found is None:
        raise ParseError(f"a registration for {argument[:60]} is not known")
    return [found[1]]


def _rows(file: CFile, array: str, at: int) -> list[tuple[Token, ...]]:
    """Return the elements of an array that a function uses: its own one, or the file's."""
    inside = outside = None
    around = next((item for item in file.functions() if item.body <= at <= item.end), None)
    for found in re.compile(rf"\b{array}\s*\[[^\]]*\]\s*=\s*\{{").finditer(file.bare, 0, at):
        if around is not None and found.start() >= around.body:
            inside = found.end()
        elif not any(item.body <= found.start() <= item.end for item in file.functions()):
            outside = found.end()
    start = inside or outside
    if start is None:
        raise ParseError(f"the array {array} of a registration is not in its file")
    tokens = file.tokens(start - 1, start + _MAX_ARRAY)
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


def read_twins(file: CFile) -> Iterator[Twin]:
    """Iterate over the members of two structs that a macro of the file says to have one offset."""
    macros = {}
    for define in file.defines:
        found = _MATCH.fullmatch(define.body)
        if found is not None and define.parameters == (found[2], found[4]):
            macros[define.name] = (found[1], found[3])
    for call in file.calls(sorted(macros)) if macros else ():
        if not call.directive and len(call.arguments) == 2:
            struct, other = macros[call.name]
            yield Twin(struct, call.arguments[0], other, call.arguments[1])
