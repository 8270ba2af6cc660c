import json
import os
import struct
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.binary.btf import ORDERS, Btf, Order
from helperhist.binary.btfext import BtfExt, CoreRelo, FuncInfo, LineInfo, parse_btf_ext
from helperhist.binary.btfkinds import Kind, Member, Type
from helperhist.binary.strtab import MAX_NAME
from helperhist.errors import ParseError
from tests.build.elf import build_btf as build
from tests.build.elf import info
from tests.build.objects import compile_bpf, compile_gcc, has

VMLINUX = Path("/sys/kernel/btf/vmlinux")

SOURCE = """
typedef unsigned int u32;
typedef unsigned long long u64;
enum e { A = -1, B };
enum big { C = 0x100000000ULL, D = 3 };
struct inner { int a : 3; int b; };
union u { struct inner *i; float f; };
struct s {
    struct inner arr[3];
    union u u;
    enum e e;
    enum big b;
    volatile const u32 *p;
    struct fwd *w;
};
struct s g = {};
struct __attribute__((preserve_access_index)) core { int x; int y; };
extern int ext(struct s *p) __attribute__((section(".ksyms")));
__attribute__((noinline)) int sub(struct s *p __attribute__((btf_decl_tag("arg:ctx"))))
{
    return p->arr[1].b;
}
__attribute__((section("kprobe/x"), used)) int prog(struct core *ctx)
{
    return ctx->y
        + ext(&g)
        + sub(&g);
}
char l[] __attribute__((section("license"), used)) = "GPL";
"""


def sections(path: Path) -> tuple[bytes, bytes]:
    with path.open("rb") as file:
        elf = ELFFile(file)
        found = [elf.get_section_by_name(name) for name in (".BTF", ".BTF.ext")]
        data, extension = (section.data() if section else b"" for section in found)
    return data, extension


@pytest.fixture(scope="module", params=["el", "eb"])
def btf(request: pytest.FixtureRequest) -> Btf:
    return Btf(sections(compile_bpf(SOURCE, order=request.param))[0])


def one(btf: Btf, name: str, kind: Kind) -> Type:
    (found,) = btf.find(name, kind)
    return btf.type(found)


