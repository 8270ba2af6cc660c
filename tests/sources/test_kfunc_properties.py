"""Kfuncs: sets rendered in any shape read back; any bytes are facts, gaps or our own error."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.sources.kfuncs import KfuncSource
from helperhist.sources.source import read_tree
from tests.build.kfuncs import ALL, TYPES, flags, read, uses

FLAGS = ("KF_ACQUIRE", "KF_RCU", "KF_RELEASE", "KF_RET_NULL")
HOOKED = ("XDP", "SCHED_CLS", "STRUCT_OPS", "SYSCALL")
MACROS = {
    "6.9": ("BTF_KFUNCS_START", "BTF_KFUNCS_END"),
    "6.0": ("BTF_SET8_START", "BTF_SET8_END"),
}


@dataclass(frozen=True)
class Group:
    """A set: names with their flags and configurations, and the types it is registered for."""

    entries: dict[str, tuple[frozenset[str], str]]
    types: tuple[str, ...]


names = st.integers(0, 30).map(lambda number: f"bpf_k{number}")
entries = st.dictionaries(
    names,
    st.tuples(st.frozensets(st.sampled_from(FLAGS)), st.sampled_from(("", "CONFIG_A", "CONFIG_B"))),
    max_size=6,
)
groups = st.lists(
    st.builds(
        Group, entries, st.lists(st.sampled_from(HOOKED), min_size=1, unique=True).map(tuple)
    ),
    max_size=4,
)
shapes = st.sampled_from(("6.9", "6.0", "5.18"))
calls = st.sampled_from(("return", "chain", "or", "loop"))


def guarded(line: str, config: str) -> str:
    return f"#ifdef {config}\n{line}#endif\n" if config else line


def render_set(number: int, group: Group, shape: str) -> str:
    if shape == "5.18":
        lists = {"check_set": dict(group.entries)}
        for flag, member in (
            ("KF_ACQUIRE", "acquire_set"),
            ("KF_RELEASE", "release_set"),
            ("KF_RET_NULL", "ret_null_set"),
        ):
            lists[member] = {
                name: entry for name, entry in group.entries.items() if flag in entry[0]
            }
        text = members = ""
        for member, listed in lists.items():
            text += f"BTF_SET_START({member}_{number})\n"
            text += "".join(
                guarded(f"BTF_ID(func, {name})\n", config) for name, (_, config) in listed.items()
            )
            text += f"BTF_SET_END({member}_{number})\n\n"
            members += f"\t.{member} = &{member}_{number},\n"
    else:
        start, end = MACROS[shape]
        text = f"{start}(ids_{number})\n"
        for name, (some, config) in group.entries.items():
            listed_flags = f", {' | '.join(sorted(some, reverse=True))}" if some else ""
            text += guarded(f"BTF_ID_FLAGS(func, {name}{listed_flags})\n", config)
        text += f"{end}(ids_{number})\n"
        members = f"\t.set = &ids_{number},\n"
    return text + f"static const struct btf_kfunc_id_set set_{number} = {{\n{members}}};\n"


def render_calls(number: int, group: Group, how: str) -> str:
    made = [
        f"register_btf_kfunc_id_set(BPF_PROG_TYPE_{kind},\n\t\t&set_{number})"
        for kind in group.types
    ]
    if how == "return":
        body = "".join(f"\tret = {call};\n\tif (ret)\n\t\treturn ret;\n" for call in made)
    elif how == "chain":
        body = "".join(f"\tret = ret ?: {call};\n" for call in made)
    elif how == "or":
        body = f"\treturn {' || '.join(made)};\n"
    else:
        listed = ", ".join(f"BPF_PROG_TYPE_{kind}" for kind in group.types)
        body = f"\tenum bpf_prog_type types[] = {{ {listed} }};\n"
        body += f"\tfor (;;)\n\t\tregister_btf_kfunc_id_set(types[i], &set_{number});\n"
    return f"static int __init init_{number}(void)\n{{\n{body}}}\n"


@given(groups, shapes, calls, st.booleans())
@settings(max_examples=60, deadline=None)
def test_sets_read_back(some: list[Group], shape: str, how: str, apart: bool) -> None:
    files: dict[str, bytes] = {}
    for number, group in enumerate(some):
        text = render_set(number, group, shape) + render_calls(number, group, how)
        path = f"net/x{number}.c" if apart else "net/x.c"
        files[path] = files.get(path, b"") + text.encode()
    facts, gaps = read(files)
    assert not gaps

    all_flags: dict[str, set[str]] = {}
    configs: dict[tuple[str, str], set[str]] = {}
    for group in some:
        for name, (listed, config) in group.entries.items():
            known = listed - {"KF_RCU"} if shape == "5.18" else listed
            all_flags.setdefault(name, set()).update(known)
            for kind in group.types:
                configs.setdefault((name, kind), set()).add(config)
    assert flags(facts) == {name: " ".join(sorted(found)) for name, found in all_flags.items()}
    for name in all_flags:
        assert uses(facts, name) == {
            kind: ""
            if "" in (found := configs[name, kind])
            else " or ".join(f"config={config}" for config in sorted(found))
            for kind in ALL
            if (name, kind) in configs
        }


WORDS = (
    *TYPES.decode().split(),
    *"""BTF_KFUNCS_START(a) BTF_KFUNCS_END(a) BTF_SET_START(a) BTF_SET_END(a) BTF_ID(func,
    BTF_ID_FLAGS( func, bpf_a) KF_RCU | \n#define \n#if \n#else \n#endif \\\n X_KFUNC_xxx X_KFUNC(
    struct btf_kfunc_id_set s = { .set &a, .filter f, }; register_btf_kfunc_id_set(
    BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_UNSPEC, &s); int f(const struct bpf_prog *prog, u32 kfunc_id)
    { return if ( ) 0;
    -EACCES; prog->type == switch case : default btf_id_set8_contains(&a, bpf_verifier_ops
    .check_kfunc_call = bpf_struct_ops .name "x" __bpf_kfunc
    enum { } ; , [ ] /* */ ' " //""".split(),
)


@given(st.lists(st.sampled_from(WORDS), max_size=80))
@settings(max_examples=150, deadline=None)
def test_any_words_are_facts_or_gaps(words: list[str]) -> None:
    read(" ".join(words).encode())


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_are_facts_or_gaps(data: bytes) -> None:
    read_tree(KfuncSource(), {"net/core/x.c": b"_kfunc" + data, "kernel/bpf/btf.c": data})
