"""A BPF object: its programs and functions, and what each of them refers to."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from helperhist.binary import elf as elf_
from helperhist.binary.btf import Btf
from helperhist.binary.btfext import BtfExt, CoreRelo, LineInfo, parse_btf_ext
from helperhist.binary.btfkinds import Kind
from helperhist.binary.elf import Elf, Relocation, Symbol, parse_elf
from helperhist.binary.insn import SIZE, Insn, decode
from helperhist.binary.loaders import RELOCATING, Choice, choose_loader
from helperhist.binary.maps import Map, read_maps
from helperhist.binary.sections import ProgramKind, program_kind
from helperhist.errors import ParseError
from helperhist.printable import readable

__all__ = ["BpfObject", "Extern", "Function", "parse_object"]

TEXT = ".text"
#: Of a function in what is said of it; a megabyte of instructions may have as many findings.
_SHOWN = 256


@dataclass(slots=True, eq=False)
class Function:
    """A program, or a function that programs call.

    :ivar start: index of its first instruction in the section
    :ivar relocations: by index of the instruction in the function
    :ivar relos: CO-RE relocations, likewise
    :ivar exported: whether the kernel verifies it alone: global, and not hidden
    :ivar kind: what its section says, None for functions and unknown sections
    :ivar program: whether the loader takes it for a program
    :ivar type: id of its FUNC in BTF, 0 if it has none
    """

    name: str
    section: str
    section_index: int
    start: int
    insns: list[Insn]
    exported: bool = False
    kind: ProgramKind | None = None
    program: bool = False
    type: int = 0
    relocations: dict[int, Relocation] = field(default_factory=dict)
    relos: dict[int, CoreRelo] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Extern:
    """A symbol that the kernel, or the loader, provides.

    :ivar kind: ``kfunc``, ``kconfig``, ``ksym`` (untyped) or ``typed ksym``
    """

    name: str
    kind: str
    weak: bool


class BpfObject:
    """A BPF object as its loader sees it."""

    def __init__(self, data: bytes, loader: str = "libbpf") -> None:
        """Read an object; use :func:`parse_object`."""
        self.elf: Elf = parse_elf(data)
        self.choice = Choice(loader)
        if loader == "auto":
            self.choice = choose_loader(self.elf, self._sections_with_programs())
        self.loader = self.choice.loader
        #: Whether the loader resolves CO-RE relocations and answers checks for existence.
        self.relocates = self.loader in RELOCATING
        self.btf: Btf | None = None
        self.ext = BtfExt({}, {}, {})
        self._read_btf()
        self.license = self._license()
        self.maps: tuple[Map, ...] = read_maps(self.elf, self.btf)
        self.data_sections = frozenset(
            item.index
            for item in self.elf.sections
            if item.name.startswith((".data", ".rodata", ".bss")) and item.flags & elf_.SHF_ALLOC
        )
        self._map_at = {(item.section, item.offset): item for item in self.maps}
        self._map_sections = frozenset(item.section for item in self.maps)
        self._externs = self._read_externs()
        self.functions = tuple(self._read_functions())
        self._function_at = {(item.section_index, item.start): item for item in self.functions}
        self._mark_programs()

    def _sections_with_programs(self) -> Iterator[str]:
        for section in self.elf.sections:
            if section.executable and section.name != TEXT:
                symbols = self.elf.symbols_of(section.index)
                if any(item.bind != elf_.STB_LOCAL and item.name for item in symbols):
                    yield section.name

    def _read_btf(self) -> None:
        section = self.elf.section(".BTF")
        if section is None or not section.data:
            return
        self.btf = Btf(section.data)
        extension = self.elf.section(".BTF.ext")
        if extension is not None and extension.data:
            self.ext = parse_btf_ext(extension.data, self.btf)

    def _license(self) -> str | None:
        section = self.elf.section("license")
        if section is None:
            return None
        return readable(section.data.split(b"\0")[0][:200])

    def _read_externs(self) -> dict[str, Extern]:
        """Return the symbols without a definition; BTF tells what they are."""
        kinds: dict[str, str] = {}
        if self.btf is not None:
            for section in (".kconfig", ".ksyms"):
                for item in self.btf.find(section, Kind.DATASEC):
                    for member in self.btf.type(item).members:
                        found = self.btf.type(member.type)
                        if found.kind == Kind.FUNC:
                            kinds[found.name] = "kfunc"
                        elif section == ".kconfig":
                            kinds[found.name] = "kconfig"
                        else:
                            void = self.btf.strip(found.type).kind == Kind.VOID
                            kinds[found.name] = "ksym" if void else "typed ksym"
        return {
            item.name: Extern(item.name, kinds.get(item.name, ""), item.bind == elf_.STB_WEAK)
            for item in self.elf.symbols_of(elf_.SHN_UNDEF)
            if item.name
        }

    def _read_functions(self) -> Iterator[Function]:
        for section in self.elf.sections:
            if not section.executable:
                continue
            insns = decode(section.data, self.elf.order)
            spots = self._spots(section.index, len(insns))
            for symbol, start, end in spots:
                function = Function(
                    _shown(symbol.name or section.name),
                    section.name,
                    section.index,
                    start,
                    insns[start:end],
                    exported=symbol.bind != elf_.STB_LOCAL and symbol.visibility in (0, 3),
                )
                yield function

    def _spots(self, section: int, count: int) -> list[tuple[Symbol, int, int]]:
        """Return the functions of a section, with their first instruction and the one after."""
        here = self.elf.symbols_of(section)
        # Old compilers, and assemblers, do not mark functions as such.
        found = [item for item in here if item.type == elf_.STT_FUNC] or [
            item
            for item in here
            if item.type == elf_.STT_NOTYPE and item.bind != elf_.STB_LOCAL and item.name
        ]
        if not found:
            return [(Symbol("", 0, 0, elf_.STB_GLOBAL, elf_.STT_FUNC, 0, section), 0, count)]
        starts: dict[int, Symbol] = {}
        for item in found:
            if item.value % SIZE or not 0 <= item.value < count * SIZE:
                raise ParseError(f"function {item.name[:60]} begins outside of its section")
            known = starts.get(item.value)
            if known is None or (known.bind == elf_.STB_LOCAL and item.bind != elf_.STB_LOCAL):
                starts[item.value] = item
        spots = []
        order = sorted(starts)
        for at, following in zip(order, [*order[1:], count * SIZE], strict=True):
            item = starts[at]
            end = at + item.size if item.size else following
            if end > following or end % SIZE:
                raise ParseError(f"function {item.name[:60]} goes beyond its end")
            spots.append((item, at // SIZE, end // SIZE))
        return spots

    def _mark_programs(self) -> None:
        by_section: dict[int, list[Function]] = {}
        for function in self.functions:
            by_section.setdefault(function.section_index, []).append(function)
        for index, functions in by_section.items():
            self._place(index, functions)
        called = set(self._called())
        for function in self.functions:
            if function.section == TEXT:
                continue
            kind = program_kind(function.section, self.loader)
            # A section of another name is a place for functions if one of them is called.
            function.program = function not in called and (kind is not None or function.exported)
            function.kind = kind if function.program else None

    def _place(self, index: int, functions: list[Function]) -> None:
        """Hand relocations and BTF records to the functions that they lie in.

        BTF names sections; of several with one name, records are the first one's, as libbpf has
        it.
        """
        name = functions[0].section
        first = self.elf.section(name)
        named = first is not None and first.index == index
        starts = [item.start for item in functions]

        def locate(offset: int) -> tuple[Function, int] | None:
            at = offset // SIZE
            function = functions[bisect_right(starts, at) - 1] if at >= starts[0] else None
            if function is None or at - function.start >= len(function.insns) or offset < 0:
                return None
            return function, at - function.start

        for relocation in self.elf.relocations(index):
            if found := locate(relocation.offset):
                found[0].relocations[found[1]] = relocation
        for relo in self.ext.relocations.get(name, ()) if named else ():
            if found := locate(relo.offset):
                found[0].relos[found[1]] = relo
        for info in self.ext.functions.get(name, ()) if named else ():
            found = locate(info.offset)
            if found and found[1] == 0:
                found[0].type = info.type

    def _called(self) -> Iterator[Function]:
        for function in self.functions:
            for index, insn in enumerate(function.insns):
                callee = self.callee(function, index, insn)
                if callee is not None and callee is not function:
                    yield callee

    def callee(self, function: Function, index: int, insn: Insn) -> Function | None:
        """Return the function that an instruction calls, or takes the address of."""
        relocation = function.relocations.get(index)
        if relocation is None:
            if insn.code == 0x85 and insn.src == 1:
                target = function.start + index + 1 + insn.imm
                return self._function_at.get((function.section_index, target))
            return None
        symbol = relocation.symbol
        if symbol.section == elf_.SHN_UNDEF or insn.code not in (0x85, 0x18):
            return None
        at = symbol.value + relocation.addend
        if symbol.type == elf_.STT_SECTION:
            # The instruction holds where in the section: in instructions for a call, in bytes
            # for an address.
            at += (insn.imm + 1) * SIZE if insn.code == 0x85 else insn.imm
        return self._function_at.get((symbol.section, at // SIZE))

    def map_of(self, relocation: Relocation, insn: Insn) -> Map | None:
        """Return the map that an instruction loads."""
        symbol = relocation.symbol
        if symbol.section not in self._map_sections:
            return None
        at = symbol.value + relocation.addend
        if symbol.type == elf_.STT_SECTION:
            at += insn.imm
        return self._map_at.get((symbol.section, at))

    def extern(self, relocation: Relocation) -> Extern | None:
        """Return the extern that an instruction refers to."""
        if relocation.symbol.section != elf_.SHN_UNDEF:
            return None
        return self.extern_of(relocation.symbol.name)

    def extern_of(self, name: str) -> Extern | None:
        """Return the extern of a name."""
        return self._externs.get(name)

    @property
    def unresolved(self) -> tuple[str, ...]:
        """The symbols that nobody provides: another part of the program defines them."""
        return tuple(
            item.name
            for item in self.elf.symbols_of(elf_.SHN_UNDEF)
            if item.name
            and item.type == elf_.STT_NOTYPE
            and item.bind in (elf_.STB_GLOBAL, elf_.STB_WEAK)
            and not self._externs[item.name].kind
        )

    def line(self, function: Function, index: int) -> LineInfo | None:
        """Return the source line of an instruction, None without line information."""
        rows = self.ext.lines.get(function.section)
        if not rows:
            return None
        offset = (function.start + index) * SIZE
        at = bisect_right(rows, offset, key=lambda item: item.offset) - 1
        if at < 0 or rows[at].offset < function.start * SIZE:
            return None
        return rows[at]


def _shown(name: str) -> str:
    return name if len(name) <= _SHOWN else name[: _SHOWN - 1] + "…"


def parse_object(data: bytes, loader: str = "libbpf") -> BpfObject:
    """Read a BPF object.

    :param loader: whose rules make programs of sections
    :raises ParseError: it is no whole BPF object
    """
    return BpfObject(data, loader)
