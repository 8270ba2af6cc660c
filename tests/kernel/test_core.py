"""CO-RE relocations of compiled objects against BTF that a compiler made for another "kernel"."""

import os
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.binary.btf import Btf
from helperhist.binary.btfext import CoreRelo, parse_btf_ext
from helperhist.binary.insn import Insn
from helperhist.binary.object import parse_object
from helperhist.errors import ParseError
from helperhist.kernel.compat import Compat, essential
from helperhist.kernel.core import Resolution, Resolver, resolve
from helperhist.kernel.corepatch import POISON, patch
from helperhist.kernel.corespec import Target
from tests.binary.test_btf import VMLINUX, sections
from tests.build.elf import build_btf as build
from tests.build.elf import info
from tests.build.objects import compile_bpf

PRELUDE = """#include "common.h"
LICENSE("GPL")
#define info(field, kind) __builtin_preserve_field_info(field, kind)
#define type_info(type, kind) __builtin_preserve_type_info(*(typeof(type) *)0, kind)
#define type_id(type, kind) __builtin_btf_type_id(*(typeof(type) *)0, kind)
#define enum_value(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, 1)
"""


def kernel(types: str, *values: str, order: str = "el") -> Target:
    """Return the BTF of a kernel with these types, of each of which there is a variable."""
    variables = "".join(f"{name} v{at};\n" for at, name in enumerate(values))
    path = compile_bpf(f'#include "common.h"\n{types}\n{variables}', order=order)
    return Target(Btf(sections(path)[0]))


def results(
    types: str, body: str, target: Target, order: str = "el", cpu: str = "v3"
) -> list[Resolution]:
    """Compile a program that asks for things and resolve its relocations, in their order."""
    source = f"""{PRELUDE}{types}
    SEC("socket") int program(struct ctx *ctx) {{ u64 n = 0; {body} return n; }}"""
    data, extension = sections(compile_bpf(source, "-Wno-everything", order=order, cpu=cpu))
    local = Btf(data)
    return resolve(parse_btf_ext(extension, local).relocations["socket"], local, target)


def answers(types: str, body: str, target: Target, order: str = "el") -> list[int | str]:
    """Return the values, or why there is none."""
    return [
        item.value if item.state == "resolved" else item.state
        for item in results(types, body, target, order)
    ]


TASK = "struct ctx { int pid; struct { char comm[8]; }; int flags; int last; } __core;"


def test_fields_are_found_by_name() -> None:
    target = kernel(
        """struct ctx { u64 more; union { struct { int flags; u64 x; }; }; char comm[16];
        int pid; };""",
        "struct ctx",
    )
    body = "n += ctx->pid; n += ctx->comm[3]; n += ctx->flags;"
    found = results(TASK, body, target)
    assert [(item.local, item.value) for item in found] == [(0, 40), (7, 27), (12, 8)]
    assert found[1].spec == "struct ctx.comm[3] (0:1:0:3 @ offset 7)"
    assert [item.spec for item in found[1].candidates] == ["struct ctx.comm[3] (0:2:3 @ offset 27)"]


def test_missing_field_is_unresolved_and_named() -> None:
    target = kernel("struct ctx { int pid; };", "struct ctx")
    (found,) = results(TASK, "n += ctx->last;", target)
    assert found.state == "unresolved"
    assert found.reason == "struct ctx.last: not in the kernel's struct ctx"
    assert not found.candidates[0].matches


def test_missing_type_is_unresolved() -> None:
    (found,) = results(TASK, "n += ctx->last;", kernel("struct other { int a; };", "struct other"))
    assert found.state == "unresolved"
    assert found.reason == "struct ctx.last: no type of this name in the kernel"
    assert found.candidates == ()


def test_existence_of_fields_types_and_enumerators() -> None:
    types = """struct ctx { int a; int b; } __core; struct none { int x; } __core;
    enum e { A, B }; typedef int number; union u { int x; }; enum far { FAR };"""
    target = kernel(
        "struct ctx { int b; }; enum e { B = 7 }; typedef long number; union u { long y; };",
        *("struct ctx", "enum e", "number", "union u"),
    )
    body = """
    n += info(ctx->a, 2); n += info(ctx->b, 2); n += info(((struct none *)ctx)->x, 2);
    n += type_info(struct ctx, 0); n += type_info(struct none, 0); n += type_info(number, 0);
    n += type_info(union u, 0); n += type_info(enum far, 0);
    n += enum_exists(enum e, A); n += enum_exists(enum e, B); n += enum_exists(enum far, FAR);"""
    assert answers(types, body, target) == [0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0]


