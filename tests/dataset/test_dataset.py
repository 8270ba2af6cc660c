import json
import os
import resource
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helperhist import frames
from helperhist.cli.group import cli
from helperhist.dataset import folders
from helperhist.dataset import store as dataset
from helperhist.dataset.files import LATER
from helperhist.dataset.store import load, read_dataset, write_dataset
from helperhist.errors import DatasetError
from helperhist.timeline import Backport, Doc, Event, Fact, Metadata, Row, Span, Tag, Timeline
from helperhist.version import KernelVersion
from tests.build.timeline import helpers, make_timeline

FILES = ["timeline.csv", "tags.csv", "spans.csv", "events.csv", "metadata.json"]


def parts(timeline: Timeline) -> tuple[object, ...]:
    return (
        timeline.metadata, timeline.rows, timeline.tags, timeline.spans, timeline.events,
        timeline.docs,
    )  # fmt: skip


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def timeline() -> Timeline:
    return make_timeline(
        {
            "v5.0": helpers("a"),
            "v5.0.1": helpers("a", "b"),
            "v5.1": helpers("c", "b"),
            "v5.2-rc1": helpers("c"),
        }
    )


# -- round trip

#: Any text that can be encoded, with what CSV and editors stumble over.
TEXT = st.text(
    st.characters(codec="utf-8") | st.sampled_from('\r\n,"; \t\x00\x1c\u2028'),
    min_size=1,
    max_size=12,
)
LINE = TEXT
WORD = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,12}", fullmatch=True)
NUMBER = st.none() | st.integers(-(1 << 63), (1 << 64) - 1)
OPTIONAL = st.none() | LINE
VERSION = st.builds(lambda a, b: f"{a}.{b}", st.integers(0, 99), st.integers(0, 99))
DAY = st.none() | st.dates().map(str)
MOMENT = st.none() | st.datetimes().map(lambda at: f"{at.replace(microsecond=0).isoformat()}Z")
HEX = st.text("0123456789abcdef")
TAG = st.builds(
    lambda name, version, *rest: Tag(name, KernelVersion.parse(version), *rest),
    LINE, VERSION, HEX, HEX, DAY, LINE, LINE,
)  # fmt: skip


def rows_of(tags: list[str]) -> st.SearchStrategy[Row]:
    tag = st.none() | st.sampled_from(tags) if tags else st.none()
    return st.builds(
        Row, WORD, WORD, NUMBER, st.none() | VERSION, tag, tag, DAY, tag, st.booleans(),
        st.none() | HEX.filter(bool), MOMENT, MOMENT, OPTIONAL,
        st.lists(WORD, max_size=3).map(tuple),
        st.lists(st.builds(Backport, VERSION, VERSION), max_size=3).map(tuple), OPTIONAL,
        st.lists(WORD, max_size=3).map(tuple),
    )  # fmt: skip


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    tags = draw(st.lists(TAG, max_size=4, unique_by=lambda tag: tag.name))
    tags.sort(key=lambda tag: tag.version)
    names = [tag.name for tag in tags]
    spans = []
    for _ in range(draw(st.integers(0, 4)) if names else 0):
        first = draw(st.integers(0, len(names) - 1))
        last = draw(st.none() | st.integers(first, len(names) - 1))
        series, kind, name, number = draw(st.tuples(st.just("") | VERSION, WORD, WORD, NUMBER))
        spans.append(
            Span(series, kind, name, number, names[first], None if last is None else names[last])
        )
    rows = draw(st.lists(rows_of(names), max_size=4, unique_by=lambda row: row.name))
    events = draw(st.lists(st.builds(Event, WORD, WORD, WORD, LINE, LINE, LINE), max_size=3))
    docs = draw(st.lists(st.builds(Doc, WORD, LINE, TEXT, TEXT), max_size=3))
    metadata = draw(
        st.builds(
            Metadata, LINE, st.lists(LINE, max_size=2).map(tuple), LINE, OPTIONAL, OPTIONAL,
            st.integers(0, 9), OPTIONAL,
            st.dictionaries(LINE, st.integers(0, 9), max_size=2).map(
                lambda skipped: tuple(sorted(skipped.items()))
            ),
            st.booleans(), st.booleans(), st.lists(LINE, max_size=2).map(tuple), LINE,
            st.just(dataset.FORMAT), st.lists(LINE, max_size=2).map(tuple),
        )
    )  # fmt: skip
    return Timeline(metadata, rows, lambda: tags, lambda: spans, lambda: events, lambda: docs)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(timelines())
