"""Time `helperhist check`: python benchmarks/bench_check.py [--rounds N] [FOLDER]

Without FOLDER, builds 100 objects of typical size first, with the clang of the ziglang package.
Exit code 1 if a budget is exceeded.
"""

import argparse
import concurrent.futures
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
OBJECTS = 100
#: Seconds for the folder; times the median per byte; times the start of click.
FOLDER_BUDGET, BYTE_BUDGET, START_BUDGET = 3.0, 10.0, 4.0

PROGRAM = """
SEC("{section}") int prog{n}(void *ctx)
{{
    struct event e = {{}};
    u64 id = CALL0(14), key = id >> 32;
    u64 *seen = (u64 *)CALL2(1, &start, &key);
    if (!seen)
        return 0;
    e.pid = key; e.delta = CALL0(5) - *seen;
    if (filter && filter != key)
        return 0;
    for (int i = 0; i < {loop}; i++)
        e.name[i % 16] = *(volatile u8 *)(seen + i % 8) + i * {n};
    CALL2(16, e.name, 16);
    CALL3(113, &e.more, 8, ((struct task *)ctx)->parent);
    if (enum_exists(enum bpf_func_id, BPF_FUNC_ringbuf_output))
        CALL4(130, &events, &e, sizeof(e), 0);
    {body}
    return CALL2(3, &start, &key);
}}
"""
HEAD = """#include "common.h"
LICENSE("GPL")
enum bpf_func_id {{ BPF_FUNC_ringbuf_output = 130 }};
struct event {{ u32 pid; u64 delta; char name[16]; u64 more; }};
struct task {{ struct task *parent; int pid, tgid; char comm[16]; u64 stamps[{n}]; }} __core;
struct {{ __uint(type, 1); __uint(max_entries, 8192); __type(key, u64); __type(value, u64); }}
    start SEC(".maps");
struct {{ __uint(type, 27); __uint(max_entries, 262144); }} events SEC(".maps");
volatile const u64 filter = 0;
"""
SECTIONS = ("kprobe/a", "tracepoint/b/c", "raw_tp/d", "fentry/e", "tc", "xdp", "perf_event")


def source(index: int) -> str:
    """Make an object of 1 to 16 programs, as the tools of bcc have them."""
    parts = [
        PROGRAM.format(
            section=SECTIONS[(index + n) % len(SECTIONS)],
            n=n,
            loop=8 + index % 9,
            body="".join(
                f"e.more += CALL1({4 + k % 3}, e.delta + {k});" for k in range(index % 40)
            ),
        )
        for n in range(1 + index % 16)
    ]
    return HEAD.format(n=1 + index) + "".join(parts)


def build(folder: Path, index: int) -> None:
    """Compile one object."""
    path = folder / f"prog{index:03}.bpf.c"
    path.write_text(source(index))
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "bpfel-freestanding", "-c", "-O2"]
    command += ["-g", "-mcpu=v3", f"-I{ROOT / 'tests' / 'bpf'}", str(path)]
    subprocess.run([*command, "-o", str(path.with_suffix(".o"))], check=True)


def best(command: list[str], rounds: int) -> float:
    """Return the seconds of the fastest run."""
    found = []
    for _ in range(rounds):
        begin = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found.append(time.perf_counter() - begin)
    return min(found)


def main() -> int:
    """Build, measure, print, compare with the budgets."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("folder", type=Path, nargs="?")
    options = parser.parse_args()
    # As installed packages are: compiled once.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPATH"] = str(ROOT)
    os.environ["PYTHONPYCACHEPREFIX"] = tempfile.gettempdir() + "/helperhist-bench-pycache"
    with tempfile.TemporaryDirectory() as work:
        folder = options.folder or Path(work)
        if options.folder is None:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                list(pool.map(lambda index: build(folder, index), range(OBJECTS)))
        return measure(folder, options.rounds)


def measure(folder: Path, rounds: int) -> int:
    """Print what a folder takes, and what the start takes."""
    from helperhist import load
    from helperhist.binary.object import parse_object
    from helperhist.check.checker import Checker

    objects = sorted(path for path in folder.rglob("*.o") if path.is_file())
    command = [sys.executable, "-m", "helperhist", "check"]
    checker = Checker(load("embedded"))
    per_byte = {}
    for path in objects:
        data = path.read_bytes()
        times = []
        for _ in range(rounds):
            begin = time.perf_counter()
            checker.check(parse_object(data))
            times.append(time.perf_counter() - begin)
        per_byte[path] = min(times) / len(data)
    median = statistics.median(per_byte.values())
    worst = max(per_byte, key=lambda path: per_byte[path])
    small = min(objects, key=lambda path: path.stat().st_size)
    click = best([sys.executable, "-c", "import click"], rounds * 4)
    rows = [
        (
            f"folder of {len(objects)} objects, {sum(p.stat().st_size for p in objects) >> 10} KiB",
            best([*command, str(folder)], rounds),
            FOLDER_BUDGET,
            "s",
        ),
        (
            f"slowest object per byte, {worst.name}, by the median",
            per_byte[worst] / median,
            BYTE_BUDGET,
            "times",
        ),
        (
            f"one small object, {small.stat().st_size >> 10} KiB, by `import click`",
            best([*command, str(small)], rounds * 4) / click,
            START_BUDGET,
            "times",
        ),
    ]
    for name, value, budget, unit in rows:
        verdict = "ok" if value <= budget else "TOO SLOW"
        print(f"{name:60} {value:6.2f} {unit:5} (budget {budget:.0f}) {verdict}")
    return int(any(value > budget for _, value, budget, _ in rows))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
