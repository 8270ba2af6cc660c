"""The files of a dataset that say who says what."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist.dataset import read_dataset, write_dataset
from helperhist.errors import DatasetError
from helperhist.timeline import Evidence, Run, Witness
from tests.build.relations import READINGS, RUNS, related
from tests.dataset.test_dataset import TEXT

EVIDENCE = (
    Evidence("helper", "bpf_a", "", "since", "4.9", "table", "table.md:12"),
    Evidence(
        "helper_use", "bpf_b", "BPF_PROG_TYPE_XDP", "v5.2", "absent", "copy", 'a "reason", it'
    ),
)
WITNESSES = (Witness("table", "0123", 1, "a table"), Witness("copy", "", 4, "a copy"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_dataset(related(evidence=EVIDENCE, witnesses=WITNESSES), tmp_path / "data")
    return tmp_path / "data"


def test_what_is_written_is_read(folder: Path, tmp_path: Path) -> None:
    found = read_dataset(folder)
    statements = found.statements_of("")
    assert statements.evidence == EVIDENCE
    assert tuple(statements.witnesses.values()) == WITNESSES
    assert found.statements_of("bpf_a").evidence == EVIDENCE[:1]
    write_dataset(found, tmp_path / "again")
    for name in ("evidence.csv", "sources.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_the_form_of_the_files(folder: Path) -> None:
    assert (folder / "evidence.csv").read_text("utf-8").splitlines()[:2] == [
        "kind,name,object,says,value,by,where",
        "helper,bpf_a,,since,4.9,table,table.md:12",
    ]
    assert (folder / "sources.csv").read_text("utf-8").splitlines() == [
        "by,revision,trust,about",
        "table,0123,1,a table",
        "copy,,4,a copy",
    ]


@given(st.lists(st.tuples(*[TEXT] * 7), min_size=1))
def test_any_text_comes_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("any") / "data"
    evidence = tuple(Evidence(*text) for text in texts)
    known = {by: Witness(by, by, 3, by) for *_, by, _ in texts}
    write_dataset(related(evidence=evidence, witnesses=known.values()), folder)
    assert read_dataset(folder).statements_of("").evidence == evidence


def test_a_dataset_without_them(tmp_path: Path) -> None:
    write_dataset(related(), tmp_path / "data")
    assert not (tmp_path / "data" / "evidence.csv").exists()
    assert read_dataset(tmp_path / "data").statements_of("").evidence == ()


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("sources.csv", ",1,", ",10,", "trust '10' is not a digit"),
        ("sources.csv", ",1,", ",,", "trust '' is not a digit"),
        ("sources.csv", "copy,", "table,", "'table' is there twice"),
        ("sources.csv", "table,", "bench,", "nobody is known as 'table'"),
        ("evidence.csv", "since,", "", "damaged"),
        ("evidence.csv", "says", "said", "other columns"),
    ],
)
def test_damage(folder: Path, file: str, old: str, new: str, words: str) -> None:
    path = folder / file
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    found = read_dataset(folder)
    assert found.since("bpf_a") is not None, "a plain question does not read it"
    with pytest.raises(DatasetError, match=words):
        found.statements_of("bpf_a")


def test_details_are_read_with_all_relations_only(tmp_path: Path) -> None:
    contract = Run("contract", "bpf_a", "", "RET_INTEGER()", "v5.1", None)
    write_dataset(related((*RUNS, contract), READINGS), tmp_path / "data")
    details = tmp_path / "data" / "details.csv"
    assert details.read_text("utf-8").splitlines()[1:] == ["contract,bpf_a,,RET_INTEGER(),v5.1,"]
    found = read_dataset(tmp_path / "data")
    assert found.relations_of("bpf_a").find("contract") == ()
    assert [item.value for item in found.relations.find("contract")] == ["RET_INTEGER()"]
