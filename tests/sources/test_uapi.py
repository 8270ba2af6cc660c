import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.errors import HelperhistError, ParseError
from helperhist.sources.defined import DefinedNames
from helperhist.sources.uapi import (
    MAX_HEADER_BYTES,
    HeaderReader,
    is_sentinel,
    parse_header,
)
from helperhist.timeline import SENTINEL, Fact
from tests.build.timeline import compiled_values

LIST = b"enum bpf_func_id { BPF_FUNC_unspec, };\n"


def parse(text: str | bytes) -> dict[str, Fact]:
    """Return what a header defines besides an empty list of helpers."""
    data = text if isinstance(text, bytes) else text.encode()
    return {entry.name: entry for entry in parse_header(LIST + data) if entry.name != "bpf_unspec"}


def ids(text: str | bytes) -> dict[str, int | None]:
    return {name: entry.id for name, entry in parse(text).items()}


def fields(text: str) -> list[str]:
    return [entry.name for entry in parse(text).values() if entry.kind == "field"]


# -- the list of helpers in its three shapes

NAME = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True).filter(lambda name: name != "unspec")
HELPERS = st.lists(NAME, unique=True, max_size=12)
#: Between two tokens: nothing, white space, a comment, a spliced line.
GAP = st.sampled_from(
    ["", " ", "\t", "  ", "/* FN(no, 7) */", "/* a\n * b; } */", "\\\n", " \\\n\t", "/**/"]
)


def enum_style(names: list[str], gap: list[str]) -> str:
    lines = "".join(
        f"{gap[0]}\n{gap[1]}BPF_FUNC_{name}{gap[2]},// FN(no)\n" for name in ("unspec", *names)
    )
    return f"enum{gap[3]} bpf_func_id{gap[4]}{{{lines}__BPF_FUNC_MAX_ID,{gap[5]}}};"


def mapper_style(names: list[str], gap: list[str]) -> str:
    calls = "".join(
        f"\\\n{gap[0]}FN{gap[1]}({gap[2]}{name}{gap[3]}),{gap[4]}" for name in ("unspec", *names)
    )
    return (
        f"#{gap[5].replace(chr(10), '') if chr(92) not in gap[5] else ''}define "
        f"__BPF_FUNC_MAPPER(FN)\t{calls}\n\n"
        "#define __BPF_ENUM_FN(x) BPF_FUNC_ ## x\n"
        "enum bpf_func_id {\n\t__BPF_FUNC_MAPPER(__BPF_ENUM_FN)\n\t__BPF_FUNC_MAX_ID,\n};\n"
        "#undef __BPF_ENUM_FN"
    )


def numbered_style(names: list[str], gap: list[str]) -> str:
    calls = "".join(
        f"\\\n{gap[0]}FN{gap[1]}({name},{gap[2]} {number}{gap[3]}, ##ctx){gap[4]}"
        for number, name in enumerate(("unspec", *names))
    )
    return (
        f"#define ___BPF_FUNC_MAPPER(FN, ctx...)\t{calls}\n\n"
        "#define __BPF_FUNC_MAPPER_APPLY(name, value, FN) FN(name),\n"
        "#define __BPF_FUNC_MAPPER(FN) ___BPF_FUNC_MAPPER(__BPF_FUNC_MAPPER_APPLY, FN)\n"
        "#define __BPF_ENUM_FN(x, y) BPF_FUNC_ ## x = y,\n"
        "enum bpf_func_id {\n\t___BPF_FUNC_MAPPER(__BPF_ENUM_FN)\n\t__BPF_FUNC_MAX_ID,\n};"
    )


STYLES = {"enum": enum_style, "mapper": mapper_style, "numbered": numbered_style}


