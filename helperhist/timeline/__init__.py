"""Which kernel has what: kinds, facts, spans of tags, and the questions they answer."""

from helperhist.timeline.analysis import (
    LAST_GROWTH,
    LTS,
    by_release,
    first_names,
    lts_tags,
    no_such_kind,
    releases,
    require_kinds,
)
from helperhist.timeline.asked import WORDS, Asked, Doubt, ask, known_names
from helperhist.timeline.facts import Fact, sort_key
from helperhist.timeline.index import Index, canonical_name, squash
from helperhist.timeline.kinds import (
    BY_PROGRAM,
    ENUM_KINDS,
    KINDS,
    LISTS,
    PREFIXES,
    SENTINEL,
    SOURCES,
    kind_key,
    plural,
)
from helperhist.timeline.lookup import is_pattern, one_answer, spelled
from helperhist.timeline.presence import Kernel, Presence, Release
from helperhist.timeline.records import Backport, Diff, Doc, Event, Metadata, Row, Span, Tag
from helperhist.timeline.relations import (
    Interval,
    Reading,
    Relation,
    Relations,
    Run,
)
from helperhist.timeline.timeline import Timeline, changes, series_base

__all__ = [
    "BY_PROGRAM",
    "ENUM_KINDS",
    "KINDS",
    "LAST_GROWTH",
    "LISTS",
    "LTS",
    "PREFIXES",
    "SENTINEL",
    "SOURCES",
    "WORDS",
    "Asked",
    "Backport",
    "Diff",
    "Doc",
    "Doubt",
    "Event",
    "Fact",
    "Index",
    "Interval",
    "Kernel",
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
    "first_names",
    "is_pattern",
    "kind_key",
    "known_names",
    "lts_tags",
    "no_such_kind",
    "one_answer",
    "plural",
    "releases",
    "require_kinds",
    "series_base",
    "sort_key",
    "spelled",
    "squash",
]
