import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from helperhist.cli.group import cli
from helperhist.dataset import write_dataset
from helperhist.timeline import Fact, Parts, Reading, Row, Run, Timeline
from tests.build.relations import RUNS, related
from tests.build.timeline import helpers, make_timeline

KEYS = list(Row("", "").to_json())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("relations") / "data"
    write_dataset(related(), folder)
    return str(folder)


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def answer(*arguments: str, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code).stdout)


def lines(*arguments: str, code: int = 0) -> list[str]:
    return run(*arguments, code=code).stdout.splitlines()[:-1]


def test_one_pair(data: str) -> None:
    assert lines("since", "b", "--prog", "xdp", "--data", data) == [
        "bpf_b  helper in XDP programs",
        "  since      5.2 (v5.2, 2000-02-01)",
        "  condition  with CAP_PERFMON (from 5.2, not in 5.5); none (from 5.5)",
    ]


def test_a_pair_with_bounds_that_was_removed(data: str) -> None:
    assert lines("since", "bpf_b", "--prog", "tc", "--data", data) == [
        "bpf_b  helper in SCHED_CLS programs",
        "  since      between 5.2 and 5.4",
        "  removed    between 5.5 and 5.7",
        "  condition  attach type BPF_TCX_INGRESS",
    ]
    (found,) = answer("since", "bpf_b", "--prog", "tc", "--data", data)
    assert list(found) == [*KEYS, "object", "value", "absent", "intervals"]
    assert found["object"] == "BPF_PROG_TYPE_SCHED_CLS"
    assert found["value"] == "attach=BPF_TCX_INGRESS"
    assert (found["absent"], found["since"], found["tag"]) == ("5.2", "5.4", "v5.4")
    assert found["removed"] == "v5.7"
    assert found["intervals"] == [{"from": "5.4", "to": "5.7"}]


def test_a_hole_is_shown(data: str) -> None:
    assert lines("since", "bpf_a", "--prog", "tc", "--data", data)[1:3] == [
        "  since      5.5 (v5.5, 2000-05-01)",
        "  present    from 5.1, not in 5.2; from 5.5",
    ]
    (found,) = answer("since", "bpf_a", "--prog", "tc", "--data", data)
    assert found["intervals"] == [{"from": "5.1", "to": "5.2"}, {"from": "5.5", "to": None}]
    assert found["value"] == "?"


@pytest.mark.parametrize(
    "spelling",
    ["tc", "tcx/ingress", "SCHED_CLS", "sched_cls", "BPF_PROG_TYPE_SCHED_CLS", "classifier"],
)
def test_spellings_of_a_program_type(data: str, spelling: str) -> None:
    assert lines("since", "-q", "bpf_b", "--prog", spelling, "--data", data) == []
    result = run("since", "-q", "bpf_b", "--prog", spelling, "--data", data)
    assert result.stdout == "5.4 or earlier\n"


def test_a_program_type_that_is_none(data: str) -> None:
    result = run("since", "bpf_b", "--prog", "xpd", "--data", data, code=2)
    assert "'xpd' is not a program type; write xdp" in result.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bpf_c", "bpf_c: SCHED_CLS programs may not call it in the releases read, 5.1 to 5.7"),
        ("bpf_k_new", "bpf_k_new: SCHED_CLS programs may not call it in the releases read, 5.4"),
        ("BPF_PROG_TYPE_XDP", "is not a helper or kfunc, but of kind prog_type"),
        ("bpf_nothing", "bpf_nothing: unknown"),
    ],
)
def test_what_no_release_has(data: str, name: str, message: str) -> None:
    result = run("since", name, "--prog", "tc", "--data", data, code=1)
    assert message in result.stderr


def test_data_without_relations(tmp_path: Path) -> None:
    write_dataset(related((), ()), tmp_path / "data")
    for command in (("since", "bpf_b", "--prog", "xdp"), ("list", "--prog", "xdp"),
                    ("list", "--kind", "helper_use")):  # fmt: skip
        result = run(*command, "--data", str(tmp_path / "data"), code=2)
        assert "does not say who may call what; use --data embedded" in result.stderr