@pytest.mark.parametrize("style", STYLES)
@given(
    names=HELPERS,
    gap=st.lists(GAP, min_size=6, max_size=6),
    before=st.sampled_from(["", "#ifndef X\n", "/* FN(no), { */\n", "struct a { int b; };\n"]),
    after=st.sampled_from(["", "\n", "\n#endif", "\n#endif /* X */", "\nstruct b {", "\n/* x"]),
    crlf=st.booleans(),
)
def test_a_list_of_helpers_reads_back(
    style: str, names: list[str], gap: list[str], before: str, after: str, crlf: bool
) -> None:
    text = before + STYLES[style](names, gap) + after
    entries = parse_header((text.replace("\n", "\r\n") if crlf else text).encode())
    helpers = [(entry.name, entry.id) for entry in entries if entry.kind == "helper"]
    assert helpers == [(f"bpf_{name}", number) for number, name in enumerate(names, 1)]
    others = {entry.name: entry.kind for entry in entries if entry.kind not in ("helper", "field")}
    assert set(others) <= {"bpf_unspec", "__BPF_FUNC_MAX_ID"}
    assert set(others.values()) == {SENTINEL}


def test_the_macro_that_applies_is_no_helper() -> None:
    names = {entry.name for entry in parse_header(numbered_style(["loop"], [""] * 6).encode())}
    assert names == {"bpf_unspec", "bpf_loop", "__BPF_FUNC_MAX_ID"}


@pytest.mark.parametrize(
    ("calls", "helpers"),
    [
        ("FN(a) FN(b)", {"bpf_a": 0, "bpf_b": 1}),
        ("FN(a, 5, ##ctx) FN(b)", {"bpf_a": 5, "bpf_b": 6}),
        ("FN(a, 5, ##ctx) FN(b, 3, ##ctx)", {"bpf_a": 5, "bpf_b": 3}),
        ("FN(a, 010, ##ctx)", {"bpf_a": 8}),
        ("FN(a, 0x10, ##ctx)", {"bpf_a": 16}),
        ("FN(a, 1234567890123, ##ctx)", {"bpf_a": 1234567890123}),
        ("FN(a, 1 + 2, ##ctx)", {"bpf_a": 3}),
        ("FN(a, ##ctx), FN(b, ##ctx)", {"bpf_a": 0, "bpf_b": 1}),
        ("OTHER(x) FN(a) OTHER(FN)", {"bpf_a": 0}),
        ("FN(Upper)", {"bpf_Upper": 0}),
        ("FN (a), FN( b )", {"bpf_a": 0, "bpf_b": 1}),
    ],
)
def test_numbers_follow_the_rules_of_c(calls: str, helpers: dict[str, int]) -> None:
    entries = parse_header(f"#define ___BPF_FUNC_MAPPER(FN, ctx...) {calls}\n".encode())
    assert {entry.name: entry.id for entry in entries} == helpers


@pytest.mark.parametrize("call", ["FN(12)", "FN(\\x1b[31mRED)", "FN(\\xd7\\xe9)", "FN(-)"])
def test_what_is_not_a_name_is_an_error(call: str) -> None:
    # Without it, those that follow would have other numbers.
    call = call.replace("\\x1b", "\x1b").replace("\\xd7\\xe9", "\xd7\xe9")
    with pytest.raises(ParseError, match="which is not a name") as caught:
        parse_header(f"#define ___BPF_FUNC_MAPPER(FN) {call} FN(a)\n".encode())
    assert str(caught.value).isprintable()


def test_hostile_numbers_are_printed_as_text() -> None:
    with pytest.raises(ParseError, match="helper h0 has the number") as caught:
        parse_header(b"#define ___BPF_FUNC_MAPPER(FN, ctx...) FN(h0, \x1b[31mRED x, ##ctx)\n")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "enum e { %s };",
        "enum %s { BPF_A };",
        "#define %s 1",
        "struct s { int %s; };",
        "struct s { struct { int a; } %s; };",
        "struct %s { int a; };",
        "#define ___BPF_FUNC_MAPPER(FN, ctx...) FN(%s, 1, ##ctx)",
    ],
)
def test_names_have_bounds(text: str) -> None:
    for size in (480, 600):
        data = f"enum bpf_func_id {{ BPF_FUNC_unspec }};\n{text % ('n' * size)}\n".encode()
        if size == 480:
            assert any("n" * size in entry.name + entry.kind for entry in parse_header(data))
        else:
            with pytest.raises(ParseError, match="a name of 60"):
                parse_header(data)


