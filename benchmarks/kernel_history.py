"""Build a git history of the kernel's shape with ``git fast-import``, its truth known.

Each of 65 cycles (v3.0 to v6.3, with seven release candidates each) merges some 40 subsystem
branches into mainline. One is net-next, a long chain of its own that merges bpf-next several
times; another is tracing. ``include/uapi/linux/bpf.h`` comes with v3.18; each new name in it is
added by a commit of its own, most in bpf-next, some in net-next, some in tracing, a few on
mainline after -rc2. Merges unite the lists. Some commit dates run backwards.

Two shapes: ``wide``, whose folders have as many entries as the kernel's, in the pack that
fast-import writes; ``narrow``, with small folders, and packed as ``git gc`` does, in long chains of
deltas.
"""

import json
import random
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar

HEADER = "include/uapi/linux/bpf.h"
CYCLES = 65
CANDIDATES = 7
SHAPES = ("wide", "narrow")
_BLOBS = 64
_MONTH = 63 * 86400


AnyHistory = TypeVar("AnyHistory", bound="History")


def versions() -> Iterator[str]:
    """Yield the releases, oldest first."""
    for major, last in ((3, 19), (4, 20), (5, 19), (6, 99)):
        for minor in range(last + 1):
            yield f"{major}.{minor}"


@dataclass
class Header:
    """The lists of a header, each name once, in the order in which it came."""

    helpers: list[str] = field(default_factory=list)
    map_types: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def copy(self) -> "Header":
        return Header(
            list(self.helpers), list(self.map_types), list(self.fields), list(self.remarks)
        )

    def unite(self, other: "Header") -> "Header":
        """Return the merge of two: what is here first, then what only the other has."""
        merged = self.copy()
        for mine, theirs in (
            (merged.helpers, other.helpers),
            (merged.map_types, other.map_types),
            (merged.fields, other.fields),
            (merged.remarks, other.remarks),
        ):
            have = set(mine)
            mine += [name for name in theirs if name not in have]
        return merged

    def render(self) -> bytes:
        docs = "".join(
            f" * long bpf_{name}(void *ctx, u32 size, u64 flags)\n * \tDescription\n"
            + f" * \t\tWhat {name} does, told at some length, as the header does: see there.\n" * 8
            + " * \tReturn\n * \t\t0 on success, or a negative error in case of failure.\n *\n"
            for name in self.helpers
        )
        mapper = "".join(f"\tFN({name}),\t\t\\\n" for name in ["unspec", *self.helpers])
        maps = "".join(f"\tBPF_MAP_TYPE_{name.upper()},\n" for name in ["unspec", *self.map_types])
        members = "".join(f"\t__u32 {name};\t/* a member */\n" for name in self.fields)
        remarks = "".join(f"/* {remark} */\n" for remark in self.remarks)
        others = "".join(
            f"struct bpf_other_{n} {{\n\t__u32 a;\n\t__u64 b;\n}};\n\n" for n in range(60)
        )
        return (
            "#ifndef _UAPI__LINUX_BPF_H__\n#define _UAPI__LINUX_BPF_H__\n\n"
            f"enum bpf_map_type {{\n{maps}}};\n\n{remarks}\n"
            "/* Start of BPF helper function descriptions:\n *\n"
            f"{docs} */\n#define __BPF_FUNC_MAPPER(FN)\t\t\\\n{mapper}\t/* */\n\n"
            "#define __BPF_ENUM_FN(x) BPF_FUNC_ ## x\n"
            "enum bpf_func_id {\n\t__BPF_FUNC_MAPPER(__BPF_ENUM_FN)\n\t__BPF_FUNC_MAX_ID,\n};\n"
            f"struct __sk_buff {{\n\t__u32 len;\n{members}}};\n\n{others}#endif\n"
        ).encode()


@dataclass
class Tip:
    """The end of a branch."""

    mark: int
    header: Header | None