def test_a_dataset_reads_back(tmp_path: Path, timeline: Timeline) -> None:
    folder = tmp_path / "data"
    write_dataset(timeline, folder)
    again = read_dataset(folder)
    assert parts(again) == parts(timeline)
    before = content(folder)
    write_dataset(again, folder)
    assert content(folder) == before


def test_a_description_of_some_megabytes_reads_back(tmp_path: Path, timeline: Timeline) -> None:
    doc = Doc("bpf_a", "v5.0", "x" * 3_000_000, "y")
    long = Timeline(
        timeline.metadata, timeline.rows, lambda: timeline.tags, lambda: timeline.spans,
        lambda: timeline.events, lambda: [doc],
    )  # fmt: skip
    write_dataset(long, tmp_path / "data")
    assert read_dataset(tmp_path / "data").docs == (doc,)


def test_a_source_that_is_no_text(tmp_path: Path, timeline: Timeline) -> None:
    metadata = replace(timeline.metadata, source=os.fsdecode(b"/tmp/\xff"))
    odd = Timeline(
        metadata, timeline.rows, lambda: timeline.tags, lambda: (), lambda: (), lambda: ()
    )
    write_dataset(odd, tmp_path / "data")
    assert read_dataset(tmp_path / "data").label.startswith("/tmp/")


def test_files_are_text_that_diffs_well(tmp_path: Path, timeline: Timeline) -> None:
    write_dataset(timeline, tmp_path / "data")
    files = content(tmp_path / "data")
    assert set(files) == set(FILES)
    for name, data in files.items():
        assert data.endswith(b"\n"), name
        assert b"\r" not in data, name
    assert len(files["timeline.csv"].splitlines()) == 1 + len(timeline.rows)


# -- writing


def test_permissions_are_those_of_any_folder(tmp_path: Path, timeline: Timeline) -> None:
    old = os.umask(0o027)
    try:
        write_dataset(timeline, tmp_path / "new" / "data")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "new" / "data").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "new" / "data" / "tags.csv").stat().st_mode) == 0o640


def test_a_folder_that_is_no_dataset_is_left_alone(tmp_path: Path, timeline: Timeline) -> None:
    (tmp_path / "note").write_text("mine")
    with pytest.raises(DatasetError, match="is no dataset and not empty"):
        write_dataset(timeline, tmp_path)
    assert content(tmp_path) == {"note": b"mine"}


@pytest.mark.parametrize("text", ["{}", '{"name": "other"}', "[]", "", "{"])
def test_a_metadata_file_of_another_program(tmp_path: Path, timeline: Timeline, text: str) -> None:
    (tmp_path / "metadata.json").write_text(text)
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(DatasetError, match="is no dataset"):
        write_dataset(timeline, tmp_path)
    assert content(tmp_path) == {"metadata.json": text.encode(), "thesis.tex": b"mine"}


def test_a_file_is_left_alone(tmp_path: Path, timeline: Timeline) -> None:
    (tmp_path / "data").write_text("mine")
    with pytest.raises(DatasetError, match="is a file"):
        write_dataset(timeline, tmp_path / "data")
    with pytest.raises(DatasetError, match=r"cannot write .*File exists"):
        write_dataset(timeline, tmp_path / "data" / "below")
    assert (tmp_path / "data").read_text() == "mine"


