"""The names of a timeline by what an object has of them: numbers of helpers and map types."""

from helperhist.check.lives import Lives
from helperhist.check.needs import release_key
from helperhist.check.pairs import Pairs
from helperhist.timeline import Row, Timeline

__all__ = ["Names"]


class Names:
    """Indexes one timeline for all objects."""

    def __init__(self, timeline: Timeline) -> None:
        """Read the rows once."""
        self.lives = Lives(timeline)
        self.relations = timeline.relations
        self.pairs = Pairs(timeline.relations)
        self.helpers: dict[int, Row] = {}
        self.map_types: dict[int, Row] = {}
        for row in timeline.rows:
            if row.id is None:
                continue
            if row.kind == "helper" and (row.id not in self.helpers or row.removed is None):
                self.helpers[row.id] = row
            elif row.kind == "map_type" and row.since is not None:
                # A type that was renamed has two rows; the older one says since when it works.
                known = self.map_types.get(row.id)
                if known is None or release_key(row.since) < release_key(known.since or row.since):
                    self.map_types[row.id] = row
