"""Which helper may be called from which program type, read from files of our own."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.errors import ParseError
from helperhist.sources.helper_use import HelperUse
from helperhist.sources.source import Gap, Piece, read_tree
from helperhist.timeline import Fact
from tests.build.kernel_c import ATTACH, Need, Rule, Writer, ops, protos, steps, types

XDP, CLS = "BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_SCHED_CLS"


def read(files: Mapping[str, str]) -> tuple[dict[tuple[str, str], str], tuple[Gap, ...]]:
    """Return the condition of each pair of helper and type, and the gaps."""
    facts, gaps = read_tree(HelperUse(), {path: text.encode() for path, text in files.items()})
    pairs = {(one.name, one.object): one.value for one in facts if one.kind == "helper_use"}
    return pairs, gaps


def conditions(function: str, *more: str, kind: str = XDP) -> dict[str, str]:
    """Return the condition of each helper that ``xdp_func_proto`` chooses, without gaps."""
    helpers = ["bpf_a", "bpf_b", "bpf_c"]
    pairs, gaps = read(
        {
            "include/linux/bpf_types.h": types({kind: "xdp"}),
            "net/core/filter.c": "\n".join(
                (protos(helpers), *more, function, ops("xdp_verifier_ops", "xdp_func_proto"))
            ),
        }
    )
    assert gaps == ()
    return {helper: value for (helper, _), value in pairs.items()}


def chooser(body: str) -> str:
    return f"""
