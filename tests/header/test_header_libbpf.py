"""The generated header and libbpf: equal types, and in the place of its bpf_helper_defs.h."""

import shutil
import subprocess
from pathlib import Path

import pytest

from helperhist.header import HeaderOptions
from tests.build.headers import CLANGS, COMPILERS, Compiler, header_text, syntax_tree, write_headers

LIBBPF = Path("/usr/include/bpf")
pytestmark = pytest.mark.skipif(
    not (LIBBPF / "bpf_helper_defs.h").exists(), reason="libbpf-dev is not installed"
)

#: Types of older libbpf, as the kernel's prototypes were before two commits to bpf.h: 379ac32f of
#: libbpf's mirror ("bpf: Finish constification of 1st parameter of bpf_d_path()", Linux 6.18), and
#: 42995c95 ("bpf: widen dynptr size/offset to 64 bit", Linux 6.19).
OLDER = {
    "bpf_d_path": "long (*)(struct path *, char *, __u32)",
    "bpf_dynptr_from_mem": "long (*)(void *, __u32, __u64, struct bpf_dynptr *)",
    "bpf_dynptr_read": "long (*)(void *, __u32, const struct bpf_dynptr *, __u32, __u64)",
    "bpf_dynptr_write": "long (*)(const struct bpf_dynptr *, __u32, void *, __u32, __u64)",
    "bpf_dynptr_data": "void *(*)(const struct bpf_dynptr *, __u32, __u32)",
}


def test_types_equal_those_of_libbpf(tmp_path: Path) -> None:
    headers = write_headers(tmp_path, "5.4")
    prelude = "#include <linux/types.h>\n"
    # libbpf's file is read as a system header: its warnings are not ours.
    (tmp_path / "defs.h").write_bytes((LIBBPF / "bpf_helper_defs.h").read_bytes())
    theirs = syntax_tree(prelude + "#include <defs.h>\n", headers)
    ours = syntax_tree(prelude + header_text(HeaderOptions(guard="none")), headers)
    both = theirs.types.keys() & ours.types.keys()
    assert len(both) >= 200
    assert {name: ours.numbers[name] for name in both} == {
        name: theirs.numbers[name] for name in both
    }
    # libbpf declares the pointers themselves const since 1.5.
    types = {name: theirs.types[name].replace("(*const)", "(*)") for name in both}
    differing = {
        name: (ours.types[name], types[name])
        for name in sorted(both)
        if ours.types[name].replace("(*const)", "(*)") != types[name]
    }
    assert {name: old for name, (_, old) in differing.items()} == {
        name: OLDER.get(name, "equal") for name in differing
    }


PROGRAM = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#if !HELPERHIST_HAS(bpf_map_lookup_elem) || HELPERHIST_HAS(bpf_ringbuf_output)
#error not the headers of 5.7
#endif

struct {
	__uint(type, 2);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

SEC("xdp") int count(void *ctx)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&counts, &key);

	if (value)
		*value += bpf_ktime_get_ns();
	return ctx ? 2 : 0;
}
"""


CORE = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#if HELPERHIST_HAS(bpf_probe_read_kernel)
#error not the headers of 5.4
#endif

struct task_struct {
	int pid;
	struct task_struct *parent;
} __attribute__((preserve_access_index));

SEC("kprobe/x") int parent(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	char name[8];

	return ctx ? BPF_CORE_READ(task, parent, pid) + bpf_probe_read_user_str(name, 8, ctx) : 0;
}
"""


def replaced(folder: Path, text: str) -> Path:
    """Make a folder of libbpf's headers where ours stands for its bpf_helper_defs.h."""
    (folder / "bpf").mkdir(parents=True)
    for header in sorted(LIBBPF.glob("bpf_*.h")):
        shutil.copy(header, folder / "bpf")
    (folder / "bpf" / "bpf_helper_defs.h").write_text(text)
    return folder