def test_enumerator_values_and_their_signs() -> None:
    types = "struct ctx { int a; }; enum e { A, B, C }; enum big { D = 0x100000000ULL, E };"
    target = kernel(
        """enum e { A = -5, B = 0x7fffffff };
        enum big { D = 1ULL << 40, E = 0xffffffffffffffffULL };""",
        *("enum e", "enum big"),
    )
    body = """n += enum_value(enum e, A); n += enum_value(enum e, B); n += enum_value(enum e, C);
    n += enum_value(enum big, D); n += enum_value(enum big, E);"""
    found = answers(types, body, target)
    assert found == [2**64 - 5, 0x7FFFFFFF, "unresolved", 1 << 40, 2**64 - 1]


def test_enum_becomes_enum64_and_flavours_of_enumerators() -> None:
    types = "struct ctx { int a; }; enum e___mine { A___x = 3 };"
    target = kernel("enum e { A = 0x200000000ULL };", "enum e")
    assert answers(types, "n += enum_value(enum e___mine, A___x);", target) == [0x200000000]


def test_types_by_size_and_id() -> None:
    types = "struct ctx { int a[4]; }; struct none { int a; };"
    target = kernel("struct ctx { int a[7]; };", "struct ctx")
    body = """n += type_info(struct ctx, 1); n += type_info(struct none, 1);
    n += type_id(struct ctx, 1); n += type_id(struct none, 1); n += type_id(struct none, 0);"""
    found = results(types, body, target)
    assert [item.value for item in found[:2]] == [28, 0]
    assert target.btf.name(found[2].value) == "ctx"
    assert found[3].value == 0
    assert found[4].value == found[4].local > 0


BITS = "struct ctx { unsigned a : 3; int b : 7; u64 c : 40; short d; u8 e; } __core;"


@pytest.mark.parametrize("order", ["el", "eb"])
def test_bit_fields(order: str) -> None:
    """The numbers that the macros of bpf_core_read.h want: offset, size, shifts, sign."""
    target = kernel(
        "struct ctx { u64 pad; short d; unsigned char e : 6; unsigned x : 9; int b : 12; };",
        "struct ctx",
        order=order,
    )
    body = "".join(f"n += info(ctx->{name}, {kind});" for name in "bed" for kind in (0, 1, 3, 4, 5))
    found = answers(BITS, body, target, order)
    offsets = {"b": (12, 4, 1), "e": (10, 1, 0), "d": (8, 2, 1)}
    start = {"b": 96, "e": 80, "d": 64}
    for at, name in enumerate("bed"):
        offset, size, signed, left, right = map(int, found[at * 5 : at * 5 + 5])
        assert (offset, size, signed) == offsets[name], name
        width = {"b": 12, "e": 6, "d": 16}[name]
        within = start[name] - offsets[name][0] * 8
        assert right == 64 - width
        assert left == (64 - within - width if order == "el" else (8 - size) * 8 + within)


def test_bit_field_over_the_border_of_its_type_takes_a_wider_load() -> None:
    # A bit field of 8 bits at bit 28 of a struct: 4 bytes from 0 do not hold it, 8 bytes do.
    strings = b"\0int\0ctx\0f\0"
    target = Target(
        Btf(
            build(
                (1, info(1), 4, 32),
                (5, info(4, 1, flag=True), 8, 9, 1, 8 << 24 | 28),
                strings=strings,
            )
        )
    )
    types = "struct ctx { int f : 8; } __core;"
    body = "n += info(ctx->f, 0); n += info(ctx->f, 1); n += info(ctx->f, 4);"
    assert answers(types, body, target) == [0, 8, 64 - 36]


def test_arrays_have_bounds_but_flexible_ones_have_not() -> None:
    types = "struct ctx { int a[8]; struct { int x; int y; } flex[]; } __core;"
    target = kernel(
        "struct ctx { int a[4]; int more; struct { u64 x; int y; } flex[]; }; struct ctx *p;"
    )
    body = "n += ctx->a[3]; n += ctx->a[5]; n += ctx->flex[6].y;"
    assert answers(types, body, target) == [12, "unresolved", 24 + 6 * 16 + 8]


def test_element_behind_a_pointer_uses_the_kernels_size() -> None:
    types = "struct ctx { int a; int b; } __core;"
    target = kernel("struct ctx { u64 pad[3]; int b; };", "struct ctx")
    assert answers(types, "n += ctx[2].b;", target) == [2 * 32 + 24]


