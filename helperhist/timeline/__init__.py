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
from helperhist.timeline.facts import SENTINEL, Fact, fact_key
from helperhist.timeline.presence import Presence, Release
from helperhist.timeline.records import Backport, Diff, Doc, Event, Metadata, Row, Span, Tag
from helperhist.timeline.relations import (
    SOURCES,
    Allowed,
    Interval,
    Reading,
    Relation,
    Relations,
    Run,
)
from helperhist.timeline.timeline import Timeline, canonical_name, series_base

__all__ = [
    "LAST_GROWTH",
    "LISTS",
    "LTS",
    "SENTINEL",
    "SOURCES",
    "Allowed",
    "Backport",
    "Diff",
    "Doc",
    "Event",
    "Fact",
    "Interval",
    "Metadata",
    "Presence",
    "Reading",
    "Relation",
    "Relations",
    "Release",
    "Row",
    "Run",
    "Span",
    "Tag",
    "Timeline",
    "by_release",
    "canonical_name",
    "fact_key",
    "first_names",
    "lts_tags",
    "releases",
    "require_kinds",
    "series_base",
]
