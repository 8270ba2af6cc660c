"""What a scan did, as text and as JSON."""

from pathlib import Path

from helperhist.mining import SourceSummary, Summary
from helperhist.printable import one_line, utf8
from helperhist.report.terminal import fields
from helperhist.sources import Gap
from helperhist.timeline import Timeline

__all__ = ["scan_json", "scan_text"]

#: Gaps that cost a release are shown, up to so many; --json has all.
_MAX_SHOWN = 8


def scan_json(
    timeline: Timeline, summary: Summary, folder: Path, seconds: float, reason: str | None
) -> dict[str, object]:
    """Return the documented JSON object of a scan.

    :param reason: what keeps the dataset from being the default, None if it is
    """
    return {
        "dataset": utf8(str(folder)),
        "source": timeline.metadata.source,
        "tags": summary.tags,
        "reused": summary.reused,
        "skipped": dict(summary.skipped),
        "headers": summary.headers,
        "helpers": len(timeline.helpers),
        "newest": timeline.metadata.newest,
        "unknown_commits": summary.unknown,
        "sources": [_source_json(source) for source in summary.sources],
        "default": reason is None,
        "not_default": reason,
        "seconds": round(seconds, 2),
    }


def _source_json(source: SourceSummary) -> dict[str, object]:
    return {
        "name": source.name,
        "releases": source.releases,
        "updates": source.updates,
        "reused": source.reused,
        "facts": source.facts,
        "lost": source.lost,
        "gaps": [
            {
                "tag": tag,
                "path": utf8(one_line(gap.path)),
                "line": gap.line or None,
                "what": utf8(one_line(gap.what)),
                "lost": gap.lost,
            }
            for tag, gap in source.gaps
        ],
        "unknown_commits": source.unknown,
        "lacking": source.lacking or None,
    }


def scan_text(
    timeline: Timeline,
    summary: Summary,
    folder: Path,
    seconds: float,
    default: str,
    width: int,
) -> str:
    """Return the summary of a scan for a terminal.

    :param default: what the scan is to the other commands
    """
    reused = f", {summary.reused} of them known" if summary.reused else ""
    pairs = [("tags", f"{summary.tags}{reused}")]
    pairs += [("skipped", f"{count}: {reason}") for reason, count in reversed(summary.skipped)]
    if summary.headers:
        pairs += [
            ("headers", f"{summary.headers} distinct"),
            ("helpers", str(sum(row.removed is None for row in timeline.helpers))),
        ]
    pairs += [
        (source.name, _source_text(source)) for source in summary.sources if not source.lacking
    ]
    for why in dict.fromkeys(source.lacking for source in summary.sources if source.lacking):
        names = [source.name for source in summary.sources if source.lacking == why]
        pairs.append(("not read", f"{', '.join(names)}: {why}"))
    lost = [
        (source, tag, gap) for source in summary.sources for tag, gap in source.gaps if gap.lost
    ]
    pairs += [("gap", _gap_text(*item)) for item in lost[:_MAX_SHOWN]]
    if len(lost) > _MAX_SHOWN:
        pairs.append(("gap", f"and {len(lost) - _MAX_SHOWN} more, see --json"))
    pairs += [
        ("newest", timeline.metadata.newest or "none"),
        ("time", f"{seconds:.1f} s"),
        ("dataset", utf8(str(folder))),
        ("default", default),
    ]
    if timeline.metadata.shallow:
        pairs.append(
            (
                "shallow",
                "the clone is cut off: names at its first tag may be older"
                + (f", {summary.unknown} introducing commits unknown" if summary.unknown else "")
                + "; `git fetch --unshallow` mends it",
            )
        )
    return fields(pairs, width, indent="")


def _source_text(source: SourceSummary) -> str:
    known = f" ({source.reused} of them known)" if source.reused else ""
    text = f"{source.facts} facts of {source.releases} releases{known}"
    text += f" and {source.updates} updates" if source.updates else ""
    if source.lost:
        text += f"; {len(source.lost)} more could not be read"
    gaps = sum(not gap.lost for _, gap in source.gaps)
    return text + (f"; {gaps} conditions not read" if gaps else "")


def _gap_text(source: SourceSummary, tag: str, gap: Gap) -> str:
    return f"{source.name} at {tag}: {utf8(one_line(str(gap)))}"
