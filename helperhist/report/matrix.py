"""Many objects against many kernels: yes, no or ?, and why."""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from helperhist.check import Checked, Column, Findings, Verdict
from helperhist.printable import printable
from helperhist.report.refusals import place, reason

__all__ = ["matrix_markdown", "matrix_rows", "render_matrix"]

_CELLS = {"yes": "yes", "no": "no", "cannot tell": "?"}
#: Names of files that say nothing of the kernel.
_PLAIN = {"vmlinux", "vmlinux.btf", "vmlinuz", "btf", "bpf.h", "vmlinux.h", "Image", "bzImage"}
#: Reasons of one object, and kernels of one reason, that are shown.
_REASONS = 8
_KERNELS = 4


def _labels(columns: Sequence[Column]) -> list[str]:
    """Return what to call the kernels: of paths as much of the end as tells them apart."""
    texts = [printable(column.aim.label) for column in columns]
    plain = any(PurePath(text).name in _PLAIN for text in texts)
    for parts in range(1 + plain, 5):
        short = ["/".join(PurePath(text).parts[-parts:]) for text in texts]
        if len(set(short)) == len(texts):
            return short
    return texts


def render_matrix(checked: Sequence[Checked], columns: Sequence[Column], width: int) -> str:
    """Return the matrix, with the kernels numbered where their names are too wide, and why not."""
    labels = _labels(columns)
    names = [_ending(printable(item.label), width // 2) for item in checked]
    first = max([len("object"), *map(len, names)])
    heads, blocks = labels, []
    if first + sum(len(head) + 2 for head in labels) > width:
        heads = [str(number) for number in range(1, len(labels) + 1)]
        blocks.append(
            "\n".join(
                [
                    "kernels",
                    *(f"{head:>4}  {text}" for head, text in zip(heads, labels, strict=True)),
                ]
            )
        )
    size = max(len("yes"), *map(len, heads)) if heads is not labels else 0
    sizes = [size or max(3, len(head)) for head in heads]
    for start, end in _pages(sizes, width - first):
        head = ["object", *heads[start:end]]
        rows = [
            [name, *(_CELLS[column.verdicts[at].answer] for column in columns[start:end])]
            for at, name in enumerate(names)
        ]
        widths = [first, *sizes[start:end]]
        blocks.append(
            "\n".join(
                "  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
                for row in (head, *rows)
            )
        )
    reasons = [
        line
        for at, item in enumerate(checked)
        for line in _reasons(
            item, [column.verdicts[at] for column in columns], labels if not size else heads, width
        )
    ]
    if reasons:
        blocks.append("\n".join(["why not", *reasons]))
    return "\n\n".join(blocks)


def _ending(text: str, most: int) -> str:
    return text if len(text) <= most else "…" + text[-(most - 1) :]


def _pages(sizes: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Yield the columns that fit beside each other."""
    start, used = 0, 0
    for at, size in enumerate(sizes):
        if used + size + 2 > room and at > start:
            yield start, at
            start, used = at, 0
        used += size + 2
    if sizes:
        yield start, len(sizes)


def _reasons(
    item: Checked, verdicts: Sequence[Verdict], labels: Sequence[str], width: int
) -> list[str]:
    """Return why an object is not a yes: each reason once, with the kernels that give it."""
    assert item.findings is not None
    found: dict[str, list[str]] = {}
    for text in _refused(item.findings):
        found.setdefault(text, list(labels))
    for verdict, label in zip(verdicts, labels, strict=True):
        here: dict[str, None] = {}
        for lack in verdict.lacks:
            instead = f"; instead: {lack.instead}" if lack.instead else ""
            here[f"{lack.item.name}: {lack.reason}{instead}"] = None
        if verdict.answer == "cannot tell" and not here:
            here["nobody can tell what this kernel has"] = None
        for text in here:
            found.setdefault(text, []).append(label)
    if not found:
        return []
    lines = [_ending(printable(item.label), width)]
    for text, where in list(found.items())[:_REASONS]:
        shown = ", ".join(where[:_KERNELS])
        if len(where) == len(labels) and len(where) > 1:
            shown = "all"
        elif len(where) > _KERNELS:
            shown += f" and {len(where) - _KERNELS} more"
        lines += textwrap.wrap(
            printable(f"{text} ({shown})"),
            width,
            initial_indent="  ",
            subsequent_indent="    ",
            break_on_hyphens=False,
        )
    if len(found) > _REASONS:
        lines.append(f"  and {len(found) - _REASONS} more")
    return lines


def _refused(findings: Findings) -> Iterator[str]:
    for refusal in findings.refused:
        yield f"{place(refusal)}{reason(refusal)}"


def matrix_rows(
    checked: Sequence[Checked], columns: Sequence[Column]
) -> tuple[list[str], list[list[str]]]:
    """Return the matrix as a head and rows: ``yes``, ``no`` or ``cannot tell``."""
    head = ["object", *(column.aim.label for column in columns)]
    rows = [
        [item.label, *(column.verdicts[at].answer for column in columns)]
        for at, item in enumerate(checked)
    ]
    return head, rows


def matrix_markdown(checked: Sequence[Checked], columns: Sequence[Column]) -> str:
    """Return the matrix as a table of Markdown."""
    head, rows = matrix_rows(checked, columns)
    lines = [_line(head), _line(["---"] * len(head)), *map(_line, rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(printable(cell).replace("|", "\\|") for cell in cells) + " |"
