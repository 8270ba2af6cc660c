"""Objects in other files: where they are found, and that nothing hostile gets far."""

import io
import struct
import tarfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist.binary import Budget, Found, find_objects, parse_object
from helperhist.errors import ParseError
from tests.build.elf import CODE, PROGBITS, build_elf
from tests.build.objects import compile_bpf
from tests.build.wrapped import (
    OBJECT,
    PACKERS,
    ar,
    go_list,
    go_string,
    program,
    rust_list,
    skeleton,
    tar,
    zipped,
)


def find(data: bytes, name: str = "file", budget: Budget | None = None) -> list[Found]:
    return list(find_objects(io.BytesIO(data), name, budget))


def packer(how: str) -> Callable[[bytes], bytes]:
    if how == "zstd" or how.startswith("lz4"):
        pytest.importorskip("zstandard" if how == "zstd" else "lz4")
    return PACKERS[how]


def test_itself() -> None:
    assert find(OBJECT) == [Found(OBJECT)]


@pytest.mark.parametrize("how", PACKERS)
def test_packed(how: str) -> None:
    assert find(packer(how)(OBJECT), "a.o.packed") == [Found(OBJECT)]


@pytest.mark.parametrize("how", PACKERS)
def test_packed_tar(how: str) -> None:
    data = packer(how)(tar({"x/README": b"text", "x/a.o": OBJECT}))
    assert find(data, "a.tar.packed") == [Found(OBJECT, "x/a.o")]


