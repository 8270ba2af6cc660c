"""A timeline for other tools."""

from helperhist.export.formats import BINARY, FORMATS, render_export

__all__ = [
    "BINARY",
    "FORMATS",
    "render_export",
]