def test_a_number_that_cannot_be_computed_is_an_error() -> None:
    with pytest.raises(ParseError, match="helper a has the number SOME"):
        parse_header(b"#define ___BPF_FUNC_MAPPER(FN, ctx...) FN(a, SOME, ##ctx)\n")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"int x;", id="no list"),
        pytest.param(b"enum bpf_func_id { };", id="no entry"),
        pytest.param(b"#define __BPF_FUNC_MAPPER(FN)\n", id="no call"),
        pytest.param(b"/* enum bpf_func_id { BPF_FUNC_unspec }; */", id="in a comment"),
        pytest.param(b"../../uapi/linux/bpf.h\n", id="a link"),
        pytest.param(b"\x00" * 100, id="zeros"),
    ],
)
def test_a_header_without_a_list(data: bytes) -> None:
    with pytest.raises(ParseError, match=r"bpf\.h at v9\.9 has no list of helpers"):
        parse_header(data, "bpf.h at v9.9")


def test_a_list_without_helpers_is_a_list() -> None:
    assert parse_header(LIST) == (Fact.of(SENTINEL, "bpf_unspec"),)


def test_a_header_that_is_too_large() -> None:
    data = LIST + b" " * MAX_HEADER_BYTES
    with pytest.raises(ParseError, match=f"has {len(data)} bytes, more than"):
        parse_header(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_names_or_our_error(data: bytes) -> None:
    try:
        parse_header(data)
    except HelperhistError as error:
        message = str(error)
    else:
        message = "none"
    assert len(message.splitlines()) == 1
    parse(data)


TOKENS = st.sampled_from(
    "enum struct union typedef extern static { } ( ) [ ] ; , = : * # \n #define BPF_X BPF_Y "
    "BPF_F_A xdp_md x y 1 2ULL << | + - ~ __u32 __u64 int const __attribute__ ((packed)) FN "
    '__BPF_FUNC_MAPPER ___BPF_FUNC_MAPPER(FN,ctx...) "C" ... ##ctx /* */ // \\\n'.split(" ")
)


@settings(max_examples=400)
@given(st.lists(TOKENS, max_size=60).map(" ".join))
def test_any_tokens_are_names_or_our_error(text: str) -> None:
    try:
        found = parse(text)
    except HelperhistError:
        return
    for name, entry in found.items():
        assert entry.name == name
        assert re.fullmatch(r"[\w.]+", name), name


SIZE = 400_000
HOSTILE = {
    "nested brackets": "struct a { int (" + "(" * SIZE + "; };",
    "nested declarators": "struct a { int " + "(*" * 100_000 + "a" + ")" * 100_000 + "; };",
    "calls in an enum": "enum { " + "F()" * 100_000 + " A };",
    "long expression": "enum { A = X" + "+1" * 100_000 + "," + "B," * 1000 + "};",
    "cycle": "#define A B\n#define B A\n#define C C\n",
    "bodies": "int f() { }" * 40_000,
    "attributes": "struct a { int b " + "__attribute__((x))" * 20_000 + "; };",
    "commas": "struct a { int " + ", " * SIZE + "; };",
    "defines in an enum": "enum {" + "\n#define A" * 40_000 + "\n};",
    "mapper": "#define __BPF_FUNC_MAPPER(FN) " + "FN(" * 100_000 + "\n",
    "spaces in a define": "#define" + " " * SIZE + "\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_headers(name: str) -> None:
    # Quadratic time would show as minutes.
    assert len(parse(HOSTILE[name])) < 2000


@pytest.mark.parametrize("text", ["struct a {", 'extern "C" {', "union { struct a {"])
def test_deep_nesting_is_an_error(text: str) -> None:
    start = "struct top {" if text.startswith("union") else ""
    with pytest.raises(ParseError, match="nested"):
        parse(start + text * 20_000)


def test_constants_that_wait_for_each_other_are_computed_once() -> None:
    count = 30_000
    chain = "".join(f"#define N{n} (N{n + 1} + 1)\n" for n in range(count))
    found = ids(f"{chain}enum {{ N{count} = 7 }};")
    assert found["N0"] == 7 + count


def test_members_that_multiply_are_an_error() -> None:
    text = "int x;"
    for _ in range(20):
        text = f"struct {{ {text} }} a, b, c, d;"
    with pytest.raises(ParseError, match="names"):
        parse(f"struct top {{ {text} }};")


# -- sentinels


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("__MAX_BPF_CMD", True),
        ("MAX_BPF_ATTACH_TYPE", True),
        ("__BPF_FUNC_MAX_ID", True),
        ("BPF_MAP_TYPE_UNSPEC", True),
        ("bpf_unspec", True),
        ("BPF_FUNC_unspec", True),
        ("BPF_MAP_CREATE", False),
        ("BPF_F_MAX", False),
        ("bpf_unspecified", False),
    ],
)
def test_is_sentinel(name: str, expected: bool) -> None:
    assert is_sentinel(name) is expected


