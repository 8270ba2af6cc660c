"""Kfuncs: filters, and the verifier's rules on who may call what."""

import pytest

from helperhist.sources.source import Gap
from tests.build.kfuncs import read, uses

TRACED = b"""
BTF_KFUNCS_START(ids)
BTF_ID_FLAGS(func, bpf_a)
BTF_KFUNCS_END(ids)

BTF_KFUNCS_START(other_ids)
BTF_ID_FLAGS(func, bpf_other)
BTF_KFUNCS_END(other_ids)

%s
static const struct btf_kfunc_id_set the_set = { .set = &ids, .filter = the_filter, };
static const struct btf_kfunc_id_set other_set = { .set = &other_ids, };
int x(void)
{
        register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING, &other_set);
        return register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING, &the_set);
}
"""
HEAD = b"static int the_filter(const struct bpf_prog *prog, u32 kfunc_id)\n{\n"
NOT_MINE = b"\tif (!btf_id_set8_contains(&ids, kfunc_id))\n\t\treturn 0;\n"

FILTERS: dict[str, tuple[bytes, dict[str, str]]] = {
    "by type": (
        b"\tif (!btf_id_set8_contains(&ids, kfunc_id) || prog->type == BPF_PROG_TYPE_LSM)\n"
        b"\t\treturn 0;\n\treturn -EACCES;\n",
        {"LSM": ""},
    ),
    "by type, in an expression": (
        NOT_MINE + b"\treturn prog->type != BPF_PROG_TYPE_LSM ? -EACCES : 0;\n",
        {"LSM": ""},
    ),
    "by a switch of types": (
        NOT_MINE + b"\tswitch (resolve_prog_type(prog)) {\n\tcase BPF_PROG_TYPE_XDP:\n"
        b"\tcase BPF_PROG_TYPE_TRACING:\n\t\tbreak;\n\tdefault:\n\t\treturn -EACCES;\n\t}\n"
        b"\treturn 0;\n",
        {"TRACING": ""},
    ),
    "by attach type": (
        b"\tif (btf_id_set8_contains(&ids, kfunc_id) &&\n"
        b"\t    prog->expected_attach_type != BPF_TRACE_ITER)\n\t\treturn -EACCES;\n\treturn 0;\n",
        {"TRACING": "attach=BPF_TRACE_ITER"},
    ),
    "all but one attach type": (
        NOT_MINE + b"\tif (prog->expected_attach_type == BPF_LSM_CGROUP)\n"
        b"\t\treturn -EACCES;\n\treturn 0;\n",
        {"TRACING": "", "LSM": "attach=!BPF_LSM_CGROUP"},
    ),
    "sleepable": (
        NOT_MINE + b"\treturn prog->sleepable ? 0 : -EINVAL;\n",
        {"TRACING": "sleepable", "LSM": "sleepable"},
    ),
    "by a variable and an else": (
        b"\tbool mine = btf_id_set8_contains(&ids, kfunc_id);\n"
        b"\tif (likely(!mine)) {\n\t\treturn 0;\n\t} else if (prog->type == BPF_PROG_TYPE_LSM) {\n"
        b"\t\treturn 0;\n\t}\n\treturn -EACCES;\n",
        {"LSM": ""},
    ),
    "what is not read": (
        NOT_MINE + b"\treturn prog->aux->attach_btf_id == mystery(prog) ? 0 : -EACCES;\n",
        {"TRACING": "?", "LSM": "?"},
    ),
    "not read for one type": (
        NOT_MINE + b"\tif (prog->type == BPF_PROG_TYPE_LSM)\n\t\treturn 0;\n"
        b"\treturn mystery(prog);\n",
        {"TRACING": "?", "LSM": ""},
    ),
    "a loop is not read": (
        NOT_MINE + b"\tfor (int i = 0; i < 2; i++)\n\t\treturn 0;\n\treturn -EACCES;\n",
        {"TRACING": "?", "LSM": "?"},
    ),
    "an #if that decides is not read": (
        NOT_MINE + b"#ifdef CONFIG_A\n\treturn 0;\n#endif\n\treturn -EACCES;\n",
        {"TRACING": "?", "LSM": "?"},
    ),
    "an #if that decides for one type": (
        NOT_MINE + b"#ifdef CONFIG_A\n\tif (prog->type == BPF_PROG_TYPE_LSM && mystery(prog))\n"
        b"\t\treturn 0;\n#else\n\t;\n#endif\n\treturn -EACCES;\n",
        {"LSM": "?"},
    ),
    "three branches of an #if": (
        NOT_MINE + b"#if A\n\treturn 0;\n#elif B\n#else\n#endif\n\treturn -EACCES;\n",
        {"TRACING": "?", "LSM": "?"},
    ),
}


