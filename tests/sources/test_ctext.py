import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist.sources.cconstants import Constant, evaluate
from helperhist.sources.ctext import Pieces, split_pieces, strip_comments, tokenize
from tests.build.timeline import compiled_values

LITERALS = [
    "0", "1", "2", "3", "7", "010", "0777", "0x7fffffff", "0x80000000", "0xffffffff",
    "2147483647", "2147483648", "4294967295", "4294967296", "1U", "1u", "1L", "1UL", "1lu", "1LL",
    "1ULL", "1llu", "0xffffffffULL", "0x7fffffffffffffff", "0x8000000000000000",
    "0xffffffffffffffffULL", "9223372036854775807", "037777777777", "040000000000", "0b101",
    "0B11u",
]  # fmt: skip


def random_expression(source: random.Random, depth: int) -> str:
    choice = source.random()
    if depth == 0 or choice < 0.15:
        return source.choice(LITERALS)
    if choice < 0.35:
        return f"{source.choice('-~+')} {random_expression(source, depth - 1)}"
    if choice < 0.55:
        return f"({random_expression(source, depth - 1)})"
    if choice < 0.6:
        return f"(__u{source.choice(('32', '64'))}){random_expression(source, depth - 1)}"
    operator = source.choice(["+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^"])
    left, right = (random_expression(source, depth - 1) for _ in "lr")
    # A shift by the width or more has no value.
    right = str(source.randrange(31)) if operator in ("<<", ">>") else right
    return f"{left} {operator} {right}"


def value(text: str) -> Constant | None:
    return evaluate(tokenize(text.encode()), {})


def test_expressions_have_the_value_and_type_that_a_compiler_gives(tmp_path: Path) -> None:
    source = random.Random(20141207)
    drawn = [random_expression(source, source.randrange(5)) for _ in range(2500)]
    known = {text: found for text in [*LITERALS, *drawn] if (found := value(text)) is not None}
    assert len(known) > 1000
    expressions = [
        part
        for text in known
        for part in (text, f"sizeof({text})", f"((__typeof__({text}))-1) > 0")
    ]
    compiled = compiled_values(
        tmp_path, "typedef unsigned int __u32; typedef unsigned long long __u64;", expressions
    )
    ours = [
        part
        for constant in known.values()
        for part in (constant.value % (1 << 64), constant.bits // 8, int(constant.unsigned))
    ]
    assert [row for row in zip(expressions, compiled, ours, strict=True) if row[1] != row[2]] == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("08", id="no octal digit"),
        pytest.param("1.5", id="floating"),
        pytest.param("0x", id="no digits"),
        pytest.param("1uu", id="suffix twice"),
        pytest.param("1lL", id="mixed suffix"),
        pytest.param("1ulu", id="unsigned twice"),
        pytest.param("9223372036854775808", id="no signed type"),
        pytest.param("0x1ffffffffffffffff", id="no type"),
        pytest.param("1 / 0", id="division by zero"),
        pytest.param("1 % 0", id="remainder by zero"),
        pytest.param("(-2147483647 - 1) / -1", id="overflow"),
        pytest.param("1 << 32", id="shift by the width"),
        pytest.param("1 << -1", id="negative shift"),
        pytest.param("1 >> 64", id="far shift"),
        pytest.param("1 +", id="no operand"),
        pytest.param("(1", id="open"),
        pytest.param("1)", id="closed"),
        pytest.param("1 2", id="two values"),
        pytest.param("NAME", id="unknown name"),
        pytest.param("1 ? 2 : 3", id="conditional"),
        pytest.param("1 == 1", id="comparison"),
        pytest.param("!0", id="not"),
        pytest.param("sizeof(int)", id="sizeof"),
        pytest.param("(int)1", id="cast"),
        pytest.param("'a'", id="character"),
        pytest.param('"1"', id="string"),
        pytest.param("(" * 100_000 + "1" + ")" * 100_000, id="deep"),
        pytest.param("-" * 0 + "~ " * 100_000 + "1", id="many operators"),
        pytest.param("1" + "+1" * 100_000, id="long"),
        pytest.param("1" * 100_000, id="many digits"),
    ],
)
def test_no_value_rather_than_a_wrong_one(text: str) -> None:
    assert value(text) is None


def test_names_have_their_values_and_types() -> None:
    names = {"A": Constant(-1), "B": Constant(1, 64, True)}
    assert evaluate(["A", "+", "B"], names) == Constant(0, 64, True)
    assert evaluate(["A", "<<", "B"], names) == Constant(-2)
    assert evaluate(["A", "+", "C"], names) is None


@given(st.lists(st.sampled_from([*LITERALS, *"()+-*/%&|^~", "<<", ">>", "X", ",", "__u64"])))
def test_any_tokens_have_a_value_or_none(tokens: list[str]) -> None:
    found = evaluate(tokens, {"X": Constant(5)})
    if found is not None:
        low = 0 if found.unsigned else -(1 << (found.bits - 1))
        assert low <= found.value < low + (1 << found.bits)


# -- pieces

SHARDS = st.sampled_from(
    [
        b"enum { A, B };", b"struct x {\n\tint a; };", b"#define X 1\n", b"#define Y \\\n 2\n",
        b"#define C 1 /* one\n two */\n", b"/* ; { */", b"// ; \\\n {\n", b"\n", b" ", b"\t", b"#",
        b"{", b"}", b";", b'"', b"'", b"\\", b"/", b"*", b"/*", b"*/", b"//", b"\r\n", b"\\\r\n",
        b"#if 0\n", b"struct s { char c; /* } */\n#ifdef Z\nint z;\n#endif\n};", b"int i;", b"x",
        b'"};"', b"'\\''", b"\x00", b"\xff",
    ]
)  # fmt: skip
TEXT = st.lists(SHARDS, max_size=30).map(b"".join)


