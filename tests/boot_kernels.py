"""Boot real kernels and compare what they do with what helperhist says; print a table.

``python tests/boot_kernels.py [SERIES...]`` boots cloud kernels of Debian (5.10, 6.1, 6.12, 6.16,
6.18, 7.2, 7.3) in qemu. See ``vm/machine.py`` for what it needs; ``--cache DIR`` keeps the kernels.
Exit code 1 if anything disagrees.

Compared are:

* each helper number from 1 to 320, called by a program: the kernel's verdict and the name in its
  own log, with the timeline at that release
* each map type and program type, created or loaded
* the names in the kernel's own BTF, through ``helperhist kernel``
* the objects of ``vm/objects.py``, loaded with libbpf: the verdict with the release of what they
  need, with ``helperhist check --target``, and the refusals with ``helperhist explain``
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from click.testing import CliRunner

import helperhist
from helperhist.binary.btf import Btf
from helperhist.cli.group import cli
from helperhist.explain.messages import explain
from helperhist.kernel.info import Uapi
from helperhist.kernel.match import compare
from helperhist.kernel.names import info_of_btf
from helperhist.timeline import Fact, Timeline
from helperhist.version import KernelVersion
from tests.vm.machine import Machine, boot, build_loader, missing_tools
from tests.vm.objects import OBJECTS, VmObject, build
from tests.vm.packages import KERNELS, get_kernel
from tests.vm.programs import Unavailable

#: Where a kernel differs and why that is no fault: the kernels that may (all, if none is named).
EXPLAINED: dict[str, tuple[tuple[str, ...], str]] = {
    "prog_type BPF_PROG_TYPE_LIRC_MODE2": (
        (),
        "CONFIG_BPF_LIRC_MODE2 is off in Debian's cloud kernels",
    ),
    "attach_kprobe_multi: refused": (("6.1",), "CONFIG_FPROBE is off in Debian's 6.1"),
    "gpl_helper_not_gpl: refused": (
        (),
        "every kernel refuses it for its license, whatever the release; check tells so in a note",
    ),
    "guarded_by_constant: loads": (
        ("5.10",),
        "a constant in .rodata that is zero switches the call off; check counts the call, as the "
        "loader may set the constant",
    ),
    "timer_not_used: loads": (
        ("5.10",),
        "kernels before 5.15 take a bpf_timer in a map for plain bytes; check counts it, as it is "
        "there to be used",
    ),
}

#: Remarks about names: what a kernel has beyond its release, and beyond the data.
_LABELS = ("in BTF beyond the release, as its stable updates brought it", "in BTF beyond the data")

#: Objects of whose refusal the kernel says no more than EINVAL, so that there is no message.
_MUTE = re.compile(r"prog_|attach_|xdp_frags|lsm_|field___sk_buff_tstamp_type")

#: Objects that are refused for their map or callback, before the helper is looked at.
_OTHER_MESSAGE = ("loop", "for_each", "user_ringbuf")


@dataclass(slots=True)
class Result:
    """One line of the table.

    :ivar kernel: its series
    :ivar agree: number of answers that agree
    :ivar explained: of answers that differ as :data:`EXPLAINED` says
    :ivar differ: the others, one text each
    """

    what: str
    kernel: str
    agree: int = 0
    explained: int = 0
    differ: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, same: bool, text: str) -> None:
        """Count an answer."""
        if same:
            self.agree += 1
        elif text in EXPLAINED and self.kernel in (EXPLAINED[text][0] or (self.kernel,)):
            self.explained += 1
            self.notes.append(f"{text}: {EXPLAINED[text][1]}")
        else:
            self.differ.append(text)


def release_for(timeline: Timeline, series: str) -> str:
    """Return the release to compare a kernel with: its own, else the newest in the data."""
    wanted = KernelVersion.parse(series)
    return str(max(t.version for t in timeline.releases if t.version <= wanted))


def series_of(machine: Machine) -> str:
    """Return ``6.12`` of a machine with 6.12.117+deb13."""
    match = re.match(r"\d+\.\d+", machine.release)
    assert match is not None, machine.release
    return match[0]


def compare_helpers(machine: Machine, names: list[Fact]) -> Result:
    """Compare the verdicts on helper numbers with the helpers of a release."""
    result = Result("helper numbers", series_of(machine))
    expected = {name.id: name.name for name in names if name.kind == "helper"}
    for number, (verdict, shown) in machine.helpers.items():
        name = expected.get(number)
        same = verdict == "absent" if name is None else (verdict != "absent" and shown == name)
        result.add(same, f"helper {number}: {verdict} {shown}, expected {name}")
    return result


def compare_types(machine: Machine, names: list[Fact], newer: frozenset[str]) -> Iterator[Result]:
    """Compare map types and program types with those of a release.

    :param newer: names that the kernel's BTF has beyond the data
    """
    for kind, label, have in (
        ("map_type", "map types", machine.map_types),
        ("prog_type", "program types", machine.prog_types),
    ):
        result = Result(label, series_of(machine))
        expected = {name.id: name.name for name in names if name.kind == kind}
        for number in range(1, 48):
            name = expected.get(number)
            if name is None and newer and number in have:
                continue
            result.add((name is not None) == (number in have), f"{kind} {name or number}")
        yield result


def compare_btf(
    machine: Machine, timeline: Timeline, release: str
) -> tuple[Result, frozenset[str]]:
    """Compare the names in the kernel's BTF with a release."""
    info = info_of_btf(Btf(machine.btf), Uapi.of(timeline), "BTF")
    found = compare(info, timeline)
    result = Result("names in BTF", series_of(machine))
    result.add(found.release == release, f"told as {found.release} by content")
    result.agree += len(info.names) - len(found.added) - len(found.unknown) - 1
    result.differ += [f"missing {name.kind} {name.name}" for name in found.missing]
    result.differ += [f"{ours.name} is {ours.id}" for ours, _ in found.renumbered]
    for label, names in zip(_LABELS, (found.added, found.unknown), strict=True):
        result.notes += [f"{label}: {name.name}" for name in names]
    for number, (verdict, name) in machine.helpers.items():
        if verdict != "absent" and info.numbered("helper", number) != name:
            result.differ.append(f"helper {number} is {name} to the verifier, not to BTF")
    return result, frozenset(name.name for name in found.unknown)


