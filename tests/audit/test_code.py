"""Versions as source code of any language writes them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.audit.judge import audit
from helperhist.audit.patch import correct
from helperhist.audit.tables import read_table
from helperhist.audit.tables.code import read_code
from helperhist.errors import ParseError
from tests.build.tables import EMBEDDED


def verdicts(text: str) -> list[tuple[str, str | None, str]]:
    found = audit(read_table(text, "table")[1], EMBEDDED, missing=False, text=text)
    return [(f.name, f.stated, f.verdict) for f in found]


def fixed(text: str) -> str:
    return correct(text, audit(read_table(text, "table")[1], EMBEDDED, missing=False))


RIGHT = ("bpf_find_vma", "5.17", "right")
WRONG = ("bpf_loop", "5.15", "wrong")
FORMS = {
    "function": 'T = {"bpf_find_vma": Version("5.17"), "bpf_loop": Version("5.15")}',
    "list": 'T = {"bpf_find_vma": [5, 17], "bpf_loop": [5, 15]}',
    "tuple": 'const T: &[(&str, (u32, u32))] = &[\n("bpf_find_vma", (5, 17)),\n'
    '("bpf_loop", (5, 15))];',
    "number": 'T = {"bpf_find_vma": 5.17, "bpf_loop": 5.15}',
    "keyword": 'T = dict(bpf_find_vma="5.17", bpf_loop="5.15")',
    "quotes": "const T = { bpf_find_vma: '5.17', bpf_loop: '5.15' };",
    "parts": 'var t = T{\n\t"bpf_find_vma": {Major: 5, Minor: 17},\n'
    '\t"bpf_loop": {Major: 5, Minor: 15},\n',
    "kernel": 'var t = T{\n\t"bpf_find_vma": {Kernel: 5, Major: 17},\n'
    '\t"bpf_loop": {Kernel: 5, Major: 15},\n',
    "designators": 'struct t t[] = {\n{ .name = "bpf_find_vma", .major = 5, .minor = 17 },\n'
    '{ .name = "bpf_loop", .major = 5, .minor = 15 },',
    "hex": "t[] = {\n{ BPF_FUNC_find_vma, 0x051100 },\n{ BPF_FUNC_loop, 0x050f00 },",
    "index": "[BPF_FUNC_find_vma] = { 5, 17 },\n[BPF_FUNC_loop] = { 5, 15 },",
    "match": "Helper::FindVma => KernelVersion::new(5, 17, 0),\n"
    "Helper::Loop => KernelVersion::new(5, 15, 0),",
    "kotlin": '"bpf_find_vma" to KernelVersion(5, 17),\n"bpf_loop" to KernelVersion(5, 15),',
    "case": 'case BPF_FUNC_find_vma: return "5.17";\ncase BPF_FUNC_loop: return "5.15";',
    "call": 'var a = NewTest("bpf_find_vma", func() error { return nil }, "5.17")\n'
    'var b = NewTest("bpf_loop", func() error { return nil }, "5.15")',
    "go": 'var t = T{\nasm.FnFindVma: NewVersion("5.17"),\nasm.FnLoop: NewVersion("5.15"),',
    "toml": '[helpers]\nfind_vma = "5.17"\nbpf_loop = "5.15"\n',
    "below": 'a = {\n  key: "helper:bpf_find_vma"\n  min_kernel: "5.17"\n}\n'
    'b = {\n  key: "helper:bpf_loop"\n  min_kernel: "5.15"\n}\n',
    "columns": "bpf_find_vma      5.17\nbpf_loop          5.15\n",
    "json": '{"bpf_find_vma": {"minKernel": {"major": 5, "minor": 17}}, "bpf_loop": [5, 15]}',
    "json ids": '[{"id": "bpf_find_vma", "since": "5.17"}, {"name": "bpf_loop", "since": "5.15"}]',
    "json lists": '{"5.17": ["bpf_find_vma"], "5.15": ["bpf_loop"]}',
    "yaml lists": '"5.17":\n  - bpf_find_vma\n"5.15":\n  - bpf_loop\n',
    "bullets": "- `bpf_find_vma` (5.17)\n- `bpf_loop`: since Linux 5.15\n",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_forms(text: str) -> None:
    assert verdicts(text) == [RIGHT, WRONG]
    after = fixed(text)
    assert after in (text, text.replace("15", "17"))


@pytest.mark.parametrize("form", ["function", "list", "tuple", "case", "kotlin", "toml", "quotes"])
def test_what_a_patch_corrects(form: str) -> None:
    assert fixed(FORMS[form]) == FORMS[form].replace("15", "17")


@pytest.mark.parametrize("form", ["call", "hex", "parts", "designators", "json lists"])
def test_what_a_patch_leaves(form: str) -> None:
    assert fixed(FORMS[form]) == FORMS[form]


@pytest.mark.parametrize(
    "line",
    [
        'if (helper == BPF_FUNC_loop && kernel < "5.15")',
        'removed("bpf_loop", until="5.15")',
        '"bpf_loop": {"libbpf": "1.0"}',
        'Version("5.15") > min("bpf_loop")',
        '# "bpf_loop": "5.15"',
        '// "bpf_loop": "5.15"',
        'x = bpf_loop("5.15")',
    ],
)
def test_what_is_no_row(line: str) -> None:
    assert list(read_code(f"{line}\n", "t")) == []


def test_what_is_not_clear_is_not_judged() -> None:
    sizes = 'ARGS = {"bpf_loop": (4, 8), "bpf_find_vma": (1, 99)}'
    assert {row.doubt for row in read_code(sizes, "t")} == {
        "a pair of numbers that may be no version"
    }
    two = '("bpf_loop", "5.17", "4.18")'
    (row,) = read_code(two, "t")
    assert row.doubt == "more than one version behind the name"


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            ['"bpf_loop"', "BPF_FUNC_loop", "5.16", '"5.16"', "(5, 16)", "{5,16}", "0x051000", ":",
             ",", "=>", "\n", "Helper::Loop", "min_kernel", " ", "[helpers]", "/*", "*/", "#", "("]
        ),
        max_size=20,
    ).map("".join)
)  # fmt: skip
def test_versions_stand_where_the_reader_says(text: str) -> None:
    try:
        rows = list(read_code(text, "t"))
    except ParseError:
        return
    for row in rows:
        assert 1 <= row.line <= text.count("\n") + 1
        if row.version.start >= 0:
            assert text[row.version.start : row.version.end] == row.version.text
