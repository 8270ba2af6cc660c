"""Time `check` of many objects against many kernels.

    python benchmarks/bench_matrix.py OBJECTS KERNELS [--objects N] [--count N]

OBJECTS and KERNELS are folders: of objects, and of BTF files. Where there are fewer kernels than
asked for, they are taken several times, under other names: each is read again. Prints seconds of
the wall clock and of the processors, and the objects that take longest alone.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from helperhist.binary import parse_object
from helperhist.check import Checker, find_files, split_targets
from helperhist.dataset import load
from helperhist.errors import ParseError


def run(*args: str, stdin: str) -> tuple[float, float]:
    """Return the seconds of the wall clock and of the processors."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "helperhist", "check", "-", *args],
        input=stdin,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    wall, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system
    return wall, used - before.children_user - before.children_system


def alone(paths: list[Path]) -> list[tuple[float, Path]]:
    """Return the seconds that each object takes, the longest first."""
    checker = Checker(load("embedded"))
    found = []
    for path in paths:
        start = time.process_time()
        try:
            checker.check(parse_object(path.read_bytes(), "auto"))
        except ParseError:
            continue
        found.append((time.process_time() - start, path))
    return sorted(found, reverse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("kernels", type=Path)
    parser.add_argument("--objects", type=int, default=100)
    parser.add_argument("--count", type=int, default=100, help="of kernels")
    args = parser.parse_args()
    every = list(find_files([str(args.folder)]))
    some = sorted(random.Random(1).sample(every, min(args.objects, len(every))))
    listed = "".join(f"{path}\n" for path in some)
    wall, used = run(stdin=listed)
    print(f"{len(some)} objects alone: {wall:.1f} s, {used:.1f} s of the processors")
    with tempfile.TemporaryDirectory() as made:
        kernels = split_targets([str(args.kernels)])
        for number, kernel in enumerate(islice(cycle(kernels), args.count)):
            (Path(made) / f"{number}.btf").symlink_to(Path(kernel).resolve())
        wall, used = run("--target", made, "--format", "csv", stdin=listed)
    print(f"against {args.count} kernels: {wall:.1f} s, {used:.1f} s of the processors")
    for seconds, path in alone(some)[:5]:
        print(f"{seconds:.2f} s  {path}")


if __name__ == "__main__":
    main()
