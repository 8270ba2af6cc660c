import csv
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from helperhist import load
from helperhist.dataset.store import embedded_dir
from helperhist.timeline import SENTINEL, Timeline

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    return load("embedded")


def table(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_numbers_of_all_helpers_are_contiguous(timeline: Timeline) -> None:
    assert [row.id for row in timeline.helpers] == list(range(1, 212))


@pytest.mark.parametrize(
    ("name", "since"),
    [
        # The sample of the project's first description.
        ("probe_read_str", "4.11"),
        ("tcp_gen_syncookie", "5.4"),
        ("csum_level", "5.8"),
        ("skc_to_mptcp_sock", "5.19"),
        ("get_prandom_u32", "4.1"),
        ("cgrp_storage_delete", "6.2"),
        ("BPF_MAP_TYPE_RINGBUF", "5.8"),
        ("BPF_PROG_TYPE_NETFILTER", "6.4"),
        # What came before the first tag of iproute2 that is read.
        ("BPF_MAP_CREATE", "3.18"),
        ("BPF_PROG_LOAD", "3.18"),
        ("map_lookup_elem", "3.19"),
        ("map_delete_elem", "3.19"),
        ("BPF_MAP_TYPE_ARRAY", "3.19"),
        ("BPF_PROG_TYPE_SOCKET_FILTER", "3.19"),
        ("BPF_MAP_TYPE_PROG_ARRAY", "4.2"),
        # Well known, and documented so by others.
        ("BPF_PROG_TYPE_KPROBE", "4.1"),
        ("BPF_PROG_TYPE_XDP", "4.8"),
        ("BPF_PROG_TYPE_TRACING", "5.5"),
        ("BPF_PROG_TYPE_LSM", "5.7"),
        ("BPF_MAP_TYPE_HASH", "3.19"),
        ("BPF_MAP_TYPE_LRU_HASH", "4.10"),
        ("BPF_MAP_TYPE_STRUCT_OPS", "5.6"),
        ("BPF_LINK_CREATE", "5.7"),
        ("BPF_BTF_LOAD", "4.18"),
        ("XDP_REDIRECT", "4.14"),
        ("__sk_buff.gso_size", "5.7"),
        ("xdp_md.egress_ifindex", "5.8"),
        ("perf_event_output", "4.4"),
        ("skb_under_cgroup", "4.8"),
        ("ringbuf_output", "5.8"),
        ("get_current_task_btf", "5.11"),
        ("loop", "5.17"),
        ("kptr_xchg", "5.19"),
        ("user_ringbuf_drain", "6.1"),
        ("BPF_F_ZERO_CSUM_TX", "4.5"),
    ],
)
def test_known_answers(timeline: Timeline, name: str, since: str) -> None:
    row = timeline.since(name)
    assert row is not None
    assert (row.since, row.tag, row.or_earlier) == (since, f"v{since}", False)


@pytest.mark.parametrize(
    ("release", "count"),
    [
        ("3.18", 0), ("3.19", 3), ("4.0", 3), ("4.1", 11), ("4.4", 25), ("4.9", 41), ("4.14", 53),
        ("4.19", 83), ("5.4", 110), ("5.10", 155), ("5.15", 175), ("6.1", 209), ("6.2", 211),
        ("6.12", 211), ("7.1", 211), ("7.3", 211),
    ],
)  # fmt: skip
def test_helpers_per_release(timeline: Timeline, release: str, count: int) -> None:
    helpers = [name for name in timeline.at(release) if name.kind == "helper"]
    assert [helper.id for helper in helpers] == list(range(1, count + 1))
    since = [
        row for row in timeline.helpers if timeline.tag(row.since or "").version
        <= timeline.tag(release).version
    ]  # fmt: skip
    assert {row.name for row in since} == {helper.name for helper in helpers}


def test_numbers_grow_with_releases(timeline: Timeline) -> None:
    order = [timeline.tag(row.since or "").version for row in timeline.helpers]
    assert order == sorted(order)


def test_tags_are_the_releases_of_the_kernel(timeline: Timeline) -> None:
    dates = {row["tag"]: row["released"] for row in table("kernel_releases.csv")}
    names = [tag.name for tag in timeline.tags]
    assert names == list(dates)
    # An empty date is one that is not settled, as that of a release just made.
    assert {tag.name: tag.date or "" for tag in timeline.tags} == dates
    settled = [date for date in dates.values() if date]
    assert settled == sorted(settled) == list(dates.values())[: len(settled)]
    for tag in timeline.tags:
        assert tag.name == f"v{tag.version.series}"
        assert (tag.target, tag.commit) == ("", ""), "a commit of iproute2 is none of the kernel"
    assert timeline.releases == timeline.tags


def test_rows_are_complete(timeline: Timeline) -> None:
    dates = {tag.name: tag.date for tag in timeline.tags}
    for row in timeline.rows:
        assert row.since is not None, row
        assert row.tag == row.first_tag == f"v{row.since}"
        assert row.released == dates[row.tag]
        assert row.backports == ()
        assert not row.or_earlier
        if row.kind == "helper":
            assert row.prototype is not None, row.name
            assert f"{row.name}(" in row.prototype
        else:
            assert row.prototype is None
        assert row.id is None or row.kind != SENTINEL


def test_commits_are_those_of_the_table(timeline: Timeline) -> None:
    known = {(row["kind"], row["name"]): row for row in table("introducing_commits.csv")}
    messages = {row["commit"]: row for row in table("commit_messages.csv")}
    rows = {(row.kind, row.name): row for row in timeline.rows}
    assert not known.keys() - rows
    assert not messages.keys() - {row["commit"] for row in known.values()}
    for key, row in rows.items():
        assert row.commit == (known[key]["commit"] if key in known else None)
        message = messages.get(row.commit or "", {"author_date": "", "subject": ""})
        assert (row.author_date or "", row.subject or "") == (
            message["author_date"], message["subject"],
        )  # fmt: skip
        assert row.commit_date is None
        if key in known:
            assert re.fullmatch("[0-9a-f]{40}", known[key]["commit"])
            assert known[key]["id"] in ("", str(row.id)), key
    assert all(row.commit for row in timeline.helpers)


def test_commits_were_written_before_the_release(timeline: Timeline) -> None:
    """And not years before, as the commit of another name would be."""
    days = {tag.name: date.fromisoformat(tag.date) for tag in timeline.tags if tag.date}
    checked = 0
    for row in timeline.rows:
        if row.author_date and row.tag in days:
            written = date.fromisoformat(row.author_date[:10])
            assert timedelta(0) < days[row.tag] - written < timedelta(days=365), row.name
            checked += 1
    assert checked > 100


def test_present_and_rows_agree(timeline: Timeline) -> None:
    newest = timeline.at("7.3")
    ids = {row.name: (row.kind, row.id) for row in timeline.rows if row.removed is None}
    assert {name.name: (name.kind, name.id) for name in newest} == ids


def test_no_text_of_the_documentation_is_embedded(timeline: Timeline) -> None:
    assert not (embedded_dir() / "docs.csv").exists()
    assert timeline.docs == ()
    text = (embedded_dir() / "timeline.csv").read_text("utf-8")
    # Words of nearly every description in the header.
    assert not re.search(r"\b(Description|Returns?|This helper|associated (with|to))\b", text)
    assert max(len(line) for line in text.splitlines()) < 500


def test_the_answer_names_where_it_comes_from(timeline: Timeline) -> None:
    assert timeline.label == f"embedded data: {timeline.metadata.source}"
    relations = timeline.relations.read("helper_use")
    assert timeline.metadata.source == (
        f"bpf.h of {timeline.tags[0].version} to {timeline.tags[-1].version}, "
        f"kernel trees of {relations[0]} to {relations[-1]}"
    )
    assert timeline.metadata.tags == len(timeline.tags)
    assert timeline.metadata.newest == timeline.tags[-1].name == "v7.3"
    assert "Mainline only" in " ".join(timeline.metadata.notes)


def test_releases_of_which_updates_were_read(timeline: Timeline) -> None:
    """What 7.2 and 7.3 brought, and nothing that a tag of an enumeration would change."""
    for release, count in (("7.2", 16), ("7.3", 15)):
        assert sum(row.since == release for row in timeline.rows) == count
    adjust = [row for row in timeline.rows if row.name.startswith("BPF_F_ADJ_ROOM_")]
    assert {row.kind for row in adjust} == {"flag"}
    assert {row.since for row in adjust} == {"5.2", "5.8", "5.13", "6.3", "7.3"}
    (flags,) = [event for event in timeline.events if event.name == "BPF_F_REDIRECT_FLAGS"]
    assert (flags.event, flags.tag, flags.before, flags.after) == ("renumbered", "v7.3", "25", "27")
    later = table("later.csv")
    assert {(row["tag"], row["name"]) for row in later} == {
        *((row.tag, row.name) for row in timeline.rows if row.since in ("7.2", "7.3")),
        ("v7.3", "BPF_F_REDIRECT_FLAGS"),
    }
    assert all(row["evidence"] for row in later)


def test_kinds(timeline: Timeline) -> None:
    kinds = {row.kind for row in timeline.rows}
    assert {
        "helper", "cmd", "map_type", "prog_type", "attach_type", "link_type", "flag", "field",
        SENTINEL, "xdp_action",
    } <= kinds  # fmt: skip
