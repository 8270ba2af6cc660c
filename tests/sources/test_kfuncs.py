"""Kfuncs: the shapes of their sets and registrations since 5.13."""

import pytest

from helperhist.errors import ParseError
from helperhist.sources.kfuncs import KfuncSource
from helperhist.sources.source import Piece, read_tree
from helperhist.timeline import Fact
from tests.build.kfuncs import ALL, flags, prototypes, read, tree, uses

SET = (
    b"static const struct btf_kfunc_id_set the_set = { .owner = THIS_MODULE, .set = &the_ids, };\n"
)
FOR_XDP = b"""
static int __init x_init(void)
{
        return register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &the_set);
}
"""


def modern(entries: bytes, registration: bytes = FOR_XDP) -> bytes:
    return (
        b"BTF_KFUNCS_START(the_ids)\n" + entries + b"BTF_KFUNCS_END(the_ids)\n" + SET + registration
    )


def test_a_set_of_6_9() -> None:
    facts, gaps = read(
        modern(
            b"BTF_ID_FLAGS(func, bpf_a, KF_ACQUIRE | KF_RET_NULL)\n"
            b"BTF_ID_FLAGS(func, bpf_b);\n"
            b"/* BTF_ID_FLAGS(func, bpf_c) */\n"
        )
    )
    assert not gaps
    assert facts == (
        Fact("kfunc", "bpf_a", "", "KF_ACQUIRE KF_RET_NULL"),
        Fact("kfunc", "bpf_b", "", ""),
        Fact("kfunc_use", "bpf_a", "BPF_PROG_TYPE_XDP", ""),
        Fact("kfunc_use", "bpf_b", "BPF_PROG_TYPE_XDP", ""),
    )


def test_a_set_of_6_0() -> None:
    text = modern(b"BTF_ID_FLAGS(func, bpf_a, KF_SLEEPABLE)\nBTF_ID_UNUSED\n")
    facts, gaps = read(text.replace(b"BTF_KFUNCS_", b"BTF_SET8_"))
    assert (flags(facts), gaps) == ({"bpf_a": "KF_SLEEPABLE"}, ())


def test_sets_of_5_18_name_a_flag_each() -> None:
    facts, gaps = read(
        b"""
BTF_SET_START(check_ids)
BTF_ID(func, bpf_get)
BTF_ID(func, bpf_put)
BTF_SET_END(check_ids)

BTF_SET_START(get_ids)
BTF_ID(func, bpf_get)
BTF_SET_END(get_ids)

BTF_SET_START(put_ids)
BTF_ID(func, bpf_put)
BTF_SET_END(put_ids)

#define null_ids get_ids

static const struct btf_kfunc_id_set the_set = {
        .owner        = THIS_MODULE,
        .check_set    = &check_ids,
        .acquire_set  = &get_ids,
        .release_set  = &put_ids,
        .ret_null_set = &null_ids,
};
int x(void)
{
        int ret;

        ret = register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &the_set);
        return ret ?: register_btf_kfunc_id_set(BPF_PROG_TYPE_SCHED_CLS, &the_set);
}
"""
    )
    assert flags(facts) == {"bpf_get": "KF_ACQUIRE KF_RET_NULL", "bpf_put": "KF_RELEASE"}
    assert uses(facts, "bpf_get") == {"XDP": "", "SCHED_CLS": ""}
    assert not gaps


LISTS_5_13 = b"""
BTF_SET_START(ca_ids)
BTF_ID(func, tcp_first)
#ifdef CONFIG_X86
#ifdef CONFIG_DYNAMIC_FTRACE
#if IS_BUILTIN(CONFIG_TCP_CONG_SECOND)
BTF_ID(func, second_init)
#endif
#endif  /* CONFIG_DYNAMIC_FTRACE */
#endif
BTF_SET_END(ca_ids)

static bool ca_check(u32 kfunc_btf_id)
{
        return btf_id_set_contains(&ca_ids, kfunc_btf_id);
}

static const struct bpf_verifier_ops ca_verifier_ops = {
        .get_func_proto = ca_func_proto,
        .check_kfunc_call = ca_check,
};

struct bpf_struct_ops bpf_ca_ops = {
        .verifier_ops = &ca_verifier_ops,
        .name = "tcp_congestion_ops",
};
"""


