"""What no kernel loads, as text and JSON: why, and what to do about it."""

import textwrap
from collections.abc import Sequence
from typing import Any

from helperhist.check import Findings, Refusal
from helperhist.printable import printable
from helperhist.report.causes import LOADER_NAMES

__all__ = ["place", "reason", "refused_json", "remedy", "render_refused"]

_SHOWN = 12

#: Rule to why, and what to do; ``{given}`` and ``{wanted}`` are the refusal's.
_WORDS = {
    "key size": ("its keys have {given} bytes, must be {wanted}", "mend the definition"),
    "value size": ("its values have {given} bytes, must be {wanted}", "mend the definition"),
    "max_entries": ("max_entries is {given}, must be {wanted}", "leave max_entries out"),
    "flag missing": ("maps of this type need {wanted}", "add it to map_flags"),
    "flag refused": ("maps of this type refuse {given}", "take it out of map_flags"),
    "types missing": (
        "maps of this type need the BTF types of key and value",
        "use __type(key, ...) and __type(value, ...), and compile with -g",
    ),
    "prog array": (
        "programs of the types {given} use it, and an array takes programs of one type",
        "give each type an array of its own",
    ),
    "map type missing": ("its definition has no type", "add __uint(type, ...)"),
    "map number": ("{given} is not a number in its definition", "write __uint({given}, ...)"),
    "map field": ("{given} is not a member of map definitions", "remove it"),
    "map pinning": (
        "pinning {given} is a private value",
        "use LIBBPF_PIN_BY_NAME, or load it with the project's own loader",
    ),
    "static map": ("static maps are not supported", "make it global"),
    "legacy maps": (
        "libbpf from 1.0 on refuses the section `maps`",
        "define it in .maps; libbpf before 1.0 reads it",
    ),
    "static program": ("the program in {given} is static", "make it global"),
    "untyped program": (
        "its symbol has no type, so libbpf sees no program in {given}",
        "compile it with clang 8 or newer, or say `.type {program}, @function`",
    ),
    "context field": ("no kernel lets {wanted} programs read {given}", "do without it"),
    "context width": (
        "no kernel lets it read {given} with 8 bytes, must be {wanted}",
        "read it as a __u32",
    ),
    "arena missing": (
        "its variables are in an arena, and no map here is one",
        "link it with the part that defines the arena: bpftool gen object",
    ),
    "extern": (
        "{given} is defined in another part",
        "link the parts first: bpftool gen object",
    ),
    "license": (
        "{given} is for programs under a GPL-compatible license; this one has {wanted}",
        'declare one, say "Dual MIT/GPL", or do without the helper',
    ),
}


def reason(item: Refusal) -> str:
    """Say why it is refused."""
    wanted = item.wanted
    if item.rule == "license":
        wanted = repr(wanted) if wanted else "none"
    return _WORDS[item.rule][0].format(given=item.given, wanted=wanted)


def remedy(item: Refusal) -> str:
    """Say what to do, and which loader takes it as it is."""
    words = _WORDS[item.rule][1].format(given=item.given, program=item.program)
    if item.loaders:
        takes = "take" if len(item.loaders) > 1 else "takes"
        words += f"; {' and '.join(LOADER_NAMES[name] for name in item.loaders)} {takes} it"
        if "cilium" in item.loaders:
            words += " (--loader cilium)"
    return words


def render_refused(file: str, findings: Findings, width: int) -> str:
    """Return the answer for an object that no kernel loads with its loader."""
    if findings.loader == "raw" or all(item.rule == "license" for item in findings.refused):
        head = f"{file}: no, it does not load on any kernel"
    else:
        head = f"{file}: no, it does not load with {LOADER_NAMES[findings.loader]} on any kernel"
    lines = [head]
    for item in findings.refused[:_SHOWN]:
        text = printable(f"{place(item)}{reason(item)}; {remedy(item)}")
        lines += textwrap.wrap(
            text, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
        )
    if len(findings.refused) > _SHOWN:
        lines.append(f"  and {len(findings.refused) - _SHOWN} more")
    return "\n".join(lines)


def place(item: Refusal) -> str:
    """Return which map or program it is, in front of the reason; empty for the whole object."""
    if item.map is not None:
        return f"map {item.map}: "
    return f"program {item.program}: " if item.program is not None else ""


def refused_json(refused: Sequence[Refusal]) -> dict[str, Any]:
    """Return the documented members ``loadable`` and ``refused`` of an object's JSON."""
    return {
        "loadable": not refused,
        "refused": [
            {
                "map": item.map,
                "program": item.program,
                "rule": item.rule,
                "reason": reason(item),
                "remedy": remedy(item),
                "loaders": list(item.loaders),
            }
            for item in refused
        ],
    }
