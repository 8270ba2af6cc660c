"""The release that somebody asks for, in any spelling, and what the data cannot say of it."""

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from helperhist.errors import DatasetError, InvalidVersion
from helperhist.timeline.analysis import LTS, SUPPORTED, lts_tags, releases
from helperhist.timeline.facts import Fact
from helperhist.timeline.presence import Release
from helperhist.timeline.timeline import Timeline
from helperhist.version import OWN_BUILD, KernelVersion, read_version

__all__ = ["WORDS", "Asked", "Doubt", "ask", "known_names"]

#: Words for releases, beside their numbers.
WORDS = ("running", "latest", "lts", "lts-oldest")


@dataclass(frozen=True, slots=True)
class Doubt:
    """What the data cannot say of a release.

    :ivar kind: ``newer`` (than the data: what it has, or lost, nobody can tell), ``distribution``
        (it has more than its number says, or may have), ``candidate`` (it lies between two
        releases), or ``unread`` (its own tag is not in the data, those around it are)
    :ivar text: of one line: what, why, and the remedy
    :ivar family: of a distribution's kernel
    """

    kind: str
    text: str
    family: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON object."""
        return {"kind": self.kind, "family": self.family, "text": self.text}


@dataclass(frozen=True, slots=True)
class Asked:
    """A release as it was asked for.

    :ivar text: as it was written
    :ivar release: answers what it has, and says where nobody can tell
    :ivar floor: the release or tag that it has all of, as far as anybody can tell: itself, where
        its tag was read
    """

    text: str
    release: Release
    floor: KernelVersion
    doubt: Doubt | None = None

    @property
    def version(self) -> KernelVersion:
        """The version that the answer is about."""
        return self.release.version

    @property
    def name(self) -> str:
        """What to call it in an answer: as it was written, and its number if that was a word."""
        return f"{self.text} ({self.version})" if self.text in WORDS else self.text


def ask(timeline: Timeline, text: str) -> Asked:
    """Return the release that a text means, and what the data cannot say of it.

    :param text: a tag of the data, a version as people write it (``5.4``, ``v5.8-rc3``,
        ``linux-5.10.42``), what ``uname -r`` prints, or one of :data:`WORDS`
    :raises InvalidVersion: it is none of these, or mainline never had that release
    :raises DatasetError: the data has no release to choose from
    """
    bare = text.strip()
    tag = next((tag for tag in timeline.tags if tag.name == bare), None)
    if tag is not None:
        return Asked(bare, Release(timeline, tag.version), tag.version)
    written = read_version(_number(timeline, bare))
    release = Release(timeline, written.version)
    if release.tag is not None:
        return Asked(bare, release, written.version)
    _require_existing(timeline, release)
    # Without a release before it, the one after it bounds what it lacks; it has nothing for sure.
    floor = written.version if release.before is None else release.before.version
    return Asked(bare, release, floor, _doubt(timeline, release, written.family))


def known_names(timeline: Timeline, asked: Asked) -> tuple[Mapping[str, Fact], frozenset[str]]:
    """Return the names that a release has, and those of which nobody can tell.

    What a release has its updates are taken to have. Of a distribution's kernel what more it has
    is unknown, and not listed.

    :raises DatasetError: the release is older or newer than the data
    """
    release = asked.release
    if release.tag is not None:
        return timeline.present(release.tag), frozenset()
    if release.before is None or (asked.doubt is not None and asked.doubt.kind == "newer"):
        raise DatasetError(_outside(timeline, asked))
    before = timeline.present(release.before)
    if release.after is None:
        return before, frozenset()
    after = timeline.present(release.after)
    if release.version.is_stable:
        # Nobody removes a name from the API between two updates, but one may come.
        later = after.keys() - before if release.after.version.is_stable else ()
        return before, frozenset(later)
    return release.names, frozenset((before.keys() | after.keys()) - release.names.keys())


def _outside(timeline: Timeline, asked: Asked) -> str:
    """Say that a release lies before or after all that was read."""
    have = [tag.version for tag in timeline.tags]
    span = f"{min(have)} to {max(have)}" if have else "no tag"
    if asked.release.before is None:
        remedy = "scan an older history (`helperhist scan`)"
    else:
        remedy = "scan newer history (`helperhist scan`), or ask `helperhist kernel` with its BTF"
    return (
        f"no tag for {asked.version} in this data ({timeline.label}), which has {span}: nobody "
        f"can tell what it has; {remedy}"
    )


def _number(timeline: Timeline, text: str) -> str:
    """Return the version that a word means, and other texts as they are."""
    if text == "running":
        return platform.release()
    if text == "latest":
        return releases(timeline)[-1].version.text
    if text in ("lts", "lts-oldest"):
        timeline.require_kernel()
        tags = [tag.version.text for tag in lts_tags(timeline) if tag.version.text in LTS]
        if not tags:
            raise InvalidVersion(f"{text}: this data has no longterm kernel; write a release")
        if text == "lts":
            return tags[-1]
        # The data's own date: equal data give equal answers.
        today = max((tag.date or "" for tag in timeline.releases), default="")
        return next((name for name in tags if SUPPORTED.get(name, "") >= today[:7]), tags[-1])
    return text


def _require_existing(timeline: Timeline, release: Release) -> None:
    """Raise an error for a release that mainline never made, as 5.25."""
    if not timeline.metadata.kernel:
        return
    series = KernelVersion.parse(release.version.series)
    mainline = [tag.version for tag in timeline.releases]
    before = _last(version for version in mainline if version <= series)
    after = next((version for version in mainline if version >= series), None)
    if before is None or after is None or series in (before, after):
        return
    if after.follows(before, kernel=True):
        raise InvalidVersion(f"there is no Linux {series}: after {before} came {after}")


def _last(versions: Iterable[KernelVersion]) -> KernelVersion | None:
    return max(versions, default=None)


def _doubt(timeline: Timeline, release: Release, family: str | None) -> Doubt:
    version = release.version
    last = timeline.releases[-1].version if timeline.releases else None
    start = KernelVersion.parse(version.series)
    if release.is_newer and (last is None or last < start):
        return Doubt(
            "newer",
            f"{version} is newer than the data, which ends with {release.known_from}: nobody can "
            "tell what it has, or lost; give that kernel's BTF, newer data "
            "(`helperhist scan`), or --data",
            family,
        )
    if family is not None and not any(tag.version.build for tag in timeline.tags):
        maker = family if family == OWN_BUILD else f"a kernel of {family}"
        return Doubt(
            "distribution",
            f"{version} is {maker}, which may have more than its number says: "
            f"{release.known_from} is a lower bound only; give its BTF "
            "(cp /sys/kernel/btf/vmlinux FILE) or its headers for the truth",
            family,
        )
    kind = "unread" if version.rc is None else "candidate"
    return Doubt(kind, f"the data has no {version}; the answer is from {release.known_from}")
