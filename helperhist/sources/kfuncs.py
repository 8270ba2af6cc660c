"""Which kfuncs a kernel tree has, and which program types may call them.

A kfunc is what a set lists that is registered for a program type (``register_btf_kfunc_id_set``),
or that the ``check_kfunc_call`` of its verifier ops allows (5.13 to 5.17). Sets that are never
registered, or for ``fmod_ret`` only, list functions that no program can call.
"""

from collections.abc import Iterator, Mapping
from typing import get_args

from helperhist.sources.cfile import CFile, read_file
from helperhist.sources.kfunc_defs import (
    read_constants,
    read_definitions,
    read_functions,
    read_tables,
)
from helperhist.sources.kfunc_link import link_kfuncs
from helperhist.sources.kfunc_lists import read_aliases, read_list_macros, read_sets
from helperhist.sources.kfunc_records import Record, SetEntry
from helperhist.sources.kfunc_registered import (
    read_checks,
    read_kfunc_sets,
    read_registrations,
    read_struct_ops,
    read_twins,
)
from helperhist.sources.source import Gap, Piece
from helperhist.sources.tree_records import ProgramType, pack, unpack
from helperhist.timeline import Fact

__all__ = ["KfuncSource"]

_MARKS = (
    b"_kfunc",
    b"KFUNC",
    b"kfunc_btf_id_set",
    b"BTF_SET_START(",
    b"struct bpf_struct_ops ",
    b"u32 kfunc_id)",
    b"can_be_sleepable(",
    b"prog->aux->sleepable &&",
    b"BPF_PROG_TYPE(BPF_PROG_TYPE_",
)
# Before 6.3 no definition is marked; these are in other files than their sets.
_UNMARKED = (b"\nstruct tcp_congestion_ops ", b"\nstatic struct tcp_congestion_ops ")
#: One of these is in each of the marks.
_SHORT = (
    b"kfunc",
    b"KFUNC",
    b"BTF_SET_START(",
    b"bpf_struct_ops",
    b"sleepable",
    b"BPF_PROG_TYPE(",
    b"tcp_congestion_ops",
    b"crash_kexec(",
)
_ELSEWHERE = frozenset(("crash_kexec",))


class KfuncSource:
    """The kfuncs of a tree (``kfunc``), and who may call them (``kfunc_use``)."""

    name = "kfunc"
    version = 2
    #: Modules of the selftests (``tools/``) are in no kernel.
    roots = (
        "arch/",
        "block/",
        "crypto/",
        "drivers/",
        "fs/",
        "include/linux/",
        "include/net/",
        "io_uring/",
        "kernel/",
        "lib/",
        "mm/",
        "net/",
        "security/",
    )

    def wants(self, path: str, data: bytes) -> bool:
        """Tell whether a file may say something of kfuncs."""
        if not path.endswith((".c", ".h")):
            return False
        # Most files have none of the short ones, and each search takes its time.
        if not any(mark in data for mark in _SHORT):
            return False
        marks = (*_MARKS, *_UNMARKED, b"crash_kexec(struct pt_regs *regs)")
        return any(mark in data for mark in marks)

    def parse(self, path: str, data: bytes) -> Piece:
        """Read one file.

        :raises ParseError: when it is too large or nests too deeply to be read at all
        """
        gaps: list[Gap] = []
        unmarked = b"__bpf_kfunc" not in data and any(mark in data for mark in _UNMARKED)
        records = tuple(pack(record) for record in _records(read_file(data), unmarked, gaps))
        return Piece(records, tuple(gaps))

    def link(self, pieces: Mapping[str, Piece]) -> tuple[tuple[Fact, ...], tuple[Gap, ...]]:
        """Unite the pieces of one tree into facts: ``kfunc`` and ``kfunc_use``."""
        facts, gaps = link_kfuncs(
            {
                path: tuple(unpack(piece.records, *get_args(Record)))
                for path, piece in pieces.items()
            }
        )
        for path, piece in pieces.items():
            gaps += [Gap(path, gap.line, gap.what) for gap in piece.gaps]
        return tuple(sorted(facts)), tuple(sorted(gaps))


def _records(file: CFile, unmarked: bool, gaps: list[Gap]) -> Iterator[Record]:
    sets = list(read_sets(file, gaps))
    yield from sets
    if sets:
        yield from read_aliases(file)
    functions = list(read_functions(file))
    yield from functions
    words = {word for function in functions for word in function.body.split(" ")}
    rows = list(read_tables(file, words))
    yield from rows
    words.update(word for row in rows for word in row.value.split(" "))
    yield from read_constants(file, words)
    wanted = _ELSEWHERE.union(entry.name for entry in sets if isinstance(entry, SetEntry))
    yield from read_definitions(file, None if unmarked else wanted)
    yield from read_kfunc_sets(file)
    yield from read_registrations(file, gaps)
    yield from read_checks(file)
    yield from read_struct_ops(file)
    yield from read_twins(file)
    yield from read_list_macros(file)
    for call in file.calls(["BPF_PROG_TYPE"]):
        if not call.directive and len(call.arguments) >= 2:
            yield ProgramType(call.arguments[0], call.arguments[1])
