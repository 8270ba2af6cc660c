"""Sources at every tag, and the commits that brought each fact, into a timeline."""

from helperhist.mining.relations import SourceSummary
from helperhist.mining.scanning import (
    HEADER,
    SOURCE_NAMES,
    Progress,
    Summary,
    scan,
    scan_with_summary,
)

__all__ = [
    "HEADER",
    "SOURCE_NAMES",
    "Progress",
    "SourceSummary",
    "Summary",
    "scan",
    "scan_with_summary",
]
