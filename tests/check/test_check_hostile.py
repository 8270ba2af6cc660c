"""Objects that nobody should have made: one clear line each, in bounded time and memory."""

import random
import struct
import sys
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from helperhist.binary.object import parse_object
from helperhist.check.needs import Findings
from helperhist.check.verdict import edge
from helperhist.cli.group import cli
from helperhist.errors import ParseError
from helperhist.report.check import render_object
from helperhist.report.checkjson import to_json
from tests.build.checked import GPL, HEAD, check_c, checker, required, unknown
from tests.build.objects import compile_bpf, compile_gcc, has

SOURCE = """
enum bpf_func_id { BPF_FUNC_ringbuf_output = 130 };
struct { __uint(type, 1); __uint(max_entries, 8); __type(key, u32); __type(value, u64); } m
    SEC(".maps");
struct __sk_buff { int len; int mark; } __core;
extern int LINUX_KERNEL_VERSION __kconfig;
extern int bpf_ct_release(void *p) __ksym __weak;
volatile int counter;
static __noinline int sub(int a) { counter += a; return CALL1(5, a); }
SEC("tc") int prog(struct __sk_buff *ctx)
{
    u64 key = 0;
    if (enum_exists(enum bpf_func_id, BPF_FUNC_ringbuf_output))
        CALL4(130, &m, 0, 0, 0);
    if (LINUX_KERNEL_VERSION > 0x060000 && bpf_ct_release)
        return bpf_ct_release(ctx);
    for (int i = 0; i < ctx->mark; i++)
        sub(i);
    return CALL2(1, &m, &key) ? sub(ctx->len) : 0;
}
"""


@cache
def real(order: str = "el") -> bytes:
    return compile_bpf(HEAD + GPL + SOURCE, order=order).read_bytes()


def examine(data: bytes) -> Findings:
    """Do all that the command does with an object."""
    found = checker().check(parse_object(data))
    to_json("x", found)
    edge(found)
    render_object("x", found, 80)
    return found


def build(*sections: tuple[str, int, int, bytes, int, int], machine: int = 247) -> bytes:
    """Make an ELF object of sections: name, type, flags, data, link, info."""
    names = b"\0" + b"".join(item[0].encode() + b"\0" for item in sections) + b".names\0"
    rows = [*sections, (".names", 3, 0, names, 0, 0)]
    body, headers = b"", [bytes(64)]
    for name, kind, flags, data, link, info in rows:
        at = names.index(b"\0" + name.encode() + b"\0") + 1
        place = (64 + len(body), len(data))
        headers.append(struct.pack("<IIQQQQIIQQ", at, kind, flags, 0, *place, link, info, 8, 0))
        body += data
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    start = 64 + len(body)
    header = struct.pack(
        "<HHIQQQIHHHHHH", 1, machine, 1, 0, 0, start, 0, 64, 0, 0, 64, len(headers), len(rows)
    )
    return ident + header + body + b"".join(headers)


def symbols(
    *rows: tuple[int, int, int, int, int, int],
) -> tuple[tuple[str, int, int, bytes, int, int], ...]:
    """Return the sections of a symbol table that is section 2, with names in section 3."""
    table = bytes(24) + b"".join(struct.pack("<IBBHQQ", *row) for row in rows)
    return ((".symtab", 2, 0, table, 3, 1), (".strtab", 3, 0, b"\0prog\0", 0, 0))


#: A symbol ``prog``: a global function at the start of section 1.
PROG = (1, 0x12, 0, 1, 0, 0)
EXIT = bytes.fromhex("b700000000000000 9500000000000000")


def test_the_builder_builds_what_can_be_read() -> None:
    found = examine(build(("socket", 1, 6, EXIT, 0, 0), *symbols(PROG)))
    assert required(found) == {"BPF_PROG_TYPE_SOCKET_FILTER": "3.19"}
    assert [(item.name, item.instructions) for item in found.programs] == [("prog", 2)]


def patch(at: int, data: bytes) -> bytes:
    raw = bytearray(real())
    raw[at : at + len(data)] = data
    return bytes(raw)


def section_header(name: bytes) -> int:
    """Return where the header of a section stands in the real object."""
    raw = real()
    start, count, names = (
        *struct.unpack_from("<Q", raw, 40),
        *struct.unpack_from("<HH", raw, 60),
    )
    offset = struct.unpack_from("<Q", raw, start + names * 64 + 24)[0]
    for index in range(count):
        at = offset + struct.unpack_from("<I", raw, start + index * 64)[0]
        if raw[at : raw.index(b"\0", at)] == name:
            return int(start + index * 64)
    raise AssertionError(name)


