"""``kernel``: the same release told from a header, from BTF and from git; what differs; errors."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import helperhist
from helperhist.binary.btf import Btf
from helperhist.cli.group import cli
from helperhist.errors import HelperhistError
from helperhist.kernel.info import Uapi
from helperhist.kernel.match import compare
from helperhist.kernel.names import info_of_btf
from helperhist.kernel.read import RUNNING, KernelInfo, read_kernel
from helperhist.timeline import Fact, Timeline
from tests.build.objects import compile_bpf
from tests.build.vmlinux import header, module_btf, plain, section, vmlinux


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    return helperhist.load("embedded")


RELEASES = ["4.4", "4.18", "5.4", "5.10", "6.1", "6.12", "7.1", "7.3"]


@pytest.mark.parametrize("release", RELEASES)
def test_release_of_a_header(tmp_path: Path, timeline: Timeline, release: str) -> None:
    path = tmp_path / "bpf.h"
    path.write_text(header(timeline.at(release)))
    info = read_kernel(str(path), timeline)
    assert (info.form, info.kfuncs, info.whole) == ("header", None, None)
    assert sorted(info.names, key=str) == sorted(plain(timeline.at(release)), key=str)
    found = compare(info, timeline)
    assert (found.release, found.added, found.renumbered, found.unknown) == (release, (), (), ())
    # A folder means the header in it.
    assert read_kernel(str(tmp_path), timeline).names == info.names


@pytest.mark.parametrize("release", ["4.18", "5.10", "7.1"])
def test_release_of_btf(timeline: Timeline, release: str) -> None:
    info = read_kernel(str(vmlinux(timeline.at(release))), timeline)
    assert info.form == "btf"
    found = compare(info, timeline)
    assert (found.release, found.added, found.unknown, found.renumbered) == (release, (), (), ())
    assert all(
        info.numbered("helper", name.id or 0) == name.name
        for name in timeline.at(release)
        if name.kind == "helper"
    )
    # Only members of members are left out by the writer of the header.
    assert all(name.name.count(".") > 1 for name in found.missing)


def changed(timeline: Timeline, change: Callable[[dict[str, Fact]], object]) -> KernelInfo:
    names = {name.name: name for name in plain(timeline.at("5.4"))}
    change(names)
    info = read_kernel(str(vmlinux(names.values())), timeline)
    assert info.whole is not None
    return info


def test_backport(timeline: Timeline) -> None:
    added = Fact.of("helper", "bpf_ktime_get_boot_ns", 125)
    info = changed(timeline, lambda names: names.update({added.name: added}))
    found = compare(info, timeline)
    assert (found.release, found.added, found.renumbered) == ("5.4", (added,), ())
    assert not found.newer_than_data
    assert not found.is_exact


def test_missing(timeline: Timeline) -> None:
    info = changed(timeline, lambda names: names.pop("bpf_tcp_gen_syncookie"))
    found = compare(info, timeline)
    gone = Fact.of("helper", "bpf_tcp_gen_syncookie", 110)
    assert found.release == "5.4"
    assert gone in found.missing
    assert info.has("helper", "bpf_tcp_gen_syncookie").answer is False
    assert info.numbered("helper", 110) is None


def test_other_numbers(timeline: Timeline) -> None:
    def swap(names: dict[str, Fact]) -> None:
        names["bpf_strtol"] = Fact.of("helper", "bpf_strtol", 106)
        names["bpf_strtoul"] = Fact.of("helper", "bpf_strtoul", 105)

    info = changed(timeline, swap)
    found = compare(info, timeline)
    assert [(a.name, a.id, b.id) for a, b in found.renumbered] == [
        ("bpf_strtol", 106, 105),
        ("bpf_strtoul", 105, 106),
    ]
    assert info.numbered("helper", 105) == "bpf_strtoul"


def test_newer_than_the_data(tmp_path: Path, timeline: Timeline) -> None:
    path = tmp_path / "bpf.h"
    path.write_text(header([*timeline.at("7.3"), Fact.of("map_type", "BPF_MAP_TYPE_FUTURE", 99)]))
    found = compare(read_kernel(str(path), timeline), timeline)
    assert (found.release, found.newer_than_data) == ("7.3", True)
    assert found.unknown == (Fact.of("map_type", "BPF_MAP_TYPE_FUTURE", 99),)


def test_against_a_release(timeline: Timeline) -> None:
    info = changed(timeline, lambda names: None)
    found = compare(info, timeline, "5.8")
    assert found.release == found.oldest == "5.8"
    assert Fact.of("map_type", "BPF_MAP_TYPE_RINGBUF", 27) in found.missing
    assert found.added == ()


def test_what_btf_cannot_show_is_not_denied(timeline: Timeline) -> None:
    names = [n for n in plain(timeline.at("5.4")) if not n.name.startswith(("xdp_md.", "BPF_ANY"))]
    info = read_kernel(str(vmlinux(names)), timeline)
    assert info.has("helper", "BPF_FUNC_map_lookup_elem").answer is True
    assert info.has("helper", "bpf_map_lookup_elem").answer is True
    assert info.has("helper", "bpf_loop").answer is False
    assert info.has("map_type", "BPF_MAP_TYPE_RINGBUF").answer is False
    assert info.has("field", "__sk_buff.mark").answer is True
    assert info.has("field", "__sk_buff.hwtstamp").answer is False
    # The struct is not in this BTF, a flag may be a macro, no function is marked.
    assert info.has("field", "xdp_md.data").answer is None
    assert info.has("flag", "BPF_ANY").answer is None
    assert info.has("kfunc", "bpf_task_acquire").answer is None
    found = compare(info, timeline)
    assert not [n for n in found.missing if n.kind == "flag" or n.name.startswith("xdp_md.")]


def test_kfuncs(timeline: Timeline) -> None:
    names = plain(timeline.at("5.4"))
    text = header(names) + "enum bpf_func_id v;\n"
    tag = '__attribute__((btf_decl_tag("bpf_kfunc")))'
    text += f"{tag} int bpf_one(void) {{ return 1; }}\n{tag} int bpf_two(void) {{ return 2; }}\n"
    text += "int no_kfunc(void) { return 3; }\n"
    info = read_kernel(str(compile_bpf(text, "-Wno-everything")), timeline)
    assert info.kfuncs == ("bpf_one", "bpf_two")
    assert info.has("kfunc", "bpf_one").answer is True
    # A module may have it: only one file was read.
    assert info.has("kfunc", "no_kfunc").answer is None


def test_fields_of_anonymous_members(timeline: Timeline) -> None:
    """Paths in BTF are those of the header, where the timeline has them from."""
    text = header(plain(timeline.at("5.4")))
    text = text[: text.index("struct xdp_md")] + (
        "struct named { int x; };\n"
        "struct xdp_md { int data; union { int egress_ifindex; struct { int a:3; int :5; } in; };\n"
        "\tstruct named n; union { void *sk; unsigned long :64; }; struct { int y; } list[2]; };\n"
        "struct xdp_md s; enum bpf_func_id v;\n"
    )
    path = compile_bpf(text, "-Wno-everything")
    fields = {n.name for n in read_kernel(str(path), timeline).names if n.name[:7] == "xdp_md."}
    assert fields == {
        "xdp_md.data", "xdp_md.egress_ifindex", "xdp_md.in", "xdp_md.in.a", "xdp_md.n",
        "xdp_md.sk", "xdp_md.list", "xdp_md.list.y",
    }  # fmt: skip
    header_path = path.with_suffix(".h")
    header_path.write_text(text)
    same = {
        n.name for n in read_kernel(str(header_path), timeline).names if n.name[:7] == "xdp_md."
    }
    assert same == fields


def repository(folder: Path, text: str, path: str) -> str:
    repo = pygit2.init_repository(str(folder))
    who = pygit2.Signature("A", "a@example.org", 1_500_000_000, 0)
    tree = repo.create_blob(text.encode())
    mode = pygit2.enums.FileMode.BLOB
    for part in reversed(path.split("/")):
        builder = repo.TreeBuilder()
        builder.insert(part, tree, mode)
        tree, mode = builder.write(), pygit2.enums.FileMode.TREE
    commit = repo.create_commit("refs/heads/main", who, who, "x", tree, [])
    repo.create_tag("v5.4", commit, pygit2.enums.ObjectType.COMMIT, who, "v5.4")
    return str(commit)


@pytest.mark.parametrize("path", ["include/uapi/linux/bpf.h", "include/linux/bpf.h"])
def test_git(tmp_path: Path, timeline: Timeline, path: str) -> None:
    folder = tmp_path / "with@sign"
    commit = repository(folder, header(timeline.at("5.4")), path)
    for revision in ("v5.4", "main", commit, commit[:10]):
        info = read_kernel(f"{folder}@{revision}", timeline)
        assert (info.form, compare(info, timeline).release) == ("git", "5.4")
    with pytest.raises(HelperhistError, match=r"no revision .v9\.9."):
        read_kernel(f"{folder}@v9.9", timeline)


def test_git_without_header(tmp_path: Path, timeline: Timeline) -> None:
    repository(tmp_path, "x", "README")
    with pytest.raises(HelperhistError, match=r"has none of include/uapi/linux/bpf\.h"):
        read_kernel(f"{tmp_path}@main", timeline)


def test_module(tmp_path: Path, timeline: Timeline) -> None:
    kernel = vmlinux(plain(timeline.at("5.4")))
    raw = section(kernel)
    (tmp_path / "vmlinux.btf").write_bytes(raw)
    module = module_btf(Btf(raw), tmp_path / "module.btf")
    for base in (kernel, tmp_path / "vmlinux.btf"):
        info = read_kernel(str(module), timeline, base)
        assert info.kfuncs == ("bpf_mod_kfunc",)
        assert compare(info, timeline).release == "5.4"
    with pytest.raises(HelperhistError, match="--base"):
        read_kernel(str(module), timeline)


def test_folder_of_btf(tmp_path: Path, timeline: Timeline) -> None:
    """A copy of /sys/kernel/btf: the kernel and its modules."""
    kernel = tmp_path / "vmlinux"
    kernel.write_bytes(section(vmlinux(plain(timeline.at("5.4")))))
    module_btf(Btf(kernel.read_bytes()), tmp_path / "mod")
    (tmp_path / "README").write_text("no BTF")
    info = read_kernel(str(tmp_path), timeline)
    assert (info.kfuncs, info.modules) == (("bpf_mod_kfunc",), ("mod",))
    assert info.has("kfunc", "bpf_mod_kfunc").answer is True
    assert info.has("kfunc", "bpf_other_kfunc").answer is False
    assert compare(info, timeline).release == "5.4"
    assert read_kernel(str(kernel), timeline).kfuncs is None


def broken(folder: Path) -> dict[str, Path]:
    """Files that are no kernel, and what is said of each."""
    contents = {
        "no __BPF_FUNC_MAPPER|no list of helpers": b"int x;\n",
        "has no list of helpers": b"",
        "BTF": b"\x9f\xeb\x01\x00",
        "a binary file of a kind that": b"\x7f\0\0\0" * 300,
        "compressed with gzip, and damaged": b"\x1f\x8b\x08\x00" + b"\0" * 30,
        "compressed with xz, and damaged": b"\xfd7zXZ\0" + b"\0" * 30,
        "a kernel image of before 2.6.26": b"MZ".ljust(0x202, b"\0") + b"HdrS" + b"\0" * 600,
        "a kernel configuration; check OBJECT": b"# CONFIG_X is not set\nCONFIG_Y=y\n",
        "a web page; download": b"<!DOCTYPE html>\n",
        "damaged ELF": b"\x7fELF\x02\x01\x01" + b"\xff" * 60,
    }
    files = {}
    for number, (message, data) in enumerate(contents.items()):
        files[message] = folder / f"file{number}"
        files[message].write_bytes(data)
    return files


def test_no_kernel(tmp_path: Path, timeline: Timeline) -> None:
    for message, path in broken(tmp_path).items():
        with pytest.raises(HelperhistError, match=message) as caught:
            read_kernel(str(path), timeline)
        assert "\n" not in str(caught.value)
    empty = tmp_path / "empty"
    empty.mkdir()
    for source, message in (
        (str(empty), "has no include/uapi/linux/bpf.h"),
        (str(tmp_path / "nothing"), "does not exist"),
        (f"{tmp_path}@v5.4", "not in a git repository"),
        (str(compile_bpf("int f(void) { return 0; }", debug=False)), "no .BTF section"),
        (str(compile_bpf("int f(void) { return 0; }")), "no enum bpf_func_id"),
    ):
        with pytest.raises(HelperhistError, match=message):
            read_kernel(source, timeline)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_damaged_btf(timeline: Timeline, data: st.DataObject) -> None:
    raw = bytearray(section(vmlinux(plain(timeline.at("4.18")))))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(0, len(raw)))
    uapi = Uapi.of(timeline)
    try:
        info = info_of_btf(Btf(bytes(raw[:cut])), uapi, "x")
    except HelperhistError:
        return
    compare(info, timeline)


_CALL = (
    "static long (*call)(void) = (void *){};\n"
    'char LICENSE[] __attribute__((section("license"), used)) = "GPL";\n'
    '__attribute__((section("xdp"), used)) int program(void *ctx) {{ return call(); }}\n'
)


def checked(number: int, target: str) -> int:
    path = compile_bpf(_CALL.format(number))
    command = ["check", str(path), "--target", target, "--data", "embedded"]
    return CliRunner().invoke(cli, command, catch_exceptions=False).exit_code


def test_check_for_one_kernel(timeline: Timeline) -> None:
    """``check --target FILE`` speaks of that kernel's own helpers, and of its numbers."""
    plain_54 = {name.name: name for name in plain(timeline.at("5.4"))}
    with_backport = {**plain_54, "x": Fact.of("helper", "bpf_ktime_get_boot_ns", 125)}
    other = {**plain_54, "bpf_ktime_get_ns": Fact.of("helper", "bpf_ktime_get_ns", 77)}
    assert checked(125, "5.4") == 1
    assert checked(125, str(vmlinux(plain_54.values()))) == 1
    assert checked(125, str(vmlinux(with_backport.values()))) == 0
    assert checked(5, str(vmlinux(plain_54.values()))) == 0
    assert checked(5, str(vmlinux(other.values()))) == 1


