"""What the tests of the core share: a real C compiler, timelines made from snapshots."""

import importlib.util
import io
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from helperhist.mining.events import find_events
from helperhist.mining.lines import find_spans, make_lines
from helperhist.mining.rows import build_rows
from helperhist.timeline import Fact, Metadata, Tag, Timeline
from helperhist.version import KernelVersion


def compiler() -> list[str]:
    """Return the command of a C compiler; skip the test where there is none."""
    for name in ("gcc", "clang", "cc"):
        if path := shutil.which(name):
            return [path]
    if importlib.util.find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-linux-gnu"]
    pytest.skip("needs a C compiler: gcc, clang or the package ziglang")


def compiled_values(folder: Path, prelude: str, expressions: Sequence[str]) -> list[int]:
    """Return the values of constant expressions as a compiler computes them, as 64 bits."""
    source, result = folder / "values.c", folder / "values.o"
    listed = ",\n".join(f"(unsigned long long)({expression})" for expression in expressions)
    source.write_text(f"{prelude}\nunsigned long long values[] = {{\n{listed}\n}};\n", "utf-8")
    done = subprocess.run(
        [*compiler(), "-std=gnu11", "-w", "-g0", "-fno-common", "-c", "-o", result, source],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    elf = ELFFile(io.BytesIO(result.read_bytes()))
    table = elf.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    symbol = (table.get_symbol_by_name("values") or [])[0]
    section = elf.get_section(symbol["st_shndx"])
    if section["sh_type"] == "SHT_NOBITS":
        return [0] * len(expressions)
    start = symbol["st_value"]
    data = section.data()[start : start + 8 * len(expressions)]
    order = "<" if elf.little_endian else ">"
    return list(struct.unpack(f"{order}{len(expressions)}Q", data))


def make_tag(name: str, date: str | None = None) -> Tag:
    return Tag(name, KernelVersion.parse(name), "", "", date, "include/uapi/linux/bpf.h", "")


def make_timeline(held: Mapping[str, Iterable[Fact]], *, complete: bool = True) -> Timeline:
    """Return the timeline of a history of which is given what each tag has."""
    tags = [make_tag(name, f"20{index // 12:02}-{index % 12 + 1:02}-01")
            for index, name in enumerate(held)]  # fmt: skip
    snapshots = {name: {entry.name: entry for entry in entries} for name, entries in held.items()}
    lines = make_lines(tags)
    spans = {line.series: find_spans(line, snapshots) for line in lines}
    events, names = find_events(lines, snapshots)
    rows = [
        replace(row, former_names=names.get(row.name, ()))
        for row in build_rows(lines, spans, complete=complete, prototypes={})
    ]
    ordered = sorted(tags, key=lambda tag: (tag.version, tag.name))
    listed = [span for line in lines for span in spans[line.series]]
    metadata = Metadata(source="test", tags=len(tags), newest=ordered[-1].name, kernel=True)
    return Timeline(metadata, rows, lambda: ordered, lambda: listed, lambda: events, lambda: ())


def helpers(*names: str, **numbers: int) -> list[Fact]:
    """Return helpers, numbered from 1 in the order given; others by keyword."""
    return [
        *(Fact.of("helper", f"bpf_{name}", number) for number, name in enumerate(names, 1)),
        *(Fact.of("helper", f"bpf_{name}", number) for name, number in numbers.items()),
    ]