@pytest.mark.parametrize(("body", "allowed"), FILTERS.values(), ids=FILTERS.keys())
def test_filters(body: bytes, allowed: dict[str, str]) -> None:
    facts, gaps = read(TRACED % (HEAD + body + b"}\n"))
    assert uses(facts, "bpf_a") == allowed
    assert not gaps


def test_a_filter_is_for_all_sets_of_its_hook() -> None:
    body = b"\treturn prog->type == BPF_PROG_TYPE_LSM ? 0 : -EACCES;\n"
    facts, _ = read(TRACED % (HEAD + body + b"}\n"))
    assert uses(facts, "bpf_other") == {"LSM": ""}


def test_a_filter_that_calls_functions_of_its_file() -> None:
    helper = (
        b"static inline bool is_iter(const struct bpf_prog *p)\n{\n"
        b"\treturn p->type == BPF_PROG_TYPE_TRACING &&\n"
        b"\t       p->expected_attach_type == BPF_TRACE_ITER;\n}\n"
    )
    body = NOT_MINE + b"\tif (!is_iter(prog))\n\t\treturn -EACCES;\n\treturn 0;\n"
    facts, _ = read(TRACED % (helper + HEAD + body + b"}\n"))
    assert uses(facts, "bpf_a") == {"TRACING": "attach=BPF_TRACE_ITER"}


def test_a_filter_that_calls_a_function_of_another_file() -> None:
    body = NOT_MINE + b"\treturn prog_is_mine(prog) ? 0 : -EACCES;\n"
    other = b"""
bool prog_is_mine(const struct bpf_prog *prog)
{
        return prog->type == BPF_PROG_TYPE_STRUCT_OPS && prog->aux->st_ops == &bpf_mine;
}
static struct bpf_struct_ops bpf_mine = { .name = "mine", };
"""
    stub = b"static inline bool prog_is_mine(const struct bpf_prog *prog) { return false; }\n"
    text = TRACED % (HEAD + body + b"}\n")
    files = {
        "net/core/x.c": text.replace(b"TYPE_TRACING, &the_set", b"TYPE_STRUCT_OPS, &the_set"),
        "fs/mine.c": other,
        "include/linux/mine.h": stub + b"/* _kfunc */\n",
    }
    facts, gaps = read(files)
    assert uses(facts, "bpf_a") == {"STRUCT_OPS": "struct_ops=mine"}
    assert not gaps


def test_a_filter_of_another_file() -> None:
    body = b"\treturn prog->type == BPF_PROG_TYPE_LSM ? 0 : -EACCES;\n}\n"
    facts, gaps = read({"net/core/x.c": TRACED % b"", "net/core/y.c": HEAD[7:] + body})
    assert uses(facts, "bpf_a") == {"LSM": ""}
    assert not gaps


def test_a_filter_that_is_nowhere_is_a_gap_and_not_read() -> None:
    facts, gaps = read(TRACED % b"")
    assert uses(facts, "bpf_a") == {"TRACING": "?", "LSM": "?"}
    assert Gap("net/core/x.c", 0, "the_filter is used and not found") in gaps


