"""``helperhist scan`` as a user runs it: output, exit codes, what is on disk before and after."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pygit2
import pytest
from click.testing import CliRunner, Result

from helperhist.cli.group import cli
from helperhist.dataset import folders, store
from helperhist.dataset.store import load, read_dataset, write_dataset
from tests.build.kernel_tree import XDP, Kernel
from tests.build.repository import History, clone, git, loose, makefile, render_header
from tests.build.timeline import make_timeline


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep the user's folders and the settings of libgit2 out of it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("HELPERHIST_DATA", raising=False)
    yield tmp_path / "data" / "helperhist"
    pygit2.settings.enable_caching(True)
    pygit2.settings.enable_strict_hash_verification(True)


@pytest.fixture
def history(tmp_path: Path) -> History:
    history = History(tmp_path / "linux", bare=False)
    history.commit("before", None)
    history.commit("0", ["a"], "before")
    history.commit("1", ["a", "b"], "0", files=makefile("v5.1"))
    history.tags(v4_20="before", v5_0="0", v5_1_rc1="1", v5_1="1", notes="0")
    return history


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["scan", *map(str, arguments)], catch_exceptions=False)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_part_of_a_kernel_does_not_become_the_default(history: History, home: Path) -> None:
    done = run(history.path)
    assert done.exit_code == 0, done.output
    lines = {
        line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in done.output.splitlines()
    }
    assert lines["tags"] == "3"
    assert lines["headers"] == "2 distinct"
    assert lines["helpers"] == "2"
    assert lines["newest"] == "v5.1"
    assert "skipped" in done.output
    assert "1: no header at this tag" in done.output
    assert "1: name does not fit the pattern" in done.output
    assert lines["dataset"] == str(home / "linux")
    # The embedded data knows more releases.
    text = " ".join(done.output.split())
    assert "default stays the embedded data (bpf.h of 3.18 to 7.3, kernel trees" in text
    assert "it lacks 7.3 and 64 more releases; use this one with --data linux" in text
    assert load().label == load("embedded").label
    asked = CliRunner().invoke(cli, ["since", "b", "-q", "--data", "linux"], catch_exceptions=False)
    assert (asked.exit_code, asked.stdout) == (0, "5.1\n")


def test_a_whole_kernel_becomes_the_default(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A history with every release of the embedded data, which here are of helpers alone."""
    repo = History(tmp_path / "whole")
    before: tuple[str, ...] = ()
    known = load("embedded")
    only = make_timeline(
        {tag.name: [f for f in known.at(tag.name) if f.kind == "helper"] for tag in known.releases}
    )
    only.metadata = replace(only.metadata, paths=known.metadata.paths)
    write_dataset(only, tmp_path / "embedded")
    for module in (store, folders):
        monkeypatch.setattr(module, "embedded_dir", lambda: tmp_path / "embedded")
    known = load("embedded")
    for release in known.releases:
        names = [name for name in known.at(release.name) if name.kind == "helper"]
        listed = "".join(f"\tBPF_FUNC_{n.name.removeprefix('bpf_')} = {n.id},\n" for n in names)
        text = f"enum bpf_func_id {{\n\tBPF_FUNC_unspec,\n{listed}\t__BPF_FUNC_MAX_ID,\n}};\n"
        repo.commit(release.name, text.encode(), *before)
        repo.tag(release.name, release.name)
        before = (release.name,)
    done = run(repo.path, "--json")
    assert (json.loads(done.stdout)["default"], json.loads(done.stdout)["not_default"]) == (
        True, None,
    )  # fmt: skip
    assert load().metadata.source == str(repo.path)
    assert "from now on" in run(repo.path).output
    # Read again in another way, under the same name, it is not the default any more.
    done = run(repo.path, "--path", "bundled/bpf.h")
    assert "it was read with --path; use this one with --data whole" in " ".join(
        done.output.split()
    )
    assert load().label == known.label


def test_other_history_does_not(history: History, home: Path) -> None:
    for name in ("v5.0", "v5.1"):
        history.delete_tag(name)
    history.tags(v5_1_0="1")
    assert run(history.path, "--name", "other").exit_code == 0
    assert [path.name for path in home.iterdir()] == ["other"]
    assert load("other").metadata.kernel is False


def test_json(history: History, tmp_path: Path) -> None:
    done = run(history.path, "--output", tmp_path / "out", "--json")
    summary = json.loads(done.stdout)
    assert summary.pop("seconds") >= 0
    assert summary.pop("sources") == [
        {
            "name": name, "releases": 0, "updates": 0, "reused": 0, "facts": 0, "lost": [],
            "gaps": [], "unknown_commits": 0,
            "lacking": "no tag has the files of a kernel",
        }
        for name in ("helper_use", "kfuncs", "map_use", "arch_use")
    ]  # fmt: skip
    assert summary == {
        "dataset": str(tmp_path / "out"),
        "source": f"{history.path}",
        "tags": 3,
        "reused": 0,
        "skipped": {"name does not fit the pattern": 1, "no header at this tag": 1},
        "headers": 2,
        "helpers": 2,
        "newest": "v5.1",
        "unknown_commits": 0,
        "default": False,
        "not_default": "it lacks 7.3 and 64 more releases",
    }
    again = json.loads(run(history.path, "--output", tmp_path / "out", "--json").stdout)
    assert again["reused"] == 3


