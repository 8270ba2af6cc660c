"""Scan a repository: mining + parsing -> timeline; the only module that knows both."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from helperhist.dataset import FORMAT
from helperhist.docs import HelperDoc, Prototype, parse_docs
from helperhist.errors import RepositoryError
from helperhist.history import build_rows, find_events, find_spans, make_lines, merge_docs
from helperhist.mining import DEFAULT_TAGS, KERNEL_PATHS, Repository, TagRef, path_parts
from helperhist.timeline import Doc, Metadata, Tag, Timeline
from helperhist.uapi import Entry, HeaderReader

__all__ = ["scan"]


def scan(
    repo: str | Path,
    *,
    tags: str = DEFAULT_TAGS,
    paths: Sequence[str] = (),
    commits: bool = True,
) -> Timeline:
    """Read the header at every tag of a repository."""
    repository = Repository(Path(repo))
    refs, skipped = repository.tags(tags)
    candidates = (*KERNEL_PATHS, *paths)
    parts = path_parts(candidates)
    found = []
    without = []
    for ref in refs:
        tree = repository.commit(ref.commit)[0]
        for path, comps in zip(candidates, parts):
            oid = tree
            for c in comps:
                oid = repository.entry(oid, c) if oid else None
            if oid:
                found.append(
                    Tag(ref.name, ref.version, ref.target, ref.commit, ref.date, path, oid)
                )
                break
        else:
            without.append(ref)
    reader = HeaderReader()
    cache: dict[str, dict[str, Entry]] = {}
    snaps = {}
    lines = make_lines(found)
    for line in lines:
        for t in line.tags:
            if t.blob not in cache:
                cache[t.blob] = {
                    e.name: e for e in reader.read(repository.read(t.blob, t.name), t.name)
                }
            snaps[t.name] = cache[t.blob]
    docs: dict[str, tuple[HelperDoc, str]] = {}
    for t in reversed(lines[0].tags):
        for n, d in merge_docs(parse_docs(repository.read(t.blob, t.name))).items():
            docs.setdefault(n, (d, t.name))
    spans = {l.series: find_spans(l, snaps) for l in lines}
    events, former = find_events(lines, snaps)
    rows = build_rows(
        lines,
        spans,
        complete=bool(without),
        prototypes={n: (d.prototype, d.attributes) for n, (d, _) in docs.items()},
    )
    rows = tuple(replace(r, former_names=former.get(r.name, ())) for r in rows)
    return Timeline(
        Metadata(str(repository.folder), format=FORMAT),
        rows,
        lambda: sorted(found, key=lambda t: (t.version, t.name)),
        lambda: [s for l in lines for s in spans[l.series]],
        lambda: events,
        lambda: [Doc(n, t, d.description, d.returns) for n, (d, t) in docs.items()],
    )
