"""A timeline as a C header."""

from helperhist.header.render import GUARDS, IDS, HeaderOptions, render_header

__all__ = [
    "GUARDS",
    "IDS",
    "HeaderOptions",
    "render_header",
]
