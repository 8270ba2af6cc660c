"""The documentation of helpers, from the newest tag that has it."""

from collections.abc import Iterable
from typing import Protocol

from helperhist.git import Repository
from helperhist.mining.lines import Snapshot, tag_key
from helperhist.sources import HelperDoc, Prototype, parse_docs
from helperhist.timeline import Tag

__all__ = ["Held", "merge_docs", "newest_docs"]


class Held(Protocol):
    """What tags hold; the documentation is filled in, by helper, with the tag that it is from."""

    tags: list[Tag]
    snapshots: dict[str, Snapshot]
    docs: dict[str, tuple[HelperDoc, str]]


def newest_docs(
    repository: Repository, read: Held, reused: frozenset[str], known: frozenset[str]
) -> None:
    """Take each helper's documentation from the newest tag that has it.

    :param reused: tags whose documentation of some helpers has been taken over
    :param known: these helpers, described there or not
    """
    wanted = {
        entry.name
        for snapshot in {id(s): s for s in read.snapshots.values()}.values()
        for entry in snapshot.values()
        if entry.kind == "helper"
    }
    _document(repository, read, [tag for tag in read.tags if tag.name not in reused], wanted)
    # A helper that is new in the lists may be described at tags that are not.
    if fresh := wanted - known:
        _document(repository, read, [tag for tag in read.tags if tag.name in reused], fresh)


def _document(repository: Repository, read: Held, tags: Iterable[Tag], wanted: set[str]) -> None:
    """Take the documentation of helpers from the newest of some tags, if it is newer."""
    keys = {tag.name: tag_key(tag) for tag in read.tags}
    seen: set[str] = set()
    for tag in sorted(tags, key=tag_key, reverse=True):
        if tag.blob in seen:
            continue
        seen.add(tag.blob)
        older = {
            name
            for name in wanted
            if name not in read.docs or keys[read.docs[name][1]] < keys[tag.name]
        }
        if not older:
            break
        data = repository.read(tag.blob, f"{tag.path} at {tag.name}")
        if not any(
            b" %s(" % name.encode() in data or b"*%s(" % name.encode() in data for name in older
        ):
            continue
        for name, doc in merge_docs(parse_docs(data)).items():
            if name in older:
                read.docs[name] = (doc, tag.name)


def merge_docs(docs: Iterable[HelperDoc]) -> dict[str, HelperDoc]:
    """Return the documentation by helper; what one header says of a helper in parts, joined.

    A helper documented once for each type of its context (``bpf_get_socket_cookie``) takes a
    ``void *`` there, as its declaration in libbpf does.
    """
    merged: dict[str, HelperDoc] = {}
    for doc in docs:
        name = doc.prototype.name
        other = merged.get(name)
        if other is None:
            merged[name] = doc
            continue
        merged[name] = HelperDoc(
            _merge_prototypes(other.prototype, doc.prototype),
            "\n\n".join(filter(None, (other.description, doc.description))),
            "\n\n".join(filter(None, (other.returns, doc.returns))),
            other.attributes,
        )
    return merged


def _merge_prototypes(one: Prototype, two: Prototype) -> Prototype:
    if len(one.arguments) != len(two.arguments):
        return one
    arguments = tuple(
        a if a[0] == b[0] else ("void *", a[1] if a[1] == b[1] else "ctx")
        for a, b in zip(one.arguments, two.arguments, strict=True)
    )
    return Prototype(one.name, one.returns, arguments)