def cyclic_btf() -> bytes:
    words = [1, 8 << 24, 2, 1, 10 << 24, 1]  # typedef 1 of const 2 of typedef 1
    words += [6, 14 << 24, 1, 1, 1, 15 << 24 | 1, 8, 3, 0, 8]
    strings = b"\0name\0.maps\0"
    words[6], words[10] = 1, 6
    body = struct.pack(f"<{len(words)}I", *words)
    header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(body), len(body), len(strings))
    return header + body + strings


HOSTILE = {
    "empty": (b"", "not an ELF file"),
    "text": (b"int main(void) { return 0; }\n", "not an ELF file"),
    "header cut off": (real()[:40], "ELF header is cut off"),
    "other machine": (build(("x", 1, 0, b"x", 0, 0), machine=62), "for another machine \\(62\\)"),
    "python itself": (Path(sys.executable).read_bytes()[:4096], "not an ELF file|another machine"),
    "32 bits": (patch(4, b"\x01"), "for another machine"),
    "no byte order": (patch(5, b"\x07"), "for another machine"),
    "executable": (patch(16, b"\x02"), "no object file of a compiler"),
    "no sections": (patch(60, b"\0\0"), "no sections"),
    "sections beyond the end": (patch(40, b"\xff" * 7), "section headers go beyond the end"),
    "too many sections": (patch(60, b"\xff\xff"), "section headers go beyond the end"),
    "names beyond": (patch(62, b"\xff\xfe"), "no names of sections"),
    "section beyond the end": (
        patch(section_header(b".BTF") + 24, struct.pack("<Q", 1 << 60)),
        "beyond the end of the file",
    ),
    "section of 2^63 bytes": (
        patch(section_header(b"tc") + 32, struct.pack("<Q", 1 << 63)),
        "overlap, or go beyond the end",
    ),
    "no symbol table": (
        patch(section_header(b".symtab") + 4, struct.pack("<I", 1)),
        "no symbol table",
    ),
    "half an instruction": (
        build(("socket", 1, 6, EXIT + b"\0", 0, 0), *symbols(PROG)),
        "no multiple of 8",
    ),
    "function beyond its section": (
        build(("socket", 1, 6, EXIT, 0, 0), *symbols((1, 0x12, 0, 1, 0, 800))),
        "goes beyond its end",
    ),
    "function outside of its section": (
        build(("socket", 1, 6, EXIT, 0, 0), *symbols((1, 0x12, 0, 1, 1 << 62, 0))),
        "begins outside of its section",
    ),
    "name without an end": (
        build(("socket", 1, 6, EXIT, 0, 0), *symbols((6, 0x12, 0, 1, 0, 0))),
        "symbol names: string at 6 is beyond",
    ),
    "relocation of a symbol that is not there": (
        build(
            ("socket", 1, 6, EXIT, 0, 0),
            *symbols(PROG),
            (".relsocket", 9, 0, struct.pack("<QII", 0, 1, 77), 2, 1),
        ),
        "symbol 77 does not exist",
    ),
    "overlapping sections": (
        build(*(("socket", 1, 6, EXIT * 64, 0, 0) for _ in range(9)), *symbols(PROG)).replace(
            EXIT * 64, b"", 8
        ),
        "section headers go beyond|overlap|beyond the end",
    ),
    "cyclic BTF": (
        build(
            ("socket", 1, 6, EXIT, 0, 0),
            *symbols(PROG),
            (".maps", 1, 3, bytes(8), 0, 0),
            (".BTF", 1, 0, cyclic_btf(), 0, 0),
        ),
        "refers to itself",
    ),
    "maps without BTF": (
        build(("socket", 1, 6, EXIT, 0, 0), *symbols(PROG), (".maps", 1, 3, bytes(8), 0, 0)),
        "section .maps without .BTF",
    ),
    "map cut off": (
        build(
            ("socket", 1, 6, EXIT, 0, 0),
            *symbols(PROG, (1, 0x11, 0, 4, 0, 0)),
            ("maps", 1, 3, bytes(8), 0, 0),
        ),
        "is cut off",
    ),
}


@pytest.mark.parametrize(("data", "message"), HOSTILE.values(), ids=HOSTILE)
def test_one_line_and_exit_code_2(data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ParseError, match=message):
        examine(data)
    path = tmp_path / "bad.o"
    path.write_bytes(data)
    result = CliRunner().invoke(cli, ["check", str(path)], catch_exceptions=False)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: {path}: ")
    assert result.stderr.count("\n") == 1


