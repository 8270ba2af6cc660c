"""Several objects against several kernels: text, tables, JSON, exit codes; kconfig externs."""

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import helperhist
from helperhist.check import workers
from helperhist.cli.group import cli
from helperhist.errors import HelperhistError
from tests.build.checked import GPL, HEAD
from tests.build.objects import compile_bpf
from tests.build.vmlinux import plain, section, vmlinux
from tests.build.wrapped import PACKERS, bzimage, tar

OLD = 'SEC("tracepoint/x/y") int prog(void *ctx) { return CALL1(14, ctx); }\n'
LOOP = 'SEC("tracepoint/x/y") int prog(void *ctx) { return CALL4(181, 1, ctx, ctx, 0); }\n'
RINGBUF = """
struct { __uint(type, 27); __uint(max_entries, 4096); __type(value, int); } m SEC(".maps");
"""


def build(source: str) -> Path:
    return compile_bpf(HEAD + GPL + source)


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    folder = tmp_path / "objects"
    folder.mkdir()
    for name, source in (("a", OLD), ("b", LOOP), ("c", RINGBUF + OLD)):
        shutil.copy(build(source), folder / f"{name}.o")
    return folder


@pytest.fixture(scope="module")
def btf() -> dict[str, bytes]:
    timeline = helperhist.load("embedded")
    return {name: section(vmlinux(plain(timeline.at(name)))) for name in ("5.4", "5.17")}


@pytest.fixture
def kernels(tmp_path: Path, btf: dict[str, bytes]) -> Path:
    """A folder as BTFHub has them: packed, in folders."""
    folder = tmp_path / "kernels"
    (folder / "debian").mkdir(parents=True)
    (folder / "debian" / "old.btf").write_bytes(btf["5.4"])
    (folder / "new.btf.tar.xz").write_bytes(PACKERS["xz"](tar({"new.btf": btf["5.17"]})))
    (folder / "README.md").write_text("# BTF\n")
    return folder


def run(*args: object) -> Result:
    return CliRunner().invoke(cli, ["check", *map(str, args)], catch_exceptions=False)


def test_text(objects: Path) -> None:
    result = run(objects, "--target", "5.4", "--target", "v5.17")
    assert result.exit_code == 1
    a, b, c = (f"{objects}/{name}.o" for name in "abc")
    ends = [("…" + name[-39:]) if len(name) > 40 else name for name in (a, b, c)]
    size = len(ends[0])
    lines = result.stdout.splitlines()
    assert lines[:4] == [
        f"{'object':<{size}}  5.4  v5.17",
        f"{ends[0]}  yes  yes",
        f"{ends[1]}  no   yes",
        f"{ends[2]}  no   no",
    ]
    why = lines[lines.index("why not") :]
    assert f"{'…' + b[-79:] if len(b) > 80 else b}" in why
    assert "  bpf_loop: needs 5.17 (5.4)" in why
    assert "  map m: its values have 4 bytes, must be 0 (all)" in why
    assert max(map(len, lines)) <= 80
    assert run(objects / "a.o", "--target", "5.4", "--target", "5.17").exit_code == 0


