"""The kernels that objects are judged by: releases, and what there is of particular ones."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from helperhist.binary import BpfObject, Form, recognise
from helperhist.check.against import Against
from helperhist.check.needs import Findings
from helperhist.check.target import KernelRead, judge_kernel, judge_release
from helperhist.check.verdict import TooNew, undecided
from helperhist.errors import HelperhistError, InvalidVersion
from helperhist.timeline import Asked, Timeline, ask
from helperhist.version import natural_key

if TYPE_CHECKING:
    from helperhist.check.judge import BtfJudge

__all__ = ["Aim", "Verdict", "read_kernel_aim", "release_aim", "split_targets"]

#: Files that are looked at in a folder of kernels.
_MAX_FILES = 10_000
_PACKED_BTF = (".btf.tar.xz", ".btf.tar.gz", ".btf.tar.zst", ".btf.xz", ".btf.gz", ".btf.zst")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a kernel says of an object.

    :ivar lacks: what it lacks, or may lack
    :ivar against: the answer of its BTF, where it has one
    :ivar answer: ``yes``, ``no`` or ``cannot tell``
    """

    lacks: tuple[TooNew, ...]
    against: Against | None
    answer: str


@dataclass(frozen=True, slots=True)
class Aim:
    """A kernel that is asked.

    :ivar label: as users named it
    :ivar release: as it was asked for; of a particular kernel None
    :ivar like: the release that a particular kernel is most like
    :ivar btf: asks its BTF; None if it has none
    :ivar config: its configuration, where that is known
    """

    label: str
    release: Asked | None = None
    kernel: KernelRead | None = None
    like: str | None = None
    btf: "BtfJudge | None" = None
    config: Mapping[str, str] | None = None

    @property
    def bare(self) -> "Aim":
        """The kernel without what is only needed to ask it."""
        return Aim(self.label, self.release, like=self.like)

    @property
    def note(self) -> str | None:
        """What the data cannot say of it."""
        doubt = None if self.release is None else self.release.doubt
        return None if doubt is None else doubt.text

    def judge(self, findings: Findings, read: Callable[[], BpfObject]) -> Verdict:
        """Judge an object.

        :param read: returns the object, where more is asked than what was found in it
        """
        against = None
        if self.kernel is not None:
            lacks = judge_kernel(findings, self.kernel, self.like)
            if self.btf is not None:
                against = self.btf.judge(read())
                lacks = against.merged(lacks)
        else:
            assert self.release is not None
            lacks = judge_release(findings, self.release.release)
        if self.config is not None:
            kconfig = import_module("helperhist.check.kconfig")
            lacks = (*lacks, *kconfig.missing_kconfig(read(), self.config))
        if findings.refused or any(item.certain for item in lacks):
            answer = "no"
        else:
            answer = "cannot tell" if lacks or undecided(self.release) else "yes"
        return Verdict(lacks, against, answer)


def release_aim(
    text: str, timeline: Timeline, config: Mapping[str, str] | None = None
) -> Aim | None:
    """Return the release that is meant; None if it is a particular kernel.

    :raises InvalidVersion: it is neither
    """
    if text == "running":
        return None
    try:
        return Aim(text, ask(timeline, text), config=config)
    except InvalidVersion:
        # The empty text would be the folder that one is in.
        if not text.strip() or ("@" not in text and not Path(text).exists()):
            raise
    return None


def read_kernel_aim(
    text: str,
    timeline: Timeline,
    config: Mapping[str, str] | None = None,
    explain: bool = False,
    nearest: bool = True,
) -> Aim:
    """Read a particular kernel.

    :param text: ``running``, a file, a folder, ``GITREPO@REV``
    :param config: its configuration; its own where this is None
    :param explain: whether to say of each CO-RE relocation what became of it
    :param nearest: whether to say the nearest name of one that is missing, which takes longer
    :raises HelperhistError: it cannot be read
    """
    # Only needed here, and in a part of its own.
    try:
        kernel = import_module("helperhist.kernel")
        judge = import_module("helperhist.check.judge")
    except ImportError as error:
        raise HelperhistError(f"--target {text}: cannot read kernels: {error}") from error
    info = kernel.read_kernel(text, timeline)
    like = str(kernel.compare(info, timeline).release)
    config = info.config if config is None else config
    btf = None
    if info.types is not None:
        info.types.names.wanted = nearest
        btf = judge.BtfJudge(info.types, like, timeline, config, explain)
    return Aim(text, None, cast("KernelRead", info), like, btf, config)


def split_targets(texts: Sequence[str]) -> list[str]:
    """Return the kernels that are meant: of a folder of BTF files, each of these.

    :raises HelperhistError: one is given twice
    """
    found: list[str] = []
    for text in texts:
        path = Path(text)
        inside = (
            []
            if text == "running" or not text.strip() or not path.is_dir()
            else sorted(_kernels(path), key=natural_key)
        )
        found += inside or [text]
    twice = {item for item in found if found.count(item) > 1}
    if twice:
        raise HelperhistError(f"--target {min(twice)} is given twice")
    return found


def _kernels(folder: Path) -> Iterator[str]:
    """Yield the BTF files of a folder; none if the folder is one kernel's (``/sys/kernel/btf``)."""
    if (folder / "vmlinux").exists():
        return
    count = 0
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            count += 1
            if count > _MAX_FILES:
                raise HelperhistError(
                    f"{folder} has more than {_MAX_FILES} files; name the kernels"
                )
            path = Path(root) / name
            if path.is_file() and (name.endswith(_PACKED_BTF) or _is_btf(path)):
                yield str(path)


def _is_btf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return recognise(file.read(64)) is Form.BTF
    except OSError:
        return False
