"""Readers of hand-kept tables."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.audit.tables import FORMATS, MAX_TABLE_BYTES, Stated, decode, read_table
from helperhist.audit.tables.cells import read_cell
from helperhist.audit.tables.model import find_commits
from helperhist.errors import ParseError
from tests.build.tables import CSV, GO, JSON, MARKDOWN, TABLES, YAML, C

ANY = st.text(st.characters(codec="utf-8"), max_size=200)
# Pieces of all formats, so that more than the first character is read.
PIECES = st.lists(
    st.sampled_from(
        ["|", "-|-", "\n", "\r\n", "`", "a", "bpf_loop", "5.17", '"', "'", "{", "}", "[", "]", ":",
         ",", "\t", "  ", "- ", "name", "version", "V(5, 17)", "#", "//", "/*", "*/", "```", "\\",
         "&a", "*a", "!!x", "\ufeff", "é", "\udcff", "Helper|Kernel version\n-|-\n", "&", "%", "0x"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


def rows(text: str, form: str = "auto") -> tuple[Stated, ...]:
    return read_table(text, "table", form)[1]


def shown(text: str, form: str = "auto") -> list[tuple[str, str, int, str | None]]:
    return [(row.name, row.version.text, row.line, row.kind) for row in rows(text, form)]


@pytest.mark.parametrize(("form", "text"), TABLES.items())
def test_format_is_told_from_the_content(form: str, text: str) -> None:
    assert read_table(text, "table")[0] == form


@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("change", ["", "crlf", "bom", "no newline"])
def test_versions_stand_where_the_reader_says(text: str, change: str) -> None:
    if change == "crlf":
        text = text.replace("\n", "\r\n")
    text = {"bom": f"\ufeff{text}", "no newline": text.rstrip("\n")}.get(change, text)
    for row in rows(text):
        if row.version.start >= 0:
            assert text[row.version.start : row.version.end] == row.version.text
        assert row.name.split(".")[-1].casefold() in text.split("\n")[row.line - 1].casefold()


def test_markdown() -> None:
    assert shown(MARKDOWN) == [
        ("Some feature of the kernel", "4.11", 5, "feature"),
        ("BPF_MAP_TYPE_HASH", "3.19", 11, "map_type"),
        ("BPF_MAP_TYPE_RINGBUF", "5.9", 12, "map_type"),
        ("BPF_FUNC_csum_level", "5.7", 18, "helper"),
        ("BPF_FUNC_loop", "5.17", 19, "helper"),
        ("BPF_FUNC_skc_to_mctcp_sock", "5.19", 20, "helper"),
    ]
    assert rows(MARKDOWN)[1].commits == ("0f8e4bd8a1fc8c4185f1630061d0a1f2d197a475",)


def test_markdown_that_is_no_table_of_versions() -> None:
    text = """\
```
Helper | Kernel version
-------|---------------
`bpf_no()` | 1.0
```

|Program Type| Helper Functions|
|------------|-----------------|
|`BPF_PROG_TYPE_KPROBE`|`bpf_loop()`|