def test_sentinels_are_known_as_such_and_have_no_number() -> None:
    found = parse(
        "enum bpf_map_type { BPF_MAP_TYPE_UNSPEC, BPF_MAP_TYPE_HASH, __MAX_BPF_MAP_TYPE };\n"
        "#define MAX_BPF_MAP_TYPE __MAX_BPF_MAP_TYPE\n"
        "#define __private 1\n#define _GUARD_H\n"
    )
    assert list(found.values()) == [
        Fact.of(SENTINEL, "BPF_MAP_TYPE_UNSPEC"),
        Fact.of("map_type", "BPF_MAP_TYPE_HASH", 1),
        Fact.of(SENTINEL, "__MAX_BPF_MAP_TYPE"),
        Fact.of(SENTINEL, "MAX_BPF_MAP_TYPE"),
    ]


# -- values

HARD = """
#define BPF_OCTAL 010
#define BPF_HEX 0xFFu /* c */
#define BPF_SHIFT (1U << 31)
#define BPF_SIGNED (1 << 31)
#define BPF_WIDE (1ULL << 63)
#define BPF_NEGATIVE (-5)
#define BPF_MASK (~0U)
#define BPF_MASK_ALL (~0ULL)
#define BPF_TEXT 1 + 2
#define BPF_LATER (BPF_LAST | BPF_SHIFT)
#define BPF_SPLICED (1 | \\
	2)
#define BPF_ALIAS BPF_WIDE
enum bpf_cmd {
	BPF_ZERO, BPF_ONE, /* BPF_NO, */
	BPF_TEN = 10, // BPF_NO,
	BPF_ELEVEN,
	BPF_MINUS = -2, BPF_MINUS_ONE, BPF_ZERO_AGAIN,
	BPF_SAME = BPF_TEN,
	BPF_AFTER_SAME,
	BPF_SUM = BPF_TEN + BPF_ELEVEN * 2,
	BPF_DEPRECATED __attribute__((deprecated)),
	BPF_DEPRECATED_TOO __attribute__((deprecated)) = 77,
	BPF_NEXT,
#define BPF_INNER BPF_NEXT /* one
	two */
	BPF_AFTER_INNER,
	/* a line of a comment:
	# define BPF_NO 1 */
	BPF_LAST,
};
enum {
	BPF_F_ONE = (1ULL << 0),
	BPF_F_HIGH = (1ULL << 40),
	BPF_F_NEXT,
	BPF_F_INDEX_MASK = 0xffffffffULL,
	BPF_F_CURRENT_CPU = BPF_F_INDEX_MASK,
	BPF_F_CTXLEN_MASK = (0xfffffULL << 32),
};
enum { BPF_BIG = 2147483646, BPF_BIGGER };
enum { BPF_UNSIGNED = 0xfffffffeU, BPF_UNSIGNED_NEXT };
enum typed { BPF_FROM_DEFINE = BPF_HEX, BPF_FROM_DEFINE_NEXT };
#define BPF_NOT_ONE (~BPF_F_ONE)
#define BPF_NOT_HIGH (~BPF_F_HIGH)
#define BPF_NOT_BIGGER (~BPF_BIGGER)
#define BPF_NOT_UNSIGNED (~BPF_UNSIGNED)
#define BPF_NOT_DEFINE (~BPF_FROM_DEFINE)
#define BPF_NOT_DEFINE_NEXT (~BPF_FROM_DEFINE_NEXT)
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_values_are_those_of_a_compiler(tmp_path: Path, newline: str) -> None:
    found = ids(HARD.replace("\n", newline))
    written = set(re.findall(r"\bBPF_\w+", re.sub(r"BPF_NO\b", "", HARD)))
    assert set(found) == written
    assert None not in found.values()
    compiled = compiled_values(tmp_path, HARD, list(found))
    assert {name: (value or 0) % (1 << 64) for name, value in found.items()} == dict(
        zip(found, compiled, strict=True)
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("#define A sizeof(int)", "A", id="sizeof"),
        pytest.param("#define A(x) (1 << (x))", "A", id="parameters"),
        pytest.param('#define A "text"', "A", id="string"),
        pytest.param("#define A OTHER", "A", id="unknown name"),
        pytest.param("#define A B\n#define B A", "A", id="cycle"),
        pytest.param("#define B 1 + 2\n#define A (B * 2)", "A", id="macro is text"),
        pytest.param("enum { MACRO(x) A }", "A", id="after a macro"),
        pytest.param("enum { Z = OTHER, A }", "A", id="after an unknown value"),
        pytest.param("enum { Z 3, A }", "A", id="no equals sign"),
        pytest.param("enum { Z = 2147483647, A }", "A", id="beyond int"),
        pytest.param("enum { Z = 0xffffffffffffffff, A }", "A", id="beyond any type"),
    ],
)
def test_no_value_rather_than_a_wrong_one(text: str, name: str) -> None:
    assert parse(f"{text};\n")[name].id is None


def test_a_value_beats_none() -> None:
    # As <linux/in.h> does: the name is an enumerator and a macro of itself.
    assert parse("#define BPF_F_A BPF_F_A\nenum { BPF_F_A = 4 };")["BPF_F_A"] == Fact.of(
        "flag", "BPF_F_A", 4
    )


def test_the_enumerator_tells_the_kind_of_a_macro_of_itself() -> None:
    found = parse("#define XDP_A XDP_A\nenum xdp_action { XDP_A = 4 };")
    assert found == {"XDP_A": Fact.of("xdp_action", "XDP_A", 4)}


def test_kinds() -> None:
    found = parse(
        "enum bpf_cmd { BPF_MAP_CREATE }; enum bpf_prog_type { BPF_PROG_TYPE_XDP = 6 };"
        "enum bpf_attach_type { BPF_XDP = 37 }; enum bpf_link_type { BPF_LINK_TYPE_XDP = 6 };"
        "enum xdp_action { XDP_ABORTED = 0, XDP_DROP }; enum { BPF_ANY, BPF_NOEXIST };"
        "enum tagged { BPF_F_TAGGED = 2, BPF_OTHER };\n#define BPF_OBJ_NAME_LEN 16U\n"
    )
    assert [(e.kind, e.name, e.id) for e in found.values()] == [
        ("cmd", "BPF_MAP_CREATE", 0),
        ("prog_type", "BPF_PROG_TYPE_XDP", 6),
        ("attach_type", "BPF_XDP", 37),
        ("link_type", "BPF_LINK_TYPE_XDP", 6),
        ("xdp_action", "XDP_ABORTED", 0),
        ("xdp_action", "XDP_DROP", 1),
        ("flag", "BPF_ANY", 0),
        ("flag", "BPF_NOEXIST", 1),
        ("flag", "BPF_F_TAGGED", 2),
        ("tagged", "BPF_OTHER", 3),
        ("flag", "BPF_OBJ_NAME_LEN", 16),
    ]


# -- members


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("struct a { int b; __u32 c; };", ["a.b", "a.c"], id="plain"),
        pytest.param("struct a { __u8 b:4, c:4; __u64 :32; int :0; };", ["a.b", "a.c"], id="bits"),
        pytest.param("struct a { int b[4]; char c[]; int d[2][N]; };", ["a.b", "a.c", "a.d"],
                     id="arrays"),
        pytest.param("struct a { int *b, **c, d[3], (*e)[4]; };", ["a.b", "a.c", "a.d", "a.e"],
                     id="declarators"),
        pytest.param("struct a { void (*b)(int x, char y); };", ["a.b"], id="function pointer"),
        pytest.param("struct a { int (*(*b)(int))(void); };", ["a.b"], id="pointer from pointer"),
        pytest.param("struct a { void (*b[4])(int); };", ["a.b"], id="array of pointers"),
        pytest.param("struct a { struct { int b; }; union { int c; int d; }; };",
                     ["a.b", "a.c", "a.d"], id="anonymous"),
        pytest.param("union a { struct { int b; struct { int c; } d; } e[2], *f; };",
                     ["a.e", "a.e.b", "a.e.d", "a.e.d.c", "a.f", "a.f.b", "a.f.d", "a.f.d.c"],
                     id="nested"),
        pytest.param("struct a { struct b { int c; } d; };", ["a.d", "a.d.c", "b.c"], id="tagged"),
        pytest.param("struct a { struct b { int c; }; int d; };", ["b.c", "a.d"],
                     id="tagged, not a member"),
        pytest.param("struct a { struct b c; struct b *d; };", ["a.c", "a.d"], id="of a struct"),
        pytest.param("struct a { __bpf_md_ptr(struct bpf_sock *, sk); };", ["a.sk"], id="md_ptr"),
        pytest.param("struct a { int b; } __attribute__((packed, aligned(8)));", ["a.b"],
                     id="attribute of the struct"),
        pytest.param("struct __attribute__((packed)) a { int b __attribute__((aligned(8))); };",
                     ["a.b"], id="attributes"),
        pytest.param("typedef struct { int b; } a;", ["a.b"], id="typedef"),
        pytest.param("struct a { enum { A_B } b; enum c d; };", ["a.b", "a.d"], id="enums"),
        pytest.param('extern "C" { struct a { int b; }; struct c { int d; }; }', ["a.b", "c.d"],
                     id="extern C"),
        pytest.param("static inline struct a f(void) { int b; }\nstruct c { int d; };", ["c.d"],
                     id="after a function"),
        pytest.param("static const struct a b = { .c = 1 };", [], id="initializer"),
        pytest.param("struct a;", [], id="declaration"),
        pytest.param("struct a { int b; } c;", ["a.b"], id="variable"),
        pytest.param("struct { int b; };", [], id="no name"),
        pytest.param("struct a {\n#ifdef X\n int b;\n#else\n int c;\n#endif\n};", ["a.b", "a.c"],
                     id="conditional"),
        pytest.param("struct a { int b; /* int c; */ // int d;\n };", ["a.b"], id="comments"),
        pytest.param("struct a { unsigned int; const char b; };", ["a.b"], id="type alone"),
    ],
)  # fmt: skip
def test_members(text: str, expected: list[str]) -> None:
    assert fields(text) == expected


def test_enumerators_within_a_struct_and_directives_within_an_enum() -> None:
    assert ids(
        "struct a { enum { A_B = 3 } b; };\n"
        "enum {\n A,\n#define A A /* c\n d */\n B,\n#define C 9\n};"
    ) == {"A_B": 3, "a.b": None, "A": 0, "B": 1, "C": 9}


# -- many headers

PIECES = st.sampled_from(
    [
        "enum bpf_func_id { BPF_FUNC_unspec, BPF_FUNC_a, };\n",
        "enum bpf_func_id { BPF_FUNC_unspec, BPF_FUNC_a, BPF_FUNC_b };\n",
        "#define __BPF_FUNC_MAPPER(FN) \\\n\tFN(unspec), \\\n\tFN(a), \\\n\tFN(b),\n",
        "#define __BPF_FUNC_MAPPER(FN) \\\n\tFN(unspec), \\\n\tFN(b),\n",
        "struct x { int a; };\n", "struct x { int a; int b; };\n", "struct y { int a; };\n",
        "enum { BPF_A = BPF_B, BPF_C };\n", "#define BPF_B 4\n", "#define BPF_B 5\n",
        "enum { BPF_B = 6 };\n", "/* comment */\n", "// comment\n", "/* open ",
        "struct z {\n", "};\n",
        "#define BPF_A BPF_A\n", "#define BPF_X (\\\n", "\n", " ", '"',
    ]
)  # fmt: skip
HEADERS = st.lists(st.lists(PIECES, max_size=8).map(lambda p: "".join(p).encode()), max_size=6)


def outcome(reader: HeaderReader, data: bytes) -> tuple[Fact, ...] | str:
    try:
        return reader.read(data)
    except ParseError as error:
        return str(error)


@settings(max_examples=300)
@given(HEADERS)
def test_successive_headers_read_as_alone(headers: list[bytes]) -> None:
    reader = HeaderReader()
    for data in headers:
        assert outcome(reader, data) == outcome(HeaderReader(), data)


@settings(max_examples=300)
@given(HEADERS)
def test_names_defined_in_successive_headers(headers: list[bytes]) -> None:
    names = frozenset(
        ("bpf_a", "bpf_b", "x.a", "x.b", "y.a", "BPF_A", "BPF_B", "BPF_C", "BPF_X", "no")
    )
    reader = DefinedNames()
    for data in headers:
        assert reader.present(data, names) == DefinedNames().present(data, names)


@settings(max_examples=300)
@given(HEADERS)
def test_names_defined_are_those_read(headers: list[bytes]) -> None:
    defined = DefinedNames()
    for data in headers:
        found = outcome(HeaderReader(), data)
        if isinstance(found, tuple):
            names = frozenset(entry.name for entry in found)
            assert defined.present(data, names | {"no"}) == names


def test_names_of_a_list_in_another_shape() -> None:
    names = frozenset(("bpf_map_lookup_elem", "bpf_loop", "no"))
    for data in (
        b"#define __BPF_FUNC_MAPPER(FN) FN(map_lookup_elem), FN(loop),",
        b"#define ___BPF_FUNC_MAPPER(FN, ctx...) \\\n FN(map_lookup_elem, 1, ##ctx) "
        b"FN(loop, 2, ##ctx)",
        b"#define __BPF_FUNC_MAPPER(FN) FN(map_lookup_elem) OTHER(x) FN( loop )",
        b"#define __BPF_FUNC_MAPPER(FN) FN(map_look\\\nup_elem), FN(lo\\\nop),",
        b"enum bpf_func_id { BPF_FUNC_map_lookup_elem = 1, BPF_FUNC_lo\\\nop };",
    ):
        assert DefinedNames().present(data, names) == names - {"no"}, data


def test_a_name_that_moves_to_another_piece() -> None:
    defined, names = DefinedNames(), frozenset(("BPF_A", "x.a"))
    assert defined.present(b"#define BPF_A 1\nstruct x { int a; };", names) == names
    assert defined.present(b"enum { BPF_A };\nstruct x { int b; };", names) == {"BPF_A"}
    assert defined.present(b"/* BPF_A */ struct x { int b, a; };", names) == {"x.a"}
    assert defined.present(b"", names) == frozenset()
    assert defined.present(b"#define BPF_A 1\nstruct x { int a; };", names) == names


def test_a_failure_leaves_the_reader_as_it_was() -> None:
    reader = HeaderReader()
    good = LIST + b"struct x { int a; };\n"
    assert reader.read(good) == parse_header(good)
    with pytest.raises(ParseError):
        reader.read(LIST + b"struct y { int b; };" + b"struct a {" * 100)
    assert reader.read(good) == parse_header(good)
