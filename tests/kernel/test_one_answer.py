"""One question, one answer: a release, its header and its BTF, asked of the same names."""

from collections.abc import Iterable, Iterator

import pytest

import helperhist
from helperhist.kernel import KernelInfo, compare
from helperhist.kernel.info import Uapi
from helperhist.kernel.names import info_of_header
from helperhist.timeline import ENUM_KINDS, LISTS, Fact, Kernel, Presence, Timeline
from tests.build.timeline import helpers, make_timeline

RENAMED = Fact.of("map_type", "BPF_MAP_TYPE_OLD", 1), Fact.of("map_type", "BPF_MAP_TYPE_NEW", 1)


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    """Return a history with a backport, a removal, a return and a rename."""
    return make_timeline(
        {
            "v5.9": [*helpers("a", "gone", "back"), RENAMED[0]],
            "v5.10": [*helpers("a", "gone"), RENAMED[0]],
            "v5.10.1": [*helpers("a", "gone"), RENAMED[0]],
            "v5.10.2": [*helpers("a", "gone", late=5), RENAMED[0]],
            "v5.11": [*helpers("a", back=3), RENAMED[1]],
            "v5.12": [*helpers("a", back=3, late=5, new=6), RENAMED[1]],
        }
    )


def header(facts: Iterable[Fact]) -> bytes:
    """Write the lists of a bpf.h with some names."""
    tags = {kind: tag for tag, kind in ENUM_KINDS.items()}
    lists: dict[str, list[str]] = {"bpf_func_id": ["BPF_FUNC_unspec"]}
    for fact in facts:
        if fact.kind in LISTS:
            name = fact.name
            if fact.kind == "helper":
                name = f"BPF_FUNC_{name.removeprefix('bpf_')}"
            lists.setdefault(tags[fact.kind], []).append(f"{name} = {fact.value}")
    return "\n".join(
        f"enum {tag} {{ {', '.join(names)}, }};" for tag, names in lists.items()
    ).encode()


def info_of(timeline: Timeline, tag: str) -> KernelInfo:
    return info_of_header(header(timeline.at(tag)), Uapi.of(timeline), f"header of {tag}")


def listed(timeline: Timeline) -> Iterator[tuple[str, str, int | None]]:
    return ((row.kind, row.name, row.id) for row in timeline.rows if row.kind in LISTS)


def said(kernel: Kernel, kind: str, name: str) -> bool | None:
    return kernel.has(kind, name).answer


def agree(timeline: Timeline, tag: str) -> None:
    release, info = timeline.kernel(tag), info_of(timeline, tag)
    for kind, name, number in listed(timeline):
        assert said(info, kind, name) is said(release, kind, name) is not None, (tag, name)
        if number is not None:
            for asked in (name, ""):
                one, other = (
                    kernel.has_number(kind, asked, number).answer for kernel in (info, release)
                )
                assert one is other, (tag, name, number)
            assert (info.numbered(kind, number) is None) is (release.numbered(kind, number) is None)


def test_backports_removals_and_renames(timeline: Timeline) -> None:
    for tag in timeline.tags:
        agree(timeline, tag.name)
    update = timeline.kernel("5.10.2")
    assert said(update, "helper", "bpf_late") is True
    assert said(timeline.kernel("5.11"), "helper", "bpf_late") is False
    assert said(update, "helper", "bpf_gone") is True
    assert said(timeline.kernel("5.12"), "helper", "bpf_gone") is False
    for kernel in (timeline.kernel("5.9"), info_of(timeline, "5.12")):
        assert said(kernel, "map_type", "BPF_MAP_TYPE_OLD") is True
        assert said(kernel, "map_type", "BPF_MAP_TYPE_NEW") is True


@pytest.mark.parametrize("tag", ["v4.4", "v4.18", "v5.4", "v5.10", "v6.1", "v6.12", "v7.1"])
def test_every_name_of_the_embedded_data(tag: str) -> None:
    agree(helperhist.load("embedded"), tag)


@pytest.mark.parametrize("tag", ["v4.18", "v5.10", "v6.12"])
def test_what_a_comparison_misses_is_what_the_kernel_lacks(tag: str) -> None:
    timeline = helperhist.load("embedded")
    older = next(item for item in timeline.releases if item.name == tag)
    info = info_of(timeline, older.name)
    found = compare(info, timeline, "7.1")
    for fact in found.missing:
        if fact.kind in LISTS:
            assert info.has(fact.kind, fact.name).answer is False, fact
    for fact in found.added:
        assert info.has(fact.kind, fact.name).answer is True, fact


def test_a_renamed_type_is_neither_added_nor_missing(timeline: Timeline) -> None:
    info = info_of(timeline, "5.11")
    found = compare(info, timeline, "5.10")
    assert [fact.name for fact in found.added] == ["bpf_back"]
    assert [fact.name for fact in found.missing] == ["bpf_gone"]
    back = compare(info_of(timeline, "5.10"), timeline, "5.11")
    assert (back.added, back.missing) == (found.missing, found.added)


def test_who_may_call_what_is_in_no_header(timeline: Timeline) -> None:
    info = info_of(timeline, "5.10")
    assert info.has("helper_use", "bpf_a", "BPF_PROG_TYPE_XDP") == Presence(None)
    assert info.has("kfunc", "bpf_kfunc") == Presence(None)
