"""The kfuncs of a generated header: what its template needs of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from helperhist.header.kfuncs.beside import Beside
from helperhist.header.kfuncs.choose import choose
from helperhist.header.kfuncs.declare import Kfunc, Setting, declare
from helperhist.header.kfuncs.written import OPAQUE
from helperhist.header.options import HeaderOptions
from helperhist.header.uses import Uses
from helperhist.timeline import Timeline
from helperhist.version import KernelVersion

__all__ = ["Section", "make_section"]


@dataclass(frozen=True, slots=True)
class Section:
    """The kfuncs of a header.

    :ivar names: of all that are asked for
    :ivar later: (name, release) of those newer than the newest kernel
    :ivar left_out: (name, reason) of those that cannot be declared
    :ivar lacking: definitions of types of the UAPI that the ``vmlinux.h`` lacks
    :ivar never: those that no program may call of the types that are asked for
    :ivar first: the oldest release of which kfuncs were read
    :ivar last: the newest one
    """

    names: tuple[str, ...] = ()
    kfuncs: tuple[Kfunc, ...] = ()
    later: tuple[tuple[str, KernelVersion], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    never: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    first: str = ""
    last: str = ""

    @property
    def tags(self) -> tuple[str, ...]:
        """The types to declare, sorted."""
        return _sorted(tag for item in self.kfuncs for tag in item.tags)

    @property
    def own(self) -> tuple[str, ...]:
        """The header's own types to define, sorted."""
        return _sorted(text for item in self.kfuncs for text in item.own)

    @property
    def declarations(self) -> tuple[str, ...]:
        """What is declared with the header's own types whatever the headers have."""
        return _sorted(text for item in self.kfuncs if not item.plain for text in item.declarations)


def _sorted(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts)))


def _lacking(kfuncs: Iterable[Kfunc], beside: Beside) -> tuple[str, ...]:
    tags = {tag for item in kfuncs for tag in item.tags}
    return tuple(OPAQUE[tag] for tag in sorted((tags - beside.defined) & OPAQUE.keys()))


def make_section(
    timeline: Timeline, options: HeaderOptions, uses: Uses, beside: Beside | None
) -> Section:
    """Return the kfuncs that are asked for.

    :raises HelperhistError: the data has none, or what is asked for does not exist
    """
    names = choose(timeline, options)
    setting = Setting(options.min_kernel, options.max_kernel, beside)
    kfuncs: list[Kfunc] = []
    later: list[tuple[str, KernelVersion]] = []
    left_out: list[tuple[str, str]] = []
    never = [name for name in names if uses.refused(name, options.min_kernel) is True]
    for name in names:
        if name in never:
            continue
        found = declare(timeline.relations, name, setting)
        if isinstance(found, Kfunc):
            refused = uses.refused(name, options.min_kernel)
            if isinstance(refused, KernelVersion):
                note = uses.why(name, refused).capitalize()
                found = replace(found, comment=(*found.comment, note))
            kfuncs.append(found)
        elif isinstance(found, KernelVersion):
            later.append((name, found))
        else:
            left_out.append((name, found))
    kfuncs.sort(key=lambda item: (item.since, item.name))
    read = timeline.relations.read("kfunc") if names else ("",)
    return Section(
        names, tuple(kfuncs), tuple(later), tuple(left_out), tuple(never),
        () if beside is None else _lacking(kfuncs, beside), read[0], read[-1],
    )  # fmt: skip
