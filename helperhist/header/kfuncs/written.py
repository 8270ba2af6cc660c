"""C code for a kfunc: its declarations, and the function that picks the form that a kernel has."""

from collections.abc import Sequence
from dataclasses import dataclass

from helperhist.header.kfuncs.signature import CType, Function, Parameter
from helperhist.header.prototypes import KEYWORDS

__all__ = ["OPAQUE", "Call", "declaration", "names_of", "own_type", "wrapper"]

#: Types of the UAPI that programs have in maps or on their stack, as mainline's bpf.h defines them.
OPAQUE = {
    f"struct bpf_{name}": f"struct bpf_{name} {{ __u{bits} __opaque[{count}]; }} "
    f"__attribute__((aligned({bits // 8})));"
    for name, bits, count in (
        ("dynptr", 64, 2), ("iter_num", 64, 1), ("list_head", 64, 2), ("list_node", 64, 3),
        ("rb_node", 64, 4), ("rb_root", 64, 2), ("refcount", 32, 1), ("task_work", 64, 1),
        ("timer", 64, 2), ("wq", 64, 2),
    )
}  # fmt: skip

OWN = "___helperhist"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one form.

    :ivar symbol: what is called
    :ivar arguments: C expressions; the names of parameters are those of the function that calls
    :ivar returns: what the call stands for, if it returns nothing where the caller does
    """

    symbol: str
    function: Function
    arguments: tuple[str, ...]
    returns: str = ""


def own_type(tag: str) -> str:
    """Return the definition of a type of the header's own that stands for one of the kernel.

    A loader takes a type that is only declared for another one than the kernel's, so that what
    the headers may lack is defined here, under a name that nobody else uses.
    """
    if tag.startswith("enum "):
        return f"{tag}{OWN} {{ {tag.partition(' ')[2]}{OWN}_0 }};"
    return f"{tag}{OWN} {{ char opaque; }};"


def _type(kind: CType, own: bool) -> str:
    """Return a type that a declarator can follow."""
    base = kind.base + (OWN if own and kind.tag else "")
    if base == "_Bool":
        base = "HELPERHIST_BOOL"
    const, arena = "const " if kind.const else "", " HELPERHIST_ARENA" if kind.arena else ""
    return f"{const}{base}{arena} {'*' * kind.stars}"


def _declarator(item: CType | Function, name: str, own: bool) -> str:
    if isinstance(item, Function):
        inner = ", ".join(_declarator(one.type, "", own).rstrip() for one in item.parameters)
        return f"{_type(item.returns, own)}(*{name})({inner or 'void'})"
    return f"{_type(item, own)}{name}"


def _name(item: Parameter, at: int) -> str:
    name = item.name or f"argument{at}"
    return f"{name}_" if name in KEYWORDS else name


def names_of(function: Function) -> tuple[str, ...]:
    """Return the names of the parameters as they are declared."""
    return tuple(_name(item, at) for at, item in enumerate(function.parameters, 1))


def declaration(symbol: str, function: Function, own: bool) -> str:
    """Return the declaration of a function of the kernel."""
    names = names_of(function)
    inner = ", ".join(
        _declarator(item.type, name, own)
        for item, name in zip(function.parameters, names, strict=True)
    )
    return f"extern {_type(function.returns, own)}{symbol}({inner or 'void'}) HELPERHIST_KSYM;"


def _seen(kind: CType | Function) -> CType | Function:
    """Return the type of a parameter for programs: enums may be unknown to them."""
    if isinstance(kind, CType) and kind.base.startswith("enum "):
        return CType("void" if kind.stars else "unsigned int", kind.const, kind.stars)
    return kind


def wrapper(symbol: str, function: Function, calls: Sequence[Call]) -> list[str]:
    """Return the lines of a function that makes the first call whose kfunc is there.

    The last call is made without a question: if it is not there either, the verifier says so.
    """
    names = names_of(function)
    inner = ", ".join(
        _declarator(_seen(item.type), name, False)
        for item, name in zip(function.parameters, names, strict=True)
    )
    returns = function.returns
    lines = [f"HELPERHIST_INLINE {_type(returns, False)}{symbol}({inner or 'void'})", "{"]
    for at, call in enumerate(calls):
        last = at == len(calls) - 1
        text = f"{call.symbol}({', '.join(_arguments(function, names, call))})"
        if returns.kind() == ("void", 0):
            body = f"{text};" if last else f"{{ {text}; return; }}"
        elif call.returns:
            body = f"{text};\n\treturn {call.returns};"
            body = body if last else f"{{ {text}; return {call.returns}; }}"
        else:
            cast = f"({_type(returns, False).rstrip()}) " if returns.tag else ""
            body = f"return {cast}{text};"
        lines.append(f"\t{body}" if last else f"\tif (HELPERHIST_FOUND({call.symbol}))\n\t\t{body}")
    return "\n".join([*lines, "}"]).split("\n")


def _arguments(function: Function, names: Sequence[str], call: Call) -> list[str]:
    """Return the arguments of a call, each as what is declared."""
    given = {
        item.name: (name, item.type) for item, name in zip(function.parameters, names, strict=True)
    }
    found = []
    for text, item in zip(call.arguments, call.function.parameters, strict=True):
        name, wanted = text, item.type
        if isinstance(wanted, Function) or wanted.tag:
            name = f"({_declarator(wanted, '', True).rstrip()}) {name}"
        elif wanted.stars and text not in given:
            # A zero, which C++ does not take for a pointer.
            name = f"(void *) {name}"
        found.append(name)
    return found