def hostile(*types: int, strings: bytes = b"\0bpf_func_id\0xdp_md\0x\0") -> bytes:
    """Write BTF of words."""
    words = b"".join((word & 0xFFFFFFFF).to_bytes(4, "little") for word in types)
    lengths = (24, 0, len(words), len(words), len(strings))
    head = b"\x9f\xeb\x01\x00" + b"".join(n.to_bytes(4, "little") for n in lengths)
    return head + words + strings


_ENUM, _STRUCT, _ARRAY, _FUNCS = 6 << 24, 4 << 24, 3 << 24, (1, 6 << 24, 4)
HOSTILE = {
    # Structs without a name, each with a thousand members that are the next one.
    "members of members": [
        *_FUNCS,
        *(13, _STRUCT | 1000, 0, *(word for n in range(1000) for word in (0, 3, 0))),
        *(
            word
            for level in range(3, 15)
            for word in (0, _STRUCT | 1000, 0, *((0, level + 1, 0) * 1000))
        ),
        *(0, _STRUCT, 0),
    ],
    "array of itself": [*_FUNCS, 13, _STRUCT | 1, 0, 20, 3, 0, 0, _ARRAY, 0, 3, 3, 1],
    "struct in itself": [*_FUNCS, 13, _STRUCT | 1, 0, 0, 3, 0, 0, _STRUCT | 1, 0, 20, 3, 0],
    "a hundred thousand enums": [*_FUNCS, *((0, _ENUM, 4) * 100_001)],
    "no such type": [*_FUNCS, 13, _STRUCT | 1, 0, 20, 99, 0],
    "tag of nothing": [*_FUNCS, 13, 17 << 24, 77, 0],
}


