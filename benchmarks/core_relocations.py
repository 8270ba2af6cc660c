"""Compare every CO-RE relocation with libbpf's debug log: run by hand, as root.

``python benchmarks/core_relocations.py LOADER OBJECT... [--btf FILE]``

LOADER is ``tests/vm/objects.c``, compiled and linked with a libbpf of your choice::

    gcc -O1 -o objects tests/vm/objects.c -lbpf -lelf -lz

It loads each object on the running kernel (nothing is attached) and prints what libbpf makes of
each relocation; ``--btf`` lets libbpf relocate against the BTF of another kernel, whatever the
load says then. The same relocations are resolved here and applied to the instructions, and each
number, refusal and poisoned instruction is compared. Exit code 1 if one differs.
"""

import argparse
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from helperhist.binary.btf import Btf
from helperhist.binary.insn import Insn, decode
from helperhist.binary.object import BpfObject, parse_object
from helperhist.errors import ParseError
from helperhist.kernel.core import Resolver
from helperhist.kernel.corepatch import POISON, Patched, patch
from helperhist.kernel.corespec import Target

_U64 = 0xFFFFFFFFFFFFFFFF
_SECTION = re.compile(r"sec '(.*)': found \d+ CO-RE relocations")
_RELO = re.compile(r"prog '.*': relo #(\d+): (.*)")
_START = re.compile(r"<(\w+)> \[")
_PATCHED = re.compile(r"patched insn #\d+ \((\S+)\) (imm|off|imm64|mem_sz) (\d+) -> (\d+)")
_POISONED = re.compile(r"substituting insn #\d+ w/ invalid insn")
#: Maps, calls and symbols have numbered relocations, too.
_OTHER = re.compile(r"poisoning insn|insn #\d+ (?:against|-->)|adjusted insn|found|could not find")
_CANDIDATE = re.compile(r"(?:non-)?matching candidate #\d+ ")


@dataclass(slots=True)
class Outcome:
    """What became of one relocation: the numbers put in, or words for why not."""

    section: str
    index: int
    kind: str = ""
    numbers: list[tuple[str, int, int]] = field(default_factory=list)
    state: str = ""
    text: str = ""


def read_log(log: str) -> Iterator[Outcome]:
    """Yield what libbpf's debug log says of each relocation, in its order."""
    section = ""
    now: Outcome | None = None
    for line in log.splitlines():
        if found := _SECTION.search(line):
            section = found[1]
            if now:
                yield now
            now = None
            continue
        found = _RELO.search(line)
        if not found or not section or _OTHER.match(found[2]):
            continue
        index, text = int(found[1]), found[2]
        if now is None or now.index != index or now.section != section:
            if now:
                yield now
            now = Outcome(section, index)
        if start := _START.match(text):
            now.kind = start[1]
        elif change := _PATCHED.match(text):
            now.numbers.append((change[2], int(change[3]), int(change[4])))
            now.state = "patched"
        elif _POISONED.match(text):
            now.state = "poisoned"
        elif text != "no matching targets found" and not _CANDIDATE.match(text):
            now.state, now.text = "refused", now.text or text
    if now:
        yield now


def ours(obj: BpfObject, outcomes: list[Outcome], target: Target) -> Iterator[Outcome]:
    """Yield what helperhist says of the same relocations."""
    assert obj.btf is not None
    resolver = Resolver(obj.btf, target)
    code: dict[str, list[Insn]] = {}
    for theirs in outcomes:
        name = theirs.section
        if name not in code:
            section = obj.elf.section(name)
            assert section is not None, name
            code[name] = decode(section.data, obj.elf.order)
        relo = obj.ext.relocations[name][theirs.index]
        at = relo.offset // 8
        resolution = resolver.resolve(relo)
        done = patch(code[name], at, resolution)
        mine = Outcome(name, theirs.index, theirs.kind)
        if done.refused:
            mine.state, mine.text = "refused", done.refused
        elif POISON in done.insns:
            mine.state, mine.text = "poisoned", resolution.reason
        else:
            mine.state = "patched"
            mine.numbers = list(numbers(code[name][at], done, resolution.local_size))
        yield mine
        code[name][at : at + len(done.insns)] = done.insns


def numbers(before: Insn, done: Patched, size: int) -> Iterator[tuple[str, int, int]]:
    """Yield what libbpf logs of a change: the field of the instruction, old and new number."""
    assert done.old is not None
    first = done.insns[0]
    if len(done.insns) == 2:
        new = first.imm & 0xFFFFFFFF | (done.insns[1].imm & 0xFFFFFFFF) << 32
        yield "imm64", done.old, new
    elif before.code & 7 in (4, 7):
        # libbpf logs the value that it was given, of which 32 bits are put in.
        yield "imm", done.old, first.imm & _U64
    else:
        yield "off", done.old, first.off & _U64
        if before.code != first.code:
            yield "mem_sz", size, {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}[first.code & 0x18]


def same(one: Outcome, other: Outcome) -> bool:
    """Whether two outcomes are the same; of an immediate, the 32 bits that count."""
    if one.state != other.state or len(one.numbers) != len(other.numbers):
        return False
    for (name, old, new), (_, mine_old, mine_new) in zip(one.numbers, other.numbers, strict=True):
        mask = 0xFFFFFFFF if name == "imm" else _U64
        if old & mask != mine_old & mask or new & mask != mine_new & mask:
            return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("loader")
    parser.add_argument("objects", nargs="+", type=Path)
    parser.add_argument("--btf", type=Path, default=Path("/sys/kernel/btf/vmlinux"))
    arguments = parser.parse_args()
    target = Target(Btf(arguments.btf.read_bytes()))
    kinds: Counter[str] = Counter()
    states: Counter[str] = Counter()
    differ = compared = silent = 0
    spent = 0.0
    for path in arguments.objects:
        command = [arguments.loader, "-d", "-b", str(arguments.btf), str(path)]
        log = subprocess.run(command, capture_output=True, check=False).stdout
        outcomes = list(read_log(log.decode("utf-8", "replace")))
        if not outcomes:
            silent += 1
            continue
        compared += 1
        start = time.perf_counter()
        try:
            results = list(ours(parse_object(path.read_bytes()), outcomes, target))
        except ParseError as error:
            print(f"{path}: {error}")
            differ += 1
            continue
        spent += time.perf_counter() - start
        for theirs, mine in zip(outcomes, results, strict=True):
            kinds[theirs.kind] += 1
            states[theirs.state] += 1
            if not same(theirs, mine):
                differ += 1
                print(f"{path}\n  libbpf     {theirs}\n  helperhist {mine}")
    total = sum(kinds.values())
    print(f"{compared} objects with relocations, {silent} of which libbpf logs none")
    print(f"{total} relocations, {differ} differ, {spent:.2f} s")
    print(dict(kinds.most_common()), dict(states.most_common()))
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main())
