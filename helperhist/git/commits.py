"""What the bytes of a commit or a tag say of people, dates and subject."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from helperhist.printable import one_line

__all__ = ["CommitInfo", "local_date", "parse_commit"]

_MAX_SUBJECT = 1000
_PERSON = re.compile(
    rb"^(author|committer|tagger) .*?(?<![0-9-])(-?[0-9]{1,15}) ([-+][0-9]{4})$", re.MULTILINE
)
_ENCODING = re.compile(rb"^encoding ([A-Za-z0-9_.:-]{1,40})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """A commit, as rows tell of it; dates are ISO 8601 in UTC, None where unreadable."""

    id: str
    author_date: str | None
    commit_date: str | None
    subject: str


def parse_commit(oid: str, data: bytes) -> CommitInfo:
    """Return what rows tell of a commit."""
    head, _, message = data.partition(b"\n\n")
    encoding = _ENCODING.search(head)
    # As git's %s: the lines of the first paragraph in one.
    paragraph = message.lstrip(b"\n").partition(b"\n\n")[0]
    text = _decode(paragraph, encoding[1].decode() if encoding else "utf-8")
    return CommitInfo(
        oid,
        _utc(head, b"author"),
        _utc(head, b"committer"),
        one_line(text, _MAX_SUBJECT),
    )


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding, "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


def _seconds(head: bytes, role: bytes) -> tuple[int, bytes] | None:
    for match in _PERSON.finditer(head):
        if match[1] == role:
            return int(match[2]), match[3]
    return None


def _utc(head: bytes, role: bytes) -> str | None:
    found = _seconds(head, role)
    if found is None:
        return None
    try:
        return datetime.fromtimestamp(found[0], UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None


def local_date(head: bytes, role: bytes) -> str | None:
    """Return the ISO date of a person of a commit or tag, in that person's time zone."""
    found = _seconds(head, role)
    if found is None:
        return None
    zone = int(found[1][1:3]) * 60 + int(found[1][3:5])
    offset = timedelta(minutes=-zone if found[1][:1] == b"-" else zone)
    try:
        return datetime.fromtimestamp(found[0], timezone(offset)).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return None
