"""What the BTF of one kernel says of an object, as text."""

from helperhist.check import Against, Relocated
from helperhist.printable import printable

__all__ = ["render_against"]


def render_against(file: str, found: Against, explain: bool) -> str:
    """Return the remarks on an object; with ``explain``, what became of each relocation.

    :return: empty if there is nothing to say
    """
    lines = [f"note: {printable(remark)}" for remark in found.remarks]
    if explain:
        count = len(found.relocations)
        lines.append(f"{file}: {count} CO-RE relocation{'' if count == 1 else 's'}")
        lines += [_relocated(item) for item in found.relocations]
    return "\n".join(lines)


def _relocated(item: Relocated) -> str:
    """Return one line: where, what, and what it becomes."""
    place = f"{item.function}:{item.insn}" + (f" {item.source}" if item.source else "")
    if item.state == "resolved":
        became = f"{item.value}"
        if item.value != item.local:
            became += f" (compiled: {item.local})"
    else:
        became = f"{item.state}: {item.reason}"
        if item.seen:
            became += f"; seen: {', '.join(item.seen)}"
    return printable(f"  {place}  {item.kind} {item.spec} -> {became}")