BY_MEMBER = b"""
#define OP_IDX(op)      (offsetof(struct Qdisc_ops, op) / sizeof(void (*)(void)))
#define MOFF_IDX(moff)  ((moff) / sizeof(void (*)(void)))

BTF_KFUNCS_START(all_ids)
BTF_ID_FLAGS(func, bpf_in)
BTF_ID_FLAGS(func, bpf_out)
BTF_ID_FLAGS(func, bpf_both)
BTF_ID_FLAGS(func, bpf_any)
BTF_KFUNCS_END(all_ids)

BTF_SET_START(in_ids)
BTF_ID(func, bpf_in)
BTF_ID(func, bpf_both)
BTF_SET_END(in_ids)

BTF_SET_START(out_ids)
BTF_ID(func, bpf_out)
BTF_ID(func, bpf_both)
BTF_SET_END(out_ids)

enum { CTX_NONE = 0, CTX_IN = 1 << 0, CTX_OUT = 1 << 1, };

static const u32 context_flags[] = {
        [OP_IDX(enqueue)]       = CTX_IN,
        [OP_IDX(dequeue)]       = CTX_OUT,
        [OP_IDX(change)]        = CTX_IN | CTX_OUT,
        [OP_IDX(init)]          = CTX_NONE,
};

static int ops_filter(const struct bpf_prog *prog, u32 kfunc_id)
{
        u32 moff, flags;

        if (!btf_id_set8_contains(&all_ids, kfunc_id))
                return 0;

        if (prog->aux->st_ops != &bpf_Qdisc_ops)
                return -EACCES;

        moff = prog->aux->attach_st_ops_member_off;
        flags = context_flags[MOFF_IDX(moff)];

        if ((flags & CTX_IN) && btf_id_set_contains(&in_ids, kfunc_id))
                return 0;
        if ((flags & CTX_OUT) && btf_id_set_contains(&out_ids, kfunc_id))
                return 0;
        if (btf_id_set_contains(&in_ids, kfunc_id) || btf_id_set_contains(&out_ids, kfunc_id))
                return -EACCES;
        return 0;
}

static struct bpf_struct_ops bpf_Qdisc_ops = { .verifier_ops = &v, .name = "Qdisc_ops", };
static const struct btf_kfunc_id_set the_set = { .set = &all_ids, .filter = ops_filter, };
int x(void)
{
        return register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS, &the_set);
}
"""


def test_a_filter_by_members_of_a_struct_ops() -> None:
    facts, gaps = read(BY_MEMBER)
    found = {name: uses(facts, name) for name in ("bpf_in", "bpf_out", "bpf_both", "bpf_any")}
    assert found == {
        "bpf_in": {"STRUCT_OPS": "member=change|enqueue;struct_ops=Qdisc_ops"},
        "bpf_out": {"STRUCT_OPS": "member=change|dequeue;struct_ops=Qdisc_ops"},
        "bpf_both": {"STRUCT_OPS": "member=change|dequeue|enqueue;struct_ops=Qdisc_ops"},
        "bpf_any": {"STRUCT_OPS": "struct_ops=Qdisc_ops"},
    }
    assert not gaps


def test_members_of_another_struct_have_their_own_names() -> None:
    text = BY_MEMBER.replace(
        b"if (prog->aux->st_ops != &bpf_Qdisc_ops)",
        b"if (prog->aux->st_ops != &bpf_Qdisc_ops && prog->aux->st_ops != &bpf_twin_ops)",
    )
    text += b"""
static struct bpf_struct_ops bpf_twin_ops = { .name = "twin_ops", };
int init(void)
{
#define MATCH(one, other)                                               \\
        BUILD_BUG_ON(offsetof(struct Qdisc_ops, one) !=                 \\
                     offsetof(struct twin_ops, other))
        MATCH(enqueue, push);
        MATCH(dequeue, dequeue);
#undef MATCH
}
"""
    facts, gaps = read(text)
    assert uses(facts, "bpf_both") == {
        "STRUCT_OPS": "member=change|dequeue|enqueue;struct_ops=Qdisc_ops"
        " or member=dequeue|push;struct_ops=twin_ops"
    }
    assert not gaps


SLEEPS = b"""
BTF_KFUNCS_START(ids)
BTF_ID_FLAGS(func, bpf_a, KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_break, KF_DESTRUCTIVE)
BTF_ID_FLAGS(func, bpf_iter_css_task_new, KF_ITER_NEW)
BTF_KFUNCS_END(ids)
static const struct btf_kfunc_id_set the_set = { .set = &ids, };
int x(void) { return register_btf_kfunc_id_set(BPF_PROG_TYPE_UNSPEC, &the_set); }
"""


