"""What a hand-kept table states: one record per row, and the words that head its columns."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from helperhist.errors import ParseError
from helperhist.timeline import ENUM_KINDS, LISTS, plural

__all__ = [
    "KIND_OF",
    "MAX_LINE",
    "Columns",
    "LineIndex",
    "Stated",
    "Version",
    "find_arch",
    "find_columns",
    "find_commits",
    "heads_versions",
    "is_heading",
    "is_version",
    "squash",
]

#: Longer lines (in characters) are refused where a table is read line by line.
MAX_LINE = 1 << 16

_WORD = re.compile(r"[^a-z0-9]+")

#: Other words for kinds than those that the table of kinds has.
_OTHER_WORDS = {
    "helper": ("bpffunc", "bpfhelper", "bpfhelpers", "builtinfunc", "function", "functions",
               "helperfunction", "helperfunctions", "helpername"),
    "cmd": ("syscallcommand", "syscallcommands"),
}  # fmt: skip


def squash(word: str) -> str:
    """Return a heading without case, spaces and signs."""
    return _WORD.sub("", word.lower())


def _words() -> Iterator[tuple[str, str]]:
    for kind in (*LISTS, "flag", "field", "kfunc"):
        short, many = squash(kind), squash(plural(kind))
        yield from ((word, kind) for word in (short, f"{short}s", many, many.removesuffix("s")))
        yield from ((word, kind) for word in _OTHER_WORDS.get(kind, ()))
    yield from ((squash(tag), kind) for tag, kind in ENUM_KINDS.items())


#: Words for kinds, in headers of columns and names of groups.
KIND_OF = dict(_words())

_VERSION_WORDS = (
    "kernelversion", "minkernel", "minimumkernel", "minkernelversion", "minimumkernelversion",
    "requiredkernel", "requiredversion", "since", "version", "kernel", "minversion", "introduced",
    "introducedin", "addedin", "release", "linux", "linuxversion",
)  # fmt: skip
#: In headings of other columns with versions; in those of ours, if no known one is there.
_NO_VERSIONS = re.compile(
    r"remov|test|until|deprecat|last|latest|max|eol|end|drop|backport|date|ubuntu|rhel|red hat|"
    r"debian|fedora|centos|suse|distro|android|libbpf|llvm|clang|gcc|bcc|bpftool|iproute|golang|"
    r"移除|删除|废弃|弃用",
    re.IGNORECASE,
)
_MAYBE_VERSIONS = re.compile(
    r"kernel|linux|since|introduc|added|first|min|requir|version|availab|support|upstream|"
    r"mainline|release|from|needs",
    re.IGNORECASE,
)
_ARCH = re.compile(
    r"x86\w*|amd64|arm64|aarch64|arm(?!\w)|s390x?|risc-?v\w*|powerpc\w*|ppc\w*|mips\w*|"
    r"loongarch\w*|sparc\w*",
    re.IGNORECASE,
)
_NAME_WORDS = ("enum", "name", "symbol", "identifier", "constant")
_COMMIT_WORDS = ("commit", "commits", "commitid", "sha", "hash")
#: Headings of columns that only number the rows.
_NUMBERS = ("", "id", "no", "nr", "number", "value")
_KIND_WORDS = ("kind", "type", "category", "group")

_VERSION = re.compile(
    r"(?<![\w.,-])v?[0-9]{1,4}\.[0-9]{1,4}(?:\.[0-9]{1,4})?(?:-rc[0-9]{1,3})?(?!\w|\.\d)", re.ASCII
)
_HEX = re.compile(r"(?<![0-9A-Za-z_])[0-9a-f]{7,40}(?![0-9A-Za-z_])", re.ASCII)


def is_version(text: str) -> bool:
    """Whether a text is a version of the kernel and nothing else.

    >>> [is_version(text) for text in ("v5.8", "5.10.42", "6.1-rc3", "5", "5.8+")]
    [True, True, True, False, False]
    """
    return _VERSION.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Version:
    """A version as a table has it: the text, and where in the file it stands.

    :ivar text: ``v4.10``, ``3, 18``; what stands instead of a version; empty for an empty cell
    :ivar start: offset of its first character in the file, ``end`` that after its last
    :ivar number: how to write a version that would lose digits where this one stands, because
        it stands there as a number: ``v{}`` in YAML, ``"{}"`` in JSON; empty elsewhere
    """

    text: str
    start: int
    end: int
    number: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """One row of a table.

    :ivar name: as the table spells it, without markup
    :ivar kind: what its table says that it is; None where it does not say
    :ivar table: number of the table within the file
    :ivar line: of the row, from 1
    :ivar commits: the commits that it names, in full or abbreviated
    :ivar go: whether the name is an identifier of Go (``asm.FnMapLookupElem``)
    :ivar note: what to tell users of this row, whatever the verdict
    :ivar doubt: why it is not judged; empty if its reading is clear
    :ivar program: the type of programs, or of maps, for which it states the version; empty if it
        states it for none in particular
    :ivar loose: whether the version may be that of the name alone
    :ivar beside: the other names that share the version, which is that of the newest at least
    :ivar listed: whether the row lists what a release has, and older names may be among them
    """

    name: str
    version: Version
    line: int
    kind: str | None = None
    table: int = 0
    commits: tuple[str, ...] = ()
    go: bool = False
    note: str = ""
    doubt: str = ""
    program: str = ""
    loose: bool = False
    beside: tuple[str, ...] = ()
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions of the columns of a table; None where it has none."""

    name: int | None
    version: int | None
    commit: int | None
    kind: int | None
    #: The kind that the header says of all rows.
    of_kind: str | None
    #: Why rows are not judged; empty if they are.
    doubt: str = ""
    #: Whether it is clear that the versions are those of the names.
    sure: bool = True
    #: The types of programs (or maps) for which the versions are.
    program: int | None = None
    #: Whether the types may be only where a name can be used.
    loose: bool = False


