"""A timeline as a C header."""

from helperhist.header.options import GUARDS, IDS, HeaderOptions
from helperhist.header.render import Header, render_header

__all__ = [
    "GUARDS",
    "IDS",
    "Header",
    "HeaderOptions",
    "render_header",
]