def test_a_helper_names_its_callers(data: str) -> None:
    assert lines("since", "bpf_a", "bpf_b", "--data", data)[-1] == "  callers  5.2 XDP"
    assert (
        "  callers  5.1 or earlier XDP; 5.5 SCHED_CLS* (* under a"
        in run("since", "bpf_a", "--data", data).stdout
    )


def test_a_kfunc(data: str) -> None:
    assert lines("since", "bpf_k_new", "--data", data) == [
        "bpf_k_new  kfunc",
        "  since      5.5 (v5.5, 2000-05-01)",
        "  flags      KF_ACQUIRE KF_RCU",
        "  prototype  int bpf_k_new(void)",
        "  callers    5.5 TRACING*; between 5.5 and 5.7 XDP (* under a condition: --prog)",
    ]
    (found,) = answer("since", "bpf_k_new", "--data", data)
    assert list(found) == [*KEYS, "value", "absent", "intervals"]
    assert (found["kind"], found["value"]) == ("kfunc", "KF_ACQUIRE KF_RCU")
    assert found["prototype"] == "int bpf_k_new(void)"
    header = run("since", "bpf_k_new", "--csv", "--data", data).stdout.splitlines()[0]
    assert header.split(",") == [*KEYS, "value", "absent", "intervals"]


def test_conditions_of_the_loader_get_no_star(tmp_path: Path) -> None:
    changed = [replace(run, value="cap=CAP_BPF;config=CONFIG_NET") for run in RUNS[:1]]
    write_dataset(related(changed), tmp_path / "data")
    assert lines("since", "bpf_a", "--data", str(tmp_path / "data"))[-1] == (
        "  callers  5.1 or earlier XDP"
    )


def pairs(*arguments: str) -> list[tuple[str, str]]:
    return [(item["name"], item["object"]) for item in answer("list", *arguments)]


def test_what_a_program_may_call_at_a_release(data: str) -> None:
    xdp = "BPF_PROG_TYPE_XDP"
    assert pairs("--prog", "xdp", "--at", "5.1", "--data", data) == [("bpf_a", xdp)]
    found = answer("list", "--prog", "xdp", "--at", "5.2", "--data", data)
    # The condition is the one of that release.
    assert [(item["name"], item["value"]) for item in found] == [
        ("bpf_a", ""), ("bpf_b", "cap=CAP_PERFMON"),
    ]  # fmt: skip
    assert pairs("--prog", "xdp", "--at", "5.7", "--data", data) == [
        ("bpf_a", xdp), ("bpf_b", xdp), ("bpf_c", xdp), ("bpf_k_new", xdp),
    ]  # fmt: skip


def test_a_release_that_was_not_read(data: str) -> None:
    result = run("list", "--prog", "tc", "--kind", "helper", "--at", "5.3", "--data", data)
    assert result.stdout.splitlines()[1:-1] == ["0 rows"]
    assert "1 more came or went around 5.3, which was not read: nobody can tell" in result.stderr


def test_an_update_may_call_what_its_release_may(data: str) -> None:
    release, update = (run("list", "--prog", "xdp", "--at", at, "--data", data)
                       for at in ("5.5", "5.5.3"))  # fmt: skip
    assert release.stdout == update.stdout
    assert "note: the data has no 5.5.3; the answer is from 5.5" in update.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--kind", "helper_use", "--at", "5.9"), "helper_use was read from 5.1 to 5.7, not at"),
        (("--kind", "map_use", "--prog", "xdp"), "--prog limits helper_use, gpl_only, kfunc_use"),
        (("--kind", "gpl_only"), "no names of kind 'gpl_only'; there are helper_use"),
        (("--kind", "nothing"), "no names of kind 'nothing'"),
    ],
)
def test_lists_that_are_none(data: str, arguments: tuple[str, ...], message: str) -> None:
    assert message in run("list", *arguments, "--data", data, code=2).stderr


