"""What a stated version is beside the right one."""

from helperhist.audit.tables.model import Stated
from helperhist.errors import InvalidVersion
from helperhist.timeline import Row
from helperhist.version import KernelVersion

__all__ = ["compare", "maybe_older", "read_version", "weaken"]


def read_version(text: str) -> tuple[str, KernelVersion | None]:
    """Return a stated version as we write versions, and its value if it is one."""
    dotted = ".".join(part.strip() for part in text.split(","))
    try:
        version = KernelVersion.parse(dotted)
    except InvalidVersion:
        return text, None
    return version.text, version


def compare(
    stated: KernelVersion | None, actual: KernelVersion | None, row: Row
) -> tuple[str, str]:
    """Return the verdict on a stated version, and the reason if it needs one."""
    if stated is None:
        return "wrong", "states no version"
    if actual is None:
        return "wrong", f"in no mainline release; first tag {row.first_tag}"
    if row.or_earlier:
        if stated > actual:
            return "wrong", f"{actual} has it already"
        return "unjudged", maybe_older(actual)
    if stated.rc is not None and KernelVersion.parse(stated.release) == actual:
        first = None if row.first_tag is None else KernelVersion.parse(row.first_tag)
        if first is None or first.rc is None:
            return "unjudged", "the data has no release candidates"
        return ("right", "") if first == stated else ("wrong", f"first in {row.first_tag}")
    if stated != actual:
        return "wrong", ""
    return "right", "" if row.tag else "not released yet"


def maybe_older(release: object) -> str:
    """Say why we know no first release of a name."""
    return f"in {release} or earlier: the release before is not in the data"


def weaken(
    stated: Stated,
    verdict: str,
    why: str,
    version: KernelVersion | None,
    actual: KernelVersion | None,
) -> tuple[str, str]:
    """Return a verdict, weakened where the row leaves doubt."""
    if stated.doubt:
        return "unjudged", stated.doubt
    if verdict != "wrong" or version is None or actual is None or version < actual:
        return verdict, why
    if stated.beside:
        return "unjudged", f"later than {actual}, but with {stated.beside[0]}"
    if stated.listed:
        return "unjudged", f"later than {actual}, in a list of what {version} has"
    return verdict, why
