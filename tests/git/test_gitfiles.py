"""Files of a repository that are no files, have no end, or are larger than anybody needs."""

import os
import resource
import stat
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helperhist.errors import HelperhistError, RepositoryError
from helperhist.git.files import MAX_OBJECT_BYTES, ObjectTooLarge
from helperhist.git.limits import limited_memory, memory_is_limited
from helperhist.git.objects import MissingObject
from helperhist.git.repository import KERNEL_PATHS, Repository, read_at
from helperhist.git.tags import DEFAULT_TAGS
from helperhist.mining.scanning import scan
from helperhist.printable import one_line
from tests.build.repository import PATH, History, git, loose, render_header, write_object


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Three commits, the last one a merge, tags on two."""
    history = History(tmp_path / "linux", bare=False)
    history.commit("0", ["a"])
    history.commit("1", ["a", "b"], "0")
    history.commit("2", ["a", "b", "c"], "1", "0")
    history.tags(v5_0="0")
    history.tag("v5.1", "2", annotated=True)
    return history


def both(repository: Path, revision: str = "v5.1") -> list[str]:
    """Scan, and read one header; return the errors, which are of one line."""
    errors = []
    for action in (
        lambda: scan(repository),
        lambda: read_at(repository, revision, KERNEL_PATHS),
    ):
        try:
            action()
        except HelperhistError as error:
            errors.append(str(error))
    assert [error for error in errors if "\n" in error] == []
    return errors


# Not a regular file.


def fifo(path: Path) -> None:
    os.mkfifo(path)


def socket(path: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o600)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


KINDS = [fifo, socket, device, folder]


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize(
    "name",
    [
        "HEAD",
        "config",
        "packed-refs",
        "shallow",
        "commondir",
        "gitdir",
        "config.worktree",
        "objects/info/alternates",
        "objects/info/commit-graph",
        "objects/info/commit-graphs/commit-graph-chain",
        "objects/pack/multi-pack-index",
        "objects/pack/pack-0000000000000000000000000000000000000000.pack",
        "objects/pack/pack-0000000000000000000000000000000000000000.idx",
        "refs/heads/master",
        "refs/tags/v5.9",
        "refs/remotes/origin/HEAD",
    ],
)
def test_file_that_is_none(history: History, name: str, make: Callable[[Path], None]) -> None:
    if make is folder and name.startswith("refs/"):
        pytest.skip("a folder is none of the things that a reference cannot be")
    path = history.path / ".git" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    make(path)
    errors = both(history.path)
    assert len(errors) == 2
    assert all(f"{path} is not a regular file" in error for error in errors)


@pytest.mark.parametrize("make", KINDS)
def test_pack_that_is_none(history: History, make: Callable[[Path], None]) -> None:
    git(history.path, "gc", "-q")
    for suffix in ("idx", "pack"):
        (path,) = (history.path / ".git/objects/pack").glob(f"*.{suffix}")
        content = path.read_bytes()
        path.unlink()
        make(path)
        errors = both(history.path)
        assert [f"{path} is not a regular file" in error for error in errors] == [True, True]
        (path.rmdir if make is folder else path.unlink)()
        path.write_bytes(content)
    assert both(history.path) == []


@pytest.mark.parametrize("name", ["info/commit-graph", "pack/multi-pack-index"])
def test_index_of_many_objects(history: History, name: str) -> None:
    """The kernel's own commit-graph has more than 64 MiB."""
    path = Path(history.repo.path, "objects", name)
    path.parent.mkdir(exist_ok=True)
    path.touch()
    os.truncate(path, 200 << 20)
    assert len(Repository(history.path).tags(DEFAULT_TAGS)[0]) == 2


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("what", ["tag", "commit", "root", "folder", "header"])
def test_loose_object_that_is_none(
    history: History, what: str, make: Callable[[Path], None]
) -> None:
    path = loose(history.path, objects(history)[what])
    path.unlink()
    make(path)
    errors = both(history.path)
    assert [f"{path} is not a regular file" in error for error in errors] == [True, True]


@pytest.mark.parametrize("make", [fifo, socket, device])
def test_repository_that_is_none(
    history: History, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / ".git")
    (tmp_path / "inside").mkdir()
    for error in both(tmp_path / "inside"):
        assert f"{tmp_path}/.git is not a regular file" in error


