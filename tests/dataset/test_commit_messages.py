"""Subjects of introducing commits, from a history with the same changes and other ids."""

from pathlib import Path

import pytest

from tests.build.repository import History
from tests.build.scripts import data_script

A, B, C = "a" * 40, "b" * 40, "c" * 40


def found(history: History, **introduced: str) -> dict[str, tuple[str, str]]:
    messages = data_script("commit_messages").find_messages(
        history.path, {f"bpf_{name}": commit for name, commit in introduced.items()}
    )
    return {message.commit: (message.subject, message.date[:10]) for message in messages}


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "libbpf")
    made.commit("initial commit", ["old"])
    return made


def test_the_commit_that_adds_the_name(history: History) -> None:
    history.commit("bpf: Add a", ["old", "a"], "initial commit")
    history.commit("bpf: Add b and x", ["old", "a", "b", "x"], "bpf: Add a")
    assert found(history, old=C, a=A, b=B) == {
        A: ("bpf: Add a", "2014-10-05"),
        B: ("bpf: Add b and x", "2014-10-05"),
    }


@pytest.mark.parametrize(
    "subject",
    [
        "tools: sync bpf.h", "bpf: Synch uapi bpf.h to tools/", "libbpf: Add a program type",
        "selftests/bpf: Add a test", "tools: bpf: synchronise BPF UAPI header with tools",
    ],
)  # fmt: skip
def test_a_commit_that_copies_the_header(history: History, subject: str) -> None:
    history.commit(subject, ["old", "a"], "initial commit")
    assert found(history, a=A) == {}


def test_names_of_two_commits_in_one(history: History) -> None:
    history.commit("bpf: Add b", ["old", "a", "b"], "initial commit")
    assert found(history, a=A, b=B) == {}


def test_names_of_one_commit_in_two(history: History) -> None:
    history.commit("bpf: Add half", ["old", "a"], "initial commit")
    history.commit("bpf: Add rest", ["old", "a", "b"], "bpf: Add half")
    assert found(history, a=A, b=A) == {}


def test_taken_back_and_added_again(history: History) -> None:
    history.commit("bpf: add a", ["old", "a"], "initial commit")
    history.commit('Revert "bpf: add a"', ["old"], "bpf: add a")
    history.commit("bpf: Add a", ["old", "a"], 'Revert "bpf: add a"')
    assert found(history, a=A) == {A: ("bpf: Add a", "2014-10-05")}


def test_a_commit_that_is_cited(history: History) -> None:
    fix = f'libbpf: mend\n\nFixes: {C[:12]} ("bpf: Add "old" and\n more")'
    history.commit(fix, ["old"], "initial commit")
    assert found(history, old=C) == {C: ('bpf: Add "old" and more', "")}


def test_a_citation_that_contradicts(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    history.commit("bpf: Add a", ["old", "a"], "initial commit")
    history.commit(f'bpf: mend\n\nFixes: {A[:12]} ("bpf: Add z")', ["old", "a"], "bpf: Add a")
    assert found(history, a=A) == {}
    assert "cited as" in capsys.readouterr().err
