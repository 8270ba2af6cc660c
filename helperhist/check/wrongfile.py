"""What to say of a file that has no BPF object: what it is, and what to do."""

import re

from helperhist.binary import COMPRESSED, CONTAINERS, Form, describe, recognise
from helperhist.printable import one_line, printable

__all__ = ["no_object"]

_ASK_KERNEL = "helperhist kernel FILE reads it, and check OBJECT --target FILE asks it"
_COMPILE = "compile it: clang -g -O2 -target bpf -c FILE"
_SOURCE = "give the compiled object (.bpf.o)"

_REMEDIES: dict[Form, str] = {
    Form.EMPTY: "build it again",
    Form.BTF: _ASK_KERNEL,
    Form.VMLINUX_H: _ASK_KERNEL,
    Form.BPF_H: _ASK_KERNEL,
    Form.KERNEL_IMAGE: _ASK_KERNEL,
    Form.CONFIG: "check OBJECT --target KERNEL --config FILE asks it",
    Form.RPM: "unpack it first: rpm2cpio FILE | cpio -id",
    Form.BITCODE: "compile it on: llc -march=bpf -filetype=obj FILE",
    Form.LLVM_IR: "compile it on: llc -march=bpf -filetype=obj FILE",
    Form.LIGHT_SKELETON: "give the object that it was made from (.bpf.o)",
    Form.SKELETON: "give the object that it was made from (.bpf.o)",
    Form.C_SOURCE: _COMPILE,
    Form.C_HEADER: _SOURCE,
    Form.GO: _SOURCE,
    Form.RUST: _SOURCE,
    Form.SCRIPT: _SOURCE,
    Form.HTML: "download the file itself, not the page that shows it",
    Form.LFS: "get the file that it stands for: git lfs pull",
    Form.JSON: _SOURCE,
    Form.TEXT: f"{_SOURCE}; for a list of objects: helperhist check - < FILE",
    Form.OTHER: _SOURCE,
}
_EMBEDS = re.compile(rb"^//go:embed +([^\s]+\.(?:o|elf))\s*$", re.MULTILINE)


def no_object(head: bytes, name: str) -> str:
    """Say what a file is that has no object, and what to do instead, in one line.

    :param head: its first bytes
    :param name: of the file
    """
    form = recognise(head, name)
    what = describe(head, name)
    if form is Form.GO and (embeds := _EMBEDS.search(head)) is not None:
        other = printable(one_line(embeds[1].decode("utf-8", "replace"), 100))
        return f"this is {what} that embeds {other}: check that file"
    if form in COMPRESSED or form in CONTAINERS:
        return f"this is {what}, and no BPF object is in it; {_SOURCE}"
    if form is Form.ELF:
        return (
            f"this is {what}, and no BPF object is in it; {_SOURCE}, or ask a kernel or module: "
            "helperhist kernel FILE"
        )
    return f"this is {what}; {_REMEDIES[form]}"
