"""A kernel out of whatever it is packed in."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

import helperhist
from helperhist.errors import HelperhistError
from helperhist.kernel.config import kconfig_value, parse_config, read_config
from helperhist.kernel.match import compare
from helperhist.kernel.read import read_kernel
from helperhist.timeline.timeline import Timeline
from tests.build.objects import compile_bpf
from tests.build.vmlinux import header, plain, section, vmlinux
from tests.build.wrapped import PACKERS, bzimage, program, tar, zboot, zipped

CONFIG = b'# CONFIG_A is not set\nCONFIG_BPF=y\nCONFIG_HZ=250\nCONFIG_M=m\nCONFIG_S="x"\n'


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    return helperhist.load("embedded")


@pytest.fixture(scope="module")
def elf(timeline: Timeline) -> bytes:
    data = vmlinux(plain(timeline.at("5.4"))).read_bytes()
    return data[:18] + struct.pack("<H", 62) + data[20:]


@pytest.fixture(scope="module")
def btf(timeline: Timeline) -> bytes:
    return section(vmlinux(plain(timeline.at("5.4"))))


def packer(how: str) -> Callable[[bytes], bytes]:
    if how == "zstd" or how.startswith("lz4"):
        pytest.importorskip("zstandard" if how == "zstd" else "lz4")
    return PACKERS[how]


def release(path: Path, data: bytes, timeline: Timeline) -> str:
    path.write_bytes(data)
    return compare(read_kernel(str(path), timeline), timeline).release


@pytest.mark.parametrize("how", PACKERS)
def test_packed(tmp_path: Path, timeline: Timeline, elf: bytes, btf: bytes, how: str) -> None:
    """An ELF vmlinux, raw BTF, and what BTFHub ships."""
    pack = packer(how)
    assert release(tmp_path / "vmlinux.x", pack(elf), timeline) == "5.4"
    assert release(tmp_path / "5.4.0-26.btf.x", pack(btf), timeline) == "5.4"
    assert release(tmp_path / "x.btf.tar.x", pack(tar({"x.btf": btf})), timeline) == "5.4"


@pytest.mark.parametrize("how", PACKERS)
def test_images(tmp_path: Path, timeline: Timeline, elf: bytes, btf: bytes, how: str) -> None:
    """The kernel in an image is an ELF file on x86, and its memory elsewhere."""
    pack = packer(how)
    version = b"\0Linux version 5.4.0-x (me) #1\0"
    path = tmp_path / "vmlinuz"
    assert release(path, bzimage(elf + version, pack), timeline) == "5.4"
    info = read_kernel(str(path), timeline)
    assert (info.version, info.config) == ("5.4.0-x", None)
    # It finds no BTF below 64 KiB in a kernel's memory, where anything may look like it.
    flat = bytes(0x38) + b"ARM\x64" + bytes(100) + large(btf) + version
    assert release(path, zboot(flat, pack), timeline) == "5.4"
    assert release(path, pack(flat), timeline) == "5.4"


def large(btf: bytes) -> bytes:
    """Append strings to BTF until it is as large as a kernel's."""
    size = struct.unpack_from("<I", btf, 20)[0]
    more = b"x" * 1000 + b"\0"
    added = more * 100
    return btf[:20] + struct.pack("<I", size + len(added)) + btf[24:] + added


def test_image_with_configuration(tmp_path: Path, timeline: Timeline, elf: bytes) -> None:
    path = tmp_path / "vmlinuz"
    packed = b"IKCFG_ST" + PACKERS["gzip"](CONFIG) + b"IKCFG_ED"
    path.write_bytes(bzimage(elf + packed))
    info = read_kernel(str(path), timeline)
    assert info.config == parse_config(CONFIG)
    assert read_config(path) == info.config


def test_archive_with_a_header(tmp_path: Path, timeline: Timeline) -> None:
    text = "#ifndef __VMLINUX_H__\n" + header(plain(timeline.at("5.4")))
    data = zipped({"README": b"x", "vmlinux.h": text.encode()})
    assert release(tmp_path / "x.zip", data, timeline) == "5.4"


def refused(path: Path, data: bytes, timeline: Timeline) -> str:
    path.write_bytes(data)
    with pytest.raises(HelperhistError) as caught:
        read_kernel(str(path), timeline)
    assert str(caught.value).isprintable()
    return str(caught.value).removeprefix(str(path))


def test_refused(tmp_path: Path, timeline: Timeline, btf: bytes) -> None:
    path = tmp_path / "x"
    assert refused(path, tar({"a.btf": btf, "b.btf": btf}), timeline) == (
        ": several kernels are in this archive (a.btf, b.btf); unpack it, and give one, or the "
        "folder"
    )
    assert refused(path, tar({"a": b"x"}), timeline) == (
        ": no file with BTF, and no vmlinux.h, is in this archive"
    )
    assert refused(path, bzimage(program()), timeline) == (
        f"the kernel in {path} has no .BTF section: the kernel was built without "
        "CONFIG_DEBUG_INFO_BTF, or the file was stripped"
    )
    assert refused(path, zboot(bytes(0x38) + b"ARM\x64"), timeline) == (
        f"the kernel in {path} has no BTF: it was built without CONFIG_DEBUG_INFO_BTF"
    )
    assert refused(path, bzimage(bytes(range(256)) * 9)[:-200], timeline) == (
        ": a damaged kernel image: its kernel goes beyond the end"
    )
    assert refused(path, zboot(b"", lambda _: b"\x89LZO\0\r\n\x1a\n"), timeline) == (
        ": of the kernel in it: it is compressed with lzo: unpack it first"
    )
    assert "packed in a way that is not known" in refused(
        path, zboot(b"", lambda _: b"what"), timeline
    )
    deep = btf
    for _ in range(6):
        deep = PACKERS["gzip"](deep)
    assert refused(path, deep, timeline) == ": files are packed too deep in it"
    assert refused(path, b"BC\xc0\xde", timeline) == (
        ": this is LLVM bitcode; give a vmlinuz or vmlinux, a file with BTF, a vmlinux.h or a bpf.h"
    )
    real = compile_bpf('char l[] __attribute__((section("license"))) = "GPL";').read_bytes()
    assert refused(path, PACKERS["gzip"](real), timeline).endswith("ask `helperhist check`")


def test_configuration(tmp_path: Path) -> None:
    path = tmp_path / "config.gz"
    path.write_bytes(PACKERS["gzip"](CONFIG))
    config = read_config(path)
    assert config == {"CONFIG_BPF": "y", "CONFIG_HZ": "250", "CONFIG_M": "m", "CONFIG_S": '"x"'}
    names = ("CONFIG_BPF", "CONFIG_HZ", "CONFIG_M", "CONFIG_S", "CONFIG_A")
    assert [kconfig_value(config, name) for name in names] == [1, 250, 2, None, None]
    assert kconfig_value({"A": "0x10", "B": "1" * 40, "C": "x"}, "A") == 16
    assert kconfig_value({"B": "1" * 40}, "B") is None
    for data, message in (
        (b"text", "no line CONFIG_...= is in it"),
        (program(), "this kernel does not bring its configuration"),
        (b"BC\xc0\xde", "this is LLVM bitcode and not a kernel's configuration"),
    ):
        path.write_bytes(data)
        with pytest.raises(HelperhistError, match=message):
            read_config(path)
    with pytest.raises(HelperhistError, match="No such file"):
        read_config(tmp_path / "none")
    os.mkfifo(tmp_path / "fifo")
    for read in (read_config, lambda path: read_kernel(str(path))):
        with pytest.raises(HelperhistError, match="not a regular file"):
            read(tmp_path / "fifo")