def test_second_scan_is_byte_for_byte_the_first(history: History, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(history.path, "--output", out)
    first = content(out)
    assert sorted(first) == [
        "events.csv", "metadata.json", "spans.csv", "tags.csv", "timeline.csv",
    ]  # fmt: skip
    assert run(history.path, "--output", out).exit_code == 0
    assert content(out) == first
    history.commit("2", ["a", "b", "c"], "1")
    history.tags(v5_2="2")
    assert "3 of them known" in run(history.path, "--output", out).output
    run(history.path, "--output", tmp_path / "fresh")
    assert content(out) == content(tmp_path / "fresh")


def test_shallow_clone_says_what_is_unknown(history: History, tmp_path: Path) -> None:
    folder = clone(history.path, tmp_path / "shallow", "--depth=1", "--branch=v5.1")
    done = run(folder, "--output", tmp_path / "out")
    assert done.exit_code == 0
    text = " ".join(done.output.split())
    assert "the clone is cut off: names at its first tag may be older" in text
    assert "4 introducing commits unknown" in text
    assert "`git fetch --unshallow` mends it" in text
    assert [row.or_earlier for row in read_dataset(tmp_path / "out").rows] == [True] * 4


@pytest.mark.parametrize("damage", ["lost file", "other format", "not JSON", "cut line", "empty"])
def test_dataset_that_cannot_be_read_is_made_anew(
    history: History, tmp_path: Path, damage: str
) -> None:
    out = tmp_path / "out"
    run(history.path, "--output", out)
    first = content(out)
    metadata = out / "metadata.json"
    if damage == "lost file":
        (out / "spans.csv").unlink()
    elif damage == "other format":
        metadata.write_text(metadata.read_text().replace('"format": ', '"format": 99'))
    elif damage == "not JSON":
        metadata.write_text("{")
    elif damage == "cut line":
        (out / "tags.csv").write_bytes(first["tags.csv"][:-60])
    else:
        (out / "timeline.csv").write_text("")
    assert run(history.path, "--output", out).exit_code == 0
    assert content(out) == first


def test_what_else_is_in_the_folder_stays(history: History, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(history.path, "--output", out)
    git(out, "init", "-q")
    (out / "NOTES").write_text("mine\n")
    history.commit("2", ["a", "b", "c"], "1")
    history.tags(v5_2="2")
    assert run(history.path, "--output", out).exit_code == 0
    assert (out / "NOTES").read_text() == "mine\n"
    assert (out / ".git" / "HEAD").exists()
    assert read_dataset(out).metadata.newest == "v5.2"


def test_output_through_a_link(history: History, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for _ in range(2):
        assert run(history.path, "--output", tmp_path / "link").exit_code == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "timeline.csv").is_file()


# What fails: one line on stderr, exit code 2, and all that was there is there as it was.


def fails(result: Result, *parts: str) -> None:
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: ")
    for part in parts:
        assert part in result.stderr


def test_failing_scan_leaves_the_old_dataset(history: History, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(history.path, "--output", out)
    first = content(out)
    oid = history.commit("2", render_header(["a"]) + b"/* " + b"x" * (9 << 20), "1")
    history.tags(v5_2="2")
    fails(run(history.path, "--output", out), "include/uapi/linux/bpf.h at v5.2", "more than")
    assert content(out) == first
    loose(history.path, oid).write_bytes(b"")
    fails(run(history.path, "--output", out), "v5.2", "fsck")
    assert content(out) == first
    # No debris beside it.
    assert {path.name for path in tmp_path.iterdir()} - {"data"} == {"linux", "out"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/nonexistent"], "does not exist"),
        (["{tmp}"], "is not in a git repository"),
        (["{repo}", "--tags", "v["], "is not a regular expression"),
        (["{repo}", "--tags", "v.*"], "has no group named version"),
        (["{repo}", "--tags", "x(?P<version>.*)"], "no tag of"),
        (["{repo}", "--tags", "(?P<version>notes)"], "1 with 'name has no version'"),
        (["{repo}", "--path", ""], "is not the path of a file"),
        (["{repo}", "--name", "a/b"], "cannot name a dataset"),
        (["{repo}", "--name", "embedded"], "cannot name a dataset"),
        (["{repo}", "--output", "{repo}"], "is no dataset and not empty"),
        (["{repo}", "--output", "{repo}/.git/HEAD"], "is a file"),
        (["{repo}", "--output", "{repo}/.git/HEAD/x"], "cannot write"),
        (["{repo}", "--output", "/proc/nowhere/x"], "cannot write"),
        (["{repo}", "--output", "{tmp}/" + "n" * 300], "cannot write"),
    ],
)
def test_bad_input(history: History, tmp_path: Path, arguments: list[str], message: str) -> None:
    filled = [
        argument.replace("{tmp}", str(tmp_path)).replace("{repo}", str(history.path))
        for argument in arguments
    ]
    (history.path / "file").write_text("keep\n")
    fails(run(*filled), message)
    assert (history.path / "file").read_text() == "keep\n"


def test_no_header_at_any_tag(tmp_path: Path) -> None:
    history = History(tmp_path / "r.git")
    history.commit("0", ["a"], path="kernel/bpf.h")
    history.tags(v5_0="0")
    fails(run(history.path), "none of 1 tags", "--path")
    assert run(history.path, "--path", "kernel/bpf.h").exit_code == 0


def test_output_and_name(history: History) -> None:
    done = run(history.path, "--output", "x", "--name", "y")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--output and --name exclude each other" in done.stderr


def test_data_folder_that_cannot_be_written(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("helperhist.dataset.store.shortfall", lambda timeline: None)
    done = run(history.path, "--output", tmp_path / "out")
    assert done.exit_code == 0
    assert "cannot make this the default" in done.stderr
    assert len(read_dataset(tmp_path / "out").helpers) == 2
    fails(run(history.path), "cannot write")


def test_repository_whose_name_is_no_text(history: History, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/lin\xffux"))
    history.path.rename(folder)
    done = subprocess.run(
        [sys.executable, "-m", "helperhist", "scan", str(folder), "--json"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["source"].endswith("/lin\ufffdux")


_MAIN = """
import signal
# Where tests run in the background, it is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
from helperhist.cli.group import main
from helperhist.git.repository import Repository

def wait(*arguments):
    print("reading", flush=True)
    signal.pause()

Repository.tags = wait
main()
"""


def test_interrupt(history: History, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(history.path, "--output", out)
    first = content(out)
    scan = subprocess.Popen(
        [sys.executable, "-c", _MAIN, "scan", str(history.path), "--output", str(out)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert scan.stdout is not None
    try:
        assert scan.stdout.readline() == b"reading\n"
        scan.send_signal(signal.SIGINT)
        stdout, stderr = scan.communicate(timeout=60)
    finally:
        scan.kill()
    assert (scan.returncode, stdout, stderr) == (130, b"", b"interrupted\n")
    assert content(out) == first
    assert {path.name for path in tmp_path.iterdir()} - {"data"} == {"linux", "out"}


def test_partial_clone_whose_origin_is_gone(history: History, tmp_path: Path) -> None:
    folder = clone(history.path, tmp_path / "partial", "--filter=blob:none", "--bare")
    history.path.rename(tmp_path / "away")
    fails(
        run(folder, "--output", tmp_path / "out"),
        f"`git -C {folder} fetch --refetch --no-filter origin`",
    )
    assert not (tmp_path / "out").exists()


def test_relations_of_a_scan_answer(tmp_path: Path) -> None:
    repo = History(tmp_path / "linux")
    opened = Kernel(cases={XDP: "case BPF_FUNC_b: return &bpf_b_proto;"})
    broken = Kernel(default={XDP: "lost(func_id, prog)"})
    listed = "enum bpf_prog_type { BPF_PROG_TYPE_UNSPEC, BPF_PROG_TYPE_XDP };\n"
    header = render_header(["a", "b", "c"], text=listed)
    for name, kernel in (("v5.10", Kernel()), ("v5.11", opened), ("v5.12", broken)):
        repo.commit(name, header, files=kernel.files())
        repo.tag(name, name)
    done = run(repo.path)
    text = " ".join(done.output.split())
    assert done.exit_code == 0
    assert "helper_use 8 facts of 2 releases; 1 more could not be read" in text
    assert "not read map_use: nothing was found in any tree" in text
    assert "gap helper_use at v5.12: net/core/filter.c: lost: its" in text
    asked = CliRunner().invoke(cli, ["since", "b", "--prog", "xdp", "-q", "--data", "linux"])
    assert (asked.exit_code, asked.stdout) == (0, "5.11\n")
    strict = ("--strict", "--source", "helper_use", "--output", tmp_path / "strict")
    done = run(repo.path, *strict)
    assert done.exit_code == 2
    assert "helper_use cannot read v5.12: net/core/filter.c: lost" in done.stderr
    assert not (tmp_path / "strict").exists()
    gaps = json.loads(run(repo.path, "--source", "helper_use", "--json").stdout)["sources"]
    assert [(gap["tag"], gap["path"], gap["lost"]) for gap in gaps[0]["gaps"]] == [
        ("v5.12", "net/core/filter.c", True)
    ]
