"""Sources at every tag, and the commits that brought each fact, into a timeline."""

from helperhist.mining.scanning import Progress, Summary, scan, scan_with_summary
from helperhist.mining.walk import tune_libgit2

__all__ = [
    "Progress",
    "Summary",
    "scan",
    "scan_with_summary",
    "tune_libgit2",
]
