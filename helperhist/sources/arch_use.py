"""Which features of BPF the JIT compiler of an architecture has.

An architecture overrides the weak ``bpf_jit_supports_*()`` of ``kernel/bpf/core.c``, and defines
``arch_prepare_bpf_trampoline()``, without which no tracing program attaches to a function.
"""

import re
from collections.abc import Iterator, Mapping

from helperhist.sources.atoms import guards_condition
from helperhist.sources.cfile import CFile, read_file
from helperhist.sources.cguards import is_dead
from helperhist.sources.condition import ALWAYS, NEVER, Condition
from helperhist.sources.source import Gap, Piece
from helperhist.timeline import Fact

__all__ = ["ArchUseSource"]

_SUPPORTS = "bpf_jit_supports_"
_TRAMPOLINE = "arch_prepare_bpf_trampoline"
_PLACE = re.compile(r"arch/(\w+)/net/(\w+)\.c", re.ASCII)
# Architectures of which 32 and 64 bits have JIT compilers of their own, by the file's last letters
# (the Makefiles beside them); bpf_jit_comp.c of x86 is the one for 64 bits.
_WIDTHS = frozenset(("mips", "parisc", "powerpc", "riscv", "sparc", "x86"))
_64BIT = "CONFIG_64BIT"


class ArchUseSource:
    """Features of JIT compilers by architecture (``arch_use``)."""

    name = "arch_use"
    version = 1
    roots = ("arch/",)

    def wants(self, path: str, data: bytes) -> bool:
        """Tell whether a file is part of a JIT compiler that has one of the features."""
        if _PLACE.fullmatch(path) is None:
            return False
        return _SUPPORTS.encode() in data or _TRAMPOLINE.encode() in data

    def parse(self, path: str, data: bytes) -> Piece:
        """Read one file: records are a feature and its condition.

        :raises ParseError: when it is too large or nests too deeply to be read at all
        """
        return Piece(tuple((name, str(found)) for name, found in _features(read_file(data))))

    def link(self, pieces: Mapping[str, Piece]) -> tuple[tuple[Fact, ...], tuple[Gap, ...]]:
        """Unite the pieces of one tree into facts: a feature, an architecture, a condition."""
        found: dict[tuple[str, str], Condition] = {}
        gaps = []
        for path, piece in pieces.items():
            gaps += [Gap(path, gap.line, gap.what) for gap in piece.gaps]
            place = _PLACE.fullmatch(path)
            if place is None:
                continue
            for name, text in piece.records:
                key = (name, place[1])
                condition = _width(place[1], place[2]) & Condition.parse(text)
                found[key] = found.get(key, NEVER) | condition
        facts = [
            Fact("arch_use", name, arch, str(condition.collapse()))
            for (name, arch), condition in found.items()
            if not condition.never
        ]
        return tuple(sorted(facts)), tuple(sorted(gaps))


def _features(file: CFile) -> Iterator[tuple[str, Condition]]:
    for item in file.functions():
        if is_dead(item.guards) or "static" in item.words or "__weak" in item.words:
            continue
        compiled = guards_condition(item.guards)
        if item.name == _TRAMPOLINE:
            yield "trampoline", compiled
        elif item.name.startswith(_SUPPORTS):
            tokens = [str(token) for token in file.tokens(item.body, item.end)]
            yield item.name.removeprefix(_SUPPORTS), compiled & _returned(tokens)


def _returned(tokens: list[str]) -> Condition:
    """Return when a function of one statement returns true; others are not read."""
    if tokens[:1] != ["return"] or tokens[-1] != ";" or tokens.count(";") != 1:
        return Condition.unread("body")
    match tokens[1:-1]:
        case ["true"]:
            return ALWAYS
        case ["false"]:
            return NEVER
        case expression:
            return guards_condition([" ".join(expression)])


def _width(arch: str, stem: str) -> Condition:
    if arch not in _WIDTHS:
        return ALWAYS
    if stem.endswith("32"):
        return Condition.of("config", _64BIT, negated=True)
    if stem.endswith("64") or (arch, stem) == ("x86", "bpf_jit_comp"):
        return Condition.of("config", _64BIT)
    return ALWAYS
