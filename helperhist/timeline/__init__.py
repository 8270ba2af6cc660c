"""Which kernel has what: kinds, facts, spans of tags, and the questions they answer."""

from helperhist.timeline.analysis import (
    LAST_GROWTH,
    LISTS,
    LTS,
    by_release,
    first_names,
    lts_tags,
    no_such_kind,
    releases,
    require_kinds,
)
from helperhist.timeline.asked import WORDS, Asked, Doubt, ask, known_names
from helperhist.timeline.facts import SENTINEL, Fact, fact_key
from helperhist.timeline.lookup import canonical_name, is_pattern, one_answer, spelled
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
from helperhist.timeline.timeline import Timeline, changes, series_base

__all__ = [
    "LAST_GROWTH",
    "LISTS",
    "LTS",
    "SENTINEL",
    "SOURCES",
    "WORDS",
    "Allowed",
    "Asked",
    "Backport",
    "Diff",
    "Doc",
    "Doubt",
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
    "ask",
    "by_release",
    "canonical_name",
    "changes",
    "fact_key",
    "first_names",
    "is_pattern",
    "known_names",
    "lts_tags",
    "no_such_kind",
    "one_answer",
    "releases",
    "require_kinds",
    "series_base",
    "spelled",
]
