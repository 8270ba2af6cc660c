"""What one test in a kernel function says, as a condition.

The tests are those of the functions that choose helpers and judge programs; what is none of them
is a condition that was not read, and the same test is the same such condition.
"""

import re
from collections.abc import Callable, Sequence

from helperhist.errors import ParseError
from helperhist.sources.cexpr import And, Atom, Compare, Expr, Not, Or, call_of, read_expr
from helperhist.sources.condition import ALWAYS, NEVER, Condition
from helperhist.sources.ctokens import Token, is_word, tokenize

__all__ = ["atom", "compared", "enum_key", "guards_condition"]

# Members of struct bpf_prog and bpf_prog_aux, and functions, with one value of several.
_ENUM_MEMBERS = {
    "expected_attach_type": "attach",
    "attach_type": "attach",
    "type": "type",
    "attach_st_ops_member_off": "member",
}
_ENUM_CALLS = {"prog_ops_moff": "member", "resolve_prog_type": "type"}
_CAPABILITIES = {
    "bpf_capable": "CAP_BPF",
    "perfmon_capable": "CAP_PERFMON",
}
# Members that hold or do not; a program whose target is a program replaces or traces that one.
_FLAG_MEMBERS = {
    "sleepable": Condition.of("sleepable"),
    "dst_prog": Condition.of("target", "prog"),
    "linked_prog": Condition.of("target", "prog"),
}
_CAPABLE = frozenset(("capable", "bpf_token_capable", "ns_capable"))
_CONFIGS = frozenset(("IS_ENABLED", "IS_BUILTIN", "IS_REACHABLE", "IS_MODULE", "defined"))
_PROG = re.compile(r"prog|env->prog|prog->aux->prog|dst_prog")
# Attach type 0, for which a program that was loaded without one stands.
_FIRST_ATTACH = "BPF_CGROUP_INET_INGRESS"


def enum_key(tokens: Sequence[Token]) -> str | None:
    """Return the key of a condition that an expression's value is of: attach, type or member."""
    call = call_of(tokens)
    if call is not None:
        return _ENUM_CALLS.get(call[0])
    if not tokens or not all(is_word(token) or token in {"->", "."} for token in tokens):
        return None
    if len(tokens) == 1:
        return {"expected_attach_type": "attach", "attach_type": "attach", "prog_type": "type"}.get(
            tokens[0]
        )
    if tokens[-1] == "type" and tokens[-3] != "prog":
        return None
    return _ENUM_MEMBERS.get(tokens[-1])


def compared(key: str, value: Sequence[Token]) -> Condition:
    """Return the condition that a key has a value: a constant, or the offset of a member."""
    call = call_of(value)
    if key == "member" and call is not None and call[0] == "offsetof" and len(call[1]) == 2:
        return Condition.of("member", "".join(call[1][1]))
    prefix = {"type": "BPF_PROG_TYPE_", "attach": "BPF_"}.get(key, "")
    if len(value) == 1 and is_word(value[0]) and value[0].startswith(prefix):
        return Condition.of(key, str(value[0]))
    return Condition.unread(f"{key}=={' '.join(value)}")


def atom(expr: Atom | Compare) -> Condition:
    """Return the condition that one test is."""
    if isinstance(expr, Atom):
        return _truth(expr.tokens)
    left, right = expr.left, expr.right
    if expr.operator in {"==", "!="}:
        if enum_key(left) is None and enum_key(right) is not None:
            left, right = right, left
        key = enum_key(left)
        if key is not None:
            found = compared(key, right)
            return found if expr.operator == "==" else ~found
        if len(right) == 1 and right[0] in {"NULL", "0", "false"}:
            found = _truth(left)
            return ~found if expr.operator == "==" else found
    call = call_of(left)
    if call is not None and call[0] == "security_locked_down":
        permitted = Condition.of("lockdown")
        if (expr.operator, *right) in {("<", "0"), ("!=", "0")}:
            return ~permitted
        if (expr.operator, *right) in {(">=", "0"), ("==", "0")}:
            return permitted
    return Condition.unread("".join((*expr.left, expr.operator, *expr.right)))


