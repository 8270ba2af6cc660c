"""Scans of git histories of small kernels: which release has which relation."""

from collections.abc import Sequence
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import FileMode

from helperhist.dataset.files import render_dataset
from helperhist.dataset.store import read_dataset, write_dataset
from helperhist.errors import ParseError, RepositoryError
from helperhist.git.repository import Repository
from helperhist.mining import files as mining_files
from helperhist.mining.scanning import HEADER, scan, scan_with_summary
from helperhist.timeline.timeline import Timeline
from helperhist.version import KernelVersion
from tests.build.kernel_tree import CLS, TRACING, XDP, Kernel, KfuncSet
from tests.build.repository import History, clone, git, loose

HELPERS = ("a", "b", "c")
B = "case BPF_FUNC_b: return &bpf_b_proto;"
C = "case BPF_FUNC_c: return &bpf_c_proto;"
PLAIN = Kernel()
#: No map_use: these kernels have no maps.
SOURCES = ("helper_use", "kfuncs", "arch_use")


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "linux.git")


def releases(history: History, *kernels: Kernel, first: int = 10) -> None:
    """Commit trees one after another, each a release: 5.10, 5.11, ..."""
    before: tuple[str, ...] = ()
    for number, kernel in enumerate(kernels, first):
        name = f"v5.{number}"
        history.commit(name, HELPERS, *before, files=kernel.files())
        history.tag(name, name)
        before = (name,)


def runs(timeline: Timeline, kind: str, name: str) -> list[tuple[str, str, str, str | None]]:
    """Return type, value, first and last of each run."""
    return [
        (run.object.removeprefix("BPF_PROG_TYPE_"), run.value, run.first, run.last)
        for run in timeline.relations.runs
        if (run.kind, run.name) == (kind, name)
    ]


def read(timeline: Timeline, source: str) -> list[str]:
    return [item.tag for item in timeline.relations.readings if item.source == source]


@pytest.mark.parametrize(
    ("with_b", "value"),
    [
        (PLAIN.change(cases={XDP: B}), ""),
        (PLAIN.change(default={XDP: "other(func_id, prog)"}, more={
            "net/other.c": b"const struct bpf_func_proto *other(enum bpf_func_id func_id, "
            b"const struct bpf_prog *prog)\n{\n\tswitch (func_id) {\n"
            b"\tcase BPF_FUNC_b: return &bpf_b_proto;\n"
            b"\tdefault: return bpf_base_func_proto(func_id, prog);\n\t}\n}\n"}), ""),
        (PLAIN.change(cases={XDP: f"\n#ifdef CONFIG_X\n{B}\n#endif\n"}), "config=CONFIG_X"),
    ],
    ids=["a new case", "another default", "under an ifdef"],
)  # fmt: skip
def test_a_helper_is_opened_to_a_type_and_closed(
    history: History, with_b: Kernel, value: str
) -> None:
    releases(history, PLAIN, with_b, with_b, PLAIN)
    timeline = scan(history.path, commits=False, sources=SOURCES, strict=True)
    assert runs(timeline, "helper_use", "bpf_b") == [("XDP", value, "v5.11", "v5.12")]
    assert [object_ for object_, *_ in runs(timeline, "helper_use", "bpf_a")] == [
        "SCHED_CLS", "TRACING", "XDP",
    ]  # fmt: skip
    assert read(timeline, "helper_use") == ["v5.10", "v5.11", "v5.12", "v5.13"]


def test_a_condition_that_comes_later(history: History) -> None:
    under = PLAIN.change(cases={XDP: f"\n#ifdef CONFIG_X\n{B}\n#endif\n"})
    releases(history, PLAIN, PLAIN.change(cases={XDP: B}), under)
    assert runs(scan(history.path, commits=False), "helper_use", "bpf_b") == [
        ("XDP", "", "v5.11", "v5.11"),
        ("XDP", "config=CONFIG_X", "v5.12", None),
    ]


def test_a_base_function_moves_to_another_file(history: History) -> None:
    releases(history, PLAIN, PLAIN.change(base_file="kernel/bpf/core.c"))
    timeline = scan(history.path, commits=False, sources=SOURCES, strict=True)
    assert runs(timeline, "helper_use", "bpf_a")[0] == ("SCHED_CLS", "", "v5.10", None)


def with_sets(*sets: KfuncSet, path: str = "net/core/kfuncs.c") -> Kernel:
    return PLAIN.change(sets={path: sets})