@pytest.mark.parametrize("how", PACKERS)
def test_damaged(how: str) -> None:
    data = packer(how)(OBJECT * 50)
    with pytest.raises(ParseError, match="damaged"):
        find(data[: len(data) // 2])


def test_several_streams() -> None:
    """As pigz, bgzip and pixz write it, with the padding of a block device behind it."""
    half = len(OBJECT) // 2
    for how in ("gzip", "xz", "bzip2"):
        pack = PACKERS[how]
        assert find(pack(OBJECT[:half]) + pack(OBJECT[half:]) + bytes(512)) == [Found(OBJECT)]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tar_names(form: int) -> None:
    long = "d" * 80 + "/" + "f" * 80 + ".o"
    assert find(tar({"b.o": OBJECT, long: OBJECT, "c.o": OBJECT}, form)) == [
        Found(OBJECT, "b.o"),
        Found(OBJECT, long),
        Found(OBJECT, "c.o"),
    ]


def test_archives() -> None:
    assert find(zipped({"pkg/": b"", "pkg/a.o": OBJECT})) == [Found(OBJECT, "pkg/a.o")]
    deb = ar({"debian-binary": b"2.0\n", "data.tar.xz": PACKERS["xz"](tar({"./a.o": OBJECT}))})
    assert find(deb) == [Found(OBJECT, "data.tar.xz!./a.o")]


def test_names_of_members_do_not_act() -> None:
    found = find(tar({"../../etc/\x1b[31m": OBJECT}))
    assert found == [Found(OBJECT, "../../etc/\\x1b[31m")]


def test_programs() -> None:
    data = program(OBJECT, OBJECT, symbols=("one_bpf__elf_bytes", "two"))
    first, second = find(data)
    assert (first.symbol, second.symbol) == ("one_bpf__elf_bytes", "two")
    assert first.data == second.data == OBJECT
    assert first.offset is not None
    assert data[first.offset :].startswith(OBJECT)
    assert [item.symbol for item in find(program(OBJECT, symbols=("x",), stripped=True))] == [""]
    assert find(program()) == []


def test_objects_of_clang() -> None:
    """A real object, in both byte orders, ends where it ends."""
    for order in ("el", "eb"):
        real = compile_bpf("int f(void) { return 0; }", order=order).read_bytes()
        found = find(b"\0" + program(real) + b"text")
        assert len(found) == 1
        parse_object(found[0].data)
        assert len(real) - len(found[0].data) < 8


def test_object_without_a_machine() -> None:
    old = OBJECT[:18] + b"\0\0" + OBJECT[20:]
    assert find(old) == [Found(old)]
    assert [item.data for item in find(program(old))] == [old]


def test_across_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A header that begins in one piece of the file goes on in the next."""
    for size in range(60, 70):
        monkeypatch.setattr("helperhist.binary.embedded._PIECE", size)
        assert [item.offset for item in find(b"\xff\0" + bytes(61) + OBJECT + OBJECT)] == [
            63,
            63 + len(OBJECT),
        ]


@pytest.mark.parametrize(
    ("name", "data", "symbol"),
    [
        ("a.skel.h", skeleton("a_bpf", OBJECT), "a_bpf"),
        ("a.go", go_string(OBJECT), "_BpfBytes"),
        ("a.go", go_list(OBJECT), "_bpfObject"),
        ("a.rs", rust_list(OBJECT), "DATA"),
        ("a.h", b"unsigned char a_o[] = {\n" + go_list(OBJECT).partition(b"{")[2], "a_o"),
    ],
)
def test_written_out(name: str, data: bytes, symbol: str) -> None:
    (found,) = find(data, name)
    assert (found.data[: len(OBJECT)], found.symbol) == (OBJECT, symbol)
    assert found.offset is not None
    assert find(PACKERS["gzip"](tar({name: data})))[0].member == name


def test_overlapping() -> None:
    """What lies in an object, or in a table that it claims, is not counted again and again."""
    outer = build_elf([("x", PROGBITS, CODE, OBJECT + bytes(-len(OBJECT) % 8), 0, 0)])
    assert [item.data for item in find(program(outer))] == [outer]
    header = OBJECT[:64]
    assert find(b"\0" * 8 + header * 2000) == []


def test_bombs() -> None:
    zeros = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = zeros.compress(bytes(100 << 20)) + zeros.flush()
    with pytest.raises(ParseError, match="200 times its size"):
        find(bomb)
    with pytest.raises(ParseError, match="more than 1 MiB"):
        find(tar_of_noise := PACKERS["gzip"](bytes(2 << 20)), "x.gz", Budget(1 << 20))
    assert tar_of_noise
    with pytest.raises(ParseError, match="too many members"):
        find(tar({str(n): b"" for n in range(9)}), "x", Budget(members=8))
    deep = OBJECT
    for _ in range(6):
        deep = PACKERS["gzip"](deep)
    assert find(deep) == []


def test_hostile_tar() -> None:
    head = bytearray(tar({"a.o": OBJECT})[:512])
    for size, message in (
        (b"\xff" * 12, None),
        (b"99999999999\0", "not a number"),
        (b"77777777777\0", None),
    ):
        head[124:136] = size
        if message is None:
            assert find(bytes(head) + OBJECT, "x") == []
        else:
            with pytest.raises(ParseError, match=message):
                find(bytes(head) + OBJECT, "x")
    head[124:136] = b"77777777777\0"
    head[156:157] = b"L"
    with pytest.raises(ParseError, match="a name of more than a megabyte"):
        find(bytes(head), "x")


CARRIERS = {
    "program": program(OBJECT, symbols=("x",)),
    "tar": tar({"a.o": OBJECT}),
    "zip": zipped({"a.o": OBJECT}),
    "ar": ar({"a.o": OBJECT}),
    "gzip": PACKERS["gzip"](OBJECT),
    "xz": PACKERS["xz"](OBJECT),
    "bzip2": PACKERS["bzip2"](OBJECT),
    "skeleton": skeleton("a", OBJECT),
    "go": go_list(OBJECT),
}


@given(
    st.sampled_from(sorted(CARRIERS)),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=8)), max_size=4),
    st.integers(0, 1 << 16),
)
def test_changed_bytes(which: str, changes: list[tuple[int, bytes]], cut: int) -> None:
    """Whatever is changed or cut off: objects, or a refusal in one line."""
    data = bytearray(CARRIERS[which])
    for at, new in changes:
        at %= len(data)
        data[at : at + len(new)] = new
    data = data[: max(len(data) - cut, 0)] if cut % 2 else data
    try:
        found = find(bytes(data), "a", Budget(8 << 20, 100))
    except ParseError as error:
        found = [Found(b"", str(error))]
    for item in found:
        assert item.member.isprintable()
        try:
            parse_object(item.data)
        except ParseError:
            continue


@given(st.integers(0, 63), st.binary(min_size=1, max_size=8))
def test_changed_header(at: int, new: bytes) -> None:
    data = bytearray(program(OBJECT))
    start = bytes(data).index(OBJECT)
    data[start + at : start + at + len(new)] = new
    for item in find(bytes(data)):
        assert len(item.data) <= len(data)


def test_file_symbols_are_bounded() -> None:
    """A table that claims more than there is gives no symbols."""
    data = bytearray(program(OBJECT, symbols=("x",)))
    headers = struct.unpack_from("<Q", data, 40)[0]
    data[headers + 2 * 64 + 32 : headers + 2 * 64 + 40] = struct.pack("<Q", 1 << 60)
    assert [item.symbol for item in find(bytes(data))] == [""]