def _truth(tokens: tuple[Token, ...]) -> Condition:
    """Return the condition that an expression is not zero."""
    if len(tokens) == 1 and tokens[0] in {"true", "1", "false", "0", "NULL"}:
        return ALWAYS if tokens[0] in {"true", "1"} else NEVER
    if len(tokens) > 2 and tokens[-1] in _FLAG_MEMBERS:
        return _FLAG_MEMBERS[tokens[-1]]
    if tokens[-3:] == ("attach_func_proto", "->", "type"):
        return Condition.of("hooks", "void", negated=True)
    key = enum_key(tokens)
    if key == "attach":
        return Condition.of("attach", _FIRST_ATTACH, negated=True)
    call = call_of(tokens)
    if call is None:
        return Condition.unread("".join(tokens))
    name, arguments = call
    if name in _CAPABILITIES:
        return Condition.of("cap", _CAPABILITIES[name])
    if name in _CAPABLE and arguments and len(arguments[-1]) == 1:
        return Condition.of("cap", str(arguments[-1][0]))
    if name in _CONFIGS and len(arguments) == 1 and len(arguments[0]) == 1:
        return _config(str(arguments[0][0]))
    if name == "security_locked_down":
        return ~Condition.of("lockdown")
    if name in {"IS_ERR", "IS_ERR_OR_NULL"}:
        return NEVER
    if name == "strncmp" and len(arguments) == 3 and len(arguments[1]) == 1:
        attached = "".join(arguments[0])
        if "attach_func_name" in attached or "attach_btf_id" in attached:
            prefix = arguments[1][0].strip('"')
            return Condition.of("hooks", f"{prefix}*", negated=True)
    if name == "btf_id_set_contains" and arguments and arguments[0][:1] == ["&"]:
        return Condition.of("hooks", "".join(arguments[0][1:]))
    if len(arguments) == 1:
        argument = "".join(arguments[0])
        if _PROG.fullmatch(argument) or enum_key(arguments[0]) == "type":
            return Condition.of("call", name)
        if argument.endswith("->attach_btf_id"):
            return Condition.of("hooks", name)
    return Condition.unread("".join(tokens))


def guards_condition(guards: Sequence[str]) -> Condition:
    """Return the condition that the preprocessor's conditions around a place are."""
    result = ALWAYS
    for guard in guards:
        result &= _guard(guard)
    return result


def _guard(guard: str) -> Condition:
    try:
        return _boolean(read_expr(tokenize(guard)), _macro)
    except ParseError:
        return Condition.unread(guard)


def _macro(expr: Atom | Compare) -> Condition:
    if isinstance(expr, Atom):
        call = call_of(expr.tokens)
        if call is not None or (len(expr.tokens) == 1 and expr.tokens[0] in {"0", "1"}):
            return _truth(expr.tokens)
        if len(expr.tokens) == 2 and expr.tokens[0] == "defined":
            return _config(str(expr.tokens[1]))
        if len(expr.tokens) == 1 and expr.tokens[0].startswith("CONFIG_"):
            return _config(str(expr.tokens[0]))
        return Condition.unread("".join(expr.tokens))
    return Condition.unread("".join((*expr.left, expr.operator, *expr.right)))


def _boolean(expr: Expr, meaning: Callable[[Atom | Compare], Condition]) -> Condition:
    match expr:
        case Not(inner):
            return ~_boolean(inner, meaning)
        case And(parts):
            result = ALWAYS
            for part in parts:
                result &= _boolean(part, meaning)
            return result
        case Or(parts):
            result = NEVER
            for part in parts:
                result |= _boolean(part, meaning)
            return result
        case Atom() | Compare():
            return meaning(expr)
        case _:
            return Condition.unread("conditional")


def _config(name: str) -> Condition:
    """Return the condition that a configuration has an option; other macros are not read."""
    name = name.removesuffix("_MODULE")
    return Condition.of("config", name) if name.startswith("CONFIG_") else Condition.unread(name)
