"""Make a git repository of kernel trees: one commit and tag for each release.

    python data/standin.py ~/trees ~/standin.git        the first copy of each release
    python data/standin.py ~/trees ~/standin2.git 2     the second copy, where there is one

The folder has one kernel tree per release, and ``INDEX.csv`` with the columns ``release`` (the
subfolder: ``6.10``, or ``debian-6.1.4`` for a second copy of 6.1), ``real_version``,
``repository``, ``commit`` and ``note``. Of Debian's copies of a release only the oldest counts.

The repository stands in for the kernel's own where that does not fit: ``helperhist scan`` reads it
as it reads any other. It has the files that the sources want, the Makefile, and no others. The
subject of each commit is the tag, its body says which copy it is. Equal trees make equal
repositories.
"""

import csv
import hashlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from helperhist.git import KERNEL_PATHS
from helperhist.mining.files import SOURCES
from helperhist.sources import Source
from helperhist.version import KernelVersion

__all__ = ["Folder", "make", "read_index"]

DEBIAN = "debian-"
#: 2015-01-01: each commit is a day after the one before.
EPOCH = 1420070400


@dataclass(frozen=True)
class Folder:
    """A tree as a folder."""

    root: Path
    tag: str
    origin: str

    def files(self, source: Source) -> Iterator[tuple[str, bytes]]:
        """Iterate over the C files below the source's roots; links are not followed."""
        for root in source.roots:
            place = self.root / root
            for path in sorted(place.rglob("*.[ch]")) if place.is_dir() else [place]:
                if path.is_file() and not path.is_symlink():
                    yield path.relative_to(self.root).as_posix(), path.read_bytes()

    def wanted(self) -> dict[str, bytes]:
        """Return the files that any source wants, the header, and the Makefile."""
        found = {
            path: data
            for source in SOURCES.values()
            for path, data in self.files(source)
            if source.wants(path, data)
        }
        header = next(self.root / path for path in KERNEL_PATHS if (self.root / path).is_file())
        # By its Makefile a tree is known to be a kernel's.
        both = header, self.root / "Makefile"
        more = {one.relative_to(self.root).as_posix(): one for one in both if one.is_file()}
        return {**found, **{path: one.read_bytes() for path, one in more.items()}}


def read_index(folder: Path) -> list[Folder]:
    """Return the trees to read, the oldest release first, Debian's copies last of each."""
    trees: list[tuple[KernelVersion, bool, KernelVersion, Folder]] = []
    with (folder / "INDEX.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name, real = row["release"], row["real_version"]
            debian = name.startswith(DEBIAN)
            release = KernelVersion.parse(KernelVersion.parse(real).series if debian else name)
            origin = row["repository"]
            origin += f"@{row['commit']} ({real})" if row["commit"] else f" ({row['note']})"
            tree = Folder(folder / name, f"v{release}", origin)
            trees.append((release, debian, KernelVersion.parse(real), tree))
    trees.sort(key=lambda tree: tree[:3])
    kept: list[Folder] = []
    seen = set()
    for release, debian, _, tree in trees:
        if (release, debian) not in seen:
            seen.add((release, debian))
            kept.append(tree)
    return kept


def copies(trees: Sequence[Folder], number: int) -> list[Folder]:
    """Return the copies of releases with a number, from 1, where there are so many."""
    by_tag: dict[str, list[Folder]] = {}
    for tree in trees:
        by_tag.setdefault(tree.tag, []).append(tree)
    return [found[number - 1] for found in by_tag.values() if len(found) >= number]


def make(trees: Sequence[Folder], repository: Path) -> None:
    """Write trees into a new bare repository, in their order, each with its tag."""
    run = ("git", "-c", "init.defaultBranch=master")
    subprocess.run([*run, "init", "-q", "--bare", str(repository)], check=True)
    command = ["git", "-C", str(repository), "fast-import", "--quiet", "--date-format=raw"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as git:
        assert git.stdin is not None
        _write(trees, git.stdin)
        git.stdin.close()
    if git.returncode:
        raise SystemExit("git fast-import failed")


def _write(trees: Sequence[Folder], out: IO[bytes]) -> None:
    marks: dict[bytes, int] = {}
    for number, tree in enumerate(trees):
        listed = []
        for path, data in sorted(tree.wanted().items()):
            key = hashlib.sha256(data).digest()
            if key not in marks:
                marks[key] = len(marks) + 1
                out.write(b"blob\nmark :%d\ndata %d\n%s\n" % (marks[key], len(data), data))
            listed.append(f"M 100644 :{marks[key]} {path}\n")
        message = f"{tree.tag}\n\n{tree.origin}\n".encode()
        date = EPOCH + 86400 * number
        out.write(
            b"commit refs/heads/master\n"
            b"committer helperhist <standin@example.org> %d +0000\n"
            b"data %d\n%s\ndeleteall\n%s\n"
            b"reset refs/tags/%s\nfrom refs/heads/master\n\n"
            % (date, len(message), message, "".join(listed).encode(), tree.tag.encode())
        )


def main() -> None:
    """Run as a script."""
    if len(sys.argv) not in (3, 4):
        raise SystemExit("usage: python data/standin.py FOLDER REPOSITORY [COPY]")
    number = int(sys.argv[3]) if len(sys.argv) == 4 else 1
    make(copies(read_index(Path(sys.argv[1])), number), Path(sys.argv[2]))


if __name__ == "__main__":
    main()