def test_checks_of_5_13() -> None:
    facts, gaps = read(LISTS_5_13, hooks=False)
    assert flags(facts) == {"tcp_first": "", "second_init": ""}
    assert uses(facts, "tcp_first") == {"STRUCT_OPS": "struct_ops=tcp_congestion_ops"}
    assert uses(facts, "second_init") == {
        "STRUCT_OPS": "config=CONFIG_DYNAMIC_FTRACE;config=CONFIG_TCP_CONG_SECOND;"
        "config=CONFIG_X86;struct_ops=tcp_congestion_ops"
    }
    assert not gaps


def test_a_check_in_another_file_than_its_ops() -> None:
    facts, gaps = read(
        {
            "net/core/filter.c": b"const struct bpf_verifier_ops tc_cls_act_verifier_ops = {\n"
            b"\t.check_kfunc_call = test_check,\n};\n",
            "net/bpf/test_run.c": b"BTF_SET_START(ids)\nBTF_ID(func, bpf_call)\nBTF_SET_END(ids)\n"
            b"bool test_check(u32 id) { return btf_id_set_contains(&ids, id); }\n"
            b"int noinline bpf_call(struct sock *sk, u32 a) { return a; }\n",
        },
        hooks=False,
    )
    assert uses(facts, "bpf_call") == {"SCHED_CLS": "", "SCHED_ACT": ""}
    assert Fact("kfunc_test", "bpf_call", "", "net/bpf/test_run.c") in facts
    assert not gaps


def test_lists_of_5_16() -> None:
    files = {
        "net/ipv4/bpf_ca.c": LISTS_5_13.replace(
            b"return btf_id_set_contains(&ca_ids, kfunc_btf_id);",
            b"if (btf_id_set_contains(&ca_ids, kfunc_btf_id))\n\t\treturn true;\n"
            b"\treturn bpf_check_mod_kfunc_call(&ca_list, kfunc_btf_id, owner);",
        ).replace(b"u32 kfunc_btf_id)", b"u32 kfunc_btf_id, struct module *owner)"),
        "net/ipv4/module.c": b"""
BTF_SET_START(third_ids)
BTF_ID(func, third_init)
BTF_SET_END(third_ids)

static DEFINE_KFUNC_BTF_ID_SET(&third_ids, third_set);

static int __init third_register(void)
{
        register_kfunc_btf_id_set(&ca_list, &third_set);
        return 0;
}
""",
        "net/ipv4/other.c": b"BTF_SET_START(o_ids)\nBTF_ID(func, other_init)\nBTF_SET_END(o_ids)\n",
    }
    facts, gaps = read(files, hooks=False)
    assert set(flags(facts)) == {"tcp_first", "second_init", "third_init"}
    assert uses(facts, "third_init") == {"STRUCT_OPS": "struct_ops=tcp_congestion_ops"}
    assert not gaps


def test_a_set_for_all_types() -> None:
    registration = FOR_XDP.replace(b"TYPE_XDP", b"TYPE_UNSPEC")
    facts, _ = read(modern(b"BTF_ID_FLAGS(func, bpf_a)\n", registration))
    assert uses(facts, "bpf_a") == dict.fromkeys(ALL, "")


def test_types_of_one_hook_share_its_sets() -> None:
    registration = FOR_XDP.replace(b"TYPE_XDP", b"TYPE_TRACING")
    facts, _ = read(modern(b"BTF_ID_FLAGS(func, bpf_a)\n", registration))
    assert uses(facts, "bpf_a") == {"TRACING": "", "LSM": ""}


def test_a_type_without_a_hook_is_a_gap() -> None:
    registration = FOR_XDP.replace(b"TYPE_XDP", b"TYPE_SCHED_ACT")
    facts, gaps = read(modern(b"BTF_ID_FLAGS(func, bpf_a)\n", registration))
    assert not facts
    assert [gap.what for gap in gaps] == ["BPF_PROG_TYPE_SCHED_ACT has no hook for the_set"]


@pytest.mark.parametrize(
    "registration",
    [
        b"",
        b"int x(void) { return register_btf_fmodret_id_set(&the_set); }\n",
        b"#if 0\n" + FOR_XDP + b"#endif\n",
        b"int register_btf_kfunc_id_set(enum bpf_prog_type prog_type,\n"
        b"\t\t\t      const struct btf_kfunc_id_set *the_set);\n",
    ],
    ids=["never", "fmod_ret", "dead", "declaration"],
)
def test_what_is_not_registered_is_no_kfunc(registration: bytes) -> None:
    assert read(modern(b"BTF_ID_FLAGS(func, bpf_a)\n", registration)) == ((), ())


