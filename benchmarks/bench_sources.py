"""Measure ``scan`` of the kernel's sources against plain git, in seconds of CPU.

    python benchmarks/bench_sources.py                    a history of 100,000 commits
    python benchmarks/bench_sources.py --commits 1200000  as many as the kernel has
    python benchmarks/bench_sources.py --repo DIR         keep the history there for later

Checks each introducing commit that was found. CPU time is that of all processes, so that a busy
machine does little harm.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_scan import run
from kernel_sources import PATHS, build

SOURCES = (
    "--source",
    "helper_use",
    "--source",
    "kfuncs",
    "--source",
    "map_use",
    "--source",
    "arch_use",
)


def check(dataset: Path, truth: Path) -> str:
    """Compare the commits of a dataset with those that were built."""
    wanted: dict[str, str] = json.loads(truth.read_text())
    with (dataset / "introductions.csv").open(newline="") as file:
        found = {
            f"{row['kind']} {row['name']} {row['object']}": row["commit"]
            for row in csv.DictReader(file)
        }
    wrong = [name for name, oid in wanted.items() if name in found and found[name] != oid]
    if wrong:
        raise SystemExit(f"{len(wrong)} introducing commits are wrong, such as {wrong[:3]}")
    right = sum(name in found for name in wanted)
    return f"{right} introducing commits right, {len(wanted) - right} before the first release read"


def measure(repo: Path, scratch: Path, runs: int) -> None:
    git = ("git", "-C", repo, "-c", "core.commitGraph=false")
    commits = subprocess.check_output([*git, "rev-list", "--all", "--count"], text=True).strip()
    tags = subprocess.check_output([*git, "tag"], text=True).split()
    releases = [tag for tag in tags if "-rc" not in tag]
    scan = (sys.executable, "-m", "helperhist", "scan", repo, *SOURCES, "--output")
    touching = subprocess.check_output(
        [*git, "log", "--format=%H", "--", *PATHS], text=True
    ).count("\n")  # fmt: skip
    log = run([*git, "log", "--format=%H", "--", *PATHS], runs)
    grep = run([*git, "grep", "-l", "BTF_ID_FLAGS", *releases], runs)
    full, bare = scratch / "full", scratch / "bare"
    plain = run([*scan, bare, "--no-commits"], runs, fresh=bare)
    first = run([*scan, full], runs, fresh=full)
    verdict = check(full, repo / "truth.json")
    again = run([*scan, full], runs)
    print(f"{int(commits):,} commits, {touching:,} touch {len(PATHS)} files; {len(tags)} tags")
    print(f"{verdict}; peak memory {first.memory:.0f} MiB, without commits {plain.memory:.0f}\n")
    rows = [
        ("no commits / `git grep -l BTF_ID_FLAGS`, releases", plain.cpu, grep.cpu, "0.2"),
        ("with commits / `git log -- FILES`", first.cpu, log.cpu, "3"),
        ("second scan / first scan", again.cpu, first.cpu, ""),
    ]
    print("| measured, CPU | ours | theirs | ratio | target |\n|---|---|---|---|---|")
    for name, ours, theirs, target in rows:
        print(f"| {name} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} | {target} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commits", type=int, default=100_000)
    parser.add_argument("--repo", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["XDG_DATA_HOME"] = scratch
        os.environ.pop("HELPERHIST_DATA", None)
        repo = options.repo or Path(scratch) / "sources"
        if not (repo / "truth.json").exists():
            print(f"building {options.commits:,} commits ...", file=sys.stderr)
            build(repo, options.commits)
        measure(repo, Path(scratch), options.runs)


if __name__ == "__main__":
    main()
