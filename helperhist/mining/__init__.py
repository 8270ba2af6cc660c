"""Sources at every tag, and the commits that brought each fact, into a timeline."""

from helperhist.mining.scanning import Progress, Summary, scan, scan_with_summary

__all__ = [
    "Progress",
    "Summary",
    "scan",
    "scan_with_summary",
]
