"""Files of a kernel tree, each read into facts: pure functions of bytes.

The sources of whole trees, ``helper_use``, ``kfuncs``, ``map_use`` and ``arch_use``, are modules of
their own: only mining pays for them.
"""

from helperhist.sources.condition import ALWAYS, NEVER, Condition
from helperhist.sources.ctext import split_pieces
from helperhist.sources.defined import DefinedNames
from helperhist.sources.docs import HelperDoc, Prototype, parse_docs, parse_prototype
from helperhist.sources.source import Gap, Piece, Source, parse_file, read_tree
from helperhist.sources.uapi import (
    MAX_HEADER_BYTES,
    HeaderReader,
    is_sentinel,
    parse_header,
)

__all__ = [
    "ALWAYS",
    "MAX_HEADER_BYTES",
    "NEVER",
    "Condition",
    "DefinedNames",
    "Gap",
    "HeaderReader",
    "HelperDoc",
    "Piece",
    "Prototype",
    "Source",
    "arch_use",
    "helper_use",
    "is_sentinel",
    "kfuncs",
    "map_use",
    "parse_docs",
    "parse_file",
    "parse_header",
    "parse_prototype",
    "read_tree",
    "split_pieces",
]
