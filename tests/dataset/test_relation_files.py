from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist import load
from helperhist.dataset import read_dataset, write_dataset
from helperhist.errors import DatasetError
from helperhist.timeline import Reading, Run
from tests.build.relations import READINGS, RUNS, related
from tests.dataset.test_dataset import TEXT

RELATIONS, READ = "relations.csv", "readings.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_dataset(related(), tmp_path / "data")
    return tmp_path / "data"


def test_what_is_written_is_read(folder: Path, tmp_path: Path) -> None:
    found = read_dataset(folder)
    assert (found.relations.runs, found.relations.readings) == (RUNS, READINGS)
    write_dataset(found, tmp_path / "again")
    for name in (RELATIONS, READ):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_the_form_of_the_files(folder: Path) -> None:
    assert (folder / RELATIONS).read_text("utf-8").splitlines()[:3] == [
        "kind,name,object,value,first,last",
        "helper_use,bpf_a,BPF_PROG_TYPE_XDP,,v5.1,",
        "helper_use,bpf_b,BPF_PROG_TYPE_XDP,cap=CAP_PERFMON,v5.2,v5.4",
    ]
    assert (folder / READ).read_text("utf-8").splitlines()[:2] == [
        "source,tag,origin",
        "helper_use,v5.1,somebody/linux@1234 (5.x)",
    ]


@given(st.lists(st.tuples(TEXT, TEXT, TEXT | st.just(""), TEXT), unique_by=lambda r: r[:2]))
def test_any_text_comes_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("any") / "data"
    runs = tuple(Run("helper_use", a, b, c, "v5.1", None) for a, b, c, _ in texts)
    readings = (Reading("helper_use", "v5.1", "".join(d for *_, d in texts)),)
    write_dataset(related(runs, readings), folder)
    found = read_dataset(folder).relations
    assert (found.runs, found.readings) == (runs, readings)


def test_a_dataset_without_them(tmp_path: Path) -> None:
    write_dataset(related((), ()), tmp_path / "data")
    assert not (tmp_path / "data" / RELATIONS).exists()
    assert not read_dataset(tmp_path / "data").relations


def test_they_go_with_the_dataset_that_is_replaced(folder: Path) -> None:
    write_dataset(related((), ()), folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "events.csv", "metadata.json", "spans.csv", "tags.csv", "timeline.csv",
    ]  # fmt: skip


def test_they_are_read_only_when_asked_for(folder: Path) -> None:
    (folder / RELATIONS).write_bytes(b"\xff")
    found = read_dataset(folder)
    assert found.since("bpf_b") is not None
    assert found.kernel("5.2").has("helper", "bpf_b").answer
    with pytest.raises(DatasetError, match=r"relations\.csv is damaged \(.*\); scan again"):
        _ = found.relations


def test_relations_of_another_dataset_are_not_mixed_in(folder: Path) -> None:
    found = read_dataset(folder)
    metadata = folder / "metadata.json"
    metadata.write_text(metadata.read_text("utf-8").replace('"tags"', '"tags" '), "utf-8")
    with pytest.raises(DatasetError, match="was replaced while it was read; ask again"):
        _ = found.relations


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (RELATIONS, "kind,name", "name,kind", "has other columns than expected"),
        (RELATIONS, "map_use,", "map_used,", "is damaged ('map_used' is not a kind of relation)"),
        (RELATIONS, ",v5.1,v5.1", ",v5.1,v5.1,", "relations.csv:6 is damaged"),
        (RELATIONS, ",v5.1,v5.1", ",v5.1,v5.3", "damaged ('bpf_a' has a tag that was not read)"),
        (READ, "helper_use,v5.2", "helper_use,new", "is damaged ('new' is not a kernel version"),
        (READ, "helper_use,v5.2", "helper_use,v5.1", "is damaged ('v5.1' is there twice)"),
        (READ, "helper_use,v5.2", "helper_use,v5.2.1", "'v5.2.1' is not a release of mainline"),
        (READ, "helper_use,v5.2", "helper_use,v5.2-rc1", "'v5.2-rc1' is not a release of"),
    ],
)
def test_damage_is_named(folder: Path, name: str, old: str, new: str, message: str) -> None:
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(DatasetError) as error:
        _ = read_dataset(folder).relations
    assert message in str(error.value)
    assert "scan again" in str(error.value)


def test_runs_without_readings(folder: Path) -> None:
    (folder / READ).unlink()
    with pytest.raises(DatasetError, match="has a tag that was not read"):
        _ = read_dataset(folder).relations


def test_one_name_has_what_all_have() -> None:
    whole, alone = load("embedded"), load("embedded")
    for name in ("bpf_get_current_pid_tgid", "bpf_cpumask_create", "bpf_stream_vprintk"):
        found = alone.relations_of(name)
        for kind in ("helper_use", "kfunc", "kfunc_use", "kfunc_proto"):
            assert found.find(kind, name) == whole.relations.find(kind, name)
    assert len(alone.relations_of("bpf_loop").runs) < 100
    assert not alone.relations_of("bpf_nothing").find("kfunc", "bpf_nothing")
