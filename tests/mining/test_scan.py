"""Scans of real git histories: rows, events, introducing commits, incremental scans."""

from collections.abc import Sequence
from pathlib import Path

import pygit2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import helperhist
from helperhist.dataset.files import render_dataset
from helperhist.dataset.store import read_dataset, write_dataset
from helperhist.errors import ParseError, RepositoryError
from helperhist.git.repository import Repository
from helperhist.mining.scanning import scan, scan_with_summary
from helperhist.sources.uapi import parse_header
from helperhist.timeline import Backport, Event, Row, Timeline
from tests.build.repository import (
    EPOCH,
    OLD_PATH,
    PATH,
    History,
    clone,
    doc_comment,
    git,
    makefile,
    render_header,
    write_object,
)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "linux.git")


def row(timeline: Timeline, name: str) -> Row:
    found = timeline.since(name)
    assert found is not None, name
    return found


def story(history: History, timeline: Timeline, name: str) -> tuple[str | None, ...]:
    """Return release, first tag and key of the introducing commit of a name."""
    found = row(timeline, name)
    return found.since, found.first_tag, history.key(found.commit)


# Traps that really happened.


def test_two_branches_take_the_same_number(history: History) -> None:
    # In the cycle of 4.1 tracing's probe_read and networking's get_prandom_u32 were both number 4.
    base = ["map_lookup_elem", "map_update_elem", "map_delete_elem"]
    history.commit("base", base)
    history.commit("tracing", [*base, "probe_read", "ktime_get_ns"], "base")
    history.commit("net", [*base, "get_prandom_u32"], "base")
    history.commit("pull tracing", [*base, "probe_read", "ktime_get_ns"], "base", "tracing")
    merged = [*base, "probe_read", "ktime_get_ns", "get_prandom_u32"]
    history.commit("pull net", merged, "pull tracing", "net")
    history.tags(v4_0="base", v4_1_rc1="pull net", v4_1="pull net")
    timeline = scan(history.path)
    assert [(r.name, r.id) for r in timeline.helpers][3:] == [
        ("bpf_probe_read", 4),
        ("bpf_ktime_get_ns", 5),
        ("bpf_get_prandom_u32", 6),
    ]
    assert story(history, timeline, "probe_read") == ("4.1", "v4.1-rc1", "tracing")
    assert story(history, timeline, "get_prandom_u32") == ("4.1", "v4.1-rc1", "net")
    # No tag ever had the other number.
    assert timeline.events == ()


def test_renumbered_between_tags(history: History) -> None:
    history.commit("1", ["a", "b"])
    history.commit("2", ["a", "c", "b"], "1")
    history.tags(v4_1_rc1="1", v4_1_rc2="2")
    timeline = scan(history.path)
    assert timeline.events == (Event("renumbered", "helper", "bpf_b", "v4.1-rc2", "2", "3"),)
    assert row(timeline, "b").id == 3
    assert history.key(row(timeline, "b").commit) == "1"


def test_renamed_before_the_release(history: History) -> None:
    # 4.8-rc: skb_in_cgroup became skb_under_cgroup.
    history.commit("0", ["a"])
    history.commit("add", ["a", "skb_in_cgroup"], "0")
    history.commit("rename", ["a", "skb_under_cgroup"], "add")
    history.tags(v4_7="0", v4_8_rc1="add", v4_8_rc3="rename", v4_8="rename")
    timeline = scan(history.path)
    old, new = row(timeline, "skb_in_cgroup"), row(timeline, "skb_under_cgroup")
    assert (old.since, old.tag, old.removed) == (None, None, "v4.8-rc3")
    assert history.key(old.commit) == "add"
    assert new.former_names == ("bpf_skb_in_cgroup",)
    assert story(history, timeline, "skb_under_cgroup") == ("4.8", "v4.8-rc3", "rename")
    assert timeline.events == (
        Event(
            "renamed", "helper", "bpf_skb_in_cgroup", "v4.8-rc3", "bpf_skb_in_cgroup",
            "bpf_skb_under_cgroup",
        ),
    )  # fmt: skip


def test_added_reverted_and_added_again_in_one_cycle(history: History) -> None:
    history.commit("0", ["a"])
    history.commit("add", ["a", "b"], "0")
    history.commit("revert", ["a"], "add")
    history.commit("again", ["a", "b"], "revert")
    history.tags(v5_0="0", v5_1_rc1="again", v5_1="again")
    assert story(history, scan(history.path), "b") == ("5.1", "v5.1-rc1", "again")


def test_added_reverted_and_added_again_over_releases(history: History) -> None:
    history.commit("0", ["a"])
    history.commit("add", ["a", "b"], "0")
    history.commit("revert", ["a"], "add")
    history.commit("again", ["a", "b"], "revert")
    history.tags(v5_0="0", v5_1="add", v5_2="revert", v5_3_rc1="again")
    timeline = scan(history.path)
    assert story(history, timeline, "b") == ("5.3", "v5.3-rc1", "again")
    assert row(timeline, "b").tag is None
    assert [(e.event, e.name, e.tag) for e in timeline.events] == [
        ("removed", "bpf_b", "v5.2"),
        ("returned", "bpf_b", "v5.3-rc1"),
    ]
    history.tags(v5_3="again")
    assert row(scan(history.path), "b").tag == "v5.3"