def refused_or_small(path: Path, timeline: Timeline) -> None:
    message = ""
    names: tuple[Fact, ...] = ()
    try:
        names = read_kernel(str(path), timeline).names
    except HelperhistError as error:
        message = str(error)
    assert "\n" not in message
    assert len(names) < 100


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_btf(tmp_path: Path, timeline: Timeline, name: str) -> None:
    path = tmp_path / "btf"
    path.write_bytes(hostile(*HOSTILE[name]))
    refused_or_small(path, timeline)


def test_hostile_vmlinux_header(tmp_path: Path, timeline: Timeline) -> None:
    path = tmp_path / "vmlinux.h"
    for body in (b"extern a(" * 100_000 + b"__ksym;", b"enum {" * 100_000, b"f(" * 300_000):
        path.write_bytes(b"#define __VMLINUX_H__\nenum bpf_func_id { BPF_FUNC_unspec };\n" + body)
        refused_or_small(path, timeline)


needs_btf = pytest.mark.skipif(not RUNNING.exists(), reason=f"no {RUNNING}: kernel without BTF")


@needs_btf
def test_running_kernel_knows_its_helpers(timeline: Timeline) -> None:
    info = read_kernel("running", timeline)
    assert info.numbered("helper", 1) == "bpf_map_lookup_elem"
    assert info.has("map_type", "BPF_MAP_TYPE_HASH").answer is True
    for ours, theirs in compare(info, timeline).renumbered:
        assert ours.kind != "helper", (ours, theirs)


