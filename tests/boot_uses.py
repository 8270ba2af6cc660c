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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from elftools.elf.elffile import ELFFile

from helperhist.binary import Btf
from tests.vm.contexts import Context, contexts, enumerators
from tests.vm.machine import boot, build_init, build_loader, missing_tools, parse_console, start
from tests.vm.packages import KERNELS, Kernel, get_kernel, module_name
from tests.vm.programs import Unavailable
from tests.vm.uses import Answer, Uses, functions, kfuncs, parse_answers, render_plan

#: Numbers after the last helper, to see that they are none.
_BEYOND = 5
#: Seconds; without KVM and beside other work.
_TIMEOUT = 1800


#: One kind of program for each hook that kernels before 6.9 register kfuncs for.
_HOOKS = (
    ("SOCKET_FILTER", "", False),
    ("SCHED_CLS", "", False),
    ("XDP", "", False),
    ("STRUCT_OPS", "", False),
    ("TRACING", "BPF_TRACE_RAW_TP", False),
    ("SYSCALL", "", True),
)


class Asker:
    """A kernel with its modules, which answers plans.

    :param folder: for the first process of the machine
    :raises Unavailable: something is missing, or it did not come to its end
    """

    def __init__(self, kernel: Kernel, folder: Path) -> None:
        missing = missing_tools()
        if missing:
            raise Unavailable(f"not installed: {', '.join(missing)}")
        self._kernel = kernel
        self._init = build_init(folder, "uses.c", "z")
        self._modules = {module_name(path): path.read_bytes() for path in kernel.modules}
        self.release = ""
        self.btf = Btf(boot(kernel, build_loader(folder)).btf)
        self._btfs = {"vmlinux": self.btf}
        for name, data in self._modules.items():
            section = ELFFile(io.BytesIO(data)).get_section_by_name(".BTF")
            if section is not None:
                self._btfs[name] = Btf(section.data(), self.btf)
        self._contexts = contexts(self.btf)

    def _ask(
        self, asked: Sequence[Context], calls: Mapping[str, Mapping[str, int]], helpers: int
    ) -> Uses:
        files = {f"modules/{name}.ko": data for name, data in self._modules.items()}
        files["plan"] = render_plan(asked, calls, helpers, self._modules).encode()
        console, answers = start(self._kernel, self._init, files, _TIMEOUT)
        self.release = parse_console(console).release
        return parse_answers(answers.decode(), asked)

    def _kfuncs(self) -> dict[str, dict[str, int]]:
        """Return the kfuncs of kernel and modules: what is tagged, else what can be called."""
        if kfuncs(self.btf):
            return {name: kfuncs(btf) for name, btf in self._btfs.items()}
        calls = {name: functions(btf) for name, btf in self._btfs.items()}
        hooks = [
            next(
                item
                for item in self._contexts
                if item.prog_type == f"BPF_PROG_TYPE_{prog_type}"
                and (item.attach_type, item.sleepable) == (attach_type, sleepable)
            )
            for prog_type, attach_type, sleepable in _HOOKS
            if f"BPF_PROG_TYPE_{prog_type}" in {item.prog_type for item in self._contexts}
        ]
        found = {
            item.function for item in self._ask(hooks, calls, 0).kfuncs if item.verdict == "yes"
        }
        return {
            module: {name: btf_id for name, btf_id in names.items() if name in found}
            for module, names in calls.items()
        }

    def ask(self) -> Uses:
        """Return the answers for all kinds of program, helpers and kfuncs."""
        last = max(enumerators(self.btf, "bpf_func_id").values()) + _BEYOND
        return self._ask(self._contexts, self._kfuncs(), last)


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
                asker = Asker(kernel, Path(name))
                uses = asker.ask()
            except Unavailable as error:
                sys.stderr.write(f"{series}: {error}\n")
                return 2
            (options.out / f"{series}.json").write_text(
                render(asker.release, asker.btf, uses, kernel.config)
            )
            for what, answers in (("helpers", uses.helpers), ("kfuncs", uses.kfuncs)):
                counts = Counter(item.verdict for item in answers)
                listed = ", ".join(
                    f"{count} {verdict}" for verdict, count in sorted(counts.items())
                )
                sys.stdout.write(f"{asker.release}: {what}: {listed}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