def test_header_moves_between_tags(history: History) -> None:
    history.commit("old", ["a"], path=OLD_PATH)
    history.commit("new", ["a", "b"], "old")
    history.commit("own", ["a", "b", "c"], "new", path="kernel/bpf.h")
    history.tags(v5_0="old", v5_1="new", v5_2="own")
    timeline = scan(history.path, paths=["./kernel//bpf.h"])
    assert [tag.path for tag in timeline.tags] == [OLD_PATH, PATH, "kernel/bpf.h"]
    assert story(history, timeline, "a") == ("5.0", "v5.0", "old")
    assert story(history, timeline, "b") == ("5.1", "v5.1", "new")
    assert story(history, timeline, "c") == ("5.2", "v5.2", "own")
    assert timeline.metadata.paths == (PATH, OLD_PATH, "kernel/bpf.h")


def test_first_path_that_exists_counts(history: History) -> None:
    history.commit("0", ["a"], files={"include/linux/bpf.h": render_header(["a", "kernel_only"])})
    history.tags(v5_0="0")
    assert [r.name for r in scan(history.path).helpers] == ["bpf_a"]


def test_backported_to_one_series_only(history: History) -> None:
    history.commit("5.10", ["a"])
    history.commit("5.10.1", ["a"], "5.10")
    history.commit("fix", ["a", "only"], "5.10.1")
    history.commit("5.11", ["a", "new"], "5.10")
    history.tags(v5_10="5.10", v5_10_1="5.10.1", v5_10_2="fix", v5_11="5.11")
    only = row(scan(history.path), "only")
    assert (only.since, only.tag, only.first_tag) == (None, None, "v5.10.2")
    assert only.backports == (Backport("5.10", "5.10.2"),)
    assert (history.key(only.commit), only.or_earlier) == ("fix", False)


def test_backported_to_several_series(history: History) -> None:
    history.commit("5.4", ["a"])
    history.commit("5.4.9", ["a", "b"], "5.4")
    history.commit("5.4.10", ["a", "b"], "5.4.9")
    history.commit("5.10", ["a"], "5.4")
    history.commit("5.10.1", ["a"], "5.10")
    history.commit("5.10.2", ["a", "b"], "5.10.1")
    history.commit("5.15", ["a", "b"], "5.10")
    history.commit("5.15.1", ["a", "b"], "5.15")
    for key in ("5.4", "5.4.9", "5.4.10", "5.10", "5.10.1", "5.10.2", "5.15", "5.15.1"):
        history.tag(f"v{key}", key)
    found = row(scan(history.path), "b")
    assert found.backports == (Backport("5.4", "5.4.9"), Backport("5.10", "5.10.2"))
    assert (found.since, history.key(found.commit)) == ("5.15", "5.15")


def test_series_without_its_release(history: History) -> None:
    # As in a shallow clone of a stable branch: whether 5.10 itself had a is not known.
    history.commit("1", ["a"])
    history.commit("2", ["a", "b"], "1")
    history.tags(v5_10_1="1", v5_10_2="2")
    timeline = scan(history.path)
    a, b = row(timeline, "a"), row(timeline, "b")
    assert (a.since, a.first_tag, a.or_earlier, a.backports) == (None, "v5.10.1", True, ())
    assert (b.since, b.first_tag, b.or_earlier) == (None, "v5.10.2", False)
    assert b.backports == (Backport("5.10", "5.10.2"),)


@pytest.mark.parametrize("options", [(), ("--changed-paths",)], ids=["plain", "filters"])
def test_same_dataset_by_a_commit_graph(history: History, options: tuple[str, ...]) -> None:
    history.commit("0", None)
    history.commit("1", ["a"], "0")
    history.commit("topic", ["a", "b"], "1")
    history.commit("2", ["a"], "1", files={"other": b"2"})
    history.commit("merge", ["a", "b"], "2", "topic")
    history.commit("3", ["a", "b", "c"], "merge", path=OLD_PATH)
    history.tags(v4_0="0", v4_1="2", v4_2_rc1="merge", v4_2="3")
    without = render_dataset(scan(history.path))
    git(history.path, "commit-graph", "write", "--reachable", *options)
    assert Repository(history.path).shortcut is not None
    assert render_dataset(scan(history.path)) == without


def test_octopus_merge(history: History) -> None:
    history.commit("0", ["a"])
    for name in "bcd":
        history.commit(name, ["a", name], "0")
    history.commit("octopus", ["a", "b", "c", "d"], "0", "b", "c", "d")
    history.tags(v5_0="0", v5_1="octopus")
    timeline = scan(history.path)
    assert [history.key(row(timeline, name).commit) for name in "bcd"] == ["b", "c", "d"]


