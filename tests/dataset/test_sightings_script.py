"""What a booted kernel of an unread release says, held against one of the next release."""

from typing import Any

import pytest

from helperhist.timeline import Parts, Reading, Relations, Run
from tests.build.scripts import data_script

XDP, TC = "BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_SCHED_CLS"
TREE = {"bpf_old": "kernel/bpf/helpers.c", "bpf_new": "kernel/bpf/helpers.c"}


def answers(
    release: str, helper: str = "", kfuncs: tuple[str, ...] = ("bpf_old",), config: str = "CONFIG_A"
) -> dict[str, Any]:
    """Return what a kernel says of helper 1 in XDP programs, and the kfuncs that its BTF marks."""
    return {
        "kernel": f"{release}+deb13-amd64",
        "helper_names": {"1": "BPF_FUNC_a"},
        "helper_use": [[XDP, "", 1, helper, "", "", False]] if helper else [],
        "kfunc_use": [[XDP, "", name, "yes", "", "", False] for name in kfuncs],
        "kfuncs_tagged": list(kfuncs),
        "config": [config],
    }


def sightings(
    first: dict[str, Any], second: dict[str, Any], value: str = "", **files: str
) -> list[tuple[str, str, str]]:
    runs = [
        Run("helper_use", "bpf_a", XDP, value, "v6.17", None),
        # What both trees have is not asked.
        Run("helper_use", "bpf_a", TC, "", "v6.14", None),
        Run("kfunc", "bpf_new", "", "", "v6.17", None),
        Run("kfunc", "bpf_old", "", "", "v6.14", "v6.14"),
        Run("kfunc_use", "bpf_new", XDP, "config=CONFIG_B", "v6.17", None),
    ]
    readings = [Reading(source, tag, "a copy") for source in ("helper_use", "kfuncs")
                for tag in ("v6.14", "v6.17")]  # fmt: skip
    find = data_script("sightings").find_sightings
    found = find(first, second, {**TREE, **files}, Relations(Parts(runs, readings)))
    return [(name, other.removeprefix("BPF_PROG_TYPE_"), word) for name, other, word, _ in found]


NEXT = answers("6.17.8", "yes", ("bpf_new",))


def test_a_call_that_is_allowed() -> None:
    assert ("bpf_a", "XDP", "yes") in sightings(answers("6.16.3", "yes"), NEXT)


@pytest.mark.parametrize(
    ("said", "then", "value", "config", "word"),
    [
        ("no", "yes", "", "CONFIG_A", "no"),
        # A refusal that the next kernel makes too, or that was not asked, says nothing.
        ("no", "no", "", "CONFIG_A", None),
        ("", "yes", "", "CONFIG_A", None),
        ("other", "yes", "", "CONFIG_A", None),
        # The kernels are configured otherwise, and the fact depends on that.
        ("no", "yes", "config=CONFIG_X", "CONFIG_X", None),
        ("no", "yes", "config=CONFIG_Y", "CONFIG_X", "no"),
    ],
)
def test_a_call_that_is_refused(
    said: str, then: str, value: str, config: str, word: str | None
) -> None:
    found = sightings(
        answers("6.16.3", said, config=config), answers("6.17.8", then, ("bpf_new",)), value
    )
    assert [one for *_, one in found if _[0] == "bpf_a"] == ([] if word is None else [word])


def test_kfuncs_that_btf_marks_or_lacks() -> None:
    found = sightings(answers("6.16.3"), NEXT)
    assert ("bpf_old", "", "yes") in found
    assert ("bpf_new", "", "no") in found
    assert ("bpf_new", "XDP", "no") in found


def test_a_kfunc_of_a_file_that_may_not_be_built() -> None:
    found = sightings(answers("6.16.3"), NEXT, bpf_new="net/sched/bpf_qdisc.c")
    assert [item for item in found if item[0] == "bpf_new"] == []


def test_a_kfunc_that_depends_on_the_configuration() -> None:
    found = sightings(answers("6.16.3", config="CONFIG_B"), NEXT)
    assert [item for item in found if item[0] == "bpf_new"] == []


def test_a_release_that_was_read() -> None:
    with pytest.raises(SystemExit, match=r"a tree of 6\.17 was read"):
        sightings(answers("6.17.1"), NEXT)