@pytest.mark.parametrize("make", KINDS)
def test_linked_worktree(history: History, tmp_path: Path, make: Callable[[Path], None]) -> None:
    git(history.path, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"), "master")
    own = history.path / ".git/worktrees/linked"
    assert both(tmp_path / "linked") == []
    for name in ("commondir", "gitdir", "HEAD"):
        content = (own / name).read_bytes()
        (own / name).unlink()
        make(own / name)
        errors = both(tmp_path / "linked")
        assert [f"{own / name} is not a regular file" in error for error in errors] == [True, True]
        ((own / name).rmdir if make is folder else (own / name).unlink)()
        (own / name).write_bytes(content)


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize(
    "line",
    [
        "[include]\npath = {}",
        "[include] path={}",
        '[INCLUDE]\n\tPath = "{}" ',
        "[include]\n path = {} # comment",
        "[include]\n path = ../more",
        '[includeIf "gitdir:**"]\n path = {}',
    ],
)
def test_included_file_that_is_none(
    history: History, tmp_path: Path, line: str, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "pipe")
    (history.path / "more").write_text(f"[include]\n path = {tmp_path}/pipe\n")
    with (history.path / ".git/config").open("a") as config:
        config.write(line.format(tmp_path / "pipe") + "\n")
    errors = both(history.path)
    assert [f"{tmp_path}/pipe is not a regular file" in error for error in errors] == [True, True]


def test_included_files_that_are_harmless(history: History, tmp_path: Path) -> None:
    (tmp_path / "more").write_text("[include]\n path = most\n[user]\n name = x\n")
    (tmp_path / "most").write_text("[user]\n name = y\n")
    with (history.path / ".git/config").open("a") as config:
        config.write('[include]\n path = ../../more\n path = "~/not there"\n')
    assert both(history.path) == []


def test_included_file_by_an_odd_path(history: History) -> None:
    with (history.path / ".git/config").open("a") as config:
        config.write("[include]\n path = /dev/\\\nzero\n")
    assert ["by a path that is not read" in error for error in both(history.path)] == [True, True]


# Lists that lead elsewhere.


@pytest.mark.parametrize("content", [b"/x\0y\n", b"\0", b"../x\0"])
@pytest.mark.parametrize("name", ["objects/info/alternates", "commondir"])
def test_nul_in_a_path(history: History, name: str, content: bytes) -> None:
    (history.path / ".git" / name).write_bytes(content)
    errors = both(history.path)
    assert ["NUL byte" in error for error in errors] == [True, True]


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b"/" + b"x" * 5000 + b"\n", b".\n", b"loop\n"])
def test_odd_alternates(history: History, content: bytes) -> None:
    (history.path / ".git/objects/loop").symlink_to("loop")
    (history.path / ".git/objects/info/alternates").write_bytes(content)
    both(history.path)


@pytest.mark.parametrize("target", [".", "..", "../..", "../tags", "loop"])
@pytest.mark.parametrize("place", ["refs/tags", "refs/heads", "refs/remotes/origin"])
def test_references_that_have_no_end(history: History, target: str, place: str) -> None:
    (history.path / ".git" / place).mkdir(parents=True, exist_ok=True)
    (history.path / ".git" / place / "loop").symlink_to(target)
    errors = both(history.path)
    # Some of these lead to a place once; none leads to fewer tags in silence.
    assert len(errors) == 2 or len(scan(history.path).tags) == 2
    if target in (".", "..", "loop"):
        assert len(errors) == 2


def test_reference_that_is_a_link(history: History) -> None:
    (history.path / ".git/refs/tags/v5.2").symlink_to("v5.1")
    assert [tag.name for tag in scan(history.path).tags] == ["v5.0", "v5.1", "v5.2"]


def test_references_that_double(history: History) -> None:
    for level in range(40):
        place = history.path / ".git/refs/tags" / f"level{level}"
        place.mkdir()
        for name in ("a", "b"):
            (place / name).symlink_to(f"../level{level + 1}")
    assert ["cannot list the references" in error for error in both(history.path)] == [True, True]


def test_symbolic_references_in_a_circle(history: History) -> None:
    (history.path / ".git/refs/heads/a").write_text("ref: refs/heads/b\n")
    (history.path / ".git/refs/heads/b").write_text("ref: refs/heads/a\n")
    (history.path / ".git/HEAD").write_text("ref: refs/heads/a\n")
    for revision in ("HEAD", "a", "refs/heads/b"):
        (error,) = both(history.path, revision)
        assert "no revision" in error
    assert scan(history.path).metadata.head is None