def test_merge_that_writes_a_name_itself(history: History) -> None:
    history.commit("0", ["a"])
    history.commit("b", ["a", "b"], "0")
    history.commit("c", ["a", "c"], "0")
    history.commit("evil", ["a", "b", "c", "d"], "c", "b")
    history.tags(v5_0="0", v5_1="evil")
    timeline = scan(history.path)
    assert [history.key(row(timeline, name).commit) for name in "bcd"] == ["b", "c", "evil"]


def test_dates_do_not_count(history: History) -> None:
    history.commit("0", ["a"], date=EPOCH + 9_000_000)
    history.commit("1", ["a", "b"], "0", date=EPOCH + 5_000_000)
    history.commit("2", ["a", "b", "c"], "1", date=EPOCH)
    for name, key, date in (("v5.0", "0", 3), ("v5.1", "1", 2), ("v5.2", "2", 1)):
        history.tag(name, key, annotated=True, date=EPOCH + date * 86400)
    timeline = scan(history.path)
    assert [tag.name for tag in timeline.tags] == ["v5.0", "v5.1", "v5.2"]
    assert [story(history, timeline, name) for name in "abc"] == [
        ("5.0", "v5.0", "0"),
        ("5.1", "v5.1", "1"),
        ("5.2", "v5.2", "2"),
    ]
    # The tagger lives eight hours west.
    assert row(timeline, "c").released == "2014-10-05"
    assert row(timeline, "a").released == "2014-10-07"


def test_order_of_versions(history: History) -> None:
    names = ["v4.9", "v4.10-rc1", "v4.10", "v4.20", "v5.0-rc2", "v5.0-rc10", "v5.0", "v5.0.1"]
    last: tuple[str, ...] = ()
    for number, name in enumerate(names):
        history.commit(name, [f"h{n}" for n in range(number + 1)], *last)
        last = (name,)
    for name in reversed(names):
        history.tag(name, name)
    assert [tag.name for tag in scan(history.path).tags] == names


@pytest.mark.parametrize("both", [False, True], ids=["v5.10.0", "v5.10 and v5.10.0"])
def test_releases_with_three_numbers(history: History, both: bool) -> None:
    history.commit("5.9", ["a"])
    history.commit("5.10", ["a", "b"], "5.9", files=makefile("v5.10"))
    history.commit("5.10.1", ["a", "b", "c"], "5.10")
    history.tags(v5_9_0="5.9", v5_10_0="5.10", v5_10_1="5.10.1")
    if both:
        history.tags(v5_10="5.10")
    timeline = scan(history.path)
    found = row(timeline, "b")
    assert (found.since, found.tag) == ("5.10", "v5.10" if both else "v5.10.0")
    assert row(timeline, "c").backports == (Backport("5.10", "5.10.1"),)
    # Only a history with the kernel's own names is one.
    assert timeline.metadata.kernel is both


@pytest.mark.parametrize(
    ("names", "pattern", "versions"),
    [
        (
            ["Ubuntu-5.4.0-9.12", "Ubuntu-5.4.0-42.46", "Ubuntu-hwe-5.4.0-1.1"],
            r"Ubuntu-(?P<version>5\.4\.0-\d+\.\d+)",
            ["5.4.0-9.12", "5.4.0-42.46"],
        ),
        (
            ["kernel-4.18.0-80.el8", "kernel-4.18.0-305.el8"],
            r"kernel-(?P<version>.*)",
            ["4.18.0-80.el8", "4.18.0-305.el8"],
        ),
        (
            ["android12-5.10-2021-07_r1", "android12-5.10-2021-11_r2"],
            r"android12-(?P<version>5\.10-.*)",
            ["5.10-2021-07_r1", "5.10-2021-11_r2"],
        ),
    ],
    ids=["ubuntu", "rhel", "android"],
)
def test_distribution_tags(
    history: History, names: list[str], pattern: str, versions: list[str]
) -> None:
    last: tuple[str, ...] = ()
    for number, name in enumerate(names):
        history.commit(name, [f"h{n}" for n in range(number + 1)], *last)
        history.tag(name, name)
        last = (name,)
    timeline = scan(history.path, tags=pattern)
    assert [tag.version.text for tag in timeline.tags] == versions
    assert story(history, timeline, "h1") == (versions[1], names[1], names[1])
    assert timeline.metadata.kernel is False
    skipped = len(names) - len(versions)
    assert timeline.metadata.skipped == (
        (("name does not fit the pattern", skipped),) if skipped else ()
    )


def test_tags_of_all_kinds(history: History) -> None:
    history.commit("0", ["a"])
    history.commit("1", ["a", "b"], "0")
    history.tag("v5.0", "0")
    history.tag("inner", "1", annotated=True)
    history.tag("v5.1", "tag inner", annotated=True, date=EPOCH + 86400)
    history.tag("v2.6.11-tree", str(history.repo[history.id("0")].peel(pygit2.Commit).tree_id))
    history.tag("v2.6.12", str(history.repo.create_blob(b"a key\n")), annotated=True)
    history.tag("v2.6.13", str(history.repo[history.id("0")].peel(pygit2.Commit).tree_id))
    timeline, summary = scan_with_summary(history.path)
    assert [(tag.name, history.key(tag.commit), tag.date) for tag in timeline.tags] == [
        ("v5.0", "0", "2014-10-05"),
        ("v5.1", "1", "2014-10-05"),
    ]
    assert timeline.tags[1].target == history.id("tag v5.1")
    assert dict(summary.skipped) == {
        "name does not fit the pattern": 2,
        "tag of a blob": 1,
        "tag of a tree": 1,
    }


