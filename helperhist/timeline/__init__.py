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
from helperhist.timeline.evidence import (
    ABSENT,
    HEADER,
    PRESENT,
    SOMEHOW,
    Evidence,
    Statements,
    Witness,
    evidence_of,
    is_followed,
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
from helperhist.timeline.sightings import LIVE, SEEN
from helperhist.timeline.timeline import Timeline, canonical_name, series_base

__all__ = [
    "ABSENT",
    "HEADER",
    "LAST_GROWTH",
    "LISTS",
    "LIVE",
    "LTS",
    "PRESENT",
    "SEEN",
    "SENTINEL",
    "SOMEHOW",
    "SOURCES",
    "Allowed",
    "Backport",
    "Diff",
    "Doc",
    "Event",
    "Evidence",
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
    "Statements",
    "Tag",
    "Timeline",
    "Witness",
    "by_release",
    "canonical_name",
    "evidence_of",
    "fact_key",
    "first_names",
    "is_followed",
    "lts_tags",
    "releases",
    "require_kinds",
    "series_base",
]