@pytest.mark.parametrize(
    ("field", "mine", "same"),
    [
        ("u64 f", "int f", True),
        ("int *f", "int f", False),
        ("void *f", "struct a *f", True),
        ("union a { int x; } f", "struct b { int y; } f", True),
        ("enum a { A } f", "enum b { B } f", False),
        ("enum a { A } f", "enum { B } f", True),
        ("enum a { A } f", "enum a___x { B } f", True),
        ("int f[3]", "short f[9]", True),
        ("int f[3]", "int *f[3]", False),
        ("const volatile int f", "int f", True),
        ("float f", "double f", True),
        ("float f", "int f", False),
    ],
)
def test_fields_of_other_types(field: str, mine: str, same: bool) -> None:
    target = kernel(f"struct ctx {{ int pad; {field}; }};", "struct ctx")
    found = answers(f"struct ctx {{ {mine}; }} __core;", "n += info(ctx->f, 2);", target)
    assert found == [int(same)]


def test_anonymous_members_are_searched_in_their_order() -> None:
    types = "struct ctx { struct { union { int deep; }; }; } __core;"
    target = kernel(
        """struct ctx { u64 a; struct { u64 b; union { struct { u64 c; int deep; }; u64 d; }; };
        int end; };""",
        "struct ctx",
    )
    (found,) = results(types, "n += ctx->deep;", target)
    assert found.value == 24
    assert found.candidates[0].spec == "struct ctx.deep (0:1:1:0:1 @ offset 24)"


def test_flavours_on_both_sides() -> None:
    assert essential("task_struct___old") == "task_struct"
    assert essential("a___b___c") == "a___b"
    assert [essential(name) for name in ("a____b", "___b", "a___", "__a", "")] == [
        *("a____b", "___b", "a___", "__a", ""),
    ]
    types = "struct ctx___mine { int pid; } __core; struct ctx;"
    target = kernel("struct ctx___2 { u64 pad; int pid; };", "struct ctx___2")
    body = "n += ((struct ctx___mine *)ctx)->pid;"
    assert answers(types, body, target) == [8]


def test_candidates_that_disagree_refuse_the_object() -> None:
    types = "struct ctx___a { int pid; int tgid; } __core; struct ctx;"
    both = "struct ctx { int pid; int x; int tgid; }; struct ctx___2 { int pid; int tgid; };"
    target = kernel(both, "struct ctx", "struct ctx___2")
    found = results(
        types,
        "n += ((struct ctx___a *)ctx)->pid; n += ((struct ctx___a *)ctx)->tgid;",
        target,
    )
    assert [item.state for item in found] == ["resolved", "refused"]
    assert "struct ctx.tgid" in found[1].reason
    assert "struct ctx___2.tgid" in found[1].reason


def test_a_match_narrows_the_candidates_for_what_follows() -> None:
    """The second candidate has no ``pid``: it is not asked for ``tgid`` any more."""
    types = "struct ctx___a { int pid; int tgid; } __core; struct ctx;"
    both = "struct ctx { int pid; int x; int tgid; }; struct ctx___2 { int tgid; };"
    target = kernel(both, "struct ctx", "struct ctx___2")
    pid, tgid = (f"n += ((struct ctx___a *)ctx)->{name};" for name in ("pid", "tgid"))
    assert answers(types, pid + tgid, target) == [0, 8]
    assert answers(types, tgid, target) == ["refused"]


POINTER = "struct x; struct t { struct x *a; };"
INSIDE = "struct t { struct x a; };"


@pytest.mark.parametrize(
    ("theirs", "mine", "same"),
    [
        ("struct t { int a; u64 b; };", "struct t { int a; };", True),
        ("struct t { int a; };", "struct t { int a; int b; };", False),
        ("struct t { long a; };", "struct t { int a; };", False),
        ("struct t { unsigned a; };", "struct t { int a; };", False),
        ("union t { int a; };", "struct t { int a; };", False),
        ("struct x { u64 z; }; " + POINTER, "struct x { int y; }; " + POINTER, True),
        ("struct x { u64 y; }; " + INSIDE, "struct x { int y; }; " + INSIDE, False),
        ("struct t { struct y *a; };", POINTER, False),
        ("struct x { int a; }; " + POINTER, POINTER, True),
        ("union x { int a; }; struct t { union x *a; };", POINTER, False),
        ("struct t { int a[4]; };", "struct t { int a[3]; };", False),
        ("enum e { A, B }; struct t { enum e a; };", "enum e { B }; struct t { enum e a; };", True),
        ("enum e { A }; struct t { enum e a; };", "enum e { B }; struct t { enum e a; };", False),
        ("struct t { int (*f)(int); };", "struct t { int (*f)(int); };", True),
        ("struct t { int (*f)(int); };", "struct t { int (*f)(int, int); };", False),
        ("struct t { int (*f)(long); };", "struct t { int (*f)(int); };", False),
    ],
)  # fmt: skip
def test_type_matches(theirs: str, mine: str, same: bool) -> None:
    target = kernel(theirs, "union t" if "union t {" in theirs else "struct t")
    types = f"struct ctx {{ int a; }}; {mine}"
    assert answers(types, "n += type_info(struct t, 2);", target) == [int(same)]
    assert answers(types, "n += type_info(struct t, 0);", target) == [
        int("union t {" not in theirs)
    ]


