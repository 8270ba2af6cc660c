"""Tables that people keep by hand, compared with a timeline."""

from helperhist.audit.finding import DIFFERENCES, JUDGED, VERDICTS, Finding
from helperhist.audit.judge import audit
from helperhist.audit.patch import correct, patch_path, render_patch
from helperhist.audit.tables import FORMATS, MAX_TABLE_BYTES, decode, read_table
from helperhist.audit.unread import NO_ROW

__all__ = [
    "DIFFERENCES",
    "FORMATS",
    "JUDGED",
    "MAX_TABLE_BYTES",
    "NO_ROW",
    "VERDICTS",
    "Finding",
    "audit",
    "correct",
    "decode",
    "patch_path",
    "read_table",
    "render_patch",
]