static const struct bpf_func_proto *
xdp_func_proto(enum bpf_func_id func_id, const struct bpf_prog *prog)
{{
{body}
}}
"""


# One row for each shape: what stands in the function, and what it says.
SHAPES = {
    "plain": (
        "switch (func_id) { case BPF_FUNC_a: return &bpf_a_proto; default: return NULL; }",
        {"bpf_a": ""},
    ),
    "two cases, one prototype": (
        "switch (func_id) { case BPF_FUNC_a: case BPF_FUNC_b: return &bpf_a_proto;"
        " default: return NULL; }",
        {"bpf_a": "", "bpf_b": ""},
    ),
    "capability between switches": (
        """
        switch (func_id) { case BPF_FUNC_a: return &bpf_a_proto; default: break; }
        if (!bpf_capable()) return NULL;
        switch (func_id) { case BPF_FUNC_b: return &bpf_b_proto; default: break; }
        if (!perfmon_capable()) return NULL;
        switch (func_id) { case BPF_FUNC_c: return &bpf_c_proto; default: return NULL; }
        """,
        {"bpf_a": "", "bpf_b": "cap=CAP_BPF", "bpf_c": "cap=CAP_BPF;cap=CAP_PERFMON"},
    ),
    "capability of a token": (
        "if (!bpf_token_capable(prog->aux->token, CAP_BPF)) return NULL;"
        "switch (func_id) { case BPF_FUNC_a: return &bpf_a_proto; default: return NULL; }",
        {"bpf_a": "cap=CAP_BPF"},
    ),
    "attach types": (
        """
        switch (func_id) {
        case BPF_FUNC_a:
            switch (prog->expected_attach_type) {
            case BPF_X: case BPF_Y: return &bpf_a_proto;
            default: return NULL;
            }
        case BPF_FUNC_b:
            switch (prog->expected_attach_type) {
            case BPF_X: return NULL;
            default: return &bpf_b_proto;
            }
        default: return NULL;
        }
        """,
        {"bpf_a": "attach=BPF_X|BPF_Y", "bpf_b": "attach=!BPF_X"},
    ),
    "choice of two prototypes is no condition": (
        "switch (func_id) { case BPF_FUNC_a:"
        " return prog->sleepable ? &bpf_a_proto : &bpf_b_proto; default: return NULL; }",
        {"bpf_a": ""},
    ),
    "choice of one prototype is": (
        "switch (func_id) { case BPF_FUNC_a:"
        " return prog->aux->sleepable ? &bpf_a_proto : NULL; default: return NULL; }",
        {"bpf_a": "sleepable"},
    ),
    "lockdown": (
        "switch (func_id) { case BPF_FUNC_a:"
        " return security_locked_down(LOCKDOWN_BPF_READ) < 0 ? NULL : &bpf_a_proto;"
        " default: return NULL; }",
        {"bpf_a": "lockdown"},
    ),
    "a local that holds the prototype": (
        """
        const struct bpf_func_proto *func;
        switch (func_id) {
        case BPF_FUNC_a: func = &bpf_a_proto; break;
        case BPF_FUNC_b: func = &bpf_b_proto; break;
        default: return NULL;
        }
        if (!perfmon_capable()) return NULL;
        return func;
        """,
        {"bpf_a": "cap=CAP_PERFMON", "bpf_b": "cap=CAP_PERFMON"},
    ),
    "a local that stands for a member": (
        """
        enum bpf_attach_type eatype = prog->expected_attach_type;
        switch (func_id) {
        case BPF_FUNC_a: return eatype == BPF_X ? &bpf_a_proto : NULL;
        default: return NULL;
        }
        """,
        {"bpf_a": "attach=BPF_X"},
    ),
    "an option around a case": (
        """
        switch (func_id) {
        #ifdef CONFIG_INET
        case BPF_FUNC_a: return &bpf_a_proto;
        #if IS_ENABLED(CONFIG_SYN_COOKIES)
        case BPF_FUNC_b: return &bpf_b_proto;
        #endif
        #else
        case BPF_FUNC_c: return &bpf_c_proto;
        #endif
        default: return NULL;
        }
        """,
        {
            "bpf_a": "config=CONFIG_INET",
            "bpf_b": "config=CONFIG_INET;config=CONFIG_SYN_COOKIES",
            "bpf_c": "config=!CONFIG_INET",
        },
    ),
    "the type's own option is no condition": (
        "switch (func_id) {\n#ifdef CONFIG_NET\ncase BPF_FUNC_a: return &bpf_a_proto;\n#endif\n"
        "default: return NULL; }",
        {"bpf_a": ""},
    ),
    "one of two options": (
        "switch (func_id) {\n#if defined(CONFIG_A) || defined(CONFIG_B)\n"
        "case BPF_FUNC_a: return &bpf_a_proto;\n#endif\ndefault: return NULL; }",
        {"bpf_a": "config=CONFIG_A or config=CONFIG_B"},
    ),
    "falling through": (
        """
        switch (func_id) {
        case BPF_FUNC_a:
            if (prog->expected_attach_type != BPF_X) return NULL;
            fallthrough;
        case BPF_FUNC_b: return &bpf_b_proto;
        default: return NULL;
        }
        """,
        {"bpf_a": "attach=BPF_X", "bpf_b": ""},
    ),
    "goto": (
        """
        const struct bpf_func_proto *fn = NULL;
        switch (func_id) {
        case BPF_FUNC_a: if (!capable(CAP_SYS_ADMIN)) goto out; fn = &bpf_a_proto; break;
        case BPF_FUNC_b: fn = &bpf_b_proto; goto out;
        default: break;
        }
        out:
        #ifdef CONFIG_X
        BTF_TYPE_EMIT(struct nf_conn);
        #endif
        return fn;
        """,
        {"bpf_a": "cap=CAP_SYS_ADMIN", "bpf_b": ""},
    ),
    "an if by the id": (
        "if (func_id == BPF_FUNC_a && prog->sleepable) return &bpf_a_proto;"
        "if (func_id != BPF_FUNC_b) return NULL; return &bpf_b_proto;",
        {"bpf_a": "sleepable", "bpf_b": ""},
    ),
    "memory that is allocated first": (
        """
        if (!shared) {
            struct buffer *fresh = buffer_alloc(8);
            if (!fresh) return NULL;
            if (cmpxchg(&shared, NULL, fresh)) buffer_free(fresh);
        }
        switch (func_id) { case BPF_FUNC_a: return &bpf_a_proto; default: return NULL; }
        """,
        {"bpf_a": ""},
    ),
    "a set of hooks": (
        "switch (func_id) { case BPF_FUNC_a:"
        " if (btf_id_set_contains(&locked_hooks, prog->aux->attach_btf_id)) return &bpf_a_proto;"
        " return NULL; default: return NULL; }",
        {"bpf_a": "hooks=locked_hooks"},
    ),
    "a member of operations": (
        "switch (func_id) { case BPF_FUNC_a:"
        " if (prog_ops_moff(prog) != offsetof(struct tcp_congestion_ops, release))"
        " return &bpf_a_proto; return NULL; default: return NULL; }",
        {"bpf_a": "member=!release"},
    ),
    "dead code": (
        "switch (func_id) {\n#if 0\ncase BPF_FUNC_a: return &bpf_a_proto;\n#endif\n"
        "case BPF_FUNC_b: return &bpf_b_proto; default: return NULL; }",
        {"bpf_b": ""},
    ),
}


@pytest.mark.parametrize(("body", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_shape(body: str, expected: dict[str, str]) -> None:
    assert conditions(chooser(body)) == expected


PREDICATE = """
static bool is_multi(const struct bpf_prog *prog)
{
    enum bpf_attach_type eatype = prog->expected_attach_type;
    switch (prog->type) {
    case BPF_PROG_TYPE_XDP:
        if (eatype == BPF_X || eatype == BPF_Y)
            return true;
        return false;
    default:
        return false;
    }
}
"""


def test_a_function_that_judges_programs() -> None:
    body = """switch (func_id) {
    case BPF_FUNC_a: if (is_multi(prog)) return &bpf_a_proto; return NULL;
    case BPF_FUNC_b: return is_multi(prog) ? NULL : &bpf_b_proto;
    case BPF_FUNC_c: if (is_multi(prog)) return &bpf_a_proto; return &bpf_c_proto;
    default: return NULL; }"""
    assert conditions(chooser(body), PREDICATE) == {
        "bpf_a": "attach=BPF_X|BPF_Y",
        "bpf_b": "attach=!BPF_X|BPF_Y",
        "bpf_c": "",
    }


def test_what_a_prototype_asks() -> None:
    body = """switch (func_id) {
    case BPF_FUNC_a: return &bpf_sleeps_proto;
    case BPF_FUNC_b: return &bpf_allowed_proto;
    default: return NULL; }"""
    more = """
