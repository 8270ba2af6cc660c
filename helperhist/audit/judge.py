"""Hold the rows of a table against a timeline: what is right, wrong, unknown, missing."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from helperhist.audit.compare import compare, maybe_older, read_version, weaken
from helperhist.audit.finding import Finding
from helperhist.audit.related import compare_relation, find_kfunc, find_pair
from helperhist.audit.resolve import Resolver
from helperhist.audit.tables.model import Stated
from helperhist.audit.unread import NO_ROW, find_unread
from helperhist.timeline import (
    PREFIXES,
    Relation,
    Row,
    Timeline,
    canonical_name,
    first_names,
    require_kinds,
)
from helperhist.version import KernelVersion

__all__ = ["audit"]

#: A search for the nearest name takes milliseconds; a file of other things has many such names.
_MAX_SEARCHES = 500

#: Kinds of rows that no list of bpf.h has.
_UNLISTED = {
    "kfunc": "a kfunc that the data does not have",
    "feature": "no name of bpf.h",
}


def audit(
    rows: Iterable[Stated],
    timeline: Timeline,
    kinds: Collection[str] = (),
    missing: bool = True,
    text: str | None = None,
) -> tuple[Finding, ...]:
    """Judge the rows of one table, in their order, then list what it lacks.

    :param kinds: rows of other kinds are left out; all if empty
    :param missing: whether to list what the table lacks: of ``kinds``, else of those numbered
        lists (helpers, commands, types of maps, programs, attachments and links) of which it has
        a name
    :param text: of the table, to list the known names that are in no row of it
    :raises DatasetError: the timeline has no such kind
    """
    require_kinds(timeline, kinds)
    judge = _Judge(timeline, tuple(rows))
    findings = judge.findings()
    if kinds:
        findings = [finding for finding in findings if finding.kind in kinds]
    if missing:
        findings += judge.missing(kinds)
    if text is not None:
        unread = judge.unread(text)
        findings += [f for f in unread if not kinds or f.kind in kinds]
    return tuple(findings)


class _Judge:
    def __init__(self, timeline: Timeline, rows: Sequence[Stated]) -> None:
        self.resolver = Resolver(timeline)
        self.timeline = timeline
        self.listed = timeline.index.kinds
        self.rows = rows
        self.found = [self._find(row) for row in rows]
        newest = [tag.version for tag in timeline.releases]
        self.newest = max(newest) if newest else None
        self.by_commit: dict[str, list[Row]] = {}
        for item in timeline.rows:
            if item.commit:
                self.by_commit.setdefault(item.commit, []).append(item)
        kinds: dict[int, Counter[str]] = {}
        for stated, row in zip(rows, self.found, strict=True):
            if row is not None:
                kinds.setdefault(stated.table, Counter())[row.kind] += 1
        #: Of each table with known names, what most of them are.
        self.tables = {table: count.most_common(1)[0][0] for table, count in kinds.items()}
        self.near: dict[tuple[str, str | None], Row | None] = {}

    def _find(self, row: Stated) -> Row | None:
        if row.kind in _UNLISTED:
            return None
        return self.resolver.find(row.name, self._kind(row), row.go)

    def _kind(self, row: Stated) -> str | None:
        """Return the kind that a table states, if it is one of ours and no word of its own."""
        return row.kind if row.kind in self.listed or row.kind in PREFIXES else None

    def findings(self) -> list[Finding]:
        lines: dict[tuple[str, str | None], int] = {}
        findings = []
        for stated, row in zip(self.rows, self.found, strict=True):
            finding = self._judge(stated, row)
            if row is not None and not stated.listed:
                first = lines.setdefault((row.name, finding.program), stated.line)
                if first != stated.line:
                    note = _join(finding.note, f"listed twice, first in line {first}")
                    finding = replace(finding, note=note)
            findings.append(finding)
        return findings

    def _judge(self, stated: Stated, row: Row | None) -> Finding:
        kfunc = None if row is not None else find_kfunc(self.timeline, stated.name)
        if row is None and kfunc is None:
            return self._unknown(stated)
        alone = self._known(stated, row) if row is not None else self._related(stated, kfunc)
        if not stated.program:
            return alone
        kind = "kfunc" if row is None else row.kind
        name = stated.name if row is None else row.name
        answer = find_pair(self.timeline, self.resolver, kind, name, stated.program)
        if stated.loose and (not answer.other or alone.verdict != "wrong" or answer.doubt):
            # It may be only where the name can be used, or any other remark.
            return replace(alone, fix=None)
        if answer.doubt:
            finding = replace(alone, verdict="unjudged", actual=None, tag=None, note=answer.doubt)
        elif answer.never:
            note = f"{answer.other} has it in no release that was read"
            finding = replace(alone, verdict="wrong", actual=None, tag=None, note=note)
        else:
            finding = self._related(stated, answer.relation)
        fix = None if stated.loose or finding.actual is None else finding.fix
        return replace(finding, name=name, program=answer.other or stated.program, fix=fix)

    def _related(self, stated: Stated, relation: Relation | None) -> Finding:
        """Judge a row by a pair, or by a kfunc."""
        assert relation is not None
        shown, version = read_version(stated.version.text)
        verdict, why = compare_relation(version, relation)
        verdict, why = weaken(stated, verdict, why, version, KernelVersion.parse(relation.since))
        exact = relation.absent is None and not relation.or_earlier
        return Finding(
            relation.name,
            relation.kind.removesuffix("_use").replace("map", "helper"),
            shown,
            relation.since if exact else None,
            verdict,
            stated.line,
            commit=relation.introduction.commit if relation.introduction is not None else None,
            note=_join(why, stated.note),
            program=relation.object or None,
            fix=stated.version
            if verdict == "wrong" and exact and stated.version.start >= 0
            else None,
        )

    def _unknown(self, row: Stated) -> Finding:
        shown, version = read_version(row.version.text)
        kind = row.kind if row.kind in _UNLISTED else self._kind(row)
        if kind is None:
            kind = self.tables.get(row.table)
        name = row.name if row.go or kind != "helper" else canonical_name(row.name)

        def finding(verdict: str, note: str) -> Finding:
            return Finding(name, kind, shown, None, verdict, row.line, note=_join(note, row.note))

        if row.kind in _UNLISTED:
            return finding("unjudged", _UNLISTED[row.kind])
        if self._kind(row) is None and row.table not in self.tables:
            return finding("unjudged", "no name of bpf.h in this table")
        if row.doubt:
            return finding("unjudged", row.doubt)
        if row.name in self.timeline.index.structs:
            return finding("unjudged", "a struct; its fields have releases")
        if version is not None and self.newest is not None and version > self.newest:
            return finding("unjudged", f"newer than the data, which ends with {self.newest}")
        # What a table has besides flags may be of any kind.
        alike = kind if kind in PREFIXES or self._kind(row) else None
        if (row.name, alike) not in self.near:
            if len(self.near) >= _MAX_SEARCHES:
                return finding("unknown", "no such name")
            self.near[row.name, alike] = self.resolver.nearest(row.name, alike, row.go)
        near = self.near[row.name, alike]
        if near is None and kind not in PREFIXES:
            return finding("unjudged", "not in bpf.h, but maybe in another header")
        if near is None:
            return finding("unknown", "no name of bpf.h is like it")
        same = any(_same(near.commit or "-", commit) for commit in row.commits)
        proof = ", which this row's commit brought" if same else ""
        return finding("unknown", f"nearest: {near.name} ({near.since or 'unreleased'}){proof}")

    def _known(self, stated: Stated, row: Row) -> Finding:
        shown, version = read_version(stated.version.text)
        actual = None if row.since is None else KernelVersion.parse(row.since)
        verdict, why = compare(version, actual, row)
        verdict, why = weaken(stated, verdict, why, version, actual)
        notes = [why, stated.note]
        other = self._kind(stated) not in (None, row.kind)
        if other and row.kind in PREFIXES:
            notes.append(f"is {'an' if row.kind[0] in 'aeiou' else 'a'} {row.kind}")
        if verdict != "unjudged":
            notes.append(self._commit_note(stated, row))
        # Where the table takes a name for something else, its version is of something else.
        fixable = verdict == "wrong" and actual is not None and not (row.or_earlier or other)
        return Finding(
            row.name,
            row.kind,
            shown,
            # Of what may be older, a release that has it is known, and not the first one.
            None if row.or_earlier else row.since,
            verdict,
            stated.line,
            None if row.or_earlier else row.tag,
            row.commit,
            _join(*notes),
            fix=stated.version if fixable and stated.version.start >= 0 else None,
        )

    def _commit_note(self, stated: Stated, row: Row) -> str:
        # The commits of other projects that have a copy of the header are others.
        if not (stated.commits and row.commit and self.timeline.metadata.kernel):
            return ""
        if any(_same(row.commit, commit) for commit in stated.commits):
            return ""
        other = stated.commits[0]
        came = f"this name came with {row.commit[:12]}"
        brought = next((rows for full, rows in self.by_commit.items() if _same(full, other)), None)
        if brought is None:
            return f"commit {other[:12]} is not known here; {came}"
        names = ", ".join(item.name for item in brought[:2])
        names += ", ..." if len(brought) > 2 else ""
        return f"commit {other[:12]} brought {names}; {came}"

    def missing(self, kinds: Collection[str]) -> list[Finding]:
        """Return the names that the table lacks and mainline has."""
        have = {row.name for row in self.found if row is not None}
        # Pairs are no list of names.
        # A second name of a number (BPF_PROG_RUN of BPF_PROG_TEST_RUN) is not missing.
        numbers = {
            (row.kind, row.id)
            for stated, row in zip(self.rows, self.found, strict=True)
            if row and row.kind in PREFIXES and not stated.program
        }
        wanted = set(kinds) or {kind for kind, _ in numbers}
        lacks = [
            row
            for row in self.timeline.rows
            if row.kind in wanted
            and row.name not in have
            and (row.id is None or (row.kind, row.id) not in numbers)
            and row.tag is not None
            and row.removed is None
        ]
        named = set(first_names([row for row in lacks if row.kind in PREFIXES]))
        return [_missing(row) for row in lacks if row.kind not in PREFIXES or row in named]

    def unread(self, text: str) -> list[Finding]:
        """Return the known names of a table that are in no row of it."""
        read = [
            (stated.line, row.name)
            for stated, row in zip(self.rows, self.found, strict=True)
            if row is not None
        ]
        return [
            replace(_missing(row), verdict="unread", line=line, note="" if rowlike else NO_ROW)
            for line, row, rowlike in find_unread(text, read, self.resolver)
        ]


def _missing(row: Row) -> Finding:
    if row.or_earlier:
        note = maybe_older(row.since)
        return Finding(row.name, row.kind, None, None, "missing", None, None, row.commit, note)
    return Finding(row.name, row.kind, None, row.since, "missing", None, row.tag, row.commit)


def _same(full: str, other: str) -> bool:
    """Whether one of two commit ids abbreviates the other."""
    return full.startswith(other) or other.startswith(full)


def _join(*notes: str) -> str:
    return "; ".join(note for note in notes if note)