class History:
    """Writes a history to fast-import."""

    def __init__(self, out: IO[bytes], commits: int, seed: int = 1, shape: str = "wide") -> None:
        self.out, self.random, self.wide = out, random.Random(seed), shape == "wide"
        self.per_cycle = max(commits // CYCLES, 120)
        self.mark = 0
        self.date = 1_300_000_000
        #: Name in the header to mark of the commit that introduces it.
        self.truth: dict[str, int] = {}
        self.serial = 0

    def blob(self, data: bytes) -> int:
        self.mark += 1
        self.out.write(b"blob\nmark :%d\ndata %d\n%s\n" % (self.mark, len(data), data))
        return self.mark

    def commit(
        self, subject: str, tip: Tip, changes: str, *, merge: int = 0, header: Header | None = None
    ) -> None:
        """Commit on a branch, ``header`` is its new header."""
        if header is not None:
            tip.header = header
            changes += f"M 100644 :{self.blob(header.render())} {HEADER}\n"
        self.mark += 1
        date = self.date
        if self.random.random() < 0.02:
            date -= self.random.randrange(30 * 86400)
        message = f"{subject}\n\nSigned-off-by: A Developer <a@example.org>\n".encode()
        parents = f"from :{tip.mark}\n" if tip.mark else ""
        parents += f"merge :{merge}\n" if merge else ""
        self.out.write(
            b"commit refs/heads/build\nmark :%d\nauthor A <a@example.org> %d +0000\n"
            b"committer C <c@example.org> %d +0000\ndata %d\n%s%s%s\n"
            % (
                self.mark,
                date - 86400,
                date,
                len(message),
                message,
                parents.encode(),
                changes.encode(),
            )
        )
        tip.mark = self.mark

    def ordinary(self, tip: Tip, area: int) -> None:
        """A commit that has nothing to do with the header."""
        r = self.random
        content = self.blobs[r.randrange(_BLOBS)]
        roll = r.random()
        if roll < 0.08:
            path = f"include/linux/h{r.randrange(300 if self.wide else 20)}.h"
        elif roll < 0.09:
            path = f"include/uapi/linux/u{r.randrange(500 if self.wide else 20)}.h"
        else:
            path = f"drivers/d{area}/f{r.randrange(40 if self.wide else 8)}.c"
        self.serial += 1
        self.commit(f"area{area}: change {self.serial}", tip, f"M 100644 :{content} {path}\n")

    def add_name(self, tip: Tip, kind: str) -> None:
        """A commit that adds one name to the header."""
        assert tip.header is not None
        header = tip.header.copy()
        self.serial += 1
        name = f"n{self.serial}_of_{kind}"
        known = {"helper": header.helpers, "map_type": header.map_types, "field": header.fields}
        known[kind].append(name)
        self.commit(f"bpf: add {name}", tip, "", header=header)
        full = {
            "helper": f"bpf_{name}",
            "map_type": f"BPF_MAP_TYPE_{name.upper()}",
            "field": f"__sk_buff.{name}",
        }[kind]
        self.truth[full] = tip.mark

    def remark(self, tip: Tip) -> None:
        """A commit that changes a comment of the header."""
        assert tip.header is not None
        header = tip.header.copy()
        self.serial += 1
        header.remarks = [*header.remarks[-5:], f"remark {self.serial}"]
        self.commit(f"bpf: reword {self.serial}", tip, "", header=header)

    def merge(self, tip: Tip, other: Tip, what: str, area: int) -> None:
        """Merge a branch: its files, and the union of the headers."""
        content = self.blobs[self.random.randrange(_BLOBS)]
        changes = f"M 100644 :{content} drivers/d{area}/merged.c\n"
        header = None
        if other.header is not None:
            if tip.header is None:
                header = other.header
            else:
                united = tip.header.unite(other.header)
                if united != tip.header:
                    header = united
        self.commit(f"Merge {what}", tip, changes, merge=other.mark, header=header)

    def branch(self, tip: Tip) -> Tip:
        return Tip(tip.mark, tip.header)

    def run(self) -> None:
        self.blobs = [self.blob(self.text(number)) for number in range(_BLOBS)]
        first = self.blobs[0]
        wide = self.wide
        root, include = " ".join(_ROOT).split(), " ".join(_INCLUDE).split()
        files = [f"{name}/Makefile" for name in (root if wide else root[:5])]
        files += ["COPYING", "Kbuild", "MAINTAINERS"] if wide else []
        files += [f"include/{name}/x.h" for name in (include if wide else include[:2])]
        files += [f"include/uapi/linux/u{n}.h" for n in range(500 if wide else 20)]
        files += [f"include/linux/h{n}.h" for n in range(300 if wide else 20)]
        files += [f"drivers/d{a}/f{n}.c" for a in range(44) for n in range(40 if wide else 8)]
        mainline = Tip(0, None)
        begin = "".join(f"M 100644 :{first} {p}\n" for p in files)
        begin += "".join(f"M 100644 :{self.blob(data)} {p}\n" for p, data in self.first_files())
        self.commit("Begin", mainline, begin)
        names = iter(versions())
        for _ in range(CYCLES):
            self.cycle(mainline, next(names))
        self.out.write(b"reset refs/heads/master\nfrom :%d\n\n" % mainline.mark)

    def text(self, number: int) -> bytes:
        """Return one of the contents that ordinary files have."""
        return b"content %d\n" % number

    def first_files(self) -> list[tuple[str, bytes]]:
        """Return more files of the first commit, with their contents."""
        return []

    def cycle(self, mainline: Tip, version: str) -> None:
        r = self.random
        budget = self.per_cycle
        start = self.branch(mainline)
        begin = version == "3.18"
        helpers = 0 if mainline.header is None else r.randrange(2, 8)
        net = self.branch(start)
        bpf = self.branch(start)
        if begin:
            bpf.header = Header()
            self.commit("bpf: add the header", bpf, "", header=bpf.header)
            helpers = 3
        # net-next has a sixth of all, bpf-next a thirtieth.
        pending = [
            ("helper" if n < helpers else r.choice(("map_type", "field")))
            for n in range(helpers + (0 if bpf.header is None else r.randrange(3, 9)))
        ]
        r.shuffle(pending)
        rounds = 6
        for turn in range(rounds):
            for _ in range(max(budget // 30 // rounds, 2)):
                self.date += r.randrange(20)
                self.ordinary(bpf, 40)
                if bpf.header is not None and r.random() < 6 / max(budget // 30, 12):
                    self.remark(bpf)
            while pending and r.random() < 0.7:
                self.add_name(bpf, pending.pop())
            for _ in range(max(budget // 7 // rounds, 3)):
                self.date += r.randrange(20)
                self.ordinary(net, 41)
            if net.header is not None and r.random() < 0.15:
                self.add_name(net, "helper")
            self.merge(net, bpf, f"bpf-next {version} {turn}", 41)
            if turn % 2:
                # bpf-next goes on from net-next.
                bpf = self.branch(net)
        while pending:
            self.add_name(bpf, pending.pop())
        self.merge(net, bpf, f"bpf-next {version} last", 41)
        tracing = self.branch(start)
        if tracing.header is not None and r.random() < 0.3:
            for _ in range(10):
                self.ordinary(tracing, 42)
            self.add_name(tracing, "helper")
        others = []
        rest = max(budget - budget // 30 - budget // 7 - budget // 6, 80)
        for area in range(38):
            tip = self.branch(start)
            for _ in range(max(rest // 38, 1)):
                self.date += r.randrange(5)
                self.ordinary(tip, area)
            others.append((tip, f"area{area} {version}", area))
        order = [*others, (net, f"net-next {version}", 41), (tracing, f"tracing {version}", 42)]
        r.shuffle(order)
        for tip, what, area in order:
            self.date += r.randrange(3600)
            self.merge(mainline, tip, what, area)
        for candidate in range(1, CANDIDATES + 1):
            self.tag(mainline, f"v{version}-rc{candidate}")
            fixes = self.branch(mainline)
            for _ in range(max(budget // 6 // CANDIDATES, 2)):
                self.date += r.randrange(60)
                self.ordinary(fixes, r.randrange(40))
            if mainline.header is not None and candidate == 3 and r.random() < 0.1:
                self.add_name(fixes, "helper")
            self.merge(mainline, fixes, f"fixes {version}-rc{candidate}", 43)
            self.date += 7 * 86400
        self.tag(mainline, f"v{version}")

    def tag(self, tip: Tip, name: str) -> None:
        message = f"Linux {name[1:]}\n".encode()
        self.out.write(
            b"tag %s\nfrom :%d\ntagger C <c@example.org> %d +0000\ndata %d\n%s\n"
            % (name.encode(), tip.mark, self.date, len(message), message)
        )


_ROOT = (
    "Documentation LICENSES arch block certs crypto drivers fs init io_uring ipc kernel lib mm net",
    "rust samples scripts security sound tools usr virt",
)
_INCLUDE = (
    "acpi asm-generic clocksource crypto cxl drm dt-bindings hyperv keys kunit kvm linux math-emu",
    "media memory misc net pcmcia ras rdma rv scsi soc sound target trace ufs vdso video xen",
)


def write_history(
    folder: Path, make: Callable[[IO[bytes]], AnyHistory]
) -> tuple[AnyHistory, dict[int, str]]:
    """Write a history into a new repository; return it, and the commits by their marks."""
    subprocess.run(["git", "init", "-q", "--bare", folder], check=True)
    marks = folder / "marks"
    with subprocess.Popen(
        ["git", "-C", folder, "fast-import", "--quiet", "--force", f"--export-marks={marks}"],
        stdin=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        history = make(process.stdin)
        history.run()
        process.stdin.close()
        if process.wait() != 0:
            raise SystemExit("git fast-import failed")
    ids = {}
    with marks.open() as file:
        for line in file:
            mark, oid = line.split()
            ids[int(mark[1:])] = oid
    marks.unlink()
    subprocess.run(["git", "-C", folder, "symbolic-ref", "HEAD", "refs/heads/master"], check=True)
    subprocess.run(["git", "-C", folder, "pack-refs", "--all"], check=True)
    return history, ids


def build(folder: Path, commits: int, seed: int = 1, shape: str = "wide") -> dict[str, str]:
    """Build the history, return the introducing commit of each name.

    :param shape: one of SHAPES
    """
    history, ids = write_history(folder, lambda out: History(out, commits, seed, shape))
    truth = {name: ids[mark] for name, mark in history.truth.items()}
    (folder / "truth.json").write_text(json.dumps(truth))
    if shape == "narrow":
        subprocess.run(["git", "-C", folder, "repack", "-adfq", "--depth=50"], check=True)
    return truth


if __name__ == "__main__":
    import sys
    import time

    begun = time.monotonic()
    truth = build(Path(sys.argv[1]), int(sys.argv[2]), 1, *sys.argv[3:4])
    print(len(truth), time.monotonic() - begun)
