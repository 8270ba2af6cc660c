"""Files of a kernel tree, each read into facts: pure functions of bytes."""

from helperhist.sources.ctext import split_pieces
from helperhist.sources.docs import HelperDoc, Prototype, parse_docs, parse_prototype
from helperhist.sources.uapi import (
    ENUM_KINDS,
    MAX_HEADER_BYTES,
    SENTINEL,
    Entry,
    HeaderReader,
    is_sentinel,
    parse_header,
)

__all__ = [
    "ENUM_KINDS",
    "MAX_HEADER_BYTES",
    "SENTINEL",
    "Entry",
    "HeaderReader",
    "HelperDoc",
    "Prototype",
    "is_sentinel",
    "parse_docs",
    "parse_header",
    "parse_prototype",
    "split_pieces",
]
