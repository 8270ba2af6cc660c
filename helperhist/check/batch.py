"""Many objects, and many kernels: each file and each kernel is read once, on all cores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from helperhist.binary import BpfObject
from helperhist.check.aim import Aim, Verdict, read_kernel_aim, release_aim
from helperhist.check.checker import Checker
from helperhist.check.files import Checked, check_file, read_again
from helperhist.check.workers import cores, spread
from helperhist.errors import HelperhistError

__all__ = ["Column", "check_files"]

#: Kernels that are kept in memory at a time; with more, the objects are kept instead.
_FEW = 3
#: Bytes of objects that a worker keeps parsed.
_KEPT = 48 << 20
#: Bytes of objects that are worth a second process.
_MANY_BYTES = 2 << 20
_MANY_CELLS = 16


@dataclass(frozen=True, slots=True)
class Column:
    """What one kernel says of all objects.

    :ivar aim: the kernel; without what was only needed to ask it
    :ivar verdicts: one for each object that could be read, in their order
    :ivar error: why the kernel could not be read, else empty
    """

    aim: Aim
    verdicts: tuple[Verdict, ...] = ()
    error: str = ""


def check_files(
    checker: Checker,
    paths: Sequence[Path],
    loader: str,
    targets: Sequence[str] = (),
    config: Mapping[str, str] | None = None,
    explain: bool = False,
) -> tuple[list[Checked], list[Column]]:
    """Check files, and judge what is in them by kernels.

    :param targets: releases, and what there is of particular kernels
    :param config: the configuration of the kernels, where they do not bring their own
    :param explain: whether to say of each CO-RE relocation what became of it
    :raises HelperhistError: the only kernel cannot be read; of several it is part of the answer
    """
    timeline = checker.timeline
    aims = [release_aim(text, timeline, config) for text in targets]
    left = [text for text, aim in zip(targets, aims, strict=True) if aim is None]
    several = len(targets) > 1
    read = _Reader(checker, config, explain, several)
    kernels: dict[str, Column | Aim] = {}
    if len(left) <= _FEW:
        for text in left:
            kernels[text] = read.kernel(text)
    near = [aim for aim in (*aims, *kernels.values()) if isinstance(aim, Aim)]
    job = _Objects(checker, loader, near)
    rows = [row for part in spread(job, paths, _workers(paths)) for row in part]
    checked = [item for item, _ in rows]
    good = [(item, verdicts) for item, verdicts in rows if item.findings is not None]
    columns: dict[str, Column] = {}
    for at, aim in enumerate(near):
        columns[aim.label] = Column(aim.bare, tuple(verdicts[at] for _, verdicts in good))
    columns.update((text, item) for text, item in kernels.items() if isinstance(item, Column))
    if len(left) > _FEW:
        ask = _Kernels(read, loader, [item for item, _ in good])
        workers = cores() if len(good) * len(left) >= _MANY_CELLS else 1
        columns.update(zip(left, spread(ask, left, workers), strict=True))
    return checked, [columns[text] for text in targets]


def _workers(paths: Sequence[Path]) -> int:
    size = 0
    for path in paths:
        if path.is_file():
            size += path.stat().st_size
        if size >= _MANY_BYTES:
            return cores()
    return 1


class _Reader:
    """Reads kernels."""

    def __init__(
        self,
        checker: Checker,
        config: Mapping[str, str] | None,
        explain: bool,
        several: bool,
    ) -> None:
        self._checker, self._config, self._explain = checker, config, explain
        self._several = several

    def kernel(self, text: str) -> Aim | Column:
        """Return a kernel, or the column that says why it cannot be read."""
        try:
            return read_kernel_aim(
                text, self._checker.timeline, self._config, self._explain, not self._several
            )
        except HelperhistError as error:
            if not self._several:
                raise
            return Column(Aim(text), (), str(error))


class _Objects:
    """Checks the objects of a file, and judges them by kernels that are in memory."""

    def __init__(self, checker: Checker, loader: str, aims: Sequence[Aim]) -> None:
        self._checker, self._loader, self._aims = checker, loader, aims

    def __call__(self, path: Path) -> list[tuple[Checked, list[Verdict]]]:
        found = []
        for item, obj in check_file(self._checker, path, self._loader):
            verdicts: list[Verdict] = []
            if item.findings is not None and obj is not None:
                verdicts = [aim.judge(item.findings, _same(obj)) for aim in self._aims]
            found.append((item, verdicts))
        return found


def _same(obj: BpfObject) -> Callable[[], BpfObject]:
    return lambda: obj


class _Kernels:
    """Reads a kernel, and judges all objects by it."""

    def __init__(self, read: _Reader, loader: str, items: Sequence[Checked]) -> None:
        self._read, self._loader, self._items = read, loader, items
        self._kept: dict[int, BpfObject] = {}
        self._bytes = 0

    def __call__(self, text: str) -> Column:
        aim = self._read.kernel(text)
        if isinstance(aim, Column):
            return aim
        verdicts = []
        try:
            for at, item in enumerate(self._items):
                assert item.findings is not None
                verdicts.append(aim.judge(item.findings, lambda at=at: self._object(at)))  # type: ignore[misc]
        except HelperhistError as error:
            return Column(Aim(text), (), str(error))
        return Column(aim.bare, tuple(verdicts))

    def _object(self, at: int) -> BpfObject:
        obj = self._kept.get(at)
        if obj is None:
            obj, size = read_again(self._items[at], self._loader)
            if self._bytes + size <= _KEPT:
                self._bytes += size
                self._kept[at] = obj
        return obj
