"""What answers of ``explain`` are made of: the answer itself, and names as messages spell them."""

import re
from dataclasses import dataclass

from helperhist.timeline import FEATURES, STRUCT_OPS, Row, Timeline

__all__ = ["Answer", "Names"]

# Looking for similar names takes a while, so only the first unknown names of a text get it.
_MAX_NEAREST = 16
#: What stands for a release in a text.
_KEY = re.compile(r"\{([^{}]{1,40})\}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a message means.

    :ivar rule: names the kind of message, for machines
    :ivar kind: as in :class:`helperhist.timeline.Row`, or ``kfunc``; None where no name is at fault
    :ivar since: the first mainline release with the name; None where the data has no answer
    """

    rule: str
    meaning: str
    advice: str
    kind: str | None = None
    name: str | None = None
    id: int | None = None
    since: str | None = None


class Names:
    """The names of a timeline, as messages spell them; and where in a log we are.

    :ivar without_btf: whether the log says that the kernel has no BTF
    :ivar without_argument: whether the last refusal began with an argument that is not there
    :ivar called: name (None where the log has it not) and number of the helper called last
    """

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.called: tuple[str | None, int] | None = None
        self.without_btf = False
        self.without_argument = False
        self._nearest: dict[str, tuple[str, ...]] = {}

    @property
    def newest(self) -> str:
        """The end of the data, for a reader."""
        newest = self.timeline.metadata.newest
        return f"up to {newest}" if newest else "in this data"

    def nearest(self, name: str) -> tuple[str, ...]:
        """Return names like an unknown one; for the first few of a text, as it takes a while."""
        if name not in self._nearest and len(self._nearest) < _MAX_NEAREST:
            self._nearest[name] = self.timeline.nearest(name)
        return self._nearest.get(name, ())

    def release(self, key: str) -> str | None:
        """Return the release of a feature, of a struct of operations, or of a name.

        See :data:`helperhist.timeline.FEATURES` and :data:`helperhist.timeline.STRUCT_OPS`.
        """
        if key in FEATURES:
            return FEATURES[key].since
        if key in STRUCT_OPS:
            return STRUCT_OPS[key]
        row = self.exact(key)
        return None if row is None else row.since

    def fill(self, text: str) -> str:
        """Return a text with the releases of the features and names in its braces."""
        return _KEY.sub(lambda key: self.release(key[1]) or "a release not in this data", text)

    def exact(self, name: str) -> Row | None:
        """Return the row of a C identifier; ``loop`` alone is no helper there."""
        return self.timeline.index.named(name)

    def helper(self, name: str | None, number: int) -> Row | None:
        """Return the helper that a log calls: by name where it has one."""
        if name is None or name == "unknown":
            return self.timeline.helper(number)
        row = self.timeline.index.named(name)
        return row if row is not None and row.kind == "helper" else None