def test_every_cut_of_a_real_object() -> None:
    data = real()
    for cut in range(0, len(data), 97):
        with pytest.raises(ParseError):
            examine(data[:cut])


def test_a_million_relocations() -> None:
    row = struct.pack("<QII", 0, 10, 1)
    call = bytes.fromhex("85100000ffffffff 9500000000000000")
    data = build(
        ("socket", 1, 6, call, 0, 0),
        *symbols(PROG),
        (".relsocket", 9, 0, row * 1_000_000, 2, 1),
    )
    assert "bpf-to-bpf call" in required(examine(data))
    with pytest.raises(ParseError, match="no table of 16-byte rows"):
        examine(
            build(
                ("socket", 1, 6, call, 0, 0),
                *symbols(PROG),
                (".relsocket", 9, 0, row * 1_100_000, 2, 1),
            )
        )


def test_a_program_too_large_to_follow_is_said_to_be() -> None:
    def jumps(count: int) -> bytes:
        code = b"".join(struct.pack("<BBhi", 0x15, 1, 1, n) + EXIT[:8] for n in range(count))
        return build(("tc", 1, 6, code + EXIT, 0, 0), *symbols(PROG))

    assert unknown(examine(jumps(5_000))) == {}
    assert unknown(examine(jumps(600_000))) == {"prog": False}


def test_names_cannot_write_to_the_terminal() -> None:
    evil = build(("\x1b[31mred", 1, 6, EXIT, 0, 0), *symbols(PROG))
    found = examine(evil)
    assert [item.section for item in found.programs] == ["\\x1b[31mred"]


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["el", "eb"]), st.integers(1, 40))
def test_damaged_objects(seed: int, order: str, count: int) -> None:
    rng = random.Random(seed)
    raw = bytearray(real(order))
    for _ in range(count):
        at = rng.randrange(len(raw))
        if rng.random() < 0.5:
            raw[at] = rng.choice([0, 1, 2, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        else:
            raw[at : at + 4] = rng.choice([b"\xff" * 4, bytes(4), raw[:4]])
    try:
        examine(bytes(raw))
    except ParseError as error:
        assert "\n" not in str(error)  # noqa: PT017
        assert len(str(error)) < 200  # noqa: PT017


@pytest.mark.parametrize("cpu", ["v1", "v2", "v3", "v4"])
@pytest.mark.parametrize("order", ["el", "eb"])
@pytest.mark.parametrize("debug", [True, False], ids=["-g", "without -g"])
def test_levels_orders_and_debug_information(cpu: str, order: str, debug: bool) -> None:
    source = """
    volatile int counter;
    static __noinline int sub(int a) { counter += a; return CALL1(5, a); }
    SEC("xdp") int prog(void *ctx) { return sub(*(volatile u32 *)(ctx + 20)) + CALL1(181, ctx); }
    """
    found = check_c(source, cpu=cpu, order=order, debug=debug)
    expected = {
        "BPF_PROG_TYPE_XDP": "4.8",
        "bpf-to-bpf call": "4.16",
        "bpf_ktime_get_ns": "4.1",
        "bpf_loop": "5.17",
        "global data": "5.2",
        "xdp_md.egress_ifindex": "5.8",
    }
    if cpu == "v4":
        expected["sign-extending move"] = "6.6"
    assert required(found) == expected
    assert unknown(found) == {}
    (loop,) = (item for item in found.requirements if item.name == "bpf_loop")
    assert (loop.source is not None) is debug


def test_gcc() -> None:
    if not has("bpf-gcc"):
        pytest.skip("needs bpf-gcc (apt: gcc-bpf)")
    source = """
    #define SEC(name) __attribute__((section(name), used))
    char _license[] SEC("license") = "GPL";
    struct def { int type, key_size, value_size, max_entries, map_flags; };
    struct def m SEC("maps") = { 1, 4, 8, 16, 1 };
    static long (*loop)(void *) = (void *) 181;
    __attribute__((noinline)) static int sub(int a) { asm volatile ("" : "+r"(a)); return a; }
    SEC("xdp") int prog(char *ctx)
    {
        return loop(&m) + sub(*(volatile int *)(ctx + 20));
    }
    """
    found = checker().check(parse_object(compile_gcc(source, "-gbtf").read_bytes()))
    assert required(found) == {
        "BPF_F_NO_PREALLOC": "4.6",
        "BPF_MAP_TYPE_HASH": "3.19",
        "BPF_PROG_TYPE_XDP": "4.8",
        "bpf-to-bpf call": "4.16",
        "bpf_loop": "5.17",
        "xdp_md.egress_ifindex": "5.8",
    }
    assert found.license == "GPL"
