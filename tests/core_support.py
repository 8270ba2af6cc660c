"""What the tests of the parsers share: a real C compiler."""

import importlib.util
import io
import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection


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