def test_struct_of_clang(btf: Btf) -> None:
    found = one(btf, "s", Kind.STRUCT)
    assert (found.size, found.flag) == (64, False)
    assert [(item.name, item.value // 8) for item in found.members] == [
        ("arr", 0),
        ("u", 24),
        ("e", 32),
        ("b", 40),
        ("p", 48),
        ("w", 56),
    ]
    array = btf.strip(found.members[0].type)
    assert (array.kind, array.count, btf.name(array.type)) == (Kind.ARRAY, 3, "inner")
    assert btf.size_of(array.id) == 24
    pointer = btf.strip(found.members[4].type)
    assert (pointer.kind, btf.strip(pointer.type).name) == (Kind.PTR, "unsigned int")
    assert btf.size_of(pointer.id) == 8
    assert one(btf, "fwd", Kind.FWD).flag is False


def test_bit_field_is_apart_from_its_offset(btf: Btf) -> None:
    found = one(btf, "inner", Kind.STRUCT)
    assert found.flag is True
    # Bits are counted from the other end where the byte order is the other.
    first = 0 if btf.order == "little" else 29
    integer = one(btf, "int", Kind.INT).id
    assert found.members == (Member("a", integer, 0, 3), Member("b", integer, 32)) or (
        first == 29 and found.members[0].size == 3
    )


def test_enums_keep_sign_and_width(btf: Btf) -> None:
    assert one(btf, "e", Kind.ENUM).members == (Member("A", value=-1), Member("B"))
    big = one(btf, "big", Kind.ENUM64)
    assert big.members == (Member("C", value=1 << 32), Member("D", value=3))
    assert (big.size, big.flag) == (8, False)


def test_functions_and_tags(btf: Btf) -> None:
    sub = one(btf, "sub", Kind.FUNC)
    assert sub.count == 1
    proto = btf.type(sub.type)
    assert [item.name for item in proto.members] == ["p"]
    tag = one(btf, "arg:ctx", Kind.DECL_TAG)
    assert (tag.type, tag.count) == (sub.id, 0)
    assert one(btf, "ext", Kind.FUNC).count == 2
    (member,) = one(btf, ".ksyms", Kind.DATASEC).members
    assert btf.name(member.type) == "ext"
    assert one(btf, "g", Kind.VAR).count == 1
    assert one(btf, "float", Kind.FLOAT).size == 4


@pytest.mark.parametrize("order", ["el", "eb"])
def test_extension(order: str) -> None:
    data, extension = sections(compile_bpf(SOURCE, order=order))
    btf = Btf(data)
    found = parse_btf_ext(extension, btf)
    assert {name: [btf.name(item.type) for item in rows] for name, rows in found.functions.items()}
    assert [btf.name(item.type) for item in found.functions["kprobe/x"]] == ["prog"]
    assert [btf.name(item.type) for item in found.functions[".text"]] == ["sub"]
    lines = found.lines["kprobe/x"]
    assert {Path(item.file).name for item in lines} == {"test.bpf.c"}
    text = SOURCE.split("\n")
    assert [text[item.line - 1].strip() for item in lines if "ext" in text[item.line - 1]]
    assert list(lines) == sorted(lines, key=lambda item: item.offset)
    (relo,) = found.relocations["kprobe/x"]
    assert (btf.name(relo.type), relo.access, relo.kind) == ("core", "0:1", 0)


def test_gcc() -> None:
    if not has("bpf-gcc"):
        pytest.skip("needs bpf-gcc (apt: gcc-bpf)")
    source = "struct s { int a; long b; }; int f(struct s *p) { return p->a; }"
    data, extension = sections(compile_gcc(source, "-gbtf"))
    found = one(Btf(data), "s", Kind.STRUCT)
    assert [item.name for item in found.members] == ["a", "b"]
    assert parse_btf_ext(extension, Btf(data)) is not None


@pytest.mark.parametrize("order", ORDERS)
def test_every_kind(order: Order) -> None:
    names = b"\0n\0m\0"
    btf = Btf(
        build(
            (1, info(1), 4, 0x01000020),
            (0, info(2), 1),
            (0, info(3), 0, 1, 2, 7),
            (1, info(4, 2, True), 8, 1, 1, 0, 3, 1, 5 << 24 | 32),
            (1, info(5, 1), 4, 3, 1, 0),
            (1, info(6, 1, True), 4, 3, -5),
            (1, info(7, 0, True), 0),
            (1, info(8), 1),
            (0, info(9), 1),
            (0, info(10), 1),
            (0, info(11), 2),
            (1, info(12, 1), 13),
            (0, info(13, 2), 1, 3, 1, 0, 0),
            (1, info(14), 1, 1),
            (1, info(15, 1), 4, 14, 0, 4),
            (1, info(16), 8),
            (1, info(17), 4, -1),
            (1, info(18), 1),
            (1, info(19, 1, True), 8, 3, -2, -1),
            strings=names,
            order=order,
        )
    )
    assert [btf.kind(item) for item in range(len(btf))] == list(range(20))
    assert [btf.type(item) for item in range(1, 20)] == [
        Type(1, Kind.INT, "n", size=4, count=0x01000020),
        Type(2, Kind.PTR, "", type=1),
        Type(3, Kind.ARRAY, "", type=1, count=7, index=2),
        Type(
            4,
            Kind.STRUCT,
            "n",
            size=8,
            flag=True,
            members=(Member("n", 1), Member("m", 1, 32, 5)),
        ),
        Type(5, Kind.UNION, "n", size=4, members=(Member("m", 1),)),
        Type(6, Kind.ENUM, "n", size=4, flag=True, members=(Member("m", value=-5),)),
        Type(7, Kind.FWD, "n", flag=True),
        Type(8, Kind.TYPEDEF, "n", type=1),
        Type(9, Kind.VOLATILE, "", type=1),
        Type(10, Kind.CONST, "", type=1),
        Type(11, Kind.RESTRICT, "", type=2),
        Type(12, Kind.FUNC, "n", type=13, count=1),
        Type(13, Kind.FUNC_PROTO, "", type=1, members=(Member("m", 1), Member(""))),
        Type(14, Kind.VAR, "n", type=1, count=1),
        Type(15, Kind.DATASEC, "n", size=4, members=(Member("", 14, 0, 4),)),
        Type(16, Kind.FLOAT, "n", size=8),
        Type(17, Kind.DECL_TAG, "n", type=4, count=-1),
        Type(18, Kind.TYPE_TAG, "n", type=1),
        Type(19, Kind.ENUM64, "n", size=8, flag=True, members=(Member("m", value=-2),)),
    ]
    assert btf.find("n", Kind.TYPEDEF, Kind.VAR) == (8, 14)
    assert list(btf.ids(Kind.FUNC, Kind.FLOAT)) == [12, 16]


def test_module_goes_on_where_its_base_ends() -> None:
    base = Btf(build((1, info(1), 4, 32), (1, info(4), 8), strings=b"\0base\0"))
    module = Btf(build((6, info(8), 1), (1, info(8), 2), strings=b"mine\0"), base)
    assert (module.first, len(module)) == (3, 5)
    assert module.type(3) == Type(3, Kind.TYPEDEF, "mine", type=1)
    assert module.type(4).name == "base"
    assert module.type(1) == base.type(1)
    assert module.find("base") == (1, 2, 4)
    assert module.find("mine", Kind.TYPEDEF) == (3,)
    assert list(module.ids(Kind.TYPEDEF, Kind.INT)) == [3, 4]
    assert module.strip(4) == base.type(2)
    with pytest.raises(ParseError, match="type 5 does not exist"):
        module.type(5)


def test_layout_section_tells_how_long_an_unknown_kind_is() -> None:
    words = [1, info(20, 2), 0, 7, 8, 9, 1, info(16), 4]
    body = struct.pack("<9I", *words)
    layout = bytes(80) + bytes([4, 4, 0, 0])
    strings = b"\0x\0"
    sizes = (0, 36, 36 + len(layout), len(strings), 36, len(layout))
    data = struct.pack("<HBBI6I", 0xEB9F, 1, 0, 32, *sizes) + body + layout + strings
    btf = Btf(data)
    assert (len(btf), btf.kind(1), btf.type(2).kind) == (3, 20, Kind.FLOAT)
    assert btf.type(1) == Type(1, 20, "x")


HOSTILE = {
    "empty": (b"", "0 bytes are no header"),
    "no magic": (bytes(24), "no magic"),
    "version": (b"\x9f\xeb\x02" + bytes(21), "version 2"),
    "header too long": (b"\x9f\xeb\x01\0" + b"\xff" * 20, "header of 4294967295 bytes"),
    "header too short": (b"\x9f\xeb\x01\0" + bytes(20), "header of 0 bytes"),
    "unknown kind": (build((0, info(99), 0)), "type 1 has unknown kind 99"),
    "kind 0": (build((0, 0, 0)), "type 1 has unknown kind 0"),
    "members beyond the end": (build((0, info(4, 0xFFFFFF), 0)), "type 1 is cut off"),
    "half a type": (build((0, info(2))), "type 1 is cut off"),
    "no strings": (build(strings=b""), "string section"),
    "strings without end": (build(strings=b"\0x"), "string section"),
    "sections overlap": (
        struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, 12, 8, 4) + bytes(12),
        "sections overlap",
    ),
    "not aligned": (
        struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 2, 4, 8, 4) + bytes(12),
        "not aligned",
    ),
    "strings beyond the end": (
        struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, 0, 0, 0xFFFFFFFF) + bytes(12),
        "beyond the end",
    ),
}