@needs_btf
def test_check_for_the_running_kernel() -> None:
    assert checked(5, "running") == 0
    assert checked(9999, "running") == 1


@needs_btf
@pytest.mark.skipif(shutil.which("bpftool") is None, reason="no bpftool (apt: bpftool)")
def test_vmlinux_header_of_bpftool(tmp_path: Path, timeline: Timeline) -> None:
    """A second reader of BTF, bpftool, and our parser of C come to the same names."""
    command = ["bpftool", "btf", "dump", "file", str(RUNNING), "format", "c"]
    path = tmp_path / "vmlinux.h"
    path.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    ours = read_kernel("running", timeline)
    theirs = read_kernel(str(path), timeline)
    assert theirs.form == "vmlinux.h"
    assert sorted(theirs.names, key=str) == sorted(ours.names, key=str)
    assert theirs.whole == ours.whole


def test_kfuncs_of_a_vmlinux_header(tmp_path: Path, timeline: Timeline) -> None:
    path = tmp_path / "vmlinux.h"
    path.write_text(
        "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n"
        + header(timeline.at("6.12"))
        + "#ifndef BPF_NO_KFUNC_PROTOTYPES\n"
        "extern struct task_struct *bpf_task_acquire(struct task_struct *p) __weak __ksym;\n"
        "extern void bpf_obj_drop_impl(void *p__alloc, void *meta__ign) __weak __ksym;\n"
        "#endif\n#endif /* __VMLINUX_H__ */\n"
    )
    info = read_kernel(str(path), timeline)
    assert info.kfuncs == ("bpf_obj_drop_impl", "bpf_task_acquire")
    assert compare(info, timeline).release == "6.12"