| Helper | Since |
|:------:|-------|
| [`bpf_loop`](https://x/y) \\| | **5.17** |
"""
    assert shown(text) == [("bpf_loop |", "5.17", 13, "helper")]


def test_yaml() -> None:
    assert shown(YAML) == [
        ("bpf_map_lookup_elem", "v3.18", 3, "helper"),
        ("bpf_loop", "5.17", 6, "helper"),
        ("BPF_F_LINK", "v6.4", 10, "flag"),
        ("bpf_key_put", "v6.1", 14, "kfunc"),
    ]


@pytest.mark.parametrize(
    ("text", "version", "note"),
    [
        ("6.10", "6.10", "6.10 is a number that YAML reads as 6.1; v6.10 is none"),
        ("7.1", "7.1", "7.1 is a number to YAML; v7.1 is none"),
        ("'6.10'", "6.10", ""),
        ("v6.10", "v6.10", ""),
    ],
)
def test_yaml_numbers(text: str, version: str, note: str) -> None:
    (row,) = rows(f"bpf_loop:\n  since: {text}\n", "ebpf-docs")
    assert (row.name, row.version.text, row.note) == ("bpf_loop", version, note)


def test_yaml_aliases_are_read_once() -> None:
    bomb = "a: &a [{name: bpf_loop, version: v5.17}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{after}: &{after} [{', '.join([f'*{before}'] * 50)}]\n"
    assert shown(bomb, "ebpf-docs") == [("bpf_loop", "v5.17", 1, None)]


def test_json_shapes() -> None:
    text = """{
  "version": "2.0",
  "helpers": {"bpf_loop": "5.17", "bpf_find_vma": {"since": "v5.17"}},
  "map_types": [{"enum": "BPF_MAP_TYPE_HASH", "kernel": "3.19", "seen": [1, {"a": null}]}],
  "types": {"hash": "3.19"},
  "one": {"name": "bpf_strncmp", "kind": "helper", "version": 5.17}
}"""
    assert shown(text) == [
        ("bpf_loop", "5.17", 3, "helper"),
        ("bpf_find_vma", "v5.17", 3, "helper"),
        ("BPF_MAP_TYPE_HASH", "3.19", 4, "map_type"),
        ("hash", "3.19", 5, None),
        ("bpf_strncmp", "5.17", 6, "helper"),
    ]
    assert rows(JSON)[1].note == '5.17 is a number to JSON; "5.17" is none'


def test_objects_with_versions_beside_a_table_are_no_rows_of_it() -> None:
    text = """{"tags": [{"tag": "v5.17", "version": "5.17"}],
     "names": [{"name": "bpf_loop", "since": "5.17"}]}"""
    assert [row.name for row in read_table(text, "t")[1]] == ["bpf_loop"]


def test_json_escapes_are_read_but_not_located() -> None:
    (row,) = rows(r'[{"name": "bpf\u005floop", "version": "5\u002e17"}]')
    assert (row.name, row.version.text, row.version.start) == ("bpf_loop", "5.17", -1)


def test_csv() -> None:
    assert shown(CSV) == [
        ("bpf_map_lookup_elem", "3.18", 2, "helper"),
        ("loop", "v5.17", 3, "helper"),
        ("hash", "3.19", 4, "map_type"),
    ]
    text = 'id;"helper";"min kernel"\r\n1;"bpf_loop\n";" 5.17 "\r\n\r\n2;"bpf_""x""";5.18'
    assert shown(text) == [("bpf_loop", "5.17", 2, "helper"), ('bpf_"x"', "5.18", 5, "helper")]
    assert shown("name\tversion\nbpf_loop\t5.17\n") == [("bpf_loop", "5.17", 2, None)]


def test_go() -> None:
    assert shown(GO) == [
        ("asm.FnMapLookupElem", "3, 18", 5, "helper"),
        ("asm.FnLoop", "5, 17", 6, "helper"),
        ("ebpf.Hash", "3.19", 10, "map_type"),
        ("ebpf.CgroupStorage", "4.19", 11, "map_type"),
        ("ebpf.StackTrace", "4.6", 12, "map_type"),
    ]


def test_c() -> None:
    assert shown(C) == [
        ("map_lookup_elem", "3.18", 3, None),
        ("loop", "5.17", 4, None),
        ("map_peak_elem", "4.20", 4, None),
        ("BPF_FUNC_csum_level", "5, 7, 0", 5, None),
    ]
    assert rows('/* {"a", "1.1"},\n {"b", "1.1"}, */ {"loop", "5.17"},\n', "c")[0].name == "loop"


@pytest.mark.parametrize(
    ("text", "form", "message"),
    [
        ("Helper|Since\n-|-\n`a`|5.1\n`bpf_loop`\n", "bcc", r"t:4: a row of 1 cells .* line 1"),
        ("- name: a\n  features:\n   - name: [\n", "ebpf-docs", r"t:4: no YAML: .*"),
        ("- name: a\n  features:\n    - {name: bpf_loop}\n", "ebpf-docs", r"t:3: bpf_loop has no"),
        ("a: 1\n--- \nb: 1\n", "ebpf-docs", r"t:2: no YAML: .*"),
        ("", "ebpf-docs", "t: an empty document"),
        ("[" * 100, "ebpf-docs", "t:1: nested more than 64 deep"),
        ("- \udcff\n", "ebpf-docs", "t:1: no UTF-8"),
        ('[\n{"name": "a" "b"}]', "json", "t:2: no JSON"),
        ("[" * 100_000, "json", "t: nested too deep"),
        ("[" * 100 + "1" + "]" * 100, "json", "t:1: nested more than 64 deep"),
        ('[\n{"since": "5.17"}]', "json", "t:2: a row without a name"),
        (
            '[{"name": "bpf_loop", "since": "5.17"},\n{"since": "5.17"}]',
            "json",
            "t:2: a row without a name",
        ),
        ("name,since\nbpf_loop,5.17\nbpf_loop\n", "csv", "t:3: a row of 1 cells; .* has 2"),
        ('name,since\n"bpf_loop,5.17\n', "csv", "t:2: a quote that is not closed"),
        ('name,since\n"a"b,5.17\n', "csv", "t:2: text after the closing quote"),
        ("a,b\n1,2\n", "csv", "t:1: no header"),
        ("x" * 70_000, "c", "t:1: a line of 70000 characters"),
        ("int x;\n", "c", "t has no row .*read as c"),
        ("A letter.\n", "auto", "cannot tell what t is"),
    ],
)
def test_malformed_tables_are_refused_with_the_line(text: str, form: str, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        read_table(text, "t", form)


@pytest.mark.parametrize("data", [b"x" * (MAX_TABLE_BYTES + 1), b"\x7fELF\0"], ids=["large", "ELF"])
def test_no_tables(data: bytes) -> None:
    with pytest.raises(ParseError, match=r"more than 4 MiB|audit reads tables and source code"):
        decode(data, "t")


@pytest.mark.parametrize("form", ["auto", *FORMATS])
@settings(max_examples=60, deadline=None)
@given(text=st.one_of(ANY, PIECES))
def test_any_text_is_read_or_refused(form: str, text: str) -> None:
    try:
        found = rows(text, form)
    except ParseError:
        return
    count = text.count("\n") + 1
    for row in found:
        assert 1 <= row.line <= count
        if row.version.start >= 0:
            assert text[row.version.start : row.version.end] == row.version.text


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200).filter(lambda data: b"\0" not in data))
def test_bytes_survive_decoding(data: bytes) -> None:
    assert decode(data, "t").encode("utf-8", "surrogateescape") == data


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("5.8", "5.8"), ("`v5.8`", "v5.8"), ("**5.8**", "5.8"), ("5.8+", "5.8"), (" 5.8 ", "5.8"),
        ("Linux 5.8-rc1", "5.8-rc1"), ("since 5.8.", "5.8"), (">= 5.8", "5.8"), ("≥5.8", "5.8"),
        ("5.8 or later", "5.8"), ("Linux kernel 5.8 and above", "5.8"), ("(5.8)", "5.8"),
        ("[5.8](https://x/v5.8)", "5.8"), ("<code>5.8</code>", "5.8"), ("5.8[^1]", "5.8"),
        ("5.10.42", "5.10.42"), ("", ""), (" ", ""), ("3, 18", "3, 18"),
    ],
)  # fmt: skip
def test_a_cell_that_a_patch_may_write(cell: str, text: str) -> None:
    read = read_cell(cell, 100)
    assert (read.version.text, read.doubt) == (text, "")
    assert cell[read.version.start - 100 : read.version.end - 100] == text


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("4.11 (removed in 4.18)", "4.11"), ("4.19-5.3", "4.19"), ("5.15 \u2013 6.1", "5.15"),
        ("RHEL 8.4 (4.18), mainline 5.8", "5.8"), ("5.8 to 5.10", "5.8"), ("5.8 (TC only)", "5.8"),
        ("5.17 (backported to RHEL 9.1 5.14)", "5.17"), ("5.8 for XDP", "5.8"), ("TBD", "TBD"),
        ("1.2.3.4", "1.2.3.4"), ("5.8 5.8", "5.8"), ("-", "-"), ("5.x", "5.x"),
        ("upstream: 5.8, RHEL: 4.18", "5.8"),
    ],
)  # fmt: skip
def test_a_cell_that_is_judged_and_not_written(cell: str, text: str) -> None:
    read = read_cell(cell, 100)
    assert (read.version.text, read.version.start, read.doubt) == (text, -1, "")
    assert read.note in ("", f"only {text} is read of {cell!r}")
    assert read.note or text == cell


