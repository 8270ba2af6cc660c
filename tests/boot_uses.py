"""Ask real kernels which helpers and kfuncs each kind of program may call; write JSON.

``python tests/boot_uses.py [SERIES...] --out DIR`` boots cloud kernels of Debian in qemu (see
``vm/machine.py`` for what it needs), loads one small program for every kind of program with every
helper, and with every kfunc of the kernel and of modules that have some, and writes what the
verifier says of it to ``DIR/SERIES.json``. ``--cache DIR`` keeps the kernels. It takes one to four
minutes a kernel.

A call counts as allowed when the verifier comes to look at its arguments.
"""

import argparse
import io
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from elftools.elf.elffile import ELFFile

import helperhist
from helperhist.binary import Btf
from tests.vm.contexts import contexts, enumerators
from tests.vm.machine import boot, build_init, build_loader, missing_tools, parse_console, start
from tests.vm.packages import KERNELS, Kernel, get_kernel, module_name
from tests.vm.programs import Unavailable
from tests.vm.uses import Answer, Uses, kfuncs, parse_answers, render_plan

#: Numbers after the last helper, to see that they are none.
_BEYOND = 5
#: Seconds; without KVM and beside other work.
_TIMEOUT = 1800


def ask(kernel: Kernel, folder: Path) -> tuple[str, Btf, Uses]:
    """Boot a kernel twice: for its BTF, and with the plan that is made of it.

    :return: ``uname -r``, the BTF, the answers
    :raises Unavailable: something is missing, or it did not come to its end
    """
    missing = missing_tools()
    if missing:
        raise Unavailable(f"not installed: {', '.join(missing)}")
    btf = Btf(boot(kernel, build_loader(folder)).btf)
    names: set[str] = set()
    if not kfuncs(btf, ()):
        rows = helperhist.load("embedded").rows
        names = {row.name for row in rows if row.kind == "kfunc"}
    asked = contexts(btf)
    functions = {"vmlinux": kfuncs(btf, names)}
    files = {}
    for path in kernel.modules:
        name = module_name(path)
        data = path.read_bytes()
        files[f"modules/{name}.ko"] = data
        section = ELFFile(io.BytesIO(data)).get_section_by_name(".BTF")
        if section is not None:
            functions[name] = kfuncs(Btf(section.data(), btf), names)
    last = max(enumerators(btf, "bpf_func_id").values()) + _BEYOND
    modules = [module_name(path) for path in kernel.modules]
    files["plan"] = render_plan(asked, functions, last, modules).encode()
    console, answers = start(kernel, build_init(folder, "uses.c", "z"), files, _TIMEOUT)
    return parse_console(console).release, btf, parse_answers(answers.decode(), asked)


def _row(answer: Answer, function: str | int) -> list[Any]:
    context = answer.context
    return [
        context.prog_type,
        context.attach_type,
        function,
        answer.verdict,
        answer.message,
        context.target,
        context.sleepable,
    ]


def render(release: str, btf: Btf, uses: Uses, config: frozenset[str]) -> str:
    """Return the answers as JSON; ``columns`` names those of a row.

    :param config: options that the kernel was built with
    """
    names = {str(value): name for name, value in enumerators(btf, "bpf_func_id").items()}
    answers = {
        "kernel": release,
        "config": sorted(config),
        "columns": [
            "prog_type", "attach_type", "helper or kfunc", "verdict", "message", "target",
            "sleepable",
        ],
        "helper_names": names,
        "helper_use": [_row(item, int(item.function)) for item in uses.helpers],
        "kfunc_use": [_row(item, item.function) for item in uses.kfuncs],
        "unavailable": [
            [item.prog_type, item.attach_type, item.target, item.sleepable, why]
            for item, why in uses.unavailable
        ],
    }  # fmt: skip
    return json.dumps(answers, indent=0) + "\n"


def main() -> int:
    """Run as a script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("series", nargs="*", default=list(KERNELS), metavar="SERIES")
    parser.add_argument("--out", type=Path, required=True, help="folder for the answers")
    parser.add_argument("--cache", type=Path, help="folder that keeps the kernels")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        cache = options.cache or Path(name)
        cache.mkdir(parents=True, exist_ok=True)
        for series in options.series:
            try:
                kernel = get_kernel(series, cache)
                release, btf, uses = ask(kernel, Path(name))
            except Unavailable as error:
                sys.stderr.write(f"{series}: {error}\n")
                return 2
            (options.out / f"{series}.json").write_text(render(release, btf, uses, kernel.config))
            for what, answers in (("helpers", uses.helpers), ("kfuncs", uses.kfuncs)):
                counts = Counter(item.verdict for item in answers)
                listed = ", ".join(
                    f"{count} {verdict}" for verdict, count in sorted(counts.items())
                )
                sys.stdout.write(f"{release}: {what}: {listed}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