def needs(item: VmObject, timeline: Timeline) -> KernelVersion:
    """Return the first release that loads an object."""
    if item.needs[0].isdigit():
        return KernelVersion.parse(item.needs)
    row = timeline.since(item.needs)
    assert row is not None, item.needs
    assert row.since is not None, item.needs
    return KernelVersion.parse(row.since)


def compare_objects(machine: Machine, timeline: Timeline, series: str) -> Iterator[Result]:
    """Compare the kernel's verdicts on objects, and what explain says of refusals."""
    kernel = KernelVersion.parse(series)
    loads, explained = (Result(w, series) for w in ("objects, by release", "refusals explained"))
    for item in OBJECTS:
        file = f"{item.name}.bpf.o"
        verdict = machine.objects.get(file)
        word = {True: "loads", False: "refused", None: "not tried"}[verdict]
        loads.add(verdict is (needs(item, timeline) <= kernel), f"{item.name}: {word}")
        if verdict is not False or _MUTE.match(item.name):
            continue
        findings = explain(machine.logs.get(("object", file), []), timeline)
        named = {finding.answer.name for finding in findings}
        row = timeline.since(item.needs)
        helper = row is not None and row.kind == "helper" and item.name not in _OTHER_MESSAGE
        right = bool(findings) if row is None or not helper else row.name in named
        explained.add(right, f"{item.name}: explain names {named or 'nothing'}")
    yield loads
    yield explained


def check(folder: Path, target: str) -> dict[str, bool]:
    """Return whether ``helperhist check`` says that objects load on a target: file to answer."""
    command = ["check", str(folder), "--target", target, "--json", "--data", "embedded"]
    result = CliRunner().invoke(cli, command, catch_exceptions=False)
    answers = json.loads(result.stdout)
    return {Path(answer["file"]).name: answer["target"]["ok"] for answer in answers}


