"""Load real objects into real kernels and compare with ``helperhist check``: run by hand.

``python benchmarks/real_objects.py LOADER FOLDER KERNEL... [OPTION...]``

* LOADER is ``tests/vm/objects.c``, linked statically with the libbpf of your choice::

      gcc -O1 -static -o objects tests/vm/objects.c -lbpf -lelf -lz

* FOLDER has the objects, in folders by project.
* KERNEL is ``running`` (needs root; nothing is attached), or a folder with ``vmlinuz`` and
  ``vmlinux.btf``, whose name is the release (``6.12``); ``release`` (of ``uname -r``) and
  ``config`` are used if they are there. It is booted in qemu.

For each kernel it prints how often ``check --target`` said that an object loads and it did, said
so and it did not, and so on; every disagreement with what the loader says; and the causes. "Not
sure" is a no for want of data, "attach" a yes to loading and a no to attaching. With
``--results DIR`` what a kernel said is kept there, and it is asked for new objects only.
"""

import argparse
import json
import re
import stat
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.vm.machine import newc

#: Seconds that all objects may take in one kernel.
_TIMEOUT = 5400
#: Seconds that one object may take in a machine without KVM.
_PATIENCE = 60
_MEMORY = 2500

#: Message of the loader or verifier, in the order in which they are looked for, to its cause.
CAUSES = (
    (r"legacy map definitions", "legacy maps section"),
    (r"195896080|failed to resolve CO-RE", "CO-RE: field, type or enumerator absent"),
    (r"is static and not supported", "program of a static function"),
    (r"no arena maps defined|failed to find BTF for extern", "part that wants linking"),
    (r"failed to open system Kconfig|extern \(kcfg\)", "kernel configuration"),
    (r"disabled hook", "attach target disabled"),
    (r"relo #\d+: .*(?:ambiguity|failed)|failed to perform CO-RE", "CO-RE: refused by libbpf"),
    (r"failed to find kernel BTF type ID", "attach target not in this kernel"),
    (r"no BTF-based attach target|attach program FD is not set", "attach target from user space"),
    (r"struct_ops (?:init_kern|reloc)", "struct_ops not in this kernel"),
    (r"extern \(.*not found|extern \(.*incompatible|extern .* strong", "kfunc or symbol absent"),
    (r"calling kernel function|invalid kernel function call", "kfunc not for this program"),
    (r"cannot call GPL|kernel subsystems? .*GPL|GPL[- ](?:only|compat)", "GPL only"),
    (r"unknown func|invalid func|cannot use helper|program of this type cannot", "helper absent"),
    (r"failed to create map|failed to create:|map '.*': ", "map"),
    (r"unsupported pinning|pinning value|auto-pin", "pinning"),
    (r"failed to find BTF (?:for|info)|unsupported BTF|BTF is required", "BTF of the object"),
    (r"missing BPF prog type|unrecognized ELF section|elf: .*relocat", "section or relocation"),
    (r"unexpected_load_attach|expected_attach_type|attach type", "attach type"),
    (r"BPF program is too large|too many (?:states|insns)|complexity", "limits of the verifier"),
    (r"invalid argument: prog|Unrecognized arg#|reference type", "function's arguments"),
)


@dataclass(slots=True)
class Loads:
    """What one kernel did.

    :ivar verdicts: object to whether it loads
    :ivar logs: object to the messages
    """

    release: str = ""
    verdicts: dict[str, bool] = field(default_factory=dict)
    logs: dict[str, list[str]] = field(default_factory=dict)


def read_console(text: str) -> Loads:
    """Read the lines of ``tests/vm/objects.c``."""
    loads = Loads()
    for line in text.splitlines():
        match line.rstrip().split(" ", 4):
            case ["@@", "uname", release, *_]:
                loads.release = release
            # A negative number is the signal that ended the loader: no verdict.
            case ["@@", "object", path, verdict, error] if not error.startswith("-"):
                loads.verdicts[path] = verdict == "yes"
            case ["@@", "log", path, *rest]:
                loads.logs.setdefault(path, []).append(" ".join(rest).strip())
    return loads


