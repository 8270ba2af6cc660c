"""The command: output, exit codes, the JSON contract, targets and comparisons."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import helperhist
from helperhist.check.needs import Requirement
from helperhist.check.target import judge_kernel, judge_release
from helperhist.check.verdict import minimum
from helperhist.cli.group import cli
from helperhist.dataset.store import write_dataset
from helperhist.kernel import KernelInfo
from helperhist.report.github import render_annotation
from helperhist.timeline import LISTS, Fact
from helperhist.timeline.presence import Release
from helperhist.version import KernelVersion
from tests.build.checked import GPL, HEAD, check, check_c
from tests.build.objects import SOURCES, compile_bpf, has
from tests.build.timeline import make_timeline
from tests.build.wrapped import OBJECT

OLD = """
SEC("tracepoint/x/y") int prog(void *ctx)
{
    return CALL1(14, ctx);
}
"""
NEW = """
struct { __uint(type, 27); __uint(max_entries, 4096); } events SEC(".maps");
SEC("tracepoint/x/y") int prog(void *ctx)
{
    CALL4(130, &events, ctx, 8, 0);
    return CALL1(14, ctx) + CALL3(113, ctx, 8, ctx);
}
"""


def build(source: str, cpu: str = "v2") -> Path:
    return compile_bpf(HEAD + GPL + source, cpu=cpu)


def run(*args: object, stdin: str | None = None) -> Result:
    command = ["check", *(str(arg) for arg in args)]
    return CliRunner().invoke(cli, command, input=stdin, catch_exceptions=False)


def test_text() -> None:
    path = build(NEW)
    result = run(path)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:2] == [
        f"{path}: 5.8, because of bpf_ringbuf_output, BPF_MAP_TYPE_RINGBUF (loader libbpf)",
        "  4.7 if you dropped bpf_ringbuf_output, BPF_MAP_TYPE_RINGBUF (5.8)",
    ]
    assert "5.8    bpf_ringbuf_output        prog:6 test.bpf.c:7" in lines
    assert "5.8    BPF_MAP_TYPE_RINGBUF      map events" in lines
    assert lines[-1].startswith("source: ")
    assert max(len(line) for line in lines[2:-1]) <= 80
    releases = [line.split()[0] for line in lines[4:-5] if line[:1].isdigit()]
    assert releases == ["5.8", "5.8", "4.7", "4.2", "4.1"]


def test_json_contract() -> None:
    path = build(NEW)
    result = run(path, "--json")
    assert result.exit_code == 0
    (found,) = json.loads(result.stdout)
    assert list(found) == [
        "file",
        "min_kernel",
        "at_least",
        "or_earlier",
        "earliest",
        "until",
        "last",
        "loads_from",
        "if_set",
        "decided_by",
        "ended_by",
        "loader",
        "license",
        "programs",
        "maps",
        "requirements",
        "unknown",
        "notes",
        "member",
        "offset",
        "symbol",
        "loadable",
        "refused",
    ]
    assert found["file"] == str(path)
    assert (found["min_kernel"], found["at_least"], found["loader"]) == ("5.8", False, "libbpf")
    assert found["decided_by"] == ["bpf_ringbuf_output", "BPF_MAP_TYPE_RINGBUF"]
    assert found["license"] == "GPL"
    assert found["programs"] == [
        {
            "name": "prog",
            "section": "tracepoint/x/y",
            "type": "BPF_PROG_TYPE_TRACEPOINT",
            "attach_type": None,
            "autoload": True,
            "instructions": 16,
        }
    ]
    assert found["maps"] == [{"name": "events", "type": 27, "flags": 0, "autocreate": True}]
    assert found["unknown"] == []
    first = found["requirements"][0]
    assert first.pop("source").endswith("test.bpf.c:7")
    assert first == {
        "kind": "helper",
        "name": "bpf_ringbuf_output",
        "since": "5.8",
        "optional": False,
        "program": "prog",
        "map": None,
        "function": "prog",
        "insn": 6,
        "count": 1,
        "stage": "load",
        "evidence": "helper 130",
        "earliest": None,
        "until": None,
        "last": None,
        "because": [],
        "checks": [],
        "switches": [],
    }
    assert [(item["name"], item["optional"]) for item in found["requirements"]] == [
        ("bpf_ringbuf_output", False),
        ("BPF_MAP_TYPE_RINGBUF", False),
        ("bpf_probe_read_kernel", True),
        ("BPF_PROG_TYPE_TRACEPOINT", False),
        ("bpf_get_current_pid_tgid", False),
        ("bpf_probe_read", False),
    ]


def test_json_of_what_is_unknown() -> None:
    path = build('SEC("kprobe/x") int prog(void *ctx) { return CALL1(9999, ctx); }')
    (found,) = json.loads(run(path, "--json").stdout)
    assert (found["min_kernel"], found["at_least"]) == ("4.1", True)
    (item,) = found["unknown"]
    assert item.pop("source").endswith("test.bpf.c:3")
    assert item == {
        "kind": "helper",
        "name": "helper 9999",
        "reason": "no release in the data has it",
        "newer_than_data": True,
        "optional": False,
        "checks": [],
        "switches": [],
        "program": "prog",
        "map": None,
        "function": "prog",
        "insn": 0,
    }
    assert run(path).stdout.startswith(f"{path}: at least 4.1, because of BPF_PROG_TYPE_KPROBE")


@pytest.mark.parametrize(
    ("target", "exit_code"),
    [("5.8", 0), ("5.8.1", 0), ("6.1", 0), ("5.7", 1), ("5.8-rc1", 1), ("4.18.0-305.el8", 1)],
)
def test_target(target: str, exit_code: int) -> None:
    assert run(build(NEW), "--target", target).exit_code == exit_code


def test_target_names_what_is_missing_and_what_to_use_instead() -> None:
    path = build(NEW)
    lines = run(path, "--target", "5.4").stdout.splitlines()
    assert lines[0] == f"{path}: no, 5.4 lacks"
    assert " ".join(lines[2].split()) == (
        "bpf_ringbuf_output needs 5.8; instead: bpf_perf_event_output prog:6 test.bpf.c:7"
    )
    assert run(path, "--target", "5.8").stdout.startswith(f"{path}: yes, 5.8 has all")
    (found,) = json.loads(run(path, "--target", "5.4", "--json").stdout)
    assert found["target"]["kernel"] == "5.4"
    assert found["target"]["ok"] is False
    missing = found["target"]["missing"]
    assert [(item["name"], item["certain"], item["instead"]) for item in missing] == [
        ("bpf_ringbuf_output", True, "bpf_perf_event_output"),
        ("BPF_MAP_TYPE_RINGBUF", True, "BPF_MAP_TYPE_PERF_EVENT_ARRAY"),
    ]


def test_target_of_a_raw_loader_needs_what_others_replace() -> None:
    source = 'SEC("kprobe/x") int prog(void *ctx) { return CALL3(113, ctx, 8, ctx); }'
    assert run(build(source), "--target", "5.4").exit_code == 0
    result = run(build(source), "--target", "5.4", "--loader", "raw")
    assert result.exit_code == 1
    assert "instead: bpf_probe_read" in result.stdout.replace("\n", " ")


def test_nobody_knows_of_a_target_beyond_the_data() -> None:
    path = build('SEC("kprobe/x") int prog(void *ctx) { return CALL1(9999, ctx); }')
    old, new = run(path, "--target", "5.4"), run(path, "--target", "99.0")
    assert (old.exit_code, new.exit_code) == (1, 1)
    assert ": no, 5.4 lacks" in old.stdout
    assert ": not sure: the data cannot tell whether 99.0 has" in new.stdout


def test_bad_target() -> None:
    result = run(build(NEW), "--target", "newest")
    assert result.exit_code == 2
    assert "'newest' is not a kernel version" in result.stderr


def test_several_objects_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    shutil.copy(build(OLD), tmp_path / "b.bpf.o")
    shutil.copy(build(NEW), tmp_path / "sub" / "a.o")
    (tmp_path / "host.o").write_bytes(Path("/proc/self/exe").read_bytes()[:64])
    (tmp_path / "notes.txt").write_text("no object")
    result = run(tmp_path)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[1] for line in lines[1:3]] == ["4.7", "5.8"]
    assert lines[1].split()[0].endswith("b.bpf.o")
    listed = run("-", "--json", stdin=f"{tmp_path}/b.bpf.o\n\n{tmp_path}/sub\n")
    assert [item["min_kernel"] for item in json.loads(listed.stdout)] == ["4.7", "5.8"]


def test_empty_folder_and_missing_file(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no BPF objects in this folder" in result.stderr
    result = run(tmp_path / "none.o")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"Error: {tmp_path}/none.o: No such file or directory\n"


def test_a_bad_object_does_not_hide_a_good_one(tmp_path: Path) -> None:
    (tmp_path / "bad.o").write_text("no ELF")
    path = build(NEW)
    result = run(tmp_path / "bad.o", path)
    assert result.exit_code == 2
    assert result.stdout.startswith(f"{path}: 5.8")
    assert f"Error: {tmp_path}/bad.o: this is text; " in result.stderr


def test_what_is_no_comparison(tmp_path: Path) -> None:
    path = build(NEW)
    shutil.copy(path, tmp_path / "a.o")
    shutil.copy(path, tmp_path / "b.o")
    result = run("--diff", tmp_path, path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--diff compares two object files" in result.stderr
    result = run("--diff", tmp_path / "none.o", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "none.o: No such file" in result.stderr


def test_an_empty_list() -> None:
    result = run("-", stdin="\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no objects listed on standard input" in result.stderr


def test_a_file_of_another_size(tmp_path: Path) -> None:
    path = tmp_path / "huge.o"
    with path.open("wb") as file:
        file.write(OBJECT)
        file.truncate(200 << 20)
    result = run(path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"Error: {path}: more than 64 MiB are no BPF object\n"


def test_usage() -> None:
    assert run().exit_code == 2
    assert run("x.o", "--diff", "a.o", "b.o").exit_code == 2
    assert "Examples" in CliRunner().invoke(cli, ["check", "--help"]).stdout


def test_diff() -> None:
    old, new = build(OLD), build(NEW)
    result = run("--diff", old, new)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == f"minimum kernel raised: 4.7 ({old}) -> 5.8 ({new})"
    signs = [" ".join(line.split()[:3]) for line in lines[3:-1]]
    assert signs == [
        "+ 5.8 bpf_ringbuf_output",
        "+ 5.8 BPF_MAP_TYPE_RINGBUF",
        "+ 4.1 bpf_probe_read",
    ]
    back = run("--diff", new, old)
    assert (back.exit_code, back.stdout.splitlines()[0].split(":")[0]) == (
        0,
        "minimum kernel lowered",
    )
    same = run("--diff", new, new)
    assert same.exit_code == 0
    assert same.stdout.startswith("minimum kernel unchanged: 5.8")
    found = json.loads(run("--diff", old, new, "--json").stdout)
    assert (found["old"]["min_kernel"], found["new"]["min_kernel"]) == ("4.7", "5.8")
    assert found["raised"] is True
    assert found["added"][0]["name"] == "bpf_ringbuf_output"
    assert found["removed"] == []


def test_diff_to_something_unknown_is_a_rise() -> None:
    new = build(OLD.replace("CALL1(14, ctx)", "CALL1(9999, ctx)"))
    assert run("--diff", build(OLD), new).exit_code == 1


def test_github_annotations() -> None:
    path = build(NEW)
    result = run(path, "--target", "5.4", "--format", "github")
    assert result.exit_code == 1
    first, second = result.stdout.splitlines()
    assert first.startswith("::error file=")
    assert "test.bpf.c,line=7,title=not on 5.4::bpf_ringbuf_output: needs 5.8; instead: " in first
    assert second.startswith("::error title=not on 5.4::BPF_MAP_TYPE_RINGBUF: needs 5.8;")
    notice = run(path, "--format", "github").stdout.splitlines()
    assert notice[0].startswith("::notice file=")
    changed = run("--diff", build(OLD), path, "--format", "github")
    assert changed.exit_code == 1
    assert "title=minimum kernel 4.7 -> 5.8::bpf_ringbuf_output needs Linux 5.8" in changed.stdout


def test_annotations_name_files_as_the_repository_does(monkeypatch: pytest.MonkeyPatch) -> None:
    path = build(NEW)
    (item,) = (item for item in check(path).requirements if item.name == "bpf_ringbuf_output")
    assert item.source is not None
    monkeypatch.setenv("GITHUB_WORKSPACE", str(Path(item.source).parent))
    result = run(path, "--target", "5.4", "--format", "github")
    assert result.stdout.startswith("::error file=test.bpf.c,line=7,title=not on 5.4::")


def test_annotations_escape_what_ends_them() -> None:
    text = render_annotation("error", "a,b: c", "50%\nof it", "x:y.c:3", Path("/nowhere"))
    assert text == "::error file=x%3Ay.c,line=3,title=a%2Cb%3A c::50%25%0Aof it"


def test_example_of_the_readme() -> None:
    source = (SOURCES / "example.bpf.c").read_text()
    found = check(compile_bpf(source))
    assert minimum(found).since == "5.8"
    assert [item.name for item in minimum(found).decided_by] == ["bpf_ktime_get_boot_ns"]
    assert {item.name for item in found.requirements if item.optional} == {
        "bpf_probe_read_kernel",
        "bpf_ringbuf_output",
    }


def test_stripped_of_debug_information(tmp_path: Path) -> None:
    tool = next((name for name in ("llvm-strip", "llvm-strip-14") if has(name)), None)
    if tool is None:
        pytest.skip("needs llvm-strip (apt: llvm)")
    path = tmp_path / "stripped.o"
    shutil.copy(build(NEW), path)
    subprocess.run([tool, "-g", str(path)], check=True)
    names = {item.name for item in check(path).requirements}
    assert names == {item.name for item in check(build(NEW)).requirements}


def test_license() -> None:
    source = 'SEC("kprobe/x") int prog(void *ctx) { return CALL1(27, ctx); }'
    path = compile_bpf(f'{HEAD}LICENSE("Proprietary")\n{source}')
    assert [(item.rule, item.given, item.wanted) for item in check(path).refused] == [
        ("license", "bpf_get_stackid", "Proprietary")
    ]
    assert check_c(source).refused == ()
    assert [item.wanted for item in check(compile_bpf(HEAD + source)).refused] == [""]


def test_older_map_definitions() -> None:
    source = """
    struct def { int type, key_size, value_size, max_entries, map_flags; };
    struct def one SEC("maps") = { 9, 4, 8, 16, 2 };
    struct def two SEC("maps") = { 2, 4, 8, 16, 0 };
    SEC("xdp") int prog(void *ctx) { return CALL2(1, &two, 0); }
    """
    found = check_c(source)
    assert [(item.name, item.type, item.flags) for item in found.maps] == [
        ("one", 9, 2),
        ("two", 2, 0),
    ]
    assert found.unknown == ()
    assert minimum(found).since == "4.10"


def kernel_with(
    helpers: dict[int, str], names: frozenset[str] = frozenset(), *, blind: bool = False
) -> KernelInfo:
    """Return a kernel with some helpers and names of types; a blind one shows the helpers only."""
    facts = [Fact.of("helper", name, number) for number, name in helpers.items()]
    facts += [Fact("map_type" if "MAP_TYPE" in name else "prog_type", name) for name in names]
    whole = {"helper"} if blind else {*LISTS, "field", "flag"}
    return KernelInfo("made", "btf", tuple(facts), whole=frozenset(whole))


def test_a_very_kernel() -> None:
    found = check_c(NEW)
    names = frozenset({"BPF_MAP_TYPE_RINGBUF", "BPF_PROG_TYPE_TRACEPOINT"})
    helpers = {130: "bpf_ringbuf_output", 14: "bpf_get_current_pid_tgid", 4: "bpf_probe_read"}
    assert judge_kernel(found, kernel_with(helpers, names), "4.18") == ()
    (renumbered,) = judge_kernel(found, kernel_with({**helpers, 130: "bpf_other"}, names), "4.18")
    assert renumbered.reason == "helper 130 of this kernel is bpf_other"
    (missing,) = judge_kernel(found, kernel_with(helpers, names - {"BPF_MAP_TYPE_RINGBUF"}), "4.18")
    assert (missing.item.name, missing.certain) == ("BPF_MAP_TYPE_RINGBUF", True)
    assert isinstance(missing.item, Requirement)
    # Where the names cannot be told, the release that the kernel is like decides.
    assert judge_kernel(found, kernel_with(helpers, blind=True), "5.8") == ()
    assert len(judge_kernel(found, kernel_with(helpers, blind=True), "5.7")) == 1
    assert not any(
        item.certain for item in judge_kernel(found, kernel_with(helpers, blind=True), None)
    )


def test_a_very_kernel_and_unknown_helpers() -> None:
    found = check_c('SEC("kprobe/x") int prog(void *ctx) { return CALL1(9999, ctx); }')
    names = frozenset({"BPF_PROG_TYPE_KPROBE"})
    assert judge_kernel(found, kernel_with({9999: "bpf_future"}, names), "7.1") == ()
    (missing,) = judge_kernel(found, kernel_with({1: "bpf_map_lookup_elem"}, names), "7.1")
    assert (missing.reason, missing.certain) == ("this kernel has no helper 9999", True)


@pytest.mark.parametrize(
    ("target", "reason", "certain"),
    [
        ("6.9", "needs 6.10", True),
        ("6.19", None, None),
        ("6.19.5", None, None),
        ("7.0-rc3", "6.19 has it, 7.0 does not; 7.0-rc3 was not read", False),
        ("7.0", "not from 7.0 on", True),
        ("7.2", "not from 7.0 on", True),
    ],
)
def test_kfunc_that_is_gone(target: str, reason: str | None, certain: bool | None) -> None:
    name = "bpf_wq_set_callback_impl"
    source = f"extern int {name}(void *p) __ksym;\n"
    found = check_c(source + f'SEC("tc") int prog(void *ctx) {{ return {name}(ctx); }}')
    release = Release(helperhist.load("embedded"), KernelVersion.parse(target))
    verdicts = judge_release(found, release)
    expected = [] if reason is None else [(name, reason, certain)]
    assert [(item.item.name, item.reason, item.certain) for item in verdicts] == expected
    (item,) = (item for item in found.requirements if item.name == name)
    assert (item.since, item.until, item.last) == ("6.10", "7.0", "6.19")
    assert str(minimum(found)) == "6.10 up to 6.19"


@pytest.mark.parametrize(("target", "certain"), [("6.14", []), ("6.15", [False]), ("6.17", [True])])
def test_kfunc_that_went_between_two_releases(target: str, certain: list[bool]) -> None:
    name = "scx_bpf_consume"
    source = f"extern int {name}(void *p) __ksym;\n"
    found = check_c(source + f'SEC("?struct_ops/x") int prog(void *ctx) {{ return {name}(ctx); }}')
    assert [item.until for item in found.requirements if item.kind == "kfunc"] == ["6.17"]
    (item,) = (item for item in found.requirements if item.name == name)
    release = Release(helperhist.load("embedded"), KernelVersion.parse(target))
    needed = replace(found, requirements=(replace(item, optional=False),), unknown=())
    assert [verdict.certain for verdict in judge_release(needed, release)] == certain


def scanned(folder: Path, *, kernel: bool = True) -> Path:
    """A dataset that begins with what the object of NEW needs, at 5.9."""
    names = {
        name.name: Fact.of(name.kind, name.name, name.id)
        for name in helperhist.load("embedded").at("5.9")
    }
    timeline = make_timeline({"v5.9": list(names.values())}, complete=False)
    timeline.metadata = replace(timeline.metadata, kernel=kernel)
    write_dataset(timeline, folder)
    return folder


def test_what_the_data_begins_with_may_be_older(tmp_path: Path) -> None:
    path, data = build(NEW), scanned(tmp_path / "data")
    assert f"{path}: 5.9 or earlier, because of " in run(path, "--data", data).stdout
    (found,) = json.loads(run(path, "--data", data, "--json").stdout)
    assert (found["min_kernel"], found["at_least"], found["or_earlier"]) == ("5.9", False, True)
    result = run(path, "--data", data, "--target", "5.8", "--json")
    assert result.exit_code == 1
    (found,) = json.loads(result.stdout)
    missing = found["target"]["missing"]
    assert [item["certain"] for item in missing] == [False] * len(missing)
    assert missing[0]["why"] == "needs 5.9 or earlier"


def test_data_of_another_project(tmp_path: Path) -> None:
    data = scanned(tmp_path / "data", kernel=False)
    for command in (["check", str(build(NEW))], ["explain", "invalid func unknown#1"], ["kernel"]):
        result = CliRunner().invoke(cli, [*command, "--data", str(data)], catch_exceptions=False)
        assert result.exit_code == 2
        assert "not known to be kernel releases" in result.stderr


def test_target_beyond_the_data() -> None:
    result = run(build(NEW), "--target", "99.9")
    assert result.exit_code == 1
    assert "note: 99.9 is newer than the data, which ends with " in result.stderr
    assert ": not sure: nobody can tell what 99.9 has" in result.stdout
    (line,) = run(build(NEW), "--target", "99.9", "--format", "github").stdout.splitlines()
    assert line.startswith("::warning title=not sure of 99.9::")