def test_broken_tags_are_counted(history: History) -> None:
    history.commit("0", ["a"])
    history.tags(v5_0="0")
    tags = history.path / "refs" / "tags"
    (tags / "v5.1").write_text("1" * 40 + "\n")
    (tags / "v5.2").write_text("garbage\n")
    (tags / "v5.3").write_text("")
    (tags / "v5.4").write_text("ref: refs/tags/v5.0\n")
    (tags / "v5.5").mkdir()
    endless = write_object(
        history, "tag", b"object %s\ntype tag\ntag v\n\nno tagger\n" % (b"2" * 40)
    )
    (tags / "v5.6").write_text(f"{endless}\n")
    timeline, summary = scan_with_summary(history.path)
    assert [tag.name for tag in timeline.tags] == ["v5.0"]
    assert dict(summary.skipped) == {
        "reference is damaged": 2,
        "symbolic reference": 1,
        "tagged object is missing": 2,
    }


def test_names_that_may_be_older(history: History) -> None:
    history.commit("0", ["a"])
    history.commit("1", ["a", "b"], "0")
    history.tags(v5_0="0", v5_1="1")
    timeline = scan(history.path)
    assert [row(timeline, name).or_earlier for name in "ab"] == [True, False]
    history.commit("before", None)
    history.tags(v4_20="before")
    assert [row(scan(history.path), name).or_earlier for name in "ab"] == [False, False]


def test_documentation_is_of_the_newest_tag_that_has_it(history: History) -> None:
    def header(names: Sequence[str], *prototypes: str) -> bytes:
        return render_header(names, text=doc_comment(*prototypes))

    history.commit("0", header(["a", "b"], "long bpf_a(u32 x)", "void *bpf_b(void)"))
    history.commit("1", header(["a", "b"], "long bpf_a(u64 x)"), "0")
    history.tags(v5_0="0", v5_1="1")
    timeline = scan(history.path)
    assert [(r.name, r.prototype) for r in timeline.helpers] == [
        ("bpf_a", "long bpf_a(u64 x)"),
        ("bpf_b", "void *bpf_b(void)"),
    ]
    assert [(doc.name, doc.tag, doc.description) for doc in timeline.docs] == [
        ("bpf_a", "v5.1", "About long bpf_a."),
        ("bpf_b", "v5.0", "About void *bpf_b."),
    ]


def test_a_define_that_becomes_an_enumerator_is_one_name(history: History) -> None:
    text = "enum bpf_flags { BPF_F_X = 1, BPF_OTHER = 2 };\n"
    history.commit("0", render_header(["a"], ["BPF_OTHER"]))
    history.commit("1", render_header(["a"], text=text), "0")
    history.tags(v5_0="0", v5_1="1")
    timeline = scan(history.path)
    found = row(timeline, "BPF_OTHER")
    assert (found.kind, found.since, found.id) == ("flag", "5.0", 2)
    assert history.key(found.commit) == "0"


def test_an_enumeration_that_gets_a_tag_keeps_its_kind(history: History, tmp_path: Path) -> None:
    # As BPF_F_ADJ_ROOM_* in 7.3; without BPF_F_, it is history alone that tells.
    history.commit("0", render_header(["a"], text="enum { BPF_RB_X = 1, BPF_RB_Y = 2 };\n"))
    history.tags(v7_2="0")
    before = scan(history.path)
    text = "enum bpf_rb { BPF_RB_X = 1, BPF_RB_Y = 2, BPF_RB_Z = 4 };\n"
    history.commit("1", render_header(["a"], text=text), "0")
    history.tags(v7_3="1")
    timeline = assert_same(history, before, tmp_path)
    kinds = {name: row(timeline, name).kind for name in ("BPF_RB_X", "BPF_RB_Y", "BPF_RB_Z")}
    assert kinds == {"BPF_RB_X": "flag", "BPF_RB_Y": "flag", "BPF_RB_Z": "bpf_rb"}
    assert timeline.events == ()
    assert [span.first for span in timeline.spans if span.name == "BPF_RB_X"] == ["v7.2"]
    diff = timeline.diff("7.2", "7.3")
    assert [name.name for name in (*diff.added, *diff.removed)] == ["BPF_RB_Z"]


@pytest.mark.parametrize("order", [("define", "list"), ("list", "define")])
def test_a_name_of_a_list_of_the_system_call_is_of_its_kind(
    history: History, tmp_path: Path, order: tuple[str, str]
) -> None:
    texts = {"define": "#define BPF_NEW 7\n", "list": "enum bpf_cmd { BPF_NEW = 7 };\n"}
    history.commit("0", render_header(["a"], text=texts[order[0]]))
    history.commit("1", render_header(["a"], text=texts[order[1]]), "0")
    history.tags(v5_0="0")
    before = scan(history.path)
    history.tags(v5_1="1")
    assert row(assert_same(history, before, tmp_path), "BPF_NEW").kind == "cmd"