def objects_of(folder: Path) -> dict[str, Path]:
    """Return the objects of this machine's byte order by their names below the folder."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            start = file.read(6)
        if start[:4] == b"\x7fELF" and start[5] == (1 if sys.byteorder == "little" else 2):
            found[str(path.relative_to(folder))] = path
    return found


def load_here(loader: Path, objects: dict[str, Path]) -> str:
    """Load all objects on the running kernel."""
    lines = []
    for name, path in objects.items():
        done = subprocess.run([loader, path], capture_output=True, check=False, timeout=_TIMEOUT)
        lines.append(done.stdout.decode("utf-8", "replace").replace(str(path), name))
    return "".join(lines)


def load_there(loader: Path, objects: dict[str, Path], kernel: Path, accel: str) -> str:
    """Boot a kernel whose first process loads all objects.

    :param accel: of qemu: ``kvm``, or ``tcg`` where that does not work
    """
    parts = [
        newc("dev", stat.S_IFDIR | 0o755),
        newc("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)),
        newc("init", stat.S_IFREG | 0o755, loader.read_bytes()),
        newc("objects", stat.S_IFDIR | 0o755),
    ]
    # libbpf reads the configuration of a kernel here.
    release, config = kernel / "release", kernel / "config"
    if release.exists() and config.exists():
        parts.append(newc("boot", stat.S_IFDIR | 0o755))
        boot = f"boot/config-{release.read_text().strip()}"
        parts.append(newc(boot, stat.S_IFREG | 0o644, config.read_bytes()))
    folders = sorted({str(Path(name).parent) for name in objects} - {"."})
    parts += [newc(f"objects/{folder}", stat.S_IFDIR | 0o755) for folder in folders]
    parts += [
        newc(f"objects/{name}", stat.S_IFREG | 0o644, path.read_bytes())
        for name, path in objects.items()
    ]
    parts.append(newc("TRAILER!!!", 0))
    with tempfile.TemporaryDirectory() as work:
        initrd, console = Path(work) / "initrd", Path(work) / "console"
        initrd.write_bytes(b"".join(parts))
        del parts
        command = [
            "qemu-system-x86_64", "-accel", accel, "-cpu", "max",
            "-m", str(_MEMORY), "-nodefaults", "-display", "none", "-no-reboot",
            "-kernel", str(kernel / "vmlinuz"), "-initrd", str(initrd),
            "-append", f"console=ttyS0 quiet loglevel=1 panic=-1 seconds={_PATIENCE}",
            "-serial", f"file:{console}",
        ]  # fmt: skip
        try:
            subprocess.run(command, check=False, timeout=_TIMEOUT, capture_output=True)
        except subprocess.TimeoutExpired:
            print(f"{kernel.name}: stopped after {_TIMEOUT} s", file=sys.stderr)
        return console.read_text("utf-8", "replace").replace(" /objects/", " ")


def answer(target: dict[str, Any]) -> str:
    """Return ``yes``, ``no``, ``not sure``, or ``attach``: it loads, but cannot be attached."""
    if target["ok"]:
        return "yes"
    stages = {item.get("stage", "load") for item in target["missing"] if item["certain"]}
    if not stages:
        return "not sure"
    return "no" if "load" in stages else "attach"


def verdicts(folder: Path, objects: Iterable[str], target: str) -> dict[str, str]:
    """Return what ``helperhist check`` says of objects; those that it cannot read are left out."""
    left = list(objects)
    while left:
        command = [sys.executable, "-m", "helperhist", "check", "-", "--json", "--loader", "libbpf"]
        command += ["--target", target]
        names = "\n".join(str(folder / name) for name in left)
        done = subprocess.run(command, input=names.encode(), capture_output=True, check=False)
        if done.returncode in (0, 1):
            return {
                str(Path(item["file"]).relative_to(folder)): answer(item["target"])
                for item in json.loads(done.stdout)
            }
        # One object that cannot be read is an error of the whole command.
        message = done.stderr.decode("utf-8", "replace").splitlines()[-1]
        wrong = [name for name in left if f"{folder / name}:" in message]
        if not wrong:
            raise SystemExit(message)
        print(f"not read\t{message}")
        left.remove(wrong[0])
    return {}


def cause_of(log: list[str]) -> tuple[str, str]:
    """Return the cause of a refusal, and the line that tells it."""
    for pattern, cause in CAUSES:
        for line in log:
            if re.search(pattern, line):
                return cause, line
    verifier = [line for line in log if not line.startswith("libbpf:")]
    noise = re.compile(r"processed \d|stack depth|verification time|\d+: \(|;|from \d|R\d+\w*=|--")
    telling = [line for line in verifier if line and not noise.match(line)]
    if telling:
        return "verifier", telling[-1]
    return "other", next((line for line in log if "libbpf" in line), "(no message)")


def report(name: str, loads: Loads, said: dict[str, str]) -> None:
    """Print the table of one kernel, the disagreements, and the causes."""
    cells: Counter[tuple[str, bool]] = Counter()
    causes: Counter[str] = Counter()
    for path, loaded in sorted(loads.verdicts.items()):
        if path not in said:
            continue
        cells[said[path], loaded] += 1
        if loaded == (said[path] in ("yes", "attach")):
            continue
        cause, line = ("", "") if loaded else cause_of(loads.logs.get(path, []))
        if said[path] in ("yes", "attach"):
            causes[cause] += 1
        print(f"{said[path]}, {'loads' if loaded else 'refused'}\t{path}\t{cause}\t{line[:200]}")
    heads = [(word, done) for word in ("yes", "no", "not sure", "attach") for done in (True, False)]
    print(f"\n## {name} ({loads.release}): {sum(cells.values())} objects\n")
    print("| kernel |" + "".join(f" {w}, {'loads' if d else 'refused'} |" for w, d in heads))
    print("|---|" + "--:|" * len(heads))
    print(f"| {name} |" + "".join(f" {cells[head]} |" for head in heads))
    yes, no = ([cells[word, done] for done in (True, False)] for word in ("yes", "no"))
    print(f"\n{100 * yes[0] / max(sum(yes), 1):.1f} % of yeses load,", end=" ")
    print(f"{100 * no[1] / max(sum(no), 1):.1f} % of certain noes are refused,", end=" ")
    print(f"{len(loads.verdicts) - sum(cells.values())} objects are not read by check")
    print("Causes of a yes that was refused:")
    for cause, count in causes.most_common():
        print(f"  {count:4} {cause}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("loader", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("kernels", nargs="+")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--accel", choices=["kvm", "tcg"], default="tcg")
    parser.add_argument("--against", choices=["release", "btf"], default="release")
    arguments = parser.parse_args()
    objects = objects_of(arguments.folder)
    for kernel in arguments.kernels:
        name = Path(kernel).name
        kept = arguments.results / f"{name}.log" if arguments.results else None
        console = kept.read_text("utf-8") if kept and kept.exists() else ""
        known = read_console(console).verdicts
        new = {item: path for item, path in objects.items() if item not in known}
        if new and kernel == "running":
            console += load_here(arguments.loader.resolve(), new)
        elif new:
            console += load_there(arguments.loader, new, Path(kernel), arguments.accel)
        if kept:
            kept.write_text(console, "utf-8")
        target = name
        if kernel != "running" and arguments.against == "btf":
            target = str(Path(kernel) / "vmlinux.btf")
        loads = read_console(console)
        loads.verdicts = {item: loads.verdicts[item] for item in objects if item in loads.verdicts}
        report(name, loads, verdicts(arguments.folder, loads.verdicts, target))
    return 0


if __name__ == "__main__":
    sys.exit(main())
