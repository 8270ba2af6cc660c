"""C files of a small kernel of our own, written from what they should say.

Each rule of a helper is a list of conditions, all of which must hold; each has several spellings.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import TraceFunction

ATTACH = ("BPF_A", "BPF_B", "BPF_C", "BPF_D")


@dataclass(frozen=True)
class Need:
    """One condition: its canonical text, and how C says it."""

    text: str

    @property
    def key(self) -> str:
        return self.text.lstrip("!").split("=")[0]

    @property
    def values(self) -> list[str]:
        return self.text.split("=")[1].lstrip("!").split("|")

    @property
    def negated(self) -> bool:
        return "!" in self.text


@dataclass(frozen=True)
class Rule:
    """That a helper may be called where all needs are met."""

    helper: str
    needs: tuple[Need, ...] = ()

    @property
    def text(self) -> str:
        return ";".join(
            sorted((need.text for need in self.needs), key=lambda text: text.replace("!", ""))
        )


class Writer:
    """Writes functions that choose prototypes, each time in another spelling."""

    def __init__(self, random: Random, *, old: bool = False) -> None:
        self._random = random
        self._old = old

    def chooser(
        self, name: str, rules: Sequence[Rule], base: str = "", *, words: str = "static"
    ) -> str:
        """Return a function with a case for each rule that asks ``base`` for all others."""
        ident = self._random.choice(("func_id", "which"))
        program = "" if self._old else ", const struct bpf_prog *prog"
        argument = "" if self._old else ", prog"
        before, default = "", "return NULL;"
        if base:
            call = f"{base}({ident}{argument})"
            if self._random.random() < 0.5:
                default = f"return {call};"
            else:
                before = f"fn = {call};\n\tif (fn)\n\t\treturn fn;"
        cases = "\n".join(self._case(rule) for rule in rules)
        if self._random.random() < 0.3:
            cases, default = f"{cases}\n\tdefault:\n\t\tbreak;", ""
            after = f"return {call};" if base and not before else "return NULL;"
        else:
            cases, after = f"{cases}\n\tdefault:\n\t\t{default}", ""
        return f"""
{words} const struct bpf_func_proto *
{name}(enum bpf_func_id {ident}{program})
{{
\tconst struct bpf_func_proto *fn; /* one {"{"} of braces */

\t{before}
\tswitch ({ident}) {{
{cases}
\t}}
\t{after}
}}
"""

    def _case(self, rule: Rule) -> str:
        configs = [need for need in rule.needs if need.key == "config"]
        others = [need for need in rule.needs if need.key != "config"]
        text = f"\tcase BPF_FUNC_{rule.helper.removeprefix('bpf_')}:\n"
        text += self._body(others, f"&{rule.helper}_proto")
        for need in configs:
            text = f"{self._ifdef(need)}\n{text}\n#endif"
        return text

    def _ifdef(self, need: Need) -> str:
        (name,) = need.values
        if need.negated:
            return self._random.choice((f"#ifndef {name}", f"#if !IS_ENABLED({name})"))
        return self._random.choice(
            (f"#ifdef {name}", f"#if defined({name})", f"# if IS_ENABLED( {name} )")
        )

    def _body(self, needs: Sequence[Need], value: str) -> str:
        if not needs:
            return self._random.choice(
                (f"\t\treturn {value};", f"\t\tfn = {value};\n\t\treturn fn;")
            )
        need, *rest = needs
        if need.key == "attach" and self._random.random() < 0.5:
            labels = "\n".join(f"\t\tcase {name}:" for name in need.values)
            inner = self._body(rest, value)
            yes, no = (inner, "\t\t\treturn NULL;")
            if need.negated:
                yes, no = no, yes
            return f"""\t\tswitch (prog->expected_attach_type) {{
{labels}
{yes}
\t\tdefault:
{no}
\t\t}}"""
        test, opposite = self._test(need)
        style = self._random.randrange(5)
        if style == 0 and not rest:
            return f"\t\treturn {test} ? {value} : NULL;"
        if style == 1 and not rest:
            return f"\t\treturn ({opposite}) ? NULL : {value};"
        inner = self._body(rest, value)
        if style == 2:
            return f"\t\tif ({test}) {{\n{inner}\n\t\t}}\n\t\treturn NULL;"
        if style == 3:
            return f"\t\tif ({test})\n\t\t\t;\n\t\telse\n\t\t\treturn NULL;\n{inner}"
        return f"\t\tif ({opposite})\n\t\t\treturn NULL;\n{inner}"

    def _test(self, need: Need) -> tuple[str, str]:
        """Return C that is true where a need is met, and C that is true where it is not."""
        yes, no = self._positive(need)
        return (no, yes) if need.negated else (yes, no)

    def _positive(self, need: Need) -> tuple[str, str]:
        match need.key:
            case "attach":
                member = "prog->expected_attach_type"
                yes = " || ".join(f"{member} == {name}" for name in need.values)
                no = " && ".join(f"{name} != {member}" for name in need.values)
                return f"({yes})", no
            case "cap":
                (name,) = need.values
                calls = [f"bpf_token_capable(prog->aux->token, {name})", f"capable({name})"]
                if name == "CAP_PERFMON":
                    calls.append("perfmon_capable()")
                call = self._random.choice(calls)
                return call, f"!{call}"
            case "lockdown":
                call = "security_locked_down(LOCKDOWN_BPF_READ_KERNEL)"
                return f"{call} >= 0", self._random.choice((f"{call} < 0", call))
            case "sleepable":
                member = self._random.choice(("prog->sleepable", "prog->aux->sleepable"))
                return member, f"!{member}"
            case _:
                raise AssertionError(need.key)


def protos(helpers: Sequence[str], fields: Mapping[str, str] | None = None) -> str:
    """Return an object of ``struct bpf_func_proto`` for each helper, with more fields for some."""
    more = fields or {}
    return "\n".join(
        f"""
BPF_CALL_1({name}, u64, x)
{{
\treturn x ? '{{' : 0; // "}}"
}}

const struct bpf_func_proto {name}_proto = {{
\t.func\t\t= {name},
\t.ret_type\t= RET_INTEGER,
\t.arg1_type\t= ARG_ANYTHING,
\t{more.get(name, "")}
}};"""
        for name in helpers
    )


def ops(name: str, function: str) -> str:
    """Return an object of ``struct bpf_verifier_ops``."""
    return f"""
const struct bpf_verifier_ops {name} = {{
\t.get_func_proto\t\t= {function},
\t.is_valid_access\t= sk_is_valid_access,
}};
"""


def types(names: Mapping[str, str]) -> str:
    """Return ``bpf_types.h`` with a name for each program type."""
    lines = "\n".join(
        f"BPF_PROG_TYPE({kind}, {name},\n\t      struct __sk_buff, struct sk_buff)"
        for kind, name in names.items()
    )
    return f"/* all types */\n\n#ifdef CONFIG_NET\n{lines}\n#endif\n"


def steps(action: Callable[[], None]) -> int:
    """Count the lines of Python and the calls that an action takes."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> "TraceFunction":
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count
