"""Measure ``scan`` and ``since`` against plain git and Python on the same machine.

    python benchmarks/bench_scan.py                        two histories of 250,000 commits
    python benchmarks/bench_scan.py --shape narrow         one of them
    python benchmarks/bench_scan.py --commits 1270000      as many as the kernel has
    python benchmarks/bench_scan.py --repo DIR             keep the histories there for later

Prints the median of some runs in a table, and checks each introducing commit that was found.
"""

import argparse
import csv
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kernel_history import HEADER, SHAPES, build


@dataclass(frozen=True)
class Run:
    """Seconds of wall time and of all cores, and the peak memory in MiB of the largest process."""

    seconds: float
    cpu: float
    memory: float


def run(command: Sequence[str | Path], runs: int, text: str = "", fresh: Path | None = None) -> Run:
    """Run a command some times, after once unmeasured; return the medians.

    :param fresh: a folder removed before each run
    """
    taken = []
    for count in range(runs + 1):
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)
        script = (
            "import os, resource, subprocess, sys, time\n"
            "begun = time.perf_counter()\n"
            "done = subprocess.run(sys.argv[1:], stdin=0, stdout=subprocess.DEVNULL)\n"
            "seconds = time.perf_counter() - begun\n"
            "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
            "cpu = used.ru_utime + used.ru_stime\n"
            "print(done.returncode, seconds, cpu, used.ru_maxrss / 1024, file=sys.stderr)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, command)],
            input=text,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )
        code, seconds, cpu, memory = done.stderr.split()[-4:]
        if code != "0":
            raise SystemExit(f"{command} failed: {done.stderr}")
        if count:
            taken.append(Run(float(seconds), float(cpu), float(memory)))
    return Run(
        statistics.median(item.seconds for item in taken),
        statistics.median(item.cpu for item in taken),
        statistics.median(item.memory for item in taken),
    )


def check(dataset: Path, truth: Path) -> str:
    """Compare the commits of a dataset with those that were built."""
    wanted: dict[str, str] = json.loads(truth.read_text())
    with (dataset / "timeline.csv").open(newline="") as file:
        found = {row["name"]: row["commit"] for row in csv.DictReader(file)}
    wrong = [name for name, commit in wanted.items() if found.get(name) != commit]
    if wrong:
        raise SystemExit(f"{len(wrong)} introducing commits are wrong, such as {wrong[:3]}")
    return f"all {len(wanted)} introducing commits right"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commits", type=int, default=250_000)
    parser.add_argument("--repo", type=Path)
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["XDG_DATA_HOME"] = scratch
        os.environ.pop("HELPERHIST_DATA", None)
        for shape in [options.shape] if options.shape else SHAPES:
            repo = (options.repo or Path(scratch)) / shape
            if not (repo / "truth.json").exists():
                print(f"building {options.commits:,} commits ...", file=sys.stderr)
                build(repo, options.commits, shape=shape)
            print(f"\n## {shape}\n")
            measure(repo, Path(scratch), options.runs)


def with_graph(repo: Path, scratch: Path, runs: int) -> tuple[Run, Run]:
    """Return scans by a commit-graph without and with filters; leave the repository without."""
    git = ("git", "-C", repo, "commit-graph", "write", "--reachable", "--no-progress")
    graph = repo / "objects" / "info" / "commit-graph"
    output = scratch / "graph"
    scan = (
        sys.executable,
        "-m",
        "helperhist",
        "scan",
        repo,
        "--source",
        "bpf.h",
        "--output",
        output,
    )
    found = []
    for option in ("--no-changed-paths", "--changed-paths"):
        subprocess.run([*git, option], check=True)
        found.append(run(scan, runs, fresh=output))
        check(output, repo / "truth.json")
        graph.unlink()
    return found[0], found[1]


def measure(repo: Path, scratch: Path, runs: int) -> None:
    git = ("git", "-C", repo, "-c", "core.commitGraph=false")
    commits = subprocess.check_output([*git, "rev-list", "--all", "--count"], text=True).strip()
    tags = subprocess.check_output([*git, "tag"], text=True).split()
    scan = (sys.executable, "-m", "helperhist", "scan", repo, "--source", "bpf.h", "--output")
    full, bare = scratch / "full", scratch / "bare"

    # What an interrupted run left.
    (repo / "objects" / "info" / "commit-graph").unlink(missing_ok=True)
    log = run([*git, "log", "--format=%H", "--", HEADER], runs)
    cat = run([*git, "cat-file", "--batch"], runs, "".join(f"{t}:{HEADER}\n" for t in tags))
    first = run([*scan, full], runs, fresh=full)
    verdict = check(full, repo / "truth.json")
    graph, filters = with_graph(repo, scratch, runs)
    plain = run([*scan, bare, "--no-commits"], runs, fresh=bare)
    again = run([*scan, full], runs)
    click = run([sys.executable, "-c", "import click"], runs * 4)
    since = run([sys.executable, "-m", "helperhist", "since", "45", "--data", "embedded"], runs * 4)

    rows = [
        ("scan / `git log -- bpf.h`, time", first.seconds, log.seconds, "1.0"),
        ("scan / `git log -- bpf.h`, CPU", first.cpu, log.cpu, "1.3"),
        ("scan with / without a commit-graph, CPU", graph.cpu, first.cpu, ""),
        ("the same with filters of changed paths, CPU", filters.cpu, first.cpu, "0.5"),
        ("scan / `git log -- bpf.h`, peak memory (MiB)", first.memory, log.memory, "1.0"),
        ("scan --no-commits / `git cat-file --batch`", plain.seconds, cat.seconds, "1.0"),
        ("second scan / first scan", again.seconds, first.seconds, "0.33"),
        ("since / `python -c 'import click'`", since.seconds, click.seconds, "2.5"),
    ]
    print(f"{int(commits):,} commits, {len(tags)} tags; {verdict}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}\n")
    print("| measured | ours | theirs | ratio | target |\n|---|---|---|---|---|")
    for name, ours, theirs, target in rows:
        print(f"| {name} | {ours:.3f} | {theirs:.3f} | {ours / theirs:.2f} | {target} |")


if __name__ == "__main__":
    main()
