"""The tables of the check: whole, sorted, and in terms of the timeline."""

import subprocess
import sys

import pytest

from helperhist.binary.context import _LAYOUT, CONTEXTS, context_field
from helperhist.binary.insn import Insn, decode, feature
from helperhist.binary.sections import _ROWS, program_kind
from helperhist.check.arithmetic import compare, compute
from helperhist.check.lives import Life
from helperhist.check.rules import (
    FALLBACKS,
    MAP_FLAGS,
    REWRITES,
    RULES,
    VALUE_TYPES,
)
from helperhist.timeline import STRUCT_OPS
from tests.build.checked import checker

ROWS = checker().names.lives.rows
RELEASES = {tag.version.text for tag in checker().timeline.releases}
# Whole trees are read of newer ones too.
RELEASES |= set(checker().timeline.relations.read("kfunc"))


@pytest.mark.parametrize("key", [*RULES, *VALUE_TYPES])
def test_rule_has_a_release_and_its_source(key: str) -> None:
    rule = RULES.get(key) or VALUE_TYPES[key]
    if key == "indirect jump":
        assert not rule.since
        return
    assert rule.source
    assert bool(rule.since) is not bool(rule.uapi)
    assert (rule.since or ROWS[rule.uapi].since) in RELEASES


def test_names_are_in_the_timeline() -> None:
    helpers = {*REWRITES, *REWRITES.values()}
    helpers |= {name for name in FALLBACKS if name.startswith("bpf_")}
    assert helpers <= {name for name, row in ROWS.items() if row.kind == "helper"}
    assert set(MAP_FLAGS) <= ROWS.keys()
    assert {name for name in FALLBACKS if name.startswith("BPF_")} <= ROWS.keys()
    assert set(STRUCT_OPS.values()) <= RELEASES


def test_map_flags_are_single_bits_in_order() -> None:
    values = [ROWS[name].id for name in MAP_FLAGS]
    assert values == [1 << bit for bit in range(len(MAP_FLAGS))]


@pytest.mark.parametrize("struct", sorted(set(CONTEXTS.values())))
def test_context_fields_are_in_the_timeline(struct: str) -> None:
    names = [item.split(":")[2] for item in _LAYOUT[struct].split()]
    assert [name for name in names if f"{struct}.{name}" not in ROWS] == []
    ends = [sum(int(part) for part in item.split(":")[:2]) for item in _LAYOUT[struct].split()]
    assert context_field(struct, max(ends)) is None
    assert context_field(struct, -1) is None
    assert context_field(struct, 0) is not None


def test_every_section_names_types_of_the_timeline() -> None:
    newer = {"BPF_TRACE_FSESSION_MULTI", "BPF_TRACE_FENTRY_MULTI", "BPF_TRACE_FEXIT_MULTI"}
    for pattern, *_ in _ROWS:
        kind = program_kind(pattern.removesuffix("+"))
        assert kind is not None
        assert f"BPF_PROG_TYPE_{kind.type}" in ROWS
        assert not kind.attach or kind.attach in ROWS or kind.attach in newer
    assert len({row[0] for row in _ROWS}) == len(_ROWS)


@pytest.mark.parametrize(
    ("section", "loader", "expected"),
    [
        ("kprobe", "libbpf", "KPROBE"),
        ("kprobe/x", "libbpf", "KPROBE"),
        ("kprobex", "libbpf", None),
        ("xdp", "libbpf", "XDP"),
        ("xdp/x", "libbpf", None),
        ("xdp/x", "cilium", "XDP"),
        ("?xdp", "libbpf", "XDP"),
        ("tcx/ingress", "libbpf", "SCHED_CLS"),
        ("tcx", "libbpf", None),
        ("classifier/x", "libbpf", None),
        ("classifier/x", "libbpf0", "SCHED_CLS"),
        ("classifier/x", "cilium", "SCHED_CLS"),
        ("classifier/x", "aya", "SCHED_CLS"),
        ("xdp_pass", "libbpf0", "XDP"),
        ("xdp_pass", "aya", None),
        ("schedcls/ingress/clat", "android", "SCHED_CLS"),
        ("skfilter/x", "android", "SOCKET_FILTER"),
        ("tp_btf/x", "android", None),
        ("", "libbpf", None),
    ],
)
def test_section_names(section: str, loader: str, expected: str | None) -> None:
    kind = program_kind(section, loader)
    assert (kind and kind.type) == expected


