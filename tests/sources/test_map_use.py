"""Which helper takes which type of map, and which type of program may use which."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.errors import ParseError
from helperhist.sources.map_use import MapUseSource
from helperhist.sources.source import Gap, Piece, read_tree
from helperhist.timeline import Fact

HEADER = b"""
enum bpf_map_type {
        BPF_MAP_TYPE_UNSPEC,
        BPF_MAP_TYPE_HASH,
        BPF_MAP_TYPE_XSKMAP,
        BPF_MAP_TYPE_SOCKMAP,
        BPF_MAP_TYPE_STRUCT_OPS,
        BPF_MAP_TYPE_OLD_DEPRECATED,
        BPF_MAP_TYPE_TASK = BPF_MAP_TYPE_OLD_DEPRECATED,
        __MAX_BPF_MAP_TYPE
};
enum bpf_prog_type { BPF_PROG_TYPE_UNSPEC, BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_TRACING,
        BPF_PROG_TYPE_SYSCALL, BPF_PROG_TYPE_PERF_EVENT };
#define __BPF_FUNC_MAPPER(FN)           \\
        FN(unspec),                     \\
        FN(map_lookup_elem),            \\
        FN(map_update_elem),            \\
        FN(tail_call),                  \\
        FN(for_each_map_elem),          \\
        FN(redirect_map),
"""
PROTOS = b"""
const struct bpf_func_proto bpf_map_lookup_elem_proto = {
        .func           = bpf_map_lookup_elem,
        .arg1_type      = ARG_CONST_MAP_PTR,
};
const struct bpf_func_proto bpf_map_update_elem_proto = {
        .func           = bpf_map_update_elem,
        .arg1_type      = ARG_CONST_MAP_PTR,
};
const struct bpf_func_proto bpf_for_each_map_elem_proto = {
        .func           = bpf_for_each_map_elem,
        .arg1_type      = ARG_CONST_MAP_PTR,
};
const struct bpf_func_proto bpf_late_proto = {
        .func           = bpf_tail_call,
        .arg2_type      = ARG_CONST_MAP_PTR,
};
const struct bpf_func_proto bpf_variant_tp_proto = {
        .func           = bpf_variant_tp,
        .arg1_type      = ARG_CONST_MAP_PTR,
};
const struct bpf_map_ops htab_map_ops = { .map_set_for_each_callback_args = some, };
const struct bpf_map_ops xsk_map_ops = { .map_lookup_elem = some, };
"""
TYPES = b"""
BPF_MAP_TYPE(BPF_MAP_TYPE_HASH, htab_map_ops)
BPF_MAP_TYPE(BPF_MAP_TYPE_XSKMAP, xsk_map_ops)
"""
FUNC = b"""
static bool may_update(struct bpf_verifier_env *env, int func_id)
{
        enum bpf_attach_type eatype = env->prog->expected_attach_type;
        enum bpf_prog_type type = resolve_prog_type(env->prog);

        if (func_id != BPF_FUNC_map_update_elem)
                return false;

        switch (type) {
        case BPF_PROG_TYPE_TRACING:
                if (eatype == BPF_TRACE_ITER)
                        return true;
                break;
        case BPF_PROG_TYPE_XDP:
                return true;
        default:
                break;
        }
        verbose(env, "cannot update in this context\\n");
        return false;
}

static int check_map_func_compatibility(struct bpf_verifier_env *env,
                                        struct bpf_map *map, int func_id)
{
        if (!map)
                return 0;

        switch (map->map_type) {
        case BPF_MAP_TYPE_XSKMAP:
                if (func_id != BPF_FUNC_redirect_map &&
                    func_id != BPF_FUNC_map_lookup_elem)
                        goto error;
                break;
        case BPF_MAP_TYPE_SOCKMAP:
                if (func_id != BPF_FUNC_map_lookup_elem && func_id != BPF_FUNC_kptr_xchg &&
                    !may_update(env, func_id))
                        goto error;
                break;
        case BPF_MAP_TYPE_TASK:
                goto error;
        default:
                break;
        }

