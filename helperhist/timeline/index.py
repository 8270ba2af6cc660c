"""The rows of a timeline by name, by number, and by spelling."""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from helperhist.timeline.kinds import PREFIXES
from helperhist.timeline.records import Row
from helperhist.version import KernelVersion

__all__ = ["Index", "canonical_name", "squash", "with_spellings"]

_ENUM_NAME = re.compile(r"BPF_FUNC_(\w+)")
_SIGNS = re.compile(r"[^a-z0-9]+")


def canonical_name(text: str) -> str:
    """Return a helper's name as programs call it, from ``BPF_FUNC_x`` or ``bpf_x``."""
    match = _ENUM_NAME.fullmatch(text)
    return f"bpf_{match[1]}" if match else text


def squash(text: str, kind: str = "") -> str:
    """Return a name without the prefix of its list, case and signs.

    >>> squash("BPF_MAP_TYPE_LPM_TRIE", "map_type"), squash("LPMTrie")
    ('lpmtrie', 'lpmtrie')
    """
    return _SIGNS.sub("", text.removeprefix(PREFIXES.get(kind, "")).lower())


def with_spellings(names: Iterable[str], renamed: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return names, and the other names that their numbers had.

    :param renamed: of the :class:`Index`
    """
    known = frozenset(names)
    return known | {name for name, others in renamed.items() if not known.isdisjoint(others)}


class Index:
    """The rows of one timeline; of names that are there twice, the last one counts."""

    def __init__(self, rows: Iterable[Row]) -> None:
        """Take rows in their order."""
        self.rows = tuple(rows)

    @cached_property
    def _by_name(self) -> dict[str, Row]:
        return {row.name: row for row in self.rows}

    @cached_property
    def _by_number(self) -> dict[tuple[str, int], list[Row]]:
        found: dict[tuple[str, int], list[Row]] = {}
        for row in self.rows:
            if row.id is not None:
                found.setdefault((row.kind, row.id), []).append(row)
        return found

    @cached_property
    def _by_spelling(self) -> dict[str, dict[str, Row]]:
        """By kind: the squashed name. Where two agree, neither."""
        found: dict[str, dict[str, Row]] = {}
        twice: set[tuple[str, str]] = set()
        for row in self.rows:
            key = squash(row.name, row.kind)
            names = found.setdefault(row.kind, {})
            if key in names:
                twice.add((row.kind, key))
            names[key] = row
        for kind, key in twice:
            del found[kind][key]
        return found

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds that there are rows of."""
        return frozenset(row.kind for row in self.rows)

    def names(self, kind: str) -> frozenset[str]:
        """Return the names of a kind."""
        return frozenset(row.name for row in self.rows if row.kind == kind)

    @cached_property
    def structs(self) -> frozenset[str]:
        """The structs and unions that have fields."""
        return frozenset(row.name.partition(".")[0] for row in self.rows if row.kind == "field")

    @cached_property
    def renamed(self) -> dict[str, frozenset[str]]:
        """Each name of a list that was renamed, to all names that its number had, and itself.

        Programs hold the number, which is the same under each.
        """
        found: dict[str, frozenset[str]] = {}
        for row in self.rows:
            if row.former_names and row.id is not None and row.kind != "flag":
                names = {row.name, *row.former_names}
                for name in row.former_names:
                    other = self._by_name.get(name)
                    if other is not None and other.kind == row.kind:
                        found[name] = found.get(name, frozenset((name,))) | names
                found[row.name] = found.get(row.name, frozenset()) | names
        return found

    def spellings(self, name: str) -> frozenset[str]:
        """Return the names that a name had or got, itself among them."""
        return self.renamed.get(name, frozenset((name,)))

    def named(self, name: str) -> Row | None:
        """Return the row of a name as it is in the header, or of ``BPF_FUNC_x``."""
        return self._by_name.get(canonical_name(name))

    def numbered(self, kind: str, number: int) -> Row | None:
        """Return the name that a number of a list has now, or had last.

        One that only a stable series or a release candidate had is not what the number means; of
        two that it has now, it is the older one.
        """
        rows = self._by_number.get((kind, number), [])
        rows = [row for row in rows if row.since is not None] or rows
        now = [row for row in rows if row.removed is None]
        if len(now) > 1:
            return min(now, key=lambda row: KernelVersion.parse(row.since or "0.0"))
        found = now or rows
        return found[-1] if found else None

    def spelled(self, kind: str, text: str) -> Row | None:
        """Return the name of a list that a text spells, whatever its case, signs and prefix."""
        return self.spellings_of(kind).get(squash(text, kind))

    def spellings_of(self, kind: str) -> dict[str, Row]:
        """Return the rows of a kind by squashed name."""
        return self._by_spelling.get(kind, {})

    def meant(self, name: str) -> Row | None:
        """Return the row that a user means: ``bpf_x``, ``BPF_FUNC_x``, ``x``, a number, a name."""
        rows = self._by_name
        name = canonical_name(name.strip())
        row = rows.get(name)
        if row is None and (helper := rows.get(f"bpf_{name}")) and helper.kind != "field":
            row = helper
        if row is None and name.isascii() and name.isdigit() and len(name) < 10:
            return self.numbered("helper", int(name))
        return row