@pytest.mark.parametrize(
    ("after", "kfunc", "use"),
    [
        (with_sets(KfuncSet("renamed", {"bpf_k": "KF_ACQUIRE"})), None, [("XDP", None)]),
        (with_sets(KfuncSet("s", {"bpf_k": "KF_ACQUIRE"}), path="kernel/moved.c"), None,
         [("XDP", None)]),
        (with_sets(KfuncSet("s", {"bpf_k": "KF_ACQUIRE"}, (XDP, CLS))), None,
         [("SCHED_CLS", "v5.11"), ("XDP", None)]),
        (with_sets(KfuncSet("s", {"bpf_k": "KF_ACQUIRE | KF_RET_NULL"})), "KF_ACQUIRE KF_RET_NULL",
         [("XDP", None)]),
    ],
    ids=["renamed", "moved", "one more type", "other flags"],
)  # fmt: skip
def test_a_set_of_kfuncs_changes(
    history: History, after: Kernel, kfunc: str | None, use: Sequence[tuple[str, str | None]]
) -> None:
    releases(history, with_sets(KfuncSet("s", {"bpf_k": "KF_ACQUIRE"})), after)
    timeline = scan(history.path, commits=False, sources=SOURCES, strict=True)
    found = [("", "KF_ACQUIRE", "v5.10", None if kfunc is None else "v5.10")]
    if kfunc is not None:
        found.append(("", kfunc, "v5.11", None))
    assert runs(timeline, "kfunc", "bpf_k") == found
    assert [
        (kind, first if first != "v5.10" else None)
        for kind, _, first, _ in runs(timeline, "kfunc_use", "bpf_k")
    ] == use


def test_what_a_source_cannot_read_is_a_gap(history: History) -> None:
    broken = PLAIN.change(default={XDP: "lost(func_id, prog)"})
    releases(history, PLAIN, broken, PLAIN.change(cases={XDP: B}))
    timeline, summary = scan_with_summary(history.path, commits=False)
    assert read(timeline, "helper_use") == ["v5.10", "v5.12"]
    assert read(timeline, "kfuncs") == ["v5.10", "v5.11", "v5.12"]
    assert runs(timeline, "helper_use", "bpf_a")[0] == ("SCHED_CLS", "", "v5.10", None)
    found = timeline.relations.find("helper_use", "bpf_b", XDP)[0]
    assert (found.since, found.absent) == ("5.12", "5.10")
    source = summary.sources[0]
    assert (source.name, source.lost, [gap.path for _, gap in source.gaps]) == (
        "helper_use", ["v5.11"], ["net/core/filter.c"],
    )  # fmt: skip
    with pytest.raises(ParseError, match=r"helper_use cannot read v5\.11: net/core/filter\.c: "):
        scan(history.path, commits=False, sources=SOURCES, strict=True)


def test_candidates_updates_and_builds_are_not_releases(history: History) -> None:
    history.commit("1", HELPERS, files=PLAIN.files())
    history.commit("2", HELPERS, "1", files=PLAIN.change(cases={XDP: B}).files())
    history.tags(v5_10="1", v5_11_rc1="2", v5_10_1="2", v5_11="2")
    history.tag("v4.3", "1")
    timeline = scan(history.path, commits=False)
    assert read(timeline, "helper_use") == ["v5.10", "v5.11"]
    assert runs(timeline, "helper_use", "bpf_b") == [("XDP", "", "v5.11", None)]


def test_a_project_that_carries_the_header_has_no_sources(history: History) -> None:
    history.commit("1", HELPERS)
    history.tags(v5_10="1")
    timeline, summary = scan_with_summary(history.path, commits=False)
    assert not timeline.relations
    assert {source.lacking for source in summary.sources} == {"no tag has the files of a kernel"}
    # A tree that is no kernel's may well have a file that looks like one.
    history.commit("2", HELPERS, files={"net/core/filter.c": PLAIN.files()["net/core/filter.c"]})
    history.tags(v5_10="2")
    assert not scan(history.path, commits=False).relations


def test_only_some_sources(history: History) -> None:
    releases(history, PLAIN)
    timeline = scan(history.path, commits=False, sources=["kfuncs"])
    assert {item.source for item in timeline.relations.readings} == {"kfuncs"}
    assert (timeline.rows, [tag.name for tag in timeline.tags]) == ((), ["v5.10"])
    timeline = scan(history.path, commits=False, sources=[HEADER])
    assert [row.name for row in timeline.helpers] == ["bpf_a", "bpf_b", "bpf_c"]
    assert not timeline.relations