def test_an_empty_folder_becomes_a_dataset(tmp_path: Path, timeline: Timeline) -> None:
    (tmp_path / "data").mkdir()
    write_dataset(timeline, tmp_path / "data")
    assert parts(read_dataset(tmp_path / "data")) == parts(timeline)


def test_what_else_a_dataset_holds_stays(tmp_path: Path, timeline: Timeline) -> None:
    folder = tmp_path / "data"
    write_dataset(timeline, folder)
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref")
    (folder / "README").write_text("mine")
    (folder / "docs.csv").write_text("of before")
    write_dataset(timeline, folder)
    assert (folder / ".git" / "HEAD").read_text() == "ref"
    assert (folder / "README").read_text() == "mine"
    assert not (folder / "docs.csv").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_link_stays_a_link(tmp_path: Path, timeline: Timeline) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write_dataset(timeline, tmp_path / "link")
    write_dataset(timeline, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert parts(read_dataset(tmp_path / "real")) == parts(timeline)


class Interrupted(Exception):
    """What a test stops a write with."""


@pytest.mark.parametrize("error", [Interrupted(), OSError(28, "No space left on device")])
def test_a_failure_leaves_the_old_dataset(
    tmp_path: Path, timeline: Timeline, error: Exception
) -> None:
    folder = tmp_path / "data"
    write_dataset(timeline, folder)
    before = content(folder)

    def fail() -> list[Span]:
        raise error

    broken = Timeline(
        timeline.metadata, timeline.rows, lambda: timeline.tags, fail, lambda: (), lambda: ()
    )
    with pytest.raises(type(error)):
        write_dataset(broken, folder)
    assert content(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_full_disk_leaves_the_old_dataset(tmp_path: Path, timeline: Timeline) -> None:
    folder = tmp_path / "data"
    write_dataset(timeline, folder)
    before = content(folder)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(DatasetError, match=r"cannot write .*File too large"):
            write_dataset(timeline, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert content(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_place_that_takes_no_folder(timeline: Timeline) -> None:
    with pytest.raises(DatasetError, match="cannot write /proc/helperhist"):
        write_dataset(timeline, Path("/proc/helperhist"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path, timeline: Timeline) -> None:
    folder = tmp_path / "data"
    write_dataset(timeline, folder)
    before = content(folder)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(DatasetError, match="Permission denied"):
            write_dataset(timeline, folder)
    finally:
        tmp_path.chmod(0o700)
    assert content(folder) == before


# -- damage


def read_all(folder: Path) -> None:
    parts(read_dataset(folder))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[:-3], id="end lost"),
        pytest.param(lambda data: b"\xff" + data, id="no text"),
        pytest.param(lambda data: b"x" + data, id="other start"),
        pytest.param(lambda data: data + b"x\n", id="more"),
        pytest.param(lambda data: data + b'"', id="open quote"),
        pytest.param(lambda data: b"[" * 100_000, id="nested"),
    ],
)
def test_damaged_files_are_named(
    tmp_path: Path, timeline: Timeline, name: str, damage: Callable[[bytes], bytes]
) -> None:
    folder = tmp_path / "data"
    write_dataset(timeline, folder)
    path = folder / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DatasetError) as caught:
        read_all(folder)
    message = str(caught.value)
    assert str(path) in message
    assert "scan again" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("name", FILES)
def test_missing_files_are_named(tmp_path: Path, timeline: Timeline, name: str) -> None:
    folder = tmp_path / "data"
    write_dataset(timeline, folder)
    (folder / name).unlink()
    with pytest.raises(DatasetError, match=name if name != "metadata.json" else "no dataset at"):
        read_all(folder)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("timeline.csv", "helper,bpf_a,1", "helper,bpf_a,one"),
        ("timeline.csv", "5.0:5.0.1", "5.0"),
        ("tags.csv", "v5.1,5.1,", "v5.1,five,"),
        ("spans.csv", "v5.1,", "v5.9,"),
        ("spans.csv", ",1,", ",one,"),
        ("metadata.json", '"format": 1', '"format": 2'),
        ("metadata.json", '"format": 1', '"other": 1'),
        ("metadata.json", '"source": "test"', '"source": 5'),
        ("metadata.json", '"skipped": {}', '"skipped": 7'),
        ("metadata.json", '"skipped": {}', '"skipped": {"x": "y"}'),
        ("metadata.json", '"kernel": true', '"kernel": "no"'),
        ("metadata.json", '"tags": 4', '"tags": true'),
        ("metadata.json", '"paths": []', '"paths": "a"'),
        ("metadata.json", '"notes": []', '"notes": [1]'),
        ("metadata.json", '"newest": "v5.2-rc1"', '"newest": 5'),
        ("timeline.csv", "helper,bpf_a,1", "helper,bpf_a, 1"),
        ("timeline.csv", "helper,bpf_a,1", "helper,bpf_a,1_0"),
        ("timeline.csv", "helper,bpf_a,1", "helper,bpf_a,+1"),
        ("timeline.csv", "helper,bpf_b", "helper,bpf_a"),
        ("timeline.csv", ",5.0,v5.0,", ",five,v5.0,"),
        ("timeline.csv", ",5.0,v5.0,", ",5.0,v5.9,"),
        ("timeline.csv", ",v5.0,2000-01-01,", ",v5.0,garbage,"),
        ("timeline.csv", ",v5.0,2000-01-01,", ",v5.0,2000-02-30,"),
        ("timeline.csv", ",v5.0,2000-01-01,", ",v5.0,20000101,"),
        ("timeline.csv", ",v5.0,2000-01-01,v5.1,,,,,", ",v5.0,2000-01-01,v5.1,no,,,,"),
        ("timeline.csv", ",v5.0,2000-01-01,v5.1,,,,,", ",v5.0,2000-01-01,v5.1,,zz,,,"),
        ("timeline.csv", ",v5.0,2000-01-01,v5.1,,,,,", ",v5.0,2000-01-01,v5.1,,,x,,"),
        ("timeline.csv", ",v5.0,2000-01-01,v5.1,,,,,", ",v5.0,2000-01-01,v5.1,,,,2020-01-01,"),
        ("timeline.csv", "5.0:5.0.1", "5.0:x"),
        ("tags.csv", ",2000-03-01,", ",garbage,"),
        ("tags.csv", "v5.1,5.1,", "v5.1,5.3,"),
        ("tags.csv", "v5.1,5.1,", "v5.0,5.1,"),
        ("spans.csv", ",v5.0,v5.0", ",v5.1,v5.0"),
    ],
)
def test_values_that_cannot_be(
    tmp_path: Path, timeline: Timeline, name: str, old: str, new: str
) -> None:
    folder = tmp_path / "data"
    write_dataset(timeline, folder)
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    with pytest.raises(DatasetError, match=f"{name}.*scan again"):
        read_all(folder)


