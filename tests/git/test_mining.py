"""Repositories that are odd, foreign or damaged, read with pygit2."""

import os
import shlex
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ConfigLevel

from helperhist.errors import RepositoryError
from helperhist.git.objects import MissingObject
from helperhist.git.open import tune_libgit2
from helperhist.git.repository import Repository
from helperhist.git.tags import DEFAULT_TAGS
from helperhist.mining.scanning import scan
from tests.build.repository import EPOCH, PATH, History, git, loose, render_header, write_object


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Three commits, tags on the first and the last."""
    history = History(tmp_path / "linux", bare=False)
    history.commit("0", ["a"])
    history.commit("1", ["a", "b"], "0")
    history.commit("2", ["a", "b", "c"], "1")
    history.tags(v5_0="0", v5_1="2")
    return history


@pytest.fixture
def tuned() -> Iterator[None]:
    """Set libgit2 up as the scan command does."""
    tune_libgit2()
    yield
    pygit2.settings.enable_caching(True)
    pygit2.settings.enable_strict_hash_verification(True)


# Where a repository is.


def test_any_folder_in_it(history: History, tmp_path: Path) -> None:
    (history.path / "include/deep").mkdir(parents=True)
    git(history.path, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"), "master")
    git(tmp_path, "clone", "-q", "--bare", str(history.path), "bare.git")
    rows = scan(history.path).rows
    for folder in ("linux/.git", "linux/include/deep", "linked", "linked/include", "bare.git"):
        assert scan(tmp_path / folder).rows == rows, folder
    assert [Repository(tmp_path / folder).name for folder in ("linux/include", "linked")] == [
        "linux",
        "linked",
    ]
    assert Repository(tmp_path / "bare.git").name == "bare"


def test_environment_of_another_git_does_not_count(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = History(tmp_path / "other.git")
    for name in ("GIT_DIR", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(other.path))
    assert Repository(history.path).head == history.id("2")


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="does not exist"):
        Repository(tmp_path / "none")
    with pytest.raises(RepositoryError, match="File name too long"):
        Repository(tmp_path / ("n" * 300))
    with pytest.raises(RepositoryError, match="not in a git repository"):
        Repository(tmp_path)


def test_empty_repository(tmp_path: Path) -> None:
    empty = History(tmp_path / "empty.git")
    assert Repository(empty.path).head is None
    with pytest.raises(RepositoryError, match="is empty; give a clone with tags"):
        scan(empty.path)


def test_no_tags(tmp_path: Path) -> None:
    history = History(tmp_path / "r.git")
    history.commit("0", ["a"])
    with pytest.raises(RepositoryError, match="it has no tags: run `git fetch --tags`"):
        scan(history.path)


def test_sha256(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", "new")
    with pytest.raises(RepositoryError, match="stores SHA-256 objects"):
        Repository(tmp_path / "new")


def test_reftable(history: History) -> None:
    git(history.path, "config", "core.repositoryformatversion", "1")
    git(history.path, "config", "extensions.refstorage", "reftable")
    with pytest.raises(RepositoryError, match="refs migrate --ref-format=files"):
        Repository(history.path)


def test_damaged_shallow_file(history: History) -> None:
    (history.path / ".git/shallow").write_text("nonsense\n")
    with pytest.raises(RepositoryError, match="cannot open the repository"):
        Repository(history.path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
@pytest.mark.parametrize("below", ["", "in clude", ".git"], ids=["top", "folder", "git folder"])
def test_repository_of_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    history = History(tmp_path / "their linux", bare=False)
    history.commit("0", ["a"])
    history.tags(v5_0="0")
    (history.path / "in clude").mkdir()
    for folder, folders, files in os.walk(history.path):
        for name in ("", *folders, *files):
            os.chown(Path(folder) / name, 12345, 12345)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in list(os.environ):
        if name.startswith(("GIT_CONFIG", "XDG_CONFIG", "SUDO_")):
            monkeypatch.delenv(name)
    levels = (ConfigLevel.GLOBAL, ConfigLevel.XDG, ConfigLevel.SYSTEM)
    before = {level: pygit2.settings.search_path[level] for level in levels}
    try:
        for level in levels:
            pygit2.settings.search_path[level] = str(home)
        with pytest.raises(RepositoryError, match="belongs to another user") as caught:
            scan(history.path / below)
        assert "\n" not in str(caught.value)
        command = shlex.split(str(caught.value).split("`")[1])
        assert command[:4] == ["git", "config", "--global", "--add"]
        # The command mends it.
        subprocess.run(command, check=True)
        assert len(scan(history.path / below).helpers) == 1
    finally:
        for level, path in before.items():
            pygit2.settings.search_path[level] = path


@pytest.mark.parametrize("path", ["", "/", ".", "../bpf.h", "include/../bpf.h"])
def test_path_that_is_none(history: History, path: str) -> None:
    with pytest.raises(RepositoryError, match="is not the path of a file"):
        Repository(history.path, [path])


def test_file_and_folder_of_one_name(history: History) -> None:
    # "include/uapi" is a folder, also after it was looked through for the header.
    repository = Repository(history.path, (PATH, "include/uapi"))
    assert repository.header_path(history.id("0")) == (PATH, repository.header(history.id("0")))
    bare = history.commit("bare", None, files={"include/uapi/x": b""})
    assert repository.header_path(bare) is None


def test_modes_of_old_trees(history: History) -> None:
    def tree(mode: str, name: str, oid: str) -> str:
        return write_object(history, "tree", f"{mode} {name}\0".encode() + bytes.fromhex(oid))

    blob = str(history.repo.create_blob(render_header(["a"])))
    oid = tree("100664", "bpf.h", blob)
    for folder in ("linux", "uapi", "include"):
        oid = tree("040000", folder, oid)
    person = "a <a@example.com> 1 +0000"
    text = f"tree {oid}\nauthor {person}\ncommitter {person}\n\nold\n"
    commit = write_object(history, "commit", text.encode())
    repository = Repository(history.path)
    assert repository.header(commit) == blob
    assert list(repository.changes(commit)) == [(commit, None)]


# What commits tell.


def info(history: History, text: bytes) -> tuple[str | None, str | None, str]:
    tree = str(history.repo[history.id("0")].peel(pygit2.Commit).tree_id)
    oid = write_object(history, "commit", b"tree %s\n%s" % (tree.encode(), text))
    found = Repository(history.path).info(oid)
    return found.author_date, found.commit_date, found.subject


def test_dates_and_time_zones(history: History) -> None:
    assert info(
        history, b"author a <a@b> 1412467200 +0530\ncommitter c <c@d> 1412467201 -1200\n\nx\n"
    ) == ("2014-10-05T00:00:00Z", "2014-10-05T00:00:01Z", "x")


@pytest.mark.parametrize(
    ("seconds", "date"),
    [
        ("4102444800", "2100-01-01T00:00:00Z"),
        ("2147483648", "2038-01-19T03:14:08Z"),
        ("-1", "1969-12-31T23:59:59Z"),
        ("-62135596800", "0001-01-01T00:00:00Z"),
        ("999999999999999", None),
        ("10000000001412467200", None),
        ("now", None),
        ("", None),
    ],
)
def test_odd_dates(history: History, seconds: str, date: str | None) -> None:
    text = f"author a 2014 <a@b> {seconds} +0000\ncommitter c <c@d> 1412467200 +0000\n\nx\n"
    assert info(history, text.encode()) == (date, "2014-10-05T00:00:00Z", "x")


@pytest.mark.parametrize(
    ("header", "message", "subject"),
    [
        (b"", "bpf: é\nsecond line\n\nbody\n".encode(), "bpf: é second line"),
        (b"encoding ISO-8859-1\n", "é\n".encode("latin-1"), "é"),
        (b"encoding no-such-thing\n", "é\n".encode(), "é"),
        (b"encoding base64\n", b"plain\n", "plain"),
        (b"encoding unicode_escape\n", b"a\\ud800b\n", "a b"),
        (b"", b"\xff\xfe broken\n", "\ufffd\ufffd broken"),
        (b"", b"\n\n\n  spaces \t and\x1b[31m escapes\n", "spaces and [31m escapes"),
        (b"", b"", ""),
        (b"mergetag object 1\n tagger x <x@y> 5 +0000\n encoding x\n", b"signed\n", "signed"),
        (b"gpgsig -----BEGIN\n \n author evil <x@y> 5 +0000\n", b"signed\n", "signed"),
    ],
)
def test_subjects(history: History, header: bytes, message: bytes, subject: str) -> None:
    people = b"author a <a@b> 1412467200 +0000\ncommitter c <c@d> 1412467200 +0000\n"
    date = "2014-10-05T00:00:00Z"
    assert info(history, people + header + b"\n" + message) == (date, date, subject)


def test_subject_that_is_endless(history: History) -> None:
    people = b"author a <a@b> 0 +0000\ncommitter c <c@d> 0 +0000\n"
    assert len(info(history, people + b"\n" + b"x" * 10**6)[2]) == 1000


def test_date_of_a_tag_is_its_taggers(history: History) -> None:
    history.tag("v5.2", "2", annotated=True, date=EPOCH)
    tags, skipped = Repository(history.path).tags(DEFAULT_TAGS)
    # Midnight in Greenwich is the day before eight hours to the west.
    assert {tag.name: tag.date for tag in tags}["v5.2"] == "2014-10-04"
    assert not skipped


# Damage.


def damage(path: Path, how: str) -> None:
    """Damage the file of a loose object."""
    data = path.read_bytes()
    if how == "cut off":
        path.write_bytes(data[: len(data) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "one byte":
        middle = len(data) // 2
        path.write_bytes(data[:middle] + bytes((data[middle] ^ 0xFF,)) + data[middle + 1 :])
    elif how == "deleted":
        path.unlink()
    elif how == "short":
        path.write_bytes(zlib.compress(zlib.decompress(data)[:-9]))
    else:
        path.write_bytes(zlib.compress(b"blob 3\0abc"))


@pytest.mark.usefixtures("tuned")
@pytest.mark.parametrize(
    "how", ["cut off", "empty", "one byte", "short", "another object", "deleted"]
)
@pytest.mark.parametrize("what", ["commit", "root", "folder", "header"])
def test_damaged_object(history: History, what: str, how: str) -> None:
    commit = history.repo[history.id("2")].peel(pygit2.Commit)
    oid = {
        "commit": history.id("1"),
        "root": str(commit.tree_id),
        "folder": str(commit.tree["include/uapi"].id),
        "header": str(commit.tree[PATH].id),
    }[what]
    damage(loose(history.path, oid), how)
    with pytest.raises(MissingObject, match="missing or damaged") as caught:
        scan(history.path)
    assert (caught.value.oid, "\n" in str(caught.value)) == (oid, False)
    assert f"`git -C {history.path} fsck`" in str(caught.value)


@pytest.mark.usefixtures("tuned")
@pytest.mark.parametrize("how", ["cut off", "one byte", "another object"])
def test_damaged_tag(history: History, how: str) -> None:
    # Without this release, what it brought would seem to have come with the next one.
    history.tag("v5.0.1", "1", annotated=True)
    damage(loose(history.path, history.id("tag v5.0.1")), how)
    with pytest.raises(MissingObject, match=r"what tag v5\.0\.1 stands for"):
        scan(history.path)


@pytest.mark.usefixtures("tuned")
def test_damaged_object_of_an_alternate(history: History, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--shared", "--bare", str(history.path), "shared.git")
    damage(loose(history.path, history.id("1")), "cut off")
    with pytest.raises(MissingObject):
        scan(tmp_path / "shared.git")


@pytest.mark.usefixtures("tuned")
@pytest.mark.parametrize("suffix", ["pack", "idx"])
@pytest.mark.parametrize("how", ["cut off", "bytes"])
def test_damaged_pack(history: History, suffix: str, how: str) -> None:
    git(history.path, "gc", "-q", "--prune=now")
    (path,) = (history.path / ".git/objects/pack").glob(f"*.{suffix}")
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    if how == "cut off":
        del data[len(data) // 3 :]
    else:
        for at in range(1100 if suffix == "idx" else 12, len(data) - 20, 30):
            data[at] ^= 0x55
    path.write_bytes(data)
    with pytest.raises(RepositoryError) as caught:
        scan(history.path)
    assert "\n" not in str(caught.value)


def test_damaged_packed_refs(history: History) -> None:
    git(history.path, "pack-refs", "--all")
    (history.path / ".git/packed-refs").write_text("# pack-refs with: sorted\nnonsense\n")
    with pytest.raises(RepositoryError, match="cannot list the tags"):
        scan(history.path)


def test_head_that_leads_nowhere(history: History) -> None:
    (history.path / ".git/HEAD").write_text("1" * 40 + "\n")
    timeline = scan(history.path)
    assert (timeline.metadata.head, timeline.metadata.time) == (None, None)


def test_only_scanning_needs_pygit2() -> None:
    code = "import sys, helperhist, helperhist.dataset.store; helperhist.load('embedded'); " + (
        "sys.exit('pygit2' in sys.modules)"
    )
    path = os.pathsep.join(filter(None, sys.path))
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": path})