def test_module_is_asked_for_what_the_kernel_lacks() -> None:
    names = b"\0ctx\0pid\0int\0mod\0"
    base = Btf(build((9, info(1), 4, 32), strings=names))
    members = (1, info(4, 1), 12, 5, 1, 64)
    module = Btf(build(members, strings=b""), base)
    target = Target(base, [("nice", module)])
    (found,) = results("struct ctx { int pid; } __core;", "n += ctx->pid;", target)
    assert (found.value, found.candidates[0].module) == (8, "nice")
    # What the kernel has is not looked for in modules.
    target = Target(Btf(build((9, info(1), 4, 32), members, strings=names)), [("nice", module)])
    assert [
        item.module
        for item in results("struct ctx { int pid; } __core;", "n += ctx->pid;", target)[
            0
        ].candidates
    ] == [""]


LOADS = """struct ctx { u32 u; int s; void *p; u64 wide; char c[4]; } __core;"""


def patched(types: str, body: str, target: Target) -> list[tuple[Insn, ...]]:
    source = f"""{PRELUDE}{types}
    SEC("socket") int program(struct ctx *ctx) {{ {body} }}"""
    obj = parse_object(compile_bpf(source, "-Wno-everything").read_bytes())
    assert obj.btf is not None
    resolver = Resolver(obj.btf, target)
    (function,) = obj.functions
    found = [
        patch(function.insns, index, resolver.resolve(relo))
        for index, relo in sorted(function.relos.items())
    ]
    assert [item.refused for item in found] == [""] * len(found)
    return [item.insns for item in found]


def test_loads_take_the_kernels_offset_and_size() -> None:
    target = kernel("struct ctx { u64 pad; u64 u; u64 s; u32 p; u16 wide; };", "struct ctx")
    ((load,),) = patched(LOADS, "return ctx->u;", target)
    assert (load.code, load.off) == (0x79, 8)
    ((load,),) = patched(LOADS, "return (long)ctx->p;", target)
    assert load == POISON
    ((load,),) = patched(LOADS, "return ctx->wide;", target)
    assert (load.code, load.off) == (0x69, 28)
    ((load,),) = patched(LOADS, "return ctx->s;", target)
    assert load == POISON
    ((load,),) = patched(LOADS, "return ctx->c[0];", target)
    assert load == POISON


def test_wide_constants_take_both_halves() -> None:
    target = kernel("enum e { A = 0x7766554433221100ULL };", "enum e")
    types = "struct ctx { int a; }; enum e { A = 0x100000000ULL };"
    ((first, second),) = patched(types, "return enum_value(enum e, A) >> 9;", target)
    assert (first.imm, second.imm) == (0x33221100, 0x77665544)
    empty = kernel("struct none { int a; };", "struct none")
    assert patched(types, "return enum_value(enum e, A) >> 9;", empty) == [(POISON, POISON)]


def test_what_does_not_fit_refuses_the_object() -> None:
    load = [Insn(0x61, 0, 1, 4, 0)]
    wrong = patch(load, 0, Resolution("resolved", 8, 16, "struct a.b", local_size=4, size=4))
    assert wrong.refused == "struct a.b: the instruction has 4, not 8"
    far = patch(load, 0, Resolution("resolved", 4, 40000, "struct a.b", local_size=4, size=4))
    assert far.refused == "struct a.b: offset 40000 is too large"
    odd = patch(load, 0, Resolution("resolved", 4, 8, "struct a.b", local_size=4, size=3))
    assert "3 bytes are no load" in odd.refused
    register = patch([Insn(0x0F, 0, 1, 0, 0)], 0, Resolution("resolved", 0, 8))
    assert "without a number" in register.refused
    call = patch([Insn(0x85, 0, 0, 0, 1)], 0, Resolution("resolved", 0, 8))
    assert "opcode 0x85" in call.refused
    assert patch(load, 0, Resolution("refused", reason="why")).refused == "why"


