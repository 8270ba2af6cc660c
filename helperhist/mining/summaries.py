"""What a scan tells of each source of whole trees."""

from dataclasses import dataclass, field

from helperhist.sources import Gap

__all__ = ["SourceSummary"]


@dataclass(slots=True)
class SourceSummary:
    """What one source found.

    :ivar releases: read, of which ``reused`` were known from an older dataset
    :ivar facts: relations that a release has
    :ivar gaps: what was not read, by tag; those that lost a release among them
    :ivar lost: releases that could not be read
    :ivar lacking: why nothing was read; empty where something was
    :ivar updates: of releases that were read as well
    :ivar unknown: runs whose introducing commit was looked for and is not known
    """

    name: str
    releases: int = 0
    reused: int = 0
    facts: int = 0
    gaps: list[tuple[str, Gap]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    lacking: str = ""
    updates: int = 0
    unknown: int = 0
