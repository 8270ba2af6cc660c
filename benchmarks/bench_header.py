"""The header generator: time to write the header, and what compiling with it costs.

    python benchmarks/bench_header.py [RUNS]

Needs clang, linux-libc-dev and libbpf-dev for the second part. Prints medians and their ratios;
runs of what is compared alternate, so that a busy machine slows both.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

LIBBPF = Path("/usr/include/bpf/bpf_helper_defs.h")


def medians(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, float]:
    """Milliseconds of each command."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(found) for name, found in times.items()}


def report(found: Mapping[str, float], base: str) -> None:
    for name, value in found.items():
        print(f"  {name:<46}{value:8.1f} ms  x {value / found[base]:.2f}")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 31
    python = sys.executable
    header = [python, "-m", "helperhist", "header", "--data", "embedded"]
    print(f"generation, median of {runs} (at most x 4)")
    report(
        medians({"python -c 'import click'": [python, "-c", "import click"],
                 "helperhist header": header,
                 "helperhist header --kfuncs": [*header, "--kfuncs"]}, runs),
        "python -c 'import click'",
    )  # fmt: skip
    if shutil.which("clang") is None or not LIBBPF.exists():
        print("compilation: clang or libbpf-dev is not installed")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([*header, "-o", str(folder / "ours.h")], check=True)
        subprocess.run([*header, "--kfuncs", "-o", str(folder / "kfuncs.h")], check=True)
        sources = {
            "linux/bpf.h alone": "",
            "with libbpf's bpf_helper_defs.h": f'#include "{LIBBPF}"\n',
            "with helperhist's header": '#include "ours.h"\n',
            "with helperhist's header --kfuncs": '#include "kfuncs.h"\n',
            "with the first, and each HELPERHIST_HAS": '#include "ours.h"\n#include "asks.h"\n',
        }
        text = (folder / "ours.h").read_text()
        names = [
            line.split()[1].removeprefix("HELPERHIST_SINCE_").removesuffix("()")
            for line in text.splitlines()
            if line.startswith("#define HELPERHIST_SINCE_bpf_")
        ]
        (folder / "asks.h").write_text(
            "".join(
                f"#if HELPERHIST_HAS({name})\nextern int has_{name};\n#endif\n" for name in names
            )
        )
        commands = {}
        for index, (label, include) in enumerate(sources.items()):
            source = folder / f"{index}.c"
            source.write_text(f"#include <linux/bpf.h>\n{include}")
            commands[label] = [
                "clang", "-target", "bpf", "-O2", "-g", "-idirafter", "/usr/include",
                *[word for path in sorted(Path("/usr/include").glob("*-linux-gnu"))
                  for word in ("-idirafter", str(path))],
                "-c", str(source), "-o", str(folder / f"{index}.o"),
            ]  # fmt: skip
        version = subprocess.run(
            ["clang", "--version"], capture_output=True, text=True, check=True
        ).stdout.splitlines()[0]
        print(f"compilation of an empty program, median of {runs}, {version} (at most x 2)")
        report(medians(commands, runs), "with libbpf's bpf_helper_defs.h")


if __name__ == "__main__":
    main()