@pytest.mark.parametrize(
    ("name", "old", "commands"),
    [
        ("timeline.csv", ",v5.0,2000-01-01,", [["export", "--format", "csv"], ["plot", "lead"]]),
        ("tags.csv", ",2000-03-01,", [["export", "--format", "json"], ["plot", "growth"]]),
    ],
)
def test_commands_refuse_damaged_dates(
    tmp_path: Path, timeline: Timeline, name: str, old: str, commands: list[list[str]]
) -> None:
    folder = tmp_path / "data"
    write_dataset(timeline, folder)
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, old[:-5] + "garbage,", 1))
    for command in commands:
        target = ["-o", str(tmp_path / "out.svg")]
        done = CliRunner().invoke(cli, [*command, *target, "--data", str(folder)])
        assert (done.exit_code, done.stdout) == (2, "")
        assert f"{folder / name} is damaged" in done.stderr
        assert done.stderr.endswith("; scan again\n")
    with pytest.raises(DatasetError, match=f"{name} is damaged"):
        frames.long_frame(load(folder))


def test_a_damaged_dataset_can_be_replaced(tmp_path: Path, timeline: Timeline) -> None:
    folder = tmp_path / "data"
    write_dataset(timeline, folder)
    (folder / "metadata.json").write_text("{")
    write_dataset(timeline, folder)
    assert parts(read_dataset(folder)) == parts(timeline)


