"""The embedded data is made from a kernel's repository, and compared with what is there."""

from pathlib import Path

import pytest

from helperhist.dataset.files import render_dataset
from helperhist.dataset.store import write_dataset
from helperhist.timeline import Timeline
from tests.build.kernel_tree import XDP, Kernel
from tests.build.repository import History
from tests.build.scripts import data_script


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Timeline:
    """Return what is built from a small kernel of two releases, a candidate and an update."""
    history = History(tmp_path_factory.mktemp("kernel") / "linux")
    kernel = Kernel()
    later = kernel.change(cases={XDP: "case BPF_FUNC_b: return &bpf_b_proto;"})
    history.commit("0", ["a", "b"], files=kernel.files())
    history.commit("1", ["a", "b", "c"], "0", files=kernel.files())
    history.commit("2", ["a", "b", "c"], "1", files=later.files())
    history.tags(v5_10="0", v5_10_1="0", v5_11_rc1="1", v5_11="2")
    made: Timeline = data_script("build").build_from_kernel(history.path)
    return made


def test_from_the_kernels_repository(built: Timeline) -> None:
    assert [tag.name for tag in built.tags] == ["v5.10", "v5.11"]
    assert built.metadata.source == "bpf.h of 5.10 to 5.11, kernel trees of 5.10 to 5.11"
    assert {row.name: row.since for row in built.helpers} == {
        "bpf_a": "5.10", "bpf_b": "5.10", "bpf_c": "5.11",
    }  # fmt: skip
    (row,) = [row for row in built.helpers if row.name == "bpf_c"]
    assert (row.first_tag, row.subject) == ("v5.11", "1")
    (pair,) = built.relations.find("helper_use", "bpf_b", XDP)
    assert (pair.since, pair.absent) == ("5.11", None)
    assert {item.origin for item in built.relations.readings} == {
        "mainline v5.10", "mainline v5.11",
    }  # fmt: skip
    assert built.docs == ()


def test_what_differs_is_said(built: Timeline, tmp_path: Path) -> None:
    differences = data_script("build").differences
    write_dataset(built, tmp_path / "mainline")
    files = render_dataset(built)
    assert list(differences(files, tmp_path / "mainline")) == []
    path = tmp_path / "mainline" / "relations.csv"
    text = path.read_bytes()
    path.write_bytes(text.replace(b"v5.11", b"v5.10", 1))
    found = list(differences(files, tmp_path / "mainline"))
    assert [line.split(",")[0] for line in found] == [
        "relations.csv: - gpl_only",
        "relations.csv: + gpl_only",
    ]
    path.write_bytes(text.replace(b"\n", b"\r\n"))
    assert list(differences(files, tmp_path / "mainline")) == [
        "relations.csv: other order or line ends"
    ]
    path.unlink()
    lost = list(differences(files, tmp_path / "mainline"))
    assert len(lost) == len(text.splitlines())
    assert all(line.startswith("relations.csv: + ") for line in lost)
