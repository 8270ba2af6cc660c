"""Sources at every tag, and the commits that brought each fact, into a timeline."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from helperhist.mining.scanning import (
        HEADER,
        SOURCE_NAMES,
        Progress,
        Summary,
        scan,
        scan_with_summary,
    )
    from helperhist.mining.summaries import SourceSummary

__all__ = [
    "HEADER",
    "SOURCE_NAMES",
    "Progress",
    "SourceSummary",
    "Summary",
    "scan",
    "scan_with_summary",
]


def __getattr__(name: str) -> Any:
    # Loaded when asked for: the processes of a search need a small part of the package.
    if name in __all__:
        module = "summaries" if name == "SourceSummary" else "scanning"
        return getattr(import_module(f"helperhist.mining.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