@pytest.mark.parametrize(("data", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile(data: bytes, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        Btf(data)


def test_cycles_end() -> None:
    btf = Btf(build((0, info(8), 2), (0, info(10), 1), (0, info(3), 0, 3, 3, 2)))
    with pytest.raises(ParseError, match="refers to itself"):
        btf.strip(1)
    with pytest.raises(ParseError, match="contains itself"):
        btf.size_of(3)


def test_names_and_types_beyond_the_end() -> None:
    btf = Btf(build((99, info(2), 77)))
    with pytest.raises(ParseError, match="string at 99"):
        btf.type(1)
    with pytest.raises(ParseError, match="type 77 does not exist"):
        btf.type(77)
    with pytest.raises(ParseError, match="type -1 does not exist"):
        btf.type(-1)
    with pytest.raises(ParseError, match="string at 99"):
        btf.find("name")


def walk(data: bytes, extension: bytes) -> None:
    """Read all there is, so that every error that can come does."""
    btf = Btf(data)
    for type_id in range(len(btf)):
        btf.type(type_id)
        btf.size_of(type_id)
        btf.find(btf.name(type_id))
    parse_btf_ext(extension, btf)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_is_a_parse_error_or_nothing(data: st.DataObject) -> None:
    order = data.draw(st.sampled_from(["el", "eb"]))
    parts = list(sections(compile_bpf(SOURCE, order=order)))
    which = data.draw(st.integers(0, 1))
    raw = bytearray(parts[which])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, raw[at] ^ 1]))
    parts[which] = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    try:
        walk(*parts)
    except ParseError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_extension_of_two_functions() -> None:
    btf = Btf(build((1, info(12), 0), strings=b"\0name\0a.c\0"))
    words = [8, 1, 2, 8, 1, 0, 1]
    lines = [20, 1, 1, 0, 6, 0, 5 << 10 | 3, 99]
    relos = [16, 1, 2, 16, 1, 1, 10, 0, 1, 1, 0]
    ends = (len(words) * 4, (len(words) + len(lines)) * 4)
    sizes = (0, ends[0], ends[0], len(lines) * 4, ends[1], len(relos) * 4)
    data = struct.pack("<HBBI6I", 0xEB9F, 1, 0, 32, *sizes) + struct.pack(
        f"<{len(words) + len(lines) + len(relos)}I", *words, *lines, *relos
    )
    assert parse_btf_ext(data, btf) == BtfExt(
        {"name": (FuncInfo(0, 1), FuncInfo(8, 1))},
        {"name": (LineInfo(0, "a.c", 5, 3),)},
        {"name": (CoreRelo(0, 1, "name", 0), CoreRelo(16, 1, "name", 10))},
    )
    for cut in range(len(data)):
        with pytest.raises(ParseError):
            parse_btf_ext(data[:cut], btf)


