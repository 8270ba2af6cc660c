"""Required or optional: what is behind a check, and what only looks like it."""

import pytest

from helperhist.check.verdict import Edge, edge, minimum, switched
from helperhist.report.causes import evidence
from tests.build.checked import check_c, optional, required, unknown

ENUM = "enum bpf_func_id { BPF_FUNC_ringbuf_output = 130, BPF_FUNC_loop = 181 };\n"
RINGBUF = "enum_exists(enum bpf_func_id, BPF_FUNC_ringbuf_output)"
LOOP = "enum_exists(enum bpf_func_id, BPF_FUNC_loop)"
TYPE = "struct bpf_ringbuf { int x; };\n"
OUTPUT = "CALL4(130, 0, 0, 0, 0)"


def prog(body: str, before: str = "", section: str = "kprobe/x") -> str:
    return f'{ENUM}{TYPE}{before}\nSEC("{section}") int prog(void *ctx) {{ {body} }}\n'


#: Program and whether bpf_ringbuf_output (5.8) is optional in it.
CASES = {
    "if it exists": (prog(f"if ({RINGBUF}) return {OUTPUT}; return 0;"), True),
    "unless it does not": (prog(f"if (!{RINGBUF}) return 0; return {OUTPUT};"), True),
    "if it does not": (prog(f"if (!{RINGBUF}) return {OUTPUT}; return 0;"), False),
    "before the check": (prog(f"{OUTPUT}; if ({RINGBUF}) return 1; return 0;"), False),
    "after the check": (prog(f"if ({RINGBUF}) CALL0(5); return {OUTPUT};"), False),
    "in both branches": (
        prog(f"if ({RINGBUF}) return {OUTPUT}; CALL0(5); return {OUTPUT} + 1;"),
        False,
    ),
    # The newer helper is there only on kernels that have the older one too.
    "behind a newer one": (prog(f"if ({LOOP}) return {OUTPUT}; return 0;"), True),
    "of two, both": (prog(f"if ({RINGBUF} && {LOOP}) return {OUTPUT}; return 0;"), True),
    "of two, either": (
        prog(f"if ({RINGBUF} || *(volatile int *)ctx) return {OUTPUT}; return 0;"),
        False,
    ),
    "in a loop": (
        prog(f"for (int i = 0; i < 9; i++) if ({RINGBUF}) {OUTPUT}; return 0;"),
        True,
    ),
    "kept in a register": (
        prog(f"u64 have = {RINGBUF}; CALL0(5); CALL0(14); if (have) return {OUTPUT}; return 0;"),
        True,
    ),
    "through memory": (
        prog(
            f"volatile u64 have = {RINGBUF}; if (have) return {OUTPUT}; return 0;",
        ),
        False,
    ),
    "in a static function": (
        prog(
            f"if ({RINGBUF}) return sub(1); return 0;",
            f"static __noinline int sub(int a) {{ return {OUTPUT} + a; }}",
        ),
        True,
    ),
    "in a static function that is called without": (
        prog(
            f"if ({RINGBUF}) return sub(1); return sub(2);",
            f"static __noinline int sub(int a) {{ return {OUTPUT} + a; }}",
        ),
        False,
    ),
    # Kernels before 6.8 verify global functions even where nothing calls them.
    "in a global function": (
        prog(
            f"if ({RINGBUF}) return sub(1); return 0;",
            f"__noinline int sub(int a) {{ return {OUTPUT} + a; }}",
        ),
        False,
    ),
    "checked in a global function": (
        prog(
            "return sub(1);",
            f"__noinline int sub(int a) {{ return {RINGBUF} ? {OUTPUT} + a : 0; }}",
        ),
        True,
    ),
    "behind a type": (
        prog(f"if (type_exists(struct bpf_ringbuf)) return {OUTPUT}; return 0;"),
        True,
    ),
    "behind the lack of a type": (
        prog(f"if (!type_exists(struct bpf_ringbuf)) return {OUTPUT}; return 0;"),
        True,
    ),
    "with a type and without": (
        prog(
            f"if (type_exists(struct bpf_ringbuf)) return {OUTPUT}; CALL0(5); return {OUTPUT} + 1;"
        ),
        False,
    ),
    "behind a field": (
        prog(
            f"if (field_exists(((struct task *)0)->state)) return {OUTPUT}; return 0;",
            "struct task { int state; } __core;",
        ),
        True,
    ),
    "behind a field of the context": (
        prog(
            f"if (field_exists(((struct xdp_md *)0)->data)) return {OUTPUT}; return 0;",
            "struct xdp_md { int data; } __core;",
        ),
        False,
    ),
    "behind a weak symbol": (
        prog(
            f"if (&bpf_ringbuf_thing) return {OUTPUT}; return 0;",
            "extern const void bpf_ringbuf_thing __ksym __weak;",
        ),
        True,
    ),
    "behind a kernel version": (
        prog(
            f"if (LINUX_KERNEL_VERSION >= 0x050800) return {OUTPUT}; return 0;",
            "extern int LINUX_KERNEL_VERSION __kconfig;",
        ),
        True,
    ),
    "behind a config": (
        prog(
            f"if (CONFIG_HZ == 100) return {OUTPUT}; return 0;",
            "extern int CONFIG_HZ __kconfig;",
        ),
        False,
    ),
    "behind a constant of user space": (
        prog(
            f"if (use_ringbuf) return {OUTPUT}; return 0;",
            "volatile const int use_ringbuf = 1;",
        ),
        False,
    ),
}