def run(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(
        cli, ["kernel", *args, "--data", "embedded"], catch_exceptions=False
    )
    return result.exit_code, result.stdout, result.stderr


def test_command(timeline: Timeline) -> None:
    added = Fact.of("helper", "bpf_ktime_get_boot_ns", 125)
    path = str(vmlinux([*plain(timeline.at("5.4")), added]))
    code, out, err = run(path)
    assert (code, err) == (0, "")
    assert "mainline 5.4, but 1 added" in out
    assert ["added", "5.8", "helper", "125", "bpf_ktime_get_boot_ns"] in [
        line.split() for line in out.splitlines()
    ]
    code, out, _ = run(path, "--at", "5.8")
    assert "missing  5.8" in out
    code, out, _ = run(path, "--list", "prog_type", "--list", "map_type")
    assert out.splitlines()[1] == "map_type   1   BPF_MAP_TYPE_HASH"
    assert len(out.splitlines()) == 1 + 25 + 25
    code, out, err = run(path, "--list", "nonsense")
    assert (code, out) == (2, "")
    assert "attach_type" in err
    code, out, err = run(path, "--list", "kfunc")
    assert (code, out) == (2, "")
    assert run("/no/such/file")[0] == 2


def test_command_json(timeline: Timeline) -> None:
    added = Fact.of("helper", "bpf_ktime_get_boot_ns", 125)
    path = str(vmlinux([*plain(timeline.at("5.4")), added]))
    code, out, err = run(path, "--json")
    assert code == 0
    assert err.startswith("source: ")
    answer = json.loads(out)
    assert list(answer) == [
        "source", "form", "version", "corresponds", "names", "kfuncs", "modules", "cannot_show",
    ]  # fmt: skip
    assert (answer["source"], answer["form"], answer["version"]) == (path, "btf", None)
    corresponds = answer["corresponds"]
    assert list(corresponds) == [
        "release", "oldest", "exact", "newer_than_data", "added", "missing", "renumbered",
        "unknown",
    ]  # fmt: skip
    assert (corresponds["release"], corresponds["exact"]) == ("5.4", False)
    assert corresponds["added"] == [
        {"kind": "helper", "name": "bpf_ktime_get_boot_ns", "id": 125, "since": "5.8"}
    ]
    assert answer["names"]["helper"][0] == {"name": "bpf_map_lookup_elem", "id": 1}
    assert answer["kfuncs"] is None
    assert "flag" in answer["cannot_show"]


def test_a_program_is_no_kernel() -> None:
    path = compile_bpf('char _license[] __attribute__((section("license"))) = "GPL";')
    with pytest.raises(HelperhistError, match="a compiled BPF program and not a kernel") as caught:
        read_kernel(str(path))
    assert "damaged" not in str(caught.value)
