"""Which loader an object was made for, and what `auto` says of it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from helperhist.cli.group import cli
from tests.build.checked import GPL, HEAD, check_c, required, unknown
from tests.build.objects import compile_bpf

MAP = "struct legacy {{ u32 type, key, value, entries, flags{more}; }};\n"
DEFINED = 'struct legacy m SEC("{section}") = {{ 1, 4, 4, 8 }};\n'


def prog(section: str) -> str:
    return f'SEC("{section}") int prog(void *ctx) {{ return 0; }}\n'


def legacy(words: int, section: str = "maps") -> str:
    more = "".join(f", x{at}" for at in range(words - 5))
    return MAP.format(more=more) + DEFINED.format(section=section)


@pytest.mark.parametrize(
    ("source", "loader"),
    [
        (prog("xdp"), "libbpf"),
        (prog("classifier/x"), "cilium"),
        (prog("xdp_pass"), "cilium"),
        (prog("schedcls/x"), "android"),
        (prog("loadbalancer"), "libbpf"),
        (legacy(5) + prog("xdp"), "cilium"),
        (legacy(7) + prog("xdp"), "aya"),
        (legacy(9) + prog("loadbalancer"), "iproute2"),
        (legacy(7, ".android_maps") + prog("kprobe/x"), "android"),
        ('char mark[] SEC("critical") = "x";\n' + prog("kprobe/x"), "android"),
    ],
)
def test_choice(source: str, loader: str) -> None:
    found = check_c(source, loader="auto")
    assert found.loader == loader
    assert ("libbpf" in unknown(found)) is (loader != "libbpf")
    assert found.refused == ()


def test_the_type_is_that_of_the_loader() -> None:
    assert required(check_c(prog("classifier/x"), loader="auto")) == {
        "BPF_PROG_TYPE_SCHED_CLS": "4.1"
    }


def run(path: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(
        cli, ["check", str(path), *options], catch_exceptions=False, terminal_width=80
    )
    return result.exit_code, result.stdout


def test_command() -> None:
    path = compile_bpf(HEAD + GPL + prog("classifier/x"))
    code, text = run(path)
    assert code == 0
    assert text.startswith(f"{path}: 4.1, because of BPF_PROG_TYPE_SCHED_CLS (loader cilium/ebpf)")
    code, text = run(path, "--target", "6.1", "--json")
    (found,) = json.loads(text)
    assert (code, found["loader"], found["target"]["ok"]) == (1, "cilium", False)
    (missing,) = found["target"]["missing"]
    assert (missing["kind"], missing["name"], missing["certain"]) == ("loader", "libbpf", False)
    assert "classifier/x" in missing["why"]
    assert run(path, "--target", "6.1", "--loader", "cilium")[0] == 0