@pytest.mark.parametrize(("source", "is_optional"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("cpu", ["v1", "v3"])
def test_guard(source: str, is_optional: bool, cpu: str) -> None:
    found = check_c(source, cpu=cpu)
    assert ("bpf_ringbuf_output" in optional(found)) is is_optional
    assert ("bpf_ringbuf_output" in required(found)) is not is_optional
    assert unknown(found) == {}


def test_nobody_answers_the_checks_of_a_raw_loader() -> None:
    found = check_c(CASES["if it exists"][0], loader="raw")
    assert required(found)["bpf_ringbuf_output"] == "5.8"


def test_guard_in_the_other_byte_order() -> None:
    found = check_c(CASES["if it exists"][0], order="eb")
    assert optional(found)["bpf_ringbuf_output"] == "5.8"


def test_a_check_that_is_older_than_the_need_does_not_help() -> None:
    # 5.8 to 5.16 pass the check for bpf_ringbuf_output and have no bpf_loop.
    found = check_c(prog(f"if ({RINGBUF}) return CALL4(181, 0, 0, 0, 0); return 0;"))
    assert required(found)["bpf_loop"] == "5.17"


@pytest.mark.parametrize(
    ("version", "since"), [("0x051100", "5.5"), ("0x050f00", None)], ids=["5.17", "5.15"]
)
def test_kernel_version(version: str, since: str | None) -> None:
    source = f"if (LINUX_KERNEL_VERSION >= {version}) return CALL4(181, 0, 0, 0, 0); return 0;"
    found = check_c(prog(source, "extern int LINUX_KERNEL_VERSION __kconfig;"))
    # Kernels before 5.5 verify both branches, since they do not know the variable.
    assert required(found).get("way around bpf_loop") == since
    assert required(found).get("bpf_loop") == (None if since else "5.17")


def test_a_way_that_only_old_kernels_go() -> None:
    found = check_c(prog(f"if (!{RINGBUF}) return CALL4(181, 0, 0, 0, 0); return 0;"))
    assert optional(found)["bpf_loop"] == "5.17"
    assert required(found)["way around bpf_loop"] == "5.8"


SWITCH = "volatile const int use_ringbuf = {};"
USE = f"if (use_ringbuf) return {OUTPUT}; return 0;"


@pytest.mark.parametrize("cpu", ["v1", "v3"])
def test_a_switch_that_is_off_in_the_file(cpu: str) -> None:
    found = check_c(prog(USE, SWITCH.format(0)), cpu=cpu)
    # Kernels before 5.5 do not take .rodata for constants.
    assert required(found)["way around bpf_ringbuf_output"] == "5.5"
    assert minimum(found).since == "5.5"
    (item,) = (item for item in found.requirements if item.kind == "helper")
    assert (item.optional, item.switches) == (True, ("use_ringbuf",))
    other = switched(found)
    assert other is not None
    assert other.since == "5.8"


def test_a_switch_that_is_on_in_the_file() -> None:
    found = check_c(prog(USE, SWITCH.format(1)))
    assert required(found)["bpf_ringbuf_output"] == "5.8"
    assert switched(found) is None


def test_the_other_way_of_a_switch() -> None:
    found = check_c(prog(f"if (!use_ringbuf) return {OUTPUT}; return 0;", SWITCH.format(1)))
    assert optional(found)["bpf_ringbuf_output"] == "5.8"


def test_only_constants_are_switches() -> None:
    found = check_c(prog(USE, "volatile int use_ringbuf = 0;"))
    assert required(found)["bpf_ringbuf_output"] == "5.8"


def test_nobody_answers_for_a_raw_object() -> None:
    # Who loads it may not create the map of constants.
    found = check_c(prog(USE, SWITCH.format(0)), loader="raw")
    assert required(found)["bpf_ringbuf_output"] == "5.8"


def test_a_member_of_a_constant_struct() -> None:
    source = "volatile const struct { char a; short b; long c; } conf = { 1, 0, 1 };"
    body = f"if (conf.{{}}) return {OUTPUT}; return 0;"
    assert "bpf_ringbuf_output" in required(check_c(prog(body.format("c"), source)))
    assert "bpf_ringbuf_output" in optional(check_c(prog(body.format("b"), source)))


def test_evidence_names_the_check() -> None:
    found = check_c(prog(f"if ({RINGBUF}) return {OUTPUT}; return 0;"))
    (item,) = (item for item in found.requirements if item.name == "bpf_ringbuf_output")
    assert evidence(item, "libbpf") == "helper 130; behind a check of BPF_FUNC_ringbuf_output"
    assert (item.program, item.function, item.since) == ("prog", "prog", "5.8")


def test_unknown_helper_behind_a_check_is_optional() -> None:
    source = "enum future { BPF_FUNC_from_the_future = 9999 };\n" + prog(
        "if (enum_exists(enum future, BPF_FUNC_from_the_future)) return CALL0(9999); return 0;"
    )
    assert unknown(check_c(source)) == {"helper 9999": True}


def test_opcodes_are_needed_even_behind_a_check() -> None:
    # The kernel looks at all opcodes before it follows the program.
    body = f'if ({RINGBUF}) asm volatile("r0 = bswap64 r0" ::: "r0"); return 0;'
    assert required(check_c(prog(body), cpu="v4"))["unconditional byte swap"] == "6.6"


KFUNC = "extern int {name}(void *p) __ksym {weak};\n"


@pytest.mark.parametrize(
    ("weak", "body", "is_optional"),
    [
        ("__weak", "if (bpf_ct_release) return bpf_ct_release(ctx); return 0;", True),
        ("__weak", "return bpf_ct_release(ctx);", False),
        ("", f"if ({LOOP}) return bpf_ct_release(ctx); return 0;", False),
    ],
    ids=["checked", "not checked", "strong: the loader refuses the object"],
)
def test_kfunc(weak: str, body: str, is_optional: bool) -> None:
    found = check_c(prog(body, KFUNC.format(name="bpf_ct_release", weak=weak), "tc"))
    names = optional(found) if is_optional else required(found)
    assert names["bpf_ct_release"] == "5.18"


def test_unknown_kfunc_behind_its_check_is_optional() -> None:
    source = KFUNC.format(name="new_kfunc", weak="__weak")
    found = check_c(prog("if (new_kfunc) return new_kfunc(ctx); return 0;", source))
    assert unknown(found) == {"new_kfunc": True}


@pytest.mark.parametrize("loader", ["libbpf", "cilium", "raw"])
@pytest.mark.parametrize(
    ("number", "name", "since", "instead", "old"),
    [
        (112, "bpf_probe_read_user", "5.5", "bpf_probe_read", "4.1"),
        (113, "bpf_probe_read_kernel", "5.5", "bpf_probe_read", "4.1"),
        (114, "bpf_probe_read_user_str", "5.5", "bpf_probe_read_str", "4.11"),
        (115, "bpf_probe_read_kernel_str", "5.5", "bpf_probe_read_str", "4.11"),
    ],
    ids=["user", "kernel", "user_str", "kernel_str"],
)
def test_rewritten_by_the_loader(
    loader: str, number: int, name: str, since: str, instead: str, old: str
) -> None:
    found = check_c(prog(f"return CALL3({number}, ctx, 8, ctx);"), loader=loader)
    if loader == "raw":
        assert required(found)[name] == since
        assert instead not in required(found)
    else:
        assert optional(found) == {name: since}
        assert required(found)[instead] == old


@pytest.mark.parametrize(("loader", "is_optional"), [("libbpf", True), ("cilium", False)])
def test_program_that_is_not_loaded_by_default(loader: str, is_optional: bool) -> None:
    found = check_c(prog("return CALL4(181, 0, 0, 0, 0);", section="?kprobe/x"), loader=loader)
    names = {**required(found)} if not is_optional else {**optional(found)}
    assert names == {"BPF_PROG_TYPE_KPROBE": "4.1", "bpf_loop": "5.17"}
    assert found.programs[0].autoload is not is_optional


def test_functions_belong_to_every_program_that_reaches_them() -> None:
    source = (
        "static __noinline int two(int a) { return CALL4(181, a, 0, 0, 0); }\n"
        "static __noinline int one(int a) { return two(a) + 1; }\n"
        'SEC("kprobe/a") int a(void *ctx) { return one(1); }\n'
        'SEC("kprobe/b") int b(void *ctx) { return two(2); }\n'
        'SEC("kprobe/c") int c(void *ctx) { return 3; }\n'
    )
    found = check_c(source)
    loops = [item for item in found.requirements if item.name == "bpf_loop"]
    assert {(item.program, item.function) for item in loops} == {("a", "two"), ("b", "two")}


def test_helper_in_a_callback() -> None:
    source = "static int cb(void *m, void *k, void *v, void *c) { return CALL0(181); }\n" + prog(
        f"if ({LOOP}) return CALL4(164, 0, cb, 0, 0); return 0;"
    )
    assert optional(check_c(source))["bpf_loop"] == "5.17"


def test_usdt_asks_for_cookies() -> None:
    source = prog(
        "if (!LINUX_HAS_BPF_COOKIE) return 0; return CALL1(174, ctx);",
        "extern _Bool LINUX_HAS_BPF_COOKIE __kconfig;",
    )
    found = check_c(source)
    assert optional(found)["bpf_get_attach_cookie"] == "5.15"
    # Kernels before 5.5 verify both branches, since they do not know the variable.
    assert required(found)["way around bpf_get_attach_cookie"] == "5.5"
    assert edge(found) == Edge("5.2", ("bpf_get_attach_cookie",), "5.5")


def test_context_kept_on_the_stack_and_given_to_a_function() -> None:
    source = (
        "static __noinline int sub(void *skb) { return *(volatile u32 *)(skb + 176); }\n"
        'SEC("tc") int prog(void *ctx) { void *volatile kept = ctx; CALL0(5); return sub(kept); }\n'
    )
    assert required(check_c(source))["__sk_buff.gso_size"] == "5.7"


def test_other_pointers_are_no_context() -> None:
    source = 'SEC("tc") int prog(void *ctx) { return *(volatile u32 *)(CALL1(1, ctx) + 176); }\n'
    assert "__sk_buff.gso_size" not in required(check_c(source))


def test_field_of_the_context_through_core() -> None:
    source = (
        "struct __sk_buff { int pad; u64 hwtstamp; } __core;\n"
        'SEC("tc") int prog(struct __sk_buff *ctx) { return ctx->hwtstamp; }\n'
    )
    assert required(check_c(source))["__sk_buff.hwtstamp"] == "5.16"