@pytest.mark.parametrize(
    "cell",
    [
        "RHEL 8.4", "Ubuntu 20.04", "4.18.0-553.el8_10.x86_64", "4.1 / 4.9", "4.9, 5.16",
        "before 5.8", "< 5.8", "\u2264 5.8", "up to 5.8", "not before 5.14", "removed in 5.8",
        "5.8 and earlier", "RHEL 8.4 (4.18), SLES 15.3", "linux 5.4, linux 5.8", "> 5.8",
        "x86 5.5, arm64 6.0", "5.8 or older", "libbpf 1.0", " ".join(["5.8, 5.9"] * 9),
    ],
)  # fmt: skip
def test_a_cell_that_is_not_judged(cell: str) -> None:
    read = read_cell(cell, 0)
    assert read.doubt
    assert read.version.start == -1
    assert len(read.doubt) < 200


@given(st.lists(st.sampled_from(
    ["5.8", "4.18", "RHEL ", "mainline ", "linux ", "(", ")", " ", "-", ", ", "`", "[", "](", "<",
     "before ", "v", "+", "/", "\u2013", "removed in ", "el8", "."]
), max_size=12).map("".join))  # fmt: skip
@settings(max_examples=300)
def test_what_a_patch_would_write_over_is_the_only_version(cell: str) -> None:
    read = read_cell(cell, 0)
    if read.version.start >= 0 and read.version.text:
        assert cell[read.version.start : read.version.end] == read.version.text
        assert not read.doubt
        rest = cell[: read.version.start] + cell[read.version.end :]
        assert "RHEL" not in rest
        visible = rest.partition("](")[0]
        assert "before" not in visible
        assert not any(version in visible.split() for version in ("5.8", "4.18"))


def test_find_commits() -> None:
    text = "[`abc1234`](https://x/commit/abc12345678#diff-05) and 1234567, defaced"
    assert find_commits(text) == ("abc12345678", "1234567")
