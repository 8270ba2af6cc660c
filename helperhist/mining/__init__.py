"""Sources at every tag, and the commits that brought each fact, into a timeline."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from helperhist.mining.scanning import Progress, Summary, scan, scan_with_summary

__all__ = [
    "Progress",
    "Summary",
    "scan",
    "scan_with_summary",
]


def __getattr__(name: str) -> Any:
    # Loaded when asked for: the processes of a search need a small part of the package.
    if name in __all__:
        return getattr(import_module("helperhist.mining.scanning"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
