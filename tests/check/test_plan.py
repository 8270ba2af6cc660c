"""The kernels at which the answer changes, and what an upgrade does."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from helperhist.check.needs import Findings
from helperhist.check.plan import boot, compare, plan
from helperhist.check.target import judge_release
from helperhist.cli.group import cli
from helperhist.timeline import Release
from helperhist.version import KernelVersion
from tests.build.checked import GPL, HEAD, check_c, checker
from tests.build.objects import compile_bpf

RINGBUF = "enum bpf_func_id { BPF_FUNC_ringbuf_output = 130 };\n"
OLD = "extern int scx_bpf_consume(unsigned long id) __ksym;\n"
ARRAY = (
    "struct { __uint(type, 3); __uint(max_entries, 2); __uint(key_size, 4); "
    '__uint(value_size, 4); } jt SEC(".maps");\n'
)
SHARED = (
    f'{ARRAY}SEC("cgroup/sendmsg4") int a(void *ctx) {{ CALL3(12, ctx, &jt, 0); return 1; }}\n'
    'SEC("cgroup/recvmsg4") int b(void *ctx) { CALL3(12, ctx, &jt, 0); return 1; }\n'
)
SOURCES = {
    "one": 'SEC("kprobe/x") int prog(void *ctx) { return CALL4(130, 0, 0, 0, 0); }',
    "pair": 'SEC("xdp") int prog(void *ctx) { return CALL0(14); }',
    "between": 'SEC("socket") int prog(void *ctx) { return CALL0(15); }',
    "ends": SHARED,
    "unknown": 'SEC("kprobe/x") int prog(void *ctx) { return CALL0(9999); }',
    "guarded": RINGBUF
    + 'SEC("socket") int prog(void *ctx) { '
    + "if (enum_exists(enum bpf_func_id, BPF_FUNC_ringbuf_output)) return CALL0(44); return 0; }",
    "switch": "volatile const int on = 0;\n"
    + 'SEC("kprobe/x") int prog(void *ctx) { if (on) return CALL0(181); return 0; }',
    "refused": 'struct { __uint(type, 27); __type(key, u32); } m SEC(".maps");\n'
    + 'SEC("xdp") int prog(void *ctx) { return 0; }',
    "kfunc": 'extern int bpf_wq_set_callback_impl(void *p) __ksym;\nSEC("tc") int prog(void *ctx)'
    + " { return bpf_wq_set_callback_impl(ctx); }",
    "iterator": 'SEC("iter/dmabuf") int prog(void *ctx) { return 0; }',
}


def answer(found: Findings, version: str) -> str:
    lacks = judge_release(found, Release(checker().timeline, KernelVersion.parse(version)))
    if found.refused or any(item.certain for item in lacks):
        return "no"
    return "cannot tell" if lacks else "yes"


@pytest.mark.parametrize("name", SOURCES)
def test_stretches_are_those_of_a_sweep_over_all_releases(name: str) -> None:
    timeline = checker().timeline
    found = check_c(SOURCES[name])
    swept = {tag.version.text: answer(found, tag.version.text) for tag in timeline.releases}
    releases = list(swept)
    planned = {
        release: item.answer
        for item in plan(found, timeline)
        for release in releases[releases.index(item.first) : releases.index(item.last) + 1]
    }
    assert planned == swept
    answers = [item.answer for item in plan(found, timeline)]
    assert all(one != other for one, other in pairwise(answers))


def test_boot_what_decides() -> None:
    timeline = checker().timeline
    plans = [plan(check_c(SOURCES[name]), timeline) for name in ("one", "ends")]
    assert boot(plans) == ("5.1", "5.2", "5.7", "5.8", "6.17", "6.18")
    assert boot([]) == ()


def test_upgrade() -> None:
    timeline = checker().timeline
    old, new = (Release(timeline, KernelVersion.parse(text)) for text in ("6.8", "7.3"))
    found = compare(check_c(SHARED), old, new)
    assert [(item.item.name, item.certain) for item in found.worse] == [
        ("one PROG_ARRAY for programs of two attach types", True)
    ]
    assert found.better == ()
    assert compare(check_c(SOURCES["one"]), old, new).worse == ()
    pair = compare(check_c(SOURCES["pair"]), old, new)
    assert (len(pair.worse), len(pair.better)) == (0, 1)


def run(path: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["check", str(path), *options], catch_exceptions=False)
    return result.exit_code, result.stdout or result.output


def test_commands() -> None:
    path = compile_bpf(HEAD + GPL + SHARED)
    code, text = run(path, "--plan")
    assert code == 0
    assert text.splitlines()[0] == str(path)
    assert "  5.2 to 6.17   yes" in text.splitlines()
    assert "boot: 5.1, 5.2, 6.17, 6.18" in text
    code, text = run(path, "--plan", "--json")
    assert (code, json.loads(text)["boot"]) == (0, ["5.1", "5.2", "6.17", "6.18"])
    code, text = run(path, "--upgrade", "6.8:7.3")
    assert code == 1
    assert "- one PROG_ARRAY for programs of two attach types: not from 6.18 on" in text
    code, text = run(path, "--upgrade", "6.8:6.12", "--json")
    assert (code, json.loads(text)["objects"][0]["worse"]) == (0, [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--upgrade", "6.8"), "OLD:NEW"),
        (("--upgrade", "7.3:6.8"), "6.8 is older than 7.3"),
        (("--upgrade", "x:6.8"), "x"),
        (("--upgrade", "5.8:6.8", "--plan"), "exclude each other"),
        (("--plan", "--target", "5.8"), "exclude each other"),
        (("--plan", "--format", "github"), "--format github"),
    ],
)
def test_usage(options: tuple[str, ...], words: str) -> None:
    path = compile_bpf(HEAD + GPL + SHARED)
    code, text = run(path, *options)
    assert code == 2
    assert words in text.splitlines()[-1]
