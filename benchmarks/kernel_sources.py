"""A git history of the kernel's shape whose C files say who may call what, its truth known.

As ``kernel_history``, with 70 files of up to 800 KB beside the header, of which one in 240 commits
changes one, as in the kernel: four times in five a function that has nothing to do with BPF's
lists, else a helper is opened to a type of program, or a kfunc comes. All other files have the size
of a driver's; a tree has 6,000 of them, a tenth of the kernel's.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from kernel_history import History, Tip, write_history

HEADER = "include/uapi/linux/bpf.h"
TYPES = ("XDP", "SCHED_CLS", "CGROUP_SKB", "TRACING", "KPROBE", "LSM", "SK_MSG", "SYSCALL")
#: Path to size in KB: filter.c has the functions of all types.
LARGE = {
    "kernel/bpf/verifier.c": 600, "net/core/filter.c": 350, "kernel/bpf/btf.c": 260,
    "kernel/bpf/syscall.c": 170, "kernel/bpf/helpers.c": 140, "kernel/trace/bpf_trace.c": 95,
    "kernel/sched/ext.c": 290, "net/core/dev.c": 400, "kernel/bpf/core.c": 95,
    "drivers/net/ethernet/large.c": 800,
}  # fmt: skip
SMALL = tuple(
    f"{folder}/file{number}.c"
    for number in range(10)
    for folder in ("kernel/bpf", "net/ipv4", "net/netfilter", "fs", "drivers/hid", "kernel/cgroup")
)
PATHS = (*LARGE, *SMALL)
#: Files that no source wants and no commit changes, each with its own text.
OTHERS = 4000

_WORDS = [f"word{number}" for number in range(2000)]

#: What a file is made of: the serial of each of its functions, and the names that it lists.
Content = tuple[tuple[int, ...], frozenset[str]]


def functions(path: str) -> int:
    """Return how many functions a file has, of 1 KB each."""
    return LARGE.get(path, 24)


def render(path: str, content: Content) -> bytes:
    """Return the text of a file."""
    serials, names = content
    stem = path.replace("/", "_").removesuffix(".c")
    text = [f"// SPDX-License-Identifier: GPL-2.0\n#include <linux/bpf.h>\n/* {path} */\n"]
    for number, serial in enumerate(serials):
        lines = "".join(
            f"\t\tif (state->regs[{(serial + at) % 97}].type == reg_type_{at})\n"
            f"\t\t\treturn {stem}_step(env, insn_idx + {at}, &value); /* step {serial} */\n"
            for at in range(6)
        )
        text.append(
            f"static int {stem}_function_{number}(struct bpf_verifier_env *env, int insn_idx)\n{{\n"
            f"\tstruct bpf_verifier_state *state = env->cur_state;\n\n\tfor (;;) {{\n{lines}\t}}\n"
            f"\treturn 0;\n}}\n\n"
        )
    if path == "net/core/filter.c":
        text += _choosers(names)
    elif path in SMALL:
        text.append(_kfuncs(stem, sorted(names)))
    elif path == "kernel/bpf/btf.c":
        text.append(_HOOKS)
    return "".join(text).encode()


def _choosers(names: frozenset[str]) -> list[str]:
    """Return prototypes, and a function for each type; a name is ``helper type``."""
    helpers = sorted({name.split(" ")[0] for name in names})
    text = [
        f"static const struct bpf_func_proto bpf_{name}_proto = {{\n\t.func\t\t= bpf_{name},\n"
        "\t.gpl_only\t= false,\n\t.ret_type\t= RET_INTEGER,\n};\n\n"
        for name in helpers
    ]
    for kind in TYPES:
        cases = "".join(
            f"\tcase BPF_FUNC_{name}:\n\t\treturn &bpf_{name}_proto;\n"
            for name in helpers
            if f"{name} {kind}" in names
        )
        text.append(
            f"static const struct bpf_func_proto *\n{kind.lower()}_func_proto(enum bpf_func_id "
            f"func_id, const struct bpf_prog *prog)\n{{\n\tswitch (func_id) {{\n{cases}"
            "\tdefault:\n\t\treturn NULL;\n\t}\n}\n\n"
            f"const struct bpf_verifier_ops {kind.lower()}_verifier_ops = {{\n"
            f"\t.get_func_proto\t= {kind.lower()}_func_proto,\n}};\n\n"
        )
    return text


def _kfuncs(stem: str, names: Sequence[str]) -> str:
    made = "".join(f"__bpf_kfunc int {name}(int a)\n{{\n\treturn a;\n}}\n\n" for name in names)
    listed = "".join(f"BTF_ID_FLAGS(func, {name}, KF_ACQUIRE)\n" for name in names)
    return (
        f"{made}BTF_KFUNCS_START({stem}_ids)\n{listed}BTF_KFUNCS_END({stem}_ids)\n\n"
        f"static const struct btf_kfunc_id_set {stem}_set = {{\n\t.owner\t= THIS_MODULE,\n"
        f"\t.set\t= &{stem}_ids,\n}};\n\nstatic int __init {stem}_init(void)\n{{\n"
        f"\treturn register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &{stem}_set);\n}}\n"
    )


_HOOKS = """
static int bpf_prog_type_to_kfunc_hook(enum bpf_prog_type prog_type)
{
\tswitch (prog_type) {
\tcase BPF_PROG_TYPE_XDP:
\t\treturn BTF_KFUNC_HOOK_XDP;
\tdefault:
\t\treturn BTF_KFUNC_HOOK_MAX;
\t}
}
"""
_TYPES_H = "".join(
    f"BPF_PROG_TYPE(BPF_PROG_TYPE_{kind}, {kind.lower()},\n\t      void *, void *)\n"
    for kind in TYPES
)


class SourceHistory(History):
    """Writes a history whose commits also change C files."""

    def __init__(self, out: IO[bytes], commits: int, seed: int = 1, shape: str = "wide") -> None:
        super().__init__(out, commits, seed, shape)
        self.choices = random.Random(seed + 1)
        #: Kind, name and type to the mark of the commit that brings it.
        self.brought: dict[str, int] = {}
        #: By the mark of a commit: what each file is.
        self.contents: dict[int, dict[str, Content]] = {}
        self.touching = 0

    def first_files(self) -> list[tuple[str, bytes]]:
        """Return more files of the first commit."""
        start = {path: (tuple([0] * functions(path)), frozenset[str]()) for path in PATHS}
        start["net/core/filter.c"] = start["net/core/filter.c"][0], frozenset(["first XDP"])
        self.contents[0] = start
        return [
            *((path, render(path, content)) for path, content in start.items()),
            ("include/linux/bpf_types.h", _TYPES_H.encode()),
            *((f"drivers/big{n % 20}/f{n}.c", self.text(1000 + n)) for n in range(OTHERS)),
        ]

    def text(self, number: int) -> bytes:
        """Return a text of some 14 KB."""
        return " ".join(random.Random(number).choices(_WORDS, k=2000)).encode()

    def of(self, tip: Tip) -> dict[str, Content]:
        """Return the files of the commit that a branch ends with."""
        return self.contents[tip.mark if tip.mark in self.contents else 0]

    def ordinary(self, tip: Tip, area: int) -> None:
        """A commit: one in 240 of them touches a file of the sources."""
        before = self.of(tip)
        r = self.choices
        often = 0.05 if area == 40 else 0.015 if area == 41 else 0.001
        if r.random() >= often:
            super().ordinary(tip, area)
            self.contents[tip.mark] = before
            return
        path = r.choice((*LARGE, *LARGE, *PATHS))
        serials, names = before[path]
        self.serial += 1
        self.touching += 1
        new = ""
        if tip.header is not None and r.random() < 0.2 and path in (*SMALL, "net/core/filter.c"):
            new = f"bpf_k{self.serial}" if path in SMALL else f"h{self.serial} {r.choice(TYPES)}"
        if new:
            content = serials, names | {new}
        else:
            at = r.randrange(len(serials))
            content = (*serials[:at], self.serial, *serials[at + 1 :]), names
        blob = self.blob(render(path, content))
        self.commit(f"area{area}: touch {self.serial}", tip, f"M 100644 :{blob} {path}\n")
        self.contents[tip.mark] = {**before, path: content}
        if new:
            name, _, kind = new.partition(" ")
            kind = f"helper_use bpf_{name} BPF_PROG_TYPE_{kind}" if kind else f"kfunc {name} "
            self.brought[kind] = tip.mark

    def add_name(self, tip: Tip, kind: str) -> None:
        """A commit that adds one name to the header."""
        before = self.of(tip)
        super().add_name(tip, kind)
        self.contents[tip.mark] = before

    def remark(self, tip: Tip) -> None:
        """A commit that changes a comment of the header."""
        before = self.of(tip)
        super().remark(tip)
        self.contents[tip.mark] = before

    def more_of_merge(self, tip: Tip, other: Tip) -> tuple[str, dict[str, Content]]:
        """Return the changes of a merge: what one side changed, and the union of what both did."""
        mine, theirs = self.of(tip), self.of(other)
        merged, changes = dict(mine), ""
        for path in PATHS:
            if mine[path] is theirs[path]:
                continue
            serials = tuple(map(max, mine[path][0], theirs[path][0]))
            content = serials, mine[path][1] | theirs[path][1]
            if content != mine[path]:
                merged[path] = theirs[path] if content == theirs[path] else content
                changes += f"M 100644 :{self.blob(render(path, content))} {path}\n"
        return changes, merged

    def merge(self, tip: Tip, other: Tip, what: str, area: int) -> None:
        """Merge a branch."""
        more, merged = self.more_of_merge(tip, other)
        self.extra = more
        super().merge(tip, other, what, area)
        self.contents[tip.mark] = merged

    def commit(self, subject: str, tip: Tip, changes: str, **options: object) -> None:
        """Commit on a branch, with what a merge has more."""
        changes += self.__dict__.pop("extra", "")
        super().commit(subject, tip, changes, **options)  # type: ignore[arg-type]


def build(folder: Path, commits: int) -> dict[str, str]:
    """Build a history; return the commit of each kind, name and object."""
    history, ids = write_history(folder, lambda out: SourceHistory(out, commits))
    truth = {name: ids[mark] for name, mark in history.brought.items()}
    (folder / "truth.json").write_text(json.dumps(truth))
    return truth