def compare_check(machine: Machine, folder: Path, release: str) -> Iterator[Result]:
    """Compare the kernel's verdicts with those of check, for its release and for its BTF."""
    own = folder / "kernel.btf"
    own.write_bytes(machine.btf)
    for what, target in (("check --target X.Y", release), ("check --target BTF", str(own))):
        result = Result(what, series_of(machine))
        answers = check(folder / "objects", target)
        for file, loads in machine.objects.items():
            text = f"{file.partition('.')[0]}: {'loads' if loads else 'refused'}"
            result.add(answers[file] == loads, text)
        yield result


def compare_all(machine: Machine, timeline: Timeline, folder: Path) -> list[Result]:
    """Compare all that a machine said.

    :param folder: as :func:`run` left it
    """
    series = series_of(machine)
    release = release_for(timeline, series)
    names = list(timeline.at(release))
    btf, newer = compare_btf(machine, timeline, release)
    return [
        compare_helpers(machine, names),
        *compare_types(machine, names, newer),
        btf,
        *compare_objects(machine, timeline, series),
        *compare_check(machine, folder, release),
    ]


def render(machines: dict[str, tuple[Machine, list[Result]]]) -> str:
    """Return the table of agreement, in Markdown, with what is to be said of it."""
    columns = [(series_of(machine), results) for machine, results in machines.values()]
    lines = [
        "| agree / asked | " + " | ".join(series for series, _ in columns) + " |",
        "| --- |" + " ---: |" * len(columns),
    ]
    for index, first in enumerate(columns[0][1]):
        cells = []
        for _, results in columns:
            item = results[index]
            asked = item.agree + item.explained + len(item.differ)
            cells.append(f"{item.agree} / {asked}" + ("" if not item.differ else " **differ**"))
        lines.append(f"| {first.what} | " + " | ".join(cells) + " |")
    lines += ["", f"Kernels: {', '.join(machine.release for machine, _ in machines.values())}.", ""]
    remarks: dict[str, list[str]] = {}
    for series, results in columns:
        for item in results:
            for text in item.differ:
                remarks.setdefault(f"**differs**: {item.what}: {text}", []).append(series)
            for text in item.notes:
                found_at = remarks.setdefault(text, [])
                if series not in found_at:
                    found_at.append(series)
    # One line per remark and set of kernels; those that only name something share a line.
    shared: dict[tuple[str, str], list[str]] = {}
    for text, found in remarks.items():
        label, _, name = text.partition(": ")
        if label not in _LABELS:
            label, name = text, ""
        shared.setdefault((label, ", ".join(found)), []).append(name)
    for (label, kernels), names in shared.items():
        listed = ", ".join(f"`{name}`" for name in names if name)
        lines.append(f"- {kernels}: {label}{': ' if listed else ''}{listed}")
    return "\n".join(lines)


def run(series: str, cache: Path, folder: Path) -> Machine:
    """Boot the kernel of a series with all objects, which are left in ``folder/objects``.

    :raises Unavailable: something is missing
    """
    missing = missing_tools()
    if missing:
        raise Unavailable(f"not installed: {', '.join(missing)}")
    kernel = get_kernel(series, cache)
    objects = folder / "objects"
    objects.mkdir(exist_ok=True)
    return boot(kernel, build_loader(folder), build(objects).values())


def main() -> int:
    """Run as a script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("series", nargs="*", default=list(KERNELS), metavar="SERIES")
    parser.add_argument("--cache", type=Path, help="folder that keeps the kernels")
    options = parser.parse_args()
    timeline = helperhist.load("embedded")
    machines = {}
    with tempfile.TemporaryDirectory() as name:
        cache = options.cache or Path(name)
        cache.mkdir(parents=True, exist_ok=True)
        for series in options.series:
            try:
                machine = run(series, cache, Path(name))
            except Unavailable as error:
                sys.stderr.write(f"{series}: {error}\n")
                return 2
            machines[series] = (machine, compare_all(machine, timeline, Path(name)))
    sys.stdout.write(render(machines) + "\n")
    return int(any(item.differ for _, results in machines.values() for item in results))


if __name__ == "__main__":
    sys.exit(main())