def test_a_set_without_a_kfunc_set_is_for_something_else() -> None:
    allow_list = b"BTF_SET_START(allowed)\nBTF_ID(func, vfs_a)\nBTF_SET_END(allowed)\n"
    facts, _ = read(allow_list + modern(b"BTF_ID_FLAGS(func, bpf_a)\n"))
    assert set(flags(facts)) == {"bpf_a"}


def test_a_registration_counts_under_its_own_condition() -> None:
    text = modern(
        b"#ifdef CONFIG_A\nBTF_ID_FLAGS(func, bpf_a)\n#else\nBTF_ID_FLAGS(func, bpf_b)\n#endif\n"
        b"BTF_ID_FLAGS(func, bpf_c)\n",
        b"#if defined(CONFIG_B) && !IS_ENABLED(CONFIG_C)\n" + FOR_XDP + b"#endif\n",
    )
    facts, _ = read(text)
    assert uses(facts, "bpf_a") == {"XDP": "config=CONFIG_A;config=CONFIG_B;config=!CONFIG_C"}
    assert uses(facts, "bpf_b") == {"XDP": "config=!CONFIG_A;config=CONFIG_B;config=!CONFIG_C"}
    assert uses(facts, "bpf_c") == {"XDP": "config=CONFIG_B;config=!CONFIG_C"}


def test_a_condition_that_is_no_configuration_is_not_read() -> None:
    facts, _ = read(modern(b"#if BITS_PER_LONG == 64\nBTF_ID_FLAGS(func, bpf_a)\n#endif\n"))
    assert uses(facts, "bpf_a") == {"XDP": "?"}


def test_both_branches_are_always() -> None:
    facts, _ = read(
        modern(
            b"#ifdef CONFIG_A\nBTF_ID_FLAGS(func, bpf_a)\n#else\n"
            b"BTF_ID_FLAGS(func, bpf_a, KF_RCU)\n#endif\n"
        )
    )
    assert uses(facts, "bpf_a") == {"XDP": ""}
    assert flags(facts) == {"bpf_a": "KF_RCU"}


def test_a_list_in_a_macro_of_another_file() -> None:
    files = {
        "include/net/xdp.h": b"""
#define X_KFUNC_xxx     \\
        X_KFUNC(X_KFUNC_ONE, \\
                bpf_x_one) \\
        X_KFUNC(X_KFUNC_TWO, \\
                bpf_x_two)
enum {
#define X_KFUNC(name, _) name,
X_KFUNC_xxx
#undef X_KFUNC
};
""",
        "net/core/x.c": modern(
            b"#define X_KFUNC(_, name) BTF_ID_FLAGS(func, name, KF_TRUSTED_ARGS)\n"
            b"X_KFUNC_xxx\n#undef X_KFUNC\n"
        )
        + b"BTF_ID_LIST(unsorted)\n#define X_KFUNC(name, str) BTF_ID(func, str)\nX_KFUNC_xxx\n",
    }
    facts, gaps = read(files)
    assert flags(facts) == {"bpf_x_one": "KF_TRUSTED_ARGS", "bpf_x_two": "KF_TRUSTED_ARGS"}
    assert not gaps
    del files["include/net/xdp.h"]
    facts, gaps = read(files)
    assert not facts
    assert [gap.what for gap in gaps] == ["the set the_ids: X_KFUNC_xxx is used and not found"]


def test_static_names_belong_to_their_file() -> None:
    one = modern(b"BTF_ID_FLAGS(func, bpf_a)\n")
    two = modern(b"BTF_ID_FLAGS(func, bpf_b)\n", FOR_XDP.replace(b"XDP", b"SYSCALL"))
    facts, gaps = read({"kernel/bpf/one.c": one, "kernel/bpf/two.c": two})
    assert (uses(facts, "bpf_a"), uses(facts, "bpf_b")) == ({"XDP": ""}, {"SYSCALL": ""})
    assert not gaps


