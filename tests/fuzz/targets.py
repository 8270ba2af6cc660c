"""What is fuzzed: functions that take foreign bytes, each with inputs to begin from.

A target may refuse its input with a :class:`HelperhistError`; its message is one line that a
terminal can show. Anything else that is raised is a bug.
"""

import atexit
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import pygit2

import helperhist
from helperhist.audit.judge import audit
from helperhist.audit.tables import decode, read_table
from helperhist.binary.btf import Btf
from helperhist.binary.btfext import CoreRelo
from helperhist.binary.foreign import find_objects
from helperhist.binary.object import BpfObject, parse_object
from helperhist.binary.packed import Budget
from helperhist.binary.sections import program_kind
from helperhist.check.verdict import edge
from helperhist.dataset.files import render_dataset
from helperhist.dataset.store import embedded_dir, read_dataset
from helperhist.errors import HelperhistError
from helperhist.explain.messages import explain, iter_lines
from helperhist.git.repository import Repository
from helperhist.git.tags import DEFAULT_TAGS
from helperhist.header.prototypes import parse_declaration
from helperhist.kernel import corespec as kernel_btf
from helperhist.kernel.attach import AttachTargets
from helperhist.kernel.core import resolve
from helperhist.kernel.corepatch import patch
from helperhist.kernel.files import open_kernel
from helperhist.kernel.info import Uapi
from helperhist.kernel.ksyms import Ksyms
from helperhist.kernel.names import info_of_btf, info_of_vmlinux_header
from helperhist.kernel.structops import find_struct_ops
from helperhist.report.check import render_object
from helperhist.report.checkjson import to_json
from helperhist.sources.docs import parse_docs
from helperhist.sources.uapi import HeaderReader, parse_header
from helperhist.timeline import Timeline
from helperhist.version import KernelVersion, natural_key
from tests.build import wrapped
from tests.build.checked import GPL, HEAD, checker
from tests.build.elf import build_btf, build_elf, info
from tests.build.objects import compile_bpf
from tests.build.repository import doc_comment, render_header
from tests.build.tables import GO, MARKDOWN, YAML

__all__ = ["TARGETS", "Target", "run"]


@dataclass(frozen=True, slots=True)
class Target:
    """A function, and inputs that it takes."""

    function: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]


def run(target: Target, data: bytes) -> None:
    """Give a target an input; what is no refusal in one line goes through."""
    try:
        target.function(data)
    except HelperhistError as error:
        text = str(error)
        if not text.isprintable() or len(text) > 2000:
            raise AssertionError(f"not a line for a terminal: {text[:3000]!r}") from error


