"""One dataset takes the place of another: readers at any moment, writers killed at any moment."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from helperhist.dataset import swap
from helperhist.dataset.store import has_dataset, load, read_dataset, write_dataset
from helperhist.errors import DatasetError
from helperhist.timeline import Doc, Timeline
from tests.build.timeline import helpers, make_timeline


def made(name: str) -> Timeline:
    """Return a timeline of which every part tells which one it is."""
    timeline = make_timeline({"v5.0": helpers("a"), "v5.1": helpers("a", name)})
    timeline.metadata = replace(timeline.metadata, source=name)
    tags = [replace(tag, path=name) for tag in timeline.tags]
    docs = [Doc(f"bpf_{name}", "v5.1", name, name)] if name == "new" else []
    return Timeline(
        timeline.metadata, timeline.rows, lambda: tags, lambda: timeline.spans,
        lambda: timeline.events, lambda: docs,
    )  # fmt: skip


def which(folder: Path) -> str:
    """Return which dataset is there; it is whole."""
    found = read_dataset(folder)
    name = found.metadata.source
    assert f"bpf_{name}" in {row.name for row in found.rows}
    assert {tag.path for tag in found.tags} == {name}
    assert f"bpf_{name}" in {span.name for span in found.spans}
    assert [doc.description for doc in found.docs] == ([name] if name == "new" else [])
    return name


@pytest.fixture(params=["in one step", "step by step"])
def exchange(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test also as on a file system that cannot swap folders."""
    if request.param == "step by step":
        monkeypatch.setattr(swap, "_exchange", lambda one, two: False)
    return str(request.param)


def child(work: Callable[[], object]) -> int:
    """Begin another process; return its id."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return pid


def ended(pid: int) -> bool:
    """Wait for a process; return whether it came to its end. Anything but a kill is a failure."""
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.waitstatus_to_exitcode(status) == 0
    return True


def test_readers_see_one_dataset(tmp_path: Path, exchange: str) -> None:
    folder = tmp_path / "data"
    write_dataset(made("old"), folder)

    def write() -> None:
        for _ in range(80):
            write_dataset(made("new"), folder)
            write_dataset(made("old"), folder)

    pid, seen = child(write), set()
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        seen.add(which(folder))
    assert seen == {"old", "new"}
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_writers_take_turns(tmp_path: Path, exchange: str) -> None:
    folder = tmp_path / "data"
    write_dataset(made("old"), folder)
    (folder / "README").write_text("mine")

    def write(name: str) -> None:
        for _ in range(30):
            write_dataset(made(name), folder)

    pids = [child(partial(write, name)) for name in ("old", "new", "other")]
    assert [ended(pid) for pid in pids] == [True] * 3
    assert which(folder) in ("old", "new", "other")
    assert (folder / "README").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("existing", ["nothing", "dataset", "link"])
def test_a_kill_at_any_moment(tmp_path: Path, exchange: str, existing: str) -> None:
    """A writer is killed at its first step, its second one, and so on to the end."""
    for moment in count(1):
        place = tmp_path / str(moment)
        folder = place / "data"
        place.mkdir()
        if existing == "link":
            (place / "real").mkdir()
            folder.symlink_to("real")
        if existing != "nothing":
            write_dataset(made("old"), folder)
            (folder / ".git").mkdir()
            (folder / ".git" / "HEAD").write_text("ref")

        def work(folder: Path = folder, moment: int = moment) -> None:
            steps = count(1)

            def stop(event: str, _: object) -> None:
                touches = event.startswith(("os.", "open", "shutil.", "tempfile.", "ctypes."))
                if touches and next(steps) == moment:
                    os.kill(os.getpid(), signal.SIGKILL)

            new = made("new")
            # What only the first writer imports.
            write_dataset(new, folder.parent / "other")
            shutil.rmtree(folder.parent / "other")
            sys.addaudithook(stop)
            write_dataset(new, folder)

        whole = ended(child(work))
        if existing == "nothing" and not whole and not has_dataset(folder):
            with pytest.raises(DatasetError, match="no dataset"):
                read_dataset(folder)
        else:
            assert which(folder) in (("new",) if whole or existing == "nothing" else ("old", "new"))
            assert load(folder).metadata.source == read_dataset(folder).metadata.source
        write_dataset(made("new"), folder)
        assert which(folder) == "new"
        if existing != "nothing":
            assert (folder / ".git" / "HEAD").read_text() == "ref"
        left = {"data", "real"} if existing == "link" else {"data"}
        assert {path.name for path in place.iterdir()} == left
        if whole:
            assert moment > 10
            break


def test_what_was_made_anew_is_not_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write_dataset(made("old"), folder)
    left = tmp_path / ".data.scan" / "new.x"
    left.mkdir(parents=True)
    (left / "README").write_text("of before")
    (folder / "README").write_text("mine")
    write_dataset(made("new"), folder)
    assert (folder / "README").read_text() == "mine"
    assert (folder / "README.1").read_text() == "of before"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_work_folder_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".data.scan").symlink_to("elsewhere")
    with pytest.raises(DatasetError, match=r"cannot write .*\.data\.scan .*remove it"):
        write_dataset(made("new"), tmp_path / "data")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_files_that_are_no_files(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write_dataset(made("old"), folder)
    (folder / "tags.csv").unlink()
    os.mkfifo(folder / "tags.csv")
    with pytest.raises(DatasetError, match=r"tags\.csv: not a regular file; scan again"):
        _ = read_dataset(folder).tags
