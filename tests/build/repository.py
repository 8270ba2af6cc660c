"""Real git repositories for tests: pinned commits, headers rendered from lists of names."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pygit2
from pygit2.enums import FileMode, ObjectType

PATH = "include/uapi/linux/bpf.h"
OLD_PATH = "include/linux/bpf.h"

#: 2014-10-05T00:00:00Z: the first commit; each later one an hour after the last.
EPOCH = 1412467200


def render_header(
    helpers: Sequence[str], flags: Sequence[str] = (), style: str = "enum", text: str = ""
) -> bytes:
    """Return a header that lists helpers, numbered from 1.

    :param flags: other names, each a ``#define`` with its position as value
    :param style: ``enum`` (3.18), ``mapper`` (4.10) or ``numbered`` (6.2)
    :param text: what goes before the list
    """
    defines = "".join(f"#define {flag}\t{value}\n" for value, flag in enumerate(flags))
    names = ["unspec", *helpers]
    if style == "enum":
        entries = "".join(f"\tBPF_FUNC_{name},\n" for name in names)
        body = f"enum bpf_func_id {{\n{entries}\t__BPF_FUNC_MAX_ID,\n}};\n"
    else:
        if style == "mapper":
            macro = "__BPF_FUNC_MAPPER(FN)"
            calls = [f"FN({name})," for name in names]
        else:
            macro = "___BPF_FUNC_MAPPER(FN, ctx...)"
            calls = [f"FN({name}, {number}, ##ctx)" for number, name in enumerate(names)]
        body = f"#define {macro} \\\n\t" + " \\\n\t".join(calls) + "\n"
    return f"#ifndef BPF_H\n#define BPF_H\n{text}{defines}{body}#endif\n".encode()


def doc_comment(*prototypes: str) -> str:
    """Return the comment that documents helpers, as the kernel has it since 4.18."""
    lines = ["/*", " * Start of BPF helper function descriptions:", " *"]
    for prototype in prototypes:
        lines += [
            f" * {prototype}",
            " * \tDescription",
            f" * \t\tAbout {prototype.partition('(')[0]}.",
            " * \tReturn",
            " * \t\tNothing.",
            " *",
        ]
    return "\n".join([*lines, " */", ""])


def makefile(version: str) -> dict[str, bytes]:
    """Return the kernel's Makefile of a version; none where the text is not a version."""
    match = re.match(r"v([0-9]+)\.([0-9]+)", version)
    if match is None:
        return {}
    return {"Makefile": f"VERSION = {match[1]}\nPATCHLEVEL = {match[2]}\nSUBLEVEL = 0\n".encode()}


class History:
    """A repository whose commits are known by short keys."""

    def __init__(self, folder: Path, *, bare: bool = True) -> None:
        self.path = folder
        self.repo = pygit2.init_repository(str(folder), bare=bare, initial_head="master")
        self.ids: dict[str, str] = {}
        self._clock = EPOCH

    def commit(
        self,
        key: str,
        names: Sequence[str] | bytes | None,
        *parents: str,
        flags: Sequence[str] = (),
        style: str = "enum",
        path: str = PATH,
        date: int | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> str:
        """Make a commit whose subject is its key, the master branch follows; return its id.

        :param names: helpers of its header, the header itself, or None for none
        :param parents: keys or ids
        :param date: seconds since 1970, of author and committer
        """
        content = names if isinstance(names, bytes | None) else render_header(names, flags, style)
        tree: dict[str, bytes] = {"README": b"read me\n", **makefile(key), **(files or {})}
        if content is not None:
            tree[path] = content
        self._clock += 3600
        person = pygit2.Signature("A U Thor", "author@example.com", date or self._clock, 120)
        oid = self.repo.create_commit(
            None,
            person,
            person,
            f"{key}\n\nThe body.\n",
            self._tree(tree),
            [pygit2.Oid(hex=self.id(parent)) for parent in parents],
        )
        self.ids[key] = str(oid)
        self.repo.references.create("refs/heads/master", oid, force=True)
        return str(oid)

    def id(self, key: str) -> str:
        """Return the object id of a key."""
        return self.ids.get(key, key)

    def key(self, oid: str | None) -> str | None:
        """Return the key of an object id."""
        keys = (key for key, known in self.ids.items() if known == oid and key[:4] != "tag ")
        return next(keys, oid)

    def tag(self, name: str, key: str, *, annotated: bool = False, date: int = EPOCH) -> str:
        """Set a tag; return what its reference holds."""
        target = pygit2.Oid(hex=self.id(key))
        if annotated:
            tagger = pygit2.Signature("T Agger", "tagger@example.com", date, -480)
            found = self.repo[target].type
            if f"refs/tags/{name}" in self.repo.references:
                self.delete_tag(name)
            target = self.repo.create_tag(name, target, ObjectType(found), tagger, f"{name}\n")
        else:
            self.repo.references.create(f"refs/tags/{name}", target, force=True)
        self.ids[f"tag {name}"] = str(target)
        return str(target)

    def tags(self, **keys: str) -> None:
        """Set lightweight tags: ``tags(v4_11_rc1="a")`` is v4.11-rc1."""
        for name, key in keys.items():
            self.tag(name.replace("_rc", "-rc").replace("_", "."), key)

    def delete_tag(self, name: str) -> None:
        """Remove a tag."""
        self.repo.references.delete(f"refs/tags/{name}")

    def _tree(self, files: Mapping[str, bytes]) -> pygit2.Oid:
        builder = self.repo.TreeBuilder()
        folders: dict[str, dict[str, bytes]] = {}
        for path, content in files.items():
            first, _, rest = path.partition("/")
            if rest:
                folders.setdefault(first, {})[rest] = content
            else:
                builder.insert(first, self.repo.create_blob(content), FileMode.BLOB)
        for name, inside in folders.items():
            builder.insert(name, self._tree(inside), FileMode.TREE)
        return builder.write()


def git(folder: Path, *arguments: str, text: str = "", **environment: str) -> str:
    """Run git; return what it prints."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "protocol.file.allow",
            "GIT_CONFIG_VALUE_0": "always",
            "GIT_CONFIG_KEY_1": "safe.directory",
            "GIT_CONFIG_VALUE_1": "*",
            **environment,
        },
    )
    return done.stdout.strip()


def clone(origin: Path, folder: Path, *options: str) -> Path:
    """Clone over the file protocol, so that filters and depths are heard."""
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(origin.parent, "clone", "-q", *options, f"file://{origin}", str(folder))
    return folder


def write_object(history: History, kind: str, data: bytes) -> str:
    """Write an object of any content, without checks; return its id."""
    done = subprocess.run(
        ["git", "-C", str(history.path), "hash-object", "-t", kind, "-w", "--literally", "--stdin"],
        input=data,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def loose(repository: Path, oid: str) -> Path:
    """Return the file of a loose object, writable."""
    folder = repository / ".git" if (repository / ".git").is_dir() else repository
    path = folder / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    return path