def _folder() -> Path:
    """Make a folder that goes with the process."""
    folder = Path(tempfile.mkdtemp(prefix="helperhist-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def timeline() -> Timeline:
    return helperhist.load("embedded")


@cache
def uapi() -> Uapi:
    return Uapi.of(timeline())


PROGRAM = """
enum bpf_func_id { BPF_FUNC_unspec, BPF_FUNC_map_lookup_elem, BPF_FUNC_ringbuf_output = 130 };
struct { __uint(type, 1); __uint(max_entries, 8); __type(key, u32); __type(value, u64); } m
    SEC(".maps");
struct __sk_buff { int len; int mark; } __core;
extern int bpf_ct_release(void *p) __ksym __weak;
volatile int counter;
static __noinline int sub(int a) { counter += a; return CALL1(5, a); }
SEC("tc") int prog(struct __sk_buff *ctx)
{
    u64 key = 0;
    if (enum_exists(enum bpf_func_id, BPF_FUNC_ringbuf_output))
        CALL4(130, &m, 0, 0, 0);
    if (bpf_ct_release)
        return bpf_ct_release(ctx);
    return CALL2(1, &m, &key) ? sub(ctx->len) : 0;
}
"""


def _objects() -> Iterable[bytes]:
    for order in ("el", "eb"):
        yield compile_bpf(HEAD + GPL + PROGRAM, order=order).read_bytes()
    code = bytes.fromhex("b700000000000000 9500000000000000")
    yield build_elf([("socket", 1, 6, code, 0, 0)], [(1, 0x12, 0, 1, 0, 0)])


def _check(data: bytes) -> None:
    found = checker().check(parse_object(data))
    to_json("x", found)
    edge(found)
    render_object("x", found, 80)


def _kernel_btf(count: int) -> bytes:
    """Make the BTF of a kernel with some helpers, and a function for each."""
    strings, offsets = bytearray(b"\0"), []
    for index in range(count):
        offsets.append(len(strings))
        strings += b"BPF_FUNC_h%d\0" % index
    tag = len(strings)
    strings += b"bpf_func_id\0"
    types = [
        (tag, info(6, count), 4, *(word for at in offsets for word in (at, offsets.index(at)))),
        (0, info(13), 0),
        *((at, info(12, 1), 2) for at in offsets),
    ]
    return build_btf(*types, strings=bytes(strings))


def _btfs() -> Iterable[bytes]:
    for data in _objects():
        elf = parse_object(data).elf
        section = elf.section(".BTF")
        if section is not None:
            yield section.data
    yield _kernel_btf(8)
    yield _kernel_btf(1000)


def _btf(data: bytes) -> None:
    btf = Btf(data)
    with suppress(HelperhistError):
        info_of_btf(btf, uapi(), "BTF")
    for index in range(len(btf)):
        found = btf.type(index)
        btf.find(found.name)
        with suppress(HelperhistError):
            btf.strip(index)


@cache
def _program() -> BpfObject:
    return parse_object(next(iter(_objects())))


def _core(data: bytes) -> None:
    """Take a BTF for a kernel's, then for an object's."""
    btf, mine = Btf(data), _program()
    assert mine.btf is not None
    kernel = kernel_btf.Target(btf)
    relos = [relo for rows in mine.ext.relocations.values() for relo in rows]
    found = resolve(relos, mine.btf, kernel)
    function = next(item for item in mine.functions if item.relos)
    for index, resolution in zip(function.relos, found, strict=False):
        patch(function.insns, index, resolution)
    attach = AttachTargets(kernel)
    for section in ("fentry/h1", "tp_btf/h2", "iter/prog", "lsm/sub", "fexit/sub"):
        kind = program_kind(section)
        assert kind is not None
        attach.find(kind)
    own = [
        CoreRelo(0, index, access, kind)
        for index in range(min(len(btf), 24))
        for kind in range(14)
        for access in ("0", "0:0", "0:1", "0:1:0", "3")
    ]
    resolve(own, btf, kernel)
    ksyms = Ksyms(btf, kernel)
    for index in range(min(len(btf), 24)):
        with suppress(HelperhistError):
            ksyms.find(index)
        with suppress(HelperhistError):
            find_struct_ops(btf, index, {"a", "len"}, kernel)


def _headers() -> Iterable[bytes]:
    for style in ("enum", "mapper", "numbered"):
        yield render_header(["map_lookup_elem", "loop"], ["BPF_ANY", "BPF_F_X"], style)
    yield (
        b"enum bpf_func_id { BPF_FUNC_unspec, BPF_FUNC_a = 1 << 3, };\n"
        b"struct __sk_buff { __u32 len; union { int a : 3; struct x { __u64 b[2]; } y, *z; }; };\n"
        b"#define A (B + 1)\n#define B 0x10ULL /* c */\nenum { C = A, D, E = ~0U };\n"
        b'extern "C" { union bpf_attr { struct { void (*f)(int); } g; } __aligned(8); }\n'
    )


def _header(data: bytes) -> None:
    """Read a header, and again as the next version of another."""
    reader = HeaderReader()
    half = len(data) // 2
    with suppress(HelperhistError):
        reader.read(data[:half] + data[half + 1 :])
    try:
        expected = parse_header(data)
    except HelperhistError as error:
        refused: HelperhistError | None = error
    else:
        refused = None
    try:
        found = reader.read(data)
    except HelperhistError:
        assert refused is not None, "only the first reading succeeds"
        raise
    assert refused is None, "only the second reading succeeds"
    assert found == expected


def _vmlinux_headers() -> Iterable[bytes]:
    yield from _headers()
    yield (
        b"#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\ntypedef unsigned int __u32;\n"
        b"enum bpf_func_id {\n\tBPF_FUNC_unspec = 0,\n\tBPF_FUNC_map_lookup_elem = 1,\n};\n"
        b"struct __sk_buff {\n\t__u32 len;\n\tunion {\n\t\tstruct bpf_sock *sk;\n\t};\n};\n"
        b"extern void bpf_rcu_read_lock(void) __weak __ksym;\n#endif\n"
    )


def _documents() -> Iterable[bytes]:
    yield doc_comment("void *bpf_map_lookup_elem(struct bpf_map *map, const void *key)").encode()
    yield (
        b"/*\n * Start of BPF helper function descriptions:\n"
        b" * long bpf_x(struct sk_buff *skb, u32 len, ...)\n *\tDescription\n *\t\tDo.\n"
        b" *\tReturn\n *\t\t0\n *\tAttributes\n *\t\t__bpf_fastcall\n */\n"
    )


def _docs(data: bytes) -> None:
    for doc in parse_docs(data):
        text = str(doc.prototype)
        with suppress(HelperhistError):
            parse_declaration(text, doc.prototype.name)
    parse_declaration(data[:4096].decode("utf-8", "replace"))


@cache
def _dataset() -> tuple[Path, Mapping[str, bytes]]:
    """Return a folder to write to, and the files of a small dataset."""
    folder = _folder()
    whole = timeline()
    keep = {tag.name for tag in whole.tags[:3]}
    small = Timeline(
        whole.metadata,
        [row for row in whole.rows if row.tag in keep][:20],
        lambda: whole.tags[:3],
        lambda: whole.spans[:20],
        lambda: whole.events[:5],
        lambda: whole.docs[:2],
    )
    files = {name: text.encode() for name, text in render_dataset(small).items()}
    files.setdefault("metadata.json", (embedded_dir() / "metadata.json").read_bytes())
    return folder, files


def _datasets() -> Iterable[bytes]:
    for index, (_, data) in enumerate(sorted(_dataset()[1].items())):
        yield bytes([index]) + data


def _read_dataset(data: bytes) -> None:
    """Read a dataset of which one file, chosen by the first byte, is the input."""
    folder, files = _dataset()
    names = sorted(files)
    chosen = names[data[0] % len(names)] if data else ""
    for name in names:
        (folder / name).write_bytes(data[1:] if name == chosen else files[name])
    found = read_dataset(folder)
    render_dataset(found)
    for tag in found.releases:
        found.present(tag)
    found.find("bpf_*")


def _tables() -> Iterable[bytes]:
    for text in (MARKDOWN, YAML, GO):
        yield text.encode()
    yield b"name,version\nbpf_loop,5.17\n"
    yield json.dumps([{"name": "bpf_loop", "version": "5.17"}]).encode()


def _table(data: bytes) -> None:
    _, rows = read_table(decode(data, "a table"), "a table")
    audit(rows, timeline())


def _logs() -> Iterable[bytes]:
    yield b"8: (85) call bpf_get_stackid#27\nunknown func bpf_loop#181\n"
    yield b"libbpf: failed to find BTF for extern 'bpf_ct_release'\ninvalid func unknown#200\n"
    yield b"error: use of undeclared identifier 'BPF_F_NO_PREALLOC'\n\x1b[31minvalid map_type 27\n"


def _explain(data: bytes) -> None:
    for found in explain(iter_lines(io.BytesIO(data)), timeline()):
        json.dumps(found.to_json())


@cache
def _repository() -> tuple[Path, str]:
    """Make a bare repository with one commit; return its folder and the commit's id."""
    folder = _folder() / "r.git"
    made = pygit2.init_repository(folder, bare=True)
    person = pygit2.Signature("a", "a@b", 1412467200, 0)
    tree = made.TreeBuilder().write()
    shutil.rmtree(folder / "hooks", ignore_errors=True)
    return folder, str(made.create_commit("refs/heads/main", person, person, "x", tree, []))


def _refs() -> Iterable[bytes]:
    commit = _repository()[1].encode()
    head = b"# pack-refs with: peeled fully-peeled sorted \n"
    yield head + b"".join(commit + b" refs/tags/v5.%d\n" % index for index in range(3))
    yield head + commit + b" refs/tags/v5.9-rc1\n^" + commit + b"\n"


def _tags(data: bytes) -> None:
    folder, _ = _repository()
    (folder / "packed-refs").write_bytes(data)
    Repository(folder).tags(DEFAULT_TAGS)


def _texts() -> Iterable[bytes]:
    return [b"5.10", b"v5.10-rc3", b"5.4.0-42.46", b"4.18.0-305.el8", b"6.1.0-13-amd64\n6.2"]


def _versions(data: bytes) -> None:
    found: Sequence[KernelVersion] = []
    for text in data.decode("utf-8", "surrogateescape").split("\n")[:50]:
        natural_key(text)
        with suppress(HelperhistError):
            found = [*found, KernelVersion.parse(text)]
    ordered = sorted(found)
    for older, newer in pairwise(ordered):
        assert older <= newer
        newer.follows(older, kernel=True)
    for version in found:
        assert KernelVersion.parse(str(version)) == version, version


def _carriers() -> Iterable[bytes]:
    """Programs, archives and source with an object in them; and kernels in images."""
    yield wrapped.program(wrapped.OBJECT, symbols=("x",))
    yield wrapped.tar({"a.o": wrapped.OBJECT, "b": b"text"})
    yield wrapped.zipped({"a.o": wrapped.OBJECT})
    yield wrapped.ar({"data.tar.xz": wrapped.PACKERS["xz"](wrapped.tar({"a.o": wrapped.OBJECT}))})
    yield wrapped.skeleton("a", wrapped.OBJECT)
    yield wrapped.go_list(wrapped.OBJECT)
    yield from (wrapped.PACKERS[how](wrapped.OBJECT) for how in ("gzip", "bzip2", "lzma"))
    yield wrapped.bzimage(wrapped.program())
    yield wrapped.zboot(bytes(0x38) + b"ARM\x64" + bytes(100))
    yield wrapped.PACKERS["xz"](wrapped.tar({"a.btf": _kernel_btf(8)}))


def _foreign(data: bytes) -> None:
    """Take a file for one that carries objects, and for a kernel's."""
    with suppress(HelperhistError):
        open_kernel(io.BytesIO(data), "file")
    for found in find_objects(io.BytesIO(data), "file", Budget(16 << 20, 1000)):
        assert found.member.isprintable()
        assert found.symbol.isprintable()
        with suppress(HelperhistError):
            parse_object(found.data)


TARGETS: Mapping[str, Target] = {
    "elf": Target(_check, _objects),
    "foreign": Target(_foreign, _carriers),
    "btf": Target(_btf, _btfs),
    "core": Target(_core, _btfs),
    "header": Target(_header, _headers),
    "vmlinux_h": Target(
        lambda data: info_of_vmlinux_header(data, uapi(), "vmlinux.h"), _vmlinux_headers
    ),
    "docs": Target(_docs, _documents),
    "dataset": Target(_read_dataset, _datasets),
    "tables": Target(_table, _tables),
    "explain": Target(_explain, _logs),
    "tags": Target(_tags, _refs),
    "versions": Target(_versions, _texts),
}
