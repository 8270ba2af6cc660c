"""Functions of one C file that kfuncs depend on: their definitions, and what decides on calls."""

import re
from collections.abc import Collection, Iterator

from helperhist.errors import ParseError
from helperhist.sources.ccode import read_code, source_of
from helperhist.sources.cevaluate import evaluate_constant
from helperhist.sources.cexpressions import parse_expression
from helperhist.sources.cfile import CFile, Item
from helperhist.sources.cguards import is_dead
from helperhist.sources.cinit import item_fields
from helperhist.sources.coperators import Undecided
from helperhist.sources.ctokens import closing, split
from helperhist.sources.kfunc_records import Definition, Row
from helperhist.sources.sleepers import SLEEPERS, read_old_sleepable
from helperhist.sources.tree_records import Code, Constant

__all__ = ["read_constants", "read_definitions", "read_functions", "read_tables"]

# The switch of hooks (5.18), what may be sleepable, where iterators over tasks may be used (6.7),
# and which kfuncs need a program that is bound to a device (6.3).
_KNOWN = frozenset(
    (
        "bpf_dev_bound_kfunc_id",
        "bpf_prog_type_to_kfunc_hook",
        SLEEPERS,
        "check_css_task_iter_allowlist",
    )
)
_FILTER = re.compile(r"const struct bpf_prog \* \w+", re.ASCII)
_CHECK = re.compile(r"u32 \w+", re.ASCII)
_DESIGNATOR = re.compile(r"\[\w+\((?:struct\w+,)?(\w+)\)", re.ASCII)
_ATTRIBUTE = re.compile(r"__(?!(?:[usi]|le|be)\d+$|sum16$|wsum$|poll_t$|kernel_)\w+", re.ASCII)
_NOT_TYPES = frozenset(
    "asmlinkage extern inline noinline notrace static noinline_for_stack __bpf_kfunc".split(" ")
)
_TAGGED = (["struct"], ["union"], ["enum"])


def read_definitions(file: CFile, wanted: Collection[str] | None) -> Iterator[Definition]:
    """Iterate over the functions that are marked as kfuncs, and those that are wanted.

    :param wanted: names of functions that need no mark; None is all
    """
    for item in file.functions():
        marked = "__bpf_kfunc" in item.words
        if not item.name or is_dead(item.guards):
            continue
        if marked or wanted is None or item.name in wanted:
            yield _definition(item, marked)


def _definition(item: Item, marked: bool) -> Definition:
    returns = _spelling([word for word in item.words if word not in _NOT_TYPES])
    parameters = [_spelling(list(map(str, part))) for part in item.parameters]
    if parameters == ["void"]:
        parameters = []
    return Definition(item.name, returns, tuple(parameters), "__bpf_kfunc" * marked, item.guards)


def _spelling(tokens: list[str]) -> str:
    """Return tokens as the kernel's style spaces them: ``const struct sk_buff *skb``.

    Attributes (``__user``, ``__attribute__((x))``) say nothing of the type.
    """
    text = ""
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if _ATTRIBUTE.fullmatch(token) and tokens[at - 1 : at] not in _TAGGED:
            if tokens[at + 1 : at + 2] == ["("]:
                at = closing(tokens, at + 1)
        else:
            tight = text.endswith(("*", "(", "[")) or token in (")", "[", "]", ",")
            tight = tight or (token == "(" and text.endswith(")"))
            text += token if tight or not text else f" {token}"
        at += 1
    return text


def read_functions(file: CFile) -> Iterator[Code]:
    """Iterate over the functions that decide which program may call what, and those they call.

    They are known by name or by their parameters, as ``btf_kfunc_filter_t`` has them: a filter
    (e924e80ee6a3, "bpf: Add kfunc filter function to 'struct btf_kfunc_id_set'"), or a check of
    5.13 to 5.17.
    """
    yield from read_code(file, lambda item: _decides(file, item))
    yield from read_old_sleepable(file)


def _decides(file: CFile, item: Item) -> bool:
    if item.name in _KNOWN:
        return True
    if item.words[-1:] not in (("int",), ("bool",)) or not 1 <= len(item.parameters) <= 2:
        return False
    parameters = [" ".join(part) for part in item.parameters]
    if len(parameters) == 1 and _FILTER.fullmatch(parameters[0]):
        # What filters of other files ask, as bpf_prog_is_binfmt_misc_ops() of 7.3.
        return "->st_ops" in file.bare[item.body : item.end]
    if len(parameters) == 2 and _FILTER.fullmatch(parameters[0]):
        return _CHECK.fullmatch(parameters[1]) is not None
    if not _CHECK.fullmatch(parameters[0]):
        return False
    return "btf_id_set_contains" in file.bare[item.body : item.end]


def read_tables(file: CFile, names: Collection[str]) -> Iterator[Row]:
    """Iterate over the elements of arrays that members of a struct_ops index.

    ``[SCX_OP_IDX(enqueue)] = A | B`` and ``[offsetof(struct x, enqueue) / 8] = A``.
    """
    for item in file.objects():
        if item.name in names:
            for field in item_fields(file, item):
                if member := _DESIGNATOR.match(field.name):
                    yield Row(item.name, member[1], source_of(field.value))


def read_constants(file: CFile, names: Collection[str]) -> Iterator[Constant]:
    """Iterate over the enumerators of a file that are among some names, with their values."""
    for item in file.items:
        if item.kind != "type" or "enum" not in (*item.words, item.name):
            continue
        following: int | None = 0
        known: dict[str, int] = {}
        for part in split(file.tokens(item.body, item.end), ","):
            tokens = [str(token) for token in part if not token.startswith("#")]
            if not tokens:
                continue
            if tokens[1:2] == ["="]:
                try:
                    following = evaluate_constant(parse_expression(tokens[2:]), known)
                except (ParseError, Undecided):
                    following = None
            if following is not None:
                known[tokens[0]] = following
                following += 1
        yield from (Constant(name, str(value)) for name, value in known.items() if name in names)