const struct bpf_func_proto bpf_sleeps_proto = { .func = bpf_a, .might_sleep = true };
const struct bpf_func_proto bpf_allowed_proto = { .func = bpf_b, .allowed = is_multi };
"""
    assert conditions(chooser(body), PREDICATE, more) == {
        "bpf_a": "sleepable",
        "bpf_b": "attach=BPF_X|BPF_Y",
    }


def test_types_before_4_12() -> None:
    text = protos(["bpf_a"]) + Writer(Random(5), old=True).chooser("f", [Rule("bpf_a")])
    text += (
        ops("old_ops", "f")
        + """
static struct bpf_prog_type_list old __read_mostly = {
    .ops = &old_ops, .type = BPF_PROG_TYPE_SOCKET_FILTER,
};
"""
    )
    pairs, gaps = read({"net/core/filter.c": text})
    assert pairs == {("bpf_a", "BPF_PROG_TYPE_SOCKET_FILTER"): ""}
    assert gaps == ()


@pytest.mark.parametrize("name", ["tc_cls_act_prog_ops", "tc_cls_act"])
def test_types_of_4_12_to_4_14_and_a_name_for_two_types(name: str) -> None:
    text = protos(["bpf_a"]) + Writer(Random(1)).chooser("f", [Rule("bpf_a")])
    header = (
        f"BPF_PROG_TYPE(BPF_PROG_TYPE_SCHED_CLS, {name})\n"
        f"BPF_PROG_TYPE(BPF_PROG_TYPE_SCHED_ACT, {name})\n"
        "BPF_MAP_TYPE(BPF_MAP_TYPE_ARRAY, array_map_ops)\n"
    )
    pairs, gaps = read(
        {
            "include/linux/bpf_types.h": header,
            "net/core/filter.c": text + ops("tc_cls_act_prog_ops", "f"),
        }
    )
    assert pairs == {("bpf_a", CLS): "", ("bpf_a", "BPF_PROG_TYPE_SCHED_ACT"): ""}
    assert gaps == ()


def test_stubs_and_weak_definitions_lose() -> None:
    header = """#ifndef OURS_H
#define OURS_H
#ifndef CONFIG_BPF_SYSCALL
static inline const struct bpf_func_proto *
base_proto(enum bpf_func_id which, const struct bpf_prog *prog) { return NULL; }
#else
const struct bpf_func_proto *base_proto(enum bpf_func_id, const struct bpf_prog *);
#endif
#endif
"""
    weak = """