def test_lists_by_kind(data: str) -> None:
    found = answer("list", "--kind", "kfunc", "--data", data)
    assert [list(item) for item in found] == [[*KEYS, "value", "absent", "intervals"]]
    found = answer("list", "--kind", "map_use", "--data", data)
    assert [item["object"] for item in found] == ["BPF_MAP_TYPE_HASH"]
    table = lines("list", "--kind", "helper_use", "--prog", "tc", "--data", data)
    assert [line.split() for line in table] == [
        ["name", "of", "since", "condition"],
        ["bpf_a", "SCHED_CLS", "5.5", *"under conditions that were not read".split()],
        ["bpf_b", "SCHED_CLS", *"between 5.2 and 5.4, removed between 5.5 and 5.7".split(),
         "attach", "type", "BPF_TCX_INGRESS"],
        ["2", "rows"],
    ]  # fmt: skip
    rows = run("list", "--kind", "helper_use", "--csv", "--data", data).stdout.splitlines()
    assert rows[0] == ",".join([*KEYS, "object", "value", "absent", "intervals"])
    assert sum(row.endswith("BPF_PROG_TYPE_SCHED_CLS,?,,5.1-5.2 5.5-") for row in rows) == 1


def test_machines_and_names_of_other_kinds_read_no_relations(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write_dataset(related(), folder)
    (folder / "relations.csv").write_bytes(b"\xff")
    for arguments in (("bpf_b", "-q"), ("bpf_b", "--json"), ("BPF_PROG_TYPE_XDP",)):
        run("since", *arguments, "--data", str(folder))
    run("list", "--data", str(folder))
    assert "relations.csv is damaged" in run("since", "bpf_b", "--data", str(folder), code=2).stderr


ADDR, TYPES = "BPF_PROG_TYPE_CGROUP_SOCK_ADDR", ("CGROUP_SOCK_ADDR", "TRACING")
CONNECT = "attach=BPF_CGROUP_INET4_CONNECT|BPF_CGROUP_INET6_CONNECT"


@pytest.fixture(scope="module")
def attached(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a dataset in which conditions ask for attach types and sleep."""
    folder = tmp_path_factory.mktemp("attached") / "data"
    kinds = [Fact.of("prog_type", f"BPF_PROG_TYPE_{name}") for name in TYPES]
    plain = make_timeline({f"v5.{n}": [*helpers("a", "b"), *kinds] for n in range(1, 6)})
    runs = (
        Run("helper_use", "bpf_a", ADDR, CONNECT, "v5.1", "v5.1"),
        Run("helper_use", "bpf_a", ADDR, "", "v5.2", "v5.2"),
        Run("helper_use", "bpf_a", ADDR, CONNECT, "v5.4", None),
        Run("helper_use", "bpf_b", "BPF_PROG_TYPE_TRACING", "sleepable", "v5.4", None),
    )
    readings = [Reading("helper_use", f"v5.{n}", "a copy") for n in (1, 2, 4, 5)]
    given = Timeline(
        plain.metadata, plain.rows, lambda: plain.tags, lambda: plain.spans,
        lambda: plain.events, lambda: plain.docs, relations=lambda name: Parts(runs, readings),
    )  # fmt: skip
    write_dataset(given, folder)
    return str(folder)


def test_a_name_of_sec_has_its_attach_type(attached: str) -> None:
    def pair(prog: str) -> Any:
        (found,) = answer("since", "bpf_a", "--prog", prog, "--data", attached)
        return found["since"], found["absent"], found["removed"], found["value"]

    assert pair("cgroup_sock_addr") == ("5.1", None, None, CONNECT)
    assert pair("cgroup/connect4") == ("5.1", None, None, "")
    (found,) = answer("since", "bpf_a", "--prog", "cgroup/sendmsg4", "--data", attached)
    assert found["intervals"] == [{"from": "5.2", "to": "5.4"}]
    assert (found["since"], found["absent"], found["removed"]) == ("5.2", None, "v5.4")
    text = lines("since", "bpf_a", "--prog", "cgroup/sendmsg4", "--data", attached)
    assert text[1:3] == ["  since      5.2 (v5.2, 2000-02-01)", "  removed    between 5.2 and 5.4"]


def test_a_name_of_sec_says_whether_it_may_sleep(attached: str) -> None:
    (found,) = answer("since", "bpf_b", "--prog", "fentry.s", "--data", attached)
    assert (found["since"], found["absent"], found["value"]) == ("5.4", "5.2", "")
    result = run("since", "bpf_b", "--prog", "fentry", "--data", attached, code=1)
    assert (
        "TRACING programs of attach type BPF_TRACE_FENTRY that may not sleep may not call it"
    ) in result.stderr


@pytest.mark.parametrize(
    ("prog", "release", "values"),
    [
        ("cgroup/connect4", "5.1", [""]),
        ("cgroup/sendmsg4", "5.1", []),
        ("cgroup/sendmsg4", "5.2", [""]),
        ("cgroup_sock_addr", "5.4", [CONNECT]),
    ],
)
def test_what_such_a_program_may_call(
    attached: str, prog: str, release: str, values: list[str]
) -> None:
    found = answer("list", "--prog", prog, "--at", release, "--data", attached)
    assert [item["value"] for item in found] == values


def test_csv_of_a_pair_has_what_its_json_has(data: str) -> None:
    (found,) = csv.DictReader(
        run("since", "bpf_b", "--prog", "tc", "--csv", "--data", data).stdout.splitlines()
    )
    assert list(found) == [*KEYS, "object", "value", "absent", "intervals"]
    assert found["object"] == "BPF_PROG_TYPE_SCHED_CLS"
    assert (found["value"], found["absent"]) == ("attach=BPF_TCX_INGRESS", "5.2")
    assert found["intervals"] == "5.4-5.7"


def test_evidence_of_a_name_and_of_a_pair(data: str) -> None:
    text = lines("since", "bpf_c", "--evidence", "--data", data)
    assert [line.split(":")[0] for line in text if "v5." in line][-2:] == [
        "  evidence  v5.3 lacks it",
        "            v5.4 has it, 3",
    ]
    (found,) = answer("since", "bpf_b", "--prog", "tc", "--evidence", "--data", data)
    assert found["evidence"][0] == {
        "says": "v5.2", "value": "absent", "by": "somebody/linux@1234 (5.x)", "revision": None,
        "trust": None, "where": "helper_use", "followed": True,
    }  # fmt: skip
    assert [item["says"] for item in found["evidence"]] == ["v5.2", "v5.4", "v5.5", "v5.7"]
    assert "evidence" not in answer("since", "bpf_c", "--data", data)[0]


@pytest.mark.parametrize("other", ["--csv", "--quiet"])
def test_evidence_has_no_such_form(data: str, other: str) -> None:
    result = run("since", "bpf_c", "--evidence", other, "--data", data, code=2)
    assert f"--evidence and {other} exclude each other" in result.stderr


def test_what_rests_on_one_public_copy_is_marked() -> None:
    def marks(name: str, prog: str) -> list[tuple[str, bool]]:
        text = run("since", name, "--prog", prog, "--evidence", "--data", "embedded").stdout
        flat = " ".join(text.split()).partition("evidence ")[2]
        found = re.split(r" (?=v\d+\.\d+ (?:has|lacks) it)", flat)
        return [(one.split()[0], "one copy alone" in one) for one in found]

    assert marks("bpf_get_current_pid_tgid", "xdp") == [("v6.9", True), ("v6.10", True)]
    # Of 6.17, Debian has a copy; of 6.16, a booted kernel speaks.
    assert marks("bpf_list_back", "xdp") == [
        ("v6.14", True), ("v6.17", False), ("v6.17", False), ("v6.16", False),
    ]  # fmt: skip