def test_names_of_tags(history: History) -> None:
    target = history.id("0")
    names = ["v5.5-" + "a" * 200, "v5.5-" + "b" * 100_000, "v5.5-x"]
    (history.path / ".git/packed-refs").write_text(
        "# pack-refs with: peeled fully-peeled sorted\n"
        + "".join(f"{target} refs/tags/{name}\n" for name in names)
    )
    found, skipped = Repository(history.path).tags(r"v(?P<version>\d+\.\d+)(-[abx]+)?")
    assert {tag.name for tag in found} == {"v5.0", "v5.1", "v5.5-x"}
    assert skipped == {"name is too long": 2}


@pytest.mark.parametrize("pattern", ["(a\n", "(?P<version>\n", "(?<\n)", "[\n-\t]", "a\n"])
def test_pattern_of_two_lines(history: History, pattern: str) -> None:
    with pytest.raises(RepositoryError) as caught:
        Repository(history.path).tags(pattern)
    assert str(caught.value).isprintable()


@given(st.text())
def test_one_line(text: str) -> None:
    assert one_line(text) == "" or one_line(text).isprintable()
    assert len(one_line(text)) <= 300


# Objects: cut off, and too large.


def objects(history: History) -> dict[str, str]:
    tree = history.repo[history.id("2")].peel(pygit2.Tree)
    return {
        "tag": history.id("tag v5.1"),
        "commit": history.id("2"),
        "root": str(tree.id),
        "folder": str(tree["include/uapi"].id),
        "header": str(tree[PATH].id),
    }


@pytest.mark.parametrize("what", ["tag", "commit", "root", "folder", "header"])
def test_loose_object_that_is_cut_off(history: History, what: str) -> None:
    oid = objects(history)[what]
    path = loose(history.path, oid)
    whole = path.read_bytes()
    for length in [*range(40), len(whole) - 5, len(whole) - 1]:
        path.write_bytes(whole[:length])
        revision = "v5.1" if what != "commit" else oid[:10]
        with pytest.raises(MissingObject) as caught:
            read_at(history.path, revision, KERNEL_PATHS)
        assert caught.value.oid == oid
    path.write_bytes(whole + b"x")
    with pytest.raises(MissingObject):
        read_at(history.path, "v5.1", KERNEL_PATHS)
    path.write_bytes(whole)
    assert read_at(history.path, "v5.1", KERNEL_PATHS)[0] == PATH


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(data=st.binary(max_size=200), packed=st.booleans())
def test_loose_object_of_any_content(history: History, data: bytes, packed: bool) -> None:
    path = loose(history.path, objects(history)["header"])
    whole = path.read_bytes()
    try:
        path.write_bytes(zlib.compress(data) if packed else data)
        with pytest.raises(MissingObject):
            read_at(history.path, "v5.1", KERNEL_PATHS)
    finally:
        path.write_bytes(whole)


def large(history: History, what: str) -> str:
    """Tag a commit with an object that is too large; return its id."""
    filler = b"x" * MAX_OBJECT_BYTES
    blob = str(history.repo.create_blob(render_header(["a"])))

    def tree(name: str, oid: str, mode: str = "40000", more: bytes = b"") -> str:
        data = f"{mode} {name}\0".encode() + bytes.fromhex(oid) + more
        return write_object(history, "tree", data)

    extra = b"".join(b"100644 z%08d\0" % n + bytes.fromhex(blob) for n in range(300_000))
    if what == "header":
        blob = found = str(history.repo.create_blob(filler + b"\n"))
    below = tree("bpf.h", blob, "100644")
    below = tree("uapi", tree("linux", below), more=extra if what == "folder" else b"")
    if what == "folder":
        found = below
    root = tree("include", below, more=extra if what == "root" else b"")
    if what == "root":
        found = root
    person = b"a <a@b> 1500000000 +0000"
    head = b"tree %s\nauthor %s\ncommitter %s\n\n" % (root.encode(), person, person)
    oid = write_object(history, "commit", head + (filler if what == "commit" else b"x"))
    if what == "commit":
        found = oid
    if what == "tag":
        head = b"object %s\ntype commit\ntag v5.2\ntagger %s\n\n" % (oid.encode(), person)
        oid = found = write_object(history, "tag", head + filler)
    history.ids["large"] = oid
    (history.path / ".git/refs/tags/v5.2").write_text(oid + "\n")
    return found


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
@pytest.mark.parametrize("what", ["tag", "commit", "root", "folder", "header"])
def test_object_that_is_too_large(history: History, what: str, packed: bool) -> None:
    found = large(history, what)
    if packed:
        git(
            history.path,
            "-c",
            "core.bigFileThreshold=1m",
            "repack",
            "-adq",
            "--no-write-bitmap-index",
        )
        assert not any((history.path / ".git/objects" / found[:2]).glob("*"))
    errors = both(history.path, "v5.2")
    expected = [f"{found[:12]}" in error and "is not read" in error for error in errors]
    assert expected == [True, True]


