"""The export for Rust: read as text, and by the compiler where there is one."""

import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import helperhist
from helperhist.export import render_export
from tests.build.growth import helpers, make_timeline

MAIN = """
mod kernels;
use kernels::{helper, kfunc, prog_type, Release};
fn main() {
    assert!(helper::bpf_loop > helper::bpf_map_lookup_elem);
    assert_eq!(helper::bpf_loop, Release { major: 5, minor: 17 });
    assert_eq!(helper::bpf_loop.code(), 5 * 65536 + 17 * 256);
    assert_eq!(kfunc::bpf_cpumask_create.code(), 0x060300);
    assert_eq!(prog_type::BPF_PROG_TYPE_XDP.minor, 8);
    println!("{:?}", helper::bpf_loop);
}
"""


def test_constants() -> None:
    text = render_export(helperhist.load("embedded"), "rust").decode()
    assert (
        "    /// Number 181. Linux 5.17.\n    pub const bpf_loop: Release = release(5, 17);" in text
    )
    assert "/// Linux 6.12; removed in 6.17.\n    pub const scx_bpf_dispatch:" in text
    assert set(re.findall(r"^pub mod (\w+) \{", text, re.MULTILINE)) == {
        "helper", "map_type", "prog_type", "attach_type", "cmd", "link_type", "kfunc",
    }  # fmt: skip
    found = re.search(r"pub mod helper \{.*?\n\}", text, re.DOTALL)
    assert found is not None
    assert found[0].count("pub const bpf_") == 211


def test_only_one_kind() -> None:
    text = render_export(helperhist.load("embedded"), "rust", ["cmd"]).decode()
    assert re.findall(r"^pub mod (\w+) \{", text, re.MULTILINE) == ["cmd"]


def test_of_a_history_that_has_no_relations() -> None:
    timeline = make_timeline({"v4.1": helpers("a"), "v4.2": helpers("a", "b")})
    text = render_export(timeline, "rust").decode()
    assert "/// Number 1. Linux 4.1.\n    pub const bpf_a: Release" in text
    assert "pub mod kfunc" not in text


@pytest.mark.skipif(shutil.which("rustc") is None, reason="rustc is not installed")
def test_the_compiler_takes_it(tmp_path: Path) -> None:
    (tmp_path / "kernels.rs").write_bytes(render_export(helperhist.load("embedded"), "rust"))
    (tmp_path / "main.rs").write_text(MAIN)
    done = subprocess.run(
        ["rustc", "--edition", "2021", "-D", "warnings", "-o", "main", "main.rs"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        # Of rustup: its toolchains are in the home folder of the user, not of the test.
        env={**os.environ, "HOME": pwd.getpwuid(os.getuid()).pw_dir},
    )  # fmt: skip
    if "no default toolchain" in done.stderr or "could not choose a version" in done.stderr:
        pytest.skip("rustup has no toolchain in this home folder")
    assert (done.returncode, done.stderr) == (0, "")
    done = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=False)
    assert done.stdout == "Release { major: 5, minor: 17 }\n"
