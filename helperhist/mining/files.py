"""What the C files of a kernel tree say to each source, from one tree to the next.

Of two trees, only the files that differ are looked at; what a file says is read once for each blob.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from helperhist.errors import ParseError
from helperhist.git import ObjectTooLarge, Repository, Trees, Watch
from helperhist.mining.trees import KINDS, Key, fact_values
from helperhist.sources import Gap, Piece, Source, parse_file
from helperhist.sources.arch_use import ArchUseSource
from helperhist.sources.helper_use import HelperUse
from helperhist.sources.kfuncs import KfuncSource
from helperhist.sources.map_use import MapUseSource
from helperhist.timeline import Fact

__all__ = ["SOURCES", "Files", "Pieces", "Said", "TreeState"]

#: The sources of whole trees, by the name of their readings.
SOURCES: Mapping[str, Source] = {
    "helper_use": HelperUse(),
    "kfuncs": KfuncSource(),
    "map_use": MapUseSource(),
    "arch_use": ArchUseSource(),
}
#: Every kernel with BPF has it: a tree without is not a kernel's.
_MARK = "kernel/bpf/verifier.c"
#: Some 100 files of a tree are wanted, and most of them are the same at the next tag.
_MAX_PIECES = 4096
#: Distinct ones; a tree of 7.1 has 12,000.
_MAX_RECORDS = 500_000


class Said:
    """What the files of one tree say to one source."""

    __slots__ = ("_linked", "_name", "_source", "_values", "pieces")

    def __init__(self, name: str, source: Source, pieces: Mapping[str, Piece]) -> None:
        self._name, self._source = name, source
        #: By path.
        self.pieces = pieces
        self._linked: tuple[tuple[Fact, ...], tuple[Gap, ...]] | None = None
        self._values: Mapping[Key, str] | None = None

    def link(self) -> tuple[tuple[Fact, ...], tuple[Gap, ...]]:
        """Return the facts of the tree, and what was not read; the same objects each time."""
        if self._linked is None:
            try:
                self._linked = self._source.link(self.pieces)
            except ParseError as error:
                self._linked = (), (Gap("", 0, str(error), lost=True),)
        return self._linked

    @property
    def lost(self) -> Gap | None:
        """What was not read, so that facts may be missing; None where all of it was."""
        return next((gap for gap in self.link()[1] if gap.lost), None)

    @property
    def values(self) -> Mapping[Key, str]:
        """The value of each fact, by kind, name and object."""
        if self._values is None:
            self._values = fact_values(self.link()[0], KINDS[self._name])
        return self._values

    def change(self, changed: Mapping[str, Piece | None]) -> "Said":
        """Return what is said when some files say something else, or nothing any more."""
        pieces = {**self.pieces, **changed}
        return Said(
            self._name,
            self._source,
            {path: piece for path, piece in pieces.items() if piece is not None},
        )


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


class Pieces:
    """What single files say: each is read once for each source, and equal records are one."""

    def __init__(self, repository: Repository, sources: Mapping[str, Source]) -> None:
        self._repository = repository
        self.sources = sources
        #: By source, path and blob, the last one used at the end; None where it is not wanted.
        self._known: OrderedDict[tuple[str, str, str], Piece | None] = OrderedDict()
        self._records: dict[tuple[str, ...], tuple[str, ...]] = {}

    def read(self, path: str, blob: str, names: Iterable[str]) -> dict[str, Piece]:
        """Return what a file says to those of some sources that want it.

        :raises RepositoryError: it is missing or damaged
        """
        data: bytes | None = None
        found: dict[str, Piece] = {}
        for name in names:
            source = self.sources[name]
            if not path.startswith(source.roots):
                continue
            key = name, path, blob
            if key in self._known:
                self._known.move_to_end(key)
                piece = self._known[key]
            else:
                if data is None:
                    data = self._data(path, blob)
                piece = self._parse(source, path, data) if source.wants(path, data) else None
                self._keep(key, piece)
            if piece is not None:
                found[name] = piece
        return found

    def _data(self, path: str, blob: str) -> bytes:
        try:
            return self._repository.read(blob, path)
        except ObjectTooLarge:
            # Tables of registers of graphics cards; no code that has to do with BPF comes near it.
            return b""

    def _parse(self, source: Source, path: str, data: bytes) -> Piece:
        piece = parse_file(source.parse, path, data)
        if len(self._records) > _MAX_RECORDS:
            self._records.clear()
        same = self._records.setdefault
        return Piece(tuple(same(record, record) for record in piece.records), piece.gaps)

    def _keep(self, key: tuple[str, str, str], piece: Piece | None) -> None:
        self._known[key] = piece
        if len(self._known) > _MAX_PIECES:
            self._known.popitem(last=False)


class Files:
    """The files of a repository, as sources read them."""

    def __init__(self, repository: Repository, pieces: Pieces) -> None:
        self._repository, self._pieces = repository, pieces
        roots = {root for source in pieces.sources.values() for root in source.roots}
        self._trees = Trees(repository, sorted({*roots, _MARK}), (".c", ".h"))

    def read(self, commit: str, base: TreeState | None = None) -> TreeState:
        """Read the tree of a commit.

        :param base: another tree, best one that is much the same
        :raises RepositoryError: a tree or a file is missing or damaged
        """
        root = self._repository.root(commit)
        sources = self._pieces.sources
        if base is None:
            base = TreeState(
                "", False, {name: Said(name, one, {}) for name, one in sources.items()}
            )
        if root == base.root:
            return base
        kernel = base.kernel
        changed: dict[str, dict[str, Piece | None]] = {name: {} for name in sources}
        for path, blob in self._trees.changes(base.root or None, root):
            if path == _MARK:
                kernel = blob is not None
            found = {} if blob is None else self._pieces.read(path, blob, sources)
            for name, pieces in changed.items():
                new, old = found.get(name), base.said[name].pieces.get(path)
                if new != old:
                    pieces[path] = new
        said = {
            name: base.said[name].change(changed[name]) if changed[name] else base.said[name]
            for name in sources
        }
        return TreeState(root, kernel, said)

    def resume(self, commit: str, paths: Mapping[str, Iterable[str]]) -> TreeState:
        """Return the state of a tree of which it is known what sources read in it.

        :param paths: by source
        """
        watch = Watch(
            self._repository, {_MARK, *(path for found in paths.values() for path in found)}
        )
        blobs = dict(watch.differences(None, watch.state(commit)))
        said = {}
        for name, found in paths.items():
            pieces = {
                path: self._pieces.read(path, blob, (name,)).get(name)
                for path in found
                if (blob := blobs.get(path)) is not None
            }
            said[name] = Said(name, self._pieces.sources[name], {}).change(pieces)
        return TreeState(self._repository.root(commit), _MARK in blobs, said)

    def changed(self, old: str, new: str) -> Iterator[tuple[str, str | None]]:
        """Yield path and blob of the files in which a commit differs from an older one."""
        return self._trees.changes(self._repository.root(old), self._repository.root(new))