def test_a_sleepable_kfunc_is_for_what_can_be_sleepable() -> None:
    facts, _ = read(SLEEPS)
    assert uses(facts, "bpf_a") == {
        "TRACING": "sleepable",
        "LSM": "sleepable",
        "STRUCT_OPS": "sleepable",
        "SYSCALL": "",
    }


def test_what_can_be_sleepable_in_6_1() -> None:
    verifier = b"""
static int check_attach_btf_id(struct bpf_verifier_env *env)
{
        if (prog->aux->sleepable && prog->type != BPF_PROG_TYPE_TRACING &&
            prog->type != BPF_PROG_TYPE_KPROBE) {
                return -EINVAL;
        }
}
"""
    facts, _ = read({"net/core/x.c": SLEEPS, "kernel/bpf/verifier.c": verifier})
    assert uses(facts, "bpf_a") == {"TRACING": "sleepable", "SYSCALL": ""}


def test_a_destructive_kfunc_asks_for_a_capability() -> None:
    facts, _ = read(SLEEPS)
    assert set(uses(facts, "bpf_break").values()) == {"cap=CAP_SYS_BOOT"}


def test_iterators_over_tasks_have_a_rule_of_their_own() -> None:
    verifier = b"""
static bool can_be_sleepable(struct bpf_prog *prog)
{
        return prog->type == BPF_PROG_TYPE_TRACING || prog->type == BPF_PROG_TYPE_LSM;
}

static bool check_css_task_iter_allowlist(struct bpf_verifier_env *env)
{
        enum bpf_prog_type prog_type = resolve_prog_type(env->prog);

        switch (prog_type) {
        case BPF_PROG_TYPE_LSM:
                return true;
        case BPF_PROG_TYPE_TRACING:
                if (env->prog->expected_attach_type == BPF_TRACE_ITER)
                        return true;
                fallthrough;
        default:
                return in_sleepable(env);
        }
}
"""
    facts, _ = read({"net/core/x.c": SLEEPS, "kernel/bpf/verifier.c": verifier})
    assert uses(facts, "bpf_iter_css_task_new") == {
        "LSM": "",
        "SYSCALL": "",
        "TRACING": "attach=BPF_TRACE_ITER or sleepable",
    }


def test_metadata_needs_a_program_bound_to_a_device() -> None:
    text = SLEEPS + b"bool bpf_dev_bound_kfunc_id(u32 btf_id)\n{\n"
    text += b"\treturn btf_id_set8_contains(&ids, btf_id);\n}\n"
    header = b"static inline bool bpf_dev_bound_kfunc_id(u32 btf_id) { return false; }\n"
    facts, _ = read({"net/core/x.c": text, "include/net/xdp.h": header})
    assert uses(facts, "bpf_break")["XDP"] == "cap=CAP_SYS_BOOT;device-bound"


def test_a_filter_with_too_many_worlds_is_not_read() -> None:
    numbers = range(70)
    ops = b"".join(
        b'static struct bpf_struct_ops o%d = { .name = "s%d", };\n' % (number, number)
        for number in numbers
    )
    rows = b"".join(b"\t[OP_IDX(m%d)] = 1,\n" % number for number in numbers)
    table = b"static const u32 table[] = {\n" + rows + b"};\n"
    body = b"\tu32 moff = prog->aux->attach_st_ops_member_off;\n\tif (table[moff])\n\t\treturn 0;\n"
    body += b"".join(
        b"\tif (prog->aux->st_ops == &o%d)\n\t\treturn 0;\n" % number for number in numbers
    )
    text = TRACED % (ops + table + HEAD + NOT_MINE + body + b"\treturn -EACCES;\n}\n")
    facts, _ = read(text.replace(b"TYPE_TRACING, &the_set", b"TYPE_STRUCT_OPS, &the_set"))
    assert uses(facts, "bpf_a") == {"STRUCT_OPS": "?"}
