import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist.mining.descriptions import merge_docs
from helperhist.sources.docs import HelperDoc, Prototype, parse_docs, parse_prototype

HEADER = b"""\
/* Before: Start of nothing
 *
 * Start of BPF helper function descriptions:
 *
 * void *bpf_map_lookup_elem(struct bpf_map *map, const void *key)
 * \tDescription
 * \t\tPerform a lookup in *map* for an entry associated to *key*.
 *
 * \t\t\tcode
 * \tReturn
 * \t\tMap value associated to *key*, or **NULL** if no entry was
 * \t\tfound.
 *
 * long bpf_trace_printk(const char *fmt, u32 fmt_size, ...)
 * \tDescription
 * \t\tPrints.
 * \tReturns
 * \t\tThe number of bytes.
 *
 * u32 bpf_get_prandom_u32(void)
 * \tReturn
 * \t\tA random 32-bit unsigned value.
 *
 * u32 bpf_get_smp_processor_id(void)
 * \tDescription
 * \t\tGet the id.
 * \tAttributes
 * \t\t__bpf_fastcall
 * End of it: bpf_fake(void)
 */
/* long bpf_after(void)
 */
"""


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_docs(newline: bytes) -> None:
    docs = {doc.prototype.name: doc for doc in parse_docs(HEADER.replace(b"\n", newline))}
    assert list(docs) == [
        "bpf_map_lookup_elem",
        "bpf_trace_printk",
        "bpf_get_prandom_u32",
        "bpf_get_smp_processor_id",
    ]
    lookup = docs["bpf_map_lookup_elem"]
    assert lookup.prototype == Prototype(
        "bpf_map_lookup_elem",
        "void *",
        (("struct bpf_map *", "map"), ("const void *", "key")),
    )
    assert lookup.description == (
        "Perform a lookup in *map* for an entry associated to *key*.\n\n        code"
    )
    assert lookup.returns == "Map value associated to *key*, or **NULL** if no entry was\nfound."
    printk = docs["bpf_trace_printk"]
    assert printk.prototype.arguments[-1] == ("...", "")
    assert printk.returns == "The number of bytes."
    assert docs["bpf_get_prandom_u32"].prototype.arguments == ()
    assert docs["bpf_get_prandom_u32"].description == ""
    assert docs["bpf_get_smp_processor_id"].attributes[:1] == ("__bpf_fastcall",)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"/* long bpf_x(void)\n */", id="no start"),
        pytest.param(b"Start of BPF helper function descriptions", id="start alone"),
        pytest.param(b"Start of BPF helper function descriptions\n * \tReturn\n */", id="no name"),
    ],
)
def test_no_docs(data: bytes) -> None:
    assert list(parse_docs(data)) == []


@given(st.binary(max_size=300))
def test_any_bytes_are_docs_or_none(data: bytes) -> None:
    head = b"Start of BPF helper function descriptions\n * long bpf_x(void)\n * \tReturn\n"
    first = next(parse_docs(head + data))
    assert first.prototype.name == "bpf_x"


@pytest.mark.parametrize("unit", [b" * a ", b" * long bpf_", b"\n * bpf_x(", b"*", b" * (a", b"\n"])
def test_hostile_docs(unit: bytes) -> None:
    data = b"Start of BPF helper function descriptions\n" + unit * (1_000_000 // len(unit))
    assert list(parse_docs(data)) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("long bpf_x(void)", "long bpf_x(void)"),
        ("long bpf_x()", "long bpf_x(void)"),
        (" void * bpf_x( const  void*key ) ", "void *bpf_x(const void *key)"),
        ("int bpf_x(char **a, u64 b, ...)", "int bpf_x(char **a, u64 b, ...)"),
        ("struct a *bpf_x(struct b * const c)", "struct a *bpf_x(struct b * const c)"),
    ],
)
def test_prototype(text: str, shown: str) -> None:
    prototype = parse_prototype(text)
    assert prototype is not None
    assert str(prototype) == shown
    assert parse_prototype(shown) == prototype


@pytest.mark.parametrize(
    "text",
    ["", "bpf_x(void)", "long x(void)", "long bpf_x", "long bpf_x(int)", "long bpf_x(int a",
     "long bpf_x(int (*a)(int))", "long bpf_x(int a,)", "long bpf_x(void);"],
)  # fmt: skip
def test_no_prototype(text: str) -> None:
    assert parse_prototype(text) is None


WORD = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda word: word != "void")
TYPE = st.builds(
    lambda words, stars: " ".join(words) + (f" {'*' * stars}" if stars else ""),
    st.lists(WORD, min_size=1, max_size=3),
    st.integers(0, 2),
)
PROTOTYPE = st.builds(
    lambda name, returns, arguments, rest: Prototype(
        f"bpf_{name}", returns, (*arguments, *((("...", ""),) if rest else ()))
    ),
    WORD,
    TYPE,
    st.lists(st.tuples(TYPE, WORD), max_size=5),
    st.booleans(),
)


@given(PROTOTYPE)
def test_prototypes_read_back(prototype: Prototype) -> None:
    assert parse_prototype(str(prototype)) == prototype


def doc(text: str, description: str = "", returns: str = "") -> HelperDoc:
    prototype = parse_prototype(text)
    assert prototype is not None
    return HelperDoc(prototype, description, returns, ())


def test_parts_of_one_helper_are_joined() -> None:
    merged = merge_docs(
        [
            doc("u64 bpf_c(struct sk_buff *skb)", "One.", "A."),
            doc("long bpf_d(void)", "Other."),
            doc("u64 bpf_c(struct bpf_sock_addr *ctx)", "Two."),
            doc("u64 bpf_c(struct sock *sk)", "", "B."),
        ]
    )
    assert list(merged) == ["bpf_c", "bpf_d"]
    assert str(merged["bpf_c"].prototype) == "u64 bpf_c(void *ctx)"
    assert merged["bpf_c"].description == "One.\n\nTwo."
    assert merged["bpf_c"].returns == "A.\n\nB."


def test_parts_with_other_arguments_keep_the_first_prototype() -> None:
    merged = merge_docs([doc("u64 bpf_c(int a)"), doc("u64 bpf_c(int a, int b)")])
    assert str(merged["bpf_c"].prototype) == "u64 bpf_c(int a)"
