"""The files of a dataset that say who says what of its rows.

================  ===============================================================================
``evidence.csv``  statements: :class:`helperhist.timeline.Evidence`
``sources.csv``   who makes them: :class:`helperhist.timeline.Witness`
================  ===============================================================================
"""

from collections.abc import Iterable, Iterator

from helperhist.timeline import Evidence, Witness

__all__ = ["EVIDENCE", "EVIDENCE_COLUMNS", "WITNESSES", "parse_evidence", "parse_witnesses"]

EVIDENCE = "evidence.csv"
WITNESSES = "sources.csv"
EVIDENCE_COLUMNS: dict[str, tuple[str, ...]] = {
    EVIDENCE: ("kind", "name", "object", "says", "value", "by", "where"),
    WITNESSES: ("by", "revision", "trust", "about"),
}


def parse_evidence(rows: Iterable[list[str]]) -> Iterator[Evidence]:
    """Read the rows of ``evidence.csv``."""
    for row in rows:
        yield Evidence(*row)


def parse_witnesses(rows: Iterable[list[str]]) -> Iterator[Witness]:
    """Read the rows of ``sources.csv``.

    :raises ValueError: a trust is not a digit, or somebody is there twice
    """
    seen = set()
    for by, revision, trust, about in rows:
        if by in seen:
            raise ValueError(f"{by[:60]!r} is there twice")
        if len(trust) != 1 or trust not in "0123456789":
            raise ValueError(f"the trust {trust[:20]!r} is not a digit")
        seen.add(by)
        yield Witness(by, revision, int(trust), about)
