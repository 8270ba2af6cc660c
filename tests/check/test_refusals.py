"""What no kernel loads with a loader: an object for every rule, and one that must not hit it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from helperhist.check import Findings, required
from helperhist.cli.group import cli
from helperhist.report.refusals import reason, remedy, render_refused
from tests.build.checked import GPL, HEAD, check, check_c
from tests.build.checked import required as needs
from tests.build.objects import compile_bpf

PROG = 'SEC("socket") int prog(void *ctx) { return 0; }\n'
BIG = "struct big { u64 a, b, c; };\n"


def map_(definition: str) -> str:
    return f'{BIG}struct {{ {definition} }} m SEC(".maps");\n{PROG}'


def rules(findings: Findings) -> list[str]:
    return [item.rule for item in findings.refused]


def unset(findings: Findings) -> list[str]:
    return [item.name for item in findings.unknown if item.kind == "unset"]


KV = "__uint(max_entries, 8); __type(key, u32); __type(value, u32);"
BAD = {
    "perf event array with a value type": (
        "value size",
        "__uint(type, 4); __type(key, u32); __type(value, struct big);",
    ),
    "perf event array without key": ("key size", "__uint(type, 4); __uint(value_size, 4);"),
    "program array with long values": (
        "value size",
        "__uint(type, 3); __uint(max_entries, 1); __type(key, u32); __type(value, u64);",
    ),
    "ring buffer with a value": (
        "value size",
        "__uint(type, 27); __uint(max_entries, 4096); __type(value, struct big);",
    ),
    "ring buffer with a key": ("key size", "__uint(type, 27); __type(key, u32);"),
    "array with a long key": (
        "key size",
        "__uint(type, 2); __uint(max_entries, 1); __type(key, u64); __type(value, u32);",
    ),
    "LRU without preallocation": ("flag refused", f"__uint(type, 9); {KV} __uint(map_flags, 1);"),
    "trie with preallocation": (
        "flag missing",
        "__uint(type, 11); __uint(max_entries, 8); __type(key, u64); __type(value, u32);",
    ),
    "trie with a short key": ("key size", f"__uint(type, 11); {KV} __uint(map_flags, 1);"),
    "hash with an LRU's flag": ("flag refused", f"__uint(type, 1); {KV} __uint(map_flags, 2);"),
    "queue with a key": ("key size", f"__uint(type, 22); {KV}"),
    "device map with long values": (
        "value size",
        "__uint(type, 14); __uint(max_entries, 1); __type(key, u32); __type(value, struct big);",
    ),
    "stack trace of odd size": (
        "value size",
        "__uint(type, 7); __uint(max_entries, 1); __type(key, u32); __uint(value_size, 12);",
    ),
    "storage with entries": ("max_entries", f"__uint(type, 24); {KV} __uint(map_flags, 1);"),
    "storage with preallocation": (
        "flag missing",
        "__uint(type, 24); __type(key, int); __type(value, u32);",
    ),
    "storage without types": (
        "types missing",
        "__uint(type, 24); __uint(key_size, 4); __uint(value_size, 4); __uint(map_flags, 1);",
    ),
    "private pinning": ("map pinning", f"__uint(type, 1); {KV} __uint(pinning, 7);"),
    "unknown member": ("map field", f"__uint(type, 1); {KV} __uint(colour, 7);"),
    "type as a number": ("map number", f"int type; {KV}"),
    "no type": ("map type missing", KV),
}
GOOD = {
    "perf event array": "__uint(type, 4); __type(key, u32); __type(value, u32);",
    "perf event array with sizes": (
        "__uint(type, 4); __uint(key_size, 4); __uint(value_size, 4); __uint(max_entries, 0);"
    ),
    "ring buffer, odd size": "__uint(type, 27); __uint(max_entries, 5000);",
    "hash": f"__uint(type, 1); {KV} __uint(map_flags, 1);",
    "LRU": f"__uint(type, 9); {KV} __uint(map_flags, 2);",
    "trie": (
        "__uint(type, 11); __uint(max_entries, 8); __type(key, u64); __type(value, u32);"
        " __uint(map_flags, 1);"
    ),
    "storage": "__uint(type, 24); __type(key, int); __type(value, u32); __uint(map_flags, 1);",
    "queue": "__uint(type, 22); __uint(max_entries, 8); __type(value, u32);",
    "pinned by name": f"__uint(type, 1); {KV} __uint(pinning, 1);",
    "program array": "__uint(type, 3); __uint(max_entries, 1); __type(key, u32); "
    "__array(values, int (void *));",
    "inner map": "__uint(type, 13); __uint(max_entries, 1); __type(key, u32);"
    f" __array(values, struct {{ __uint(type, 1); {KV} }});",
}


@pytest.mark.parametrize(("rule", "definition"), BAD.values(), ids=BAD)
def test_map_that_is_never_created(rule: str, definition: str) -> None:
    found = check_c(map_(definition))
    assert rules(found) == [rule]
    assert found.refused[0].map == "m"
    assert reason(found.refused[0])
    assert remedy(found.refused[0])


@pytest.mark.parametrize("definition", GOOD.values(), ids=GOOD)
def test_map_that_is_created(definition: str) -> None:
    found = check_c(map_(definition))
    assert rules(found) == []
    assert unset(found) == []


@pytest.mark.parametrize(
    ("definition", "lacking"),
    [
        ("__uint(type, 1); __type(key, u32); __type(value, u32);", ["max_entries"]),
        ("__uint(type, 31);", ["max_entries"]),
        ("__uint(type, 7); __uint(max_entries, 8); __type(key, u32);", ["value size"]),
        (f"__uint(type, 13); {KV}", ["inner map"]),
    ],
    ids=["entries", "user ring buffer", "stack trace", "hash of maps"],
)
def test_what_user_space_sets_is_no_refusal(definition: str, lacking: list[str]) -> None:
    found = check_c(map_(definition))
    assert rules(found) == []
    assert unset(found) == lacking


@pytest.mark.parametrize(
    ("definition", "since"),
    [
        ("__uint(type, 14); __uint(max_entries, 1); __type(key, u32); __type(value, u64);", "5.8"),
        ("__uint(type, 25); __uint(max_entries, 1); __type(key, u32); __type(value, u64);", "5.8"),
        ("__uint(type, 16); __uint(max_entries, 1); __type(key, u32); __type(value, u64);", "5.9"),
        ("__uint(type, 15); __uint(max_entries, 1); __type(key, u32); __type(value, u64);", "5.7"),
        ("__uint(type, 16); __uint(max_entries, 1); __type(key, u32); __type(value, u32);", ""),
    ],
    ids=["device map", "device hash", "processor map", "socket map", "short values"],
)
def test_sizes_of_values_that_came_later(definition: str, since: str) -> None:
    found = [item for item in required(check_c(map_(definition))) if item.kind == "map_value"]
    assert [item.since for item in found] == ([since] if since else [])


def test_a_value_type_is_for_people_with_cilium() -> None:
    for definition in (BAD["perf event array with a value type"], BAD["ring buffer with a value"]):
        assert rules(check_c(map_(definition[1]), loader="cilium")) == []
        assert check_c(map_(definition[1])).refused[0].loaders == ("cilium",)
    key = BAD["ring buffer with a key"][1]
    assert rules(check_c(map_(key), loader="cilium")) == ["key size"]


def test_static_map() -> None:
    static = map_(f"__uint(type, 1); {KV}").replace("struct { ", "static struct { ", 1)
    use = 'SEC("socket") int prog(void *c) { u32 k = 0; return !!bpf_map_lookup_elem(&m, &k); }\n'
    lookup = "static void *(*bpf_map_lookup_elem)(void *, const void *) = (void *)1;\n"
    source = lookup + static.replace(PROG, use)
    assert rules(check_c(source)) == ["static map"]
    assert rules(check_c(source.replace("static struct", "struct"))) == []


def test_legacy_maps_are_for_other_loaders() -> None:
    source = f'struct {{ u32 t, k, v, n, f; }} m SEC("maps") = {{1, 4, 4, 8, 0}};\n{PROG}'
    found = check_c(source)
    assert [(item.rule, item.map) for item in found.refused] == [("legacy maps", "m")]
    assert "cilium/ebpf" in remedy(found.refused[0])
    assert rules(check_c(source, loader="cilium")) == []


def test_static_program() -> None:
    source = 'SEC("socket") __attribute__((used)) static int prog(void *ctx) { return 0; }\n'
    found = check_c(source)
    assert [(item.rule, item.program) for item in found.refused] == [("static program", "prog")]
    assert rules(check_c(source.replace("static ", ""))) == []


def test_part_that_wants_linking() -> None:
    call = 'SEC("socket") int prog(void *ctx) { return other(1); }\n'
    found = check_c("extern int other(int x);\n" + call)
    assert [(item.rule, item.given) for item in found.refused] == [("extern", "other")]
    assert "bpftool gen object" in remedy(found.refused[0])
    kfunc = 'extern int other(int x) __attribute__((section(".ksyms")));\n'
    assert rules(check_c(kfunc + call)) == []


def test_arena_variables_want_an_arena() -> None:
    source = (
        'int x SEC(".addr_space.1");\n'
        'SEC("syscall") int prog(void *c) { return *(volatile int *)&x; }\n'
    )
    arena = "__uint(type, 33); __uint(max_entries, 1); __uint(map_flags, 1024);"
    assert rules(check_c(source)) == ["arena missing"]
    assert rules(check_c(f'struct {{ {arena} }} m SEC(".maps");\n{source}')) == []


KTIME = 'SEC("socket") int prog(void *c) { return ((u64 (*)(void))5)(); }\n'
PRINTK = 'SEC("socket") int prog(void *c) { return ((long (*)(const char *, u32))6)(c, 1); }\n'


def test_gpl_only_helper_under_another_license() -> None:
    other = check(compile_bpf(HEAD + 'LICENSE("MIT")\n' + PRINTK))
    (item,) = other.refused
    assert (item.rule, item.program, item.given) == ("license", "prog", "bpf_trace_printk")
    assert "'MIT'" in reason(item)
    none = check(compile_bpf(HEAD + PRINTK))
    assert rules(none) == ["license"]
    assert rules(check_c(PRINTK)) == []
    assert rules(check_c(PRINTK.replace('"socket"', '"?socket"'))) == []


def test_stack_ids_of_perf_events_are_for_all_licenses() -> None:
    body = "int prog(void *c) { return ((long (*)(void *, void *, u64))27)(c, c, 0); }\n"
    head = HEAD + 'LICENSE("MIT")\n'
    assert rules(check(compile_bpf(f'{head}SEC("perf_event") {body}'))) == []
    assert rules(check(compile_bpf(f'{head}SEC("kprobe/x") {body}'))) == ["license"]


def test_helper_that_was_gpl_only_before_a_release() -> None:
    other = check(compile_bpf(HEAD + 'LICENSE("MIT")\n' + KTIME))
    assert other.refused == ()
    assert "5.8" in needs(other).values()
    assert "5.8" not in needs(check_c(KTIME)).values()


def test_command_says_no_with_the_cause_and_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "x.bpf.o"
    source = HEAD + GPL + map_(BAD["perf event array with a value type"][1])
    file.write_bytes(compile_bpf(source, cpu="v2").read_bytes())
    run = CliRunner().invoke(cli, ["check", str(file), "--target", "6.12", "--data", "embedded"])
    assert run.exit_code == 1
    assert "no, it does not load with libbpf on any kernel" in run.stdout
    assert "map m: its values have 24 bytes, must be 4" in " ".join(run.stdout.split())
    assert "--loader cilium" in run.stdout
    assert max(map(len, run.stdout.splitlines()[1:])) <= 80
    run = CliRunner().invoke(cli, ["check", str(file), "--json", "--data", "embedded"])
    assert run.exit_code == 0
    (answer,) = json.loads(run.stdout)
    assert answer["loadable"] is False
    assert [(item["map"], item["rule"]) for item in answer["refused"]] == [("m", "value size")]
    run = CliRunner().invoke(cli, ["check", str(file), "--format=github", "--data=embedded"])
    assert run.stdout.startswith("::error title=does not load on any kernel::")
    assert run.stdout.count("::error") == 1
    good = ["check", str(file), "--loader", "cilium", "--target", "6.12", "--data", "embedded"]
    assert CliRunner().invoke(cli, good).exit_code == 0


def test_foreign_names_are_printable() -> None:
    found = check_c(map_(BAD["private pinning"][1]))
    assert "\x1b" not in render_refused("x.o", found, 80)
    assert "pinning 7" in render_refused("x.o", found, 80)


def test_kfunc_under_another_license() -> None:
    source = 'extern int other(int x) {}__ksym;\nSEC("tc") int prog(void *c) {{ return {}; }}\n'
    for weak, call, expected in (
        ("", "other(1)", ["license"]),
        ("__weak ", "other ? other(1) : 0", []),
    ):
        text = source.format(weak, call)
        assert rules(check(compile_bpf(f'{HEAD}LICENSE("MIT")\n{text}'))) == expected
        assert rules(check_c(text)) == []


def test_types_that_want_a_gpl_compatible_license() -> None:
    body = "int prog(void *c) { return 0; }\n"
    lsm = f'SEC("lsm/file_open") {body}'
    assert rules(check(compile_bpf(f'{HEAD}LICENSE("MIT")\n{lsm}'))) == ["license"]
    assert rules(check_c(lsm)) == []
    other = f'SEC("xdp") {body}'
    assert rules(check(compile_bpf(f'{HEAD}LICENSE("MIT")\n{other}'))) == []


UNTYPED = 'asm(".section {0},\\"ax\\",@progbits\\n.globl prog\\n{1}prog:\\n r0 = 2\\n exit\\n");\n'


def test_function_without_a_type() -> None:
    source = UNTYPED.format("xdp", "")
    found = check_c(source)
    assert [(item.rule, item.program) for item in found.refused] == [("untyped program", "prog")]
    assert rules(check_c(source, loader="cilium")) == []
    assert rules(check_c(UNTYPED.format("xdp", ".type prog, @function\\n"))) == []


@pytest.mark.parametrize(
    ("section", "offset", "size", "rule"),
    [
        ("socket", 76, "u32", "context field"),
        ("socket", 0, "u32", ""),
        ("tc", 76, "u32", ""),
        ("xdp", 20, "u32", "context field"),
        ("xdp/devmap", 20, "u32", ""),
        ("sockops", 24, "u64", "context width"),
        ("sockops", 24, "u32", ""),
        ("sockops", 168, "u64", ""),
    ],
)
def test_context_that_no_kernel_lets_it_read(
    section: str, offset: int, size: str, rule: str
) -> None:
    body = f"return *(volatile {size} *)(c + {offset}) ? 1 : 0;"
    found = check_c(f'SEC("{section}") int prog(char *c) {{ {body} }}\n')
    assert rules(found) == ([rule] if rule else [])
    if rule:
        assert reason(found.refused[0])


@pytest.mark.parametrize(
    ("section", "sure"),
    [("freplace", False), ("freplace/x", False), ("fentry/XXX", False), ("fentry/x", True)],
)
def test_target_that_user_space_sets(section: str, sure: bool) -> None:
    found = check_c(f'SEC("{section}") int prog(void *c) {{ return 0; }}\n')
    assert unset(found) == ([] if sure else ["attach target"])


HASH = "__uint(type, {}); __uint(max_entries, 8); __type(key, u32); __type(value, u32);"
LOOKUP = (
    "static void *(*lookup)(void *, const void *) = (void *)1;\n"
    'struct {{ {} }} m SEC(".maps");\n'
    'SEC("{}") int prog(void *c) {{ u32 k = 0; return !!lookup(&m, &k); }}\n'
)


@pytest.mark.parametrize(
    ("definition", "section", "name", "since"),
    [
        (HASH.format(17), "xdp", "look-up in an XSKMAP", "5.3"),
        (HASH.format(15), "sk_skb", "look-up in a SOCKMAP or SOCKHASH", "5.8"),
        (HASH.format(18), "sk_skb", "look-up in a SOCKMAP or SOCKHASH", "5.8"),
        (
            HASH.format(1) + " __uint(map_flags, 1);",
            "perf_event",
            "BPF_F_NO_PREALLOC map in a perf_event program",
            "6.1",
        ),
        (HASH.format(1) + " __uint(map_flags, 1);", "socket", "", ""),
        (HASH.format(1), "perf_event", "", ""),
        (HASH.format(1), "xdp", "", ""),
    ],
)
def test_maps_and_programs_together(definition: str, section: str, name: str, since: str) -> None:
    found = needs(check_c(LOOKUP.format(definition, section)))
    together = {
        key: value
        for key, value in found.items()
        if "look-up" in key or key.startswith("BPF_F_NO_PREALLOC map")
    }
    assert together == ({name: since} if name else {})


def test_packet_loads_beside_calls() -> None:
    load = (
        "static __noinline int f(u32 *x) {{ return *(volatile u32 *)x; }}\n"
        'SEC("socket") int prog(void *c) {{ u32 y = 1; int z = {};'
        ' asm volatile("r6 = %0; r0 = *(u8 *)skb[0];" :: "r"(c) : "r0", "r1", "r2", "r3", "r4",'
        ' "r5", "r6"); return z; }}\n'
    )
    name = "BPF_LD_ABS or BPF_LD_IND beside bpf-to-bpf calls"
    assert needs(check_c(load.format("f(&y)"))).get(name) == "5.10"
    assert name not in needs(check_c(load.format("y").replace("static", "", 1)))


POISON = 'asm volatile("call 195896080" ::: "r0", "r1", "r2", "r3", "r4", "r5");'


def test_poisoned_instruction_that_is_not_reached() -> None:
    dead = f'asm goto("goto %l0" :::: end); {POISON} end: return 0;'
    assert check_c(f'SEC("socket") int prog(void *c) {{ {dead} }}\n').unknown == ()
    live = check_c(f'SEC("socket") int prog(void *c) {{ {POISON} return 0; }}\n')
    assert [item.name for item in live.unknown] == ["poisoned instruction"]


def test_poisoned_instruction_behind_a_check() -> None:
    source = "struct task_struct___new {{ int absent; }} __core;\n" + (
        'SEC("socket") int prog(struct task_struct___new *t) {{'
        " if (field_exists(t->absent)) {{ {} }} return 0; }}\n"
    )
    found = check_c(source.format(POISON))
    assert [(item.name, item.optional) for item in found.unknown] == [
        ("poisoned instruction", True)
    ]


def test_object_without_a_machine(tmp_path: Path) -> None:
    data = bytearray(compile_bpf(HEAD + GPL + PROG).read_bytes())
    data[18:20] = b"\0\0"
    file = tmp_path / "x.o"
    file.write_bytes(data)
    assert rules(check(file)) == []
    assert [item.name for item in check(file).programs] == ["prog"]


def test_one_refused_object_does_not_end_the_list(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.o", tmp_path / "good.o"
    bad.write_bytes(compile_bpf(HEAD + GPL + map_(BAD["type as a number"][1])).read_bytes())
    good.write_bytes(compile_bpf(HEAD + GPL + PROG).read_bytes())
    run = CliRunner().invoke(cli, ["check", str(bad), str(good), "--json", "--data", "embedded"])
    assert run.exit_code == 0
    assert [item["loadable"] for item in json.loads(run.stdout)] == [False, True]