        switch (func_id) {
        case BPF_FUNC_tail_call:
                if (env->subprog_cnt > 1 && !bpf_allow(env)) {
                        verbose(env, "not supported\\n");
                        return -EINVAL;
                }
                goto error;
        case BPF_FUNC_redirect_map:
                if (map->map_type != BPF_MAP_TYPE_XSKMAP)
                        goto error;
                break;
        default:
                break;
        }

        return 0;
error:
        verbose(env, "cannot pass map_type %d into func %s#%d\\n",
                map->map_type, func_id_name(func_id), func_id);
        return -EINVAL;
}
"""
PROG = b"""
static bool can_be_sleepable(struct bpf_prog *prog)
{
        return prog->type == BPF_PROG_TYPE_TRACING;
}

static int check_map_prog_compatibility(struct bpf_verifier_env *env,
                                        struct bpf_map *map,
                                        struct bpf_prog *prog)

{
        enum bpf_prog_type prog_type = resolve_prog_type(prog);

        if (prog_type == BPF_PROG_TYPE_PERF_EVENT && map->map_type == BPF_MAP_TYPE_HASH &&
            (map->map_flags & BPF_F_NO_PREALLOC))
                return -EINVAL;

        if (btf_record_has_field(map->record, BPF_SPIN_LOCK)) {
                verbose(env, "no\\n");
                return -EINVAL;
        }

        if (map->map_type == BPF_MAP_TYPE_STRUCT_OPS) {
                verbose(env, "bpf_struct_ops map cannot be used in prog\\n");
                return -EINVAL;
        }

        if (prog->sleepable)
                switch (map->map_type) {
                case BPF_MAP_TYPE_HASH:
                        break;
                default:
                        verbose(env, "Sleepable programs cannot\\n");
                        return -EINVAL;
                }

