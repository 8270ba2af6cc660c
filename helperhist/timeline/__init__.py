"""Which kernel has what: kinds, facts, spans of tags, and the questions they answer."""

from helperhist.timeline.analysis import (
    LAST_GROWTH,
    LISTS,
    LTS,
    by_release,
    first_names,
    lts_tags,
    releases,
    require_kinds,
)
from helperhist.timeline.presence import Presence, Release
from helperhist.timeline.timeline import (
    SENTINEL,
    Backport,
    Diff,
    Doc,
    Event,
    Metadata,
    Name,
    Row,
    Span,
    Tag,
    Timeline,
    canonical_name,
    series_base,
)

__all__ = [
    "LAST_GROWTH",
    "LISTS",
    "LTS",
    "SENTINEL",
    "Backport",
    "Diff",
    "Doc",
    "Event",
    "Metadata",
    "Name",
    "Presence",
    "Release",
    "Row",
    "Span",
    "Tag",
    "Timeline",
    "by_release",
    "canonical_name",
    "first_names",
    "lts_tags",
    "releases",
    "require_kinds",
    "series_base",
]
