"""Foreign bytes cost time and memory in proportion to their size, whatever they say."""

import struct
from collections.abc import Callable

import pytest
from elf_support import CODE, EXIT, FUNCTION, PROGBITS, build_btf, build_elf, info
from growth_support import assert_linear, peak

from helperhist.bpfobj import parse_object
from helperhist.btf import Btf
from helperhist.docs import parse_docs
from helperhist.errors import ParseError
from helperhist.uapi import parse_header

CODE_SECTION = ("socket", PROGBITS, CODE, EXIT, 0, 0)


def symbols_in_one_name(size: int) -> bytes:
    """Symbols whose names begin in one long string, each a byte after the last."""
    rows = [(1 + index, 0x12, 0, 1, 0, 8) for index in range(size)]
    return build_elf([CODE_SECTION], rows, b"\0" + b"A" * (24 * size) + b"\0")


def symbols_in_short_names(size: int) -> bytes:
    """As before, but no name is longer than a real one can be."""
    names = (b"A" * 4000 + b"\0") * (size * 24 // 4001 + 1)
    rows = [(1 + index, 0x12, 0, 1, 0, 8) for index in range(size)]
    return build_elf([CODE_SECTION], rows, b"\0" + names)


def sections_in_one_name(size: int) -> bytes:
    data = bytearray(build_elf([("A" * (64 * size), 1, 0, b"", 0, 0)] * size, [FUNCTION]))
    start = struct.unpack_from("<Q", data, 40)[0]
    for index in range(size):
        struct.pack_into("<I", data, start + 64 * (1 + index), 1 + index)
    return bytes(data)


def types_in_one_name(size: int) -> bytes:
    types = [(1 + index, info(7), 0) for index in range(size)]
    return build_btf(*types, strings=b"\0" + b"C" * (12 * size) + b"\0")


def types_in_short_names(size: int) -> bytes:
    types = [(1 + index, info(7), 0) for index in range(size)]
    return build_btf(*types, strings=b"\0" + (b"C" * 4000 + b"\0") * (size * 12 // 4001 + 1))


def relocated(sections: int, records: int) -> bytes:
    """Sections of one name, each of which could have all the records of that name."""
    strings = b"\0name\0socket\0000\0"
    btf = build_btf((1, info(4), 8), strings=strings)
    relos = struct.pack("<III", 16, 6, records)
    relos += b"".join(struct.pack("<IIII", 0, 1, 13, 0) for _ in range(records))
    sizes = (0, 0, 0, 0, 0, len(relos))
    extension = struct.pack("<HBBI6I", 0xEB9F, 1, 0, 32, *sizes) + relos
    return build_elf(
        [
            *[CODE_SECTION] * sections,
            (".BTF", PROGBITS, 0, btf, 0, 0),
            (".BTF.ext", PROGBITS, 0, extension, 0, 0),
        ],
        [(1, 0x12, 0, 1 + index, 0, 0) for index in range(sections)],
    )


def maps_of_many_members(size: int) -> bytes:
    """A section of maps in which one variable with a slow definition stands again and again."""
    chain = [(0, info(8), index) for index in range(2, 102)]
    types = [
        *chain,  # 1..100: typedefs, the last of 101
        (0, info(2), 102),
        (0, info(3), 0, 101, 101, 1),
        (6, info(4, 60), 8, *(word for _ in range(60) for word in (12, 1, 0))),
        (1, info(14), 103, 1),
        (6, info(15, size), 8, *(word for _ in range(size) for word in (104, 0, 8))),
    ]
    btf = build_btf(*types, strings=b"\0name\0.maps\0type\0")
    return build_elf(
        [CODE_SECTION, (".maps", 1, 3, bytes(8), 0, 0), (".BTF", 1, 0, btf, 0, 0)], [FUNCTION]
    )


HELPERS = b"enum bpf_func_id { BPF_FUNC_unspec, BPF_FUNC_map_lookup_elem, };\n"


def members_below_a_long_name(size: int) -> bytes:
    members = b"".join(b"int f%d;" % index for index in range(size))
    return HELPERS + b"struct s { struct {" + members + b"} " + b"A" * (8 * size) + b"; };\n"


def members_below_many_names(size: int) -> bytes:
    """Each name means the members anew: their product, from their sum."""
    members = b"".join(b"int f%d;" % index for index in range(size))
    names = b", ".join(b"a%d" % index for index in range(size))
    return HELPERS + b"struct s { struct {" + members + b"} " + names + b"; };\n"


def nothing_below_many_names(size: int) -> bytes:
    names = b", ".join(b"a%d" % index for index in range(size))
    return HELPERS + b"struct s { struct {" + b";" * (4 * size) + b"} " + names + b"; };\n"


def names_that_double(size: int) -> bytes:
    opened, closed = b"struct { int x;" * 20, b"} a, b;" * 20
    return HELPERS + b"".join(
        b"struct s%d {" % index + opened + closed + b"};\n" for index in range(size)
    )


def blocks_in_blocks(size: int) -> bytes:
    return HELPERS + b'extern "C" {' * 30 + b"struct s { int a; };\n" * size + b"}" * 30


def one_macro_defined_anew(size: int) -> bytes:
    users = b"".join(b"#define a%d X\n" % index for index in range(size))
    return HELPERS + b"#define X Z\n" * size + users


def macros_in_a_chain(size: int) -> bytes:
    last = b"#define a%d 1\n" % size
    chain = b"".join(b"#define a%d a%d\n" % (at, at + 1) for at in range(size))
    return HELPERS + chain + last


def enumerators_after_an_expression(size: int) -> bytes:
    expression = b" + ".join(b"n%d" % index for index in range(500))
    names = b"".join(b"#define n%d (m%d)\n" % (index, index) for index in range(500))
    followers = b"".join(b", e%d" % index for index in range(size))
    return HELPERS + names + b"enum e { first = " + expression + followers + b"};\n"


def documented(line: bytes) -> Callable[[int], bytes]:
    start = b"/*\n * Start of BPF helper function descriptions:\n"
    return lambda size: start + line * size + b" */\n" + HELPERS


def everything_of_header(data: bytes) -> object:
    return parse_header(data), list(parse_docs(data))


def everything_of_btf(data: bytes) -> object:
    btf = Btf(data)
    found = [btf.find("name")]
    return found, [btf.type(index) for index in range(len(btf))]


SIZES = (500, 1000, 2000)
CASES: dict[str, tuple[Callable[[bytes], object], Callable[[int], bytes], tuple[int, int, int]]] = {
    "symbols in one name": (parse_object, symbols_in_one_name, (1000, 2000, 4000)),
    "symbols in short names": (parse_object, symbols_in_short_names, (1000, 2000, 4000)),
    "sections in one name": (parse_object, sections_in_one_name, (500, 1000, 2000)),
    "types in one name": (everything_of_btf, types_in_one_name, (1000, 2000, 4000)),
    "types in short names": (everything_of_btf, types_in_short_names, (1000, 2000, 4000)),
    "sections of one name": (parse_object, lambda n: relocated(n, 4 * n), (250, 500, 1000)),
    "members below a long name": (everything_of_header, members_below_a_long_name, SIZES),
    "members below many names": (everything_of_header, members_below_many_names, SIZES),
    "nothing below many names": (everything_of_header, nothing_below_many_names, SIZES),
    "names that double": (everything_of_header, names_that_double, (5, 10, 20)),
    "blocks in blocks": (everything_of_header, blocks_in_blocks, (100, 200, 400)),
    "one macro defined anew": (everything_of_header, one_macro_defined_anew, SIZES),
    "macros in a chain": (everything_of_header, macros_in_a_chain, SIZES),
    "enumerators after an expression": (
        everything_of_header,
        enumerators_after_an_expression,
        (1000, 2000, 4000),
    ),
    "documentation": (
        everything_of_header,
        documented(b" * long bpf_x(void *a)\n *\tDescription\n *\t\tText\n"),
        SIZES,
    ),
    "documentation of spaces": (
        everything_of_header,
        documented(b" * a" + b" " * 900 + b"\n"),
        SIZES,
    ),
    "documentation of stars": (
        everything_of_header,
        documented(b" * long bpf_x(int " + b"* " * 400 + b"a)\n"),
        SIZES,
    ),
    "maps of many members": (parse_object, maps_of_many_members, (5000, 10000, 20000)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_linear(
    case: tuple[Callable[[bytes], object], Callable[[int], bytes], tuple[int, int, int]],
) -> None:
    assert_linear(*case)


@pytest.mark.parametrize(
    "data",
    [
        build_elf(
            [CODE_SECTION],
            [(1 + index, 0x12, 0, 1, 0, 8) for index in range(4000)],
            b"\0" + b"A" * 1_000_000 + b"\0",
        ),
        build_elf(
            [
                CODE_SECTION,
                (
                    ".BTF",
                    1,
                    0,
                    build_btf(
                        *((1 + index, info(7), 0) for index in range(10_000)),
                        strings=b"\0" + b"C" * 1_000_000 + b"\0",
                    ),
                    0,
                    0,
                ),
            ],
            [FUNCTION],
        ),
    ],
    ids=["symbols", "types"],
)
def test_a_megabyte_of_name(data: bytes) -> None:
    def read(data: bytes) -> object:
        found = parse_object(data)
        assert found.btf is not None
        return found, found.btf.find("x")

    with pytest.raises(ParseError, match="a name of more than 4096 bytes"):
        read(data)
    assert peak(read, data) < 30 << 20
