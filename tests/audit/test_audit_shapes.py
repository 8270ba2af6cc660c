"""Tables in the shapes that people have, judged with the embedded data."""

import pytest

from helperhist.audit.finding import Finding
from helperhist.audit.judge import audit
from helperhist.audit.patch import correct
from helperhist.audit.tables import read_table
from tests.build.tables import EMBEDDED


def judge(text: str) -> list[Finding]:
    return list(audit(read_table(text, "table")[1], EMBEDDED, missing=False, text=text))


def verdicts(text: str) -> list[tuple[str, str]]:
    return [(f"{f.name} {f.stated}", f.verdict) for f in judge(text)]


def markdown(header: str, *rows: str) -> str:
    rule = "|---" * (header.count("|") + 1) + "|"
    return "".join(f"{line}\n" for line in (f"| {header} |", rule, *(f"| {row} |" for row in rows)))


HEADINGS = [
    "Feature | Min Kernel", "Requirement | Since", "Mechanism | Minimum kernel version",
    "Feature / Helper | Kernel", "Helper | Introduced in Linux", "Helper | First release",
    "辅助函数 | 内核版本", "Функция | Версия ядра", "What | Available from",
]  # fmt: skip


@pytest.mark.parametrize("header", HEADINGS)
def test_headings(header: str) -> None:
    text = markdown(header, "bpf_find_vma | 5.17", "`bpf_loop()` | 5.15", "Fast paths | 5.15")
    found = [item for item in verdicts(text) if item[0].startswith("bpf")]
    assert found == [("bpf_find_vma 5.17", "right"), ("bpf_loop 5.15", "wrong")]


@pytest.mark.parametrize(
    "header",
    ["Helper | Removed in", "Helper | Tested with", "Helper | Ubuntu", "Helper | libbpf version"],
)
def test_headings_of_other_versions(header: str) -> None:
    text = markdown("Helper | Since", "bpf_find_vma | 5.17")
    text += "\n" + markdown(header, "bpf_loop | 5.15")
    assert verdicts(text) == [("bpf_find_vma 5.17", "right"), ("bpf_loop None", "unread")]


@pytest.mark.parametrize(
    ("cell", "version", "expected"),
    [
        ("`bpf_sk_lookup_tcp/udp`", "4.20",
         [("bpf_sk_lookup_tcp 4.20", "right"), ("bpf_sk_lookup_udp 4.20", "right")]),
        ("`bpf_loop()` / `bpf_d_path()`", "5.17 / 5.9",
         [("bpf_loop 5.17", "right"), ("bpf_d_path 5.9", "wrong")]),
        ("`BPF_MAP_TYPE_HASH` + `bpf_loop`", "5.17",
         [("BPF_MAP_TYPE_HASH 5.17", "unjudged"), ("bpf_loop 5.17", "right")]),
        ("`BPF_MAP_TYPE_HASH` + `bpf_loop`", "5.16",
         [("BPF_MAP_TYPE_HASH 5.16", "unjudged"), ("bpf_loop 5.16", "wrong")]),
        ("bpf_loop (any program)", "5.17", [("bpf_loop 5.17", "right")]),
        ("bpf_loop helper", "5.17", [("bpf_loop 5.17", "right")]),
        ("helper:bpf_loop", "5.17", [("bpf_loop 5.17", "right")]),
        ("BPF_LOOP", "5.16", [("bpf_loop 5.16", "wrong")]),
        ("<code>bpf_loop</code>[^1]", "5.17", [("bpf_loop 5.17", "right")]),
        ("[bpf_loop](https://x/5.16)<br>", "5.17", [("bpf_loop 5.17", "right")]),
        ("**bpf_loop**", "5.17", [("bpf_loop 5.17", "right")]),
        ("bpf\\_loop", "5.17", [("bpf_loop 5.17", "right")]),
        ("~~bpf_loop~~", "5.16", [("bpf_loop 5.16", "unjudged")]),
        ("`bpf_timer_*`", "5.14", [("bpf_timer_* 5.14", "unjudged")]),
        ("bpf_timer", "5.14", [("bpf_timer 5.14", "unjudged")]),
        ("bpf_sock_destroy", "6.5", [("bpf_sock_destroy 6.5", "right")]),
        ("bpf_sock_destroy", "6.4", [("bpf_sock_destroy 6.4", "wrong")]),
    ],
)  # fmt: skip
def test_cells_of_names(cell: str, version: str, expected: list[tuple[str, str]]) -> None:
    assert verdicts(markdown("Helper | Kernel", f"{cell} | {version}")) == expected


def test_descriptions_of_types_are_understood() -> None:
    text = markdown("Map type | Kernel", "Per-CPU array | 4.5", "LRU hash | 4.10")
    assert verdicts(text) == [
        ("BPF_MAP_TYPE_PERCPU_ARRAY 4.5", "wrong"),
        ("BPF_MAP_TYPE_LRU_HASH 4.10", "right"),
    ]


PAIRS = markdown(
    "program type | helper | since",
    "sched_cls | `bpf_skb_change_tail` | 4.9",
    "BPF_PROG_TYPE_CGROUP_SOCK_ADDR | `bpf_perf_event_output` | 4.4",
    "xdp | `bpf_skb_store_bytes` | 4.8",
    "fentry | bpf_loop | 5.17",
)


