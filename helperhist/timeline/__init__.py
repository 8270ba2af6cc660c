"""Which kernel has what: kinds, facts, spans of tags, and the questions they answer."""

from helperhist.timeline.analysis import (
    LAST_GROWTH,
    LTS,
    by_release,
    first_names,
    lts_tags,
    releases,
    require_kinds,
)
from helperhist.timeline.conditions import condition_words
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
from helperhist.timeline.facts import Fact, sort_key
from helperhist.timeline.features import FEATURES, STRUCT_OPS, Feature
from helperhist.timeline.index import Index, canonical_name, squash, with_spellings
from helperhist.timeline.kinds import (
    BY_PROGRAM,
    ENUM_KINDS,
    KINDS,
    LISTS,
    LIVE,
    PREFIXES,
    SEEN,
    SENTINEL,
    SOURCES,
    kind_key,
    plural,
)
from helperhist.timeline.parts import Introduction, Lost, Parts, Reading, Run, SourceFile
from helperhist.timeline.presence import Kernel, Presence, Release
from helperhist.timeline.records import Backport, Diff, Doc, Event, Metadata, Row, Span, Tag
from helperhist.timeline.relation import Interval, Relation
from helperhist.timeline.relations import Relations
from helperhist.timeline.timeline import Timeline, series_base

__all__ = [
    "ABSENT",
    "BY_PROGRAM",
    "ENUM_KINDS",
    "FEATURES",
    "HEADER",
    "KINDS",
    "LAST_GROWTH",
    "LISTS",
    "LIVE",
    "LTS",
    "PREFIXES",
    "PRESENT",
    "SEEN",
    "SENTINEL",
    "SOMEHOW",
    "SOURCES",
    "STRUCT_OPS",
    "Backport",
    "Diff",
    "Doc",
    "Event",
    "Evidence",
    "Fact",
    "Feature",
    "Index",
    "Interval",
    "Introduction",
    "Kernel",
    "Lost",
    "Metadata",
    "Parts",
    "Presence",
    "Reading",
    "Relation",
    "Relations",
    "Release",
    "Row",
    "Run",
    "SourceFile",
    "Span",
    "Statements",
    "Tag",
    "Timeline",
    "Witness",
    "by_release",
    "canonical_name",
    "condition_words",
    "evidence_of",
    "first_names",
    "is_followed",
    "kind_key",
    "lts_tags",
    "plural",
    "releases",
    "require_kinds",
    "series_base",
    "sort_key",
    "squash",
    "with_spellings",
]
