"""What booted kernels of releases say whose source was not read."""

from collections.abc import Mapping
from dataclasses import replace

from helperhist.timeline.relation import Relation
from helperhist.version import KernelVersion

__all__ = ["Sightings"]

#: Kinds of fact that such a kernel can tell about.
_KINDS = frozenset(("helper_use", "kfunc", "kfunc_use"))


class Sightings:
    """Whether kernels have facts, by name and object."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], dict[KernelVersion, bool]] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, name: str, other: str, release: KernelVersion, word: str) -> None:
        """Add what a kernel of a release says.

        :raises ValueError: it says neither yes nor no
        """
        if word not in ("yes", "no"):
            raise ValueError(f"{name[:60]!r} was seen as {word[:20]!r}, not yes or no")
        self._found.setdefault((name, other), {})[release] = word == "yes"

    def of(self, key: tuple[str, str, str]) -> Mapping[KernelVersion, bool]:
        """Return whether kernels have a fact: kind, name, object."""
        return self._found.get(key[1:], {}) if key[0] in _KINDS else {}

    def narrow(self, relation: Relation) -> Relation:
        """Return a relation with the bounds that sightings between them leave."""
        seen = self.of((relation.kind, relation.name, relation.object))
        if not seen:
            return relation
        since = KernelVersion.parse(relation.since)
        if relation.absent is not None:
            absent = KernelVersion.parse(relation.absent)
            inside = {version: has for version, has in seen.items() if absent < version < since}
            absent = max([absent, *(version for version, has in inside.items() if not has)])
            start = min([since, *(v for v, has in inside.items() if has and v > absent)])
            relation = replace(
                relation,
                since=start.text,
                absent=None if start.follows(absent, kernel=True) else absent.text,
                intervals=tuple(
                    replace(item, start=start.text) if item.start == relation.since else item
                    for item in relation.intervals
                ),
            )
        if relation.seen is not None and relation.removed is not None:
            last, removed = (
                KernelVersion.parse(text) for text in (relation.seen, relation.removed)
            )
            inside = {version: has for version, has in seen.items() if last < version < removed}
            last = max([last, *(version for version, has in inside.items() if has)])
            end = min([removed, *(v for v, has in inside.items() if not has and v > last)])
            relation = replace(
                relation,
                removed=end.text,
                seen=None if end.follows(last, kernel=True) else last.text,
                intervals=(*relation.intervals[:-1], replace(relation.intervals[-1], end=end.text)),
            )
        return relation