def assert_bpftool_agrees(path: Path, btf: Btf) -> None:
    """Compare types with what bpftool prints; enumerators by the bits that they have.

    bpftool 7.1 prints unsigned enumerators of 32 bits with their sign extended to 64.
    """
    if not has("bpftool"):
        pytest.skip("needs bpftool (apt: bpftool)")
    dump = subprocess.run(
        ["bpftool", "btf", "dump", "file", str(path), "--json"],
        capture_output=True,
        check=False,
        text=True,
    )
    if dump.returncode:
        pytest.skip(f"this bpftool cannot read {path}: {dump.stderr[:100]}")
    types = json.loads(dump.stdout)["types"]
    assert len(btf) == len(types) + 1
    assert [btf.kind(item["id"]) for item in types] == [Kind[item["kind"]] for item in types]
    assert [btf.name(item["id"]) or "(anon)" for item in types] == [item["name"] for item in types]
    for item in types:
        mine = btf.type(item["id"])
        assert mine.size == item.get("size", 0)
        for key in ("type_id", "ret_type_id"):
            assert mine.type == item.get(key, mine.type)
        mask = (1 << 8 * mine.size) - 1 if mine.kind in (Kind.ENUM, Kind.ENUM64) else -1
        listed = item.get("members") or item.get("values") or item.get("params") or []
        for theirs, member in zip(listed, mine.members, strict=mine.kind != Kind.DATASEC):
            assert member.name == theirs.get("name", "").replace("(anon)", "")
            assert member.type == theirs.get("type_id", 0)
            value = theirs.get("bits_offset", theirs.get("val", 0))
            assert member.value & mask == value & mask


ENUMS = """
enum full { ALL = 0xffffffffU, HIGH = 0x80000000U, ONE = 1 };
enum low { LOW = -0x7fffffff - 1, MINUS = -1, TOP = 0x7fffffff };
enum wide { EVERY = 0xffffffffffffffffULL, FIRST = 1 };
enum deep { DEEP = -0x7fffffffffffffffLL - 1, NEAR = -1 };
union all { enum full full; enum low low; enum wide wide; enum deep deep; } all = {};
"""


def test_values_of_enumerators() -> None:
    btf = Btf(sections(compile_bpf(ENUMS))[0])
    values = {
        member.name: member.value
        for name in ("full", "low", "wide", "deep")
        for member in one(btf, name, Kind.ENUM if name in ("full", "low") else Kind.ENUM64).members
    }
    assert values == {
        "ALL": 0xFFFFFFFF,
        "HIGH": 1 << 31,
        "ONE": 1,
        "LOW": -(1 << 31),
        "MINUS": -1,
        "TOP": (1 << 31) - 1,
        "EVERY": (1 << 64) - 1,
        "FIRST": 1,
        "DEEP": -(1 << 63),
        "NEAR": -1,
    }


def test_bpftool_agrees_about_an_object() -> None:
    path = compile_bpf(SOURCE + ENUMS)
    assert_bpftool_agrees(path, Btf(sections(path)[0]))


def test_bpftool_agrees_about_the_running_kernel() -> None:
    if os.environ.get("HELPERHIST_TEST_LIVE_KERNEL") != "1":
        pytest.skip("asks the running kernel: set HELPERHIST_TEST_LIVE_KERNEL=1")
    assert_bpftool_agrees(VMLINUX, Btf(VMLINUX.read_bytes()))


def test_long_and_shared_names() -> None:
    longest = b"\0" + b"x" * MAX_NAME + b"\0"
    assert Btf(build((1, info(7), 0), strings=longest)).name(1) == "x" * MAX_NAME
    btf = Btf(build((1, info(7), 0), strings=b"\0x" + longest[1:]))
    with pytest.raises(ParseError, match="a name of more than 4096 bytes"):
        btf.name(1)
    many = [(offset, info(7), 0) for offset in range(1, 4097)]
    btf = Btf(build(*many, strings=longest))
    with pytest.raises(ParseError, match="one within the other"):
        btf.find("x")
    # Linkers let a name be the end of another.
    btf = Btf(build((1, info(7), 0), (3, info(7), 0), strings=b"\0a_b\0"))
    assert [btf.name(1), btf.name(2), btf.find("b")] == ["a_b", "b", (2,)]
