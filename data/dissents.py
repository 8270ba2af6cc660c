"""Find what public tables say otherwise than the embedded data.

    python data/dissents.py ~/bcc ~/ebpf-docs

Writes ``dissents.csv``: kind, name, the release that the table states, who states it, the commit
of the repository that was read, and the place. Rows of the tables that agree are not kept.
"""

import csv
import sys
from pathlib import Path

import pygit2

import helperhist
from helperhist.audit import audit, decode, read_table

HERE = Path(__file__).parent
#: Who, and the file of the repository.
TABLES = (
    (("bcc", "docs/kernel-versions.md"), ("bcc", "src/cc/libbpf.c")),
    (("ebpf-docs", "data/feature-versions.yaml"),),
)


def main() -> None:
    """Run as a script."""
    if len(sys.argv) != 1 + len(TABLES):
        raise SystemExit("usage: python data/dissents.py BCC_REPOSITORY EBPF_DOCS_REPOSITORY")
    timeline = helperhist.load("embedded")
    rows = []
    for folder, tables in zip(sys.argv[1:], TABLES, strict=True):
        repository = pygit2.Repository(folder)
        head = repository[repository.head.target].peel(pygit2.Commit)
        for by, path in tables:
            data = repository[head.tree[path].id].peel(pygit2.Blob).data
            _, stated = read_table(decode(data, path), path)
            rows += [
                (found.kind, found.name, found.stated, by, str(head.id), f"{path}:{found.line}")
                for found in audit(stated, timeline, missing=False)
                if found.verdict == "wrong"
            ]
    with (HERE / "dissents.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("kind", "name", "since", "by", "revision", "where"))
        writer.writerows(sorted(rows))


if __name__ == "__main__":
    main()