@pytest.mark.parametrize(
    ("type_id", "access", "kind"),
    [
        (99, "0", 0), (1, "", 0), (1, ":0", 0), (1, "0:9", 0), (1, "x", 0), (1, "-1", 0),
        (2, "0:0", 0), (2, "0", 99), (2, "1", 8), (1, "0", 10),
        (2, "0" + ":0" * 70, 0), (2, "99999999999", 0),
    ],
)  # fmt: skip
def test_damaged_relocations_are_refused(type_id: int, access: str, kind: int) -> None:
    local = Btf(build((1, info(1), 4, 32), (1, info(4), 0)))
    (found,) = resolve([CoreRelo(0, type_id, access, kind)], local, Target(local))
    assert found.state == "refused"
    assert found.reason


def test_types_that_contain_themselves_end() -> None:
    # struct name { struct name; }, an array of itself, a function of itself
    loops = Btf(
        build(
            (1, info(4, 2), 8, 0, 1, 0, 0, 1, 0),
            (0, info(3), 0, 2, 2, 1),
            (1, info(13, 2), 3, 0, 4, 0, 4),
            (0, info(2), 3),
        )
    )
    compat = Compat(loops, loops)
    for relation, item in ((compat.match, 1), (compat.match, 3), (compat.types, 3)):
        with pytest.raises(ParseError, match=r"end|itself|many"):
            relation(item, item)
    assert compat.fields(1, 1)
    with pytest.raises(ParseError, match="without end"):
        compat.fields(2, 2)
    target = Target(loops)
    relocations = [CoreRelo(0, 1, "0", kind) for kind in (8, 9, 12)]
    relocations += [CoreRelo(0, 1, "0:0:0:0", kind) for kind in range(6)]
    assert len(resolve(relocations, loops, target)) == 9


@pytest.mark.parametrize("side", ["local", "target"])
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_btf_is_refused_or_answered(side: str, data: st.DataObject) -> None:
    """Any change of words of either BTF ends in answers; only reading it may raise."""
    path = compile_bpf(
        f"""{PRELUDE}{BITS} enum e {{ A, B }};
        SEC("socket") int program(struct ctx *ctx)
        {{ return ctx->d + info(ctx->b, 4) + type_info(struct ctx, 2) + enum_value(enum e, B); }}"""
    )
    raw, extension = sections(path)
    words = list(struct.unpack_from(f"<{(len(raw) - 24) // 4}I", raw, 24))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(words) - 1))
        words[at] = data.draw(st.sampled_from([0, 1, 2, 5, 1 << 31, 0x84000001, 0xFFFFFFFF]))
    damaged = raw[:24] + struct.pack(f"<{len(words)}I", *words) + raw[24 + len(words) * 4 :]
    whole = Btf(raw)
    try:
        changed = Btf(damaged)
        relocations = parse_btf_ext(extension, whole).relocations["socket"]
        target = Target(changed if side == "target" else whole)
    except ValueError:
        return
    local = changed if side == "local" else whole
    for found in resolve(relocations, local, target):
        assert found.state in ("resolved", "unresolved", "refused")
        assert (found.state == "resolved") == (not found.reason)


@pytest.mark.skipif(
    os.environ.get("HELPERHIST_TEST_LIVE_KERNEL") != "1",
    reason="asks the running kernel: set HELPERHIST_TEST_LIVE_KERNEL=1",
)
def test_running_kernel_resolves_what_every_kernel_has() -> None:
    target = Target(Btf(VMLINUX.read_bytes()))
    types = "struct ctx; struct task_struct { int pid; struct task_struct *real_parent; } __core;"
    body = "n += ((struct task_struct *)ctx)->real_parent->pid;"
    found = results(types, body, target)
    assert [item.state for item in found] == ["resolved"] * 2
    assert {len(item.candidates) for item in found} == {1}


def test_too_many_types_of_one_name_are_refused() -> None:
    many = Btf(build(*[(1, info(4), 4)] * 1025))
    (found,) = resolve([CoreRelo(0, 1, "0", 8)], Btf(build((1, info(4), 4))), Target(many))
    assert (found.state, found.reason) == ("refused", "BTF: too many types of the name name")