# Again.


def dataset(timeline: Timeline, folder: Path) -> Timeline:
    write_dataset(timeline, folder)
    return read_dataset(folder)


def test_a_second_scan_reads_only_what_is_new(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = [
        PLAIN,
        PLAIN.change(cases={XDP: B}),
        PLAIN.change(cases={XDP: B, CLS: C}, sets={"fs/x.c": [KfuncSet("s", {"bpf_k": ""})]}),
    ]
    releases(history, *kernels[:2])
    first = dataset(scan(history.path, commits=False, sources=SOURCES), tmp_path / "first")
    releases(history, kernels[2], first=12)
    roots: list[str] = []
    original = Repository.root

    def root(self: Repository, commit: str) -> str:
        roots.append(commit)
        return original(self, commit)

    monkeypatch.setattr(Repository, "root", root)
    again, summary = scan_with_summary(history.path, commits=False, sources=SOURCES, previous=first)
    # The last release of before is what the new one is compared with.
    assert {history.key(commit) for commit in roots} == {"v5.11", "v5.12"}
    assert [source.reused for source in summary.sources] == [2, 2, 2]
    fresh = scan(history.path, commits=False, sources=SOURCES)
    assert render_dataset(again) == render_dataset(fresh)
    # Nothing new, nothing read.
    roots.clear()
    second = dataset(again, tmp_path / "second")
    once_more = scan(history.path, commits=False, sources=SOURCES, previous=second)
    assert render_dataset(once_more) == render_dataset(again)
    assert roots == []


def test_a_raised_version_reads_only_its_source(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases(history, PLAIN, PLAIN.change(cases={XDP: B}))
    first = dataset(scan(history.path, commits=False), tmp_path / "first")

    class Newer(type(mining_files.SOURCES["helper_use"])):  # type: ignore[misc]
        version = 1000

    monkeypatch.setitem(mining_files.SOURCES, "helper_use", Newer())
    again, summary = scan_with_summary(history.path, commits=False, previous=first)
    assert {source.name: source.reused for source in summary.sources if source.releases} == {
        "helper_use": 0, "kfuncs": 2, "arch_use": 2,
    }  # fmt: skip
    assert dict(again.metadata.sources)["helper_use"] == 1000
    assert again.relations.runs == first.relations.runs


def test_a_moved_tag_makes_all_of_it_new(history: History, tmp_path: Path) -> None:
    releases(history, PLAIN, PLAIN.change(cases={XDP: B}))
    first = dataset(scan(history.path, commits=False), tmp_path / "first")
    history.tag("v5.11", "v5.10")
    again = scan(history.path, commits=False, previous=first)
    assert runs(again, "helper_use", "bpf_b") == []


def test_a_damaged_file_is_one_line(history: History) -> None:
    releases(history, PLAIN)
    blob = git(history.path, "rev-parse", "v5.10:kernel/bpf/btf.c")
    loose(history.path, blob).write_bytes(b"damaged")
    with pytest.raises(RepositoryError, match=r"kernel/bpf/btf\.c .*missing or damaged") as caught:
        scan(history.path, commits=False)
    assert "\n" not in str(caught.value)


def test_each_file_is_parsed_once(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    releases(history, PLAIN, PLAIN.change(cases={TRACING: B}), PLAIN, PLAIN)
    parsed: list[str] = []
    source = mining_files.SOURCES["helper_use"]

    class Counting(type(source)):  # type: ignore[misc]
        def parse(self, path: str, data: bytes) -> object:
            parsed.append(path)
            return source.parse(path, data)

    monkeypatch.setitem(mining_files.SOURCES, "helper_use", Counting())
    scan(history.path, commits=False)
    assert sorted(parsed) == [
        "include/linux/bpf_types.h", "kernel/bpf/helpers.c", "net/core/filter.c",
        "net/core/filter.c",
    ]  # fmt: skip


# Which commit brought it.


def origins(history: History, timeline: Timeline, kind: str, name: str) -> list[tuple[str, ...]]:
    """Return type, first tag and key of the commit, of each run that has one."""
    return [
        (item.object.removeprefix("BPF_PROG_TYPE_"), item.first, history.key(item.commit) or "")
        for item in timeline.parts.introductions
        if (item.kind, item.name) == (kind, name)
    ]


def commit(history: History, key: str, kernel: Kernel, *parents: str) -> None:
    history.commit(key, HELPERS, *parents, files=kernel.files())


def follow(history: History) -> Timeline:
    return scan(history.path, sources=[HEADER, *SOURCES])


def test_the_commit_that_opened_a_helper(history: History) -> None:
    commit(history, "0", PLAIN)
    commit(history, "1", PLAIN.change(cases={CLS: B}), "0")
    commit(history, "2", PLAIN.change(cases={CLS: B, XDP: B}), "1")
    commit(history, "3", PLAIN.change(cases={CLS: B, XDP: B}, base_file="kernel/x.c"), "2")
    # Files that have nothing to do with it.
    history.commit("4", HELPERS, "3", files={**PLAIN.change(cases={CLS: B, XDP: B}).files(),
                                             "drivers/x.c": b"int x;\n"})  # fmt: skip
    history.tags(v5_10="0", v5_11="4")
    timeline = follow(history)
    assert origins(history, timeline, "helper_use", "bpf_b") == [
        ("SCHED_CLS", "v5.11", "1"),
        ("XDP", "v5.11", "2"),
    ]
    # At the first release there is no telling.
    assert origins(history, timeline, "helper_use", "bpf_a") == []
    found = timeline.relations.find("helper_use", "bpf_b", XDP)[0].introduction
    assert found is not None
    assert (found.subject, found.author_date) == ("2", "2014-10-05T03:00:00Z")


def test_the_commit_that_changed_a_condition(history: History) -> None:
    under = PLAIN.change(cases={XDP: f"\n#ifdef CONFIG_X\n{B}\n#endif\n"})
    commit(history, "0", PLAIN)
    commit(history, "came", PLAIN.change(cases={XDP: B}), "0")
    commit(history, "under", under, "came")
    commit(history, "other", under.change(helpers=("a", "b", "c", "d")), "under")
    history.tags(v5_10="0", v5_11="came", v5_12="other")
    assert origins(history, follow(history), "helper_use", "bpf_b") == [
        ("XDP", "v5.11", "came"),
        ("XDP", "v5.12", "under"),
    ]


def test_what_was_taken_away_and_came_again(history: History) -> None:
    has = PLAIN.change(cases={XDP: B})
    for number, kernel in enumerate([PLAIN, has, PLAIN, has, has]):
        commit(history, str(number), kernel, *([str(number - 1)] if number else []))
    history.tags(v5_10="0", v5_11="4")
    assert origins(history, follow(history), "helper_use", "bpf_b") == [("XDP", "v5.11", "3")]
    history.tags(v5_11="1", v5_12="2", v5_13="4")
    assert origins(history, follow(history), "helper_use", "bpf_b") == [
        ("XDP", "v5.11", "1"),
        ("XDP", "v5.13", "3"),
    ]


def test_a_merge_of_two_changes(history: History) -> None:
    flags = with_sets(KfuncSet("s", {"bpf_k": "KF_ACQUIRE"}))
    types = with_sets(KfuncSet("s", {"bpf_k": ""}, (XDP, CLS)))
    both = with_sets(KfuncSet("s", {"bpf_k": "KF_ACQUIRE"}, (XDP, CLS)))
    commit(history, "0", with_sets(KfuncSet("s", {"bpf_k": ""})))
    commit(history, "flags", flags, "0")
    commit(history, "types", types, "0")
    commit(history, "merge", both, "flags", "types")
    history.tags(v5_10="0", v5_11="merge")
    timeline = follow(history)
    assert origins(history, timeline, "kfunc", "bpf_k") == [("", "v5.11", "flags")]
    assert origins(history, timeline, "kfunc_use", "bpf_k") == [("SCHED_CLS", "v5.11", "types")]


def test_a_merge_that_wrote_it_itself(history: History) -> None:
    commit(history, "0", PLAIN)
    commit(history, "left", PLAIN.change(cases={CLS: B}), "0")
    commit(history, "right", PLAIN.change(cases={TRACING: B}), "0")
    commit(history, "merge", PLAIN.change(cases={CLS: B, TRACING: B, XDP: B}), "left", "right")
    history.tags(v5_10="0", v5_11="merge")
    assert origins(history, follow(history), "helper_use", "bpf_b") == [
        ("SCHED_CLS", "v5.11", "left"),
        ("TRACING", "v5.11", "right"),
        ("XDP", "v5.11", "merge"),
    ]


@pytest.mark.parametrize("moves", [1, 2])
def test_a_set_that_moves_between_two_releases(history: History, moves: int) -> None:
    """The commit that moved it brought nothing, also from a file that no release has."""
    commit(history, "0", PLAIN)
    keys = ["0"]
    for number, path in enumerate(["net/core/one.c", "fs/two.c", "kernel/three.c"][: moves + 1]):
        keys.append(f"at {path}")
        made = with_sets(KfuncSet(f"s{number}", {"bpf_k": "KF_ACQUIRE"}), path=path)
        commit(history, keys[-1], made, keys[-2])
    history.tags(v5_10="0", v5_11=keys[-1])
    timeline = follow(history)
    assert origins(history, timeline, "kfunc", "bpf_k") == [("", "v5.11", "at net/core/one.c")]
    assert origins(history, timeline, "kfunc_use", "bpf_k") == [
        ("XDP", "v5.11", "at net/core/one.c")
    ]


def test_a_commit_that_a_source_cannot_read_brought_it_or_not(history: History) -> None:
    broken = PLAIN.change(default={XDP: "lost(func_id, prog)"})
    commit(history, "0", PLAIN)
    commit(history, "broken", broken.change(cases={CLS: B}), "0")
    commit(history, "again", PLAIN.change(cases={CLS: B}), "broken")
    commit(history, "later", PLAIN.change(cases={CLS: B, XDP: B}), "again")
    history.tags(v5_10="0", v5_11="later")
    timeline, summary = scan_with_summary(history.path, sources=[HEADER, *SOURCES])
    assert origins(history, timeline, "helper_use", "bpf_b") == [("XDP", "v5.11", "later")]
    # SCHED_CLS, gpl_only and the contract.
    assert summary.sources[0].unknown == 3


def test_beyond_the_cut_of_a_shallow_clone(history: History, tmp_path: Path) -> None:
    commit(history, "0", PLAIN)
    commit(history, "1", PLAIN.change(cases={CLS: B}), "0")
    commit(history, "2", PLAIN.change(cases={CLS: B, XDP: B}), "1")
    history.tags(v5_10="0", v5_11="2")
    folder = clone(history.path, tmp_path / "shallow", "--depth=2", "--branch=v5.11")
    git(folder, "fetch", "-q", "--depth=1", "origin", "tag", "v5.10")
    timeline = scan(folder, sources=SOURCES)
    assert origins(history, timeline, "helper_use", "bpf_b") == [("XDP", "v5.11", "2")]


@pytest.mark.parametrize("commits", [False, True])
def test_again_and_again_is_the_same_as_at_once(
    history: History, tmp_path: Path, commits: bool
) -> None:
    """Each release is scanned when it comes, also one that a source cannot read."""
    kernels = [
        PLAIN,
        PLAIN.change(cases={XDP: B}, sets={"fs/x.c": [KfuncSet("s", {"bpf_k": ""})]}),
        PLAIN.change(cases={XDP: B}, sets={"net/y.c": [KfuncSet("s", {"bpf_k": "KF_ACQUIRE"})]}),
        PLAIN.change(default={XDP: "lost(func_id, prog)"}),
        PLAIN.change(cases={XDP: f"\n#ifdef CONFIG_X\n{B}\n#endif\n", CLS: C}),
        PLAIN.change(cases={CLS: C}),
    ]
    previous: Timeline | None = None
    for number, kernel in enumerate(kernels):
        name, before = f"v5.{number}", [f"v5.{number - 1}"] if number else []
        commit(history, name, kernel, *before)
        history.tag(name, name)
        timeline = scan(history.path, commits=commits, previous=previous)
        previous = dataset(timeline, tmp_path / name)
        at_once = render_dataset(scan(history.path, commits=commits))
        assert render_dataset(previous) == at_once, name
    assert ("introductions.csv" in at_once) == commits


# Stable series.


def stable(history: History) -> None:
    """Build 5.10 and 5.11, and updates of 5.10 of which some have what 5.11 brought."""
    commit(history, "0", PLAIN)
    commit(history, "main", PLAIN.change(cases={XDP: B}), "0")
    commit(history, "s1", PLAIN, "0")
    commit(history, "s2", PLAIN.change(cases={XDP: B}), "s1")
    under = PLAIN.change(cases={XDP: f"\n#ifdef CONFIG_X\n{B}\n#endif\n", CLS: C})
    commit(history, "s3", under, "s2")
    commit(history, "s5", PLAIN.change(cases={XDP: B}), "s3")
    history.tags(v5_10="0", v5_11="main", v5_10_1="s1", v5_10_2="s2", v5_10_3="s3", v5_10_5="s5")


def test_a_stable_series_with_a_backported_case(history: History) -> None:
    stable(history)
    timeline = follow(history)
    # Mainline is as if there were no updates.
    assert runs(timeline, "helper_use", "bpf_b") == [("XDP", "", "v5.11", None)]
    assert runs(timeline, "helper_use", "bpf_c") == []
    assert origins(history, timeline, "helper_use", "bpf_b") == [("XDP", "v5.11", "main")]
    assert [
        (item.series, item.name, item.object, item.value, item.first, item.last)
        for item in timeline.parts.stable
        if item.kind == "helper_use"
    ] == [
        ("5.10", "bpf_b", XDP, "", "v5.10.2", "v5.10.2"),
        ("5.10", "bpf_b", XDP, "config=CONFIG_X", "v5.10.3", "v5.10.3"),
        ("5.10", "bpf_b", XDP, "", "v5.10.5", None),
        ("5.10", "bpf_c", CLS, "", "v5.10.3", "v5.10.3"),
    ]
    found = timeline.relations.find("helper_use", "bpf_b", XDP)[0]
    assert [(item.series, item.since) for item in found.backports] == [("5.10", "5.10.2")]


@pytest.mark.parametrize(
    ("name", "version", "answer", "value"),
    [
        ("bpf_b", "5.10", False, None),
        ("bpf_b", "5.10.1", False, None),
        ("bpf_b", "5.10.2", True, ""),
        ("bpf_b", "5.10.3", True, "config=CONFIG_X"),
        ("bpf_b", "5.10.4", None, "?"),
        ("bpf_b", "5.10.5", True, ""),
        ("bpf_b", "5.10.6", None, None),
        ("bpf_b", "5.11.1", None, None),
        ("bpf_a", "5.10.1", True, ""),
        ("bpf_a", "5.10.4", True, ""),
    ],
)
def test_an_update_is_asked_itself(
    history: History, tmp_path: Path, name: str, version: str, answer: bool | None, value: str
) -> None:
    stable(history)
    timeline = dataset(scan(history.path, commits=False, sources=SOURCES), tmp_path / "data")
    found = timeline.relations.has("helper_use", name, XDP, KernelVersion.parse(version))
    assert (found.answer, found.value) == (answer, value)
    one = timeline.relations_of(name).has("helper_use", name, XDP, KernelVersion.parse(version))
    assert one == found


def test_series_again_and_again(history: History, tmp_path: Path) -> None:
    stable(history)
    kept = ["v5.10", "v5.10.1", "v5.10.2", "v5.11", "v5.10.3", "v5.10.5"]
    ids = {name: history.id(f"tag {name}") for name in kept}
    for name in kept:
        history.delete_tag(name)
    previous: Timeline | None = None
    for name in kept:
        history.tag(name, ids[name])
        previous = dataset(scan(history.path, previous=previous), tmp_path / name)
        assert render_dataset(previous) == render_dataset(scan(history.path)), name


def test_a_partial_clone_has_no_sources(history: History, tmp_path: Path) -> None:
    releases(history, PLAIN)
    folder = clone(history.path, tmp_path / "partial", "--filter=blob:none", "--no-checkout")
    timeline, summary = scan_with_summary(folder, commits=False)
    assert [row.name for row in timeline.helpers] == ["bpf_a", "bpf_b", "bpf_c"]
    assert {source.lacking for source in summary.sources} == {
        "the clone is partial and lacks them; give a whole one"
    }


def test_a_tree_that_holds_itself_many_times_is_an_error(history: History) -> None:
    """Forty folders stand for more files than anybody can look at."""
    blob = history.repo.create_blob(b"int x;\n")
    builder = history.repo.TreeBuilder()
    for name in "abcdefgh":
        builder.insert(f"{name}.c", blob, FileMode.BLOB)
    tree = builder.write()
    for _ in range(40):
        builder = history.repo.TreeBuilder()
        for name in "ab":
            builder.insert(name, tree, FileMode.TREE)
        tree = builder.write()
    history.commit("0", HELPERS, files=PLAIN.files())
    root = history.repo.TreeBuilder(history.repo[history.id("0")].tree)
    root.insert("fs", tree, FileMode.TREE)
    person = pygit2.Signature("A U Thor", "author@example.com", 1412467200, 0)
    oid = history.repo.create_commit(None, person, person, "bomb\n", root.write(), [])
    history.tag("v5.10", str(oid))
    with pytest.raises(RepositoryError, match="has more than 1000000 files"):
        scan(history.path, commits=False)
