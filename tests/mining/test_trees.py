"""Runs of releases, from small trees of our own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from helperhist.mining.trees import Tree, TreeReading, find_runs, read_source, settle
from helperhist.sources import Gap, Source
from helperhist.sources.helper_use import HelperUse
from helperhist.timeline import Run
from tests.build.kernel_c import ops, protos, types

XDP = "BPF_PROG_TYPE_XDP"
KEY_A = ("helper_use", "bpf_a", XDP)
KEY_B = ("helper_use", "bpf_b", XDP)


@dataclass(frozen=True)
class Made:
    """A tree in which XDP programs may call some helpers, each by what its case returns."""

    tag: str
    cases: Mapping[str, str]
    origin: str = "made"
    broken: bool = False

    def files(self, source: Source) -> Iterable[tuple[str, bytes]]:
        cases = "".join(
            f"case BPF_FUNC_{name}: return {text};\n" for name, text in self.cases.items()
        )
        rest = "lost(func_id, prog)" if self.broken else "NULL"
        function = f"""
static const struct bpf_func_proto *
xdp_func_proto(enum bpf_func_id func_id, const struct bpf_prog *prog)
{{
    switch (func_id) {{ {cases} default: return {rest}; }}
}}
"""
        text = protos(["bpf_a", "bpf_b"]) + function + ops("xdp_verifier_ops", "xdp_func_proto")
        yield "include/linux/bpf_types.h", types({XDP: "xdp"}).encode()
        yield "net/core/filter.c", text.encode()
        yield "Documentation/bpf.rst", b"struct bpf_func_proto"


A, B = "&bpf_a_proto", "&bpf_b_proto"
SLEEPS = "prog->sleepable ? &bpf_a_proto : NULL"


def read(tree: Tree) -> TreeReading:
    reading, _ = read_source(tree, "helper_use", HelperUse())
    assert reading is not None
    return reading


def runs(*trees: Tree) -> list[tuple[str, str, str, str]]:
    """Return name, value, first and last of each run of helper_use."""
    readings = [read_source(tree, "helper_use", HelperUse())[0] for tree in trees]
    settled, _ = settle([one for one in readings if one is not None], {})
    return [
        (run.name, run.value, run.first, run.last or "")
        for run in find_runs(settled)
        if run.kind == "helper_use"
    ]


def test_a_new_pair() -> None:
    assert runs(Made("v5.9", {"a": A}), Made("v5.10", {"a": A, "b": B})) == [
        ("bpf_a", "", "v5.9", ""),
        ("bpf_b", "", "v5.10", ""),
    ]


def test_tags_are_in_the_order_of_versions() -> None:
    assert runs(Made("v5.10", {"a": A, "b": B}), Made("v5.9", {"a": A})) == [
        ("bpf_a", "", "v5.9", ""),
        ("bpf_b", "", "v5.10", ""),
    ]


def test_a_pair_that_was_removed_and_returned() -> None:
    has, lacks = {"a": A, "b": B}, {"b": B}
    trees = [
        Made("v5.9", has),
        Made("v5.10", lacks),
        Made("v5.11", lacks),
        Made("v5.12", has),
        Made("v5.13", lacks),
    ]
    assert runs(*trees) == [
        ("bpf_a", "", "v5.9", "v5.9"),
        ("bpf_a", "", "v5.12", "v5.12"),
        ("bpf_b", "", "v5.9", ""),
    ]


def test_a_condition_that_changed() -> None:
    assert runs(Made("v5.14", {"a": SLEEPS}), Made("v5.15", {"a": A}), Made("v5.16", {"a": A})) == [
        ("bpf_a", "sleepable", "v5.14", "v5.14"),
        ("bpf_a", "", "v5.15", ""),
    ]


def test_a_release_that_was_not_read_ends_nothing() -> None:
    assert runs(Made("v5.4", {"a": A}), Made("v5.6", {"a": A, "b": B})) == [
        ("bpf_a", "", "v5.4", ""),
        ("bpf_b", "", "v5.6", ""),
    ]


def test_a_tree_of_which_a_part_is_lost_says_nothing() -> None:
    broken = Made("v5.10", {"b": B}, broken=True)
    reading, gaps = read_source(broken, "helper_use", HelperUse())
    assert reading is None
    assert [gap.lost for gap in gaps] == [True]
    assert runs(Made("v5.9", {"a": A}), broken, Made("v5.11", {"a": A})) == [
        ("bpf_a", "", "v5.9", "")
    ]


def test_a_tree_without_files_of_the_source_says_nothing() -> None:
    @dataclass(frozen=True)
    class Empty(Made):
        def files(self, source: Source) -> Iterable[tuple[str, bytes]]:
            return [("Documentation/bpf.rst", b"struct bpf_func_proto")]

    expected: tuple[None, tuple[Gap, ...]] = (None, ())
    assert read_source(Empty("v5.9", {}), "helper_use", HelperUse()) == expected


def test_a_reading_names_its_tree_and_leaves_other_kinds_out() -> None:
    reading = read(Made("v5.9", {"a": A}, origin="made@1 (5.9.1)"))
    assert (reading.tag, reading.source, reading.origin) == (
        "v5.9",
        "helper_use",
        "made@1 (5.9.1)",
    )
    assert reading.values == {
        KEY_A: "",
        ("gpl_only", "bpf_a", ""): "no",
        ("contract", "bpf_a", ""): "RET_INTEGER(ARG_ANYTHING)",
    }


def only(tag: str, *keys: tuple[str, str, str]) -> TreeReading:
    return TreeReading(tag, "helper_use", "made", dict.fromkeys(keys, ""))


def test_copies_that_differ_follow_neighbours_that_agree() -> None:
    settled, unsettled = settle(
        [
            only("v5.9", KEY_A),
            only("v5.10", KEY_B),
            only("v5.10", KEY_A),
            only("v5.11", KEY_A),
        ],
        {},
    )
    assert [sorted(values) for _, values in settled] == [[KEY_A]] * 3
    assert unsettled == []


def test_copies_that_differ_beside_neighbours_that_do_are_not_settled() -> None:
    readings = [
        only("v5.9"),
        only("v5.10", KEY_A),
        only("v5.10"),
        only("v5.11", KEY_A),
    ]
    settled, (question,) = settle(readings, {})
    assert sorted(settled[1][1]) == [KEY_A]
    assert (question.tag, question.key, question.found) == ("v5.10", KEY_A, ("", None))
    assert (question.before, question.after) == (None, "")
    settled, unsettled = settle(readings, {("v5.10", KEY_A): None})
    assert sorted(settled[1][1]) == []
    assert unsettled == []


def test_one_copy_between_neighbours_that_say_otherwise_is_a_question() -> None:
    settled, (question,) = settle(
        [only("v5.9", KEY_A), only("v5.10"), only("v5.11", KEY_A)],
        {},
    )
    assert KEY_A not in settled[1][1]
    assert question.found == (None,)
    settled, unsettled = settle(
        [only("v5.9", KEY_A), only("v5.10"), only("v5.11", KEY_A)],
        {("v5.10", KEY_A): ""},
    )
    assert unsettled == []
    assert find_runs(settled) == [Run(*KEY_A, "", "v5.9", None)]


def test_a_decision_on_what_no_copy_has() -> None:
    key, other = ("helper_use", "bpf_z", "BPF_PROG_TYPE_XDP"), ("kfunc", "bpf_k", "")
    decisions = {("v5.9", key): "cap=CAP_BPF", ("v5.9", other): "", ("v5.8", key): None}
    settled, unsettled = settle([only("v5.8"), only("v5.9")], decisions)
    assert settled == [("v5.8", {}), ("v5.9", {key: "cap=CAP_BPF"})]
    assert unsettled == []