def test_without_commits(history: History) -> None:
    history.commit("0", ["a"])
    history.tags(v5_0="0")
    timeline = scan(history.path, commits=False)
    found = row(timeline, "a")
    assert (found.since, found.commit, found.subject) == ("5.0", None, None)
    assert timeline.metadata.commits is False


def test_odd_commits_are_followed(history: History) -> None:
    history.commit("0", ["a"])
    tree = str(history.repo[history.id("0")].peel(pygit2.Commit).tree_id)
    odd = write_object(
        history,
        "commit",
        f"tree {tree}\nparent {history.id('0')}\nauthor nobody\n"
        "committer x <x@example.com> 99999999999999999999 +0000\n\nodd\n".encode(),
    )
    history.commit("child", ["a", "b"], "0")
    child = history.repo[history.id("child")].read_raw().decode()
    history.ids["1"] = write_object(history, "commit", child.replace(history.id("0"), odd).encode())
    history.tags(v5_0="0", v5_1="1")
    history.tag("v5.0.1", odd)
    timeline = scan(history.path)
    assert story(history, timeline, "b") == ("5.1", "v5.1", "1")
    assert [tag.date for tag in timeline.tags] == ["2014-10-05", None, "2014-10-05"]


# Repositories that are not whole.


@pytest.fixture
def origin(tmp_path: Path) -> History:
    """Five releases, each with a helper of its own, on a chain of ten commits."""
    history = History(tmp_path / "origin.git")
    last: tuple[str, ...] = ()
    for number in range(5):
        history.commit(f"c{number}", [f"h{n}" for n in range(number + 1)], *last)
        history.commit(f"t{number}", [f"h{n}" for n in range(number + 1)], f"c{number}")
        history.tag(f"v5.{number}", f"t{number}", annotated=True)
        last = (f"t{number}",)
    return history


def test_shallow_clone(origin: History, tmp_path: Path) -> None:
    folder = clone(origin.path, tmp_path / "shallow", "--depth=4", "--branch=master")
    git(folder, "fetch", "-q", "--tags", "--depth=4")
    git(folder, "tag", "-d", "v5.0", "v5.1", "v5.2")
    timeline, summary = scan_with_summary(folder)
    assert [tag.name for tag in timeline.tags] == ["v5.3", "v5.4"]
    rows = [row(timeline, f"h{n}") for n in range(5)]
    assert [(r.since, r.or_earlier) for r in rows] == [
        ("5.3", True), ("5.3", True), ("5.3", True), ("5.3", True), ("5.4", False),
    ]  # fmt: skip
    # h3 came with a commit whose parent is cut off.
    assert [origin.key(r.commit) for r in rows] == [None, None, None, None, "c4"]
    assert summary.unknown == sum(r.commit is None for r in timeline.rows) >= 4
    assert len(timeline.metadata.shallow) == 1

    git(folder, "fetch", "-q", "--unshallow", "--tags")
    whole = scan(folder, previous=timeline)
    assert whole.metadata.shallow == ()
    assert [origin.key(row(whole, f"h{n}").commit) for n in range(5)] == [
        "c0", "c1", "c2", "c3", "c4",
    ]  # fmt: skip
    assert render_dataset(whole) == render_dataset(scan(folder))


def packs(folder: Path) -> int:
    return len(list((folder / ".git" / "objects" / "pack").glob("*.pack")))


