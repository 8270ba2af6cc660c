"""One source for every kernel: the kfuncs that it comes to, on real kernels booted in qemu.

The kernels of HELPERHIST_KERNELS (``6.12,6.18,7.3``) are booted on demand only: each takes half
a minute; see ``test_real_kernels.py``.
"""

import os
import re
from pathlib import Path

import pytest

from helperhist.header import HeaderOptions, read_beside, render_header
from helperhist.version import KernelVersion
from tests.build.headers import ZIG_CLANG, embedded, header_text
from tests.build.kfunc_headers import kfunc_vmlinux
from tests.vm.kfunc_loads import Loaded, build_loader, load_all, parse_loads
from tests.vm.kfunc_programs import PROGRAMS, KfuncProgram, answers, asks, source
from tests.vm.machine import missing_tools
from tests.vm.packages import get_kernel
from tests.vm.programs import Unavailable
from tests.vm.test_real_kernels import cache_folder

_WANTED = os.environ.get("HELPERHIST_KERNELS", "")
HEADER = header_text(HeaderOptions(guard="none", kfuncs=True, prog_types=("all",)))


def build(program: KfuncProgram, folder: Path, vmlinux: bool) -> Path:
    file = folder / f"{program.name}_{'vmlinux' if vmlinux else 'own'}.c"
    file.write_text(source(program, HEADER, vmlinux=vmlinux))
    out = file.with_suffix(".o")
    done = ZIG_CLANG.run("-O2", "-g", "-Wall", "-Werror", "-c", file, "-o", out)
    assert (done.returncode, done.stderr) == (0, "")
    return out


@pytest.mark.parametrize("vmlinux", [True, False])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_programs_compile(program: KfuncProgram, vmlinux: bool, tmp_path: Path) -> None:
    assert build(program, tmp_path, vmlinux).stat().st_size > 0


@pytest.mark.parametrize("series", _WANTED.split(",") if _WANTED else ["none"])
def test_kernel_comes_to_the_kfuncs_that_it_has(series: str, tmp_path: Path) -> None:
    if not _WANTED:
        pytest.skip("no kernel to boot is named in HELPERHIST_KERNELS")
    if missing := missing_tools():
        raise Unavailable(f"not installed: {', '.join(missing)}")
    init = build_loader(tmp_path, cache_folder())
    kernel = get_kernel(series, cache_folder())
    built = {build(one, tmp_path, way).name: one for one in PROGRAMS for way in (True, False)}
    found, _ = load_all(kernel, init, [tmp_path / name for name in built])
    assert found.keys() == built.keys()
    for name, program in built.items():
        loads = KernelVersion.parse(program.since) <= KernelVersion.parse(series)
        if program.name == "scheduler" and "CONFIG_SCHED_CLASS_EXT" not in kernel.config:
            loads = False
        assert (found[name].error == 0) is loads, (name, found[name])
        if loads:
            assert found[name].calls == program.expected(series), name
        if program.helper is not None:
            since, helper = program.helper
            calls = KernelVersion.parse(since) <= KernelVersion.parse(series)
            assert (helper in found[name].helpers) is calls, name
        if loads and found[name].calls and program.returns is not None:
            assert found[name].returns == [program.returns]


@pytest.mark.parametrize("series", _WANTED.split(",") if _WANTED else ["none"])
def test_existence_is_what_the_kernel_says_in_its_btf(series: str, tmp_path: Path) -> None:
    """Each kfunc of the data, with types of the header's own and with those of a vmlinux.h."""
    if not _WANTED:
        pytest.skip("no kernel to boot is named in HELPERHIST_KERNELS")
    if KernelVersion.parse(series) < KernelVersion.parse("6.4"):
        pytest.skip("verifiers before 6.4 know no address of a kfunc")
    options = HeaderOptions(kfuncs=True, no_helpers=True)
    vmlinux = kfunc_vmlinux("7.3")
    own, made = (
        render_header(embedded(), options, way).text for way in (None, read_beside(vmlinux))
    )
    symbols = {
        name: set(re.findall(r"HELPERHIST_FOUND\((\w+?)(?:___v\d+)?\)", text))
        for name, text in re.findall(
            r"^#define HELPERHIST_EXISTS_(\w+)\(\) (.*)", made, re.MULTILINE
        )
    }
    names = sorted(symbols)
    for name, text in (("own", asks(names, own)), ("made", asks(names, made, vmlinux))):
        (tmp_path / f"{name}.c").write_text(text)
        done = ZIG_CLANG.run(
            "-O2", "-g", "-w", "-c", tmp_path / f"{name}.c", "-o", tmp_path / f"{name}.o"
        )
        assert (done.returncode, done.stderr) == (0, "")
    init = build_loader(tmp_path, cache_folder())
    found, btf = load_all(
        get_kernel(series, cache_folder()),
        init,
        [tmp_path / "own.o", tmp_path / "made.o"],
        set().union(*symbols.values()),
    )
    assert len(btf) > 100
    for loaded in found.values():
        assert loaded.error == 0, loaded.log[-3:]
        yes = answers(names, loaded.returns)
        wrong = {name for name in names if (name in yes) is not bool(symbols[name] & btf)}
        # Functions of one name that are no kfuncs any more: they take another argument.
        assert all(name.endswith("_impl") for name in wrong), wrong


def test_console() -> None:
    text = (
        "@@ uname 6.18\r\n@@ object a.o yes 0\r\n@@ call a.o prog bpf_x\r\n"
        "@@ run a.o prog 42\r\n@@ helper a.o prog bpf_y\r\n"
        "@@ object b.o no 22\r\n@@ log b.o R1 is bad here\r\n@@ done\r\n"
    )
    assert parse_loads(text) == {
        "a.o": Loaded(0, {"bpf_x"}, [42], {"bpf_y"}),
        "b.o": Loaded(22, log=["R1 is bad here"]),
    }
