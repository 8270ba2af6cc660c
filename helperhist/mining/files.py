"""What the C files of a kernel tree say to each source, from one tree to the next.

Of two trees, only the files that differ are looked at; what a file says is read once for each blob.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from helperhist.errors import ParseError
from helperhist.git import ObjectTooLarge, Repository, Trees
from helperhist.sources import Gap, Piece, Source, parse_file
from helperhist.sources.arch_use import ArchUseSource
from helperhist.sources.helper_use import HelperUse
from helperhist.sources.kfuncs import KfuncSource
from helperhist.sources.map_use import MapUseSource
from helperhist.timeline import Fact

__all__ = ["SOURCES", "Files", "Said", "TreeState"]

#: The sources of whole trees, by the name of their readings.
SOURCES: Mapping[str, Source] = {
    "helper_use": HelperUse(),
    "kfuncs": KfuncSource(),
    "map_use": MapUseSource(),
    "arch_use": ArchUseSource(),
}
#: Every kernel with BPF has it: a tree without is not a kernel's.
_MARK = "kernel/bpf/verifier.c"
#: Some 60 files of a tree are wanted, and most of them are the same at the next tag.
_MAX_PIECES = 4096


class Said:
    """What the files of one tree say to one source."""

    __slots__ = ("_linked", "_source", "pieces")

    def __init__(self, source: Source, pieces: Mapping[str, Piece]) -> None:
        self._source = source
        #: By path.
        self.pieces = pieces
        self._linked: tuple[tuple[Fact, ...], tuple[Gap, ...]] | None = None

    def link(self) -> tuple[tuple[Fact, ...], tuple[Gap, ...]]:
        """Return the facts of the tree, and what was not read; the same objects each time."""
        if self._linked is None:
            try:
                self._linked = self._source.link(self.pieces)
            except ParseError as error:
                self._linked = (), (Gap("", 0, str(error), lost=True),)
        return self._linked


@dataclass(frozen=True, slots=True)
class TreeState:
    """One tree.

    :ivar root: its id
    :ivar kernel: whether it is a kernel's, and not that of a project that carries the header
    :ivar said: what it says to each source
    """

    root: str
    kernel: bool
    said: Mapping[str, Said] = field(default_factory=dict)


class Files:
    """The files of a repository, as sources read them."""

    def __init__(self, repository: Repository, sources: Mapping[str, Source]) -> None:
        self._repository, self._sources = repository, sources
        roots = {root for source in sources.values() for root in source.roots}
        self._trees = Trees(repository, sorted({*roots, _MARK}), (".c", ".h"))
        #: By source and blob, the last one used at the end.
        self._pieces: OrderedDict[tuple[str, str], Piece] = OrderedDict()

    def read(self, commit: str, base: TreeState | None = None) -> TreeState:
        """Read the tree of a commit.

        :param base: another tree, best one that is much the same
        :raises RepositoryError: a tree or a file is missing or damaged
        """
        root = self._repository.root(commit)
        if base is None:
            base = TreeState(
                "", False, {name: Said(one, {}) for name, one in self._sources.items()}
            )
        if root == base.root:
            return base
        kernel = base.kernel
        changed: dict[str, dict[str, Piece | None]] = {name: {} for name in self._sources}
        for path, blob in self._trees.changes(base.root or None, root):
            if path == _MARK:
                kernel = blob is not None
            found = {} if blob is None else self._parse(path, blob)
            for name, pieces in changed.items():
                new, old = found.get(name), base.said[name].pieces.get(path)
                if new != old:
                    pieces[path] = new
        said = {
            name: _apply(base.said[name], source, changed[name])
            for name, source in self._sources.items()
        }
        return TreeState(root, kernel, said)

    def _parse(self, path: str, blob: str) -> dict[str, Piece]:
        """Return what a file says to those sources that want it."""
        reached = [
            (name, source)
            for name, source in self._sources.items()
            if path.startswith(source.roots)
        ]
        if not reached:
            return {}
        try:
            data = self._repository.read(blob, path)
        except ObjectTooLarge:
            # Tables of registers of graphics cards; no code that has to do with BPF comes near it.
            return {}
        found: dict[str, Piece] = {}
        for name, source in reached:
            if not source.wants(path, data):
                continue
            key = name, blob
            piece = self._pieces.get(key)
            if piece is None:
                piece = self._pieces[key] = parse_file(source.parse, path, data)
                if len(self._pieces) > _MAX_PIECES:
                    self._pieces.popitem(last=False)
            else:
                self._pieces.move_to_end(key)
            found[name] = piece
        return found


def _apply(old: Said, source: Source, changed: Mapping[str, Piece | None]) -> Said:
    if not changed:
        return old
    pieces = {**old.pieces, **changed}
    return Said(source, {path: piece for path, piece in pieces.items() if piece is not None})
