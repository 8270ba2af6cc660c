"""What of a kernel is in a file, whatever it is packed in: BTF, or a header."""

from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from helperhist.binary import (
    COMPRESSED,
    CONTAINERS,
    EM_BPF,
    HEAD,
    Budget,
    Form,
    config_in,
    describe,
    find_btf,
    members,
    read_sections,
    recognise,
    unpack,
    unpack_image,
    version_in,
)
from helperhist.errors import HelperhistError, ParseError

__all__ = ["MAX_FILE", "KernelFile", "KernelSourceError", "open_kernel"]

#: Larger BTF and headers are none: the kernel's are below 10 MB.
MAX_FILE = 64 << 20
#: Images and modules, packed.
_MAX_IMAGE = 256 << 20
_MAX_UNPACKED = 512 << 20
_SHOWN = 3


class KernelSourceError(HelperhistError):
    """A source that is not a kernel."""


@dataclass(frozen=True, slots=True)
class KernelFile:
    """What was found.

    :ivar form: ``BTF``, or that of the header
    :ivar distilled: what a module brings of its kernel's BTF; None if it brings nothing
    :ivar version: of the kernel, where its image says it
    :ivar config: its configuration, where it brings it
    """

    form: Form
    data: bytes
    distilled: bytes | None = None
    version: str | None = None
    config: bytes | None = None


def open_kernel(file: BinaryIO, name: str) -> KernelFile:
    """Find what there is of a kernel.

    :param file: one that can seek
    :param name: of the file, as users know it
    :raises KernelSourceError: it is nothing of a kernel; the message says what it is
    """
    try:
        return _open(file, name, name, Budget())
    except ParseError as error:
        raise KernelSourceError(f"{name}: {error}") from error
    except OSError as error:
        raise KernelSourceError(f"cannot read {name}: {error.strerror}") from error


def _open(file: BinaryIO, name: str, inner: str, budget: Budget) -> KernelFile:
    file.seek(0)
    head = file.read(HEAD)
    form = recognise(head, inner)
    file.seek(0)
    if form in (Form.ELF, Form.OBJECT):
        return _of_elf(file, name)
    if form is Form.KERNEL_IMAGE:
        return _of_image(_whole(file, _MAX_IMAGE), name, budget)
    if form in COMPRESSED or form in CONTAINERS:
        if budget.depth == 0:
            raise ParseError("files are packed too deep in it")
        budget.depth -= 1
        if form in CONTAINERS:
            return _of_archive(form, file, name, budget)
        data = unpack(form, file, budget, _MAX_UNPACKED)
        return _open(BytesIO(data), name, inner.rpartition(".")[0], budget)
    if form is Form.BTF or form in (Form.VMLINUX_H, Form.BPF_H, Form.C_HEADER, Form.C_SOURCE):
        return KernelFile(form, _whole(file, MAX_FILE))
    if form in (Form.TEXT, Form.EMPTY):
        return KernelFile(Form.C_HEADER, _whole(file, MAX_FILE))
    if form is Form.OTHER and (flat := find_btf(head + file.read(_MAX_IMAGE))) is not None:
        return KernelFile(Form.BTF, flat)
    raise KernelSourceError(
        f"{name}: this is {describe(head, inner)}; {_REMEDIES.get(form, _GIVE)}"
    )


_GIVE = "give a vmlinuz or vmlinux, a file with BTF, a vmlinux.h or a bpf.h"
_REMEDIES = {
    Form.CONFIG: "check OBJECT --target KERNEL --config FILE reads it",
    Form.HTML: "download the file itself, not the page that shows it",
    Form.LFS: "get the file that it stands for: git lfs pull",
    Form.RPM: "unpack it first: rpm2cpio FILE | cpio -id",
    Form.SKELETON: "ask `helperhist check`",
    Form.LIGHT_SKELETON: "give a file of a kernel",
}


def _whole(file: BinaryIO, most: int) -> bytes:
    data = file.read(most + 1)
    if len(data) > most:
        raise ParseError(f"more than {most >> 20} MiB are not BTF, and not a header")
    return data


def _of_elf(file: BinaryIO, name: str) -> KernelFile:
    try:
        found = read_sections(file, (".BTF", ".BTF.base"), MAX_FILE, also=("license",))
    except ParseError as error:
        raise KernelSourceError(f"{name} is a damaged ELF file: {error}") from error
    # BTF alone may come in such a file; a program brings its license.
    if found.machine == EM_BPF and "license" in found.names:
        raise KernelSourceError(
            f"{name} is a compiled BPF program and not a kernel; ask `helperhist check`"
        )
    if ".BTF" not in found.contents:
        raise KernelSourceError(
            f"{name} has no .BTF section: the kernel was built without CONFIG_DEBUG_INFO_BTF, or "
            "the file was stripped"
        )
    return KernelFile(Form.BTF, found.contents[".BTF"], found.contents.get(".BTF.base"))


def _of_image(data: bytes, name: str, budget: Budget) -> KernelFile:
    kernel = unpack_image(data, budget)
    version, config = version_in(kernel), config_in(kernel, budget)
    if recognise(kernel[:HEAD]) is Form.ELF:
        found = _of_elf(BytesIO(kernel), f"the kernel in {name}").data
    else:
        flat = find_btf(kernel)
        if flat is None:
            raise KernelSourceError(
                f"the kernel in {name} has no BTF: it was built without CONFIG_DEBUG_INFO_BTF"
            )
        found = flat
    return KernelFile(Form.BTF, found, None, version, config)


def _of_archive(form: Form, file: BinaryIO, name: str, budget: Budget) -> KernelFile:
    found: list[tuple[str, KernelFile]] = []
    for label, data in members(form, file, budget):
        if _of_kernel(data, label):
            if found and len(found) >= _SHOWN:
                break
            found.append((label, _open(BytesIO(data), f"{name}!{label}", label, budget)))
    if not found:
        raise KernelSourceError(f"{name}: no file with BTF, and no vmlinux.h, is in this archive")
    if len(found) > 1:
        names = ", ".join(label for label, _ in found)
        raise KernelSourceError(
            f"{name}: several kernels are in this archive ({names}); unpack it, and give one, or "
            "the folder"
        )
    return found[0][1]


def _of_kernel(data: bytes, label: str) -> bool:
    form = recognise(data[:HEAD], label)
    return form in (Form.BTF, Form.VMLINUX_H, Form.KERNEL_IMAGE) or (
        form is Form.ELF and b"\0.BTF\0" in data
    )
