"""The verdict on one row of a table."""

from dataclasses import dataclass
from typing import Any

from helperhist.audit.tables.model import Version

__all__ = ["DIFFERENCES", "JUDGED", "VERDICTS", "Finding"]

#: All verdicts, in the order of reports.
VERDICTS = ("wrong", "unknown", "missing", "right", "unjudged", "unread")
#: The verdicts that say that a table is not as it should be.
DIFFERENCES = frozenset(("wrong", "unknown", "missing"))

#: The verdicts on rows that history can tell something about.
JUDGED = frozenset(("right", "wrong", "unknown"))


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one row of a table, or on one name that it lacks.

    :ivar name: as bpf.h has it; as the table has it where it is unknown
    :ivar stated: the version that the table states; None for a missing name
    :ivar actual: the release that is right; None where we know of none
    :ivar tag: of that release
    :ivar commit: the introducing commit
    :ivar note: reasons and warnings, empty if there are none
    :ivar program: the type of programs, or of maps, for which the releases are; None for the name
        alone
    :ivar fix: where a patch puts ``actual``; None where it must not
    """

    name: str
    kind: str | None
    stated: str | None
    actual: str | None
    verdict: str
    line: int | None
    tag: str | None = None
    commit: str | None = None
    note: str = ""
    program: str | None = None
    fix: Version | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON object of this finding."""
        return {
            "name": self.name,
            "kind": self.kind,
            "stated": self.stated,
            "actual": self.actual,
            "verdict": self.verdict,
            "line": self.line,
            "tag": self.tag,
            "commit": self.commit,
            "note": self.note or None,
            "program_type": self.program,
        }
