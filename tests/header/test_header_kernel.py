"""Programs built with the generated header, loaded into the running kernel and run there."""

import os
import re
import shutil
import subprocess
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from helperhist.header import HeaderOptions, render_header
from helperhist.timeline import Row, Timeline
from tests.build.headers import (
    CLANGS,
    ZIG_CLANG,
    Compiler,
    embedded,
    header_text,
    write_headers,
)

BTF = Path("/sys/kernel/btf/vmlinux")
PRELUDE = """
#include <linux/bpf.h>
#define SEC(name) __attribute__((section(name), used))
struct __sk_buff;
"""
LICENSE = '\nchar _license[] SEC("license") = "GPL";\n'
# An Ethernet frame that is long enough for one byte per helper.
HEAD = 14
FRAME = bytes(12) + b"\x08\x00" + bytes(506)


def _unable() -> str | None:
    if os.geteuid():
        return "loading a program needs root"
    if shutil.which("bpftool") is None:
        return "bpftool is not installed"
    if not BTF.exists():
        return f"the kernel has no {BTF}"
    return None


class RefusedError(Exception):
    """What bpftool says when it fails."""


class Kernel:
    """The running kernel."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, compiler: Compiler, text: str, headers: Path) -> tuple[int, bytes]:
        """Compile a program, load and run it; return its result and the frame it leaves."""
        source, binary = self.folder / "a.c", self.folder / "a.o"
        frame, after = self.folder / "frame", self.folder / "after"
        source.write_text(text)
        done = compiler.run(
            "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-isystem", headers, "-c", source,
            "-o", binary,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        frame.write_bytes(FRAME)
        pin = Path(f"/sys/fs/bpf/helperhist-{uuid.uuid4().hex}")
        try:
            self._bpftool("prog", "load", str(binary), str(pin))
            done = self._bpftool(
                "prog", "run", "pinned", str(pin), "data_in", str(frame), "data_out", str(after)
            )
        finally:
            pin.unlink(missing_ok=True)
        result = re.search(r"Return value: (\d+)", done.stdout)
        assert result is not None
        return int(result[1]), after.read_bytes()

    def _bpftool(self, *args: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(["bpftool", *args], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RefusedError(done.stderr)
        return done

    def helpers(self) -> dict[str, int]:
        """The helpers in the kernel's own BTF."""
        done = self._bpftool("btf", "dump", "file", str(BTF), "format", "raw")
        (body,) = re.findall(r"ENUM 'bpf_func_id'[^\n]*\n((?:\t[^\n]*\n)+)", done.stdout)
        found = re.findall(r"'BPF_FUNC_(\w+)' val=(\d+)", body)
        return {f"bpf_{name}": int(number) for name, number in found}


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    unable = _unable()
    if unable:
        pytest.skip(unable)
    found = Kernel(tmp_path)
    plain = PRELUDE + 'SEC("tc") int f(struct __sk_buff *skb) { return skb ? 7 : 0; }' + LICENSE
    headers = write_headers(tmp_path / "plain", "5.4")
    try:
        result, _ = found.run(ZIG_CLANG, plain, headers)
    except RefusedError as error:
        # A container may be root without being allowed to load anything.
        pytest.skip(f"a program that calls no helper cannot be loaded: {str(error)[-200:]}")
    assert result == 7
    return found


MANY = """
struct {
	int (*type)[2];
	int (*max_entries)[1];
	__u32 *key;
	__u64 *value;
} array SEC(".maps");
struct {
	int (*type)[1];
	int (*max_entries)[8];
	__u32 *key;
	__u64 *value;
} hash SEC(".maps");

SEC("tc") int many(struct __sk_buff *skb)
{
	__u32 key = 0, bytes[4] = { 1, 2, 3, 4 };
	__u64 value = bpf_ktime_get_ns(), *found;
	char text[8] = "42";
	long number = 0;

	if (!value || !bpf_ktime_get_boot_ns() || !bpf_jiffies64())
		return 1;
	value += bpf_get_prandom_u32() + bpf_get_smp_processor_id() + bpf_get_numa_node_id();
	if (bpf_map_update_elem(&hash, &key, &value, 0))
		return 2;
	found = bpf_map_lookup_elem(&hash, &key);
	if (!found || *found != value)
		return 3;
	if (bpf_map_delete_elem(&hash, &key) || bpf_map_lookup_elem(&hash, &key))
		return 4;
	if (!bpf_map_lookup_elem(&array, &key))
		return 5;
	if (bpf_skb_store_bytes(skb, 14, bytes, sizeof(bytes), 0))
		return 6;
	bytes[0] = 0;
	if (bpf_skb_load_bytes(skb, 14, bytes, sizeof(bytes)) || bytes[0] != 1)
		return 7;
	if (bpf_csum_diff(0, 0, bytes, sizeof(bytes), 0) != 10)
		return 8;
	if (bpf_skb_pull_data(skb, 32))
		return 9;
	if (bpf_probe_read_kernel(&number, sizeof(number), &value) || (__u64) number != value)
		return 10;
	if (bpf_probe_read_kernel_str(text, sizeof(text), &value) < 0)
		return 11;
	bpf_set_hash_invalid(skb);
	value += bpf_get_hash_recalc(skb);
#if HELPERHIST_HAS(bpf_strncmp)
	if (helperhist_exists(bpf_strncmp)) {
		char forty[8] = "40";

		if (bpf_strncmp(forty, sizeof(forty), (const char *) "40"))
			return 12;
	}
#endif
	return 100;
}
"""