def test_partial_clone_fetches_in_one_batch(
    origin: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = clone(origin.path, tmp_path / "partial", "--filter=blob:none", "--no-checkout")
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    # What a hook's git sets, to be ignored.
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    timeline = scan(folder)
    assert trace.read_text().count("git fetch") == 1
    assert [r.commit for r in timeline.helpers] == [origin.id(f"c{n}") for n in range(5)]
    monkeypatch.delenv("GIT_DIR")
    assert timeline.rows == scan(origin.path).rows
    # Nothing was written into the clone, so that the next scan fetches them again; one that is
    # built on an earlier scan has nothing to fetch.
    trace.unlink()
    assert scan(folder, previous=timeline).rows == timeline.rows
    assert not trace.exists()


def test_partial_clone_read_by_more_processes(
    origin: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helperhist.mining.walk._ALONE", 0)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1})
    folder = clone(origin.path, tmp_path / "partial", "--filter=blob:none", "--no-checkout")
    timeline = scan(folder)
    assert [r.commit for r in timeline.helpers] == [origin.id(f"c{n}") for n in range(5)]


def test_bare_partial_clone_under_the_settings_of_a_user(
    origin: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In a bare repository, git log reads the .mailmap of HEAD: an object that this one lacks.
    names = [f"h{number}" for number in range(5)]
    origin.commit("mapped", names, "t4", files={".mailmap": b"A <a@example.org> <b@example.org>\n"})
    settings = tmp_path / "settings"
    settings.write_text("[log]\n\tshowRoot = false\n\tshowSignature = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    folder = clone(origin.path, tmp_path / "partial.git", "--bare", "--filter=blob:none")
    assert scan(folder).rows == scan(origin.path).rows


def test_partial_clone_without_commits_fetches_the_tags_only(
    origin: History, tmp_path: Path
) -> None:
    # Between the tags there is a header that no tag has.
    origin.commit("between", ["h0", "draft"], "t4")
    origin.commit("c5", ["h0", "h1"], "between")
    origin.tags(v5_5="c5")
    folder = clone(origin.path, tmp_path / "partial", "--filter=blob:none", "--no-checkout")
    timeline = scan(folder, commits=False)
    assert len(timeline.tags) == 6
    draft = str(origin.repo[origin.id("between")].peel(pygit2.Commit).tree[PATH].id)
    assert git(folder, "rev-list", "--objects", "--all", "--missing=print").count(f"?{draft}") == 1


def test_partial_clone_with_a_relative_remote(origin: History, tmp_path: Path) -> None:
    folder = clone(origin.path, tmp_path / "partial", "--filter=blob:none", "--no-checkout")
    git(folder, "remote", "set-url", "origin", "../origin.git")
    assert scan(folder / ".git").rows == scan(origin.path).rows


def test_partial_clone_whose_origin_is_gone(origin: History, tmp_path: Path) -> None:
    folder = clone(origin.path, tmp_path / "partial", "--filter=blob:none", "--no-checkout")
    away = origin.path.rename(tmp_path / "away.git")
    with pytest.raises(RepositoryError) as caught:
        scan(folder)
    command = f"git -C {folder} fetch --refetch --no-filter origin"
    assert f"`{command}`" in str(caught.value)
    assert "\n" not in str(caught.value)
    # The command mends it.
    away.rename(origin.path)
    git(tmp_path, *command.split()[1:])
    git(folder, "remote", "remove", "origin")
    assert scan(folder).rows == scan(origin.path).rows


def test_clone_without_trees(origin: History, tmp_path: Path) -> None:
    folder = clone(origin.path, tmp_path / "treeless", "--filter=tree:0", "--no-checkout")
    with pytest.raises(RepositoryError) as caught:
        scan(folder)
    command = f"git -C {folder} fetch --refetch --no-filter origin"
    assert f"`{command}`" in str(caught.value)
    git(tmp_path, *command.split()[1:])
    assert scan(folder).rows == scan(origin.path).rows


@pytest.mark.parametrize(
    "options", [["--bare"], ["--mirror"], ["--shared"], ["--reference-if-able"]]
)
def test_clones_that_are_whole(origin: History, tmp_path: Path, options: list[str]) -> None:
    if options == ["--reference-if-able"]:
        options = [f"{options[0]}={origin.path}"]
    git(tmp_path, "clone", "-q", *options, str(origin.path), str(tmp_path / "copy"))
    assert scan(tmp_path / "copy").rows == scan(origin.path).rows


def test_replace_refs_do_not_rewrite_history(origin: History) -> None:
    before = scan(origin.path)
    git(origin.path, "replace", origin.id("c2"), origin.id("c0"))
    assert scan(origin.path).rows == before.rows


# Second scans.


def assert_same(history: History, previous: Timeline, folder: Path, **options: object) -> Timeline:
    """Scan with and without the previous dataset, both through the disk; compare the folders."""
    write_dataset(previous, folder / "old")
    old = read_dataset(folder / "old")
    fresh = render_dataset(scan(history.path, **options))  # type: ignore[arg-type]
    again = scan(history.path, previous=old, **options)  # type: ignore[arg-type]
    assert render_dataset(again) == fresh
    write_dataset(again, folder / "old")
    assert {p.name: p.read_text() for p in (folder / "old").iterdir()} == fresh
    # Each tag has what its header has, read without any history.
    for tag in again.tags:
        entries = parse_header(history.repo[tag.blob].read_raw())
        assert {name: item.id for name, item in again.present(tag).items()} == {
            entry.name: entry.id for entry in entries
        }
    return again


@pytest.fixture
def documented(history: History) -> History:
    """A history with all that a dataset can hold."""
    names = ["a", "b"]
    docs = doc_comment("long bpf_a(struct x *ctx, u32 size)", "void bpf_b(void)")
    history.commit("0", render_header(names, ["BPF_F_X"], text=docs))
    history.commit("1", render_header([*names, "old"], ["BPF_F_X", "BPF_F_Y"], text=docs), "0")
    history.commit("2", render_header([*names, "new"], ["BPF_F_Y"], "mapper", text=docs), "1")
    history.commit("2.1", [*names, "new", "ported"], "2", style="mapper")
    history.commit("3", [*names, "new", "more"], "2", style="numbered")
    history.tags(v5_0="0", v5_1_rc1="1", v5_2="2", v5_2_1="2.1", v5_3="3")
    return history


def test_nothing_new(documented: History, tmp_path: Path) -> None:
    assert_same(documented, scan(documented.path), tmp_path)
    _, summary = scan_with_summary(documented.path, previous=scan(documented.path))
    assert summary.reused == summary.tags == 5


def test_new_tags(documented: History, tmp_path: Path) -> None:
    before = scan(documented.path)
    documented.commit("4", ["a", "b", "new", "more", "newer"], "3")
    documented.tags(v5_4_rc1="4")
    assert_same(documented, before, tmp_path)
    assert scan_with_summary(documented.path, previous=before)[1].reused == 5


def test_stable_tags_in_the_middle(documented: History, tmp_path: Path) -> None:
    before = scan(documented.path)
    documented.commit("2.0.1", ["a", "b", "old", "fix"], "1", flags=["BPF_F_Z"])
    documented.tags(v5_1="1", v5_1_1="2.0.1", v5_2_2="2.1")
    assert_same(documented, before, tmp_path)


def test_moved_tag(documented: History, tmp_path: Path) -> None:
    before = scan(documented.path)
    # The same header, another commit: rows that it introduced change.
    documented.commit("other 0", documented_header(documented, "0"))
    documented.tags(v5_0="other 0")
    after = assert_same(documented, before, tmp_path)
    assert documented.key(row(after, "a").commit) == "other 0"


def documented_header(history: History, key: str) -> bytes:
    return history.repo[history.id(key)].peel(pygit2.Commit).tree[PATH].read_raw()


def test_deleted_tag(documented: History, tmp_path: Path) -> None:
    before = scan(documented.path)
    documented.delete_tag("v5.1-rc1")
    after = assert_same(documented, before, tmp_path)
    assert after.since("old") is None
    assert row(after, "a").prototype == "long bpf_a(struct x *ctx, u32 size)"


def test_tag_that_shows_the_time_before(documented: History, tmp_path: Path) -> None:
    before = scan(documented.path)
    documented.commit("before", None)
    documented.tags(v4_20="before")
    after = assert_same(documented, before, tmp_path)
    assert not row(after, "a").or_earlier
    documented.delete_tag("v4.20")
    assert row(assert_same(documented, after, tmp_path), "a").or_earlier


def test_same_release_under_another_name(documented: History, tmp_path: Path) -> None:
    before = scan(documented.path)
    docs = doc_comment("int bpf_a(struct y *ctx)")
    documented.commit("2'", render_header(["a", "b", "new"], text=docs), "2")
    documented.tags(v5_2_0="2'")
    after = assert_same(documented, before, tmp_path)
    assert row(after, "a").prototype == "int bpf_a(struct y *ctx)"


def test_helper_documented_before_it_is_listed(documented: History, tmp_path: Path) -> None:
    docs = doc_comment("int bpf_early(void)")
    documented.commit("4", render_header(["a", "b", "new", "more"], text=docs), "3")
    documented.tags(v5_4="4")
    before = scan(documented.path)
    documented.commit("5", ["a", "b", "new", "more", "early"], "4")
    documented.tags(v5_5="5")
    after = assert_same(documented, before, tmp_path)
    assert row(after, "early").prototype == "int bpf_early(void)"


def test_helper_listed_late_and_described_at_a_newer_known_tag(
    history: History, tmp_path: Path
) -> None:
    history.commit("0", ["a"])
    history.commit("1", render_header(["a", "b"], text=doc_comment("int bpf_b(u8 x)")), "0")
    history.commit("2", render_header(["a"], text=doc_comment("int bpf_b(u16 x)")), "1")
    history.tags(v5_0="0", v5_2="2")
    before = scan(history.path)
    history.tags(v5_1="1")
    assert row(assert_same(history, before, tmp_path), "b").prototype == "int bpf_b(u16 x)"


def test_kinds_that_differ_do_not_mix_headers_up(history: History, tmp_path: Path) -> None:
    # BPF_Z makes all snapshots be made anew; none may take the place of another in memory.
    history.commit("none", [])
    history.commit("x", [], "none", flags=["BPF_F_X"])
    history.commit("enum", render_header([], text="enum k { BPF_Z = 7 };\n"), "x")
    history.commit("all", [], "enum", flags=["BPF_F_X", "BPF_F_Y", "BPF_Z"])
    history.tags(v5_0="x")
    before = scan(history.path)
    history.tags(v5_1_rc1="none", v5_1="none", v5_1_1="enum", v5_2="all", v5_2_1="x")
    after = assert_same(history, before, tmp_path)
    assert story(history, after, "BPF_F_X") == ("5.2", "v5.2", "all")


def test_windows_line_ends(history: History, tmp_path: Path) -> None:
    docs = doc_comment("long bpf_a(u32 x)")
    history.commit("0", render_header(["a"], text=docs).replace(b"\n", b"\r\n"))
    history.tags(v5_0="0")
    before = scan(history.path)
    history.commit("1", render_header(["a", "b"]).replace(b"\n", b"\r\n").rstrip(), "0")
    history.tags(v5_1="1")
    assert [r.name for r in assert_same(history, before, tmp_path).helpers] == ["bpf_a", "bpf_b"]


@pytest.mark.parametrize(
    "options",
    [
        {"commits": False},
        {"tags": r"v(?P<version>5\.[01].*)"},
        {"paths": ("kernel/bpf.h",)},
    ],
    ids=["no-commits", "tags", "path"],
)
def test_other_options(documented: History, tmp_path: Path, options: dict[str, object]) -> None:
    before = scan(documented.path)
    after = assert_same(documented, before, tmp_path, **options)
    assert_same(documented, after, tmp_path)


def test_newer_version(
    documented: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = scan(documented.path)
    monkeypatch.setattr(helperhist, "__version__", "99.0")
    assert assert_same(documented, before, tmp_path).metadata.version == "99.0"
    assert scan_with_summary(documented.path, previous=before)[1].reused == 0


def test_repacked(documented: History, tmp_path: Path) -> None:
    before = scan(documented.path)
    git(documented.path, "gc", "-q", "--prune=now")
    git(documented.path, "commit-graph", "write", "--reachable")
    assert assert_same(documented, before, tmp_path).rows == before.rows


def test_dataset_does_not_tell_when_it_was_made(documented: History) -> None:
    timeline = scan(documented.path)
    assert timeline.metadata.head == documented.id("3")
    assert timeline.metadata.time == "2014-10-05T05:00:00Z"


POOL = ("a", "b", "c", "d", "e")
VERSIONS = ("5.0", "5.1-rc1", "5.1", "5.1.1", "5.2", "5.2.0", "5.2.1", "5.2.2", "5.3")


@st.composite
def headers(draw: st.DrawFn) -> bytes:
    names = draw(st.lists(st.sampled_from(POOL), unique=True, max_size=5))
    flags = draw(st.lists(st.sampled_from(("BPF_F_X", "BPF_F_Y", "BPF_Z")), unique=True))
    style = draw(st.sampled_from(("enum", "mapper", "numbered")))
    kind = draw(st.sampled_from(("", "enum k { BPF_Z = 7 };\n", "struct s { int BPF_F_X; };\n")))
    described = draw(st.lists(st.sampled_from(POOL), unique=True))
    size = draw(st.sampled_from(("32", "64")))
    docs = doc_comment(*(f"u{size} bpf_{name}(void *x)" for name in described)) if described else ""
    return render_header(names, flags, style, docs + kind)


@settings(max_examples=40, deadline=None)
@given(
    contents=st.lists(headers() | st.none(), min_size=4, max_size=8),
    first=st.dictionaries(st.sampled_from(VERSIONS), st.integers(0, 99), min_size=1),
    then=st.dictionaries(st.sampled_from(VERSIONS), st.integers(0, 99)),
    gone=st.sets(st.sampled_from(VERSIONS), max_size=1),
    merges=st.booleans(),
)
def test_second_scan_of_any_history(
    tmp_path_factory: pytest.TempPathFactory,
    contents: list[bytes | None],
    first: dict[str, int],
    then: dict[str, int],
    gone: set[str],
    merges: bool,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    history = History(folder / "r.git")
    count = len(contents)
    for index, content in enumerate(contents):
        parents = {index - 1, index - 2} if merges and index > 1 else {index - 1}
        history.commit(str(index), content, *(str(p) for p in sorted(parents) if p >= 0))

    def set_tags(tags: dict[str, int]) -> None:
        for version, number in tags.items():
            history.tag(f"v{version}", str(number % count))

    set_tags(first)
    try:
        before = scan(history.path)
    except RepositoryError:
        # No tag with a header.
        return
    set_tags(then if len(then) % 2 else {v: n for v, n in then.items() if v not in first})
    for version in gone & first.keys():
        history.delete_tag(f"v{version}")
    try:
        scan(history.path)
    except RepositoryError:
        return
    assert_same(history, before, folder)


# Bad input.


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"#define X 1\n" * 4_500_000, "bytes, more than"),
        (b"#ifndef X\n#define X\n#endif\n", "no list of helpers"),
        (b"", "no list of helpers"),
        (bytes(range(256)) * 100, "no list of helpers"),
    ],
    ids=["50 MB", "no list", "empty", "binary"],
)
def test_bad_header(history: History, content: bytes, message: str) -> None:
    history.commit("0", content)
    history.tags(v5_0="0")
    with pytest.raises(ParseError, match=message) as caught:
        scan(history.path)
    assert f"{PATH} at v5.0" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_header_that_is_a_link_or_a_folder_is_none(history: History, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "work")
    work = tmp_path / "work"
    (work / "include/uapi/linux").mkdir(parents=True)
    (work / "include/uapi/linux/bpf.h").symlink_to("other.h")
    (work / "include/linux/bpf.h").mkdir(parents=True)
    (work / "include/linux/bpf.h/file").write_text("x\n")
    git(work, "add", "-A")
    git(work, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x")
    git(work, "tag", "v5.0")
    with pytest.raises(RepositoryError, match=r"none of 1 tags .* has include/uapi/linux/bpf.h or"):
        scan(work)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("v(", "is not a regular expression"),
        ("v.*", "no group named version"),
        (r"x(?P<version>.*)", "no tag .* fits .* 1 with 'name does not fit the pattern'"),
        (r"(?P<version>v|x)5.0", "1 with 'name has no version'"),
    ],
)
def test_bad_pattern(history: History, pattern: str, message: str) -> None:
    history.commit("0", ["a"])
    history.tags(v5_0="0")
    with pytest.raises(RepositoryError, match=message):
        scan(history.path, tags=pattern)