# -- which one


def make(folder: Path, source: str, *, kernel: bool = True, newest: str = "v99.0") -> Path:
    # Newer than the embedded data.
    made = make_timeline({"v5.0": helpers("a"), newest: helpers("a")})
    paths = load("embedded").metadata.paths
    metadata = replace(made.metadata, source=source, kernel=kernel, paths=paths)
    write_dataset(
        Timeline(
            metadata, made.rows, lambda: made.tags, lambda: made.spans, lambda: (), lambda: ()
        ),
        folder,
    )
    return folder


def remember(folder: Path) -> None:
    """Make a dataset the default as a scan of a whole kernel is."""
    assert dataset.remember_scan(folder, load("embedded")) is None


@pytest.fixture
def headers_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the embedded data be without what only whole trees say."""
    folder = tmp_path / "embedded"
    shutil.copytree(folders.embedded_dir(), folder)
    for name in LATER:
        (folder / name).unlink(missing_ok=True)
    for module in (dataset, folders):
        monkeypatch.setattr(module, "embedded_dir", lambda: folder)


def test_the_embedded_one_without_any_other() -> None:
    assert load().label.startswith("embedded data: ")
    assert load().metadata == load("embedded").metadata


def test_versions_that_may_be_no_kernels_are_told(tmp_path: Path) -> None:
    label = load(make(tmp_path / "libbpf", "/src/libbpf", kernel=False)).label
    assert label == "/src/libbpf (its versions are not known to be the kernel's)"


@pytest.mark.usefixtures("headers_only")
def test_order_of_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last = make(tmp_path / "last", "last scan")
    variable = make(tmp_path / "variable", "variable")
    option = make(tmp_path / "option", "option")
    remember(last)
    assert load().label == "last scan"
    monkeypatch.setenv("HELPERHIST_DATA", str(variable))
    assert load().label == "variable"
    assert load(option).label == "option"
    assert load(str(option)).label == "option"
    assert load("embedded").label.startswith("embedded data: ")
    monkeypatch.setenv("HELPERHIST_DATA", "embedded")
    assert load().label.startswith("embedded data: ")
    monkeypatch.setenv("HELPERHIST_DATA", "")
    assert load().label == "last scan"


def test_names_in_the_users_folder(
    tmp_path: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = isolated / "data" / "helperhist"
    assert dataset.data_home() == home
    make(home / "linux", "by name")
    monkeypatch.chdir(tmp_path)
    assert load("linux").label == "by name"
    # A folder here that is no dataset (a clone of linux) does not hide it, a dataset does.
    (tmp_path / "linux").mkdir()
    assert load("linux").label == "by name"
    make(tmp_path / "linux", "here")
    assert load("linux").label == "here"
    assert load("./linux").label == "here"


@pytest.mark.parametrize(
    "name", ["../escape", "/", "..", ".", ".hidden", "a/b", "", "x" * 300, "x" * 5000, "nul\0",
             "missing", "\udcff"],
)  # fmt: skip
def test_no_such_dataset(
    tmp_path: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make(isolated / "data" / "escape", "not to be had by a name")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match="scan"):
        load(name)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("linux", True), ("linux-6.1", True), ("a b", True), ("", False), (".", False), ("..", False),
     (".x", False), ("a/b", False), ("a\\b", False), ("a\0b", False), ("embedded", False),
     ("last-kernel-scan", False), ("chosen-dataset", False), ("default", False)],
)  # fmt: skip
def test_plain_names(name: str, plain: bool) -> None:
    assert dataset.is_plain_name(name) is plain


@pytest.mark.parametrize("text", ["", "relative", "/missing", "\0", "x" * 5000])
def test_a_last_scan_that_is_gone(
    isolated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    make(tmp_path / "relative", "here")
    (tmp_path / "metadata.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    home = isolated / "data" / "helperhist"
    home.mkdir(parents=True)
    (home / "last-kernel-scan").write_text(text)
    assert load().label.startswith("embedded data: ")


def test_the_default_cannot_be_remembered(isolated: Path, tmp_path: Path) -> None:
    (isolated / "data").write_text("a file")
    with pytest.raises(OSError, match="helperhist"):
        dataset.remember_scan(tmp_path, load("embedded"))


def grown(*, without: str = "", release: str = "", **changes: object) -> Timeline:
    """Return the embedded timeline and a release more, changed as asked."""
    known = load("embedded")
    held = {
        tag.name: [
            Fact.of(name.kind, name.name, name.id)
            for name in known.at(tag.name)
            if not (name.name == without and tag.name == release)
        ]
        for tag in known.releases
        if without or tag.name != release
    }
    made = make_timeline({**held, "v99.0": held["v7.1"]} if "v7.1" in held else held)
    metadata = replace(made.metadata, paths=known.metadata.paths)
    made.metadata = replace(metadata, **changes)  # type: ignore[arg-type]
    return made


@pytest.mark.usefixtures("headers_only")
@pytest.mark.parametrize(
    ("timeline", "reason"),
    [
        (lambda: grown(), None),
        (lambda: load("embedded"), None),
        (lambda: grown(kernel=False), "its tags are not the kernel's"),
        (lambda: grown(paths=("bundled/bpf.h",)), "it was read with --path"),
        (lambda: grown(release="v3.18"), "it lacks 3.18"),
        (lambda: grown(release="v7.1"), "it lacks 7.1"),
        (lambda: grown(release="v5.8", without="bpf_ringbuf_output"),
         "its 5.8 lacks bpf_ringbuf_output"),
        (lambda: grown(release="v5.8", without="BPF_MAP_TYPE_RINGBUF"),
         "its 5.8 lacks BPF_MAP_TYPE_RINGBUF"),
        (lambda: make_timeline({"v5.8": [], "v5.9": []}), "it was read with --path"),
    ],
)  # fmt: skip
def test_what_becomes_the_default(
    tmp_path: Path, timeline: Callable[[], Timeline], reason: str | None
) -> None:
    write_dataset(timeline(), tmp_path / "made")
    made = read_dataset(tmp_path / "made")
    # It was the default before.
    remember(make(tmp_path / "data", "before"))
    write_dataset(made, tmp_path / "data")
    assert dataset.remember_scan(tmp_path / "data", made) == reason
    label = load().label
    assert label == (made.label if reason is None else load("embedded").label)


def test_without_what_trees_say_a_scan_is_not_the_default(tmp_path: Path) -> None:
    folder = make(tmp_path / "linux", "headers alone")
    assert load("embedded").relations
    remember(folder)  # as an older version did
    assert load().label == load("embedded").label
    reason = dataset.remember_scan(folder, grown())
    assert reason is not None
    assert reason.startswith("it does not say what ")


@pytest.mark.usefixtures("headers_only")
def test_newer_embedded_data_win(tmp_path: Path) -> None:
    remember(make(tmp_path / "old", "old scan", newest="v5.3"))
    assert load().label == load("embedded").label
    remember(make(tmp_path / "new", "new scan"))
    assert load().label == "new scan"


@pytest.mark.usefixtures("headers_only")
def test_a_folder_whose_name_is_no_text(tmp_path: Path) -> None:
    folder = make(tmp_path / os.fsdecode(b"\xff\n"), "odd")
    remember(folder)
    assert load().label == "odd"


def test_metadata_is_plain_json(tmp_path: Path) -> None:
    folder = make(tmp_path / "data", "größer")
    raw = json.loads((folder / "metadata.json").read_text("utf-8"))
    assert raw["source"] == "größer"
    assert raw["format"] == 1