@pytest.mark.parametrize("ids", ["literal", "enum", "uapi"])
@pytest.mark.parametrize("compiler", CLANGS)
def test_a_program_that_calls_many_helpers(
    compiler: Compiler, ids: str, kernel: Kernel, tmp_path: Path
) -> None:
    headers = write_headers(tmp_path / "headers", "6.1")
    text = PRELUDE + header_text(HeaderOptions(ids=ids)) + MANY + LICENSE
    result, frame = kernel.run(compiler, text, headers)
    assert result == 100
    assert frame[HEAD : HEAD + 4] == (1).to_bytes(4, "little")


@pytest.mark.parametrize("ids", ["literal", "uapi"])
@pytest.mark.parametrize("compiler", CLANGS)
def test_exists_says_what_the_btf_of_the_kernel_says(
    compiler: Compiler, ids: str, kernel: Kernel, tmp_path: Path
) -> None:
    """All helpers, with headers that lack half of them, and one that no kernel has."""
    headers = write_headers(tmp_path / "headers", "5.4")
    unknown = Row(
        "helper", "bpf_nonesuch", 9999, since="5.3", prototype="long bpf_nonesuch(u64 flags)"
    )
    timeline = _changed(embedded(), unknown)
    options = HeaderOptions(ids=ids)
    text, names = render_header(timeline, options).text, [row.name for row in timeline.helpers]
    asks = "".join(
        f"\tyes = helperhist_exists({name});\n"
        f"\tbpf_skb_store_bytes(skb, {HEAD + index}, &yes, 1, 0);\n"
        for index, name in enumerate(names)
    )
    program = (
        'SEC("tc") int ask(struct __sk_buff *skb)\n{\n\tchar yes;\n\n'
        f"{asks}\tif (helperhist_exists(bpf_nonesuch))\n\t\t((long (*)(__u64)) 9999)(0);\n"
        "\treturn helperhist_exists(bpf_probe_read_str);\n}\n"
    )
    result, frame = kernel.run(compiler, PRELUDE + text + program + LICENSE, headers)
    truth = kernel.helpers()
    assert result == 1
    said = {name: frame[HEAD + index] for index, name in enumerate(names)}
    assert said == {row.name: int(truth.get(row.name) == row.id) for row in timeline.helpers}
    assert sum(said.values()) > 100
    assert said["bpf_nonesuch"] == 0


@pytest.mark.parametrize("compiler", CLANGS)
def test_exists_is_no_where_the_number_is_of_another_helper(
    compiler: Compiler, kernel: Kernel, tmp_path: Path
) -> None:
    row = embedded().since("bpf_probe_read_str")
    assert row is not None
    moved = _changed(embedded(), replace(row, id=46))
    text = render_header(moved, HeaderOptions(guard="none", only=(row.name, "bpf_csum_diff"))).text
    program = (
        'SEC("tc") int ask(struct __sk_buff *skb)\n{\n'
        "\treturn (skb != 0) * 4 + helperhist_exists(bpf_csum_diff) * 2"
        " + helperhist_exists(bpf_probe_read_str);\n}\n"
    )
    headers = write_headers(tmp_path / "headers", "5.4")
    result, _ = kernel.run(compiler, PRELUDE + text + program + LICENSE, headers)
    assert result == 6


@pytest.mark.parametrize("compiler", CLANGS)
def test_since_beside_the_version_that_libbpf_fills_in(
    compiler: Compiler, kernel: Kernel, tmp_path: Path
) -> None:
    future = Row(
        "helper", "bpf_nonesuch", 9999, since="99.0", prototype="long bpf_nonesuch(u64 flags)"
    )
    text = render_header(_changed(embedded(), future), HeaderOptions(guard="none")).text
    program = (
        'extern int LINUX_KERNEL_VERSION __attribute__((section(".kconfig")));\n'
        'SEC("tc") int ask(struct __sk_buff *skb)\n{\n'
        "\treturn (skb != 0) * 4 + (LINUX_KERNEL_VERSION >= HELPERHIST_SINCE(bpf_map_lookup_elem))"
        " * 2\n\t\t+ (LINUX_KERNEL_VERSION >= HELPERHIST_SINCE(bpf_nonesuch));\n}\n"
    )
    headers = write_headers(tmp_path / "headers", "5.4")
    result, _ = kernel.run(compiler, PRELUDE + text + program + LICENSE, headers)
    assert result == 6


def _changed(timeline: Timeline, row: Row) -> Timeline:
    """The timeline with one row added or replaced."""
    rows = [other for other in timeline.rows if other.name != row.name]
    return Timeline(
        timeline.metadata,
        sorted([*rows, row], key=lambda r: (r.kind, r.id or 0)),
        lambda: timeline.tags,
        lambda: timeline.spans,
        lambda: timeline.events,
        lambda: timeline.docs,
    )