def heads_versions(word: str) -> bool:
    """Whether a heading may be that of a column with the first releases of mainline.

    >>> [heads_versions(word) for word in ("First release", "Removed in", "Ubuntu", "内核版本")]
    [True, False, False, True]
    """
    if squash(word) in _VERSION_WORDS:
        return True
    if _NO_VERSIONS.search(word):
        return False
    return not word.isascii() or _MAYBE_VERSIONS.search(word) is not None


def find_arch(word: str) -> str:
    """Return the architecture that a heading names; empty if it names none."""
    match = _ARCH.search(word)
    return match[0] if match else ""


def is_heading(word: str) -> bool:
    """Whether a word heads a column of versions, names or kinds."""
    return squash(word) in {*_VERSION_WORDS, *_NAME_WORDS, *_KIND_WORDS}


def find_columns(header: Sequence[str]) -> Columns:
    """Tell which columns of a table hold names, versions, commits and kinds."""
    words = [squash(cell) for cell in header]

    def first(choices: Sequence[str]) -> int | None:
        return next((words.index(choice) for choice in choices if choice in words), None)

    version, commit, kind = first(_VERSION_WORDS), first(_COMMIT_WORDS), first(_KIND_WORDS)
    name = first(_NAME_WORDS)
    taken = (version, commit, kind)
    kinds = [
        (i, KIND_OF[word]) for i, word in enumerate(words) if word in KIND_OF and i not in taken
    ]
    # A type of programs beside a helper is where the helper may be called.
    where = [i for i, of in kinds if of in ("prog_type", "attach_type")]
    what = [(i, of) for i, of in kinds if i not in where]
    # A type of maps beside a helper, likewise.
    if any(of == "helper" for _, of in what):
        where += [i for i, of in what if of == "map_type"]
        what = [(i, of) for i, of in what if of != "map_type"]
    index, of_kind = next(iter(what or kinds), (None, None))
    doubt, program, loose = "", None, False
    if where and what and name is None:
        program = where[0]
        loose = program > what[0][0]
    elif where and name is not None and words[name] == "name":
        # "Enum" beside it is the name of the type itself.
        program, loose, of_kind = where[0], True, None
    elif where and name is None and any(words[i] not in _NUMBERS for i in range(where[0])):
        doubt = f"is where {header[0][:40].strip()!r} runs, not what the row is about"
    several = sum(word in _VERSION_WORDS for word in words) > 1
    return Columns(
        name if name is not None else index,
        version,
        commit,
        kind,
        of_kind,
        doubt,
        not (several or loose),
        program,
        loose,
    )


def find_commits(text: str) -> tuple[str, ...]:
    """Return the commit ids in a text, without those that abbreviate another one there."""
    # A word of letters only ("deadbeef", "defaced") may be a word.
    found = [item for item in dict.fromkeys(_HEX.findall(text)) if re.search("[0-9]", item)][:16]
    return tuple(
        item
        for item in found
        if not any(other != item and other.startswith(item) for other in found)
    )


class LineIndex:
    r"""The lines of a text, as git counts them: ended by ``\n`` alone."""

    def __init__(self, text: str, what: str) -> None:
        """Split a text.

        :raises ParseError: a line is too long to be one of a table
        """
        self.lines = text.split("\n")
        self.starts: list[int] = []
        offset = 0
        for number, line in enumerate(self.lines, 1):
            if len(line) > MAX_LINE:
                raise ParseError(
                    f"{what}:{number}: a line of {len(line)} characters is part of no table; "
                    "give the file of the table alone"
                )
            self.starts.append(offset)
            offset += len(line) + 1
