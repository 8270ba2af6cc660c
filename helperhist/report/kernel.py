"""Reports about a kernel: text for people, JSON for machines."""

from collections import Counter
from typing import Any

from helperhist.errors import DatasetError
from helperhist.kernel import Comparison, KernelInfo
from helperhist.report.terminal import fields, table
from helperhist.timeline import LISTS, SENTINEL, Timeline, no_such_kind, plural, sort_key

__all__ = ["kernel_json", "render_kernel", "render_names"]

#: Kinds that are counted on a line of their own.
_COUNTED = (*LISTS, "field", "flag")

#: Differences printed; more say that the comparison is with the wrong release.
_MAX_ROWS = 60

_NOT_IN_BTF = (
    "BTF has no #define, and anonymous enums only where the kernel uses them: flags that are not "
    "listed may exist"
)
_NO_KFUNCS = {
    "btf": "not in this BTF: only a newer pahole marks them",
    "vmlinux.h": "not declared in this file: only a newer bpftool writes them",
    "header": "not in a UAPI header: give BTF",
    "git": "not in a UAPI header: give BTF",
}


def kernel_json(
    info: KernelInfo, comparison: Comparison | None, timeline: Timeline
) -> dict[str, Any]:
    """Return the documented JSON object of a kernel."""
    names: dict[str, list[dict[str, Any]]] = {}
    for name in sorted(info.names, key=sort_key):
        names.setdefault(name.kind, []).append({"name": name.name, "id": name.id})
    hidden = sorted({r.kind for r in timeline.rows if not info.can_show(r.kind, r.name)})
    return {
        "source": info.source,
        "form": info.form,
        "version": info.version,
        "corresponds": None if comparison is None else comparison.to_json(timeline),
        "names": names,
        "kfuncs": None if info.kfuncs is None else list(info.kfuncs),
        "modules": None if info.modules is None else list(info.modules),
        "cannot_show": [kind for kind in hidden if kind != SENTINEL],
    }


def render_names(info: KernelInfo, kinds: tuple[str, ...]) -> str:
    """List the names of some kinds, one per line: kind, number, name.

    :raises DatasetError: the kernel has no such kind, or the source cannot show it
    """
    have = {name.kind for name in info.names} | {"kfunc"}
    for kind in kinds:
        if kind not in have | {"all"}:
            raise DatasetError(f"{info.source}: {no_such_kind(kind, have)}")
        if kind == "kfunc" and info.kfuncs is None:
            raise DatasetError(f"kfuncs of {info.source}: {_NO_KFUNCS[info.form]}")
    rows = [
        (name.kind, "" if name.id is None else str(name.id), name.name)
        for name in sorted(info.names, key=sort_key)
        if "all" in kinds or name.kind in kinds
    ]
    if "all" in kinds or "kfunc" in kinds:
        rows += [("kfunc", "", name) for name in info.kfuncs or ()]
    return table(("kind", "id", "name"), rows, 1000) + "\n" if rows else ""


def render_kernel(
    info: KernelInfo, comparison: Comparison | None, timeline: Timeline, width: int
) -> str:
    """Tell what a kernel has and how it differs from a release."""
    pairs = []
    if info.version is not None:
        pairs.append(("version", info.version))
    if comparison is not None:
        pairs.append(("content", _content(comparison, timeline)))
    counts = Counter(name.kind for name in info.names)
    pairs += [(plural(kind), str(counts[kind])) for kind in _COUNTED if counts[kind]]
    others = sum(count for kind, count in counts.items() if kind not in _COUNTED)
    if others:
        pairs.append(("others", str(others)))
    if info.kfuncs is None:
        kfuncs = _NO_KFUNCS[info.form]
    else:
        kfuncs = f"{len(info.kfuncs)}, {_modules(info.modules)}"
    pairs.append(("kfuncs", kfuncs))
    if info.whole is not None and comparison is not None:
        pairs.append(("note", _NOT_IN_BTF))
    text = f"{info.source}\n{fields(pairs, width)}"
    if comparison is None:
        return text
    rows = _differences(comparison, timeline)
    if rows:
        text += f"\nbeside mainline {comparison.release}:\n"
        # Names are never cut, whatever the width.
        text += table(("", "since", "kind", "number", "name"), rows[:_MAX_ROWS], 1000)
        if len(rows) > _MAX_ROWS:
            text += f"\n... and {len(rows) - _MAX_ROWS} more; --json has all"
    return text


def _modules(modules: tuple[str, ...] | None) -> str:
    if modules is None:
        return "modules not looked at"
    return f"of the kernel and {len(modules)} modules that are loaded"


def _content(comparison: Comparison, timeline: Timeline) -> str:
    release = comparison.release
    shown = release
    if comparison.oldest != release:
        shown = f"{comparison.oldest} to {release}, which are alike"
    if comparison.newer_than_data:
        newest = timeline.metadata.newest or release
        return (
            f"newer than {release}: {len(comparison.unknown)} names are not in this data, which "
            f"ends at {newest}"
        )
    if comparison.is_exact:
        return f"mainline {shown}"
    parts = [
        f"{len(part)} {label}"
        for label, part in (
            ("added", comparison.added),
            ("missing", comparison.missing),
            ("with other numbers", comparison.renumbered),
            ("unknown to mainline", comparison.unknown),
        )
        if part
    ]
    return f"mainline {shown}, but {', '.join(parts)}"


def _differences(comparison: Comparison, timeline: Timeline) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for label, names in (("added", comparison.added), ("missing", comparison.missing)):
        for name in names:
            row = timeline.since(name.name)
            since = row.since if row is not None and row.since else "never"
            rows.append((label, since, name.kind, _number(name.id), name.name))
    for ours, theirs in comparison.renumbered:
        number = f"{_number(ours.id)}, not {_number(theirs.id)}"
        rows.append(("renumbered", "", ours.kind, number, ours.name))
    rows += [("unknown", "", n.kind, _number(n.id), n.name) for n in comparison.unknown]
    return rows


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