def test_a_set_of_another_file() -> None:
    ids = b"BTF_KFUNCS_START(the_ids)\nBTF_ID_FLAGS(func, bpf_a)\nBTF_KFUNCS_END(the_ids)\n"
    facts, gaps = read({"kernel/bpf/ids.c": ids, "kernel/bpf/set.c": SET, "kernel/y.c": FOR_XDP})
    assert uses(facts, "bpf_a") == {"XDP": ""}
    assert not gaps


LOOPS = {
    "types in an array": b"""
static const enum bpf_prog_type types[] = { BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SYSCALL };
int x(void)
{
        for (i = 0; i < ARRAY_SIZE(types); i++)
                register_btf_kfunc_id_set(types[i], &the_set);
}
""",
    "rows of type and set": b"""
static const struct { enum bpf_prog_type type; const struct btf_kfunc_id_set *set; } rows[] = {
        { BPF_PROG_TYPE_XDP, &the_set },
        { .type = BPF_PROG_TYPE_SYSCALL, .set = &the_set },
};
int x(void)
{
        for (i = 0; i < 2 && !ret; i++)
                ret = register_btf_kfunc_id_set(rows[i].type, rows[i].set);
}
""",
    "two arrays": b"""
int x(void)
{
        enum bpf_prog_type types[] = { BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SYSCALL };
        const struct btf_kfunc_id_set *sets[] = { &the_set, &the_set };

        while (i--)
                register_btf_kfunc_id_set(types[i], sets[i]);
}
""",
    "one condition": b"""
int x(void)
{
        if ((ret = register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &the_set)) ||
            (ret = register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL,
                                             &the_set)))
                return ret;
}
""",
}


@pytest.mark.parametrize("registration", LOOPS.values(), ids=LOOPS.keys())
def test_registrations_of_several_types(registration: bytes) -> None:
    facts, gaps = read(modern(b"BTF_ID_FLAGS(func, bpf_a)\n", registration))
    assert uses(facts, "bpf_a") == {"XDP": "", "SYSCALL": ""}
    assert not gaps


def test_arrays_of_one_name_in_two_functions() -> None:
    local = LOOPS["two arrays"].replace(b"int x", b"int y").replace(b"XDP", b"SCHED_CLS")
    text = modern(b"BTF_ID_FLAGS(func, bpf_a)\n", LOOPS["two arrays"] + local)
    facts, _ = read(text)
    assert uses(facts, "bpf_a") == {"XDP": "", "SYSCALL": "", "SCHED_CLS": ""}


def test_other_flags_in_another_set() -> None:
    text = modern(b"BTF_ID_FLAGS(func, bpf_a, KF_RCU)\n")
    other = text.replace(b"the_", b"an_").replace(b"KF_RCU", b"KF_RELEASE")
    facts, _ = read(text + other.replace(b"XDP", b"SYSCALL").replace(b"x_init", b"y_init"))
    assert flags(facts) == {"bpf_a": "KF_RCU KF_RELEASE"}


UNKNOWN = {
    "no end": modern(b"").replace(b"BTF_KFUNCS_END", b"BTF_SET_END"),
    "unknown macro": modern(b"BTF_ID_NEW(func, bpf_a)\n"),
    "unknown token": modern(b"42\n"),
    "no name": modern(b"BTF_ID_FLAGS(func)\n"),
    "flags": modern(b"BTF_ID_FLAGS(func, bpf_a, KF_A + 1)\n"),
    "no set": FOR_XDP,
    "variable": modern(b"BTF_ID_FLAGS(func, bpf_a)\n").replace(b"BPF_PROG_TYPE_XDP", b"type"),
    "lost array": modern(b"").replace(b"BPF_PROG_TYPE_XDP", b"types[i]"),
}


