"""A timeline as a C header."""

from helperhist.header.kfuncs import MAX_VMLINUX, Beside, read_beside
from helperhist.header.options import GUARDS, IDS, HeaderOptions
from helperhist.header.render import Header, render_header

__all__ = [
    "GUARDS",
    "IDS",
    "MAX_VMLINUX",
    "Beside",
    "Header",
    "HeaderOptions",
    "read_beside",
    "render_header",
]
