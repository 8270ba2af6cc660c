"""Tables that may be read in more than one way, and lines that are in no row."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.audit.finding import Finding
from helperhist.audit.judge import audit
from helperhist.audit.patch import correct
from helperhist.audit.tables import read_table
from helperhist.cli.group import cli
from tests.build.tables import TIMELINE

HEAD = "| Helper | Kernel version |\n|---|---|\n"


def findings(text: str) -> tuple[Finding, ...]:
    return audit(read_table(text, "table")[1], TIMELINE, missing=False, text=text)


def verdicts(text: str) -> list[tuple[str, int | None, str]]:
    return [(item.name, item.line, item.verdict) for item in findings(text)]


def run(tmp_path: Path, text: str, *options: str, name: str = "table.md") -> Result:
    file = tmp_path / name
    file.write_text(text, "utf-8")
    words = ["audit", str(file), "--data", "embedded", "--no-missing", *options]
    return CliRunner().invoke(cli, words, catch_exceptions=False)


# -- what a patch leaves as it is


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}| bpf_ringbuf_output | RHEL 8.4 (4.18), mainline 5.9 |\n",
        f"{HEAD}| bpf_ringbuf_output | RHEL 8.4 (4.18), mainline 5.8 |\n",
        f"{HEAD}| bpf_ringbuf_output | RHEL 8.4 |\n",
        f"{HEAD}| bpf_get_func_ip | 5.14 \u2013 6.1 |\n",
        f"{HEAD}| bpf_timer_init | not before 5.14 |\n",
        f"{HEAD}| bpf_loop | 5.16 (backported to RHEL 9.1 5.14) |\n",
        f"{HEAD}| bpf_loop | soon |\n",
        "| program type | helper | since |\n|---|---|---|\n"
        "| sched_cls | `bpf_skb_change_tail` | 4.8 |\n"
        "| cgroup_sock_addr | `bpf_perf_event_output` | 5.7 |\n",
        "| helper | program type | since |\n|---|---|---|\n"
        "| `bpf_perf_event_output` | cgroup_sock_addr | 5.7 |\n",
        "| Feature | Program Type | Minimum Kernel |\n|---|---|---|\n"
        "| Mesh | `BPF_PROG_TYPE_SK_LOOKUP` | 5.8+ |\n| CT | `BPF_MAP_TYPE_LRU_HASH` | 5.4 |\n",
        "| Program Type | Kernel version |\n|---|---|\n| `BPF_MAP_TYPE_LRU_HASH` | 5.4 |\n",
        "| Helper | Kernel version | Linux |\n|---|---|---|\n| bpf_loop | 5.16 | 5.15 |\n",
        "program_type,helper,since\nxdp,bpf_loop,5.16\n",
        '[{"program_type": "xdp", "helper": "bpf_loop", "since": "5.16"}]',
        "- program_type: xdp\n  helper: bpf_loop\n  since: v5.16\n",
    ],
)
def test_a_patch_leaves_what_is_not_clear(text: str) -> None:
    assert correct(text, findings(text)) == text


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (f"{HEAD}| bpf_loop | 5.16+ |\n", "| bpf_loop | 5.17+ |"),
        (f"{HEAD}| bpf_loop | since Linux 5.16 |\n", "| bpf_loop | since Linux 5.17 |"),
        ("| # | Helper | Since |\n|---|---|---|\n| 1 | bpf_loop | 5.16 |\n", "| bpf_loop | 5.17 |"),
        ("| Id | Program type | Since |\n|---|---|---|\n| 3 | `BPF_PROG_TYPE_XDP` | 4.7 |\n",
         "| 3 | `BPF_PROG_TYPE_XDP` | 4.8 |"),
        ("program_type,since\nxdp,4.7\n", "xdp,4.8"),
    ],
)  # fmt: skip
def test_a_patch_corrects_what_is_clear(text: str, right: str) -> None:
    assert right in correct(text, findings(text))


def test_pairs_and_attributes_are_not_judged() -> None:
    pairs = (
        "| program type | helper | since |\n|---|---|---|\n"
        "| sched_cls | `bpf_skb_change_tail` | 4.9 |\n| xdp | `bpf_perf_event_output` | 5.7 |\n"
    )
    assert verdicts(pairs) == [
        ("bpf_skb_change_tail", 3, "unjudged"),
        ("bpf_perf_event_output", 4, "unjudged"),
    ]
    assert "pairs" in findings(pairs)[0].note
    where = (
        "| Feature | Program Type | Minimum Kernel |\n|---|---|---|\n"
        "| Mesh | `BPF_PROG_TYPE_SK_LOOKUP` | 5.8+ |\n| CT | `BPF_MAP_TYPE_LRU_HASH` | 5.4+ |\n"
    )
    assert {verdict for *_, verdict in verdicts(where)} == {"unjudged"}


def test_the_mainline_version_of_a_cell_with_others_is_judged() -> None:
    text = f"{HEAD}| bpf_ringbuf_output | RHEL 8.4 (4.18), mainline 5.8 |\n"
    assert verdicts(text) == [("bpf_ringbuf_output", 3, "right")]
    wrong = text.replace("5.8", "5.9")
    assert [(f.stated, f.verdict, f.fix) for f in findings(wrong)] == [("5.9", "wrong", None)]


def test_wrong_rows_that_a_patch_leaves_are_named(tmp_path: Path) -> None:
    text = f"{HEAD}| bpf_loop | 5.16 |\n| bpf_strncmp | 5.16 (x86) |\n"
    result = run(tmp_path, text, "--patch")
    assert result.exit_code == 1
    assert "+| bpf_loop | 5.17 |" in result.stdout
    assert "+| bpf_strncmp" not in result.stdout
    assert "table.md: wrong, and for you to correct: line 4\n" in result.stderr


# -- lines that are in no row

SECOND = (
    f"{HEAD}| bpf_ringbuf_output | 5.8 |\n\n"
    "| Helper | Tested on |\n|---|---|\n| bpf_loop | 5.16 |\n"
    "\nUse BPF_MAP_TYPE_RINGBUF and bpf_nothing.\n"
)


def test_lines_in_no_row_are_shown(tmp_path: Path) -> None:
    result = run(tmp_path, SECOND)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    at = lines.index("not read")
    assert lines[at + 1 : at + 4] == [
        "  line 7: bpf_loop",
        "  no version in lines 9",
        "1 right, 0 wrong, 0 unknown, 0 missing, 0 not judged, 2 not read",
    ]
    found = json.loads(run(tmp_path, SECOND, "--json").stdout)
    assert [(row["name"], row["line"], row["verdict"], row["actual"]) for row in found[1:]] == [
        ("bpf_loop", 7, "unread", "5.17"),
        ("BPF_MAP_TYPE_RINGBUF", 9, "unread", "5.8"),
    ]
    assert [row["note"] for row in found[1:]] == [None, "no version in this line"]
    assert [*found[0]] == [*found[1]]
    assert "not read" not in run(tmp_path, SECOND, "--kind", "cmd").stdout


@pytest.mark.parametrize(
    ("text", "name", "unread"),
    [
        ('T = {"bpf_ringbuf_output": "5.8"}\nif version < Version("5.17"):\n'
         '    lacks("bpf_loop", "5.17" < v)\n', "t.py",
         [("bpf_loop", 3)]),
        ('static const struct x t[] = {\n\t{ BPF_FUNC_ringbuf_output, KERNEL_VERSION(5, 8, 0) },\n'
         '\t{ KERNEL_VERSION(5, 17, 0), BPF_FUNC_loop },\n\t{"find_vma", 5.17},\n};\n', "t.c",
         [("bpf_loop", 3), ("bpf_find_vma", 4)]),
        ('var t = map[string]KernelVersion{\n\t"bpf_ringbuf_output": {5, 8, 0},\n'
         '\t"bpf_loop": major(5) + minor(16) + "5.16",\n}\n', "t.go", [("bpf_loop", 3)]),
        (f"{HEAD}| bpf_loop | 5.17 | like bpf_strncmp |\n", "t.md", []),
    ],
    ids=["py", "c", "go", "md"],
)  # fmt: skip
def test_forms_that_no_reader_knows(
    tmp_path: Path, text: str, name: str, unread: list[tuple[str, int]]
) -> None:
    found = json.loads(run(tmp_path, text, "--json", name=name).stdout)
    assert [(r["name"], r["line"]) for r in found if r["verdict"] == "unread"] == unread
    assert len(found) == len(unread) + 1


def test_many_lines_are_abbreviated(tmp_path: Path) -> None:
    text = f"{HEAD}| bpf_loop | 5.17 |\n\n" + "bpf_strncmp 5.17\n" * 30
    text += "\nbpf_d_path\nbpf_d_path\n"
    lines = run(tmp_path, text).stdout.splitlines()
    assert "  line 14: bpf_strncmp" in lines
    assert "  lines 15-34" in lines
    assert "  no version in lines 36-37" in lines
    assert lines[-2].endswith(", 32 not read")


@pytest.mark.parametrize(
    "text",
    [
        "| Feature | Min Kernel |\n|---|---|\n| loops with bpf_loop | 5.16 |\n",
        "| program type | helper | since |\n|---|---|---|\n| something | bpf_loop | 5.16 |\n",
        "name,since\nsomething,5.17\n",
        f"{HEAD}| bpf_loop | RHEL 9.1 |\n",
    ],
)
@pytest.mark.parametrize("option", ["--json", "--patch", "--no-missing"])
def test_a_table_of_which_nothing_is_judged_is_no_success(
    tmp_path: Path, text: str, option: str
) -> None:
    result = run(tmp_path, text, option)
    assert result.exit_code == 2
    assert "table.md: no row was judged" in result.stderr
    assert run(tmp_path, text).exit_code == 2


@settings(max_examples=40)
@given(
    st.lists(
        st.sampled_from(
            ["bpf_loop", "BPF_FUNC_loop", "BPF_MAP_TYPE_HASH", "|", "5.16", "5.17", " ", "\n", '"',
             "{", "}", ":", ",", "asm.FnLoop", "text", "(", ")", "\t"]
        ),
        max_size=30,
    ).map("".join),
    st.sampled_from(["bcc", "c", "go"]),
)  # fmt: skip
def test_no_line_with_a_known_name_is_lost(text: str, form: str) -> None:
    text = f'{HEAD}| bpf_map_lookup_elem | 3.19 |\n\n{{"bpf_map_lookup_elem", "3.19"}}\n' \
           f'"bpf_map_lookup_elem": "3.19",\n\n{text}'  # fmt: skip
    found = audit(read_table(text, "t", form)[1], TIMELINE, missing=False, text=text)
    lines = {finding.line for finding in found}
    for number, line in enumerate(text.split("\n"), 1):
        if any(word in line.replace("|", " ").split() for word in ("bpf_loop", "BPF_FUNC_loop")):
            assert number in lines