@pytest.mark.parametrize("text", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_an_unknown_shape_is_a_gap(text: bytes) -> None:
    facts, gaps = read(text)
    assert not facts
    assert gaps
    assert {gap.path for gap in gaps} == {"net/core/x.c"}


def test_the_rest_of_a_file_with_an_unknown_shape_is_read() -> None:
    bad = b"BTF_KFUNCS_START(b_ids)\nBTF_ID_NEW(x)\nBTF_KFUNCS_END(b_ids)\n"
    facts, gaps = read(bad + modern(b"BTF_ID_FLAGS(func, bpf_a)\n"))
    assert set(flags(facts)) == {"bpf_a"}
    assert [(gap.path, gap.line) for gap in gaps] == [("net/core/x.c", 1)]


DEFINITIONS = {
    "__bpf_kfunc void bpf_a(void)\n{\n}\n": "void bpf_a(void)",
    "__bpf_kfunc struct a *bpf_a(struct a *p, u32 n__sz)\n{\n}\n": (
        "struct a *bpf_a(struct a *p, u32 n__sz)"
    ),
    "__bpf_kfunc int\nbpf_a(struct __sk_buff *s, const void __user *p__ign, ...)\n{\n}\n": (
        "int bpf_a(struct __sk_buff *s, const void *p__ign, ...)"
    ),
    "__bpf_kfunc __u8 *bpf_a(bool (less)(struct n *a, struct n *b), u8 name[16])\n{\n}\n": (
        "__u8 *bpf_a(bool (less)(struct n *a, struct n *b), u8 name[16])"
    ),
    "static inline int bpf_a(int x) { return 0; }\n"
    "__bpf_kfunc notrace noinline unsigned long bpf_a(u64 *flags) __must_hold(x)\n{\n}\n": (
        "unsigned long bpf_a(u64 *flags)"
    ),
    "__used noinline __be16 bpf_a(int a) { return a; }\n": "__be16 bpf_a(int a)",
}


@pytest.mark.parametrize(("text", "prototype"), DEFINITIONS.items())
def test_prototypes(text: str, prototype: str) -> None:
    facts, _ = read(text.encode() + modern(b"BTF_ID_FLAGS(func, bpf_a)\n"))
    assert prototypes(facts) == {"bpf_a": prototype}


def test_implicit_arguments_are_not_for_programs() -> None:
    definition = (
        b"__bpf_kfunc int bpf_a(int x, const struct bpf_prog_aux *aux, u64 off)\n{\n}\n"
        b"__bpf_kfunc int bpf_b(int x, const struct bpf_prog_aux *aux)\n{\n}\n"
    )
    entries = b"BTF_ID_FLAGS(func, bpf_a, KF_IMPLICIT_ARGS)\nBTF_ID_FLAGS(func, bpf_b)\n"
    facts, _ = read(definition + modern(entries))
    assert prototypes(facts) == {
        "bpf_a": "int bpf_a(int x)",
        "bpf_b": "int bpf_b(int x, const struct bpf_prog_aux *aux)",
    }


def test_definitions_of_5_16_are_in_files_of_their_own() -> None:
    files = {
        "net/core/x.c": modern(b"BTF_ID_FLAGS(func, third_init)\n"),
        "net/ipv4/tcp_third.c": b"static u32 third_init(struct sock *sk)\n{\n}\n"
        b"static struct tcp_congestion_ops third __read_mostly = {\n};\n",
    }
    facts, _ = read(files)
    assert prototypes(facts) == {"third_init": "u32 third_init(struct sock *sk)"}


def test_pieces_survive_their_cache() -> None:
    source = KfuncSource()
    files = tree(modern(b"#ifdef CONFIG_A\nBTF_ID_FLAGS(func, bpf_a, KF_RCU)\n#endif\n"))
    pieces = {path: source.parse(path, data) for path, data in files.items()}
    cached = {path: Piece.load(piece.dump()) for path, piece in pieces.items()}
    assert cached == pieces
    assert source.link(cached) == source.link(pieces)


@pytest.mark.parametrize(
    "record", [("Nothing",), ("SetEntry", "a"), ("SetEntry", "a", "b", "{", "[]")]
)
def test_a_damaged_cache_is_an_error(record: tuple[str, ...]) -> None:
    with pytest.raises(ParseError, match="damaged"):
        KfuncSource().link({"x.c": Piece((record,))})


def test_only_files_with_a_mark_are_wanted() -> None:
    source = KfuncSource()
    assert source.wants("net/core/x.c", FOR_XDP)
    assert not source.wants("net/core/x.c", b"int main(void) { return 0; }\n")
    assert not source.wants("net/core/x.rst", FOR_XDP)


def test_more_program_types_than_there_are() -> None:
    types = b"".join(b"BPF_PROG_TYPE(BPF_PROG_TYPE_X%d, x)\n" % number for number in range(300))
    files = {**tree(modern(b"")), "include/linux/bpf_types.h": types}
    with pytest.raises(ParseError, match="300 program types"):
        read_tree(KfuncSource(), files)