const struct bpf_func_proto * __weak
base_proto(enum bpf_func_id which, const struct bpf_prog *prog)
{ return which == BPF_FUNC_b ? &bpf_b_proto : NULL; }
"""
    writer = Writer(Random(2))
    pairs, gaps = read(
        {
            "include/linux/bpf.h": header,
            "include/linux/bpf_types.h": types({XDP: "xdp"}),
            "kernel/bpf/helpers.c": writer.chooser("base_proto", [Rule("bpf_a")], words=""),
            "kernel/bpf/syscall.c": weak
            + writer.chooser("xdp_func_proto", [], "base_proto")
            + ops("xdp_verifier_ops", "xdp_func_proto")
            + protos(["bpf_a", "bpf_b"]),
        }
    )
    assert pairs == {("bpf_a", XDP): ""}
    assert gaps == ()


def test_struct_ops_and_iterators() -> None:
    text = (
        protos(["bpf_a", "bpf_b", "bpf_c"])
        + """
static const struct bpf_func_proto *
tcp_proto(enum bpf_func_id func_id, const struct bpf_prog *prog)
{
    switch (func_id) {
    case BPF_FUNC_a: return &bpf_a_proto;
    default: return base(func_id, prog);
    }
}
static const struct bpf_func_proto *
base(enum bpf_func_id func_id, const struct bpf_prog *prog)
{
    return func_id == BPF_FUNC_b ? &bpf_b_proto : NULL;
}
static const struct bpf_verifier_ops tcp_ops = { .get_func_proto = tcp_proto, };
static const struct bpf_verifier_ops hid_ops = { .get_func_proto = base, };
struct bpf_struct_ops bpf_tcp = { .verifier_ops = &tcp_ops, .name = "tcp_congestion_ops", };
struct bpf_struct_ops bpf_hid = { .name = "hid_bpf_ops", .verifier_ops = &hid_ops, };
const struct bpf_verifier_ops bpf_struct_ops_verifier_ops = { };

static struct bpf_iter_reg tcp_reg_info = {
    .target = "tcp",
    .get_func_proto = iter_proto,
    .ctx_arg_info = { { offsetof(struct bpf_iter__tcp, sk_common), PTR_TO_BTF_ID }, },
};
static const struct bpf_func_proto *
iter_proto(enum bpf_func_id func_id, const struct bpf_prog *prog)
{
    return func_id == BPF_FUNC_c ? &bpf_c_proto : NULL;
}
static const struct bpf_func_proto *
ask_iterator(enum bpf_func_id which, const struct bpf_prog *prog)
{
    const struct bpf_func_proto *answer = NULL;
    const struct known_iterator *one;

    lock(&iterators);
    list_for_each_entry(one, &iterators, node) {
        const struct bpf_iter_reg *made;

        if (prog->aux->attach_btf_id != one->id)
            continue;
        made = one->made;
        if (made->get_func_proto)
            answer = made->get_func_proto(which, prog);
        break;
    }
    unlock(&iterators);
    return answer;
}
static const struct bpf_func_proto *
tracing_proto(enum bpf_func_id which, const struct bpf_prog *prog)
{
    const struct bpf_func_proto *answer = base(which, prog);

    if (!answer && prog->expected_attach_type == BPF_TRACE_ITER)
        answer = ask_iterator(which, prog);
    return answer;
}
const struct bpf_verifier_ops tracing_verifier_ops = { .get_func_proto = tracing_proto };
"""
    )
    ops_type, tracing = "BPF_PROG_TYPE_STRUCT_OPS", "BPF_PROG_TYPE_TRACING"
    header = types({ops_type: "bpf_struct_ops", tracing: "tracing"})
    pairs, gaps = read({"include/linux/bpf_types.h": header, "kernel/bpf/x.c": text})
    assert pairs == {
        ("bpf_a", ops_type): "struct_ops=tcp_congestion_ops",
        ("bpf_b", ops_type): "",
        ("bpf_b", tracing): "",
        ("bpf_c", tracing): "attach=BPF_TRACE_ITER;iter=tcp",
    }
    assert gaps == ()


def test_struct_ops_that_choose_no_helper_are_not_meant() -> None:
    text = (
        protos(["bpf_a"])
        + """
