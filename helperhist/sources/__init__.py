"""Files of a kernel tree, each read into facts: pure functions of their bytes."""

from helperhist.sources.condition import Condition
from helperhist.sources.helper_use import HelperUse
from helperhist.sources.source import Fact, Gap, Piece, Reading, Source, read_tree

__all__ = ["Condition", "Fact", "Gap", "HelperUse", "Piece", "Reading", "Source", "read_tree"]