def test_section_target_and_marks() -> None:
    kind = program_kind("?fentry.s/mod:fn")
    assert kind is not None
    assert (kind.target, kind.sleepable, kind.autoload, kind.btf) == ("mod:fn", True, False, True)


@pytest.mark.parametrize(
    ("name", "since", "until"),
    [
        ("bpf_iter_num_new", "6.4", ""),
        ("bpf_iter_num_new___local", "6.4", ""),
        ("scx_bpf_consume___old", "6.12", "6.17"),
    ],
)
def test_kfuncs(name: str, since: str, until: str) -> None:
    life = checker().names.lives.kfunc(name)
    assert life is not None
    assert (life.since, life.until) == (since, until)


def test_a_kfunc_that_is_in_no_release() -> None:
    assert checker().names.lives.kfunc("bpf_no_such_kfunc") is None


@pytest.mark.parametrize(
    ("release", "there"), [((6, 11), False), ((6, 12), True), ((6, 14), True), ((6, 17), False)]
)
def test_life_of_a_kfunc_that_is_gone(release: tuple[int, int], there: bool) -> None:
    life = checker().names.lives.kfunc("scx_bpf_consume")
    assert life is not None
    assert life.has(release) is there
    # Between the last release that was read with it and the first without, nobody can tell.
    assert (life.seen, life.until) == ("6.14", "6.17")


def test_life_of_what_is_in_no_release() -> None:
    assert not Life.of(None).has((99, 0))
    assert Life.of("5.8").has((5, 8))
    assert not Life.of("5.8").has((5, 7))


@pytest.mark.parametrize("order", ["little", "big"])
def test_decode(order: str) -> None:
    # r2 = *(u32 *)(r1 - 4); in the other order, registers stand the other way round.
    data = bytes.fromhex("6112fcff00000000" if order == "little" else "6121fffc00000000")
    expected = Insn(0x61, 2, 1, -4, 0)
    assert decode(data, "little" if order == "little" else "big") == [expected]


def test_every_opcode_is_plain_a_feature_or_unknown() -> None:
    known = {name for code in range(256) if (name := feature(Insn(code, 0, 0, 0, 0)))}
    assert known <= RULES.keys()
    assert feature(Insn(0x8D, 0, 0, 0, 0)) is None


@pytest.mark.parametrize(
    ("code", "left", "right", "expected"),
    [
        (0x07, 5, -6, (1 << 64) - 1),
        (0x04, 5, -6, (1 << 32) - 1),
        (0x57, 7, 1, 1),
        (0x57, None, 0, 0),
        (0x47, None, 1, None),
        (0x67, 1, 63, 1 << 63),
        (0xC7, 1 << 63, 63, (1 << 64) - 1),
        (0xA7, 1, 1, 0),
        (0x87, 1, None, (1 << 64) - 1),
        (0xB7, None, -1, (1 << 64) - 1),
        (0xB4, None, -1, (1 << 32) - 1),
        (0x37, 8, 2, None),
    ],
)
def test_arithmetic(code: int, left: int | None, right: int | None, expected: int | None) -> None:
    assert compute(Insn(code, 0, 0, 0, 0), left, right) == expected


@pytest.mark.parametrize(
    ("code", "left", "right", "expected"),
    [
        (0x15, 1, 1, True),
        (0x55, 1, 1, False),
        (0x25, (1 << 64) - 1, 1, True),
        (0x65, (1 << 64) - 1, 1, False),
        (0x66, (1 << 32) - 1, 1, False),
        (0x16, 1 << 32, 0, True),
        (0x45, 6, 1, False),
        (0xC5, -1, 0, True),
        (0xA5, -1, 0, False),
        (0xDD, 0, 0, True),
    ],
)
def test_comparison(code: int, left: int, right: int, expected: bool) -> None:
    assert compare(code, left, right) is expected


def test_check_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys, helperhist.cli.check;"
        "print(sorted({'pandas', 'pygit2', 'matplotlib', 'yaml', 'numpy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