static const struct bpf_func_proto *
tcp_proto(enum bpf_func_id func_id, const struct bpf_prog *prog)
{
    return func_id == BPF_FUNC_a ? &bpf_a_proto : NULL;
}
static const struct bpf_verifier_ops tcp_ops = { .get_func_proto = tcp_proto, };
static const struct bpf_verifier_ops dummy_ops = { .is_valid_access = dummy_access, };
struct bpf_struct_ops bpf_tcp = { .verifier_ops = &tcp_ops, .name = "tcp_congestion_ops", };
struct bpf_struct_ops bpf_dummy = { .verifier_ops = &dummy_ops, .name = "bpf_dummy_ops", };
const struct bpf_verifier_ops bpf_struct_ops_verifier_ops = { };
"""
    )
    ops_type = "BPF_PROG_TYPE_STRUCT_OPS"
    header = types({ops_type: "bpf_struct_ops"})
    pairs, gaps = read({"include/linux/bpf_types.h": header, "kernel/bpf/x.c": text})
    assert pairs == {("bpf_a", ops_type): "struct_ops=tcp_congestion_ops"}
    assert gaps == ()


LOAD_CHECK = """
static int
bpf_prog_load_check_attach(enum bpf_prog_type prog_type,
    enum bpf_attach_type expected_attach_type, u32 target)
{
    if (target > 9 && target) return -EINVAL;
    switch (prog_type) {
    case BPF_PROG_TYPE_SYSCALL:
        if (expected_attach_type) return -EINVAL;
        break;
    case BPF_PROG_TYPE_XDP:
        if (expected_attach_type == BPF_X) return 0;
        return expected_attach_type == BPF_Y ? 0 : -EINVAL;
    default:
        break;
    }
    return 0;
}
"""


def test_attach_types_that_a_program_cannot_have() -> None:
    body = """switch (func_id) {
    case BPF_FUNC_a: return prog->expected_attach_type == BPF_TRACE_ITER ? &bpf_a_proto : NULL;
    case BPF_FUNC_b:
        switch (prog->expected_attach_type) {
        case BPF_X: case BPF_Z: return NULL;
        default: return &bpf_b_proto;
        }
    case BPF_FUNC_c:
        if (prog->expected_attach_type == BPF_X || prog->expected_attach_type == BPF_Y)
            return &bpf_c_proto;
        return NULL;
    default: return NULL; }"""
    assert conditions(chooser(body), LOAD_CHECK) == {"bpf_b": "attach=BPF_Y", "bpf_c": ""}
    assert conditions(chooser(body), LOAD_CHECK, kind="BPF_PROG_TYPE_SYSCALL") == {"bpf_b": ""}


VERIFIER = """
static bool traces(enum bpf_prog_type kind)
{
    switch (kind) {
    case BPF_PROG_TYPE_KPROBE: return true;
    default: return false;
    }
}

static int check_map_prog_compatibility(struct bpf_verifier_env *env,
    struct bpf_map *map, struct bpf_prog *prog)
{
    enum bpf_prog_type kind = resolve_prog_type(prog);

    if (kind == BPF_PROG_TYPE_PERF_EVENT && map->is_grown)
        return -EINVAL;
    if (LOCKED(map) && traces(kind)) {
        say(env, "no lock in a program that traces");
        return -EINVAL;
    }
    if (LOCKED(map) && prog->aux->sleepable)
        return -EINVAL;
    return 0;
}

static int check_helper_call(struct bpf_verifier_env *env, struct bpf_insn *insn)
{
    int i, func_id = insn->imm;
    enum bpf_prog_type prog_type = resolve_prog_type(env->prog);

    if (prog_type == BPF_PROG_TYPE_LSM && odd(insn))
        return -EINVAL;
    switch (func_id) {
    case BPF_FUNC_get_retval:
        for (i = 0; i < 5; i++)
            if (is_first(insn, i))
                break;
        if (i == 5)
            return -EFAULT;
        if (insn->extra.type == BPF_OTHER_TYPE)
            return -EFAULT;
        break;
    case BPF_FUNC_set_retval:
        if (prog_type == BPF_PROG_TYPE_LSM && !env->prog->aux->attach_func_proto->type)
            return -EINVAL;
        break;
    }
    return 0;
}

