import io
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from helperhist.binary.elfsections import read_sections
from helperhist.errors import ParseError
from tests.build.objects import compile_bpf

_MOST = 1 << 20


def small(kind: int, mark: str) -> bytes:
    """Return an ELF file of a class and byte order with sections ``.BTF`` and ``license``."""
    names = b"\0.BTF\0license\0.shstrtab\0"
    head, section = (52, "IIIIIIIIII") if kind == 1 else (64, "IIQQQQIIQQ")
    size = struct.calcsize(mark + section)
    body = b"btf!" + b"GPL\0" + names
    table = head + len(body)
    rows = [
        (0,) * 10,
        (1, 1, 0, 0, head, 4, 0, 0, 1, 0),
        (6, 1, 0, 0, head + 4, 4, 0, 0, 1, 0),
        (14, 3, 0, 0, head + 8, len(names), 0, 0, 1, 0),
    ]
    ident = b"\x7fELF" + bytes([kind, 1 if mark == "<" else 2, 1]) + bytes(9)
    word = "I" if kind == 1 else "Q"
    header = ident + struct.pack(
        f"{mark}HHI{word}{word}{word}IHHHHHH", 1, 62, 1, 0, 0, table, 0, head, 0, 0, size, 4, 3
    )
    return header + body + b"".join(struct.pack(mark + section, *row) for row in rows)


@pytest.mark.parametrize("mark", ["<", ">"])
@pytest.mark.parametrize("kind", [1, 2])
def test_classes_and_byte_orders(kind: int, mark: str) -> None:
    data = small(kind, mark)
    theirs = ELFFile(io.BytesIO(data)).get_section_by_name(".BTF")
    assert theirs is not None
    assert theirs.data() == b"btf!"
    found = read_sections(io.BytesIO(data), (".BTF", ".none"), _MOST, also=("license", "maps"))
    assert found.machine == 62
    assert found.names == {".BTF", "license"}
    assert found.contents == {".BTF": b"btf!"}


def test_an_object_as_another_reader_has_it(tmp_path: Path) -> None:
    path = compile_bpf("int f(void) { return 0; }\n", "-g")
    with path.open("rb") as file:
        elf = ELFFile(file)
        wanted = [section.name for section in elf.iter_sections() if section.name]
        found = read_sections(file, wanted, _MOST)
        for name in found.contents:
            section = elf.get_section_by_name(name)
            assert section is not None
            assert found.contents[name] == section.data()
    assert {".BTF", ".text"} <= found.contents.keys()


def test_a_section_that_is_too_large() -> None:
    with pytest.raises(ParseError, match=r"\.BTF has 4 bytes, more than 3"):
        read_sections(io.BytesIO(small(2, "<")), (".BTF",), 3)


@pytest.mark.parametrize("size", [0, 3, 5, 20, 60, 70, 120])
def test_what_is_cut_off(size: int) -> None:
    with pytest.raises(ParseError):
        read_sections(io.BytesIO(small(2, "<")[:size]), (".BTF",), _MOST)


@given(st.data())
def test_damage_raises_only_our_error(data: st.DataObject) -> None:
    raw = bytearray(small(data.draw(st.sampled_from([1, 2])), data.draw(st.sampled_from("<>"))))
    for at, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=8)
    ):
        raw[at] = value
    with suppress(ParseError):
        read_sections(io.BytesIO(bytes(raw)), (".BTF",), _MOST, also=("license",))