def test_many_kernels_are_numbered(objects: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(objects)
    targets = [f"5.{minor}" for minor in range(20)]
    args = [word for target in targets for word in ("--target", target)]
    lines = run("a.o", "b.o", *args).stdout.splitlines()
    assert lines[:3] == ["kernels", "   1  5.0", "   2  5.1"]
    at = lines.index("object  1    2    3    4    5    6    7    8    9    10   11   12   13   14")
    assert lines[at + 1] == "a.o     " + "  ".join(["yes"] * 14)
    assert lines[at + 2] == "b.o     " + "   ".join(["no"] * 14)
    assert lines[at + 4].startswith("object  15   16")
    assert "  bpf_loop: needs 5.17 (1, 2, 3, 4 and 13 more)" in lines
    assert max(map(len, lines)) <= 80


def test_tables(objects: Path) -> None:
    targets = ["--target", "5.4", "--target", "5.17"]
    result = run(objects / "a.o", objects / "b.o", *targets, "--format", "csv")
    assert result.exit_code == 1
    assert list(csv.reader(result.stdout.splitlines())) == [
        ["object", "5.4", "5.17"],
        [str(objects / "a.o"), "yes", "yes"],
        [str(objects / "b.o"), "no", "yes"],
    ]
    result = run(objects / "b.o", *targets, "--format", "markdown")
    assert result.stdout.splitlines() == [
        "| object | 5.4 | 5.17 |",
        "| --- | --- | --- |",
        f"| {objects}/b.o | no | yes |",
    ]
    result = run(objects / "b.o", "--target", "5.4", "--format", "csv")
    assert result.stdout.splitlines() == ["object,5.4", f"{objects}/b.o,no"]
    result = run(objects / "b.o", "--format", "markdown")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is a matrix of targets: give --target" in result.stderr


def test_json(objects: Path) -> None:
    result = run(objects / "a.o", objects / "b.o", "--target", "5.4", "--target", "5.17", "--json")
    first, second = json.loads(result.stdout)
    assert "target" not in first
    assert [item["kernel"] for item in first["targets"]] == ["5.4", "5.17"]
    assert [item["ok"] for item in first["targets"]] == [True, True]
    assert [item["ok"] for item in second["targets"]] == [False, True]
    (missing,) = second["targets"][0]["missing"]
    assert (missing["name"], missing["since"], missing["certain"]) == ("bpf_loop", "5.17", True)
    # With one target it is as it was.
    (alone,) = json.loads(run(objects / "b.o", "--target", "5.4", "--json").stdout)
    assert alone["target"] == second["targets"][0]
    assert "targets" not in alone


def test_github(objects: Path) -> None:
    result = run(objects / "b.o", "--target", "5.4", "--target", "5.5", "--format", "github")
    titles = [line.partition("title=")[2].partition("::")[0] for line in result.stdout.splitlines()]
    assert titles == ["not on 5.4", "not on 5.5"]


def test_folder_of_kernels(objects: Path, kernels: Path) -> None:
    result = run(objects / "a.o", objects / "b.o", "--target", kernels, "--format", "csv")
    assert list(csv.reader(result.stdout.splitlines())) == [
        ["object", f"{kernels}/debian/old.btf", f"{kernels}/new.btf.tar.xz"],
        [str(objects / "a.o"), "yes", "yes"],
        [str(objects / "b.o"), "no", "yes"],
    ]


def test_images_and_releases(tmp_path: Path, objects: Path, btf: dict[str, bytes]) -> None:
    elf = vmlinux(plain(helperhist.load("embedded").at("5.4"))).read_bytes()
    image = tmp_path / "vmlinuz"
    image.write_bytes(bzimage(elf[:18] + b"\x3e\0" + elf[20:]))
    result = run(objects / "b.o", "--target", image, "--target", "5.17", "--format", "csv")
    assert result.stdout.splitlines()[1] == f"{objects}/b.o,no,yes"
    assert (
        run(objects / "b.o", "--target", image)
        .stdout.splitlines()[0]
        .endswith(f"no, {image} lacks")
    )


def test_a_bad_kernel_does_not_hide_a_good_one(tmp_path: Path, objects: Path) -> None:
    bad = tmp_path / "bad.btf"
    bad.write_bytes(b"\x9f\xeb\x01\0" + bytes(20))
    result = run(objects / "a.o", "--target", bad, "--target", "5.4", "--format", "csv")
    assert result.exit_code == 2
    assert result.stdout.splitlines() == ["object,5.4", f"{objects}/a.o,yes"]
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert run(objects / "a.o", "--target", bad).exit_code == 2


@pytest.mark.parametrize("few", [0, 3])
def test_the_same_whatever_the_order_of_work(
    objects: Path, kernels: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """By objects with kernels in memory, by kernels with objects, alone and on two cores."""
    args = (objects, "--target", kernels, "--target", "5.10", "--json")
    expected = run(*args)
    monkeypatch.setattr("helperhist.check.batch._FEW", few)
    monkeypatch.setattr("helperhist.check.batch._KEPT", 0)
    assert run(*args).stdout == expected.stdout
    monkeypatch.setattr("helperhist.check.batch.cores", lambda: 2)
    monkeypatch.setattr("helperhist.check.batch._MANY_BYTES", 1)
    monkeypatch.setattr("helperhist.check.batch._MANY_CELLS", 1)
    assert run(*args).stdout == expected.stdout
    assert run(*args).exit_code == expected.exit_code


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--target", "5.4", "--target", "5.4"), "--target 5.4 is given twice"),
        (("--target", "5.4", "--target", "5.5", "--explain-core"), "--explain-core needs --target"),
        (("--config", "/dev/null"), "--config is that of one kernel"),
        (("--target", "5.4", "--config", "/dev/null"), "/dev/null is not a regular file"),
        (("--target", "x"), "x"),
    ],
)
def test_refused(objects: Path, args: Sequence[str], message: str) -> None:
    result = run(objects / "a.o", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


KCONFIG = """
extern int CONFIG_HZ __kconfig;
extern unsigned int CONFIG_GONE __kconfig __weak;
struct f { int here; } __core;
SEC("tracepoint/x/y") int prog(struct f *ctx)
{
    if (CONFIG_GONE)
        return ctx->here;
    return CONFIG_HZ;
}
"""


def test_kconfig(tmp_path: Path, btf: dict[str, bytes]) -> None:
    """A strong extern has to be set; a weak one that is not is 0, which shuts what it guards."""
    kernel, config = tmp_path / "vmlinux.btf", tmp_path / "config.gz"
    kernel.write_bytes(btf["5.17"])
    path = build(KCONFIG)
    assert run(path, "--target", kernel).exit_code == 1  # struct f is not in this kernel
    config.write_bytes(PACKERS["gzip"](b"CONFIG_HZ=250\n"))
    result = run(path, "--target", kernel, "--config", config)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        0,
        f"{path}: yes, {kernel} has all that it requires",
    )
    config.write_bytes(PACKERS["gzip"](b"CONFIG_HZ=250\nCONFIG_GONE=1\n"))
    assert run(path, "--target", kernel, "--config", config).exit_code == 1
    config.write_bytes(PACKERS["gzip"](b"CONFIG_X=y\n"))
    for target in (str(kernel), "5.17"):
        result = run(path, "--target", target, "--config", config, "--json")
        assert result.exit_code == 1
        (found,) = json.loads(result.stdout)
        missing = {item["name"]: item["certain"] for item in found["target"]["missing"]}
        assert missing == {"CONFIG_HZ": True}


def test_workers() -> None:
    assert list(workers.spread(lambda x: x * 2, range(5), 2)) == [0, 2, 4, 6, 8]
    assert list(workers.spread(lambda x: x * 2, range(5), 1)) == [0, 2, 4, 6, 8]

    def fail(thing: int) -> int:
        raise HelperhistError(f"no {thing}")

    with pytest.raises(HelperhistError, match="no 0"):
        list(workers.spread(fail, range(3), 2))
    assert workers.cores() >= 1
