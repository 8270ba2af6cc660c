"""The evidence of the embedded data: who says what, from the tables beside this file."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from helperhist.timeline import PRESENT, Evidence, Reading, Row, Witness

__all__ = ["find_evidence", "find_witnesses", "read_table"]

HERE = Path(__file__).parent
#: Who is not a copy that was read, by trust: a row follows the highest number.
WITNESSES = (
    Witness("decision", "", 5, "decided from the evidence that it names"),
    Witness("libbpf", "", 3, "libbpf's history, which has commits of the kernel"),
    Witness("commit tables", "", 1, "public tables of introducing commits"),
    Witness("bcc", "", 1, "iovisor/bcc: tables of helpers and types, kept by hand"),
    Witness("ebpf-docs", "", 1, "isovalent/ebpf-docs: a table of names, kept by hand"),
)
#: How a copy is named, to its trust, and what it is; other names are those of public trees.
COPIES = (
    ("mainline ", 4, "the kernel's own header at that release"),
    ("Debian ", 4, "Debian's copy of the kernel's sources"),
    ("Linux ", 4, "a booted kernel, asked by its verifier"),
    ("iproute2 ", 3, "iproute2's copy of the kernel's header"),
    ("", 2, "a public copy of a kernel tree"),
)


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of a table beside this file."""
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def find_evidence(rows: Iterable[Row]) -> Iterator[Evidence]:
    """Yield what the tables say of rows and relations, in the order of the tables."""
    messages = {row["commit"]: row for row in read_table("commit_messages.csv")}
    kinds = {row.name: row.kind for row in rows}
    for table in ("corrections.csv", "later.csv"):
        for row in read_table(table):
            said = PRESENT + row["id"]
            yield Evidence(
                row["kind"], row["name"], "", row["tag"], said, "decision", row["evidence"]
            )
    for row in read_table("introducing_commits.csv"):
        name = row["kind"], row["name"], ""
        yield Evidence(*name, "commit", row["commit"], "commit tables", row["evidence"])
        if message := messages.get(row["commit"]):
            said = message["subject"]
            where = message["evidence"].removeprefix("libbpf ")
            yield Evidence(*name, "subject", said, "libbpf", where)
    for row in read_table("dissents.csv"):
        if row["name"] not in kinds:
            # Of a repository that does not reach so far.
            continue
        where = f"{row['where']} of {row['revision']}"
        yield Evidence(kinds[row["name"]], row["name"], "", "since", row["since"], row["by"], where)
    for row in read_table("relation_decisions.csv"):
        yield Evidence(
            row["kind"], row["name"], row["object"], f"v{row['release']}",
            row["decision"], "decision", row["evidence"],
        )  # fmt: skip


def find_witnesses(readings: Iterable[Reading], evidence: Iterable[Evidence]) -> list[Witness]:
    """Return who says something: those of the evidence, and every copy that was read."""
    known = {witness.by: witness for witness in WITNESSES}
    copies = [by for reading in readings for by in reading.origin.split("; ")]
    for by in (*copies, *(said.by for said in evidence)):
        if by not in known:
            trust, about = next((c[1], c[2]) for c in COPIES if by.startswith(c[0]))
            known[by] = Witness(by, "", trust, about)
    return list(known.values())