def test_pairs_are_judged_as_such() -> None:
    found = judge(PAIRS)
    assert [(f.name, f.program, f.verdict, f.actual) for f in found] == [
        ("bpf_skb_change_tail", "BPF_PROG_TYPE_SCHED_CLS", "right", "4.9"),
        ("bpf_perf_event_output", "BPF_PROG_TYPE_CGROUP_SOCK_ADDR", "wrong", "5.7"),
        ("bpf_skb_store_bytes", "BPF_PROG_TYPE_XDP", "wrong", None),
        ("bpf_loop", "fentry", "unjudged", None),
    ]
    assert found[2].note == "BPF_PROG_TYPE_XDP has it in no release that was read"
    assert found[1].to_json()["program_type"] == "BPF_PROG_TYPE_CGROUP_SOCK_ADDR"
    fixed = correct(PAIRS, found)
    assert "| `bpf_perf_event_output` | 5.7 |" in fixed
    # What never was has no release, and what is not known keeps its own.
    assert fixed.splitlines()[4:] == PAIRS.splitlines()[4:]


def test_a_program_type_behind_a_helper_may_be_a_remark() -> None:
    text = markdown(
        "helper | program type | since",
        "bpf_perf_event_output | cgroup_sock_addr | 5.7",
        "bpf_perf_event_output | cgroup_sock_addr | 4.4",
        "bpf_perf_event_output | cgroup_sock_addr | 5.2",
    )
    assert [(f.verdict, f.fix) for f in judge(text)] == [
        ("right", None), ("right", None), ("wrong", None),
    ]  # fmt: skip


def test_helpers_on_map_types() -> None:
    text = markdown("map type | helper | since", "xskmap | bpf_map_lookup_elem | 5.2")
    (found,) = judge(text)
    assert (found.verdict, found.actual, found.program) == ("wrong", "5.3", "BPF_MAP_TYPE_XSKMAP")


def test_transposed() -> None:
    text = markdown(
        "Property | `BPF_MAP_TYPE_RINGBUF` | `BPF_MAP_TYPE_PERF_EVENT_ARRAY`",
        "Introduced | Kernel 5.7 | Kernel 4.3",
        "Removed | 6.1 | 6.2",
    )
    assert [item for item in verdicts(text) if item[1] != "unread"] == [
        ("BPF_MAP_TYPE_RINGBUF 5.7", "wrong"),
        ("BPF_MAP_TYPE_PERF_EVENT_ARRAY 4.3", "right"),
    ]


def test_lists_by_version() -> None:
    text = markdown("Kernel version | New helpers", "5.8 | `bpf_ringbuf_output`, `bpf_jiffies64`")
    assert verdicts(text) == [
        ("bpf_ringbuf_output 5.8", "right"),
        ("bpf_jiffies64 5.8", "wrong"),
    ]
    text = markdown("Kernel version | Helpers", "5.8 | `bpf_jiffies64`", "5.16 | bpf_loop")
    assert verdicts(text) == [("bpf_jiffies64 5.8", "unjudged"), ("bpf_loop 5.16", "wrong")]
    assert correct(text, judge(text)) == text


def test_versions_by_architecture_are_not_judged() -> None:
    for header in ("Name | x86 kernel version | arm64 kernel version", "Name | arm64 kernel | Id"):
        text = markdown(header, "BPF_PROG_TYPE_TRACING | 5.5 | 6.0")
        assert verdicts(text) == [("BPF_PROG_TYPE_TRACING 5.5", "unjudged")]


MARKUP = {
    "rst simple": "============  =======\nHelper        Kernel\n============  =======\n"
    "bpf_find_vma  5.17\nbpf_loop      5.15\n============  =======\n",
    "rst grid": "+--------------+--------+\n| Helper       | Kernel |\n+==============+========+\n"
    "| bpf_find_vma | 5.17   |\n|              | (any)  |\n+--------------+--------+\n"
    "| ``bpf_loop`` | 5.15   |\n+--------------+--------+\n",
    "rst list": ".. list-table::\n   :header-rows: 1\n\n   * - Helper\n     - Kernel\n"
    "   * - bpf_find_vma\n     - 5.17\n   * - :c:func:`bpf_loop`\n     - 5.15\n",
    "org": "| Helper | Kernel |\n|--------+--------|\n| bpf_find_vma | 5.17 |\n"
    "| bpf_loop | 5.15 |\n",
    "asciidoc": "[cols=2]\n|===\n| Helper | Kernel\n\n| bpf_find_vma\n| 5.17\n"
    "| `bpf_loop` | 5.15\n|===\n",
    "html": "<p><table>\n<tr><th>Helper<th>Kernel</tr>\n<tr class='a'><td><code>bpf_find_vma</code>"
    "</td><td>5.17</td></tr>\n<tr><td>bpf_loop</td>\n<td>&gt;= 5.15</td></tr></table>\n",
}


@pytest.mark.parametrize("form", MARKUP)
def test_other_markup(form: str) -> None:
    text = MARKUP[form]
    found = judge(text)
    assert [(f.name, f.stated, f.verdict) for f in found] == [
        ("bpf_find_vma", "5.17", "right"),
        ("bpf_loop", "5.15", "wrong"),
    ]
    assert text.split("\n")[(found[1].line or 0) - 1].find("bpf_loop") > -1
    assert correct(text, found) == text.replace("5.15", "5.17")