static int check_get_func_ip(struct bpf_verifier_env *env)
{
    switch (resolve_prog_type(env->prog)) {
    case BPF_PROG_TYPE_KPROBE:
        return 0;
    case BPF_PROG_TYPE_TRACING:
        return env->prog->expected_attach_type == BPF_TRACE_FENTRY ? 0 : -ENOTSUPP;
    default:
        return -ENOTSUPP;
    }
}
"""


@pytest.mark.parametrize(
    ("lock", "kprobe"),
    [("map_value_has_spin_lock(map)", None), ("btf_has(map->record, BPF_SPIN_LOCK)", "?")],
    ids=["locks are in maps only", "locks may be elsewhere"],
)
def test_what_the_verifier_refuses_itself(lock: str, kprobe: str | None) -> None:
    helpers = ["bpf_spin_lock", "bpf_get_func_ip", "bpf_set_retval", "bpf_get_retval"]
    text = protos(helpers)
    rules = [Rule(helper) for helper in helpers]
    text += Writer(Random(3)).chooser("f", rules)
    kinds = {f"BPF_PROG_TYPE_{name}": name.lower() for name in ("KPROBE", "TRACING", "LSM")}
    text += "".join(ops(f"{name}_verifier_ops", "f") for name in kinds.values())
    pairs, _ = read(
        {
            "include/linux/bpf_types.h": types(kinds),
            "kernel/bpf/verifier.c": text + VERIFIER.replace("LOCKED(map)", lock),
        }
    )
    assert pairs.pop(("bpf_spin_lock", "BPF_PROG_TYPE_KPROBE"), None) == kprobe
    more = "" if kprobe is None else " or ?"
    assert pairs == {
        **{("bpf_get_retval", kind): "" for kind in kinds},
        **{("bpf_set_retval", kind): "" for kind in kinds},
        ("bpf_set_retval", "BPF_PROG_TYPE_LSM"): "hooks=!void",
        ("bpf_get_func_ip", "BPF_PROG_TYPE_KPROBE"): "",
        ("bpf_get_func_ip", "BPF_PROG_TYPE_TRACING"): "attach=BPF_TRACE_FENTRY",
        ("bpf_spin_lock", "BPF_PROG_TYPE_TRACING"): f"!sleepable{more}",
        ("bpf_spin_lock", "BPF_PROG_TYPE_LSM"): f"!sleepable{more}",
    }


def test_gpl_only_and_contracts() -> None:
    text = (
        protos(["bpf_a", "bpf_b"], {"bpf_a": ".gpl_only = true,"})
        + """
