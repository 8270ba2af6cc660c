"""How a generated header declares a kfunc, or why it cannot; nothing is guessed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from helperhist.errors import ParseError
from helperhist.header.comments import wrap
from helperhist.header.kfuncs.beside import Beside
from helperhist.header.kfuncs.choose import COMPILERS
from helperhist.header.kfuncs.forms import Form, find_forms, overlaps
from helperhist.header.kfuncs.renames import renames
from helperhist.header.kfuncs.signature import Function
from helperhist.header.kfuncs.written import OPAQUE, Call, declaration, names_of, own_type, wrapper
from helperhist.header.prototypes import KEYWORDS
from helperhist.timeline import Relation, Relations
from helperhist.version import KernelVersion

__all__ = ["Kfunc", "Setting", "declare"]

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
#: libbpf's bpf_helpers.h and bpf_core_read.h declare them, which a macro of their name would spoil.
_LIBBPF = frozenset((
    "bpf_iter_num_destroy", "bpf_iter_num_new", "bpf_iter_num_next", "bpf_rdonly_cast",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """What a header is for.

    :ivar low: the oldest kernel, or None
    :ivar high: the newest one, or None
    :ivar beside: what its vmlinux.h has; None where that is not known
    """

    low: KernelVersion | None = None
    high: KernelVersion | None = None
    beside: Beside | None = None


@dataclass(frozen=True, slots=True)
class Kfunc:
    """One kfunc as the template needs it.

    :ivar plain: its declaration with the types of a vmlinux.h; empty if that cannot stand
    :ivar whole: types that a vmlinux.h must define, not only declare, for a loader to find it
    :ivar tags: of all types in it
    :ivar symbols: what the wrapper calls: one of them is there where it can be called
    :ivar declarations: of them, with types of the header's own; empty if the plain one will do
    :ivar own: the definitions of those types
    :ivar wrapper: the lines of the function that programs call in its place
    """

    name: str
    since: KernelVersion
    comment: tuple[str, ...]
    plain: str = ""
    whole: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    declarations: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    wrapper: tuple[str, ...] = ()


def declare(relations: Relations, name: str, setting: Setting) -> Kfunc | KernelVersion | str:
    """Return a kfunc, or its release if that is too new, or why it cannot be declared."""
    (relation,) = relations.find("kfunc", name)
    prototypes = relations.find("kfunc_proto", name)
    if name == COMPILERS:
        return "it is for compilers, which call it themselves"
    if not _NAME.fullmatch(name) or name in KEYWORDS:
        return "its name is not one of C"
    if not prototypes:
        return "its prototype is not in the data"
    low, high = setting.low, setting.high
    if not any(overlaps(start, end, low, high) for start, end in relation.presences):
        return _elsewhere(relation, setting)
    try:
        history = find_forms(prototypes[0], relation)
        forms = find_forms(prototypes[0], relation, low, high)
        if not forms:
            return "its prototype in these releases is not in the data"
        head, calls = _calls(relations, forms, setting)
    except ParseError as error:
        return str(error)
    return _declared(relation, history, forms, head, calls, setting)


def _elsewhere(relation: Relation, setting: Setting) -> KernelVersion | str:
    since = KernelVersion.parse(relation.since)
    if setting.high is not None and since > setting.high:
        return since
    return f"removed in Linux {relation.removed}"


def _declared(
    relation: Relation,
    history: Sequence[Form],
    forms: Sequence[Form],
    head: Form,
    calls: Sequence[tuple[Form, Call]],
    setting: Setting,
) -> Kfunc:
    function, name, beside = head.function, relation.name, setting.beside
    arena = any(item.arena for item in function.types)
    alone = len(calls) == 1 and len({form.symbol for form in history}) == 1
    stable = alone and head.same and not arena and "___" not in name
    whole = tuple(tag for tag in function.tags if not tag.startswith("enum "))
    notes: list[str] = []
    if beside is not None:
        single = alone and not arena and "___" not in name
        plain, lacks = _beside(beside, function, single, whole)
        notes += [f"Your vmlinux.h {lacks}."] if lacks else []
        whole = tuple(tag for tag in whole if tag in beside.defined or tag in OPAQUE)
    else:
        plain = stable
    comment = _comment(relation, history, head, calls, notes)
    since = KernelVersion.parse(relation.since)
    first = Kfunc(name, since, comment)
    if plain or name in _LIBBPF:
        text = declaration(name, function, own=False)
        if beside is not None or not function.tags or name in _LIBBPF:
            return Kfunc(name, since, comment, text, whole, function.tags)
        mine = _owned(first, function, [(head, Call(name, function, names_of(function)))], ())
        return Kfunc(
            name, since, comment, text, whole, function.tags, mine.symbols, mine.declarations,
            mine.own, mine.wrapper,
        )  # fmt: skip
    return _owned(first, function, calls, forms)


def _beside(
    beside: Beside, function: Function, alone: bool, whole: Sequence[str]
) -> tuple[bool, str]:
    """Return whether the plain declaration can stand beside a vmlinux.h, and if not, why."""
    if function.name in beside.functions:
        there = beside.functions[function.name]
        if there is None or there.identity() != function.identity():
            return False, "declares it with other types"
        return alone, ""
    missing = [tag for tag in whole if tag not in beside.defined and tag not in OPAQUE]
    if missing:
        return False, f"does not define {', '.join(missing)}"
    return alone, ""


def _owned(
    first: Kfunc,
    function: Function,
    calls: Sequence[tuple[Form, Call]],
    forms: Sequence[Form],
) -> Kfunc:
    symbols = tuple(call.symbol for _, call in calls)
    # The forms that are not called by the plain name can be called by their own.
    declared = {call.symbol: call.function for _, call in calls}
    declared |= {form.symbol: form.function for form in forms}
    tags = {tag for item in declared.values() for tag in item.tags}
    return Kfunc(
        first.name,
        first.since,
        first.comment,
        tags=function.tags,
        symbols=symbols,
        declarations=tuple(declaration(*item, own=True) for item in declared.items()),
        own=tuple(own_type(tag) for tag in sorted(tags)),
        wrapper=tuple(wrapper(f"helperhist_{first.name}", function, [call for _, call in calls])),
    )


def _calls(
    relations: Relations, forms: Sequence[Form], setting: Setting
) -> tuple[Form, list[tuple[Form, Call]]]:
    """Return the form that programs call, and the calls that can be made for it, newest first."""
    found, missing = _reach(relations, forms[0], forms, setting)
    if not missing or setting.low is None:
        return forms[0], found
    # No call of the newest form is right on the oldest kernel, so that it is called as there.
    return forms[-1], _reach(relations, forms[-1], forms[-1:], setting)[0]


def _reach(
    relations: Relations, head: Form, forms: Sequence[Form], setting: Setting
) -> tuple[list[tuple[Form, Call]], bool]:
    function, missing = head.function, False
    found = [(head, Call(head.symbol, function, names_of(function)))]
    rows = renames(function.name)
    for form in forms:
        if form is head:
            continue
        call = None
        for row in rows:
            if row.other == function.name and row.release == form.until:
                call = _call(function, form, row.arguments, row.returns)
        if call is None and _same_parameters(function, form.function):
            call = _call(function, form, names_of(function))
        missing |= call is None
        found += [] if call is None else [(form, call)]
    for row in rows:
        for form in _forms_of(relations, row.other, setting) if row.other != function.name else ():
            call = _call(function, form, row.arguments, row.returns)
            found += [] if call is None else [(form, call)]
    found[1:] = sorted(found[1:], key=lambda one: KernelVersion.parse(one[0].since), reverse=True)
    return found, missing


def _forms_of(relations: Relations, name: str, setting: Setting) -> Iterator[Form]:
    flags = relations.find("kfunc", name)
    for prototypes in relations.find("kfunc_proto", name):
        yield from find_forms(prototypes, flags[0] if flags else None, setting.low, setting.high)


def _call(
    function: Function, form: Form, arguments: tuple[str, ...], returns: str = ""
) -> Call | None:
    """Return the call of another form, or None where it is not the same."""
    other = form.function
    if len(other.parameters) != len(arguments):
        return None
    nothing = ("void", 0)
    if function.returns.kind() not in (nothing, other.returns.kind()) and not returns:
        return None
    return Call(form.symbol, other, arguments, returns)


def _same_parameters(function: Function, other: Function) -> bool:
    one, two = function.parameters, other.parameters
    return [item.type.kind() for item in one] == [item.type.kind() for item in two]


def _comment(
    relation: Relation,
    history: Sequence[Form],
    head: Form,
    calls: Sequence[tuple[Form, Call]],
    notes: Sequence[str],
) -> tuple[str, ...]:
    text = f"{relation.name}: Linux {relation.since}"
    if relation.or_earlier:
        text += " or earlier: the data lacks what came before"
    elif relation.absent is not None:
        text += f" at the latest, later than {relation.absent}: what is between was not read"
    lines = wrap(text)
    if relation.introduction is not None:
        lines.append(f"Commit {relation.introduction.commit}")
    earlier = [(start, end) for start, end in relation.presences if start != relation.since]
    if earlier:
        lines += wrap("Before, from " + ", ".join(f"{a} until {b}" for a, b in earlier))
    if relation.removed is not None:
        seen = f", last seen in {relation.seen}" if relation.seen is not None else ""
        lines += wrap(f"Removed in Linux {relation.removed}{seen}")
    others = [form for form, _ in calls if form is not head]
    if len(history) > 1 or others:
        shown = sorted({*history, *(f for f, _ in calls)}, key=_order, reverse=True)
        for form in shown:
            ends = f" until {form.until}" if form.until is not None else " on"
            how = "" if form in [f for f, _ in calls] else ": not called by this name"
            lines += wrap(f"    {form.symbol} from {form.since}{ends}{how}")
    for note in notes:
        lines += wrap(note)
    return tuple(lines)


def _order(form: Form) -> KernelVersion:
    return KernelVersion.parse(form.since)
