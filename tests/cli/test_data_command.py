"""``helperhist data``, the default that it sets, and what --version says of the data."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from helperhist import __version__
from helperhist.cli.group import cli
from helperhist.dataset import load, write_dataset
from tests.build.repository import History
from tests.build.timeline import helpers, make_timeline


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("HELPERHIST_DATA", raising=False)
    return tmp_path / "data" / "helperhist"


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def listed() -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in json.loads(run("data", "--json").stdout)}


def make(folder: Path, *, kernel: bool = True) -> Path:
    timeline = make_timeline({"v5.0": helpers("a"), "v5.1": helpers("a", "b")})
    timeline.metadata = replace(timeline.metadata, source=f"/src/{folder.name}", kernel=kernel)
    write_dataset(timeline, folder)
    return folder


def test_without_scans_there_is_the_embedded_one(home: Path) -> None:
    (item,) = listed().values()
    assert (item["name"], item["default"], item["error"]) == ("embedded", True, None)
    assert item["size"] > 100_000
    assert run("data").stdout == run("data", "list").stdout
    assert "embedded *" in run("data").stdout
    assert not home.exists(), "a question makes no folders"


def test_list(home: Path) -> None:
    make(home / "linux")
    make(home / "libbpf", kernel=False)
    (make(home / "broken") / "metadata.json").write_text("{")
    found = listed()
    assert list(found) == ["embedded", "broken", "libbpf", "linux"]
    linux = found["linux"]
    size = sum(path.stat().st_size for path in (home / "linux").iterdir())
    assert linux == {
        "name": "linux", "folder": str(home / "linux"), "source": "/src/linux", "first": "5.0",
        "newest": "5.1", "tags": 2, "date": "2000-02-01", "kernel": True, "size": size,
        "default": False, "error": None,
    }  # fmt: skip
    assert "damaged" in found["broken"]["error"]
    text = run("data").stdout
    assert "(not a kernel's)" in text
    assert "cannot be read" in text


def test_a_choice_is_the_default_until_it_is_taken_back(home: Path, tmp_path: Path) -> None:
    make(home / "linux")
    done = run("data", "use", "linux")
    assert "default: mainline 5.0 to 5.1, 2000-02" in done.stderr
    assert "note: it covers less than the embedded data: " in done.stderr
    assert load().metadata.source == "/src/linux"
    assert listed()["linux"]["default"]
    assert run("since", "-q", "b").stdout == "5.1\n"
    # What is named comes first.
    assert run("since", "-q", "bpf_loop", "--data", "embedded").stdout == "5.17\n"
    run("data", "use", "embedded")
    assert listed()["embedded"]["default"]
    run("data", "use", str(make(tmp_path / "elsewhere")))
    assert listed()[str(tmp_path / "elsewhere")]["default"]
    run("data", "use", "default")
    assert load().label == load("embedded").label


def test_a_scan_does_not_take_the_place_of_a_choice(home: Path, tmp_path: Path) -> None:
    from helperhist.dataset import remember_scan

    make(home / "linux")
    run("data", "use", "linux")
    assert remember_scan(tmp_path / "other", load("embedded")) == (
        f"`helperhist data use` chose {home / 'linux'}"
    )


def test_a_choice_that_is_gone_is_said(home: Path, tmp_path: Path) -> None:
    folder = make(tmp_path / "linux")
    run("data", "use", str(folder))
    for path in folder.iterdir():
        path.unlink()
    result = run("since", "loop", code=2)
    assert "the dataset that was chosen is gone" in result.stderr
    assert "helperhist data use default" in result.stderr
    assert "is gone" in run("--version").stdout
    run("data", "use", "default")
    run("since", "loop")


def test_verify(home: Path) -> None:
    make(home / "linux")
    spans = make(home / "torn") / "spans.csv"
    spans.write_text(spans.read_text().replace("v5.1", "v5.7"))
    result = run("data", "verify", code=1)
    lines = dict(line.split(": ", 1) for line in result.stdout.splitlines())
    assert lines["embedded"] == lines["linux"] == "whole"
    assert "spans.csv is damaged" in lines["torn"]
    metadata = make(home / "short") / "metadata.json"
    metadata.write_text(metadata.read_text().replace('"tags": 2', '"tags": 3'))
    assert "counts 3 tags, and it has 2" in run("data", "verify", "short", code=1).stdout
    assert run("data", "verify", "linux").stdout == "linux: whole\n"
    (answer,) = json.loads(run("data", "verify", "torn", "--json", code=1).stdout)
    assert answer["wrong"]
    assert "no dataset 'missing'" in run("data", "verify", "missing", code=2).stderr


def test_remove(home: Path) -> None:
    make(home / "linux")
    make(home / "other")
    run("data", "use", "linux")
    assert str(home / "linux") in run("data", "remove", "linux").stderr
    assert list(listed()) == ["embedded", "other"]
    assert load().label == load("embedded").label
    (home / "other" / "notes.txt").write_text("mine")
    assert "notes.txt" in run("data", "remove", "other", code=2).stderr
    assert (home / "other" / "metadata.json").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("remove", "embedded"), "come with helperhist"),
        (("remove", "../x"), "no dataset '../x'"),
        (("remove", "missing"), "no dataset 'missing'"),
        (("remove",), "give the name of a dataset"),
        (("use",), "give the name of a dataset"),
        (("use", "a", "b"), "give the name of a dataset"),
        (("use", "missing"), "no dataset 'missing'"),
        (("list", "x"), "takes no name"),
        (("lst",), "did you mean list?"),
    ],
)
def test_errors(home: Path, words: tuple[str, ...], message: str) -> None:
    result = run("data", *words, code=2)
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_remove_does_not_follow_a_link(home: Path, tmp_path: Path) -> None:
    real = make(tmp_path / "real")
    home.mkdir(parents=True)
    (home / "link").symlink_to(real)
    run("data", "remove", "link")
    assert real.is_dir()
    assert not (home / "link").exists()


def test_the_version_names_the_data(home: Path) -> None:
    first, second = run("--version").stdout.splitlines()
    assert first == f"helperhist, version {__version__}"
    releases = load().releases
    span = f"{releases[0].version} to {releases[-1].version}"
    assert second.startswith(f"data: mainline {span}, 20")
    make(home / "linux")
    run("data", "use", "linux")
    assert run("--version").stdout.splitlines()[1] == "data: mainline 5.0 to 5.1, 2000-02"
    run("data", "use", str(make(home / "libbpf", kernel=False)))
    assert run("--version").stdout.splitlines()[1] == "data: /src/libbpf 5.0 to 5.1, 2000-02"


def test_a_project_that_carries_the_header_is_not_the_default(tmp_path: Path, home: Path) -> None:
    """Tags as the kernel's, with the headers of older releases in a folder of its own."""
    repo = History(tmp_path / "project")
    path = "bundled/linux/include/uapi/linux/bpf.h"
    before: tuple[str, ...] = ()
    for tag, names in (("v5.8", ["a"]), ("v5.9", ["a"]), ("v5.10", ["a", "ringbuf_output"])):
        repo.commit(tag, names, *before, path=path)
        repo.tag(tag, tag)
        before = (tag,)
    done = run("scan", str(repo.path), "--path", path, "--json")
    answer = json.loads(done.stdout)
    assert (answer["default"], answer["not_default"]) == (False, "it was read with --path")
    assert load("project").metadata.kernel is False
    assert run("since", "-q", "bpf_ringbuf_output").stdout == "5.8\n"


@pytest.mark.parametrize(("makefile", "kernel"), [("5.1", True), ("1.7", False), ("", False)])
def test_a_kernel_has_its_makefile(tmp_path: Path, makefile: str, kernel: bool) -> None:
    repo = History(tmp_path / "linux")
    major, _, minor = makefile.partition(".")
    text = f"# SPDX-License-Identifier: GPL-2.0\nVERSION = {major}\nPATCHLEVEL = {minor}\n"
    files = {"Makefile": text.encode()} if makefile else {}
    repo.commit("0", ["a"])
    repo.commit("1", ["a", "b"], "0", files=files)
    repo.tags(v5_0="0", v5_1="1")
    run("scan", str(repo.path), "--name", "made")
    assert load("made").metadata.kernel is kernel
