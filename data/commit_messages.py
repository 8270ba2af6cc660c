"""Find subjects and author dates of introducing commits in the history of libbpf.

    python data/commit_messages.py ~/libbpf

Since October 2018 libbpf's repository has the kernel's commits that change ``bpf.h`` and its copy
below ``tools/``, with the subject and the author date that they have there, but with other ids.
A commit of ``introducing_commits.csv`` is taken for one of them

- where this is the last to add the names of that commit to the header, adds the names of no other
  known commit, and its subject does not say that it copies a header or changes something else
  (then the names came earlier, and nobody knows with what);
- or where a message there cites it, as ``Fixes: 3ce46ba2d6ab ("bpf: ...")`` does, which has no
  date.

What both say must agree. Writes ``commit_messages.csv``; the commits that it does not have are
not known by these rules.
"""

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pygit2
from pygit2.enums import SortMode

from helperhist.sources import HeaderReader

__all__ = ["Message", "find_messages"]

HERE = Path(__file__).parent
HEADER = "include/uapi/linux/bpf.h"
#: Subjects of commits that copy the header, or that are of another part: they bring nothing.
_OTHER = re.compile(
    r"(?i).*\bsync|.*synchroni[sz]|(tools|libbpf|selftests|samples)\b|initial commit"
)
_CITATION = re.compile(r'\b([0-9a-f]{10,40}) \("(.{1,200}?)"\)')


@dataclass(frozen=True, slots=True)
class Message:
    """What a commit of the kernel says.

    :ivar date: of its author, ISO 8601 in UTC; empty where only a citation is known
    :ivar evidence: the commit of libbpf that it is, or that cites it
    """

    commit: str
    date: str
    subject: str
    evidence: str


@dataclass(frozen=True, slots=True)
class _Change:
    """A commit that adds names to the header."""

    id: str
    subject: str
    date: str
    names: frozenset[str]


def find_messages(repository: Path, introduced: Mapping[str, str]) -> list[Message]:
    """Return the messages of introducing commits, in the order of their ids.

    :param repository: a clone of libbpf
    :param introduced: name to the commit that brought it
    """
    changes, cited = _read(pygit2.Repository(str(repository)))
    last = {name: change for change in changes for name in change.names}
    names_of: dict[str, set[str]] = defaultdict(set)
    for name, commit in introduced.items():
        names_of[commit].add(name)
    # Of what a change adds, the commits that are known for what nothing adds later.
    brought = {
        change.id: {introduced.get(name) for name in change.names if last[name] is change} - {None}
        for change in changes
    }
    found = []
    for commit, names in sorted(names_of.items()):
        citations = {
            (subject, by)
            for prefix, said in cited.items()
            if commit.startswith(prefix)
            for subject, by in said
        }
        own = {last[name].id for name in names if name in last}
        change = next((last[name] for name in sorted(names) if name in last), None)
        if (
            change is not None
            and own == {change.id}
            and names <= change.names
            and brought[change.id] == {commit}
            and not _OTHER.match(change.subject)
        ):
            if citations and change.subject not in {subject for subject, _ in citations}:
                sys.stderr.write(f"{commit}: {change.subject!r}, but cited as {citations}\n")
                continue
            found.append(Message(commit, change.date, change.subject, f"libbpf {change.id}"))
        elif len({subject for subject, _ in citations}) == 1:
            subject, by = min(citations)
            found.append(Message(commit, "", subject, f"cited by libbpf {by}"))
    return found


def _read(repository: pygit2.Repository) -> tuple[list[_Change], dict[str, set[tuple[str, str]]]]:
    """Return the commits that add names to the header, oldest first, and what messages cite."""
    reader = HeaderReader()
    known: dict[pygit2.Oid, frozenset[str]] = {}

    def names(commit: pygit2.Commit) -> tuple[pygit2.Oid | None, frozenset[str]]:
        try:
            blob = commit.tree[HEADER]
        except KeyError:
            return None, frozenset()
        if blob.id not in known:
            entries = reader.read(repository[blob.id].read_raw())
            known[blob.id] = frozenset(entry.name for entry in entries)
        return blob.id, known[blob.id]

    changes = []
    cited: dict[str, set[tuple[str, str]]] = defaultdict(set)
    order = SortMode.TOPOLOGICAL | SortMode.REVERSE
    for commit in repository.walk(repository.head.target, order):
        text = " ".join(commit.message.split())
        for prefix, subject in _CITATION.findall(text):
            cited[prefix].add((subject, str(commit.id)))
        if len(commit.parents) != 1:
            continue
        (before, old), (after, new) = names(commit.parents[0]), names(commit)
        if before != after and new - old:
            date = datetime.fromtimestamp(commit.author.time, UTC)
            changes.append(
                _Change(
                    str(commit.id),
                    commit.message.partition("\n")[0],
                    f"{date:%Y-%m-%dT%H:%M:%SZ}",
                    new - old,
                )
            )
    return changes, cited


def _introduced() -> Iterator[tuple[str, str]]:
    with (HERE / "introducing_commits.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row["name"], row["commit"]


def main() -> None:
    """Run as a script."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python data/commit_messages.py LIBBPF_REPOSITORY")
    messages = find_messages(Path(sys.argv[1]), dict(_introduced()))
    with (HERE / "commit_messages.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("commit", "author_date", "subject", "evidence"))
        writer.writerows((m.commit, m.date, m.subject, m.evidence) for m in messages)


if __name__ == "__main__":
    main()