static const struct bpf_func_proto bpf_b2_proto = {
    .func = bpf_b,
    .gpl_only = true,
    .ret_type = RET_VOID,
    .arg1_type = ARG_PTR_TO_MEM | MEM_RDONLY,
    .arg3_type = ARG_ANYTHING,
};
"""
    )
    writer = Writer(Random(4))
    text += writer.chooser("f", [Rule("bpf_a"), Rule("bpf_b")])
    text += chooser("return func_id == BPF_FUNC_b ? &bpf_b2_proto : NULL;")
    text += ops("xdp_verifier_ops", "xdp_func_proto") + ops("cls_verifier_ops", "f")
    header = types({XDP: "xdp", CLS: "cls"})
    facts, gaps = read_tree(
        HelperUse(),
        {"include/linux/bpf_types.h": header.encode(), "net/core/filter.c": text.encode()},
    )
    assert gaps == ()
    assert [fact for fact in facts if fact.kind != "helper_use"] == [
        Fact("contract", "bpf_a", "", "RET_INTEGER(ARG_ANYTHING)"),
        Fact("contract", "bpf_b", CLS, "RET_INTEGER(ARG_ANYTHING)"),
        Fact("contract", "bpf_b", XDP, "RET_VOID(ARG_PTR_TO_MEM|MEM_RDONLY,,ARG_ANYTHING)"),
        Fact("gpl_only", "bpf_a", "", "yes"),
        Fact("gpl_only", "bpf_b", CLS, "no"),
        Fact("gpl_only", "bpf_b", XDP, "yes"),
    ]


def test_what_is_not_read_is_no_yes_and_no_silence() -> None:
    body = """switch (func_id) {
    case BPF_FUNC_a: return prog->aux->wild > 3 ? &bpf_a_proto : NULL;
    case BPF_FUNC_b: return table[func_id];
    case BPF_FUNC_c: return &bpf_nowhere_proto;
    default: return NULL; }"""
    pairs, gaps = read(
        {
            "include/linux/bpf_types.h": types({XDP: "xdp"}),
            "net/core/filter.c": protos(["bpf_a"])
            + chooser(body)
            + ops("xdp_verifier_ops", "xdp_func_proto"),
        }
    )
    assert pairs == {("bpf_a", XDP): "?", ("bpf_b", XDP): "?", ("bpf_c", XDP): "?"}
    assert [gap.what for gap in gaps] == [
        "prototype bpf_nowhere_proto was not found",
        "xdp_func_proto returns table [ func_id ]",
        "xdp_func_proto: not read: prog->aux->wild>3",
    ]
    assert {gap.path for gap in gaps} == {"net/core/filter.c"}


@pytest.mark.parametrize(
    ("files", "what"),
    [
        (
            {"include/linux/bpf_types.h": types({XDP: "xdp"})},
            "BPF_PROG_TYPE_XDP: no verifier ops named after xdp were found",
        ),
        (
            {
                "include/linux/bpf_types.h": types({XDP: "xdp"}),
                "net/core/filter.c": ops("xdp_verifier_ops", "gone"),
            },
            "gone: its definition was not found",
        ),
        (
            {"net/core/filter.c": chooser("if (" + "(" * 200 + "a" + ")" * 200 + ") b;" * 2)},
            None,
        ),
        (
            {"net/core/filter.c": chooser("{" * 100 + "}" * 100)},
            "xdp_func_proto: statements nest too deeply to read",
        ),
        (
            {"net/core/filter.c": chooser("return NULL;") * 129},
            "xdp_func_proto: a file has more functions that choose prototypes than this reads",
        ),
        (
            {"net/core/filter.c": chooser("again: x(); goto again;")},
            "xdp_func_proto: jumps go round in a circle",
        ),
    ],
    ids=["no ops", "no function", "parentheses", "blocks", "functions", "a circle"],
)
def test_gaps(files: dict[str, str], what: str | None) -> None:
    _, gaps = read(files)
    assert [gap.what for gap in gaps] == ([] if what is None else [what])


def test_a_function_that_cannot_be_read_leaves_its_type_in_the_gaps() -> None:
    _, gaps = read(
        {
            "include/linux/bpf_types.h": types({XDP: "xdp"}),
            "net/core/filter.c": chooser("{" * 100 + "}" * 100)
            + ops("xdp_verifier_ops", "xdp_func_proto"),
        }
    )
    assert [gap.what for gap in gaps] == [
        "BPF_PROG_TYPE_XDP: a prototype for helpers without a name",
        "xdp_func_proto: statements nest too deeply to read",
    ]


def test_pieces_are_kept_as_text() -> None:
    text = chooser("return func_id == BPF_FUNC_a ? &bpf_a_proto : table[1];")
    piece = HelperUse().parse("net/core/filter.c", text.encode())
    assert piece.gaps
    assert Piece.load(piece.dump()) == piece


@pytest.mark.parametrize("text", ["", "[]", "[1,2]", '[[["a",1]],[]]', "[[],[[1]]]", "[" * 9999])
def test_a_damaged_piece_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        Piece.load(text)


needs = st.one_of(
    st.builds(
        lambda some, negated: Need(f"attach={'!' if negated else ''}{'|'.join(sorted(some))}"),
        st.sets(st.sampled_from(ATTACH), min_size=1, max_size=3),
        st.booleans(),
    ),
    st.sampled_from(
        [
            Need("cap=CAP_BPF"),
            Need("cap=CAP_PERFMON"),
            Need("cap=!CAP_SYS_ADMIN"),
            Need("config=CONFIG_INET"),
            Need("config=!CONFIG_XFRM"),
            Need("lockdown"),
            Need("sleepable"),
            Need("!sleepable"),
        ]
    ),
)
HELPERS = [f"bpf_h{number}" for number in range(8)]
BASE_HELPERS = [f"bpf_b{number}" for number in range(4)]


def rules(helpers: list[str]) -> st.SearchStrategy[list[Rule]]:
    one = st.builds(
        lambda helper, some: Rule(helper, tuple(some)),
        st.sampled_from(helpers),
        st.lists(needs, max_size=3, unique_by=lambda need: need.key),
    )
    return st.lists(one, max_size=6, unique_by=lambda rule: rule.helper)


@settings(max_examples=150, deadline=None)
@given(
    base=rules(BASE_HELPERS),
    by_type=st.dictionaries(
        st.sampled_from(["BPF_PROG_TYPE_A", "BPF_PROG_TYPE_B", "BPF_PROG_TYPE_C"]), rules(HELPERS)
    ),
    random=st.randoms(use_true_random=False),
)
def test_any_pairs_in_any_shape_read_back_the_same(
    base: list[Rule], by_type: dict[str, list[Rule]], random: Random
) -> None:
    writer = Writer(random)
    expected: dict[tuple[str, str], str] = {}
    text = protos(HELPERS)
    for kind, own in by_type.items():
        name = kind[-1].lower()
        text += writer.chooser(f"{name}_proto", own, "base_proto")
        text += ops(f"{name}_verifier_ops", f"{name}_proto")
        expected |= {(rule.helper, kind): rule.text for rule in (*base, *own)}
    pairs, gaps = read(
        {
            "include/linux/bpf_types.h": types({kind: kind[-1].lower() for kind in by_type}),
            "kernel/bpf/helpers.c": protos(BASE_HELPERS)
            + writer.chooser("base_proto", base, words=""),
            "net/core/filter.c": text,
        }
    )
    assert pairs == expected
    assert gaps == ()


@given(st.binary(max_size=400))
def test_any_bytes_give_a_piece_or_our_error(data: bytes) -> None:
    source = HelperUse()
    try:
        pieces = {"net/core/filter.c": source.parse("net/core/filter.c", data)}
    except ParseError:
        return
    source.link(pieces)


FRAGMENTS = (
    "switch (func_id) {",
    "case BPF_FUNC_a:",
    "default:",
    "if (",
    "prog->expected_attach_type == BPF_X",
    ")",
    "else",
    "return &bpf_a_proto;",
    "return NULL;",
    "fn = other(func_id, prog);",
    "goto out; out:",
    "{",
    "}",
    "#ifdef CONFIG_X\n",
    "\n#else\n",
    "\n#endif\n",
    "? &bpf_a_proto : NULL;",
    '"',
    "/*",
    "static const struct bpf_func_proto *f(enum bpf_func_id func_id)\n{",
    "const struct bpf_verifier_ops xdp_verifier_ops = { .get_func_proto = f, ",
    "BPF_PROG_TYPE(BPF_PROG_TYPE_XDP, xdp)\n",
)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60))
def test_any_order_of_fragments_gives_a_piece_or_our_error(parts: list[str]) -> None:
    source = HelperUse()
    try:
        pieces = {"net/core/filter.c": source.parse("net/core/filter.c", " ".join(parts).encode())}
    except ParseError:
        return
    source.link(pieces)


@pytest.mark.parametrize(
    "unit",
    [
        "case BPF_FUNC_@: return &bpf_a_proto;",
        "case BPF_FUNC_@:",
        "case BPF_FUNC_@: fn = &bpf_@_proto; break;",
        "case BPF_FUNC_@: x(); case BPF_FUNC_y@: return @ ? &bpf_a_proto : NULL;",
        "case BPF_FUNC_@: if (a@) return &bpf_a_proto; else fn = &bpf_b_proto;",
        "case BPF_FUNC_@: switch (prog->expected_attach_type) {"
        " case BPF_@: return &bpf_a_proto; default: break; }",
        "\n#ifdef CONFIG_@\ncase BPF_FUNC_@: return &bpf_a_proto;\n#endif\n",
        "case BPF_FUNC_@: if (prog->expected_attach_type == BPF_@) return &bpf_a_proto;",
        "if (prog->x@) return NULL;",
        "if (capable(CAP_@)) fn = &bpf_@_proto;",
        "if (prog->x@) fn = &bpf_@_proto;",
        "goto out; out: x@();",
    ],
)
def test_steps_grow_with_size_only(unit: str) -> None:
    def reading(times: int) -> Callable[[], None]:
        body = "".join(unit.replace("@", str(number)) for number in range(times))
        text = f"switch (func_id) {{ {body} default: return NULL; }} return fn;"
        if not unit.lstrip().startswith(("case", "#")):
            text = body + text
        files = {
            "include/linux/bpf_types.h": types({XDP: "xdp"}),
            "net/core/filter.c": chooser(text) + ops("xdp_verifier_ops", "xdp_func_proto"),
        }

        def action() -> None:
            with suppress(ParseError):
                read(files)

        return action

    small, large = steps(reading(100)), steps(reading(400))
    assert large < 6 * small
