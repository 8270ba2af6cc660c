"""The timeline in the shapes of two tables that people keep by hand: bcc's and ebpf-docs'.

Left out are names that no release has (yet or any more), second names of a number
(``BPF_PROG_RUN``), and names of which the data only tells that they are not younger than it.
"""

from collections.abc import Iterable, Sequence

from helperhist.errors import HelperhistError
from helperhist.timeline import Row, Timeline, by_release, first_names

__all__ = ["BCC_TABLES", "DOCS_GROUPS", "bcc_tables", "ebpf_docs_groups"]

#: Kind to heading and header of bcc's docs/kernel-versions.md, the tables that we can fill.
BCC_TABLES = {
    "prog_type": ("### Program types", "Program type", "-------------"),
    "map_type": ("### Map types", "Map type", "---------"),
    "helper": ("## Helpers", "Helper", "-------"),
}

#: Kind to group of ebpf-docs' data/feature-versions.yaml, in its order.
DOCS_GROUPS = {
    "prog_type": "program_types",
    "map_type": "map_types",
    "attach_type": "attach_types",
    "cmd": "syscall_commands",
    "link_type": "link_type",
    "helper": "helpers",
    "flag": "flags",
}


def bcc_tables(timeline: Timeline, rows: Sequence[Row]) -> bytes:
    """Return tables as in bcc's ``docs/kernel-versions.md``.

    Helpers are sorted by name, types by release and number, as bcc does. ``bpf.h`` does not say
    which helpers want a GPL-compatible program: that column has ``?``. The first column of types
    is prose in bcc; here it has the words of the enumerator.

    :raises HelperhistError: bcc has no table for any of the rows
    """
    tables = []
    for kind, (heading, title, rule) in BCC_TABLES.items():
        chosen = _rows(rows, kind)
        if not chosen:
            continue
        if kind == "helper":
            lines = [f"{title} | Kernel version | License | Commit |"]
            lines.append(f"{rule}|----------------|---------|--------|")
            for row in sorted(chosen, key=lambda row: row.name):
                name = f"`BPF_FUNC_{row.name.removeprefix('bpf_')}()`"
                lines.append(f"{name} | {row.since} | ? | {_link(timeline, row)}".rstrip())
        else:
            lines = [f"{title} | Kernel version | Commit | Enum"]
            lines.append(f"{rule}|----------------|--------|-----")
            prefix = f"BPF_{kind.upper()}_"
            for row in sorted(chosen, key=by_release):
                words = row.name.removeprefix(prefix).replace("_", " ").lower()
                lines.append(f"{words} | {row.since} | {_link(timeline, row)} | {row.name}")
        tables.append("\n".join([heading, "", *lines]))
    _require(tables, rows, "bcc", BCC_TABLES)
    return ("\n\n".join(tables) + "\n").encode()


def ebpf_docs_groups(_: Timeline, rows: Sequence[Row]) -> bytes:
    """Return groups as in ebpf-docs' ``data/feature-versions.yaml``, each in row order.

    :raises HelperhistError: ebpf-docs has no group for any of the rows
    """
    lines: list[str] = []
    for kind, group in DOCS_GROUPS.items():
        chosen = _rows(rows, kind)
        if not chosen:
            continue
        lines += [f"- name: {group}", "  features:"]
        for row in chosen:
            lines += [f"    - name: {row.name}", f"      version: v{row.since}"]
            if row.commit:
                lines.append(f"      commit: {row.commit}")
    _require(lines, rows, "ebpf-docs", DOCS_GROUPS)
    return ("\n".join(lines) + "\n").encode()


def _rows(rows: Iterable[Row], kind: str) -> list[Row]:
    """Return the rows of one kind that a table can state, each number once."""
    chosen = [row for row in rows if row.kind == kind and row.tag and row.removed is None]
    # Values of flags are no numbers of a list.
    chosen = chosen if kind == "flag" else first_names(chosen)
    return [row for row in chosen if not row.or_earlier]


def _link(timeline: Timeline, row: Row) -> str:
    if row.commit is None:
        return ""
    short = f"`{row.commit[:12]}`"
    if not timeline.metadata.kernel:
        return short
    return f"[{short}](https://github.com/torvalds/linux/commit/{row.commit})"


def _require(parts: Sequence[str], rows: Sequence[Row], form: str, kinds: Iterable[str]) -> None:
    if not parts:
        asked = ", ".join(sorted({row.kind for row in rows})) or "nothing"
        raise HelperhistError(f"{form} has no table of {asked}; --kind takes {', '.join(kinds)}")