@pytest.mark.parametrize("what", ["commit", "tree"])
def test_no_memory_for_an_object(
    history: History, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    monkeypatch.setattr("helperhist.git.limits._MAX_DATA", used + (64 << 20))
    tree = "0" * 40
    if what == "tree":
        entry = b"40000 %032d\0" + b"x" * 20
        tree = found = write_object(history, "tree", entry % 1 * (4 << 20))
    person = b"a <a@b> 1500000000 +0000"
    head = b"tree %s\nauthor %s\ncommitter %s\n\n" % (tree.encode(), person, person)
    oid = write_object(history, "commit", head + bytes(256 << 20 if what == "commit" else 1))
    if what == "commit":
        found = oid
    objects = history.path / ".git/objects"
    pack = ["git", "pack-objects", "-q", "--window=0", "--depth=0", "pack/pack"]
    text = f"{found}\n".encode()
    subprocess.run(pack, cwd=objects, input=text, check=True, stdout=subprocess.DEVNULL)
    (objects / found[:2] / found[2:]).unlink()
    with limited_memory():
        assert memory_is_limited()
        repository = Repository(history.path)
        with pytest.raises(ObjectTooLarge, match=f"{found[:12]} .*is not read"):
            list(repository.changes(oid))
    assert not memory_is_limited()


@pytest.mark.parametrize("size", [10**9, 10**19])
def test_loose_object_that_says_it_is_large(history: History, size: int) -> None:
    # Nothing after the first bytes is looked at.
    path = loose(history.path, objects(history)["header"])
    path.write_bytes(zlib.compress(b"blob %d\0" % size))
    with pytest.raises(ObjectTooLarge, match=f"{size} bytes"):
        read_at(history.path, "v5.1", KERNEL_PATHS)


# Revisions.


@pytest.mark.parametrize(
    ("revision", "key"),
    [
        ("v5.1", "2"),
        ("tags/v5.1", "2"),
        ("refs/tags/v5.1", "2"),
        ("v5.1^{}", "2"),
        ("v5.1^{commit}", "2"),
        ("v5.1^0", "2"),
        ("HEAD", "2"),
        ("@", "2"),
        ("master", "2"),
        ("v5.1~", "1"),
        ("v5.1^", "1"),
        ("v5.1~2", "0"),
        ("v5.1~1^1", "0"),
        ("v5.1^2", "0"),
        ("HEAD~1~0", "1"),
    ],
)
def test_revision(history: History, revision: str, key: str) -> None:
    assert Repository(history.path).resolve(revision) == history.id(key)


def test_revision_by_id(history: History) -> None:
    repository = Repository(history.path)
    for key in ("0", "1", "tag v5.1"):
        commit = history.id("2" if key[:3] == "tag" else key)
        for length in (10, 39, 40):
            assert repository.resolve(history.id(key)[:length]) == commit
            assert repository.resolve(history.id(key)[:length].upper()) == commit
    assert repository.resolve(f"v5.0-1-g{history.id('1')[:12]}") == history.id("1")


@pytest.mark.parametrize(
    "revision",
    [
        *("", ":/a", "v5.1:README", "@{1}", "v5.1@{yesterday}", "HEAD^{/a}", "master@{upstream}"),
        *("v9.9", "0" * 40, "0000", "--help", "../x", "a\nb", "v5.1^{tree}", "v5.1\0", "\udcff"),
        *("v5.1^3", "v5.1~3", "v5.1~999999999", "v5.1~9999999999", "~1", "^", "x" * 100_000),
    ],
)
def test_revision_that_is_none(history: History, revision: str) -> None:
    with pytest.raises(RepositoryError, match=r"no revision|leads to no commit") as caught:
        Repository(history.path).resolve(revision)
    assert str(caught.value).isprintable()


def test_revision_of_something_else(history: History) -> None:
    for what in ("root", "header"):
        with pytest.raises(RepositoryError, match="leads to no commit"):
            Repository(history.path).resolve(objects(history)[what])


def test_default_tags_are_read_as_before(history: History) -> None:
    found, skipped = Repository(history.path).tags(DEFAULT_TAGS)
    assert [tag.name for tag in found] == ["v5.0", "v5.1"]
    assert not skipped
