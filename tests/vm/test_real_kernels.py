"""Real kernels, booted in qemu, beside the timeline, ``check``, ``kernel`` and ``explain``.

Where qemu or Debian's packages cannot be had, these tests are skipped with the reason; with the
environment variable HELPERHIST_KERNELS set they fail instead. It holds the series to boot, apart
by commas (``5.10,6.1,6.12`` without it; all are in ``vm/packages.py``).
"""

import os
import tempfile
from pathlib import Path

import pytest

import helperhist
from tests.boot_kernels import compare_all, render, run
from tests.vm.machine import Machine, parse_console
from tests.vm.programs import Unavailable

_WANTED = os.environ.get("HELPERHIST_KERNELS", "")
_SERIES = _WANTED.split(",") if _WANTED else ["5.10", "6.1", "6.12"]


def cache_folder() -> Path:
    """Keep the kernels of this user for later runs: they are 80 MB."""
    folder = Path(tempfile.gettempdir()) / f"helperhist-kernels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@pytest.mark.parametrize("series", _SERIES)
def test_kernel_agrees(series: str, tmp_path: Path) -> None:
    try:
        machine = run(series, cache_folder(), tmp_path)
    except Unavailable as error:
        if _WANTED:
            raise
        pytest.skip(f"no kernel {series} to boot (HELPERHIST_KERNELS): {error}")
    assert machine.release.startswith(f"{series}.")
    results = compare_all(machine, helperhist.load("embedded"), tmp_path)
    # That something was asked at all: an empty answer would agree with anything.
    assert [item.agree > 1 for item in results] == [True] * len(results)
    assert len(machine.objects) == len(list((tmp_path / "objects").iterdir()))
    assert not [text for item in results for text in item.differ], render(
        {series: (machine, results)}
    )


def test_console() -> None:
    machine = parse_console(
        "SeaBIOS\r\n@@ uname 6.1.0\r\n@@ helper 1 known bpf_map_lookup_elem\r\n"
        "@@ helper 300 absent unknown\r\n@@ log helper 300 invalid func unknown#300\r\n"
        "@@ map_type 1 yes 0\r\n@@ map_type 40 no 22\r\n@@ prog_type 6 yes 0\r\n"
        "@@ object a.bpf.o no 22\r\n@@ log object a.bpf.o one\r\n"
        "@@ log object a.bpf.o two words\r\n"
        "@@ btf 10 5\r\n@@ done\r\n"
    )
    assert machine == Machine(
        release="6.1.0",
        helpers={1: ("known", "bpf_map_lookup_elem"), 300: ("absent", "unknown")},
        map_types={1},
        prog_types={6},
        objects={"a.bpf.o": False},
        logs={
            ("helper", "300"): ["invalid func unknown#300"],
            ("object", "a.bpf.o"): ["one", "two words"],
        },
    )