        if (map->map_type == BPF_MAP_TYPE_TASK) {
                env->prog->aux->task = map;
                return mystery(map);
        }
        return 0;
}
"""
FILES = {
    "include/uapi/linux/bpf.h": HEADER,
    "include/linux/bpf_types.h": TYPES,
    "kernel/bpf/helpers.c": PROTOS,
    "kernel/bpf/verifier.c": FUNC + PROG,
}


def read(files: Mapping[str, bytes]) -> tuple[tuple[Fact, ...], tuple[Gap, ...]]:
    return read_tree(MapUseSource(), files)


def of(kind: str, name: str, files: Mapping[str, bytes] = FILES) -> dict[str, str]:
    """Return the condition of each map type, or of each program type for a map type."""
    facts, gaps = read(files)
    assert not gaps
    return {
        fact.object.removeprefix("BPF_MAP_TYPE_").removeprefix("BPF_PROG_TYPE_"): fact.value
        for fact in facts
        if (fact.kind, fact.name) == (kind, name)
    }


def test_helpers_of_maps() -> None:
    assert of("map_use", "bpf_map_lookup_elem") == {"HASH": "", "XSKMAP": "", "SOCKMAP": ""}
    assert of("map_use", "bpf_redirect_map") == {"XSKMAP": ""}


def test_a_helper_that_takes_no_map_or_is_none() -> None:
    assert of("map_use", "bpf_tail_call") == {}
    assert of("map_use", "bpf_kptr_xchg") == {}
    assert of("map_use", "bpf_variant_tp") == {}


def test_a_pair_that_depends_on_the_program() -> None:
    found = of("map_use", "bpf_map_update_elem")
    assert found.keys() == {"HASH", "SOCKMAP"}
    assert found["HASH"] == ""
    assert found["SOCKMAP"] == (
        "attach=BPF_TRACE_ITER;type=BPF_PROG_TYPE_TRACING|BPF_PROG_TYPE_XDP"
        " or type=BPF_PROG_TYPE_XDP"
    )


def test_iteration_needs_operations_of_the_map() -> None:
    assert of("map_use", "bpf_for_each_map_elem") == {"HASH": ""}


def test_programs_of_maps() -> None:
    assert of("map_prog", "BPF_MAP_TYPE_XSKMAP") == {
        "XDP": "",
        "PERF_EVENT": "",
        "TRACING": "!sleepable",
    }
    assert of("map_prog", "BPF_MAP_TYPE_HASH") == {
        "XDP": "",
        "TRACING": "",
        "SYSCALL": "",
        "PERF_EVENT": "flag=!BPF_F_NO_PREALLOC",
    }
    assert of("map_prog", "BPF_MAP_TYPE_STRUCT_OPS") == {}
    assert set(of("map_prog", "BPF_MAP_TYPE_TASK").values()) == {"?", "?;!sleepable"}


def test_the_verifier_of_4_4() -> None:
    text = FUNC.replace(b"struct bpf_verifier_env *env,\n", b"").replace(
        b"verbose(env, ", b"verbose("
    )
    text = text.replace(b"func_id != BPF_FUNC_kptr_xchg &&", b"1 &&").replace(
        b"!may_update(env, func_id)", b"1"
    )
    header = HEADER.replace(b"BPF_PROG_TYPE_PERF_EVENT", b"BPF_PROG_TYPE_KPROBE")
    files = {**FILES, "include/uapi/linux/bpf.h": header, "kernel/bpf/verifier.c": text}
    assert of("map_use", "bpf_map_lookup_elem", files) == {
        "HASH": "",
        "XSKMAP": "",
        "SOCKMAP": "",
        "STRUCT_OPS": "",
    }
    # No switch refuses a program before 4.9, which brought programs of perf events.
    found = of("map_prog", "BPF_MAP_TYPE_HASH", files)
    assert found
    assert set(found.values()) == {""}
    facts, gaps = read({**FILES, "kernel/bpf/verifier.c": text})
    assert not [fact for fact in facts if fact.kind == "map_prog"]
    assert [(gap.path, gap.lost) for gap in gaps] == [("kernel/bpf/verifier.c", True)]


def test_a_tree_without_a_verifier_says_nothing() -> None:
    assert read({"include/uapi/linux/bpf.h": HEADER}) == ((), ())


def test_a_switch_that_is_not_read() -> None:
    text = b"static int check_map_func_compatibility(struct bpf_map *map, int func_id)\n{\n"
    facts, _ = read(
        {**FILES, "kernel/bpf/verifier.c": text + b"return mystery(map, func_id);\n}\n"}
    )
    assert {fact.value for fact in facts} == {"?"}
    facts, gaps = read({**FILES, "kernel/bpf/verifier.c": text + b"switch (x) y\n}\n"})
    assert {fact.value for fact in facts} == {"?"}
    assert {gap.path for gap in gaps} == {"kernel/bpf/verifier.c"}
    assert [gap.lost for gap in gaps].count(False) == 1


def test_more_names_than_there_are() -> None:
    names = b", ".join(b"BPF_MAP_TYPE_X%d" % number for number in range(600))
    header = HEADER.replace(b"BPF_MAP_TYPE_UNSPEC", names)
    with pytest.raises(ParseError, match="more names"):
        read({**FILES, "include/uapi/linux/bpf.h": header})


def test_pieces_survive_their_cache() -> None:
    source = MapUseSource()
    pieces = {path: source.parse(path, data) for path, data in FILES.items()}
    cached = {path: Piece.load(piece.dump()) for path, piece in pieces.items()}
    assert source.link(cached) == source.link(pieces)


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_are_facts_or_gaps(data: bytes) -> None:
    read({**FILES, "kernel/bpf/verifier.c": b"check_map_func_compatibility" + data})
    read({**FILES, "include/uapi/linux/bpf.h": data})