def check(data: bytes, pieces: Pieces) -> None:
    """Check that the pieces are the text, in order, with only white space between them."""
    at = 0
    for piece, end in zip(pieces.pieces, pieces.ends, strict=True):
        assert data[at : end - len(piece)].strip() == b""
        assert data[end - len(piece) : end] == piece
        assert piece
        at = end
    assert data[at:].strip() == b""


@given(TEXT | st.binary(max_size=200))
def test_pieces_are_the_whole_text(data: bytes) -> None:
    check(data, split_pieces(data))


@given(st.lists(TEXT, min_size=2, max_size=5))
def test_split_after_another_version_is_split_from_scratch(versions: list[bytes]) -> None:
    last: Pieces | None = None
    for data in versions:
        scratch = split_pieces(data)
        again = split_pieces(data, last)
        assert (again.pieces, again.ends) == (scratch.pieces, scratch.ends)
        if last is not None:
            assert again.pieces[: again.head] == last.pieces[: again.head]
            size = again.tail
            assert (
                again.pieces[len(again.pieces) - size :] == last.pieces[len(last.pieces) - size :]
            )
        last = again


@given(TEXT, st.integers(0, 400), st.integers(0, 40), st.binary(max_size=8) | SHARDS)
def test_split_after_an_edit_is_split_from_scratch(
    data: bytes, at: int, removed: int, added: bytes
) -> None:
    at = min(at, len(data))
    edited = data[:at] + added + data[at + removed :]
    scratch = split_pieces(edited)
    again = split_pieces(edited, split_pieces(data))
    assert (again.pieces, again.ends) == (scratch.pieces, scratch.ends)


def test_an_edit_in_the_middle_keeps_both_ends() -> None:
    names = [b"int name%d;\n" % number for number in range(5000)]
    before = split_pieces(b"".join(names))
    names[2500] = b"long other;\n"
    after = split_pieces(b"".join(names), before)
    assert (after.head, after.tail) == (2500, 2499)
    assert after.pieces[2500] == b"long other;"


@pytest.mark.parametrize(
    ("data", "pieces"),
    [
        (b"#define A 1\nint b;", [b"#define A 1\n", b"int b;"]),
        (b"#define A \\\n1\nint b;", [b"#define A \\\n1\n", b"int b;"]),
        (b"#define A \\\r\n1\r\nint b;", [b"#define A \\\r\n1\r\n", b"int b;"]),
        (b'#define A "a\\\r\nb"\nint b;', [b'#define A "a\\\r\nb"\n', b"int b;"]),
        (b"#define A /* \n */ 1\nint b;", [b"#define A /* \n */ 1\n", b"int b;"]),
        (b"#error don't\nint b;", [b"#error don't\n", b"int b;"]),
        (b"struct a { int b; }; int c;", [b"struct a { int b; };", b"int c;"]),
        (b'char *a = "};"; int c;', [b'char *a = "};";', b"int c;"]),
        (b"int a; // b; {\nint c;", [b"int a;", b"// b; {", b"int c;"]),
        (b"int a /* ; */; int c", [b"int a /* ; */;", b"int c"]),
        (b"/* a", [b"/* a"]),
        (b"", []),
    ],
)
def test_pieces(data: bytes, pieces: list[bytes]) -> None:
    assert list(split_pieces(data).pieces) == pieces


SIZE = 400_000
HOSTILE = [
    b"/*", b"*/", b'"', b"'", b"{", b"}", b"#", b"\\", b"/", b"(", b";", b"\n", b"#\n", b"\\\n",
    b"/**/", b"//\n", b"/*\n", b"'\"", b"{;", b"{}", b"a ", b"\\\r", b'"\\', b"/\\\n", b"#/", b"*",
    b"a{", b"a'", b'{"', b"{#", b"{/",
]  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE, ids=repr)
def test_hostile_texts(unit: bytes) -> None:
    # A search that starts again at each byte would take minutes.
    data = unit * (SIZE // len(unit))
    pieces = split_pieces(data)
    check(data, pieces)
    edited = data[: SIZE // 2] + b"x" + data[SIZE // 2 :]
    assert split_pieces(edited, pieces).data == edited
    assert len(strip_comments(data)) <= len(data)
    assert sum(map(len, tokenize(data))) <= len(data)


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        (b"a/* b */c", b"a c"),
        (b"a// b\nc", b"a \nc"),
        (b"a// b \\\n c\nd", b"a \nd"),
        (b"a/\\\n* b */c", b"a c"),
        (b'"/* b */"', b'"/* b */"'),
        (b"'\"' /* b */ '\"'", b"'\"'   '\"'"),
        (b"a\\\r\nb", b"ab"),
        (b"a /* b", b"a  "),
        (b"a / b", b"a / b"),
    ],
)
def test_strip_comments(text: bytes, stripped: bytes) -> None:
    assert strip_comments(text) == stripped


@given(st.binary(max_size=200))
def test_any_bytes_have_tokens(data: bytes) -> None:
    joined = "".join(tokenize(strip_comments(data)))
    assert (
        joined.encode("latin-1") == b"".join(strip_comments(data).split())
        or b'"' in data
        or (b"'" in data)
    )