@pytest.mark.parametrize("ids", ["literal", "enum", "uapi"])
@pytest.mark.parametrize("release", ["4.9", "5.4"])
@pytest.mark.parametrize("compiler", CLANGS)
def test_core_read_with_headers_older_than_its_helpers(
    compiler: Compiler, release: str, ids: str, tmp_path: Path
) -> None:
    """libbpf turns the calls into bpf_probe_read where the running kernel lacks them."""
    headers = write_headers(tmp_path / "kernel", release)
    include = replaced(tmp_path / "include", header_text(HeaderOptions(ids=ids)))
    (tmp_path / "a.c").write_text(CORE)
    done = compiler.run(
        "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-I", include, "-isystem", headers,
        "-S", tmp_path / "a.c", "-o", tmp_path / "a.s",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assembly = (tmp_path / "a.s").read_text()
    assert "call 113" in assembly
    assert "call 114" in assembly


PRINT = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#if !HELPERHIST_HAS(bpf_trace_printk)
#error bpf_printk() calls it
#endif

SEC("kprobe/x") int print(void *ctx)
{
	char text[8];

	bpf_printk("%d", 1);
	return ctx ? BPF_SNPRINTF(text, 8, "%d", 1) : 0;
}
"""
MORE = """
SEC("kprobe/x") int more(void *ctx)
{
	bpf_printk("%d %d %d %d", 1, 2, 3, 4);
	return ctx ? 1 : 0;
}
"""


@pytest.mark.parametrize("guard", ["auto", "version", "none"])
@pytest.mark.parametrize("compiler", CLANGS)
def test_some_helpers_and_the_macros_of_libbpf(
    compiler: Compiler, guard: str, tmp_path: Path
) -> None:
    """Old compilers take a call of an undeclared helper for one of a function elsewhere."""
    options = HeaderOptions(guard, only=("bpf_loop",))
    include = replaced(tmp_path / "include", header_text(options))

    def build(release: str, text: str) -> tuple[str, str]:
        headers = write_headers(tmp_path / release, release)
        (tmp_path / "a.c").write_text(text)
        done = compiler.run(
            "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-I", include, "-isystem", headers,
            "-S", tmp_path / "a.c", "-o", tmp_path / "a.s",
        )  # fmt: skip
        return done.stderr, "" if done.returncode else (tmp_path / "a.s").read_text()

    problems, assembly = build("5.17", PRINT + MORE)
    assert problems == ""
    for number in (6, 165, 177):
        assert f"call {number}\n" in assembly
    assert build("5.13", PRINT)[0] == ""
    if guard != "none":
        assert (
            "'bpf_trace_vprintk' is unavailable: needs Linux 5.16" in build("5.13", PRINT + MORE)[0]
        )


def test_some_helpers_without_libbpf(tmp_path: Path) -> None:
    headers = write_headers(tmp_path, "5.17")
    no = "#if HELPERHIST_HAS(bpf_trace_printk)\n#error\n#endif\n"
    for guard in ("auto", "none"):
        for ids in ("literal", "uapi"):
            options = HeaderOptions(guard, ids, only=("bpf_loop",))
            text = "#include <linux/bpf.h>\n" + header_text(options)
            no_uapi = (guard, ids) == ("none", "uapi")
            assert ("bpf_printk" in text) != no_uapi
            assert syntax_tree(text + ("" if no_uapi else no), headers).numbers == {"bpf_loop": 181}


@pytest.mark.parametrize("link", ["copied", "linked"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_in_the_place_of_bpf_helper_defs_h(compiler: Compiler, link: str, tmp_path: Path) -> None:
    """The one change: a folder with libbpf's headers and our file, before the system's."""
    headers = write_headers(tmp_path / "kernel", "5.7")
    folder = tmp_path / "include" / "bpf"
    folder.mkdir(parents=True)
    for header in sorted(LIBBPF.glob("bpf_*.h")):
        if header.name == "bpf_helper_defs.h":
            continue
        if link == "linked":
            (folder / header.name).symlink_to(header)
        else:
            shutil.copy(header, folder)
    (folder / "bpf_helper_defs.h").write_text(header_text(HeaderOptions()))
    source = tmp_path / "a.c"
    source.write_text(PROGRAM)
    arguments = [
        *compiler.argv, "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-isystem", str(headers),
        "-c", str(source), "-o", str(tmp_path / "a.o"),
    ]  # fmt: skip
    done = subprocess.run(
        [*arguments, "-I", str(folder.parent)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
